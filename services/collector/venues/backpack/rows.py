"""Rows of frames and answers -> messages.

A function here takes one row, the instrument it was looked up as, and when it came. Numbers that are no numbers raise
`BadNumber`; the callers turn that into one `Unknown`.
"""

from collections.abc import Callable, Iterable, Sequence
from decimal import Decimal
from typing import Final

from services.collector import normalise
from services.collector.messages import Message, Unknown
from services.collector.normalise import BadNumber
from services.collector.table import Listed, Table
from services.collector.venues.backpack.shapes import BookTicker, Depth, MarkPrice, MarkRow, PaidRow, Stamp
from services.collector.venues.backpack.times import HOUR_NS, MINUTE_NS, MS_DIGITS, SECOND_NS, instant, time_of
from shared.events import Funding, Level, Mark, Quote, Settlement, Source

#: the intervals at which the venue pays, or has paid, funding, in hours
INTERVALS: Final = frozenset({1, 8})
#: payments before this day were made every eight hours, those after it are made every hour
HOURLY_SINCE: Final = 1_755_648_000 * SECOND_NS


class Reader:
    """What the readers of one connection share. Ids tell the markets apart: a perpetual's is of no spot pair."""

    def __init__(self, table: Table) -> None:
        self._table = table
        self._perp, self._spot = table.getter("perp"), table.getter("spot")

    def find(self, native: str) -> Listed | None:
        return self._perp(native) or self._spot(native)

    def missing(self, native: str) -> Unknown:
        return self._table.missing(native, "perp", "spot")


def quote(row: BookTicker, at: Listed, recv: int) -> Quote:
    """The best bid and offer. The hot path."""
    sides = normalise.sides(row.b or "", row.B or "", row.a or "", row.A or "", at)
    return Quote(at.symbol, *sides, time_of(row.T), recv, "ws", row.u)


def mark(row: MarkPrice, at: Listed, recv: int) -> list[Message]:
    return _mark(row.s, at, (row.p, row.i, row.f), row.n, time_of(row.T), recv, "ws")


def mark_row(row: MarkRow, at: Listed, recv: int) -> list[Message]:
    numbers = row.mark_price, row.index_price, row.funding_rate
    return _mark(row.symbol, at, numbers, row.next_funding_timestamp, None, recv, "rest")


def _mark(
    native: str,
    at: Listed,
    numbers: tuple[str | None, str | None, str | None],
    due: Stamp,
    ts: int | None,
    recv: int,
    source: Source,
) -> list[Message]:
    """Mark and index, and the rate for the interval that the listing tells."""
    if at.instrument.market != "perp":
        return [Unknown("out_of_scope", native)]
    marked, indexed = normalise.price(numbers[0], at), normalise.price(numbers[1], at)
    rate, next_ts = normalise.rate(numbers[2]), time_of(due, MS_DIGITS)
    made: list[Message] = []
    if marked is not None or indexed is not None:
        made.append(Mark(at.symbol, marked, indexed, ts, recv, source))
    if rate is not None:
        made.append(Funding(at.symbol, rate, at.instrument.funding_interval_h, next_ts, None, ts, recv, source))
    return made or [Unknown("empty", native)]


def paid(row: PaidRow, below: PaidRow | None, at: Listed, recv: int) -> Message:
    """A payment; the row below is the one before it. `recv` zero: not known.

    The rate of an interval that has not ended is no payment yet.
    """
    if at.instrument.market != "perp":
        return Unknown("out_of_scope", row.symbol)
    rate, at_ns = normalise.rate(row.funding_rate), instant(row.interval_end_timestamp)
    if rate is None:
        raise BadNumber("no fundingRate")
    if recv and at_ns > recv:
        return Unknown("not_a_payment", row.symbol)
    hours = _step(row, below, at_ns) or (at.instrument.funding_interval_h if at_ns > HOURLY_SINCE else None)
    return Settlement(at.symbol, rate, hours, at_ns - at_ns % MINUTE_NS, None, recv)


def _step(row: PaidRow, below: PaidRow | None, at_ns: int) -> str | None:
    """Hours since the payment before, None where that is no interval of the venue's."""
    if below is None or below.symbol != row.symbol:
        return None
    try:
        hours, rest = divmod(at_ns - instant(below.interval_end_timestamp), HOUR_NS)
    except BadNumber:
        return None
    return str(hours) if hours in INTERVALS and not rest else None


def depth_quote(row: Depth, at: Listed, recv: int) -> Quote:
    """The best of a book whose bids come worst first."""
    bid, bid_size = _best(row.bids, at, max)
    ask, ask_size = _best(row.asks, at, min)
    seq = row.last_update_id
    number = None if seq is None or seq == "" else number_of(str(seq))
    return Quote(at.symbol, bid, bid_size, ask, ask_size, time_of(row.timestamp), recv, "rest", number)


def number_of(text: str) -> int:
    """A number of the order book in text. Raises `BadNumber`."""
    if not text.isascii() or not text.isdigit() or len(text) > 18:
        raise BadNumber(text[:64])
    return int(text)


def _best(side: Sequence[Level], at: Listed, pick: Callable[..., Level]) -> tuple[str | None, str | None]:
    """The best level by its number: texts of one price differ in their padding."""
    standing: Iterable[Level] = [level for level in normalise.levels(side, at) if level[1].strip("0.")]
    return pick(standing, key=lambda level: Decimal(level[0])) if standing else (None, None)
