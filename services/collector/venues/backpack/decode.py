"""Backpack's frames, socket and REST, to messages.

A push is `{"stream": "channel.market", "data": {…}}`, the market in `s`, the kind in `e`; an error has an `error` and
names no topic; nothing else is answered. REST answers are in `decode_rest.py`.

Never raises: what cannot be read is one `Unknown` with its reason.
"""

from typing import Final

import msgspec

from services.collector.messages import Message, Refused, Unknown
from services.collector.normalise import BadNumber
from services.collector.table import Table
from services.collector.typed_rows import UNREADABLE
from services.collector.venue import Decode, DecoderOptions, Request
from services.collector.venues.backpack import rows
from services.collector.venues.backpack.decode_rest import rest
from services.collector.venues.backpack.rows import Reader
from services.collector.venues.backpack.shapes import BookTicker, Error, Frame, Push, native_of

BOOK_TICKER: Final = "bookTicker"
MARK_PRICE: Final = "markPrice"
#: channels that are not subscribed; those of accounts begin with the last
UNUSED: Final = frozenset({"depth", "ticker", "trade", "kline", "liquidation", "openInterest", "account"})

_push: Final = msgspec.json.Decoder(Push)
_frame: Final = msgspec.json.Decoder(Frame)


def channel_of(text: str) -> str | None:
    """The channel of a topic: `depth.200ms.BTC_USDC` is of `depth`. A market's id may have a point in it."""
    return text.partition(".")[0] or None


def topic_of(frame: bytes) -> str | None:
    try:
        return _frame.decode(frame).stream or None
    except UNREADABLE:
        return None


def decoder(table: Table, _options: DecoderOptions) -> Decode:
    """Makes the `decode` of one connection, or of REST answers."""
    reader = Reader(table)

    def decode(frame: bytes, recv: int, request: Request | None = None) -> list[Message]:
        if request is not None:
            return rest(reader, frame, recv, request)
        try:
            read = _push.decode(frame)
        except UNREADABLE:
            return other(reader, frame, recv)
        return push(reader, read, recv)

    return decode


def push(reader: Reader, read: Push, recv: int) -> list[Message]:
    """What is subscribed. The stream has to say the same as the row."""
    row = read.data
    channel = BOOK_TICKER if isinstance(row, BookTicker) else MARK_PRICE
    if read.stream != f"{channel}.{row.s}":
        return [Unknown("bad_shape", row.s)]
    listed = reader.find(row.s)
    if listed is None:
        return [reader.missing(row.s)]
    try:
        if not isinstance(row, BookTicker):
            return rows.mark(row, listed, recv)
        if row.b is row.B is row.a is row.A is msgspec.UNSET:
            return [Unknown("bad_shape", row.s)]
        return [rows.quote(row, listed, recv)]
    except BadNumber:
        return [Unknown("bad_number", row.s)]


def other(reader: Reader, frame: bytes, recv: int) -> list[Message]:
    """Whatever is no push of ours."""
    try:
        read = _frame.decode(frame)
    except msgspec.ValidationError:
        return rest(reader, frame, recv, None)
    except UNREADABLE:
        return [Unknown("not_json")]
    if read.error is not None:
        return [refused(read.error)]
    if read.method is not None:
        return [Unknown("client_frame")]
    if read.stream is None:
        return rest(reader, frame, recv, None)
    native = native_of(read.data) if read.data else None
    return [Unknown("unused_channel" if channel_of(read.stream) in UNUSED else "bad_shape", native)]


def refused(error: Error) -> Refused:
    """An error of a request. Requests have no id, so it names none."""
    return Refused(None, None, None if error.code is None else str(error.code), error.message or "")
