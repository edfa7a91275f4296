"""Backpack: perpetuals and spot pairs over one public socket, which answers errors alone. Facts: README.md."""

from collections.abc import Sequence
from typing import Final

import msgspec

from services.collector.continuity import nothing_follows
from services.collector.venue import Call, Channel, Endpoint, Host, Limits, Ping, Venue
from services.collector.venues.backpack import decode_rest
from services.collector.venues.backpack.decode import BOOK_TICKER, MARK_PRICE, channel_of, decoder, topic_of
from services.collector.venues.backpack.instruments import MARKETS, NAME, is_listing, listing, outside
from shared.instruments import Instrument, Market

PUBLIC: Final = "public"
REST: Final = "rest"


def topic(channel: Channel, instrument: Instrument | None) -> str:
    """`bookTicker.BTC_USDC_PERP`: every channel is of one market."""
    return f"{channel.name}.{'' if instrument is None else instrument.native}"


def request(method: str, topics: Sequence[str]) -> bytes:
    """One request. It has no id, since nothing but an error is answered, and that without one."""
    return msgspec.json.encode({"method": method, "params": list(topics)})


def market_of(_frame: bytes) -> Market | None:
    """Ids tell the markets apart: no help is needed."""
    return None


def trade_url(instrument: Instrument) -> str:
    return f"https://backpack.exchange/trade/{instrument.native}"


def _depth(market: Market) -> Call:
    """The book of one market: there is no call for the quotes of all."""
    return Call(
        f"depth_{market}",
        "quotes",
        REST,
        decode_rest.DEPTH,
        market,
        {"limit": "5"},
        makes=("quote",),
        symbol_param="symbol",
    )


VENUE: Final = Venue(
    name=NAME,
    display_name="Backpack",
    cryexc={},  # it has streams of trades alone, which are not collected here
    # no limit is published: half of the 20 calls a second that are known to be borne
    hosts=(Host(REST, "https://api.backpack.exchange", 600, 60.0),),
    endpoints=(
        Endpoint(
            PUBLIC,
            "wss://ws.backpack.exchange",
            None,
            # the exchange pings each 60 s, so that a whole connection is never silent for longer
            Ping(None, idle_s=20.0, dead_s=75.0),
            # none is published: 91 topics on one socket are known to be borne
            Limits(topics_per_connection=90, topics_per_frame=30, frames_per_second=5.0, connects=(60, 60.0)),
            acks=False,
        ),
    ),
    channels=(
        Channel(BOOK_TICKER, PUBLIC, "perp", ("quote",)),
        Channel(BOOK_TICKER, PUBLIC, "spot", ("quote",)),
        Channel(MARK_PRICE, PUBLIC, "perp", ("mark", "funding"), mode="periodic", period_ms=1000, silent_s=300.0),
    ),
    calls=(
        Call(MARKETS, "listing", REST, decode_rest.MARKETS, None),
        Call("mark_prices", "quotes", REST, decode_rest.MARK_PRICES, "perp", makes=("mark", "funding")),
        _depth("perp"),
        _depth("spot"),
        Call(
            "funding_rates",
            "settlements",
            REST,
            decode_rest.FUNDING_RATES,
            "perp",
            makes=("funding",),
            symbol_param="symbol",
        ),
    ),
    taker_fee_bps={"spot": "10", "perp": "5"},
    maker_fee_bps={"spot": "8", "perp": "2"},
    listing=listing,
    is_listing=is_listing,
    market_of=market_of,
    topic=topic,
    channel_of=channel_of,
    subscribe=lambda topics, number: request("SUBSCRIBE", topics),
    unsubscribe=lambda topics, number: request("UNSUBSCRIBE", topics),
    decoder=decoder,
    follows=nothing_follows,  # no book is collected
    resync="resubscribe",
    rest_quotes="single",
    trade_url=trade_url,
    topic_of=topic_of,
    outside=outside,
)
