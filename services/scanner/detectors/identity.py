"""Whether two markets trade the same coin: the guard against equal tickers of different coins.

    off(pair) = the edge in either direction is above max_edge while both legs are good

A pair is known once it has been watched for `pair_warmup_ms` without being off; a known pair that is off is only
rejected while it is off (max_edge is checked at every sample). A pair that is off before that is in doubt until it
has not been off for `pair_warmup_ms` on end. Markets of a venue's first listing may signal while they are watched,
a market listed later may not. A coin pinned by hand is never in doubt, nor are two instruments that a
user vouches for, and one of these need not be watched for being new. See docs/decisions.
"""

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
        self.until: dict[Pair, int] = {}

    def off(self, one: Leg, other: Leg, at: int, runtime: Runtime) -> None:
        """Both legs are good and their prices too far apart."""
        pair, warmup = pair_of(one, other), runtime.pair_warmup_ms * MS
        if self.until.get(pair, 0) > at or at - max(one.born, other.born) < warmup:
            self.until[pair] = at + warmup

    def about(self, one: Leg, other: Leg, at: int, runtime: Runtime) -> bool:
        if one.asset.name in runtime.pins:
            return False
        fresh = (one.new and not one.row.trusted) or (other.new and not other.row.trusted)
        if fresh and at - max(one.born, other.born) < runtime.pair_warmup_ms * MS:
            return True
        if not self.until or (one.row.trusted and other.row.trusted):
            return False
        return self.until.get(pair_of(one, other), 0) > at

    def drop(self, leg: Leg) -> None:
        """What was known of a leg says nothing any more."""
        self.until = {pair: until for pair, until in self.until.items() if leg.part not in pair}

    def forget(self, at: int) -> None:
        """Let go of what is over; a pair whose doubt has ended counts as known from then on."""
        for pair in [pair for pair, until in self.until.items() if until <= at]:
            del self.until[pair]
