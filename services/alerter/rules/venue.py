"""Health of an exchange. Pure.

Quiet is not stale: `stale` counts markets that the scanner finds silent beyond their channel's mode while the exchange
is connected. A latency is high only beside the exchange's own: some live at hundreds of milliseconds. Where the
collector is silent or nothing is connected, the other checks are unknown: one cause, one alert. Where a rule names
coins, `stale` is about their markets alone, and each counts.
"""

from collections.abc import Sequence
from typing import Final

from services.alerter.picture import Exchange, Level, Reading, plain
from shared.alerts import Check, VenueRule
from shared.instruments import asset_of

#: how much below (of a rate: above) its limit a figure must be to count as well again
_BACK: Final = 0.8
#: names of stale markets that an alert tells
NAMED: Final = 5


def readings(rule: VenueRule, exchanges: Sequence[Exchange]) -> list[Reading]:
    found: list[Reading] = []
    for one in exchanges:
        if rule.venues and one.venue not in rule.venues:
            continue
        silent = one.beat_age_s > rule.silent_s
        mute = silent or one.connected is not True
        for check in rule.checks:
            found.append(_reading(rule, one, check, silent=silent, mute=mute))
    return found


def _reading(rule: VenueRule, one: Exchange, check: Check, *, silent: bool, mute: bool) -> Reading:
    about = {"detail": one.detail} if one.detail else {}
    if check == "silent":
        return _told(one, check, _high(one.beat_age_s, rule.silent_s), one.beat_age_s, "s", rule.silent_s, {})
    if check == "down":
        level: Level = "unknown" if silent or one.connected is None else "under" if one.connected else "over"
        return Reading(
            f"{one.venue} down", level, 1.0, measure="down", venue=one.venue, about=about if level == "over" else {}
        )
    if check == "stale" and rule.assets:
        return _watched(one, [symbol for symbol in one.stale if asset_of(symbol) in rule.assets], mute=mute)
    value, unit, limit = _figure(rule, one, check)
    if mute or value is None:
        return Reading(f"{one.venue} {check}", "unknown", venue=one.venue)
    if check == "rate":
        low: Level = "over" if value < limit else "under" if value * _BACK >= limit else "between"
        return _told(one, check, low, value, unit, limit, about, worst=-value)
    if check == "stale" and one.stale:
        about = {"markets": named(one.stale)}
    if check == "latency" and one.usual_ms is not None:
        about = {"usual_ms": plain(one.usual_ms, 0)}
    return _told(one, check, _high(value, limit), value, unit, limit, about)


def _watched(one: Exchange, stale: Sequence[str], *, mute: bool) -> Reading:
    level: Level = "unknown" if mute or not one.markets else "over" if stale else "under"
    return Reading(
        subject=f"{one.venue} stale",
        level=level,
        size=len(stale),
        value=str(len(stale)),
        measure="stale markets",
        venue=one.venue,
        about={"markets": named(stale)},
    )


def named(symbols: Sequence[str]) -> str:
    """The first of them, and a sign where there are more."""
    return ", ".join(symbols[:NAMED]) + (" …" if len(symbols) > NAMED else "")


def _figure(rule: VenueRule, one: Exchange, check: Check) -> tuple[float | None, str, float]:
    """(value, unit, limit) of a check that is a figure."""
    if check == "quote":
        return one.quote_age_s, "s", rule.quote_s
    if check == "rate":
        return one.rate, "frames/s", rule.rate_per_s
    if check == "stale":
        return (100 * len(one.stale) / one.markets if one.markets else None), "%", rule.stale_percent
    usual = one.usual_ms
    return (None if usual is None else one.latency_ms), "ms", max(rule.latency_ms, rule.latency_times * (usual or 0))


def _high(value: float, limit: float) -> Level:
    return "over" if value > limit else "under" if value <= limit * _BACK else "between"


def _told(
    one: Exchange,
    check: Check,
    level: Level,
    value: float,
    unit: str,
    limit: float,
    about: dict[str, str],
    *,
    worst: float | None = None,
) -> Reading:
    return Reading(
        subject=f"{one.venue} {check}",
        level=level,
        size=value if worst is None else worst,
        value=plain(value, 1),
        measure=check,
        unit=unit,
        limit=plain(limit, 1),
        venue=one.venue,
        about=about,
    )
