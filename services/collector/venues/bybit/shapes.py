"""The forms of the venue's frames and bodies, as typed records: what they hold and we read, by the venue's own letters.

A push is `{"topic", "type": "snapshot" | "delta", "ts", "data", "cts"?, "cs"?}`, its keys in an order that differs by
market; an answer has `success` and `op`; a REST body has `retCode` and `result`. Times are milliseconds.

Links (read 2026-11-20): https://bybit-exchange.github.io/docs/v5/ws/connect and
https://bybit-exchange.github.io/docs/v5/websocket/public/orderbook
"""

from typing import Annotated, Any

import msgspec

#: bounds keep a bad number inside the bus's 64-bit integers
Millis = Annotated[int, msgspec.Meta(ge=0, le=9_223_372_036_854)]
Number = Annotated[int, msgspec.Meta(ge=0, le=9_223_372_036_854_775_807)]
Levels = list[tuple[str, str]]


class BookData(msgspec.Struct):
    """`u` counts the changes of one depth, `seq` those of the matching engine: it compares all depths and tickers."""

    s: str
    b: Levels
    a: Levels
    u: Number
    seq: Number | None = None


class BookFrame(msgspec.Struct):
    """A push of any order book; `cts` is the matching engine's time."""

    topic: str
    type: str
    data: BookData
    cts: Millis | None = None


class TickerFrame(msgspec.Struct):
    """A push of a ticker: every field of it in a snapshot, the changed ones in a delta. `cs` is a book's `seq`."""

    type: str
    data: dict[str, Any]
    ts: Millis | None = None
    cs: Number | None = None


class TradeRow(msgspec.Struct, gc=False):
    """`S` is the taker's side, `BT` tells a block trade."""

    T: Millis
    s: str
    S: str
    v: str
    p: str
    i: str
    BT: bool | None = None


class ForcedRow(msgspec.Struct, gc=False):
    """`S` is the side of the *position* that was liquidated, `p` its bankruptcy price."""

    T: Millis
    s: str
    S: str
    v: str
    p: str


class Frame(msgspec.Struct):
    """Everything that a frame may be, its content not yet read."""

    topic: str = ""
    type: str = ""
    data: msgspec.Raw = msgspec.Raw(b"")
    success: bool | None = None
    op: str = ""
    ret_msg: str | None = None
    req_id: str | int | None = None
    ret_code: int | str | None = None
    request: msgspec.Raw = msgspec.Raw(b"")
    retCode: int | None = None  # noqa: N815 - the venue's own spelling


class Body(msgspec.Struct, rename="camel"):
    """A REST answer."""

    ret_code: int
    ret_msg: str | None = None
    result: msgspec.Raw = msgspec.Raw(b"{}")
    time: Millis | None = None


class Result(msgspec.Struct, rename="camel"):
    """What the results of the calls that list something have in common."""

    category: str = ""
    rows: list[msgspec.Raw] = msgspec.field(name="list", default_factory=list)
    next_page_cursor: str = ""


class RestBook(BookData):
    ts: Millis | None = None
    cts: Millis | None = None


class PaidRow(msgspec.Struct, rename="camel", gc=False):
    symbol: str
    funding_rate: str
    funding_rate_timestamp: str
