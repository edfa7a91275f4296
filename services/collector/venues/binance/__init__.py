"""The venue's record: addresses, limits, channels and calls. Sources and quirks are in README.md."""

from collections.abc import Sequence
from typing import Final

import msgspec

from services.collector.venue import Call, Channel, Endpoint, Host, Limits, Ping, Venue
from services.collector.venues.binance import frames, instruments, rows
from services.collector.venues.binance.books import follows
from services.collector.venues.binance.decode import decoder, quick
from services.collector.venues.binance.instruments import FUNDING_INFO, PERP_INFO, SPOT_INFO
from shared.instruments import Instrument

_DAY_S: Final = 86_400.0
#: a longer request is read in part and never answered (binance-connector-rust#27, 2024-12): 4,096 bytes with its head
_FRAME_BYTES: Final = 4_000

_SPOT_LIMITS: Final = Limits(
    topics_per_connection=1_000,
    topics_per_frame=150,
    frames_per_second=4.0,  # 5 allowed, and the pongs count
    frame_bytes=_FRAME_BYTES,
    connects=(300, 300.0),
    lifetime_s=_DAY_S,
)
_PERP_LIMITS: Final = Limits(
    topics_per_connection=200,
    topics_per_frame=150,
    frames_per_second=8.0,  # 10 allowed
    frame_bytes=_FRAME_BYTES,
    connects=(300, 300.0),
    lifetime_s=_DAY_S,
)
_SPOT_PING: Final = Ping(frame=None, idle_s=20.0, dead_s=65.0)
_PERP_PING: Final = Ping(frame=None, idle_s=180.0, dead_s=200.0)

_ENDPOINTS: Final = (
    Endpoint("spot", "wss://stream.binance.com:9443/stream", "spot", _SPOT_PING, _SPOT_LIMITS),
    Endpoint("perp_public", "wss://fstream.binance.com/public/stream", "perp", _PERP_PING, _PERP_LIMITS),
    Endpoint("perp_market", "wss://fstream.binance.com/market/stream", "perp", _PERP_PING, _PERP_LIMITS),
)

# A topic on the wrong one of the two futures endpoints is acknowledged and stays silent.
_CHANNELS: Final = (
    Channel("bookTicker", "spot", "spot", ("quote",)),
    Channel("ticker", "spot", "spot", ("quote",), rank=1, mode="periodic", period_ms=1_000, silent_s=30.0),
    Channel("aggTrade", "spot", "spot", ("trade",), on_demand=True),
    Channel("depth@100ms", "spot", "spot", ("book",), on_demand=True, weight=5),
    Channel("!miniTicker@arr", "spot", "spot", ("stats",), scope="market", silent_s=10.0),
    Channel("bookTicker", "perp_public", "perp", ("quote",)),
    Channel(
        "!bookTicker",
        "perp_public",
        "perp",
        ("quote",),
        scope="market",
        rank=1,
        mode="periodic",
        period_ms=5_000,
        silent_s=30.0,
    ),
    Channel("depth@100ms", "perp_public", "perp", ("book",), on_demand=True, weight=5),
    Channel("!markPrice@arr@1s", "perp_market", "perp", ("mark", "funding"), scope="market", silent_s=10.0),
    Channel("aggTrade", "perp_market", "perp", ("trade",), on_demand=True),
    Channel("!forceOrder@arr", "perp_market", "perp", ("liquidation",), scope="market"),
    Channel("!miniTicker@arr", "perp_market", "perp", ("stats",), scope="market", silent_s=10.0),
    # makes no event: it tells that the listing changed
    Channel("!contractInfo", "perp_market", "perp", (), scope="market"),
)

_HOSTS: Final = (
    Host("spot", "https://api.binance.com", 6_000, 60.0, "X-MBX-USED-WEIGHT-1M"),
    Host("perp", "https://fapi.binance.com", 2_400, 60.0, "X-MBX-USED-WEIGHT-1M"),
    # fundingInfo and fundingRate have a budget of their own
    Host("perp_funding", "https://fapi.binance.com", 500, 300.0),
)

