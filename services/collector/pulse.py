"""Has this process stood still? A process that was stopped must not publish what it then reads as if it were new.

The loop sets `deadline` forward ten times a second. A frame read after it comes out of a loop that did not turn for
more than STALL_NS. That alone does not condemn it: on a crowded machine a busy turn takes as long. A process that was
stopped (a signal, a paused machine) used no processor time meanwhile, a busy one did; and whoever did not turn for
LOST_NS is out whatever it did, since its lease runs out about then.
"""

import asyncio
from collections.abc import Callable
from time import process_time_ns, time_ns
from typing import Final

STALL_NS: Final = 1_000_000_000
LOST_NS: Final = 3_500_000_000
#: a process that ran for less than this part of a stand-still was stopped
RAN: Final = 0.03
BEAT_S: Final = 0.1


class Pulse:
    """`deadline` is read in the frame callback; `stalled(seconds)` is called once for each stand-still."""

    __slots__ = ("_cpu", "_now", "_stalled", "_timer", "_turned", "_used", "busy", "deadline")

    def __init__(
        self,
        stalled: Callable[[float], None],
        now: Callable[[], int] = time_ns,
        cpu: Callable[[], int] = process_time_ns,
    ) -> None:
        self.deadline = 0
        #: long turns that were busy ones
        self.busy = 0
        self._stalled, self._now, self._cpu = stalled, now, cpu
        self._turned = self._used = 0
        self._timer: asyncio.TimerHandle | None = None

    def start(self) -> None:
        """Frames count from now on."""
        self._turn(self._now())
        self._again()

    def stop(self) -> None:
        """Nothing read from now on may be published."""
        self.deadline = 0
        if self._timer is not None:
            self._timer.cancel()

    def late(self, now: int) -> bool:
        """A frame or a beat comes after the deadline: whether this process has lost its standing."""
        if not self.deadline:
            return True
        still = now - self._turned
        if still < LOST_NS and self._cpu() - self._used >= RAN * still:
            self.busy += 1
            self._turn(now)
            return False
        self.stop()
        self._stalled(still / 1e9)
        return True

    def _turn(self, now: int) -> None:
        self._turned, self._used = now, self._cpu()
        self.deadline = now + STALL_NS

    def _again(self) -> None:
        self._timer = asyncio.get_running_loop().call_later(BEAT_S, self._beat)

    def _beat(self) -> None:
        now = self._now()
        if now > self.deadline and self.late(now):
            return
        self._turn(now)
        self._again()
