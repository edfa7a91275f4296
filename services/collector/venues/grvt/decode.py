"""GRVT's frames, socket and REST, to messages.

A push is `{"stream", "selector", "sequence_number", "feed": {row}, "prev_sequence_number"}`. An answer to a request is
JSON-RPC (`result` or `error` with `id`), a REST answer is `{"result": row or rows}` or `{"code", "message"}`. The lite
encoding says the same with short keys and is written out first (`lite.py`).

Never raises: what cannot be read is one `Unknown` with its reason, and the good rows of its frame are kept.
"""

from collections.abc import Mapping
from typing import Final

import msgspec

from services.collector import normalise
from services.collector.messages import Lost, Message, Replayed, Unknown
from services.collector.normalise import BadNumber
from services.collector.table import Listed, Table
from services.collector.typed_rows import UNREADABLE
from services.collector.venue import Decode, DecoderOptions, Request
from services.collector.venues.grvt import answers, lite, reading, rows, shapes
from services.collector.venues.grvt.answers import topic_text
from services.collector.venues.grvt.changes import PICTURE, Top, Whole, judge
from services.collector.venues.grvt.decode_rest import rest
from services.collector.venues.grvt.reading import BOOKS, MINI, MINI_DELTA, TICKER, TICKERS, TRADES, Reader
from services.collector.venues.grvt.shapes import begins
from shared.events import Mark, Quote

_HOT: Final = b'{"stream":"v1.mini.'
_mini: Final = msgspec.json.Decoder(shapes.MiniFrame)
_object: Final = msgspec.json.Decoder(dict[str, msgspec.Raw])
_text: Final = msgspec.json.Decoder(str)

Keys = Mapping[str, msgspec.Raw]


def text(keys: Keys, name: str) -> str:
    """A text among the keys of a frame; empty where it is absent or no text."""
    try:
        return _text.decode(keys[name]) if name in keys else ""
    except UNREADABLE:
        return ""


def object_of(frame: bytes) -> Keys | Unknown:
    """The keys of a frame in the full encoding, or why it has none."""
    try:
        keys = _object.decode(frame)
    except msgspec.ValidationError:
        return Unknown(reading.BAD_SHAPE)
    except UNREADABLE:
        return Unknown("not_json")
    return keys if "stream" in keys else lite.written_out(keys) or keys


class _Feeds:
    """The pushes of one connection."""

    def __init__(self, reader: Reader) -> None:
        self.reader = reader
        self.tops: dict[str, Top] = {}
        self.wholes: dict[str, Whole] = {}
        #: topic -> the number before its first delta
        self.told: dict[str, int] = {}

    def push(self, keys: Keys, recv: int) -> list[Message]:
        """The messages of one push of any stream."""
        stream, feed = text(keys, "stream"), keys["feed"]
        if stream in (MINI_DELTA, MINI):
            try:
                return self.mini(_mini.decode(msgspec.json.encode(keys)), recv)
            except UNREADABLE:
                return self.spoiled(self.tops, reading.native_of(feed), reading.BAD_SHAPE)
        try:
            seq = rows.number(text(keys, "sequence_number"))
            before = rows.number(text(keys, "prev_sequence_number")) if "prev_sequence_number" in keys else None
        except BadNumber:
            return self.spoiled(self.wholes, reading.native_of(feed), reading.BAD_NUMBER)
        selector = text(keys, "selector")
        if stream == TICKER:
            return self.reader.one(feed, TICKERS, lambda row, at: self.ticker(row, at, seq, recv))
        if stream == "v1.ticker.d":
            return self.ticker_delta(feed, seq, before, topic_text(stream, selector), recv)
        if stream == "v1.book.s":
            limit = depth_of(selector)
            return self.reader.one(feed, BOOKS, lambda row, at: [rows.snapshot(row, at, recv, "ws", seq, limit)])
        if stream == "v1.book.d" and seq == PICTURE:
            number = self.number(topic_text(stream, selector))
            return self.reader.one(feed, BOOKS, lambda row, at: [rows.snapshot(row, at, recv, "ws", number, None)])
        if stream == "v1.book.d":
            return self.reader.one(feed, BOOKS, lambda row, at: [rows.delta(row, at, recv, seq, before)])
        if stream == "v1.trade":
            return self.reader.one(feed, TRADES, lambda row, at: trades(row, at, recv, replayed=seq == 0))
        return [Unknown("unused_channel" if stream else reading.BAD_SHAPE, reading.native_of(feed))]

    def number(self, topic: str) -> int:
        """The number that a picture stands for: the one before the first delta, where it was told."""
        return self.told.get(topic, PICTURE)

    def spoiled(self, kept: Mapping[str, Top | Whole], native: str | None, reason: str) -> list[Message]:
        """A frame that cannot be used: the next delta of its instrument shows a gap."""
        if native is not None and native in kept:
            kept[native].spoil()
        return [Unknown(reason, native)]

    def mini(self, frame: shapes.MiniFrame, recv: int) -> list[Message]:
        """The hot one. A delta that changes neither side nor mark says that they stand."""
        feed, native = frame.feed, frame.feed.instrument
        listed = self.reader.find(native)
        if listed is None:
            return [self.reader.missing(native)]
        quotes = frame.stream == self.reader.quote_channel
        if not quotes and frame.stream != MINI:
            return [Unknown(reading.OTHER, native)]
        try:
            seq = rows.number(frame.sequence_number)
            if frame.stream == MINI:
                made = _said(Top(""), feed, listed, seq, recv)
                return made if quotes else _marks(made) or [Unknown(reading.OTHER, native)]
            top = self.tops.get(native)
            if top is not None and seq and frame.prev_sequence_number == top.text:  # nearly all of them
                top.last, top.text = seq, frame.sequence_number
                return _said(top, feed, listed, seq, recv)
            return self.unusual_mini(frame, top, listed, seq, recv)
        except BadNumber:
            return self.spoiled(self.tops, native, reading.BAD_NUMBER)

    def unusual_mini(
        self, frame: shapes.MiniFrame, before: Top | None, listed: Listed, seq: int, recv: int
    ) -> list[Message]:
        """A picture, the first delta after one, a retry, a gap. Raises `BadNumber`."""
        native, named = frame.feed.instrument, frame.prev_sequence_number
        verdict = "snapshot" if before is None else judge(before.last, seq, rows.number(named) if named else None)
        if verdict == "doubled":
            return [Unknown("doubled", native)]
        top = before
        if top is None or verdict != "next":
            top = self.tops[native] = Top(None)
        top.last = seq or self.number(topic_text(frame.stream, frame.selector))
        top.text = str(top.last)
        made = _said(top, frame.feed, listed, top.last, recv)
        if verdict != "gap":
            return made
        known = before is not None and before.sides() is not None
        return [_lost(listed, "quote", seq) if known else Unknown("gap", native)]

    def ticker(self, row: shapes.Ticker, at: Listed, seq: int, recv: int) -> list[Message]:
        made = reading.figures(row, at, recv, "ws")
        if self.reader.quote_channel == TICKER:
            made.insert(0, rows.quote(row, at, recv, "ws", seq))
        return made

    def ticker_delta(self, feed: msgspec.Raw, seq: int, before: int | None, topic: str, recv: int) -> list[Message]:
        native = reading.native_of(feed)
        listed = None if native is None else self.reader.find(native)
        if native is None or listed is None:
            return [Unknown(reading.BAD_SHAPE) if native is None else self.reader.missing(native)]
        whole = self.wholes.get(native)
        verdict = "snapshot" if whole is None else judge(whole.last, seq, before)
        if verdict == "doubled":
            return [Unknown("doubled", native)]
        if whole is None or verdict != "next":
            whole = self.wholes[native] = Whole()
        whole.last = seq or self.number(topic)
        try:
            row = whole.take(feed)
        except UNREADABLE:
            return self.spoiled(self.wholes, native, reading.BAD_SHAPE)
        if verdict == "gap":
            return [_lost(listed, "funding", seq)]
        return self.reader.made(row, lambda row, at: reading.figures(row, at, recv, "ws"))


