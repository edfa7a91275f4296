"""A process that was stopped is told from one that was busy."""

import asyncio

from services.collector.pulse import BEAT_S, LOST_NS, STALL_NS, Pulse

MS = 1_000_000


class Clocks:
    def __init__(self) -> None:
        self.now = 1_700_000_000_000 * MS
        self.cpu = 0
        self.stalls: list[float] = []

    def pulse(self) -> Pulse:
        return Pulse(self.stalls.append, lambda: self.now, lambda: self.cpu)


async def test_a_process_that_was_stopped_has_lost_its_standing_and_is_told_once() -> None:
    clocks = Clocks()
    pulse = clocks.pulse()
    pulse.start()
    clocks.now += STALL_NS + 1
    clocks.cpu += 5 * MS
    assert clocks.now > pulse.deadline
    assert pulse.late(clocks.now)
    assert pulse.late(clocks.now)
    assert clocks.stalls == [1.000000001]
    assert pulse.deadline == 0


async def test_a_busy_turn_is_none_until_the_lease_is_in_danger() -> None:
    clocks = Clocks()
    pulse = clocks.pulse()
    pulse.start()
    clocks.now += STALL_NS + 1
    clocks.cpu += 100 * MS
    assert not pulse.late(clocks.now)
    assert clocks.now <= pulse.deadline
    assert pulse.busy == 1
    clocks.now += LOST_NS
    clocks.cpu += LOST_NS
    assert pulse.late(clocks.now)
    assert clocks.stalls == [LOST_NS / 1e9]
    pulse.stop()


async def test_a_loop_that_turns_sets_its_deadline_forward() -> None:
    clocks = Clocks()
    pulse = clocks.pulse()
    pulse.start()
    before = pulse.deadline
    clocks.now += 200 * MS
    while pulse.deadline == before:  # noqa: ASYNC110 - the loop is what is tested
        await asyncio.sleep(BEAT_S / 2)
    assert pulse.deadline == clocks.now + STALL_NS
    assert not clocks.stalls
    pulse.stop()
