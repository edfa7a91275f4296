"""The ids seen last, so that an overlap of two connections or a replay doubles nothing. Pure."""

from collections import deque
from collections.abc import Hashable
from typing import Final

KEPT: Final = 256


class Ring:
    """The last `KEPT` ids of one symbol. It outlives connections."""

    __slots__ = ("_ids", "_order")

    def __init__(self) -> None:
        self._ids: set[Hashable] = set()
        self._order: deque[Hashable] = deque()

    def new(self, name: Hashable) -> bool:
        """Remember an id; False where it is among the last ones already."""
        if name in self._ids:
            return False
        self._ids.add(name)
        self._order.append(name)
        if len(self._order) > KEPT:
            self._ids.discard(self._order.popleft())
        return True
