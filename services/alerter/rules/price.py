"""Price levels: the mid of one venue, or the median mid of all, against a level. Pure.

A level is two subjects, one for each direction. Each is over from the level on and under once the price is back on the
other side by the hysteresis; it may fire only after it was under (`lifecycle.py`), so a level is crossed, not met.
"""

from collections.abc import Sequence
from statistics import median

from services.alerter.picture import Level, Reading, Row
from shared.alerts import PriceRule


def readings(rule: PriceRule, rows: Sequence[Row]) -> list[Reading]:
    row = next((row for row in rows if row.asset == rule.asset), None)
    mids = [
        leg.mid
        for leg in (row.legs if row else ())
        if leg.mid is not None and leg.market == rule.market and rule.venue in (None, leg.venue)
    ]
    if not mids:
        return []
    price = median(mids)
    sides = ("above", "below") if rule.crosses == "either" else (rule.crosses,)
    return [_reading(rule, price, up=side == "above") for side in sides]


def _reading(rule: PriceRule, price: float, *, up: bool) -> Reading:
    return Reading(
        subject=f"{rule.asset} {'above' if up else 'below'} {rule.level:.10g}",
        level=_level(rule, price, up=up),
        size=price if up else -price,
        value=f"{price:.10g}",
        measure="price",
        unit="",
        limit=f"{rule.level:.10g}",
        asset=rule.asset,
        venue=rule.venue,
        about={"market": rule.market, "crossed": "above" if up else "below"},
    )


def _level(rule: PriceRule, price: float, *, up: bool) -> Level:
    band = rule.level * rule.hysteresis_bps / 10_000
    beyond = price - rule.level if up else rule.level - price
    if beyond >= 0:
        return "over"
    return "under" if beyond < -band else "between"
