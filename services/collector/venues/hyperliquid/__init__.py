"""Hyperliquid: perpetuals (its own and those of builders' exchanges on it) and spot, over one socket. README.md."""

from collections.abc import Sequence
from typing import Final

import msgspec

from services.collector.continuity import nothing_follows
from services.collector.typed_rows import UNREADABLE
from services.collector.variables import choice, rest_url, seconds, socket_url
from services.collector.venue import Call, Channel, Endpoint, Host, Limits, Ping, Span, Venue
from services.collector.venues.hyperliquid import answers
from services.collector.venues.hyperliquid.answers import BBO, BOOK, CONTEXTS, FAST, PING, TRADES, request_frame
from services.collector.venues.hyperliquid.decode import decoder
from services.collector.venues.hyperliquid.instruments import (
    CATEGORIES,
    NAME,
    PERP_METAS,
    SPOT_CONTEXTS,
    SPOT_META,
    is_listing,
    listing,
    outside,
)
from shared.instruments import Instrument, Market

PUBLIC: Final = "public"
REST: Final = "info"
INFO: Final = "/info"
SOCKET_URL: Final = "wss://api.hyperliquid.xyz/ws"
REST_URL: Final = "https://api.hyperliquid.xyz"
#: the venue's environments; coins have other indices in the test net, whose listing names them
ENVIRONMENTS: Final = {
    "mainnet": {PUBLIC: SOCKET_URL, REST: REST_URL},
    "testnet": {PUBLIC: "wss://api.hyperliquid-testnet.xyz/ws", REST: "https://api.hyperliquid-testnet.xyz"},
}
#: the poll that brings funding, mark and index of the first exchange
PERP_CONTEXTS: Final = "perp_contexts"
#: asking for rows costs by their number: a week of hourly payments
HISTORY_WEIGHT: Final = 29


class _Coin(msgspec.Struct, gc=False):
    coin: str


class _Frame(msgspec.Struct):
    channel: str
    data: msgspec.Raw = msgspec.Raw(b"")


_frame: Final = msgspec.json.Decoder(_Frame)
_coin: Final = msgspec.json.Decoder(_Coin)
_coins: Final = msgspec.json.Decoder(list[_Coin])

_MARKET_OF: Final[dict[str, Market]] = {
    answers.SPOT_CONTEXT: "spot",
    answers.CONTEXT: "perp",
    CONTEXTS: "perp",
    FAST: "perp",
}
#: the data of a pair comes by the same subscription under another name
_CHANNEL_OF: Final = {answers.SPOT_CONTEXT: answers.CONTEXT}


def topic(channel: Channel, instrument: Instrument | None) -> str:
    """`bbo:BTC`, `bbo:xyz:TSLA`, `bbo:@107`; a channel of everything by its name alone."""
    return answers.topic_text(channel.name, None if instrument is None else instrument.native)


def channel_of(text: str) -> str | None:
    """The channel of a topic, planned here or not."""
    return text.partition(":")[0] or None


def topic_of(frame: bytes) -> str | None:
    try:
        read = _frame.decode(frame)
        if read.channel in (CONTEXTS, FAST):
            return read.channel
        if read.channel == TRADES:
            found = _coins.decode(read.data)
            return answers.topic_text(TRADES, found[0].coin) if found else None
        if read.channel in (BBO, BOOK, answers.CONTEXT, answers.SPOT_CONTEXT):
            return answers.topic_text(_CHANNEL_OF.get(read.channel, read.channel), _coin.decode(read.data).coin)
    except UNREADABLE:
        return None
    return None


def market_of(frame: bytes) -> Market | None:
    """Only where the channel says it; the decoder tells markets by the coin and needs no help."""
    try:
        return _MARKET_OF.get(_frame.decode(frame).channel)
    except UNREADABLE:
        return None


def trade_url(instrument: Instrument) -> str:
    return f"https://app.hyperliquid.xyz/trade/{instrument.native}"


def subscribe(topics: Sequence[str], _number: int) -> bytes:
    return request_frame("subscribe", topics)


def unsubscribe(topics: Sequence[str], _number: int) -> bytes:
    return request_frame("unsubscribe", topics)


def _channels(market: Market) -> tuple[Channel, ...]:
    return (
        Channel(BBO, PUBLIC, market, ("quote",)),
        Channel(TRADES, PUBLIC, market, ("trade",), on_demand=True),
        Channel(BOOK, PUBLIC, market, ("book",), silent_s=20.0, on_demand=True),
    )


