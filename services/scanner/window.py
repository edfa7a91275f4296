"""How far back a stream reaches whose entries are large: a time, and a number of bytes. Pure."""

from collections import deque
from dataclasses import dataclass, field


@dataclass(slots=True)
class Window:
    """What was written, as (ms of Redis, bytes), oldest first; no longer than `kept_ms`, no more than `kept_bytes`.

    A stream of whole rows grows with coins times legs times changes: its time alone bounds no memory.
    """

    kept_ms: int
    kept_bytes: int
    held: int = 0
    _written: deque[tuple[int, int]] = field(default_factory=deque)

    def oldest(self, now_ms: int, size: int) -> int:
        """Takes on an entry of `size` bytes, and gives the ms before which the stream is to be cut."""
        written, least = self._written, now_ms - self.kept_ms
        written.append((now_ms, size))
        self.held += size
        while written[0][0] < least or (self.held > self.kept_bytes and written[0][0] < now_ms):
            ms, gone = written.popleft()
            self.held -= gone
            least = max(least, ms + 1)
        return max(0, least)
