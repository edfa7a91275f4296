"""The ids seen last, so that an overlap of two connections or a replay doubles nothing. Pure."""

from collections.abc import Hashable
from typing import Final

#: so many are remembered at least, and less than twice as many
KEPT: Final = 128


class Ring:
    """The last ids of one symbol, in two halves: when one is full, the older one is let go. It outlives connections."""

    __slots__ = ("_newer", "_older")

    def __init__(self) -> None:
        self._newer: set[Hashable] = set()
        self._older: set[Hashable] = set()

    def new(self, name: Hashable) -> bool:
        """Remember an id; False where it is among the last ones already."""
        newer = self._newer
        if name in newer or name in self._older:
            return False
        newer.add(name)
        if len(newer) == KEPT:
            self._older, self._newer = newer, set()
        return True
