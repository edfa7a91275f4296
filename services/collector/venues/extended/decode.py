"""Frames and bodies -> messages. It never raises: what cannot be used is an `Unknown` with its reason.

A frame does not name its stream: its form tells. Every frame of a connection has the number after the one before.
"""

from collections.abc import Callable
from typing import Any, Final

import msgspec

from services.collector.messages import Closing, Message, Unknown
from services.collector.normalise import BadNumber
from services.collector.table import Listed, Table
from services.collector.typed_rows import UNREADABLE
from services.collector.venue import Decode, DecoderOptions, Request
from services.collector.venues.extended import rows
from services.collector.venues.extended.decode_rest import Error, Rest, recognise, refused
from services.collector.venues.extended.rows import MS, Millis, Rate

BOOKS: Final = "orderbooks"
MARKS: Final = "prices/mark"
FUNDING: Final = "funding"
#: what a book with its best levels alone says of its depth, and one with all of them
TOP: Final = "1"
SNAPSHOT: Final = "SNAPSHOT"
DELTA: Final = "DELTA"
MARK: Final = "MP"


class Level(msgspec.Struct, gc=False):
    p: str
    q: str


class Book(msgspec.Struct):
    m: str
    b: list[Level]
    a: list[Level]
    d: str | None = None


class Price(msgspec.Struct, gc=False):
    m: str
    p: str


class Frame(msgspec.Struct):
    data: msgspec.Raw = msgspec.Raw(b"")
    type: str = ""
    ts: Millis | None = None
    seq: int | None = None
    status: str = ""
    error: Error | None = None


class _Native(msgspec.Struct):
    m: str


class _Data(msgspec.Struct):
    data: _Native


_frame: Final = msgspec.json.Decoder(Frame)
_book: Final = msgspec.json.Decoder(Book)
_price: Final = msgspec.json.Decoder(Price)
_rate: Final = msgspec.json.Decoder(Rate)
_data: Final = msgspec.json.Decoder(_Data)
_native: Final = msgspec.json.Decoder(_Native)
_any: Final = msgspec.json.Decoder()

Make = Callable[[Any, Listed, int | None, int], list[Message]]


def decoder(table: Table, options: DecoderOptions) -> Decode:
    """Makes the `decode` of one connection, or of REST answers."""
    get, rest = table.getter("perp"), Rest(table)
    numbers = Numbers() if options.endpoint is not None else None

    def decode(frame: bytes, recv: int, request: Request | None = None) -> list[Message]:
        if request is not None:
            return rest(frame, recv, request)
        try:
            read = _frame.decode(frame)
        except UNREADABLE:
            return [_unread(frame)]
        if read.error is not None or read.status:
            return _answer(read, frame, recv)
        made = of_stream(read, recv)
        closing = None if numbers is None else numbers.take(read.seq)
        return made if closing is None else [*made, closing]

    def _answer(read: Frame, frame: bytes, recv: int) -> list[Message]:
        """A refusal; or a REST answer whose request nobody knows."""
        if read.error is not None:
            return [refused(read.error)]
        found = recognise(bytes(read.data))
        return [found] if isinstance(found, Unknown) else rest(frame, recv, found)

    def of_stream(read: Frame, recv: int) -> list[Message]:
        if read.type in (SNAPSHOT, DELTA):
            return of(_book, read, recv, change if read.type == DELTA else quote)
        if read.type == MARK:
            return of(_price, read, recv, lambda row, listed, ts, recv: rows.mark(row.p, listed, ts, recv))
        if read.type or not read.data:
            return [_bare(bytes(read.data)) if read.data else Unknown("bad_shape")]
        if bytes(read.data)[:1] == b"[":
            return [Unknown("unused_channel")]  # trades and candles come as lists
        return of(_rate, read, recv, rows.funding)

    def of(typed: "msgspec.json.Decoder[Any]", read: Frame, recv: int, make: Make) -> list[Message]:
        try:
            row = typed.decode(read.data)
        except UNREADABLE:
            return [Unknown("bad_shape", native_of(read.data))]
        listed = get(row.m)
        if listed is None:
            return [table.missing(row.m, "perp")]
        try:
            return make(row, listed, None if read.ts is None else read.ts * MS, recv)
        except BadNumber:
            return [Unknown("bad_number", row.m)]

    return decode


def quote(row: Book, listed: Listed, ts: int | None, recv: int) -> list[Message]:
    """The best levels alone; a whole book is another stream, and older ones do not say which they are."""
    if row.d != TOP:
        return [_not_top(row)]
    bids, asks = [(one.p, one.q) for one in row.b], [(one.p, one.q) for one in row.a]
    return rows.quote(bids, asks, listed, ts, recv, "ws")


def change(row: Book, listed: Listed, ts: int | None, recv: int) -> list[Message]:
    """A change of the best levels: none was ever seen, so nobody can follow it; a new connection begins with wholes."""
    return [Closing("a change of the best levels")] if row.d == TOP else [_not_top(row)]


def _not_top(row: Book) -> Unknown:
    return Unknown("old_api" if row.d is None else "unused_channel", row.m)


class Numbers:
    """The numbers of one connection: the first that is missing ends it, for the lost frame may be of any market."""

    def __init__(self) -> None:
        self._last: int | None = None
        self._said = False

    def take(self, number: int | None) -> Closing | None:
        last, self._last = self._last, number if number is not None else self._last
        if number is None or last is None or number == last + 1 or self._said:
            return None
        self._said = True
        return Closing(f"frame {number} after {last}")


def native_of(data: msgspec.Raw) -> str | None:
    try:
        return _native.decode(data).m
    except UNREADABLE:
        return None


def _bare(data: bytes) -> Unknown:
    return Unknown("unused_channel", native_of(msgspec.Raw(data)))


def _unread(frame: bytes) -> Unknown:
    """A frame of another form."""
    try:
        value = _any.decode(frame)
    except UNREADABLE:
        return Unknown("not_json")
    if not value and isinstance(value, dict | list):
        return Unknown("empty")
    try:
        return Unknown("bad_shape", _data.decode(frame).data.m)
    except UNREADABLE:
        return Unknown("bad_shape")


def topic_of(frame: bytes) -> str | None:
    """The stream that a frame comes by, where it is one that is collected."""
    try:
        read = _frame.decode(frame)
        if read.status or read.error is not None or bytes(read.data)[:1] != b"{":
            return None
        if read.type in (SNAPSHOT, DELTA):
            return BOOKS if _book.decode(read.data).d == TOP else None
        if read.type == MARK:
            return MARKS
        if not read.type:
            _rate.decode(read.data)
            return FUNDING
    except UNREADABLE:
        pass
    return None
