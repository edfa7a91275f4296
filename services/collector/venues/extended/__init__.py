"""Extended: perpetuals settled in dollars, one stream of all markets an address. Facts, links, quirks: README.md."""

from typing import Final

from services.collector.continuity import nothing_follows
from services.collector.venue import Call, Channel, Endpoint, Host, Limits, Ping, Span, Venue
from services.collector.venues.extended.decode import BOOKS, FUNDING, MARKS, decoder, topic_of
from services.collector.venues.extended.decode_rest import MARKETS_PATH
from services.collector.venues.extended.instruments import MARKETS, NAME, is_listing, listing
from shared.instruments import Instrument, Market

REST: Final = "rest"
_STREAMS: Final = "wss://api.starknet.extended.exchange/stream.extended.exchange/v1"


def _endpoint(name: str, path: str) -> Endpoint:
    """An address is a subscription: nothing is sent, and nothing answered."""
    return Endpoint(
        name,
        f"{_STREAMS}/{path}",
        "perp",
        Ping(frame=None, idle_s=15.0, dead_s=45.0),
        Limits(topics_per_connection=1, topics_per_frame=1, frames_per_second=1.0, connects=(20, 60.0)),
        acks=False,
    )


def topic(channel: Channel, instrument: Instrument | None) -> str:
    return channel.name if instrument is None else f"{channel.name}/{instrument.native}"


def channel_of(text: str) -> str | None:
    """A topic is a channel: each carries all markets."""
    return text or None


def market_of(_frame: bytes) -> Market:
    """There is no other market."""
    return "perp"


def trade_url(_instrument: Instrument) -> str:
    """The address of an instrument's own page is not known."""
    return "https://extended.exchange"


VENUE: Final = Venue(
    name=NAME,
    display_name="Extended",
    cryexc={},  # its streams are of trades, which are not collected here
    hosts=(Host(REST, "https://api.starknet.extended.exchange", 1_000, 60.0),),
    endpoints=(
        _endpoint("quotes", "orderbooks?depth=1"),
        _endpoint("marks", "prices/mark"),
        _endpoint("funding", "funding"),
    ),
    channels=(
        Channel(BOOKS, "quotes", "perp", ("quote",), scope="market", silent_s=30.0),
        Channel(MARKS, "marks", "perp", ("mark",), scope="market", silent_s=30.0),
        # one a minute
        Channel(FUNDING, "funding", "perp", ("funding",), scope="market", silent_s=180.0),
    ),
    calls=(
        Call(MARKETS, "listing", REST, MARKETS_PATH, "perp"),
        Call("stats", "poll", REST, MARKETS_PATH, "perp", every_s=60.0, makes=("funding", "stats")),
        Call(
            "quotes",
            "quotes",
            REST,
            f"{MARKETS_PATH}/{{market}}/orderbook",
            "perp",
            makes=("quote",),
            symbol_param="market",
        ),
        Call(
            "settlements",
            "settlements",
            REST,
            "/api/v1/info/{market}/funding",
            "perp",
            makes=("funding",),
            symbol_param="market",
            span=Span("startTime", "endTime"),
        ),
    ),
    taker_fee_bps={"perp": "2.5"},
    maker_fee_bps={"perp": "0"},
    listing=listing,
    is_listing=is_listing,
    market_of=market_of,
    topic=topic,
    channel_of=channel_of,
    subscribe=lambda topics, number: b"",
    unsubscribe=lambda topics, number: b"",
    decoder=decoder,
    follows=nothing_follows,  # no book is collected
    resync="resubscribe",
    rest_quotes="single",
    trade_url=trade_url,
    topic_of=topic_of,
)
