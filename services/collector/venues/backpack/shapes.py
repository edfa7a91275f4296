"""Backpack's frames and answers as they stand on the wire.

Prices, sizes and rates are text. Times are whole numbers, or text in older frames; a number that is not of its own type
makes the row one of another form.
"""

from typing import Annotated, Final

import msgspec

from services.collector.typed_rows import UNREADABLE

#: a number of the order book: the bus carries 64 bits
Number = Annotated[int, msgspec.Meta(ge=0, le=2**63 - 1)]
#: a time, or a number of the order book that may come as text
Stamp = int | str | None
#: a price, size or rate: null where there is none
Text = str | None | msgspec.UnsetType


class BookTicker(msgspec.Struct, tag_field="e", tag="bookTicker", gc=False):
    """Best bid `b` of size `B`, best ask `a` of size `A`; `T` the engine's time in microseconds, `u` the update."""

    s: str
    b: Text = msgspec.UNSET
    B: Text = msgspec.UNSET
    a: Text = msgspec.UNSET
    A: Text = msgspec.UNSET
    T: Stamp = None
    u: Number | None = None


class MarkPrice(msgspec.Struct, tag_field="e", tag="markPrice", gc=False):
    """Mark `p`, index `i`, rate `f` of the running interval, which ends at `n` in milliseconds; `T` as above."""

    s: str
    p: str | None = None
    i: str | None = None
    f: str | None = None
    n: Stamp = None
    T: Stamp = None


class Push(msgspec.Struct, gc=False):
    """A push of the channels that are subscribed."""

    stream: str
    data: BookTicker | MarkPrice


class Error(msgspec.Struct):
    """Why a request was refused; it names no topic."""

    code: int | str | None = None
    message: str | None = None


class Frame(msgspec.Struct):
    """As much as any frame of the socket has."""

    stream: str | None = None
    data: msgspec.Raw = msgspec.Raw(b"")
    error: Error | None = None
    method: str | None = None


class MarkRow(msgspec.Struct, rename="camel", gc=False):
    """A row of `markPrices`. It has no time of its own."""

    symbol: str
    mark_price: str | None = None
    index_price: str | None = None
    funding_rate: str | None = None
    next_funding_timestamp: Stamp = None


class PaidRow(msgspec.Struct, rename="camel", gc=False):
    """A row of `fundingRates`: the rate of an interval, and when it ended, without a zone."""

    symbol: str
    funding_rate: str | None = None
    interval_end_timestamp: str = ""


class Depth(msgspec.Struct, rename="camel"):
    """A book over REST. It does not name its market."""

    asks: list[tuple[str, str]]
    bids: list[tuple[str, str]]
    last_update_id: Stamp = None
    timestamp: Stamp = None


class Named(msgspec.Struct):
    """As much of a row as names its market: `s` in frames, `symbol` in answers."""

    s: str | None = None
    symbol: str | None = None


_named: Final = msgspec.json.Decoder(Named)


def native_of(raw: bytes | msgspec.Raw) -> str | None:
    """The market that a row names, however broken the rest of it is."""
    try:
        row = _named.decode(raw)
    except UNREADABLE:
        return None
    return row.s or row.symbol or None
