"""ApeX Omni's frames, socket and REST, to messages.

A push is `{"topic", "type": "snapshot" or "delta", "data", "cs", "ts"}`, an answer to a request has `success`, a ping
has `op`; what is left came over REST. `ts` is microseconds.

Never raises: what cannot be read is one `Unknown` with its reason, and the good rows of its frame are kept.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final

import msgspec

from services.collector.messages import Lost, Message, Unknown
from services.collector.normalise import BadNumber
from services.collector.table import Listed, Table
from services.collector.typed_rows import UNREADABLE
from services.collector.venue import Decode, DecoderOptions, Request
from services.collector.venues.apex import answers, times
from services.collector.venues.apex.answers import BOOK, INFO, INFO_ALL, channel_of
from services.collector.venues.apex.books import Books
from services.collector.venues.apex.decode_rest import rest
from services.collector.venues.apex.info import Known
from services.collector.venues.apex.reader import Reader, native_of
from services.collector.venues.apex.shapes import BookFrame, InfoFrame

_HOT: Final = b'{"topic":"orderBook25.H.'
#: how books and tickers were spelled before this interface, with times in milliseconds
OLD: Final = frozenset({"orderbook25.H", "orderbook200.H"})

_book: Final = msgspec.json.Decoder(BookFrame)
_info: Final = msgspec.json.Decoder(InfoFrame)
_object: Final = msgspec.json.Decoder(dict[str, msgspec.Raw])
_any: Final = msgspec.json.Decoder(dict[str, Any])
_raws: Final = msgspec.json.Decoder(list[msgspec.Raw])
_text: Final = msgspec.json.Decoder(str)

Keys = Mapping[str, msgspec.Raw]


def topic_in(keys: Keys) -> str:
    """The topic of a push; empty where it is absent or no text."""
    try:
        return _text.decode(keys["topic"]) if "topic" in keys else ""
    except UNREADABLE:
        return ""


def topic_of(frame: bytes) -> str | None:
    try:
        keys = _object.decode(frame)
    except UNREADABLE:
        return None
    return (topic_in(keys) or None) if "data" in keys else None


class _Feeds:
    """The pushes of one connection."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self.books = Books()
        self._known: dict[str, Known] = {}

    def push(self, frame: bytes, topic: str, recv: int) -> list[Message]:
        """The messages of one push of any topic."""
        channel, native = channel_of(topic), topic.rpartition(".")[2]
        if channel == BOOK:
            return self._book(frame, native, recv)
        if channel in (INFO, INFO_ALL):
            return self._info(frame, native if channel == INFO else None, recv)
        return [Unknown("old_api" if channel in OLD else "unused_channel" if topic else "bad_shape", native or None)]

    def book(self, read: BookFrame, recv: int) -> list[Message]:
        """The hot one."""
        native = read.data.s
        at = self._reader.find(native)
        return [self._reader.missing(native)] if at is None else self.books.push(read, at, recv)

    def _book(self, frame: bytes, native: str, recv: int) -> list[Message]:
        try:
            return self.book(_book.decode(frame), recv)
        except UNREADABLE:
            return self._unreadable(native, self.books.spoiled)

    def _info(self, frame: bytes, native: str | None, recv: int) -> list[Message]:
        try:
            read = _info.decode(frame)
            ts = times.of_push(read.ts)
            rows = _raws.decode(read.data) if native is None else [read.data]
        except BadNumber:
            return self._unreadable(native, self._spoiled, "bad_number")
        except UNREADABLE:
            return self._unreadable(native, self._spoiled)
        if read.type not in ("snapshot", "delta"):
            return self._unreadable(native, self._spoiled)
        made = (self._row(row, native, read.type == "snapshot", ts, recv) for row in rows)
        return [one for row in made for one in row] or [Unknown("empty")]

    def _row(self, raw: msgspec.Raw, native: str | None, whole: bool, ts: int | None, recv: int) -> list[Message]:
        try:
            said = _any.decode(raw)
        except UNREADABLE:
            return self._unreadable(native or native_of(raw), self._spoiled)
        named = said.get("symbol")
        if not isinstance(named, str):
            return self._unreadable(native, self._spoiled)
        at = self._reader.find(named)
        if at is None:
            return [self._reader.missing(named)]
        if whole or named not in self._known:
            self._known[named] = Known()
        return self._known[named].take(said, named, at, ts, recv, "ws")

    def _spoiled(self, at: Listed, native: str, reason: str) -> list[Message]:
        """A change that cannot be used: what was known is forgotten, and asked for anew."""
        if self._known.pop(native, None) is None:
            return [Unknown(reason, native)]
        return [Unknown(reason, native), Lost(at.symbol, "mark", "a change that cannot be used")]

    def _unreadable(
        self, native: str | None, spoil: Callable[[Listed, str, str], list[Message]], reason: str = "bad_shape"
    ) -> list[Message]:
        at = None if native is None else self._reader.find(native)
        return [Unknown(reason, native or None)] if native is None or at is None else spoil(at, native, reason)


def decoder(table: Table, _options: DecoderOptions) -> Decode:
    """Makes the `decode` of one connection, or of REST answers. Only one channel makes quotes."""
    reader = Reader(table)
    feeds = _Feeds(reader)
    book, read_book = feeds.book, _book.decode

    def decode(frame: bytes, recv: int, request: Request | None = None) -> list[Message]:
        if request is None and frame.startswith(_HOT):
            try:
                return book(read_book(frame), recv)
            except UNREADABLE:
                pass  # told apart below
        if request is not None:
            return rest(reader, frame, recv, request)
        try:
            keys = _object.decode(frame)
        except msgspec.ValidationError:
            return rest(reader, frame, recv, None)
        except UNREADABLE:
            return [Unknown("not_json")]
        if "topic" in keys and "event" in keys:
            return [Unknown("other_exchange")]
        if "topic" in keys:
            return feeds.push(frame, topic_in(keys), recv)
        if "success" in keys:
            return answers.answer(frame)
        if "op" in keys:
            return answers.operation(frame)
        return rest(reader, frame, recv, None)

    return decode
