"""What perpetuals have paid: the settled funding rates of the last seven days, and the median of each.

    usual(leg) = median of its settled rates within seven days

Later payments are reckoned at it (shared/routes/carry.py): the present rate is seldom that of the week. In floats.
"""

from array import array
from bisect import bisect_left
from statistics import median
from typing import Final

from shared.events import Settlement

MINUTE: Final = 60_000_000_000
KEPT_MIN: Final = 7 * 24 * 60


class Settled:
    """One perpetual's settlements in order: minutes since the epoch, and rates."""

    __slots__ = ("_usual", "minutes", "rates")

    def __init__(self, minutes: bytes = b"", rates: bytes = b"") -> None:
        self.minutes, self.rates = array("q", minutes), array("d", rates)
        #: the median once somebody has asked, until the next settlement
        self._usual: float | None = None

    def put(self, event: Settlement) -> None:
        """In any order; of the same settlement what came last stays."""
        minute, rate = event.settle_ts // MINUTE, float(event.rate)
        place = bisect_left(self.minutes, minute)
        if place < len(self.minutes) and self.minutes[place] == minute:
            self.rates[place] = rate
        else:
            self.minutes.insert(place, minute)
            self.rates.insert(place, rate)
        gone = bisect_left(self.minutes, self.minutes[-1] - KEPT_MIN)
        del self.minutes[:gone], self.rates[:gone]
        self._usual = None

    def usual(self) -> float | None:
        """The median; None while nothing is known."""
        if self._usual is None and self.rates:
            self._usual = median(self.rates)
        return self._usual
