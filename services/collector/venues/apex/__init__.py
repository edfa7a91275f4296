"""ApeX Omni: linear perpetuals, over one public socket address. Facts and links: README.md.

Books and the figures of instruments have connections of their own, so that one kind's silence costs the other nothing.
"""

from typing import Final

from services.collector.continuity import nothing_follows
from services.collector.venue import Call, Channel, Endpoint, Host, Limits, Ping, Venue
from services.collector.venues.apex.answers import BOOK, INFO, channel_of, request_frame, topic_text
from services.collector.venues.apex.decode import decoder, topic_of
from services.collector.venues.apex.decode_rest import DEPTH, LISTING, PAID
from services.collector.venues.apex.instruments import NAME, SYMBOLS, is_listing, listing, outside, with_dash
from shared.instruments import Instrument, Market

REST: Final = "rest"
URL: Final = "wss://quote.omni.apex.exchange/realtime_public?v=2&timestamp={ms}"
#: nothing of this is published; it is modest
_LIMITS: Final = Limits(
    topics_per_connection=100,
    topics_per_frame=10,
    frames_per_second=5.0,
    connects=(30, 60.0),
)
_PING: Final = Ping(b'{"op":"ping","args":["{ms}"]}', idle_s=15.0, dead_s=45.0, always=True)


def topic(channel: Channel, instrument: Instrument | None) -> str:
    """`orderBook25.H.BTCUSDT`: every topic is an instrument's."""
    return channel.name if instrument is None else topic_text(channel.name, instrument.native)


def market_of(_frame: bytes) -> Market:
    """There is no other market."""
    return "perp"


def trade_url(instrument: Instrument) -> str:
    return f"https://omni.apex.exchange/trade/{instrument.native}"


VENUE: Final = Venue(
    name=NAME,
    display_name="ApeX Omni",
    cryexc={},
    hosts=(Host(REST, "https://omni.apex.exchange/api", 600, 60.0),),
    endpoints=(
        Endpoint("book", URL, "perp", _PING, _LIMITS),
        Endpoint("info", URL, "perp", _PING, _LIMITS),
    ),
    channels=(
        # silent_s: a market out of its hours says nothing; to subscribe anew brings its snapshot
        Channel(BOOK, "book", "perp", ("quote",), silent_s=60.0),
        Channel(INFO, "info", "perp", ("mark", "funding", "stats"), silent_s=300.0),
    ),
    calls=(
        Call(SYMBOLS, "listing", REST, LISTING, "perp"),
        Call("depth", "quotes", REST, DEPTH, "perp", makes=("quote",), symbol_param="symbol"),
        Call(
            "history_funding",
            "settlements",
            REST,
            PAID,
            "perp",
            makes=("funding",),
            symbol_param="symbol",
            spelled=with_dash,
        ),
    ),
    taker_fee_bps={"perp": "5"},
    maker_fee_bps={"perp": "2"},
    listing=listing,
    is_listing=is_listing,
    market_of=market_of,
    topic=topic,
    channel_of=channel_of,
    subscribe=lambda topics, _number: request_frame("subscribe", topics),
    unsubscribe=lambda topics, _number: request_frame("unsubscribe", topics),
    decoder=decoder,
    follows=nothing_follows,  # the books that quotes are made of never leave the decoder
    resync="resubscribe",
    rest_quotes="single",
    trade_url=trade_url,
    topic_of=topic_of,
    outside=outside,
    snapshot_levels=25,
)
