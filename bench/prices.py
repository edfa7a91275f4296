"""Quotes of a thousand coins on eight exchanges, for the benchmarks of the scanner."""

import random
from typing import Final

from shared.events import Quote

VENUES: Final = 8
COINS: Final = 1000
PACK: Final = 64
#: What stands for the time of receipt until the quote is written.
MARK: Final = 0x7D00_0000_0000_0001


def coin(number: int) -> str:
    return f"C{number:04}"


class Prices:
    """Walks, one a coin; an exchange lies some basis points beside them, so that some coins are near a signal."""

    def __init__(self, seed: int) -> None:
        self.dice = random.Random(seed)
        self.price = [self.dice.uniform(0.1, 500) for _ in range(COINS)]

    def quote(self, number: int) -> Quote:
        dice = self.dice
        self.price[number] *= 1 + dice.gauss(0, 0.00005)
        mid = self.price[number] * (1 + dice.gauss(0, 0.0003))
        half = mid * 0.0001
        return Quote(
            f"{coin(number)}/USDT:USDT", f"{mid - half:.5f}", f"{dice.uniform(1, 900):.3f}", f"{mid + half:.5f}",
            f"{dice.uniform(1, 900):.3f}", None, MARK,
        )  # fmt: skip
