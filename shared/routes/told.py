"""What is told of a route's funding beside its edge (`shared.signals.RouteFunding`); by whoever has both its markets.

    cost       = max(0, -net_rt) + slippage, rounded up to a whole basis point
    net_rt     = edge + usual exit edge - all four fees; net_in_out (as if prices met) where the usual exit is not known
    slippage   = edge - average edge of the own size in the books; 0 where books are not known

Of the minute in which it is asked, and remembered: prices change more often than what decides it.
"""

from fractions import Fraction
from functools import lru_cache
from typing import Final, NamedTuple

from shared.events import Funding
from shared.instruments import Market
from shared.routes import carry
from shared.routes.costs import owing
from shared.routes.edge import Measure
from shared.routes.numbers import cents, cents_text
from shared.routes.side import Paying, Side
from shared.signals import RouteDepth, RouteFunding, RouteStats

MINUTE: Final = 60_000_000_000
KEPT_MAX: Final = 8192


class _Listed(NamedTuple):
    funding_interval_h: str | None


class _Payer(NamedTuple):
    """A market without what does not decide its payments: two that are equal pay the same."""

    market: Market
    row: _Listed
    funding: Funding | None


def round_trip_cost(measure: Measure, stats: RouteStats | None = None, depth: RouteDepth | None = None) -> int:
    """What funding has to bring back, in hundredths of a basis point."""
    trip = measure.in_out if stats is None or stats.net_rt_bps is None else cents(Fraction(stats.net_rt_bps))
    slip = 0 if depth is None or depth.edge_bps is None else measure.edge - cents(Fraction(depth.edge_bps))
    return max(0, -trip) + max(0, slip)


def funding(
    buy: Side, sell: Side, cost: int, at: int, usual_buy: float | None, usual_sell: float | None
) -> RouteFunding | None:
    """`cost` as `round_trip_cost` gives it; `usual_...`: the median of the rates that a leg settled in seven days.

    None where a perpetual's funding is not known, or between two spot markets.
    """
    return _funding(_payer(buy), _payer(owing(buy, sell)), -(-cost // 100), at - at % MINUTE, usual_buy, usual_sell)


def _payer(side: Paying) -> _Payer:
    rate = side.funding
    if side.market == "spot" or rate is None:
        return _Payer(side.market, _Listed(None), None)
    known = Funding("", rate.rate, rate.interval_h, rate.next_ts, None, None, 0)
    return _Payer(side.market, _Listed(side.row.funding_interval_h), known)


@lru_cache(maxsize=KEPT_MAX)
def _funding(
    buy: _Payer, sell: _Payer, cost: int, at: int, usual_buy: float | None, usual_sell: float | None
) -> RouteFunding | None:
    found = carry.carry(buy, sell, at)
    if found is None:
        return None
    even = None
    if found.hour > 0:
        sides = ((buy, -1, usual_buy), (sell, 1, usual_sell))
        legs = [carry.leg_of(leg, sign, at, None if mid is None else Fraction(mid)) for leg, sign, mid in sides]
        even = carry.break_even([leg for leg in legs if leg is not None], Fraction(cost), at)
    return RouteFunding(
        carry_8h_bps=cents_text(cents(found.eight_hours_bps)),
        apr_percent=cents_text(cents(found.apr_percent)),
        apr_equity_percent=cents_text(cents(found.apr_percent / 2)),
        next_ts=found.next_ts,
        next_bps=None if found.next_bps is None else cents_text(cents(found.next_bps)),
        cost_bps=str(cost),
        even_ts=None if even is None else even.first,
        even_payments=None if even is None else even.payments,
        even_stays_ts=None if even is None else even.stays,
    )
