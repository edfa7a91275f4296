"""Bybit v5: every spot pair and linear perpetual, one socket endpoint for each market. Facts and links: README.md."""

from typing import Final

from services.collector.venue import Call, Channel, Endpoint, Host, Limits, Ping, Span, Venue
from services.collector.venues.bybit.answers import channel_of, request_frame
from services.collector.venues.bybit.books import follows
from services.collector.venues.bybit.decode import decoder, market_of, topic_of
from services.collector.venues.bybit.decode_rest import BOOK, INSTRUMENTS, PAID, TICKERS
from services.collector.venues.bybit.instruments import (
    LINEAR,
    LINEAR_PRE,
    NAME,
    SPOT,
    is_listing,
    listing,
    next_page,
    outside,
)
from shared.instruments import Instrument

#: the exchange counts the characters of a connection's topics in its requests, up to 21,000: with quotes and comma
_TOPICS: Final = 800
_TOPIC_CHARS: Final = 21_000 - 3 * _TOPICS - 100
_PING: Final = Ping(b'{"op":"ping"}', idle_s=20.0, dead_s=30.0, always=True)
#: a page of the perpetuals' list
_PAGE: Final = {"category": LINEAR, "limit": "1000"}


def topic(channel: Channel, instrument: Instrument | None) -> str:
    """`orderbook.1.BTCUSDT`: every topic is an instrument's."""
    return channel.name if instrument is None else f"{channel.name}.{instrument.native}"


def trade_url(instrument: Instrument) -> str:
    if instrument.market == "spot":
        base = instrument.native.removesuffix(instrument.quote)
        return f"https://www.bybit.com/en/trade/spot/{base}/{instrument.quote}"
    if instrument.quote == "USDC":
        return f"https://www.bybit.com/trade/futures/usdc/{instrument.native.removesuffix('PERP')}-PERP"
    return f"https://www.bybit.com/trade/usdt/{instrument.native}"


def _limits(topics_per_frame: int) -> Limits:
    return Limits(
        topics_per_connection=_TOPICS,
        topics_per_frame=topics_per_frame,
        frames_per_second=20.0,  # none is documented; 200 at once were taken
        topic_chars=_TOPIC_CHARS,
        connects=(500, 300.0),
        connections=1_000,
    )


_ENDPOINTS: Final = (
    Endpoint("spot", "wss://stream.bybit.com/v5/public/spot", "spot", _PING, _limits(10)),
    Endpoint("linear", "wss://stream.bybit.com/v5/public/linear", "perp", _PING, _limits(20)),
)

_CHANNELS: Final = (
    # sent again each 3 s while nothing changes
    Channel("orderbook.1", "spot", "spot", ("quote",), silent_s=30.0),
    Channel("publicTrade", "spot", "spot", ("trade",), on_demand=True),
    Channel("orderbook.200", "spot", "spot", ("book",), on_demand=True, weight=5),
    Channel("orderbook.1", "linear", "perp", ("quote",), silent_s=30.0),
    Channel("tickers", "linear", "perp", ("quote", "mark", "funding", "stats"), rank=1, silent_s=60.0),
    Channel("allLiquidation", "linear", "perp", ("liquidation",)),
    Channel("publicTrade", "linear", "perp", ("trade",), on_demand=True),
    Channel("orderbook.200", "linear", "perp", ("book",), on_demand=True, weight=5),
)

_ALL: Final = ("quote", "mark", "funding", "stats")
_CALLS: Final = (
    Call(SPOT, "listing", "rest", INSTRUMENTS, "spot", {"category": SPOT}),
    Call(LINEAR, "listing", "rest", INSTRUMENTS, "perp", _PAGE, next_page=next_page),
    Call(LINEAR_PRE, "listing", "rest", INSTRUMENTS, "perp", {**_PAGE, "status": "PreLaunch"}, next_page=next_page),
    Call("tickers_spot", "quotes", "rest", TICKERS, "spot", {"category": SPOT}, makes=("quote", "stats")),
    Call("tickers_linear", "quotes", "rest", TICKERS, "perp", {"category": LINEAR}, makes=_ALL),
    # one call for all pairs is less than 20 frames a second for each, which is what the socket's tickers are
    Call("stats_spot", "poll", "rest", TICKERS, "spot", {"category": SPOT}, every_s=10.0, makes=("stats",)),
    Call("book_spot", "book", "rest", BOOK, "spot", {"category": SPOT, "limit": "200"}, symbol_param="symbol"),
    Call("book_linear", "book", "rest", BOOK, "perp", {"category": LINEAR, "limit": "200"}, symbol_param="symbol"),
    # seven days at one payment an hour are 168 rows; a start without an end is refused
    Call(
        "funding_history",
        "settlements",
        "rest",
        PAID,
        "perp",
        {"category": LINEAR, "limit": "200"},
        makes=("funding",),
        symbol_param="symbol",
        span=Span("startTime", "endTime"),
    ),
)

VENUE: Final = Venue(
    name=NAME,
    display_name="Bybit",
    cryexc={"spot": "bybit", "perp": "bybitf"},
    # more answers 403 to all calls for ten minutes
    hosts=(Host("rest", "https://api.bybit.com", 600, 5.0),),
    endpoints=_ENDPOINTS,
    channels=_CHANNELS,
    calls=_CALLS,
    taker_fee_bps={"spot": "10", "perp": "5.5"},
    maker_fee_bps={"spot": "10", "perp": "2"},
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
    snapshot_levels=200,
)
