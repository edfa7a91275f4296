"""What a client's message was meant to be, and a clear error where it is not that. Pure."""

import re
from typing import Any, Final, Literal, TypeVar, get_args, get_origin

import msgspec

from services.api.errors import ApiError, invalid

Kind = TypeVar("Kind")
_WORDS: Final = {
    "str": "text",
    "int": "a whole number",
    "float": "a number",
    "bool": "true or false",
    "null": "nothing",
    "array": "a list",
    "object": "an object",
}
_AT: Final = re.compile(r"^(?P<said>.*?)(?: - at `(?P<where>\$[^`]*)`)?$", re.DOTALL)
_FIELD: Final = re.compile(r"(?:missing required field|contains unknown field) `(?P<name>[^`]*)`")


def convert(value: Any, kind: type[Kind], prefix: str = "") -> Kind:
    """The value as a `kind`. Raises `ApiError` naming the field (after `prefix`), its value and what was expected."""
    try:
        return msgspec.convert(value, kind, strict=True)
    except msgspec.ValidationError as error:
        raise of_validation(error, value, kind, prefix) from None


def of_validation(error: msgspec.ValidationError, value: Any, kind: type[Any], prefix: str = "") -> ApiError:
    """A validation error in the API's own shape."""
    match = _AT.match(str(error))
    said, where = (match["said"], match["where"] or "$") if match else (str(error), "$")
    path = where.removeprefix("$").removeprefix(".")
    named = _FIELD.search(said)
    if named is not None:
        field = ".".join(part for part in (prefix, path, named["name"]) if part)
        if said.startswith("Object missing"):
            return invalid(field, None, "a value", code="missing_value")
        names = ", ".join(known_fields(kind, path))
        return invalid(field, found_at(value, f"{path}.{named['name']}"), f"one of {names}", code="unknown_field")
    choices = choices_at(kind, path)
    expected = "one of " + ", ".join(choices) if said.startswith("Invalid enum value") and choices else in_words(said)
    return invalid(".".join(part for part in (prefix, path) if part) or "message", found_at(value, path), expected)


def in_words(said: str) -> str:
    """What a validator expected, without its types' names."""
    expected = said.removeprefix("Expected ").partition(", got")[0].replace("`", "").replace(" | ", " or ")
    return re.sub(r"[a-z]+", lambda match: _WORDS.get(match[0], match[0]), expected)


def choices_at(kind: type[Any], path: str) -> list[str]:
    """The values that a field at a path accepts, where they are a few."""
    parent, _, name = path.rpartition(".")
    for field in msgspec.structs.fields(struct_at(kind, parent)):
        if field.encode_name == name:
            return [str(choice) for choice in _literals(field.type)]
    return []


def _literals(kind: Any) -> list[Any]:
    if get_origin(kind) is Literal:
        return list(get_args(kind))
    return [choice for part in get_args(kind) for choice in _literals(part)]


def found_at(value: Any, path: str) -> Any:
    """What stands at a path like `filter.venues[0]`; None where nothing does."""
    for name, index in re.findall(r"([^.\[\]]+)|\[([0-9]*|\.\.\.)\]", path):
        if name and isinstance(value, dict):
            value = value.get(name)
        elif index.isdigit() and isinstance(value, list | tuple) and int(index) < len(value):
            value = value[int(index)]
        else:
            return value if index else None
    return value


def known_fields(kind: type[Any], path: str) -> list[str]:
    """The field names of the struct at a path."""
    return [field.encode_name for field in msgspec.structs.fields(struct_at(kind, path))]


def struct_at(kind: type[Any], path: str) -> type[Any]:
    """The struct at a path, through nested structs."""
    for name in [part for part in re.split(r"[.\[\]]+", path) if part and not part.isdigit()]:
        for field in msgspec.structs.fields(kind):
            if field.encode_name == name and isinstance(field.type, type) and issubclass(field.type, msgspec.Struct):
                kind = field.type
    return kind
