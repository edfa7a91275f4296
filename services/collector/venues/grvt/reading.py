"""From rows to messages: what the socket's pushes and the REST answers have in common."""

import re
from collections.abc import Callable
from typing import Any, Final

import msgspec

from services.collector.messages import Message, Unknown
from services.collector.normalise import BadNumber
from services.collector.table import Listed, Table
from services.collector.typed_rows import UNREADABLE
from services.collector.venue import DecoderOptions
from services.collector.venues.grvt import rows, shapes
from services.collector.venues.grvt.shapes import begins
from shared.events import Source

BAD_NUMBER: Final = "bad_number"
BAD_SHAPE: Final = "bad_shape"
MINI_DELTA: Final = "v1.mini.d"
MINI: Final = "v1.mini.s"
TICKER: Final = "v1.ticker.s"
OTHER: Final = "other_quote_channel"
#: dated contracts and options, told by their form
FOREIGN: Final = re.compile(r"[^_]+_[^_]+_(?:Fut|Call|Put)(?:_.+)?")

_named: Final = msgspec.json.Decoder(shapes.Named)
_raws: Final = msgspec.json.Decoder(list[msgspec.Raw])
TICKERS: Final = msgspec.json.Decoder(shapes.Ticker)
BOOKS: Final = msgspec.json.Decoder(shapes.Book)
TRADES: Final = msgspec.json.Decoder(shapes.Trade)
PAID: Final = msgspec.json.Decoder(shapes.Paid)

Make = Callable[[Any, Listed], list[Message]]


class Reader:
    """What the readers of one connection share: the table, and which channel makes quotes."""

    def __init__(self, table: Table, options: DecoderOptions) -> None:
        self.table = table
        self.find = table.getter("perp")
        self.quote_channel = options.quote_channel.get("perp", MINI_DELTA)

    def missing(self, native: str) -> Unknown:
        """Why a native id has no row: out of scope, not collected under its name, or not listed."""
        return Unknown("out_of_scope", native) if FOREIGN.fullmatch(native) else self.table.missing(native, "perp")

    def one(self, raw: bytes | msgspec.Raw, decoder: msgspec.json.Decoder[Any], make: Make) -> list[Message]:
        """The messages of one row; a bad one is one `Unknown`."""
        try:
            row = decoder.decode(raw)
        except UNREADABLE:
            return [Unknown(BAD_SHAPE, native_of(raw))]
        return self.made(row, make)

    def made(self, row: Any, make: Make) -> list[Message]:
        listed = self.find(row.instrument)
        if listed is None:
            return [self.missing(row.instrument)]
        try:
            return make(row, listed) or [Unknown("empty", row.instrument)]
        except BadNumber:
            return [Unknown(BAD_NUMBER, row.instrument)]

    def each(self, result: msgspec.Raw, decoder: msgspec.json.Decoder[Any], make: Make) -> list[Message]:
        """The messages of a list of rows, in order; a single row is a list of one."""
        if begins(result, b"{"):
            return self.one(result, decoder, make)
        try:
            raws = _raws.decode(result)
        except UNREADABLE:
            return [Unknown(BAD_SHAPE)]
        out: list[Message] = []
        for raw in raws:
            out += self.one(raw, decoder, make)
        return out or [Unknown("empty")]


def native_of(raw: bytes | msgspec.Raw) -> str | None:
    """The instrument that a row names, however broken the rest of it is."""
    try:
        return _named.decode(raw).instrument
    except UNREADABLE:
        return None


def figures(row: shapes.Ticker, at: Listed, recv: int, source: Source) -> list[Message]:
    """Mark and index, funding and 24 h figures of a full ticker."""
    rate, stats = rows.funding(row, at, recv, source), rows.stats(row, at, recv, source)
    return marks(row, at, recv, source) + ([stats] if rate is None else [rate, stats])


def marks(row: shapes.Ticker, at: Listed, recv: int, source: Source) -> list[Message]:
    """Mark and index, where there is either."""
    mark = rows.mark(row, at, recv, source)
    return [] if mark is None else [mark]
