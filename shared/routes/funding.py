"""Funding payments that fall due while a position would be held.

    due(route) = sum over the settlements of both legs in (T, T + window] of
                     -rate for the bought leg, +rate for the sold one     (rate: fraction, longs pay where positive)
    net_cash   = net_open + min(0, due)

A spot leg pays nothing, unless the coins that it sells are borrowed: a loan accrues (costs.py). A venue that settles
at times pays its whole rate at each; one that accrues without a time (no `next_ts`, an interval) pays in proportion.
Receipts never help a signal to open.
"""

from fractions import Fraction
from functools import lru_cache
from typing import Final

from shared.events import Funding
from shared.routes.costs import owing
from shared.routes.numbers import fraction
from shared.routes.side import Paying, Side

SECOND: Final = 1_000_000_000
HOUR_NS: Final = 3600 * SECOND
#: A payment is looked for at least this far ahead, or as far as the route's signals usually last.
WINDOW_NS: Final = 600 * SECOND
ZERO: Final = Fraction(0)
NEVER: Final = 1 << 63


@lru_cache(maxsize=1024)
def step_of(interval_h: str | None) -> int:
    """Hours in text as ns; 0 where there are none."""
    return int(Fraction(interval_h) * HOUR_NS) if interval_h else 0


def _first_after(funding: Funding, step: int, at: int) -> int | None:
    """When the leg settles next after `at`, of a venue that settles at times; None where that is not known."""
    first = funding.next_ts
    if first is None or first > at:
        return first
    return first + ((at - first) // step + 1) * step if step > 0 else None


def settlements(leg: Paying, at: int, window_ns: int) -> Fraction:
    """How many payments of the leg's rate fall into (at, at + window]; a part of one where it accrues."""
    funding = leg.funding
    if leg.market == "spot" or funding is None:
        return ZERO
    step = step_of(funding.interval_h or leg.row.funding_interval_h)
    if funding.next_ts is None:
        return Fraction(window_ns, step) if step > 0 else ZERO
    first = _first_after(funding, step, at)
    if first is None or first > at + window_ns:
        return ZERO
    return Fraction(1 + ((at + window_ns - first) // step if step > 0 else 0))


def stands_until(leg: Paying, at: int, window_ns: int) -> int:
    """The time after `at` from which `settlements` is another number: one has passed, or one more falls due."""
    funding = leg.funding
    if leg.market == "spot" or funding is None:
        return NEVER
    step = step_of(funding.interval_h or leg.row.funding_interval_h)
    first = _first_after(funding, step, at)
    if first is None:
        return NEVER
    enters = first - window_ns
    if enters <= at:
        enters = enters + ((at - enters) // step + 1) * step if step > 0 else NEVER
    return min(first, enters)


def due_bps(buy: Side, sell: Side, at: int, window_ns: int) -> Fraction:
    """The signed payments of both legs in bps, not above 0."""
    total = ZERO
    for leg, sign in ((buy, -1), (owing(buy, sell), 1)):
        count = settlements(leg, at, window_ns)
        if count and leg.funding is not None:
            total += sign * count * fraction(leg.funding.rate) * 10_000
    return total if total.numerator < 0 else ZERO


def unknown(buy: Side, sell: Side) -> bool:
    """Whether a perpetual's rate is not known, so that nothing can be said about what falls due."""
    return any(leg.market == "perp" and leg.funding is None for leg in (buy, sell))