def _said(top: Top, feed: shapes.Mini, at: Listed, seq: int, recv: int) -> list[Message]:
    """What a mini ticker says after this frame. Raises `BadNumber`."""
    spoke, marked = top.take(feed)
    ts = rows.time_of(feed.event_time)
    made: list[Message] = []
    sides = top.sides()
    if sides is not None and (spoke or not marked):
        made.append(Quote(at.symbol, *normalise.sides(*sides, at), ts, recv, "ws", seq))
    if marked:
        mark, index = normalise.price(top.mark, at), normalise.price(top.index, at)
        if mark is not None or index is not None:
            made.append(Mark(at.symbol, mark, index, ts, recv))
    return made or [Unknown("incomplete", feed.instrument)]


def _marks(made: list[Message]) -> list[Message]:
    return [one for one in made if isinstance(one, Mark)]


def _lost(at: Listed, kind: str, seq: int) -> Lost:
    return Lost(at.symbol, kind, f"gap before {seq}")


def trades(row: shapes.Trade, at: Listed, recv: int, *, replayed: bool) -> list[Message]:
    """A topic begins with trades that were, numbered 0."""
    if row.venue not in rows.FLAGS:
        return [Unknown("unknown_trade_venue", row.instrument)]
    one = rows.trade(row, at, recv)
    return [Replayed(one) if replayed else one]


def depth_of(selector: str) -> int | None:
    """How many levels a picture has at most: `BTC_USDT_Perp@500-10`."""
    digits = selector.partition("@")[2].partition("-")[2]
    return int(digits) if digits.isascii() and digits.isdigit() and len(digits) < 6 else None


def decoder(table: Table, options: DecoderOptions) -> Decode:
    """Makes the `decode` of one connection, or of REST answers."""
    reader = Reader(table, options)
    feeds = _Feeds(reader)
    mini, read_mini = feeds.mini, _mini.decode

    def decode(frame: bytes, recv: int, request: Request | None = None) -> list[Message]:
        if request is None and frame.startswith(_HOT):
            try:
                return mini(read_mini(frame), recv)
            except UNREADABLE:
                pass  # told apart below
        keys = object_of(frame)
        if isinstance(keys, Unknown):
            return [keys]
        if request is not None:
            return rest(reader, keys, recv, request)
        if "stream" in keys and begins(keys.get("feed", shapes.ABSENT), b"{"):
            return feeds.push(keys, recv)
        if "error" in keys:
            return answers.refused(keys["error"], keys.get("id"))
        if "jsonrpc" in keys and "result" in keys:
            answers.note(feeds.told, keys["result"])
            return answers.accepted(keys["result"], keys.get("id"))
        if "stream" in keys and "subs" in keys:
            answers.note(feeds.told, frame)
            return answers.accepted(frame, keys.get("request_id"))
        if answers.is_request(keys):
            return [Unknown("client_frame")]
        return rest(reader, keys, recv, None)

    return decode
