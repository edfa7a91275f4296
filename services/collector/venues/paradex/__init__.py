"""Paradex: perpetuals and spot pairs in dollars; data in binary frames, one channel a request. Facts: README.md."""

from typing import Final

import msgspec

from services.collector.messages import BookDelta, BookSnapshot
from services.collector.typed_rows import UNREADABLE
from services.collector.venue import Call, Channel, Endpoint, Follow, Host, Limits, Ping, Venue
from services.collector.venues.paradex import decode_rest, sbe
from services.collector.venues.paradex.answers import Params, request_frame
from services.collector.venues.paradex.decode import decoder
from services.collector.venues.paradex.instruments import MARKETS, NAME, is_listing, listing, outside
from services.collector.venues.paradex.reading import BBO, FORCED, PUBLIC, QUOTES, SUMMARIES
from shared.instruments import Instrument, Market

URL: Final = "wss://ws.api.prod.paradex.trade/v1?sbeSchemaId=1&sbeSchemaVersion=1"
TRADES: Final = "trades"
BOOKS: Final = "order_book"
RATES: Final = "funding_data"
#: what stands after the market in a topic
TAIL: Final = {BOOKS: ".deltas"}
#: the exchange pings each 55 s, so that a whole connection is never silent for longer
PING: Final = Ping(None, idle_s=20.0, dead_s=65.0)


class _Push(msgspec.Struct):
    """A push of the old interface."""

    method: str
    params: Params


_push: Final = msgspec.json.Decoder(_Push)


def topic(channel: Channel, instrument: Instrument | None) -> str:
    """The exchange's own text: `bbo.BTC-USD-PERP`, `order_book.BTC-USD-PERP.deltas`, `trades.ALL`."""
    if instrument is None:
        return f"{channel.name}.ALL"
    return f"{channel.name}.{instrument.native}{TAIL.get(channel.name, '')}"


def channel_of(text: str) -> str | None:
    return text.partition(".")[0] or None


def topic_of(frame: bytes) -> str | None:
    """Of a binary frame what its template and market say: forms of one channel look the same."""
    if not sbe.is_binary(frame):
        try:
            push = _push.decode(frame)
        except UNREADABLE:
            return None
        return push.params.channel or None if push.method == "subscription" else None
    try:
        one = sbe.read(frame)
    except sbe.Malformed:
        return None
    match one:
        case sbe.Best():
            return f"{BBO}.{one.market}"
        case sbe.Trade():
            return f"{TRADES}.{one.market}"
        case sbe.Book():
            return f"{BOOKS}.{one.market}{TAIL[BOOKS]}"
        case sbe.Summary():
            return f"{SUMMARIES}.{one.market}"
        case sbe.Funding():
            return f"{RATES}.{one.market}"
        case sbe.Other(template=sbe.COMPARISON):
            return "funding_rate_comparison.ALL"
        case _:
            return None


def market_of(_frame: bytes) -> Market | None:
    """Frames name their market by an id that the table knows: no help is needed."""
    return None


def follows(previous: BookSnapshot | BookDelta, delta: BookDelta) -> Follow:
    """Numbers of one book count up by one. A lower one of a later time means that the count began anew unseen."""
    if previous.seq is None or delta.seq is None:
        return "gap"
    if delta.seq == previous.seq + 1:
        return "apply"
    younger = delta.ts is not None and previous.ts is not None and delta.ts > previous.ts
    return "gap" if delta.seq > previous.seq or (delta.seq < previous.seq and younger) else "skip"


def trade_url(instrument: Instrument) -> str:
    return f"https://app.paradex.trade/trade/{instrument.native}"


def _channels(market: Market) -> tuple[Channel, ...]:
    summary = ("quote", "mark", "funding", "stats") if market == "perp" else ("quote", "stats")
    shared = (
        Channel(BBO, QUOTES, market, ("quote",), rank=0),
        Channel(SUMMARIES, PUBLIC, market, summary, rank=1, mode="periodic", period_ms=1000, silent_s=300.0),
        Channel(TRADES, PUBLIC, market, ("trade",), on_demand=True),
        Channel(BOOKS, PUBLIC, market, ("book",), on_demand=True, weight=20),
    )
    if market == "spot":
        return shared
    return (
        *shared,
        Channel(RATES, PUBLIC, market, ("funding",), mode="periodic", period_ms=5000, silent_s=300.0),
        Channel(TRADES, FORCED, market, ("liquidation",), scope="market"),
    )


def _endpoint(name: str, topics: int) -> Endpoint:
    # 20 connections a second and 600 a minute are allowed: ten a second keeps both; the exchange states no limit of
    # topics or requests, and cuts who leaves 2,000 messages unread
    limits = Limits(topics_per_connection=topics, topics_per_frame=1, frames_per_second=25.0, connects=(10, 1.0))
    return Endpoint(name, URL, None, PING, limits)


VENUE: Final = Venue(
    name=NAME,
    display_name="Paradex",
    cryexc={"spot": "paradex", "perp": "paradexf"},
    hosts=(Host("rest", "https://api.prod.paradex.trade", 1500, 60.0),),
    endpoints=(_endpoint(QUOTES, 100), _endpoint(PUBLIC, 1000), _endpoint(FORCED, 1)),
    channels=(*_channels("spot"), *_channels("perp")),
    calls=(
        Call(MARKETS, "listing", "rest", decode_rest.MARKETS, None),
        Call(
            "summaries",
            "quotes",
            "rest",
            decode_rest.SUMMARY,
            "perp",
            {"market": "ALL"},
            makes=("quote", "mark", "funding", "stats"),
        ),
        Call(
            "summaries_spot",
            "quotes",
            "rest",
            decode_rest.SUMMARY,
            "spot",
            {"market": "ALL"},
            makes=("quote", "stats"),
        ),
    ),
    # orders through the API, lowest tier; retail pays nothing, through the exchange's own screens alone
    taker_fee_bps={"spot": "4.5", "perp": "4.5"},
    maker_fee_bps={"spot": "0.3", "perp": "0.3"},
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
    rest_quotes="all",
    trade_url=trade_url,
    topic_of=topic_of,
    outside=outside,
)
