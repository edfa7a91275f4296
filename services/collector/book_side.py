"""One side of a book: its levels by price, in order, and how far it is known. Pure."""

from bisect import bisect_left, bisect_right, insort
from collections.abc import Sequence
from decimal import Context, Decimal
from functools import reduce
from typing import Final

from services.collector.normalise import plain
from shared.events import Level

#: holds the sum of any sizes that `normalise` lets through, exactly
WIDE: Final = Context(prec=200)


class Side:
    """Levels keyed by value, so that "1.10" and "1.1" are one, with the digits kept that they came in.

    A snapshot may hold only the best levels: past its last one nothing is known for certain (`reach`). Where the venue
    keeps its stream at so many levels (`sliding`), the reach is the last level of a full side, wherever that moves.
    Prices of bids are negated inside, so that the best of either side is the smallest key.
    """

    __slots__ = ("_cut_at", "_levels", "_prices", "_reach", "_sign", "_sliding")

    def __init__(self, *, bids: bool) -> None:
        self._sign = -1 if bids else 1
        self._levels: dict[Decimal, tuple[Level, Level]] = {}
        self._prices: list[Decimal] = []
        self._cut_at: int | None = None
        self._sliding = False
        self._reach: Decimal | None = None

    def load(self, levels: Sequence[Level], raw: Sequence[Level], cut_at: int | None, *, sliding: bool) -> None:
        """Take a snapshot's levels; `raw` are the same in the venue's digits. A side of `cut_at` levels was cut."""
        self._levels = {
            self._sign * Decimal(level[0]): (level, digits)
            for level, digits in zip(levels, raw, strict=True)
            if not is_zero(level[1])
        }
        self._prices = sorted(self._levels)
        self._cut_at, self._sliding = cut_at, sliding
        cut = cut_at is not None and len(levels) >= cut_at
        self._reach = self._prices[-1] if cut and self._prices else None

    @property
    def reach(self) -> Decimal | None:
        """The last price (negated on bids) that is known for certain, None of a side known whole."""
        if self._sliding:
            full = self._cut_at is not None and len(self._prices) >= self._cut_at
            return self._prices[-1] if full else None
        return self._reach

    def change(self, levels: Sequence[Level], raw: Sequence[Level]) -> None:
        """Apply changed levels: absolute sizes, zero removes."""
        for level, digits in zip(levels, raw, strict=True):
            key = self._sign * Decimal(level[0])
            if not is_zero(level[1]):
                if key not in self._levels:
                    insort(self._prices, key)
                self._levels[key] = (level, digits)
            elif key in self._levels:
                del self._levels[key]
                del self._prices[bisect_left(self._prices, key)]

    def known(self) -> int:
        """How many levels, from the best on, are certainly all there are."""
        reach = self.reach
        return len(self._prices) if reach is None else bisect_right(self._prices, reach)

    def best(self) -> Decimal | None:
        """The best price, None of an empty side."""
        return self._sign * self._prices[0] if self._prices else None

    def top(self, count: int) -> tuple[Level, ...]:
        """The best levels, best first, no more than are known."""
        return tuple([self._levels[key][0] for key in self._prices[: min(count, self.known())]])

    def raw(self, count: int) -> list[Level]:
        """The best levels in the venue's digits."""
        return [self._levels[key][1] for key in self._prices[:count]]

    def size_to(self, price: Decimal | None) -> str | None:
        """Resting size from the best price to this one (None: of the whole side); None where it is not known so far."""
        reach, count = self.reach, len(self._prices)
        if price is not None:
            key = self._sign * price
            count = bisect_right(self._prices, key)
        if reach is not None and (price is None or key > reach):
            return None
        sizes = (Decimal(self._levels[known][0][1]) for known in self._prices[:count])
        return plain(reduce(WIDE.add, sizes, Decimal(0)))


def is_zero(size: str) -> bool:
    return not size.strip("0.")
