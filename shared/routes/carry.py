"""What the funding of a route brings or costs, and when it has paid the fees back.

    r_h       = rate / interval                             a fraction an hour; 0 for spot, of a loan -apr / 8760
    carry_h   = r_h(sold leg) - r_h(bought leg)             the sold side receives a positive rate
    r_8h      = 8 * carry_h,  APR = 8760 * carry_h          of the notional; of the money tied up at 1x on both: half
    next cash = what the earliest settlement ahead pays, and when

Break-even walks the settlements of both legs for as long as 30 days: the first at which the payments cover the cost,
and the one from which on they stay above it. The next settlement of a leg pays its present rate, later ones the median
of its settled ones (its present rate where none are known). A receipt counts when the position is held for a minute
before it, a payment already when it fell due within the last minute. No break-even where the carry is not positive.
Where funding accrues without settlements, it counts by the full hour.
"""

from collections.abc import Iterator
from fractions import Fraction
from heapq import merge
from math import lcm
from typing import Final, NamedTuple

from shared.events import Funding
from shared.routes.funding import HOUR_NS, SECOND, ZERO
from shared.routes.numbers import BPS, fraction
from shared.routes.side import Paying

GRACE_NS: Final = 60 * SECOND
HORIZON_NS: Final = 30 * 24 * HOUR_NS
#: Walks go by whole millionths of a basis point.
MICRO: Final = 1_000_000


def interval_of(side: Paying) -> Fraction | None:
    """Hours between two settlements; None where unknown."""
    funding = side.funding
    text = (funding.interval_h if funding is not None else None) or side.row.funding_interval_h
    hours = fraction(text) if text is not None else ZERO
    return hours if hours.numerator > 0 else None


def hourly(side: Paying) -> Fraction | None:
    """r_h; None where a perpetual's rate or interval is not known."""
    if side.market == "spot":
        return ZERO
    interval = interval_of(side)
    if side.funding is None or interval is None:
        return None
    return fraction(side.funding.rate) / interval


def next_settlement(funding: Funding, step_ns: int, at: int) -> int | None:
    """The first settlement after `at`; None where it is not known or funding accrues."""
    due = funding.next_ts
    if due is None or due > at:
        return due
    return due + ((at - due) // step_ns + 1) * step_ns if step_ns else None


class Carry(NamedTuple):
    """Positive: we receive. `next_ts` (ns) and `next_bps`: the earliest settlement ahead, None without one."""

    hour: Fraction
    next_ts: int | None
    next_bps: Fraction | None

    @property
    def eight_hours_bps(self) -> Fraction:
        return self.hour * 8 * BPS

    @property
    def apr_percent(self) -> Fraction:
        return self.hour * 8760 * 100


def carry(buy: Paying, sell: Paying, at: int) -> Carry | None:
    """None where a perpetual's funding is not known, or there is none (two spot markets)."""
    paid, got = hourly(buy), hourly(sell)
    if paid is None or got is None or (buy.market == "spot" and sell.market == "spot"):
        return None
    due = []
    for side, sign in ((buy, -1), (sell, 1)):
        if side.market == "perp" and side.funding is not None:
            step = int((interval_of(side) or ZERO) * HOUR_NS)
            when = next_settlement(side.funding, step, at)
            if when is not None:
                due.append((when, sign * fraction(side.funding.rate) * BPS))
    first = min((when for when, _ in due), default=None)
    cash = sum((bps for when, bps in due if when == first), ZERO) if first is not None else None
    return Carry(got - paid, first, cash)


class Leg(NamedTuple):
    """The settlements of one leg: the first ahead, the distance (ns), what the first pays and the later ones (signed
    for us, millionths of a basis point)."""

    first: int
    step: int
    now: int
    later: int
    accrues: bool = False


def leg_of(side: Paying, sign: int, at: int, usual: Fraction | None) -> Leg | None:
    """`usual`: the median of its settled rates. None for spot, and where nothing is known."""
    funding, interval = side.funding, interval_of(side)
    if side.market == "spot" or funding is None or interval is None:
        return None
    rate = fraction(funding.rate)
    later = rate if usual is None else usual
    step = int(interval * HOUR_NS)
    first = next_settlement(funding, step, at)
    accrues = first is None
    if first is None:
        first, step, rate, later = at + HOUR_NS, HOUR_NS, rate / interval, later / interval
    scale = sign * BPS * MICRO
    return Leg(first, step, round(rate * scale), round(later * scale), accrues)


def payments(leg: Leg, at: int) -> Iterator[tuple[int, int]]:
    """(when, what) of one leg, in order."""
    before = leg.first - leg.step
    if leg.now < 0 and before >= at - GRACE_NS and not leg.accrues:
        yield before, leg.now
    if leg.now < 0 or leg.first > at + GRACE_NS:
        yield leg.first, leg.now
    when, end = leg.first + leg.step, at + HORIZON_NS
    while when <= end:
        if leg.later < 0 or when > at + GRACE_NS:
            yield when, leg.later
        when += leg.step


class BreakEven(NamedTuple):
    """The first time (ns) at which the cost is covered, after how many payments, and from when on it stays so."""

    first: int
    payments: int
    stays: int | None


def break_even(legs: list[Leg], cost_bps: Fraction, at: int) -> BreakEven | None:
    """None where 30 days of payments do not cover the cost. A cost of 0 or less is covered at once."""
    if cost_bps <= 0:
        return BreakEven(at, 0, at)
    cost = -round(-cost_bps * MICRO)
    period = lcm(*(leg.step for leg in legs)) if legs else 0
    rise = sum(leg.later * (period // leg.step) for leg in legs)
    dip = sum(-leg.later * (period // leg.step) for leg in legs if leg.later < 0)
    total = count = 0
    steady = max((leg.first for leg in legs), default=0)
    first: tuple[int, int] | None = None
    stays: int | None = None
    for when, what in merge(*(payments(leg, at) for leg in legs)):
        total, count = total + what, count + 1
        if total < cost:
            stays = None
            if steady and when > steady:
                steady = 0
                if total + max(rise, 0) * ((at + HORIZON_NS - when) // period) + rise + dip < cost:
                    break  # every period brings the same from here on: all that are left do not suffice
            continue
        first = first or (when, count)
        stays = stays or when
        settled = all(when > leg.first for leg in legs)
        if settled and rise >= 0 and total - cost >= dip:
            break
    return None if first is None else BreakEven(*first, stays if rise >= 0 else None)
