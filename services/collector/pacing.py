"""How fast we may ask: pure bookkeeping of rates. Times are integers, nanoseconds, given by the caller."""

from collections import deque
from typing import Final

SECOND: Final = 1_000_000_000
HOUR: Final = 3600 * SECOND
#: of a shared window, the part that what can wait does not take
SPARED: Final = 0.15


class Pace:
    """When the next frame may go: evenly spaced, bounded by the hour, and by what all connections together may send.

    `shared`: the window of an address, which its connections have in common.
    """

    def __init__(self, per_second: float, per_hour: int | None, shared: "Window | None" = None) -> None:
        self._gap = int(SECOND / per_second)
        self._per_hour = per_hour
        self._hour: deque[int] = deque()
        self._next = 0
        self._shared = shared

    def ready_at(self, now: int, *, sparing: bool = False) -> int:
        """`sparing`: leave a part of the shared window to what cannot wait."""
        own, shared = self._own(now), self._shared
        if shared is None:
            return own
        return max(own, shared.ready_at(now, 1.0 + (int(SPARED * shared.count) if sparing else 0)))

    def _own(self, now: int) -> int:
        while self._hour and self._hour[0] <= now - HOUR:
            self._hour.popleft()
        if self._per_hour is not None and len(self._hour) >= self._per_hour:
            return max(self._next, self._hour[0] + HOUR)
        return self._next

    def took(self, now: int, *, hourly: bool = True) -> None:
        self._next = max(self._next, now) + self._gap
        if hourly and self._per_hour is not None:
            self._hour.append(now)
        if self._shared is not None:
            self._shared.took(now)

    def block(self, until: int) -> None:
        """Nothing before `until`."""
        self._next = max(self._next, until)
        if self._shared is not None:
            self._shared.block(until)


class Window:
    """At most `count` in any `window_s` seconds, each of a weight."""

    def __init__(self, count: float, window_s: float) -> None:
        self.count = count
        self._window = int(window_s * SECOND)
        self._taken: deque[tuple[int, float]] = deque()
        self._used = 0.0
        self._not_before = 0

    def used(self, now: int) -> float:
        while self._taken and self._taken[0][0] <= now - self._window:
            self._used -= self._taken.popleft()[1]
        return self._used

    def ready_at(self, now: int, weight: float = 1.0) -> int:
        """When `weight` more may be taken; a weight above the whole count is taken by an empty window."""
        excess = self.used(now) + weight - self.count
        at = max(now, self._not_before)
        for taken, amount in self._taken:
            if excess <= 0:
                break
            excess -= amount
            at = max(at, taken + self._window)
        return at

    def took(self, now: int, weight: float = 1.0) -> None:
        self._taken.append((now, weight))
        self._used += weight

    def told(self, now: int, used: float) -> None:
        """The other side says how much is used, others on our address included: believed where it is more."""
        more = used - self.used(now)
        if more > 0:
            self.took(now, more)

    def block(self, until: int) -> None:
        """Nothing before `until`."""
        self._not_before = max(self._not_before, until)
