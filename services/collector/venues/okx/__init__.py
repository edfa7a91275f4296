"""OKX v5: every spot pair and linear perpetual over one public socket endpoint. Facts and links: README.md."""

from typing import Final

import msgspec

from services.collector.continuity import best_levels_agree, names_the_one_before
from services.collector.typed_rows import UNREADABLE
from services.collector.variables import socket_url
from services.collector.venue import Call, Channel, Endpoint, Host, Limits, Ping, Venue
from services.collector.venues.okx.answers import BY_TYPE, Arg, request_frame, topic_text
from services.collector.venues.okx.decode import decoder
from services.collector.venues.okx.instruments import FUNDING, NAME, is_listing, listing, outside
from shared.instruments import Instrument, Market

PUBLIC: Final = "public"
SOCKET_URL: Final = "wss://ws.okx.com:8443/ws/v5/public"
INST_TYPE: Final[dict[Market, str]] = {"spot": "SPOT", "perp": "SWAP"}
TRADE_PAGE: Final[dict[Market, str]] = {"spot": "trade-spot", "perp": "trade-swap"}


class _Push(msgspec.Struct):
    arg: Arg
    data: msgspec.Raw


class _Typed(msgspec.Struct, rename="camel"):
    inst_type: str = ""


_push: Final = msgspec.json.Decoder(_Push)
_typed: Final = msgspec.json.Decoder(list[_Typed])
_MARKET_OF_TYPE: Final[dict[str, Market]] = {"SPOT": "spot", "SWAP": "perp"}


def topic(channel: Channel, instrument: Instrument | None) -> str:
    """`bbo-tbt:BTC-USDT`; `liquidation-orders:SWAP`; an index by the index's own id."""
    if channel.name in BY_TYPE or instrument is None:
        return f"{channel.name}:{INST_TYPE[channel.market]}"
    if channel.name == "index-tickers" and instrument.aliases:
        return f"{channel.name}:{instrument.aliases[0]}"
    return f"{channel.name}:{instrument.native}"


def channel_of(text: str) -> str | None:
    """The channel of a topic, planned here or not."""
    return text.partition(":")[0] or None


def topic_of(frame: bytes) -> str | None:
    try:
        return topic_text(_push.decode(frame).arg)
    except UNREADABLE:
        return None


def market_of(frame: bytes) -> Market | None:
    """Only where the frame says it; the decoder tells markets by the id and needs no help."""
    try:
        push = _push.decode(frame)
        inst_type = push.arg.inst_type or next((row.inst_type for row in _typed.decode(push.data)), "")
    except UNREADABLE:
        return None
    return _MARKET_OF_TYPE.get(inst_type)


def trade_url(instrument: Instrument) -> str:
    return f"https://www.okx.com/{TRADE_PAGE[instrument.market]}/{instrument.native.lower()}"


def _channels(market: Market) -> tuple[Channel, ...]:
    shared = (
        Channel("bbo-tbt", PUBLIC, market, ("quote",), rank=0),
        Channel("tickers", PUBLIC, market, ("quote", "stats"), rank=1),
        Channel("trades", PUBLIC, market, ("trade",), on_demand=True),
        # fewer than 30 deep books on a connection are advised
        Channel("books", PUBLIC, market, ("book",), silent_s=150.0, on_demand=True, weight=7),
        Channel("instruments", PUBLIC, market, (), scope="market"),
    )
    if market == "spot":
        return shared
    return (
        *shared,
        Channel("mark-price", PUBLIC, market, ("mark",), mode="periodic", period_ms=10_000, silent_s=60.0),
        Channel("funding-rate", PUBLIC, market, ("funding",), mode="periodic", period_ms=90_000, silent_s=300.0),
        Channel("liquidation-orders", PUBLIC, market, ("liquidation",), scope="market"),
    )


def _index(quote: str) -> Call:
    params = {"quoteCcy": quote}
    return Call(
        f"index_{quote.lower()}", "poll", "rest", "/api/v5/market/index-tickers", "perp", params, 1, 5.0, ("mark",)
    )


VENUE: Final = Venue(
    name=NAME,
    display_name="OKX",
    cryexc={"spot": "okx", "perp": "okxf"},
    # every endpoint has a limit of its own, the tightest in use 10 in 2 s: a common budget of that size keeps them all
    hosts=(Host("rest", "https://openapi.okx.com", 10, 2.0),),
    endpoints=(
        Endpoint(
            PUBLIC,
            SOCKET_URL,
            None,
            Ping(b"ping", idle_s=20.0, dead_s=30.0),
            Limits(
                topics_per_connection=200,
                topics_per_frame=200,
                frames_per_second=3.0,
                frame_bytes=60_000,
                frames_per_hour=480,
                connects=(3, 1.0),
            ),
        ),
    ),
    channels=(*_channels("spot"), *_channels("perp")),
    calls=(
        Call("spot", "listing", "rest", "/api/v5/public/instruments", "spot", {"instType": "SPOT"}),
        Call("swap", "listing", "rest", "/api/v5/public/instruments", "perp", {"instType": "SWAP"}),
        Call(FUNDING, "listing", "rest", "/api/v5/public/funding-rate", "perp", {"instId": "ANY"}),
        Call(
            "tickers_spot",
            "quotes",
            "rest",
            "/api/v5/market/tickers",
            "spot",
            {"instType": "SPOT"},
            makes=("quote", "stats"),
        ),
        Call(
            "tickers_swap",
            "quotes",
            "rest",
            "/api/v5/market/tickers",
            "perp",
            {"instType": "SWAP"},
            makes=("quote", "stats"),
        ),
        Call(
            "funding_rates",
            "poll",
            "rest",
            "/api/v5/public/funding-rate",
            "perp",
            {"instId": "ANY"},
            every_s=30.0,
            makes=("funding",),
        ),
        _index("USDT"),
        _index("USDC"),
        _index("USD"),
        Call(
            "open_interest",
            "poll",
            "rest",
            "/api/v5/public/open-interest",
            "perp",
            {"instType": "SWAP"},
            every_s=10.0,
            makes=("stats",),
        ),
        Call("book_spot", "book", "rest", "/api/v5/market/books", "spot", {"sz": "400"}, symbol_param="instId"),
        Call("book_swap", "book", "rest", "/api/v5/market/books", "perp", {"sz": "400"}, symbol_param="instId"),
        Call(
            "funding_history",
            "settlements",
            "rest",
            "/api/v5/public/funding-rate-history",
            "perp",
            {"limit": "200"},
            makes=("funding",),
            symbol_param="instId",
        ),
    ),
    taker_fee_bps={"spot": "10", "perp": "5"},
    maker_fee_bps={"spot": "8", "perp": "2"},
    listing=listing,
    is_listing=is_listing,
    market_of=market_of,
    topic=topic,
    channel_of=channel_of,
    subscribe=lambda topics, number: request_frame("subscribe", topics, number),
    unsubscribe=lambda topics, number: request_frame("unsubscribe", topics, number),
    decoder=decoder,
    follows=names_the_one_before,  # a number below its predecessor happens at maintenance, and is right
    resync="resubscribe",
    rest_quotes="all",
    trade_url=trade_url,
    topic_of=topic_of,
    outside=outside,
    verify=best_levels_agree,
    variables=(socket_url("OKX_WS_PUBLIC_URL", "address of its public socket", PUBLIC, default=SOCKET_URL),),
)
