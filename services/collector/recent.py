"""The ids seen last, so that an overlap of two connections or a replay doubles nothing. Pure."""

from collections.abc import Hashable
from typing import Final

#: ids of one part: as many as CPython keeps in a table of 2 KB; with one more it has 8 KB
PART: Final = 76
#: so many are remembered at least, and fewer than a part more
KEPT: Final = 2 * PART


class Ring:
    """The last ids of one symbol, in three parts: when the newest is full, the oldest is let go. It outlives
    connections."""

    __slots__ = ("_newest", "_oldest", "_second")

    def __init__(self) -> None:
        self._newest: set[Hashable] = set()
        self._second: set[Hashable] = set()
        self._oldest: set[Hashable] = set()

    def new(self, name: Hashable) -> bool:
        """Remember an id; False where it is among the last ones already."""
        newest = self._newest
        if name in newest or name in self._second or name in self._oldest:
            return False
        newest.add(name)
        if len(newest) == PART:
            self._oldest, self._second, self._newest = self._second, newest, set()
        return True
