"""What the board says of routes and markets beside prices: funding, depth, statistics, premiums; as flat figures. Pure.

A route that the api worked out itself (another one than the scanner's best) has no depth and no statistics: null.
"""

from collections.abc import Callable
from fractions import Fraction
from typing import Any, Final

from services.api.times import ms_of
from services.api.views import quote_of
from shared.routes.best import GOOD
from shared.routes.fx import CONVERTED
from shared.routes.numbers import cents, cents_text
from shared.routes.premium import basis_bps, deviations_bps, mark_premium_bps, mid
from shared.signals import BoardRow, Leg, Route

Make = Callable[[str | None], Any]
FUNDING: Final = (
    *("carry_8h_bps", "apr_percent", "apr_equity_percent", "next_cash_bps", "next_cash_ms"),
    *("cost_bps", "even_ms", "even_payments", "even_stays_ms"),
)
DEPTH: Final = (
    *("depth_usd", "depth_edge_bps", "depth_net_bps", "pays_usd", "pays_size", "profit_usd", "keeps_usd"),
    "depth_at_least",
)
STATS: Final = (
    *("net_rt_bps", "exit_bps", "z_1h", "z_12h", "z_7d", "robust_z_1h", "robust_z_12h", "robust_z_7d"),
    *("percentile_7d", "half_life_s", "convergences_24h", "minutes_known"),
)
NAMES: Final = (*FUNDING, *DEPTH, *STATS)
#: Those that rows can be sorted by.
NUMERIC: Final = (
    *("carry_8h_bps", "apr_percent", "next_cash_bps", "depth_net_bps", "pays_usd", "profit_usd", "net_rt_bps"),
    *("z_1h", "z_12h", "z_7d"),
)
PREMIUMS: Final = ("mark_premium_bps", "basis_bps")


def figures(route: Route | None, make: Make) -> dict[str, Any]:
    """`NAMES` of a route."""
    if route is None:
        return dict.fromkeys(NAMES)
    return {**_funding(route, make), **_depth(route, make), **_stats(route, make)}


def _funding(route: Route, make: Make) -> dict[str, Any]:
    one = route.funding
    if one is None:
        return dict.fromkeys(FUNDING)
    return {
        "carry_8h_bps": make(one.carry_8h_bps),
        "apr_percent": make(one.apr_percent),
        "apr_equity_percent": make(one.apr_equity_percent),
        "next_cash_bps": make(one.next_bps),
        "next_cash_ms": ms_of(one.next_ts),
        "cost_bps": make(one.cost_bps),
        "even_ms": ms_of(one.even_ts),
        "even_payments": one.even_payments,
        "even_stays_ms": ms_of(one.even_stays_ts),
    }


def _depth(route: Route, make: Make) -> dict[str, Any]:
    one = route.depth
    if one is None:
        return dict.fromkeys(DEPTH)
    return {
        "depth_usd": make(one.usd),
        "depth_edge_bps": make(one.edge_bps),
        "depth_net_bps": make(one.net_bps),
        "pays_usd": make(one.pays_usd),
        "pays_size": make(one.pays_size),
        "profit_usd": make(one.profit_usd),
        "keeps_usd": make(one.keeps_usd),
        "depth_at_least": one.at_least,
    }


def _stats(route: Route, make: Make) -> dict[str, Any]:
    one = route.stats
    if one is None:
        return dict.fromkeys(STATS)
    windows = ("1h", "12h", "7d")
    return {
        "net_rt_bps": make(one.net_rt_bps),
        "exit_bps": make(one.exit_bps),
        **{f"z_{name}": value for name, value in zip(windows, one.z, strict=True)},
        **{f"robust_z_{name}": value for name, value in zip(windows, one.robust_z, strict=True)},
        "percentile_7d": one.percentile,
        "half_life_s": one.half_life_s,
        "convergences_24h": one.convergences_24h,
        "minutes_known": one.minutes,
    }


def figure(route: Route | None, name: str) -> float | None:
    """One figure to sort by, of the route itself or of `NUMERIC`."""
    if route is None:
        return None
    value = getattr(route, name) if name not in NUMERIC else figures(route, lambda text: text)[name]
    return None if value is None else float(value)


def premiums(row: BoardRow, make: Make) -> list[dict[str, Any]]:
    """`PREMIUMS` of each leg of a row: of the mark over its index, of a perpetual over its venue's spot market of the
    same currency."""
    spots = {
        (leg.venue, quote_of(leg.symbol)): mid(leg.bid, leg.ask)
        for leg in row.legs
        if leg.market == "spot" and leg.state in GOOD
    }
    found = []
    for leg in row.legs:
        perp = mid(leg.bid, leg.ask) if leg.market == "perp" and leg.state in GOOD else None
        values = mark_premium_bps(leg.mark, leg.index), basis_bps(perp, spots.get((leg.venue, quote_of(leg.symbol))))
        found.append({name: make(_text(value)) for name, value in zip(PREMIUMS, values, strict=True)})
    return found


def deviations(row: BoardRow) -> list[str | None]:
    """Of each leg of a row: how far it lies from the median of the good ones, in bps, in common dollars."""
    rate = Fraction(row.fx.mid) if row.fx is not None and row.fx.mid is not None else None
    return [
        _text(one) for one in deviations_bps([_common(leg, rate) if leg.state in GOOD else None for leg in row.legs])
    ]


def _common(leg: Leg, rate: Fraction | None) -> Fraction | None:
    price = mid(leg.bid, leg.ask)
    if price is None or quote_of(leg.symbol) not in CONVERTED:
        return price
    return None if rate is None else price * rate


def _text(value: Fraction | None) -> str | None:
    return None if value is None else cents_text(cents(value))
