"""What a field of the settings accepts, told from its type: for whoever builds a form, or checks before sending."""

from collections.abc import Mapping
from types import NoneType, UnionType
from typing import Annotated, Any, Final, Literal, Union, get_args, get_origin

import msgspec

from shared.alerts import HINTS, RULE_KINDS, UNUSED
from shared.config import expectation

_BOUNDS: Final = {
    "ge": "minimum",
    "gt": "exclusive_minimum",
    "le": "maximum",
    "lt": "exclusive_maximum",
    "min_length": "min_length",
    "max_length": "max_length",
    "pattern": "pattern",
}
_TYPES: Final = {int: "integer", float: "number", str: "text", bool: "boolean", dict: "object"}
#: Fields whose texts are names of something, and of what.
NAMES: Final = {
    "asset": "coin",
    "assets": "coin",
    "venue": "exchange",
    "venues": "exchange",
    "routes": "exchange",
    "channels": "channel",
}


def accepts(kind: Any) -> dict[str, Any]:
    """`type` (`integer`, `number`, `text`, `boolean`, `list`, `object`), `expected` in words and `description`; where
    there are any, bounds, `choices`, `nullable`, and of a list what `each` accepts and its `length` if it is fixed."""
    return {**_shape(kind), "expected": expectation(kind)}


def _shape(kind: Any) -> dict[str, Any]:
    found: dict[str, Any] = {"description": ""}
    if get_origin(kind) in (Union, UnionType) and NoneType in get_args(kind):
        found["nullable"] = True
        kind = Union[tuple(one for one in get_args(kind) if one is not NoneType)]  # noqa: UP007
    if get_origin(kind) is Annotated:
        kind, *metas = get_args(kind)
        for meta in metas:
            bounds = {name: getattr(meta, short) for short, name in _BOUNDS.items()}
            found |= {name: bound for name, bound in bounds.items() if bound is not None}
            found["description"] = meta.description or found["description"]
    origin = get_origin(kind) or kind
    if origin is Literal:
        return {"type": "text", **found, "choices": list(get_args(kind))}
    if origin is tuple:
        each, *more = get_args(kind)
        fixed = {} if more == [...] else {"length": 1 + len(more)}
        return {"type": "list", **found, **fixed, "each": accepts(each)}
    return {"type": _TYPES.get(origin, "object"), **found}


def fields(struct: type[msgspec.Struct], hints: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Every field of a struct: what it accepts, whether it is `required`, else its `default`, and of what its texts
    are the `names` (`coin`, `exchange`, `channel`)."""
    found: dict[str, dict[str, Any]] = {}
    for field in msgspec.structs.fields(struct):
        told = accepts(hints[field.name]) | {"required": field.required}
        if not field.required:
            told["default"] = msgspec.to_builtins(field.default)
        if field.name in NAMES:
            told["names"] = NAMES[field.name]
        found[field.name] = told
    return found


def rule_fields() -> dict[str, dict[str, dict[str, Any]]]:
    """Of each kind of alert rule the fields that it has a use for."""
    return {
        kind: {name: told for name, told in fields(struct, HINTS[kind]).items() if name not in UNUSED.get(kind, ())}
        for kind, struct in RULE_KINDS.items()
    }
