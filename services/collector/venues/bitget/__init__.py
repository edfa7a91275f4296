"""Bitget: spot pairs and the perpetuals that settle in USDT and USDC. Facts and links: README.md.

v2 carries everything but the liquidations, which only v3 has.
"""

from typing import Final

from services.collector.continuity import best_levels_agree, names_the_one_before
from services.collector.venue import Call, Channel, Endpoint, Host, Limits, Ping, Venue
from services.collector.venues.bitget.decode import decoder
from services.collector.venues.bitget.instruments import NAME, is_listing, listing, outside
from services.collector.venues.bitget.topics import (
    LIQUIDATION,
    PRODUCT,
    channel_of,
    market_of,
    product,
    request_frame,
    topic_of,
)
from shared.instruments import Instrument, Market

CLASSIC: Final = "v2"
UNIFIED: Final = "v3"
TRADE_PAGE: Final[dict[str | None, str]] = {None: "spot", "USDT": "futures/usdt", "USDC": "futures/usdc"}

#: the exchange cuts after two minutes without a ping, however much it sends itself
_PING: Final = Ping(b"ping", idle_s=25.0, dead_s=30.0, always=True)


def _limits(connections: int) -> Limits:
    """Fewer than 50 topics a connection are strongly advised (1,000 allowed).

    An address has 100 connections and 300 attempts in five minutes, over both endpoints.
    """
    return Limits(
        topics_per_connection=48,
        topics_per_frame=48,
        frames_per_second=8.0,  # 10 allowed, and the pings count
        frame_bytes=4_000,
        frames_per_hour=230,
        connects=(3 * connections, 300.0),
        connections=connections,
        lifetime_s=86_400.0,
    )


def topic(channel: Channel, instrument: Instrument | None) -> str:
    """`books1:USDT-FUTURES:BTCUSDT`; `liquidation` for all products together."""
    return channel.name if instrument is None else f"{channel.name}:{product(instrument)}:{instrument.native}"


def trade_url(instrument: Instrument) -> str:
    page = TRADE_PAGE.get(instrument.settle, "futures/usdt")
    return f"https://www.bitget.com/{page}/{instrument.native}"


def _channels(market: Market) -> tuple[Channel, ...]:
    shared = (
        Channel("books1", CLASSIC, market, ("quote",)),
        Channel("trade", CLASSIC, market, ("trade",), on_demand=True),
        Channel("books", CLASSIC, market, ("book",), silent_s=600.0, on_demand=True, weight=4),
    )
    if market == "spot":
        # the day's figures of all pairs come in one REST answer: their tickers are not worth a thousand topics
        return (*shared, Channel("ticker", CLASSIC, market, ("quote", "stats"), rank=1, on_demand=True))
    return (
        *shared,
        Channel(
            "ticker",
            CLASSIC,
            market,
            ("quote", "mark", "funding", "stats"),
            rank=1,
            mode="periodic",
            period_ms=300,
            silent_s=600.0,
        ),
        Channel(LIQUIDATION, UNIFIED, market, ("liquidation",), scope="market"),
    )


_MIX: Final = "/api/v2/mix/market/"


def _product_calls(settle: str) -> tuple[Call, ...]:
    """What is asked of each of the two perpetual products."""
    asked, low = {"productType": PRODUCT[settle]}, settle.lower()
    kinds = {"category": PRODUCT[settle]}
    history = {**asked, "pageSize": "100"}
    return (
        Call(f"contracts_{low}", "listing", "rest", f"{_MIX}contracts", "perp", asked),
        Call(f"kinds_{low}-futures", "listing", "rest", "/api/v3/market/instruments", "perp", kinds),
        Call(f"terms_{low}", "listing", "rest", f"{_MIX}current-fund-rate", "perp", asked),
        Call(f"tickers_{low}", "quotes", "rest", f"{_MIX}tickers", "perp", asked, makes=("quote", "mark", "stats")),
        Call(
            f"funding_{low}",
            "poll",
            "rest",
            f"{_MIX}current-fund-rate",
            "perp",
            asked,
            every_s=30.0,
            makes=("funding",),
        ),
        Call(
            f"book_{low}",
            "book",
            "rest",
            f"{_MIX}merge-depth",
            "perp",
            {**asked, "precision": "scale0", "limit": "50"},
            symbol_param="symbol",
            settle=settle,
        ),
        # seven days at one payment an hour are 168 rows
        *(
            Call(
                f"payments_{low}_{page}",
                "settlements",
                "rest",
                f"{_MIX}history-fund-rate",
                "perp",
                {**history, "pageNo": page},
                makes=("funding",),
                symbol_param="symbol",
                settle=settle,
            )
            for page in ("1", "2")
        ),
    )


VENUE: Final = Venue(
    name=NAME,
    display_name="Bitget",
    cryexc={"spot": "bitget", "perp": "bitgetf"},
    # every endpoint has a limit of its own, 20 a second: a common budget of that size keeps them all
    hosts=(Host("rest", "https://api.bitget.com", 20, 1.0),),
    endpoints=(
        Endpoint(CLASSIC, "wss://ws.bitget.com/v2/ws/public", None, _PING, _limits(95)),
        Endpoint(UNIFIED, "wss://ws.bitget.com/v3/ws/public", None, _PING, _limits(5)),
    ),
    channels=(*_channels("spot"), *_channels("perp")),
    calls=(
        Call("spot", "listing", "rest", "/api/v2/spot/public/symbols", "spot"),
        Call("kinds_spot", "listing", "rest", "/api/v3/market/instruments", "spot", {"category": "SPOT"}),
        Call(
            "tickers_spot",
            "quotes",
            "rest",
            "/api/v2/spot/market/tickers",
            "spot",
            makes=("quote", "stats"),
        ),
        Call(
            "stats_spot",
            "poll",
            "rest",
            "/api/v2/spot/market/tickers",
            "spot",
            every_s=10.0,
            makes=("stats",),
        ),
        Call(
            "book_spot",
            "book",
            "rest",
            "/api/v2/spot/market/orderbook",
            "spot",
            {"type": "step0", "limit": "150"},
            symbol_param="symbol",
        ),
        *_product_calls("USDT"),
        *_product_calls("USDC"),
    ),
    taker_fee_bps={"spot": "10", "perp": "6"},
    maker_fee_bps={"spot": "10", "perp": "2"},
    listing=listing,
    is_listing=is_listing,
    market_of=market_of,
    topic=topic,
    channel_of=channel_of,
    subscribe=lambda topics, number: request_frame("subscribe", topics),
    unsubscribe=lambda topics, number: request_frame("unsubscribe", topics),
    decoder=decoder,
    follows=names_the_one_before,  # the range of the numbers has changed
    resync="resubscribe",
    rest_quotes="all",
    trade_url=trade_url,
    topic_of=topic_of,
    outside=outside,
    verify=best_levels_agree,
)
