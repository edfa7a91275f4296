"""Terms of funding: how often it is paid, and the bounds of its rate. Pure.

Terms are compared as numbers ("8" is "8.0"); what an exchange ceases to tell is no change.
"""

from collections.abc import Iterable, Mapping

import msgspec

from services.alerter.picture import Change
from shared.alerts import ChangeRule


class Terms(msgspec.Struct, frozen=True, array_like=True):
    """Of one market: hours, fractions; None where the exchange does not say."""

    asset: str
    interval_h: str | None
    cap: str | None
    floor: str | None


def changes(venue: str, before: Mapping[str, Terms], after: Mapping[str, Terms]) -> list[Change]:
    """What is not as it was, of the markets in both."""
    found: list[Change] = []
    for symbol in sorted(before.keys() & after.keys()):
        old, new = before[symbol], after[symbol]
        if differ(old.interval_h, new.interval_h):
            found.append(Change(venue, symbol, new.asset, "interval", f"{old.interval_h} h", f"{new.interval_h} h"))
        if differ(old.cap, new.cap) or differ(old.floor, new.floor):
            found.append(Change(venue, symbol, new.asset, "cap", _bounds(old), _bounds(new)))
    return found


def merged(before: Mapping[str, Terms], after: Mapping[str, Terms]) -> dict[str, Terms]:
    """What is known now: what is told, and what was told of the same market before it ceased to be."""
    return {symbol: _both(before.get(symbol), one) for symbol, one in after.items()}


def wanted(rule: ChangeRule, change: Change) -> bool:
    return (
        change.term in rule.of
        and (not rule.assets or change.asset in rule.assets)
        and (not rule.venues or change.venue in rule.venues)
    )


def differ(before: str | None, after: str | None) -> bool:
    return before is not None and after is not None and float(before) != float(after)


def _both(before: Terms | None, after: Terms) -> Terms:
    if before is None:
        return after
    kept = {name: getattr(before, name) for name in _parts() if getattr(after, name) is None}
    return msgspec.structs.replace(after, **kept) if kept else after


def _parts() -> Iterable[str]:
    return ("interval_h", "cap", "floor")


def _bounds(terms: Terms) -> str:
    low, high = (_percent(one) for one in (terms.floor, terms.cap))
    return f"{low} … {high}"


def _percent(fraction: str | None) -> str:
    return "?" if fraction is None else f"{float(fraction) * 100:.6g} %"
