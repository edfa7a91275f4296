"""Which prints were seen: two collectors that hand a symbol over both send the prints of some seconds. Pure.

An id is remembered for WINDOW_MS to twice that of the streams' time, in two generations of which the older is thrown
away whole. A recorder that starts again reads so much of the stream back and remembers the same. What is remembered
is the hash of the id: of a million ids two are taken for one another once in forty million times.
"""

from typing import Final

WINDOW_MS: Final = 60_000
#: ids of one generation; beyond it the next one begins early
MAX_IDS: Final = 500_000


class RecentIds:
    """The prints of one stream."""

    def __init__(self, window_ms: int = WINDOW_MS, most: int = MAX_IDS) -> None:
        self._window_ms, self._most = window_ms, most
        self._generation = 0
        self._new: set[int] = set()
        self._old: set[int] = set()

    def fresh(self, id_ms: int, *parts: object) -> bool:
        """Remember a print by what tells it from others; False for one that was seen."""
        generation = id_ms // self._window_ms
        if generation > self._generation or len(self._new) >= self._most:
            self._old = self._new if generation <= self._generation + 1 else set()
            self._new, self._generation = set(), max(generation, self._generation)
        key = hash(parts)
        if key in self._new or key in self._old:
            return False
        self._new.add(key)
        return True

    def __len__(self) -> int:
        return len(self._new) + len(self._old)
