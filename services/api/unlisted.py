"""What the settings name and nobody lists: a misspelt coin does nothing, unseen. No error, for it may come. Pure."""

from collections.abc import Collection, Iterator
from typing import Any, Final

from services.api.symbols import Directory
from shared.alert_rules import RULES
from shared.alerts import PriceRule, SignalRule
from shared.config import Runtime

COIN: Final = "a coin that an exchange lists; see /api/symbols"
EXCHANGE: Final = "an exchange that is collected here; see /api/venues"


def warnings(runtime: Runtime, directory: Directory, shown: Collection[str], venues: Collection[str]) -> list[Any]:
    """In the shape of an error each, with the `rule` where one of the alerts' names it. `shown` are the coins that have
    a row, `venues` those that are collected. Nothing while listings are still to come."""
    if directory.empty or directory.pending:
        return []
    found = []
    for field, coin, rule in _coins(runtime):
        if coin not in directory.assets and coin not in shown:
            meant = directory.asset_of(coin)
            hint = "" if meant is None else f" ({meant} is meant?)"
            found.append(
                _warning("unknown_symbol", field, coin, COIN, f"No exchange lists a coin {coin!r}{hint}.", rule)
            )
    for field, venue, rule in _venues(runtime):
        if venue not in venues:
            found.append(_warning("not_collected", field, venue, EXCHANGE, f"{venue} is not collected here.", rule))
    return found


def _warning(code: str, field: str, value: str, expected: str, message: str, rule: str | None) -> dict[str, Any]:
    return {"code": code, "field": field, "value": value, "expected": expected, "message": message, "rule": rule}


def _coins(runtime: Runtime) -> Iterator[tuple[str, str, str | None]]:
    """(place, coin, rule's name) of every coin that the settings name."""
    for number, rule in enumerate(runtime.alert_rules):
        place = f"{RULES}[{number}]"
        if isinstance(rule, PriceRule):
            yield f"{place}.asset", rule.asset, rule.name
        yield from ((f"{place}.assets", coin, rule.name) for coin in rule.assets)
    for field in ("exclusions", "borrow_rates", "transfers"):
        for number, one in enumerate(getattr(runtime, field)):
            if one.asset is not None:
                yield f"{field}[{number}].asset", one.asset, None
    for field in ("pins", "watch"):
        yield from ((field, coin, None) for coin in getattr(runtime, field))


def _venues(runtime: Runtime) -> Iterator[tuple[str, str, str | None]]:
    """Those that rules of the alerts name: other settings may speak of exchanges that are not collected."""
    for number, rule in enumerate(runtime.alert_rules):
        place = f"{RULES}[{number}]"
        if isinstance(rule, PriceRule) and rule.venue is not None:
            yield f"{place}.venue", rule.venue, rule.name
        yield from ((f"{place}.venues", venue, rule.name) for venue in rule.venues)
        if isinstance(rule, SignalRule):
            named = dict.fromkeys(venue for route in rule.routes for venue in route)
            yield from ((f"{place}.routes", venue, rule.name) for venue in named)
