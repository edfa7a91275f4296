"""Seeded noise that is a pure function of time: ask it for any instant, in any order, and it says the same.

A `Wave` is smooth value noise: random values on a lattice of `period_s` seconds, eased between them. A sum of waves of
falling period and size looks like a price, never drifts away, and needs no history: a REST body, a socket frame and
a second run with the same seed all agree about 12:00:00.250.
"""

from collections.abc import Sequence
from zlib import crc32

_MASK = (1 << 64) - 1


def key_of(*parts: object) -> int:
    """A stable 32-bit key of a tuple of texts and numbers (the built-in hash differs from run to run)."""
    return crc32("\x1f".join(map(str, parts)).encode())


def unit(seed: int, key: int, index: int = 0) -> float:
    """A uniform value in [0, 1): splitmix64 over (seed, key, index)."""
    z = (seed * 0x9E3779B97F4A7C15 + key * 0xD1B54A32D192ED03 + index * 0x8CB92BA72F3D8DD7) & _MASK
    z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
    z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & _MASK
    return ((z ^ (z >> 31)) >> 11) / (1 << 53)


class Wave:
    """Smooth noise in [-size, size] with lattice `period_s`."""

    __slots__ = ("_from", "_index", "_key", "_period", "_seed", "_size", "_step")

    def __init__(self, seed: int, key: int, period_s: float, size: float) -> None:
        self._seed, self._key, self._period, self._size = seed, key, period_s, size
        self._index, self._from, self._step = -1, 0.0, 0.0

    def at(self, t: float) -> float:
        """The value at `t` seconds."""
        x = t / self._period
        index = int(x)
        if index != self._index:
            self._index = index
            self._from = self._lattice(index)
            self._step = self._lattice(index + 1) - self._from
        f = x - index
        return self._from + self._step * f * f * (3.0 - 2.0 * f)

    def _lattice(self, index: int) -> float:
        return (2.0 * unit(self._seed, self._key, index) - 1.0) * self._size


class Waves:
    """A sum of waves: `shape` is (period_s, size) pairs."""

    __slots__ = ("_waves",)

    def __init__(self, seed: int, key: int, shape: Sequence[tuple[float, float]]) -> None:
        self._waves = [Wave(seed, key + 7919 * n, period, size) for n, (period, size) in enumerate(shape)]

    def at(self, t: float) -> float:
        total = 0.0
        for wave in self._waves:
            total += wave.at(t)
        return total
