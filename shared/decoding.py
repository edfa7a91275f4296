"""Typed decoding of bytes that somebody else wrote: one error, whatever is wrong with them.

msgspec raises `DecodeError` on what is malformed or of another type, but lets two more through as they are: text that
is no UTF-8 (`UnicodeError`) and what is nested too deep (`RecursionError`). A reader that is to count and pass over
what it cannot read would end on those.
"""

from collections.abc import Callable
from typing import Any, Generic, TypeVar

import msgspec

T = TypeVar("T")


class Decoder(Generic[T]):
    """Raises `msgspec.DecodeError` (of which `ValidationError` is one) and nothing else."""

    __slots__ = ("_decode",)

    def __init__(self, decode: Callable[[Any], T]) -> None:
        self._decode = decode

    def decode(self, data: bytes | bytearray | memoryview | str) -> T:
        try:
            return self._decode(data)
        except (UnicodeError, RecursionError) as error:
            raise msgspec.DecodeError(str(error)) from error


def msgpack(kind: Any = Any) -> Decoder[Any]:
    """A decoder of msgpack, for a type."""
    return Decoder(msgspec.msgpack.Decoder(kind).decode)


def json(kind: Any = Any) -> Decoder[Any]:
    """A decoder of JSON, for a type."""
    return Decoder(msgspec.json.Decoder(kind).decode)
