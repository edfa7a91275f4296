"""Rows of pushes and REST answers as typed structs: a row of another form costs itself alone."""

from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final, TypeVar

import msgspec

from services.collector.messages import Unknown

#: what reading text that is no JSON, or not the JSON that was expected, raises
UNREADABLE: Final = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)

_raws: Final = msgspec.json.Decoder(list[msgspec.Raw])
_fields: Final = msgspec.json.Decoder(dict[str, msgspec.Raw])
_NULL: Final = b"null"
_DIGITS: Final = b"-0123456789"
_T = TypeVar("_T")


def loosely(row: msgspec.json.Decoder[_T], raw: bytes | msgspec.Raw) -> _T:
    """A row of which the fields should be text: a null counts as absent, a number as its own digits in text.

    For listings, where one such field must not cost an instrument. Raises what `UNREADABLE` names.
    """
    try:
        return row.decode(raw)
    except UNREADABLE:
        return row.decode(_in_text(bytes(raw)))


def readable(row: msgspec.json.Decoder[_T], raws: Iterable[bytes | msgspec.Raw]) -> Iterator[_T]:
    """The rows of a listing, each `loosely`; one of another form is left out: its frames count as `unknown_symbol`."""
    for raw in raws:
        try:
            yield loosely(row, raw)
        except UNREADABLE:
            continue


def _in_text(value: bytes) -> bytes:
    if value[:1] in _DIGITS:
        return b'"' + value + b'"'
    if value[:1] != b"{":
        return value
    given = ((name, bytes(inner)) for name, inner in _fields.decode(value).items())
    return msgspec.json.encode({name: msgspec.Raw(_in_text(inner)) for name, inner in given if inner != _NULL})


class Rows:
    """Typed rows of a push or answer: all at once, or one by one where a bad row is among them.

    `native_of` finds the instrument that a row names, however broken the rest of it is. With `bare` a row that comes
    without its list is a list of one.
    """

    def __init__(
        self, row: type[Any], native_of: Callable[[bytes | msgspec.Raw], str | None], *, bare: bool = False
    ) -> None:
        self._all: msgspec.json.Decoder[list[Any]] = msgspec.json.Decoder(list[row])  # type: ignore[valid-type]
        self._one: msgspec.json.Decoder[Any] = msgspec.json.Decoder(row)
        self._native_of, self._bare = native_of, bare

    def read(self, data: bytes | msgspec.Raw) -> list[Any]:
        """Rows, and an `Unknown` in the place of each that has another form."""
        try:
            return self._all.decode(data)
        except UNREADABLE:
            return list(self._singly(data))

    def _singly(self, data: bytes | msgspec.Raw) -> Iterator[Any]:
        try:
            bare = self._bare and bytes(data).lstrip()[:1] != b"["
            raws = [data] if bare else _raws.decode(data)
        except UNREADABLE:
            yield Unknown("bad_shape")
            return
        for raw in raws:
            try:
                yield self._one.decode(raw)
            except UNREADABLE:
                yield Unknown("bad_shape", self._native_of(raw))
