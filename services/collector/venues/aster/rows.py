"""Typed rows -> events: quotes, marks, funding, payments. They raise `BadNumber` for a number that is none."""

from typing import Final

from services.collector import normalise
from services.collector.messages import Message, Unknown
from services.collector.normalise import BadNumber
from services.collector.table import Listed
from services.collector.venues.aster.shapes import BookTicker, MarkPrice, Paid, Premium, Ticker
from shared.events import Funding, Mark, Quote, Settlement, Source

MS: Final = 1_000_000
_MINUTE_MS: Final = 60_000
_HOUR_MS: Final = 3_600_000
#: the intervals at which the venue pays funding, in hours
INTERVALS: Final = frozenset({1, 4, 8})


def quote(row: BookTicker, listed: Listed, recv: int) -> list[Message]:
    sides = normalise.sides(row.b or "", row.B or "", row.a or "", row.A or "", listed)
    return [Quote(listed.symbol, *sides, _ns(row.T), recv, "ws", row.u)]


def rest_quote(row: Ticker, listed: Listed, recv: int) -> list[Message]:
    sides = normalise.sides(row.bid_price or "", row.bid_qty or "", row.ask_price or "", row.ask_qty or "", listed)
    return [Quote(listed.symbol, *sides, _ns(row.time), recv, "rest")]


def mark(row: MarkPrice, listed: Listed, recv: int) -> list[Message]:
    return _mark_and_funding(listed, (row.p, row.i), (row.r, row.T), row.E * MS, recv, "ws")


def rest_mark(row: Premium, listed: Listed, recv: int) -> list[Message]:
    funding = row.last_funding_rate, row.next_funding_time
    return _mark_and_funding(listed, (row.mark_price, row.index_price), funding, _ns(row.time), recv, "rest")


def settled(row: Paid, before: int | None, listed: Listed, recv: int) -> list[Message]:
    """A payment. `before`: the time of the symbol's payment before it, in milliseconds: the step is the interval.

    Where there is none, or the step is no interval of the venue's, the interval is what the listing says.
    """
    rate = normalise.rate(row.funding_rate)
    if rate is None:
        raise BadNumber(row.funding_rate)
    at = minute(row.funding_time)
    hours, rest = divmod(at - before, _HOUR_MS) if before is not None else (0, 0)
    interval = str(hours) if hours in INTERVALS and not rest else listed.instrument.funding_interval_h
    return [Settlement(listed.symbol, rate, interval, at * MS, None, recv)]


def minute(millis: int) -> int:
    return millis // _MINUTE_MS * _MINUTE_MS


def _mark_and_funding(
    listed: Listed,
    prices: tuple[str | None, str | None],
    funding: tuple[str | None, int | None],
    ts: int | None,
    recv: int,
    source: Source,
) -> list[Message]:
    """Mark and index, and the rate that would settle next: a fraction per interval of the listing."""
    shown = normalise.price(prices[0], listed), normalise.price(prices[1], listed)
    made: list[Message] = []
    if shown != (None, None):
        made.append(Mark(listed.symbol, *shown, ts, recv, source))
    rate, due = normalise.rate(funding[0]), funding[1]
    if rate is not None:
        hours = listed.instrument.funding_interval_h
        made.append(Funding(listed.symbol, rate, hours, _ns(due) or None, None, ts, recv, source))
    return made or [Unknown("empty", listed.instrument.native)]


def _ns(millis: int | None) -> int | None:
    return None if millis is None else millis * MS
