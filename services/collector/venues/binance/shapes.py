"""The forms of the venue's socket frames, as typed records: what they hold and we read, by the venue's own letters.

A frame comes raw (`/ws`) or combined (`{"stream": …, "data": …}`); on futures every row names its type in `e`, on spot
the book ticker and the partial depth do not. Fields that a newer or older venue leaves out are optional: `st`
(1 USD-margined, 2 coin-margined) and `ps` since 2026-06-30, `T` and `pu` on futures only, `b B a A` of the 24 h ticker
on spot only. Times are milliseconds.

Links (read 2026-11-20): https://developers.binance.com/docs/binance-spot-api-docs/web-socket-streams and
https://developers.binance.com/docs/derivatives/usds-margined-futures/websocket-market-streams
"""

from typing import Annotated

import msgspec

#: bounds keep a bad number inside the bus's 64-bit integers
Millis = Annotated[int, msgspec.Meta(ge=0, le=9_223_372_036_854)]
Number = Annotated[int, msgspec.Meta(ge=-1, le=9_223_372_036_854_775_807)]
Levels = list[tuple[str, str]]


class SpotBookTicker(msgspec.Struct, gc=False):
    u: Number
    s: str
    b: str
    B: str
    a: str
    A: str


class BookTicker(msgspec.Struct, tag_field="e", tag="bookTicker", gc=False):
    u: Number
    s: str
    b: str
    B: str
    a: str
    A: str
    T: Millis
    st: int = 1


class AggTrade(msgspec.Struct, tag_field="e", tag="aggTrade", gc=False):
    s: str
    a: Number
    p: str
    q: str
    T: Millis
    m: bool
    st: int = 1


class DepthUpdate(msgspec.Struct, tag_field="e", tag="depthUpdate"):
    E: Millis
    s: str
    U: Number
    u: Number
    b: Levels
    a: Levels
    T: Millis | None = None
    pu: Number | None = None
    st: int = 1


class MarkPrice(msgspec.Struct, tag_field="e", tag="markPriceUpdate", gc=False):
    E: Millis
    s: str
    p: str | None = None
    i: str | None = None
    r: str | None = None
    #: next funding time, 0 for what has none
    T: Millis = 0
    st: int = 1


class Ticker(msgspec.Struct, tag_field="e", tag="24hrTicker", gc=False):
    E: Millis
    s: str
    c: str
    v: str
    q: str
    b: str | None = None
    B: str | None = None
    a: str | None = None
    A: str | None = None
    st: int = 1


class MiniTicker(msgspec.Struct, tag_field="e", tag="24hrMiniTicker", gc=False):
    E: Millis
    s: str
    c: str
    v: str
    q: str
    st: int = 1


class ForcedOrder(msgspec.Struct, gc=False):
    """`ap` the average price and `z` the quantity that was filled; `p`, `q` are what was asked for."""

    s: str
    S: str
    ap: str
    z: str
    T: Millis


class ForceOrder(msgspec.Struct, tag_field="e", tag="forceOrder", gc=False):
    o: ForcedOrder
    st: int = 1


class ContractInfo(msgspec.Struct, tag_field="e", tag="contractInfo", gc=False):
    s: str
    cs: str = ""
    st: int = 1


class ServerShutdown(msgspec.Struct, tag_field="e", tag="serverShutdown", gc=False):
    pass


class PartialDepth(msgspec.Struct, rename="camel"):
    """Spot `<s>@depth5|10|20`: it names neither its symbol nor a time."""

    last_update_id: Number
    bids: Levels
    asks: Levels


Row = BookTicker | AggTrade | DepthUpdate | MarkPrice | Ticker | MiniTicker | ForceOrder | ContractInfo | ServerShutdown


class Combined(msgspec.Struct, gc=False):
    stream: str
    data: Row | list[Row]


class CombinedBookTicker(msgspec.Struct, gc=False):
    stream: str
    data: SpotBookTicker


class CombinedTrade(msgspec.Struct, gc=False):
    stream: str
    data: AggTrade


class TickerOrTrade(msgspec.Struct, gc=False):
    """Most of what the futures market sends."""

    stream: str
    data: BookTicker | AggTrade


class Wrapper(msgspec.Struct):
    """Any combined frame, its content not yet read."""

    stream: str
    data: msgspec.Raw
