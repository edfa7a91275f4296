"""Frames and bodies -> messages. It never raises: what cannot be used is an `Unknown` with its reason, row by row.

One typed decode reads a combined frame of a collected channel; everything else goes the slow way, by its form.
"""

from itertools import chain
from typing import Any, Final

import msgspec

from services.collector.messages import ROWS_AT_ONCE, Message, Rows, Unknown
from services.collector.normalise import BadNumber
from services.collector.table import Table
from services.collector.typed_rows import UNREADABLE
from services.collector.venue import Decode, DecoderOptions, Request
from services.collector.venues.aster import answers, rows
from services.collector.venues.aster.decode_rest import Rest
from services.collector.venues.aster.shapes import BookTicker, Combined, MarkPrice, Row, Wrapper

ALL_BOOK_TICKERS: Final = "!bookTicker"
BOOK_TICKER: Final = "bookTicker"
MARKS: Final = "!markPrice@arr@1s"

_combined: Final = msgspec.json.Decoder(Combined)
_wrapper: Final = msgspec.json.Decoder(Wrapper)
_row: Final = msgspec.json.Decoder(Row)
_list: Final = msgspec.json.Decoder(list[msgspec.Raw])
_any: Final = msgspec.json.Decoder()


def decoder(table: Table, options: DecoderOptions) -> Decode:
    """Makes the `decode` of one connection, or of REST answers."""
    reader, rest = Reader(table, options), Rest(table)

    def decode(frame: bytes, recv: int, request: Request | None = None) -> list[Message]:
        if request is not None:
            return rest(frame, recv, request)
        try:
            whole = _combined.decode(frame)
        except UNREADABLE:
            return _explain(frame, recv, reader, rest)
        return reader.all(whole.data, recv, whole.stream)

    return decode


class Reader:
    """Makes messages of the typed rows of socket frames."""

    def __init__(self, table: Table, options: DecoderOptions) -> None:
        self._table, self._get = table, table.getter("perp")
        self._quoting = options.quote_channel.get("perp", BOOK_TICKER)
        self._in_parts = options.in_parts

    def one(self, row: Row, recv: int, stream: str) -> list[Message]:
        """Messages of one row; a bad number is one `Unknown`."""
        listed = self._get(row.s)
        if listed is None:
            return [self._table.missing(row.s, "perp")]
        try:
            if isinstance(row, MarkPrice):
                return rows.mark(row, listed, recv)
            if (ALL_BOOK_TICKERS if stream == ALL_BOOK_TICKERS else BOOK_TICKER) != self._quoting:
                return [Unknown("other_quote_channel", row.s)]
            return rows.quote(row, listed, recv)
        except BadNumber:
            return [Unknown("bad_number", row.s)]

    def all(self, data: Row | list[Row], recv: int, stream: str) -> list[Message]:
        """Messages of a frame's content: one row or an array of them."""
        if isinstance(data, BookTicker | MarkPrice):
            return self.one(data, recv, stream)
        each = chain.from_iterable(self.one(row, recv, stream) for row in data)
        if self._in_parts and len(data) > ROWS_AT_ONCE:
            return [Rows(each)]
        return list(each) or [Unknown("empty")]


def _explain(frame: bytes, recv: int, reader: Reader, rest: Rest) -> list[Message]:
    """Every message of a frame that the typed decode did not take: its rows one by one."""
    try:
        wrapper = _wrapper.decode(frame)
        stream, data = wrapper.stream, bytes(wrapper.data)
    except UNREADABLE:
        stream, data = "", bytes(frame)
    if data.lstrip()[:1] != b"[":
        return _slowly(data, recv, stream, reader, rest)
    try:
        parts = _list.decode(data)
    except UNREADABLE:
        return [Unknown("not_json")]
    body = None if stream else answers.listed_body(data, parts)
    if body is not None:
        return [body]
    return [m for part in parts for m in _slowly(bytes(part), recv, stream, reader, rest)] or [Unknown("empty")]


def _slowly(data: bytes, recv: int, stream: str, reader: Reader, rest: Rest) -> list[Message]:
    try:
        return reader.one(_row.decode(data), recv, stream)
    except UNREADABLE:
        pass  # not a row that we collect, or one that is damaged: told apart below
    try:
        value: Any = _any.decode(data)
    except UNREADABLE:
        return [Unknown("not_json")]
    told = answers.told(value, stream)
    if isinstance(told, Request):
        return rest(data, recv, told)
    return [told]
