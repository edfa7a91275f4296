"""edgeX, second generation: perpetuals in USDC; quotes and tickers of all contracts by two topics. Facts: README.md."""

from collections.abc import Sequence
from typing import Final

import msgspec

from services.collector.continuity import nothing_follows
from services.collector.typed_rows import UNREADABLE
from services.collector.venue import Call, Channel, Endpoint, Host, Limits, Ping, Span, Venue
from services.collector.venues.edgex import decode_rest
from services.collector.venues.edgex.decode import BEST, PUSH, TICKER, decoder
from services.collector.venues.edgex.instruments import METADATA, NAME, is_listing, listing
from services.collector.venues.edgex.shapes import Frame
from shared.instruments import Instrument, Market

PUBLIC: Final = "public"
REST: Final = "rest"
SOCKET_URL: Final = "wss://edgex-quote-prod-v2.edgex.exchange/api/v1/public/ws?timestamp={ms}"
REST_URL: Final = "https://edgex-prod-v2.edgex.exchange"
#: the form of a topic that serves all contracts, once a second
EVERY: Final = ".all.1s"

_frame: Final = msgspec.json.Decoder(Frame)


def topic(channel: Channel, instrument: Instrument | None) -> str:
    """`bookTicker.all.1s`, `ticker.30000001`."""
    return f"{channel.name}{EVERY}" if instrument is None else f"{channel.name}.{instrument.native}"


def channel_of(text: str) -> str | None:
    """The channel of a topic, planned here or not."""
    return text.partition(".")[0] or None


def topic_of(frame: bytes) -> str | None:
    try:
        read = _frame.decode(frame)
    except UNREADABLE:
        return None
    return read.channel or None if read.type == PUSH else None


def market_of(_frame: bytes) -> Market:
    """There is no other market."""
    return "perp"


def request(kind: str, topics: Sequence[str]) -> bytes:
    """One request; the exchange takes one channel in each."""
    (one,) = topics
    return msgspec.json.encode({"type": kind, "channel": one})


def trade_url(instrument: Instrument) -> str:
    """By the contract's own name."""
    name = instrument.aliases[0] if instrument.aliases else f"{instrument.base}{instrument.quote}"
    return f"https://pro.edgex.exchange/en-US/perpetuals/{name}"


VENUE: Final = Venue(
    name=NAME,
    display_name="edgeX",
    cryexc={},
    # limits are not published; this is well below what answered others
    hosts=(Host(REST, REST_URL, 240, 60.0),),
    endpoints=(
        Endpoint(
            PUBLIC,
            SOCKET_URL,
            "perp",
            # both ask each other for a sign of life
            Ping(b'{"type":"ping","time":"{ms}"}', idle_s=30.0, dead_s=60.0, always=True),
            Limits(topics_per_connection=20, topics_per_frame=1, frames_per_second=5.0, connects=(10, 60.0)),
        ),
    ),
    channels=(
        Channel(BEST, PUBLIC, "perp", ("quote",), "market", mode="periodic", period_ms=1000, silent_s=30.0),
        Channel(
            TICKER,
            PUBLIC,
            "perp",
            ("mark", "funding", "stats"),
            "market",
            mode="periodic",
            period_ms=1000,
            silent_s=30.0,
        ),
    ),
    calls=(
        Call(METADATA, "listing", REST, decode_rest.METADATA, "perp"),
        # the best of a book: the ticker's best prices have no sizes
        Call(
            "depth",
            "quotes",
            REST,
            decode_rest.DEPTH,
            "perp",
            {"level": "15"},
            makes=("quote",),
            symbol_param="contractId",
        ),
        Call(
            "funding",
            "settlements",
            REST,
            decode_rest.HISTORY,
            "perp",
            {"size": "100", "filterSettlementFundingRate": "true"},
            makes=("funding",),
            symbol_param="contractId",
            span=Span("filterBeginTimeInclusive", "filterEndTimeExclusive"),
        ),
    ),
    taker_fee_bps={"perp": "3.8"},
    maker_fee_bps={"perp": "1.8"},
    listing=listing,
    is_listing=is_listing,
    market_of=market_of,
    topic=topic,
    channel_of=channel_of,
    subscribe=lambda topics, _number: request("subscribe", topics),
    unsubscribe=lambda topics, _number: request("unsubscribe", topics),
    decoder=decoder,
    follows=nothing_follows,  # no book is collected
    resync="resubscribe",
    rest_quotes="single",
    trade_url=trade_url,
    topic_of=topic_of,
)
