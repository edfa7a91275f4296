"""Recording an exchange's raw frames, and reading them back."""

import asyncio
import contextlib
import os
import signal
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path

from services.collector.capture import Captured, read
from services.collector.pulse import STALL_NS
from services.simulator.options import Options
from services.simulator.server import Simulator
from tests.shared.tools import LIMIT_S, program, until


@contextlib.asynccontextmanager
async def started(gateway: str, *arguments: str) -> AsyncIterator[asyncio.subprocess.Process]:
    """A recording, killed at the end if it still lives."""
    command = (sys.executable, "-m", "services.collector", "record", "--venue", "okx", *arguments)
    env = {**os.environ, "VENUE_GATEWAY": gateway, "REDIS_URL": ""}
    async with program(*command, env=env, stderr=asyncio.subprocess.PIPE) as child:
        yield child


async def record(gateway: str, *arguments: str) -> tuple[int, str]:
    async with started(gateway, *arguments) as child:
        _, errors = await child.communicate()
    return child.returncode or 0, errors.decode()


def recorded(out: Path) -> list[Captured]:
    with out.open("rb") as file:
        return [line for line in read(file) if line.skipped is None]


async def test_a_recording_stops_when_its_time_is_over(tmp_path: Path) -> None:
    out = tmp_path / "session.jsonl"
    async with Simulator(Options(venues=("okx",), instruments=10, rate=300)) as sim:
        code, said = await record(sim.url, "--out", str(out), "--seconds", "2")
    assert code == 0
    assert f"record: {len(recorded(out))} frames" in said


async def test_frames_and_rest_bodies_are_recorded_without_a_redis_until_the_size_is_reached(tmp_path: Path) -> None:
    out = tmp_path / "session.jsonl"
    async with Simulator(Options(venues=("okx",), instruments=200, rate=3000)) as sim:
        code, said = await record(sim.url, "--out", str(out), "--max-mb", "1", "--seconds", "600")
    assert code == 0
    assert (1 << 19) < out.stat().st_size <= 1 << 20
    lines = recorded(out)
    assert f"record: {len(lines)} frames" in said
    bodies = [line for line in lines if line.request is not None]
    frames = [line for line in lines if line.request is None]
    assert {body.request.endpoint for body in bodies if body.request} >= {"/api/v5/public/instruments"}
    assert len(frames) > 100
    assert {(frame.conn or "").partition("/")[0] for frame in frames} == {"public"}
    times = [line.recv or 0 for line in lines]
    assert times == sorted(times)


async def test_a_recording_that_was_stopped_for_a_while_goes_on(tmp_path: Path) -> None:
    out = tmp_path / "session.jsonl"
    async with (
        Simulator(Options(venues=("okx",), instruments=200, rate=3000)) as sim,
        started(sim.url, "--out", str(out), "--max-mb", "2", "--seconds", "600") as process,
    ):
        await until(lambda: out.exists() and out.stat().st_size > 1 << 20)
        process.send_signal(signal.SIGSTOP)
        await asyncio.sleep(STALL_NS / 1e9 + 0.5)
        went_on = time.time_ns()
        process.send_signal(signal.SIGCONT)
        async with asyncio.timeout(LIMIT_S):
            await process.communicate()
    assert any(line.conn is not None for line in recorded(out) if (line.recv or 0) > went_on)


async def test_a_file_that_cannot_be_written_is_one_sentence_and_status_two(tmp_path: Path) -> None:
    code, said = await record("", "--out", str(tmp_path / "no" / "where.jsonl"))
    assert code == 2
    assert said.splitlines()[-1].startswith("record: ")
