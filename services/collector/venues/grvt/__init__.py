"""GRVT: linear perpetuals, over one public socket address. Facts and links: README.md.

A request names one stream, so each stream has connections of its own; a second rate of the same stream and instrument
would replace the first, which cannot happen that way either.
"""

from typing import Final

from services.collector.messages import BookDelta, BookSnapshot
from services.collector.venue import Call, Channel, Endpoint, Follow, Host, Limits, Ping, Span, Venue
from services.collector.venues.grvt.answers import request_frame, topic_text
from services.collector.venues.grvt.changes import judge
from services.collector.venues.grvt.decode import decoder, object_of, text
from services.collector.venues.grvt.instruments import INSTRUMENTS, NAME, is_listing, listing, outside
from services.collector.venues.grvt.reading import MINI, MINI_DELTA, TICKER
from services.collector.venues.grvt.settings import (
    EDGE,
    EDGE_URL,
    ENDPOINTS,
    MARKET_DATA,
    REST_URL,
    SOCKET_URL,
    VARIABLES,
)
from services.collector.venues.grvt.shapes import ABSENT, begins
from shared.instruments import Instrument, Market

BOOK: Final = "v1.book.d"
TRADE: Final = "v1.trade"
#: the second half of a selector: the least milliseconds between two frames (0: each change at once)
RATES: Final = {MINI_DELTA: "0", MINI: "200", TICKER: "5000", BOOK: "50", TRADE: "50"}

#: Nothing of this is published; it stays well below what other clients are known to do.
_LIMITS: Final = Limits(
    topics_per_connection=200,
    topics_per_frame=50,
    frames_per_second=5.0,
    frame_bytes=16_000,
    connects=(30, 60.0),
)
_PING: Final = Ping(frame=None, idle_s=20.0, dead_s=45.0)


def _endpoint(name: str) -> Endpoint:
    return Endpoint(name, SOCKET_URL, "perp", _PING, _LIMITS)


def topic(channel: Channel, instrument: Instrument | None) -> str:
    """`v1.mini.d:BTC_USDT_Perp@0`."""
    native = "" if instrument is None else instrument.native
    return topic_text(channel.name, f"{native}@{RATES[channel.name]}")


def channel_of(text: str) -> str | None:
    """The channel of a topic, planned here or not."""
    return text.partition(":")[0] or None


def topic_of(frame: bytes) -> str | None:
    keys = object_of(frame)
    if not isinstance(keys, dict) or not begins(keys.get("feed", ABSENT), b"{"):
        return None
    stream = text(keys, "stream")
    return topic_text(stream, text(keys, "selector")) if stream else None


def market_of(_frame: bytes) -> Market:
    """There is no other market."""
    return "perp"


def follows(previous: BookSnapshot | BookDelta, delta: BookDelta) -> Follow:
    """The rule of all delta feeds (`changes.py`); a picture over REST has no number, so nothing can follow it."""
    if previous.seq is None or delta.seq is None:
        return "gap"
    verdict = judge(previous.seq, delta.seq, delta.prev_seq)
    return {"next": "apply", "doubled": "skip"}.get(verdict, "gap")  # type: ignore[return-value]


def trade_url(instrument: Instrument) -> str:
    return f"https://grvt.io/exchange/perpetual/{instrument.native.removesuffix('_Perp').replace('_', '-')}"


VENUE: Final = Venue(
    name=NAME,
    display_name="GRVT",
    cryexc={"perp": "grvt"},
    # per-endpoint budgets are not published; other clients keep to 500 a minute and more
    hosts=(Host(MARKET_DATA, REST_URL, 400, 60.0), Host(EDGE, EDGE_URL, 10, 60.0)),
    endpoints=tuple(_endpoint(name) for name in ENDPOINTS),
    channels=(
        # silent_s: a market out of its hours says nothing; to subscribe anew brings its picture
        Channel(MINI_DELTA, "mini", "perp", ("quote", "mark"), rank=0, silent_s=60.0),
        Channel(MINI, "mini_snap", "perp", ("quote", "mark"), rank=1, mode="periodic", period_ms=200, silent_s=60.0),
        Channel(
            TICKER,
            "ticker",
            "perp",
            ("quote", "mark", "funding", "stats"),
            rank=2,
            mode="periodic",
            period_ms=5_000,
            silent_s=60.0,
        ),
        Channel(BOOK, "book", "perp", ("book",), on_demand=True, silent_s=60.0, weight=4),
        Channel(TRADE, "trade", "perp", ("trade",), on_demand=True),
    ),
    calls=(
        Call(
            INSTRUMENTS,
            "listing",
            MARKET_DATA,
            "/full/v1/all_instruments",
            "perp",
            body={"is_active": True},
        ),
        Call(
            "ticker",
            "quotes",
            MARKET_DATA,
            "/full/v1/ticker",
            "perp",
            makes=("quote", "mark", "funding", "stats"),
            symbol_param="instrument",
            body={},
        ),
        Call(
            "book",
            "book",
            MARKET_DATA,
            "/full/v1/book",
            "perp",
            makes=("book",),
            symbol_param="instrument",
            body={"depth": 500},
        ),
        Call(
            "funding",
            "settlements",
            MARKET_DATA,
            "/full/v1/funding",
            "perp",
            makes=("funding",),
            symbol_param="instrument",
            body={"agg_type": "FUNDING_INTERVAL", "limit": 500},
            span=Span("start_time", "end_time", digits=9, text=True),
        ),
    ),
    taker_fee_bps={"perp": "4.5"},
    maker_fee_bps={"perp": "-0.01"},
    listing=listing,
    is_listing=is_listing,
    market_of=market_of,
    topic=topic,
    channel_of=channel_of,
    subscribe=lambda topics, number: request_frame("subscribe", topics, number),
    unsubscribe=lambda topics, number: request_frame("unsubscribe", topics, number),
    decoder=decoder,
    follows=follows,
    resync="resubscribe",
    rest_quotes="single",
    trade_url=trade_url,
    topic_of=topic_of,
    outside=outside,
    variables=VARIABLES,
    ipv4_first=True,
)
