"""Has this process stood still? A process that was stopped must not publish what it then reads as if it were new.

The loop sets `deadline` forward ten times a second; a frame read after it came out of a loop that stood still for more
than `STALL_NS`, and so does the beat of the loop itself when it comes late.
"""

import asyncio
from collections.abc import Callable
from time import time_ns
from typing import Final

STALL_NS: Final = 1_000_000_000
BEAT_S: Final = 0.1


class Pulse:
    """`deadline` is read in the frame callback; `stalled` is called once for each stand-still."""

    __slots__ = ("_stalled", "_timer", "deadline")

    def __init__(self, stalled: Callable[[float], None]) -> None:
        self.deadline = 0
        self._stalled = stalled
        self._timer: asyncio.TimerHandle | None = None

    def start(self) -> None:
        """Frames count from now on."""
        self.deadline = time_ns() + STALL_NS
        self._again()

    def stop(self) -> None:
        """Nothing read from now on may be published."""
        self.deadline = 0
        if self._timer is not None:
            self._timer.cancel()

    def late(self, now: int) -> None:
        """A frame or a beat came after the deadline."""
        seconds = (now - self.deadline + STALL_NS) / 1e9
        if self.deadline:
            self.stop()
            self._stalled(seconds)

    def _again(self) -> None:
        self._timer = asyncio.get_running_loop().call_later(BEAT_S, self._beat)

    def _beat(self) -> None:
        now = time_ns()
        if now > self.deadline:
            self.late(now)
            return
        self.deadline = now + STALL_NS
        self._again()
