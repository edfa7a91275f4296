"""How fast we may ask: pure bookkeeping of rates. Times are integers, nanoseconds, given by the caller."""

from collections import deque
from typing import Final

SECOND: Final = 1_000_000_000
HOUR: Final = 3600 * SECOND


class Pace:
    """When the next frame may go: evenly spaced, and bounded by the hour."""

    def __init__(self, per_second: float, per_hour: int | None) -> None:
        self._gap = int(SECOND / per_second)
        self._per_hour = per_hour
        self._hour: deque[int] = deque()
        self._next = 0

    def ready_at(self, now: int) -> int:
        while self._hour and self._hour[0] <= now - HOUR:
            self._hour.popleft()
        if self._per_hour is not None and len(self._hour) >= self._per_hour:
            return max(self._next, self._hour[0] + HOUR)
        return self._next

    def took(self, now: int, *, hourly: bool = True) -> None:
        self._next = max(self._next, now) + self._gap
        if hourly and self._per_hour is not None:
            self._hour.append(now)
