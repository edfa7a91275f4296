"""What an endpoint grants an address, and a process's share of it."""

import asyncio
import time
from itertools import pairwise

from services.collector.line import FRAMES_STRETCH, Gate
from services.collector.pacing import SECOND, Window
from services.collector.venue import Limits


def test_a_gate_grants_the_usable_part_and_a_members_share_of_it() -> None:
    gate = Gate(Limits(10, 1, 1.0, connects=(100, 60.0), frames=(200, 60.0)), 0.8)
    assert gate.frames is not None
    assert (gate.window.count, gate.frames.count) == (80, 180)
    gate.divide(1 / 4)
    assert (gate.window.count, gate.frames.count) == (20, 45)
    gate.divide(1 / 1000)
    assert (gate.window.count, gate.frames.count) == (1, 1)
    assert gate.frames.ready_at(0) == 0
    gate.frames.took(0)
    assert gate.frames.ready_at(1) == int(60 * FRAMES_STRETCH * SECOND)


def test_frames_are_not_counted_where_the_venue_does_not() -> None:
    assert Gate(Limits(10, 1, 1.0), 0.8).frames is None


class Noting(Window):
    """A window that keeps when each attempt went: as it is counted, and no later than it says."""

    def __init__(self, count: float, window_s: float) -> None:
        super().__init__(count, window_s)
        self.went: list[int] = []

    def took(self, now: int, weight: float = 1.0) -> None:
        self.went.append(min(now, time.time_ns()))
        super().took(now, weight)


async def test_attempts_that_a_busy_loop_held_up_do_not_go_all_at_once() -> None:
    gate = Gate(Limits(10, 1, 1.0), 1.0)
    gate.window = window = Noting(1, 0.05)
    async with asyncio.TaskGroup() as group:
        for _ in range(4):
            group.create_task(gate.pass_through())
        await asyncio.sleep(0)
        time.sleep(0.3)  # noqa: ASYNC251 - the loop stands still
    assert len(window.went) == 4
    assert all(late - early >= 0.05 * SECOND for early, late in pairwise(window.went))
