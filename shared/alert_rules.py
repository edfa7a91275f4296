"""Judges what somebody wants to write as `alert_rules` and `alert_channels`: which field is wrong, and how."""

from collections.abc import Iterator, Mapping
from typing import Any, Final, get_type_hints

import msgspec

from shared.alerts import HINTS, MOST_RULES, RULE_KINDS, AlertRule, ChannelManners
from shared.config import SettingError, expectation

RULES: Final = "alert_rules"
CHANNELS: Final = "alert_channels"
CHANNEL_NAME: Final = "the name of a channel: small letters, digits and hyphens, at most 40"
MANNERS: Final = get_type_hints(ChannelManners, include_extras=True)


def rules(given: Any) -> tuple[AlertRule, ...]:
    """The rules, converted. Raises `SettingError` naming rule and field."""
    if not isinstance(given, list | tuple) or len(given) > MOST_RULES:
        raise SettingError(RULES, given, f"a list of at most {MOST_RULES} rules")
    return tuple(_rule(f"{RULES}[{number}]", msgspec.to_builtins(one)) for number, one in enumerate(given))


def _rule(place: str, given: Any) -> AlertRule:
    if not isinstance(given, dict):
        raise SettingError(place, given, "an object: a rule with its kind and name")
    kind = given.get("kind")
    if not isinstance(kind, str) or kind not in RULE_KINDS:
        raise SettingError(f"{place}.kind", kind, f"one of {', '.join(RULE_KINDS)}")
    fields = {name: value for name, value in given.items() if name != "kind"}
    _check(place, fields, HINTS[kind], RULE_KINDS[kind])
    return msgspec.convert(given, AlertRule)  # type: ignore[no-any-return]  # a union is a type to msgspec


def channels(given: Any) -> dict[str, ChannelManners]:
    """The manners, converted. Raises `SettingError` naming channel and field."""
    if not isinstance(given, dict):
        raise SettingError(CHANNELS, given, "an object: name of a channel to its manners")
    return {_name(name): _manners(f"{CHANNELS}.{name}", one) for name, one in given.items()}


def _name(name: Any) -> str:
    if not isinstance(name, str) or not is_name(name):
        raise SettingError(CHANNELS, name, CHANNEL_NAME)
    return name


def is_name(text: str) -> bool:
    """Whether this can be the name of a channel."""
    known = all(one in "abcdefghijklmnopqrstuvwxyz0123456789-" for one in text)
    return 0 < len(text) <= 40 and known and text[0] != "-"


def _manners(place: str, given: Any) -> ChannelManners:
    given = msgspec.to_builtins(given)
    if not isinstance(given, dict):
        raise SettingError(place, given, "an object: how the channel is treated")
    _check(place, given, MANNERS, ChannelManners)
    return msgspec.convert(given, ChannelManners)


def venues(given: Any) -> Iterator[tuple[str, str]]:
    """The venues that rules name, each with its place, whatever else may be wrong with them."""
    for number, rule in enumerate(given if isinstance(given, list) else ()):
        one = rule if isinstance(rule, dict) else {}
        named = [("venue", one.get("venue")), *(("venues", name) for name in _listed(one.get("venues")))]
        named += [("routes", name) for route in _listed(one.get("routes")) for name in _listed(route)]
        yield from ((f"{RULES}[{number}].{field}", name) for field, name in named if isinstance(name, str))


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _check(place: str, given: Mapping[str, Any], hints: Mapping[str, Any], struct: type[msgspec.Struct]) -> None:
    """Every field by itself, so that the first wrong one is named with what it accepts."""
    fields = {field.name: field for field in msgspec.structs.fields(struct)}
    for name, value in given.items():
        if name not in fields:
            raise SettingError(f"{place}.{name}", value, f"one of these fields: {', '.join(fields)}")
        try:
            msgspec.convert(value, hints[name])
        except msgspec.ValidationError as error:
            raise SettingError(f"{place}.{name}", value, f"{expectation(hints[name])} ({error})") from error
    for name, field in fields.items():
        if field.required and name not in given:
            raise SettingError(f"{place}.{name}", None, expectation(hints[name]))
