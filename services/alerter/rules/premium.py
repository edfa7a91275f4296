"""Premium: mark/index - 1 of a perpetual (`mark`), or its mid over the mid of the same venue's spot market (`basis`),
in basis points. Positive: the perpetual is dearer. Pure."""

from collections.abc import Iterable, Sequence

from services.alerter.picture import Leg, Reading, Row, level, plain
from shared.alerts import PremiumRule


def readings(rule: PremiumRule, rows: Sequence[Row]) -> list[Reading]:
    found: list[Reading] = []
    for row in rows:
        if rule.assets and row.asset not in rule.assets:
            continue
        for leg, premium in _marks(row.legs) if rule.measure == "mark" else _bases(row.legs):
            if not rule.venues or leg.venue in rule.venues:
                found.append(_reading(rule, row.asset, leg, premium * 10_000))
    return found


def _marks(legs: Iterable[Leg]) -> Iterable[tuple[Leg, float]]:
    for leg in legs:
        if leg.market == "perp" and leg.good and leg.mark is not None and leg.index is not None:
            index = float(leg.index)
            if index > 0:
                yield leg, float(leg.mark) / index - 1


def _bases(legs: Sequence[Leg]) -> Iterable[tuple[Leg, float]]:
    """The spot market is the one in the perpetual's own quote currency."""
    spots = {(leg.venue, leg.symbol): leg for leg in legs if leg.market == "spot"}
    for leg in legs:
        spot = spots.get((leg.venue, leg.symbol.partition(":")[0])) if leg.market == "perp" else None
        if spot is not None and leg.mid is not None and spot.mid is not None and spot.mid > 0:
            yield leg, leg.mid / spot.mid - 1


def _reading(rule: PremiumRule, asset: str, leg: Leg, bps: float) -> Reading:
    size = {"either": abs(bps), "positive": bps, "negative": -bps}[rule.side]
    return Reading(
        subject=f"{leg.venue} {leg.symbol}",
        level=level(size, rule.above_bps, rule.hysteresis),
        size=size,
        value=plain(bps),
        measure="premium" if rule.measure == "mark" else "basis",
        unit="bps",
        limit=plain(rule.above_bps),
        asset=asset,
        venue=leg.venue,
    )
