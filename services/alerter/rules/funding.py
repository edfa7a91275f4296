"""Funding: r_h = rate / interval_h; per 8 h: 8 r_h; APR = 8760 r_h, simple. Pure.

`differential_…`: the highest r_h of a coin's markets less the lowest: what selling the one and buying the other
receives. Continuous funding has an interval as well.
"""

from collections.abc import Iterable, Sequence

from services.alerter.picture import Leg, Reading, Row, level, plain
from shared.alerts import FundingRule

#: of r_h, by the unit that a measure is in
FACTORS = {"apr_percent": (876_000.0, "%"), "8h_bps": (80_000.0, "bps")}


def readings(rule: FundingRule, rows: Sequence[Row]) -> list[Reading]:
    differential = rule.measure.startswith("differential")
    factor, unit = FACTORS[rule.measure.removeprefix("differential_").removeprefix("rate_")]
    found: list[Reading] = []
    for row in rows:
        if rule.assets and row.asset not in rule.assets:
            continue
        legs = [
            (leg, hourly * factor) for leg, hourly in _rates(row.legs) if not rule.venues or leg.venue in rule.venues
        ]
        if differential:
            found += _apart(rule, row.asset, legs, unit)
        else:
            found += [_single(rule, row.asset, leg, value, unit) for leg, value in legs]
    return found


def _rates(legs: Iterable[Leg]) -> Iterable[tuple[Leg, float]]:
    """The rate of an hour of every market that has funding and whose feed stands."""
    for leg in legs:
        if leg.market == "perp" and leg.good and leg.funding_rate is not None and leg.funding_interval_h is not None:
            hours = float(leg.funding_interval_h)
            if hours > 0:
                yield leg, float(leg.funding_rate) / hours


def _single(rule: FundingRule, asset: str, leg: Leg, value: float, unit: str) -> Reading:
    size = {"either": abs(value), "positive": value, "negative": -value}[rule.side]
    return Reading(
        subject=f"{leg.venue} {leg.symbol}",
        level=level(size, rule.above, rule.hysteresis),
        size=size,
        value=plain(value),
        measure="funding",
        unit=_unit(rule, unit),
        limit=plain(rule.above),
        asset=asset,
        venue=leg.venue,
        about={"rate": str(leg.funding_rate), "interval_h": str(leg.funding_interval_h)},
    )


def _apart(rule: FundingRule, asset: str, legs: list[tuple[Leg, float]], unit: str) -> list[Reading]:
    if len(legs) < 2:
        return []
    low, high = min(legs, key=lambda one: one[1]), max(legs, key=lambda one: one[1])
    size = high[1] - low[1]
    about = {"buy": f"{low[0].venue} {low[0].symbol}", "sell": f"{high[0].venue} {high[0].symbol}"}
    return [
        Reading(
            subject=asset,
            level=level(size, rule.above, rule.hysteresis),
            size=size,
            value=plain(size),
            measure="funding differential",
            unit=_unit(rule, unit),
            limit=plain(rule.above),
            asset=asset,
            about=about,
        )
    ]


def _unit(rule: FundingRule, unit: str) -> str:
    return "% a year" if unit == "%" else "bps in 8 h"
