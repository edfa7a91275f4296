"""The forms of the venue's socket frames and REST rows that make events, by its own names.

A frame comes combined (`{"stream": …, "data": …}`) or raw. Every futures row of a socket names its type in `e`. Times
are milliseconds. A price that is null is one that the venue did not give.
"""

from typing import Annotated

import msgspec

#: bounds keep a bad number inside the bus's 64-bit integers
Millis = Annotated[int, msgspec.Meta(ge=0, le=9_223_372_036_854)]
Number = Annotated[int, msgspec.Meta(ge=0, le=9_223_372_036_854_775_807)]


class BookTicker(msgspec.Struct, tag_field="e", tag="bookTicker", gc=False):
    u: Number
    s: str
    b: str | None
    B: str | None
    a: str | None
    A: str | None
    #: the engine's time; samples of 2021 have none
    T: Millis | None = None


class MarkPrice(msgspec.Struct, tag_field="e", tag="markPriceUpdate", gc=False):
    E: Millis
    s: str
    p: str | None = None
    i: str | None = None
    r: str | None = None
    #: next funding time
    T: Millis | None = None


Row = BookTicker | MarkPrice


class Combined(msgspec.Struct, gc=False):
    stream: str
    data: Row | list[Row]


class Wrapper(msgspec.Struct):
    """Any combined frame, its content not yet read."""

    stream: str
    data: msgspec.Raw


class Ticker(msgspec.Struct, rename="camel", gc=False):
    """REST `ticker/bookTicker`."""

    symbol: str
    bid_price: str | None
    bid_qty: str | None
    ask_price: str | None
    ask_qty: str | None
    time: Millis | None = None


class Premium(msgspec.Struct, rename="camel", gc=False):
    """REST `premiumIndex`."""

    symbol: str
    mark_price: str | None = None
    index_price: str | None = None
    last_funding_rate: str | None = None
    next_funding_time: Millis | None = None
    time: Millis | None = None


class Paid(msgspec.Struct, rename="camel", gc=False):
    """REST `fundingRate`."""

    symbol: str
    funding_rate: str
    funding_time: Millis


class Error(msgspec.Struct, gc=False):
    code: int | str
    msg: str
