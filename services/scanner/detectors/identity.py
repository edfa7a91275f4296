"""Whether two markets trade the same coin: the guard against equal tickers of different coins.

    off(pair) = the edge in either direction is above max_edge while both legs are good

A pair is known once it has been watched for `pair_warmup_ms` without being off; a known pair that is off is only
rejected while it is off (max_edge is checked at every sample). A pair that is off before that is in doubt until it
has not been off for `pair_warmup_ms` on end. Markets of a venue's first listing may signal while they are watched,
a market listed later may not. A coin pinned by hand is never in doubt, nor are two instruments that a
user vouches for, and one of these need not be watched for being new. See docs/decisions.
"""

from collections.abc import Sequence

from services.scanner.market import MS, Leg
from shared.config import Runtime

Pair = tuple[str, str]
#: Instruments that come within this time of a venue's first ones belong to its first listing.
FIRST_LISTING_NS = 60_000 * MS


def pair_of(one: Leg, other: Leg) -> Pair:
    return (one.part, other.part) if one.part < other.part else (other.part, one.part)


class Doubts:
    """Pairs in doubt and until when (event time, ns)."""

    def __init__(self) -> None:
        self.until = {}

    @property
    def until(self) -> dict[Pair, int]:
        return self._until

    @until.setter
    def until(self, found: dict[Pair, int]) -> None:
        self._until = found
        #: every market of a pair in doubt: most rows have none, and look no further
        self._parts = {part for pair in found for part in pair}

    def off(self, one: Leg, other: Leg, at: int, runtime: Runtime) -> None:
        """Both legs are good and their prices too far apart."""
        pair, warmup = pair_of(one, other), runtime.pair_warmup_ms * MS
        if self.until.get(pair, 0) > at or at - max(one.born, other.born) < warmup:
            self.until[pair] = at + warmup
            self._parts.update(pair)

    def about(self, one: Leg, other: Leg, at: int, runtime: Runtime) -> bool:
        if one.asset.name in runtime.pins:
            return False
        fresh = (one.new and not one.row.trusted) or (other.new and not other.row.trusted)
        if fresh and at - max(one.born, other.born) < runtime.pair_warmup_ms * MS:
            return True
        if not self._until or (one.row.trusted and other.row.trusted):
            return False
        return self._until.get(pair_of(one, other), 0) > at

    def pairs(self, shown: Sequence[tuple[Leg, object]], at: int, runtime: Runtime) -> tuple[tuple[int, int], ...]:
        """The pairs of a row's legs that are in doubt, by their places in the row, the lower one first."""
        parts = self._parts
        suspects = [place for place, (leg, _) in enumerate(shown) if leg.new or leg.part in parts]
        if not suspects:
            return ()
        found = {
            (min(place, other), max(place, other))
            for place in suspects
            for other in range(len(shown))
            if other != place and self.about(shown[place][0], shown[other][0], at, runtime)
        }
        return tuple(sorted(found))

    def drop(self, leg: Leg) -> None:
        """What was known of a leg says nothing any more."""
        self.until = {pair: until for pair, until in self.until.items() if leg.part not in pair}

    def forget(self, at: int) -> None:
        """Let go of what is over; a pair whose doubt has ended counts as known from then on."""
        if any(until <= at for until in self.until.values()):
            self.until = {pair: until for pair, until in self.until.items() if until > at}