_CALLS: Final = (
    Call(SPOT_INFO, "listing", "spot", "/api/v3/exchangeInfo", "spot", {"showPermissionSets": "false"}, weight=20),
    Call(PERP_INFO, "listing", "perp", "/fapi/v1/exchangeInfo", "perp", weight=1),
    Call(FUNDING_INFO, "listing", "perp_funding", "/fapi/v1/fundingInfo", "perp", weight=1),
    Call("spot_quotes", "quotes", "spot", "/api/v3/ticker/bookTicker", "spot", weight=4, makes=("quote",)),
    Call("perp_quotes", "quotes", "perp", "/fapi/v1/ticker/bookTicker", "perp", weight=5, makes=("quote",)),
    Call(
        "open_interest",
        "poll",
        "perp",
        "/fapi/v1/openInterest",
        "perp",
        weight=1,
        every_s=300.0,
        makes=("stats",),
        symbol_param="symbol",
    ),
    Call(
        "spot_book",
        "book",
        "spot",
        "/api/v3/depth",
        "spot",
        {"limit": "1000"},
        weight=50,
        makes=("book",),
        symbol_param="symbol",
    ),
    Call(
        "perp_book",
        "book",
        "perp",
        "/fapi/v1/depth",
        "perp",
        {"limit": "1000"},
        weight=20,
        makes=("book",),
        symbol_param="symbol",
    ),
    # seven days at one payment an hour are 168 rows
    Call(
        "settlements",
        "settlements",
        "perp_funding",
        "/fapi/v1/fundingRate",
        "perp",
        {"limit": "200"},
        weight=1,
        makes=("funding",),
        symbol_param="symbol",
    ),
    # without a symbol: the last rows of all of them
    Call(
        "recent_settlements",
        "settlements",
        "perp_funding",
        "/fapi/v1/fundingRate",
        "perp",
        {"limit": "1000"},
        weight=1,
        every_s=600.0,
        makes=("funding",),
    ),
)


def topic(channel: Channel, instrument: Instrument | None) -> str:
    """Streams are named by the lower case of the symbol."""
    return channel.name if instrument is None else f"{instrument.native.lower()}@{channel.name}"


def channel_of(topic: str) -> str | None:
    """The channel of a topic, planned here or not."""
    return rows.channel_of_stream(topic) or None


def subscribe(topics: Sequence[str], id: int) -> bytes:
    return msgspec.json.encode({"method": "SUBSCRIBE", "params": list(topics), "id": id})


def unsubscribe(topics: Sequence[str], id: int) -> bytes:
    return msgspec.json.encode({"method": "UNSUBSCRIBE", "params": list(topics), "id": id})


def trade_url(instrument: Instrument) -> str:
    if instrument.market == "perp":
        return f"https://www.binance.com/en/futures/{instrument.native}"
    native_base = instrument.native.removesuffix(instrument.quote)
    return f"https://www.binance.com/en/trade/{native_base}_{instrument.quote}?type=spot"


VENUE: Final = Venue(
    name="binance",
    display_name="Binance",
    cryexc={"perp": "binancef", "spot": "binance"},
    hosts=_HOSTS,
    endpoints=_ENDPOINTS,
    channels=_CHANNELS,
    calls=_CALLS,
    taker_fee_bps={"spot": "10", "perp": "5"},
    maker_fee_bps={"spot": "10", "perp": "2"},
    listing=instruments.listing,
    is_listing=instruments.is_listing,
    market_of=frames.market_of,
    topic=topic,
    channel_of=channel_of,
    subscribe=subscribe,
    unsubscribe=unsubscribe,
    decoder=decoder,
    quick=quick,
    follows=follows,
    resync="rest",
    rest_quotes="all",
    trade_url=trade_url,
    topic_of=frames.topic_of,
    outside=instruments.outside,
    snapshot_levels=1_000,  # the limit that both book calls ask for
)
