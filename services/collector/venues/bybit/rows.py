"""Rows of frames and bodies -> messages, and the reasons they make none.

A function here takes one row, the instrument it was looked up as, and when it came. Numbers that are no numbers raise
`BadNumber`; the callers turn that into one `Unknown`.
"""

from collections.abc import Callable
from itertools import pairwise
from typing import Any, Final

import msgspec

from services.collector import normalise
from services.collector.messages import BookDelta, BookSnapshot, Message, Unknown
from services.collector.normalise import BadNumber, nanoseconds
from services.collector.table import Listed, Table
from services.collector.typed_rows import UNREADABLE, Rows
from services.collector.venue import DecoderOptions
from services.collector.venues.bybit.shapes import BookData, ForcedRow, PaidRow, TradeRow
from shared.events import Liquidation, Quote, Settlement, Side, Source, Trade
from shared.instruments import Market

MS: Final = 1_000_000
MINUTE_NS: Final = 60_000_000_000
HOUR_NS: Final = 3_600_000_000_000
#: the intervals at which the venue pays funding, in hours
INTERVALS: Final = frozenset({1, 2, 4, 8})

BEST: Final = "orderbook.1"
TICKERS: Final = "tickers"
#: the depths that are pushed, and the channels of their books
DEPTHS: Final = {f"orderbook.{levels}": levels for levels in (50, 200, 500, 1000)}
TAKER: Final[dict[str, Side]] = {"Buy": "buy", "Sell": "sell"}
#: a liquidated long position is sold
FORCED: Final[dict[str, Side]] = {"Buy": "sell", "Sell": "buy"}

_any: Final = msgspec.json.Decoder()


class Reader:
    """What the readers of one connection share: one market's table, which channel makes quotes, what was said last."""

    def __init__(self, table: Table, options: DecoderOptions, market: Market) -> None:
        self.table, self.market = table, market
        self.find = table.getter(market)
        channel = options.quote_channel.get(market, BEST)
        self.best_quotes, self.ticker_quotes = channel == BEST, channel == TICKERS
        #: native -> (update number, numbers) of the newest best bid and offer
        self._newest: dict[str, tuple[int, normalise.Sides]] = {}

    def miss(self, native: str) -> Unknown:
        """Why a native id has no row. Dated contracts, options and spreads, and only they, have a hyphen or a slash."""
        if "-" in native or "/" in native:
            return Unknown("out_of_scope", native)
        return self.table.missing(native, self.market)

    def best(self, data: BookData, ts: int | None, at: Listed, recv: int) -> Quote:
        """The best bid and offer. The hot path. Raises `BadNumber`.

        What has not changed for 3 s is sent again under its old number: that renews the quote, but its engine time is
        not this frame's, which therefore has none.
        """
        bid, ask = data.b[0] if data.b else _NONE, data.a[0] if data.a else _NONE
        numbers = normalise.sides(*bid, *ask, at)
        known = (data.u, numbers)
        if self._newest.get(data.s) == known:
            return Quote(at.symbol, *numbers, None, recv, "ws", data.seq)
        self._newest[data.s] = known
        return Quote(at.symbol, *numbers, ts, recv, "ws", data.seq)


_NONE: Final = ("", "")


def native_of(raw: bytes | msgspec.Raw) -> str | None:
    """The instrument that a row or frame names, however broken the rest of it is."""
    try:
        row = _any.decode(raw)
    except UNREADABLE:
        return None
    if isinstance(row, dict) and isinstance(row.get("data"), dict):
        row = row["data"]
    names = (row.get("s"), row.get("symbol")) if isinstance(row, dict) else ()
    return next((name for name in names if isinstance(name, str)), None)


TRADES: Final = Rows(TradeRow, native_of)
LIQUIDATIONS: Final = Rows(ForcedRow, native_of)
PAID: Final = Rows(PaidRow, native_of)


def per_row(reader: Reader, found: list[Any], make: Callable[[Any, Listed], Message]) -> list[Message]:
    """The messages of rows that name their instrument in `s` or `symbol`, in order."""
    made: list[Message] = []
    for row in found:
        if isinstance(row, Unknown):
            made.append(row)
            continue
        native = row.symbol if isinstance(row, PaidRow) else row.s
        at = reader.find(native)
        if at is None:
            made.append(reader.miss(native))
            continue
        try:
            made.append(make(row, at))
        except BadNumber:
            made.append(Unknown("bad_number", native))
    return made or [Unknown("empty")]


def trades(reader: Reader, data: msgspec.Raw, recv: int) -> list[Message]:
    def make(row: TradeRow, at: Listed) -> Message:
        side = TAKER.get(row.S)
        if side is None or not row.i:
            return Unknown("bad_shape", row.s)
        price, size = normalise.positive(row.p, row.v, at)
        return Trade(at.symbol, price, size, side, row.i, row.T * MS, recv, "block" if row.BT else None)

    return per_row(reader, TRADES.read(data), make)


def liquidations(reader: Reader, data: msgspec.Raw, recv: int) -> list[Message]:
    def make(row: ForcedRow, at: Listed) -> Message:
        side = FORCED.get(row.S)
        if side is None:
            return Unknown("bad_shape", row.s)
        price, size = normalise.positive(row.p, row.v, at)
        return Liquidation(at.symbol, side, price, size, row.T * MS, recv, None, "bankruptcy")

    return per_row(reader, LIQUIDATIONS.read(data), make)


def settlements(reader: Reader, data: msgspec.Raw, recv: int) -> list[Message]:
    """Payments of a symbol, the newest first: the step from the row below is a row's interval."""
    found = PAID.read(data)
    older = {id(row): below for row, below in pairwise(found)}

    def make(row: PaidRow, at: Listed) -> Message:
        paid, at_ns, below = normalise.rate(row.funding_rate), _paid_ns(row), older.get(id(row))
        if paid is None:
            raise BadNumber(row.funding_rate)
        interval = at.instrument.funding_interval_h
        if isinstance(below, PaidRow) and below.symbol == row.symbol:
            interval = _step(at_ns, below) or interval
        return Settlement(at.symbol, paid, interval, at_ns, None, recv)

    return per_row(reader, found, make)


def _paid_ns(row: PaidRow) -> int:
    """When a payment was made, to the minute. Raises `BadNumber`."""
    at_ns = nanoseconds(row.funding_rate_timestamp)
    return at_ns - at_ns % MINUTE_NS


def _step(at_ns: int, below: PaidRow) -> str | None:
    """Hours since the payment before, None where that is no interval of the venue's."""
    try:
        hours, rest = divmod(at_ns - _paid_ns(below), HOUR_NS)
    except BadNumber:
        return None
    return str(hours) if hours in INTERVALS and not rest else None


def book(
    data: BookData, delta: bool, limit: int | None, ts: int | None, at: Listed, recv: int, source: Source = "ws"
) -> BookSnapshot | BookDelta:
    """One bad level spoils the whole: a book with a hole is no book. Raises `BadNumber`."""
    bids, asks = normalise.levels(data.b, at), normalise.levels(data.a, at)
    if delta:
        return BookDelta(at.symbol, bids, asks, None, data.u, None, ts, recv)
    return BookSnapshot(at.symbol, bids, asks, data.u, ts, recv, source, limit=limit)
