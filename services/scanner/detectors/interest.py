"""Whose books are worth collecting: those of the pairs whose edge is near a signal, within a budget.

    near(pair) = near_ratio * enter <= larger of edge(A to B), edge(B to A) <= max_edge, both legs good, not in doubt

A near pair asks for the books of both its legs. It goes on asking for LINGER_NS after it was last near. Of each venue
`book_budget` books are asked for at most: pairs are served by their edge, one that is served already counts HELD times
its edge and for HOLD_NS cannot be displaced, so that nothing flaps. A book that serves two pairs is paid for once.
"""

from collections import Counter
from collections.abc import Iterable
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from services.scanner.market import Leg

SECOND: Final = 1_000_000_000
LOOK_NS: Final = 2 * SECOND
LINGER_NS: Final = 60 * SECOND
HOLD_NS: Final = 30 * SECOND
HELD: Final = 1.5


class Near(NamedTuple):
    """A pair in the order of its legs' parts, and the larger of its two edges in basis points."""

    one: "Leg"
    other: "Leg"
    edge: float


class Want:
    """A pair that is, or was lately, near. `since`: from when on it is served, None while it is not; event time."""

    __slots__ = ("edge", "near_at", "one", "other", "since")

    def __init__(self, near: Near, at: int, since: int | None = None) -> None:
        self.one, self.other, self.edge = near
        self.near_at, self.since = at, since

    @property
    def key(self) -> str:
        return f"{self.one.part}|{self.other.part}"

    def rank(self, at: int) -> tuple[bool, float, str]:
        """The lowest is served first."""
        if self.since is None:
            return True, -self.edge, self.key
        return at - self.since >= HOLD_NS, -self.edge * HELD, self.key


class Interest:
    """The pairs that ask for books. `due`: event time of the next look; `unserved`: how many the budget left out."""

    def __init__(self) -> None:
        self.wants: dict[str, Want] = {}
        self.due = self.unserved = 0

    def is_due(self, at: int) -> bool:
        if at < self.due:
            return False
        self.due = at - at % LOOK_NS + LOOK_NS
        return True

    def look(self, found: Iterable[Near], at: int, budget: int) -> None:
        """At an instant: who is near now, and who is served from here on."""
        for near in found:
            want = Want(near, at)
            known = self.wants.get(want.key)
            if known is not None and known.one is near.one and known.other is near.other:
                known.edge, known.near_at = near.edge, at
            else:
                self.wants[want.key] = want
        for key, want in list(self.wants.items()):
            gone = any(leg not in leg.asset.legs for leg in (want.one, want.other))
            if gone or at - want.near_at > LINGER_NS:
                del self.wants[key]
        self._serve(at, budget)

    def _serve(self, at: int, budget: int) -> None:
        taken: set[Leg] = set()
        spent: Counter[str] = Counter()
        self.unserved = 0
        for want in sorted(self.wants.values(), key=lambda one: one.rank(at)):
            fresh = [leg for leg in (want.one, want.other) if leg not in taken]
            needed = Counter(leg.venue for leg in fresh)
            if any(spent[venue] + count > budget for venue, count in needed.items()):
                want.since = None
                self.unserved += 1
                continue
            taken.update(fresh)
            spent.update(needed)
            if want.since is None:
                want.since = at

    def books(self) -> dict[str, list[str]]:
        """venue -> symbols whose books are asked for."""
        found: dict[str, set[str]] = {}
        for want in self.wants.values():
            if want.since is not None:
                for leg in (want.one, want.other):
                    found.setdefault(leg.venue, set()).add(leg.symbol)
        return {venue: sorted(symbols) for venue, symbols in sorted(found.items())}