def _singly(job: str, market: Market) -> Call:
    """A book over REST, as itself or for the quote at its top."""
    quotes = job == "quotes"
    return Call(
        f"{'quote' if quotes else 'book'}_{market}",
        "quotes" if quotes else "book",
        REST,
        INFO,
        market,
        weight=2,
        makes=("quote",) if quotes else (),
        symbol_param="coin",
        body={"type": "l2Book"},
    )


def _whole(name: str, kind: str, market: Market) -> Call:
    return Call(name, "listing", REST, INFO, market, weight=20, body={"type": kind})


VENUE: Final = Venue(
    name=NAME,
    display_name="Hyperliquid",
    cryexc={"spot": "hyperliquid", "perp": "hyperliquidf"},
    hosts=(Host(REST, REST_URL, 1200, 60.0),),
    endpoints=(
        Endpoint(
            PUBLIC,
            SOCKET_URL,
            None,
            Ping(PING, idle_s=15.0, dead_s=30.0),
            # an address may hold 1,000 subscriptions on 10 connections: one coin that the venue does not know costs a
            # connection with all it carries, so none carries more than its part
            Limits(
                topics_per_connection=100,
                topics_per_frame=1,
                frames_per_second=10.0,
                frames=(2000, 60.0),
                connects=(30, 60.0),
                connections=10,
            ),
        ),
    ),
    channels=(
        *_channels("perp"),
        # what follows serves all perpetuals at once: a topic for each would not fit into what an address may hold
        Channel(FAST, PUBLIC, "perp", ("mark",), scope="market", mode="periodic", period_ms=1_000, silent_s=15.0),
        Channel(
            CONTEXTS,
            PUBLIC,
            "perp",
            ("mark", "funding", "stats"),
            scope="market",
            mode="periodic",
            period_ms=14_000,
            silent_s=60.0,
        ),
        *_channels("spot"),
    ),
    calls=(
        _whole(PERP_METAS, "allPerpMetas", "perp"),
        _whole(SPOT_META, "spotMeta", "spot"),
        _whole(SPOT_CONTEXTS, "spotMetaAndAssetCtxs", "spot"),
        _whole(CATEGORIES, "perpCategories", "perp"),
        _singly("quotes", "perp"),
        _singly("quotes", "spot"),
        Call(
            PERP_CONTEXTS,
            "poll",
            REST,
            INFO,
            "perp",
            weight=20,
            every_s=5.0,
            makes=("mark", "funding", "stats"),
            body={"type": "metaAndAssetCtxs"},
        ),
        Call(
            "spot_figures",
            "poll",
            REST,
            INFO,
            "spot",
            weight=20,
            every_s=15.0,
            makes=("stats",),
            body={"type": "spotMetaAndAssetCtxs"},
        ),
        _singly("book", "perp"),
        _singly("book", "spot"),
        Call(
            "funding_history",
            "settlements",
            REST,
            INFO,
            "perp",
            weight=HISTORY_WEIGHT,
            makes=("funding",),
            symbol_param="coin",
            body={"type": "fundingHistory"},
            span=Span("startTime"),
        ),
    ),
    taker_fee_bps={"spot": "7", "perp": "4.5"},
    maker_fee_bps={"spot": "4", "perp": "1.5"},
    listing=listing,
    is_listing=is_listing,
    market_of=market_of,
    topic=topic,
    channel_of=channel_of,
    subscribe=subscribe,
    unsubscribe=unsubscribe,
    decoder=decoder,
    follows=nothing_follows,  # every frame is a whole book
    resync="resubscribe",
    rest_quotes="single",
    trade_url=trade_url,
    topic_of=topic_of,
    outside=outside,
    variables=(
        choice("HYPERLIQUID_ENVIRONMENT", "which of its networks", ENVIRONMENTS, default="mainnet"),
        rest_url("HYPERLIQUID_API_BASE_URL", "address of its REST calls", REST, default=REST_URL, without=(INFO,)),
        socket_url("HYPERLIQUID_WS_PUBLIC_URL", "address of its socket", PUBLIC, default=SOCKET_URL),
        seconds("HYPERLIQUID_FUNDING_REFRESH_SECONDS", "how often funding is asked for", PERP_CONTEXTS, default="5"),
    ),
)
