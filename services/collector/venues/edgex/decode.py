"""edgeX's frames, socket and REST, to messages.

A push is `{"type": "quote-event", "channel", "content": {"dataType", "data": [row, ...]}}`; every other frame of the
socket has a `type` of its own. A REST answer has a `code` instead (`decode_rest.py`). Every row names its contract and
is whole, in the first push and in later ones.

Never raises: what cannot be read is one `Unknown` with its reason, and the good rows of its frame are kept.
"""

from typing import Final

import msgspec

from services.collector.messages import Ack, Answer, Message, Pong, Refused, Unknown
from services.collector.table import Listed, Table
from services.collector.typed_rows import UNREADABLE, Rows
from services.collector.venue import Decode, DecoderOptions, Request
from services.collector.venues.edgex import rows, shapes
from services.collector.venues.edgex.decode_rest import TICKERS, rest
from services.collector.venues.edgex.reading import Reader

PUSH: Final = "quote-event"
BEST: Final = "bookTicker"
TICKER: Final = "ticker"
BESTS: Final = Rows(shapes.Best, shapes.native_of)
#: frames that a client sends, and those that prove no topic
REQUESTS: Final = frozenset({"subscribe", "unsubscribe"})
NOTICES: Final = frozenset({"connected", "unsubscribed"})
#: longer than any time is
_TIME_CHARS: Final = 40

_frame: Final = msgspec.json.Decoder(shapes.Frame)
_content: Final = msgspec.json.Decoder(shapes.Content)
_error: Final = msgspec.json.Decoder(shapes.Error)
_time: Final = msgspec.json.Decoder(str | int)
_keys: Final = msgspec.json.Decoder(dict[str, msgspec.Raw])


def decoder(table: Table, options: DecoderOptions) -> Decode:
    """Makes the `decode` of one connection, or of REST answers."""
    reader = Reader(table, in_parts=options.in_parts)

    def decode(frame: bytes, recv: int, request: Request | None = None) -> list[Message]:
        if request is not None:
            return rest(reader, frame, recv, request)
        try:
            read = _frame.decode(frame)
        except msgspec.ValidationError:
            return [Unknown("bad_shape")] if has_type(frame) else rest(reader, frame, recv, None)
        except UNREADABLE:
            return [Unknown("not_json")]
        return push(reader, read, recv) if read.type == PUSH else [answer(read)]

    return decode


def has_type(frame: bytes) -> bool:
    """Whether it is a frame of the socket all the same, with something that its keys do not hold."""
    try:
        return "type" in _keys.decode(frame)
    except UNREADABLE:
        return False


def push(reader: Reader, read: shapes.Frame, recv: int) -> list[Message]:
    """The messages of one push."""

    def ticker(row: shapes.Ticker, at: Listed) -> list[Message]:
        return rows.ticker(row, at, recv, "ws")

    try:
        data = _content.decode(read.content).data
    except UNREADABLE:
        return [Unknown("bad_shape")]
    channel = read.channel.partition(".")[0]
    if channel == BEST:
        return reader.messages(data, BESTS, lambda row, at: rows.best(row, at, recv))
    if channel == TICKER:
        return reader.messages(data, TICKERS, ticker)
    return [Unknown("unused_channel" if channel else "bad_shape")]


def answer(read: shapes.Frame) -> Message:
    """What a frame is that carries no data."""
    kind = read.type
    if kind == "subscribed":
        return Ack(read.channel) if read.channel else Unknown("bad_shape")
    if kind in NOTICES:
        return Ack()
    if kind == "ping":
        return pong(read.time)
    if kind == "pong":
        return Pong()
    if kind == "error":
        return refused(read.content)
    return Unknown("client_frame" if kind in REQUESTS else "bad_shape")


def pong(time: msgspec.Raw) -> Message:
    """The answer to a ping has the same time, as it was written."""
    try:
        text = str(_time.decode(time))
    except UNREADABLE:
        return Unknown("bad_shape")
    if len(text) > _TIME_CHARS:
        return Unknown("bad_shape")
    return Answer(f'{{"type":"pong","time":{bytes(time).decode()}}}')


def refused(content: msgspec.Raw) -> Message:
    """A refusal names no channel."""
    try:
        error = _error.decode(content)
    except UNREADABLE:
        return Unknown("bad_shape")
    return Refused(None, None, error.code, error.msg or "refused without a reason")
