"""A gap that the simulator was told to make: archived, tested again, played again, and the same each time."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from deploy.local.process import REPOSITORY
from services.scanner.backtest.course import Course
from services.scanner.backtest.run import run
from shared import streams
from shared.archive.reading import END_MS, Archive
from shared.bus import Redis
from shared.signals import Signal
from tests.pipeline.conftest import bear
from tests.pipeline.stack import VENUES, Exchange, Stack, exchanging

COIN, BPS = "PEPE", 120
decode = msgspec.msgpack.Decoder(Signal).decode


@pytest.fixture
def system(tmp_path: Path, redis_url: str) -> Iterator[tuple[Stack, Exchange]]:
    stack = Stack.over(tmp_path, redis_url, "postgresql://nobody@127.0.0.1:1/none", MODE="demo", ARCHIVE_DAYS="1")
    with exchanging(stack, {name: f"services.{name}" for name in ("archiver", "scanner")}) as exchange:
        yield stack, exchange


def backtest(folder: Path, *options: str) -> Any:
    environment = {**os.environ, "DATA_DIR": str(folder), "MODE": "demo"}
    line = [sys.executable, "-m", "services.scanner.backtest", "--json", *options]
    done = subprocess.run(line, cwd=REPOSITORY, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def play(folder: Path, environment: dict[str, str]) -> None:
    line = [sys.executable, "-m", "services.archiver", "replay", str(folder), "--speed", "max"]
    done = subprocess.run(line, cwd=REPOSITORY, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


async def records(client: Redis) -> list[bytes]:
    rows: Any = await client.xrange(streams.signals(0))
    return [fields[streams.FIELD] for _, fields in rows]


async def test_a_known_edge_is_found_again_in_the_archive(
    system: tuple[Stack, Exchange], redis_client: Redis, tmp_path: Path
) -> None:
    stack, exchange = system
    await bear(redis_client)

    async def quoted() -> bool:
        return all([await redis_client.hlen(streams.last(0, venue, "quote")) > 20 for venue in VENUES])

    await stack.until(quoted, "both exchanges are quoted")
    await exchange.strike("gap", coin=COIN, venue="okx", against="binance", bps=BPS)

    async def lasted() -> bool:
        return any(b"\xa6update" in one for one in await records(redis_client))

    async def sent() -> bool:
        found = await records(redis_client)
        return sum(b"\xa5close" in one for one in found) == sum(b"\xa4open" in one for one in found)

    await stack.until(lasted, "a signal has lasted for some seconds")
    await exchange.clear()
    await stack.until(sent, "every signal has ended")
    archiver = stack.processes.pop("archiver")
    assert set(stack.stop().values()) == {0}
    stack.processes["archiver"] = archiver
    live, folder = await records(redis_client), tmp_path / "demo" / "archive"

    async def archived() -> bool:
        return len(list(Archive(folder).items(kinds=("signal",)))) == len(live)

    await stack.until(archived, "the last record is archived")
    assert set(stack.stop().values()) == {0}
    items = list(Archive(folder).items())
    assert [what for _, key, _, what in items if key == streams.signals(0)] == live
    assert [item[:3] for item in items] == sorted(item[:3] for item in items)

    course = Course(Archive(folder), 0, END_MS, {})
    made = run(course, [], lambda ms: None).made
    assert course.same == course.sent == made == len(live)

    found = backtest(tmp_path, "--latency", "0", "500")
    assert found["signals"] == sum(b"\xa4open" in one for one in live) > 0
    assert {row["asset"] for row in found["rows"]} == {COIN}
    told = [one for one in map(decode, live) if one.event == "close"]
    assert sorted((row["opened_ms"], row["open_bps"], row["duration_s"]) for row in found["rows"]) == sorted(
        (one.opened_at // 1_000_000, float(one.open_edge_bps), (one.duration_ms or 0) / 1000) for one in told
    )
    for row in found["rows"]:
        assert row["sell"].startswith("okx")
        # of the best route; the others have wider spreads, and between two quotes of a slow machine the market moves
        assert BPS - 50 < row["open_bps"] < BPS + 20
        assert row["duration_s"] > 0
        assert abs(row["in_bps"]["0"] - row["net_bps"]) < 10
    assert backtest(tmp_path, "--set", f"enter_bps={BPS + 60}")["signals"] == 0
    assert all(
        row["in_bps"]["100"] < 0 for row in backtest(tmp_path, "--set", "min_net_bps=-900", "--fees", "okx=400")["rows"]
    )

    # all of it is in Redis before the scanner begins
    await redis_client.flushall()
    stack.environment["MODE"] = "replay"
    play(folder, stack.environment)
    stack.start("follower", "services.scanner", "archived")

    async def again() -> bool:
        return len(await records(redis_client)) == len(live)

    await stack.until(again, "the replay has made as many records")
    assert await records(redis_client) == live
