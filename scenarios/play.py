"""One scenario through the real processes: simulator, a collector for each exchange, scanner, over one Redis database.

The simulator holds the scenario's clock at 0 until every market of the scenario's coins is on the board with a live
quote. So what a file says in seconds does not depend on how long a machine takes to start.
"""

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import aiohttp
import msgspec

from deploy.local.process import REPOSITORY, free_port, last_lines
from scenarios.compare import Outcome, compare, found
from services.simulator.scenario import Scenario
from shared import streams
from shared.bus import AWAY, Redis, connect
from shared.settings_store import RuntimeStore
from shared.signals import BoardRow, Signal

#: Enough for the forty coins that every exchange lists, with their odd rows.
INSTRUMENTS: Final = 140
RATE: Final = 800
#: A machine that lets a process wait for longer than this is too slow to judge by.
SLOW_S: Final = 0.5
LOOK_S: Final = 0.1
#: How long all processes together may take until every market is there, on a crowded machine.
READY_S: Final = 300.0
STOP_S: Final = 10.0
#: States of a leg of which nothing can be said yet.
WAITING: Final = frozenset({"unconfirmed", "down", "gap", "stale"})


class Unplayable(Exception):
    """The system did not come up, or ended: one sentence."""


@dataclass(frozen=True)
class Stage:
    """Where a scenario is played."""

    path: Path
    scenario: Scenario
    venues: tuple[str, ...]
    redis_url: str
    folder: Path

    @property
    def coins(self) -> list[str]:
        """The coins that the scenario is about, and USDC, whose rate others may need."""
        events = self.scenario.event
        named = {one.coin for one in events} | {one.name for one in events} | {one.coin for one in self.scenario.expect}
        return sorted((named | {"USDC"}) - {""})


async def play(stage: Stage) -> Outcome:
    """Play it and compare. Raises `Unplayable`."""
    began = time.monotonic()
    async with connect(stage.redis_url) as client:
        await client.flushdb()
        if stage.scenario.settings:
            await RuntimeStore(client).write(stage.scenario.settings, 0)
        with processes(stage) as running:
            try:
                started_ns = await _begin(stage, client, running)
                slow = await _watch(stage, running, started_ns)
                held_back = await _held_back(client)
            except (*AWAY, aiohttp.ClientError) as error:
                raise Unplayable(f"{stage.scenario.name}: {error or type(error).__name__}") from error
        records = await _records(client)
    outcome = compare(stage.scenario, found(records, started_ns), held_back, time.monotonic() - began)
    return replace(outcome, slow=slow)


@dataclass
class Running:
    """The processes, and where the simulator answers."""

    folder: Path
    port: int
    started: dict[str, "subprocess.Popen[bytes]"]

    def check(self) -> None:
        """Raises `Unplayable` where one has ended."""
        for name, process in self.started.items():
            if process.poll() is not None:
                raise Unplayable(f"{name} ended with {process.returncode}: {last_lines(self.folder / f'{name}.log')}")

    async def ask(self, method: str, path: str, **params: str) -> Any:
        timeout = aiohttp.ClientTimeout(total=10)
        async with (
            aiohttp.ClientSession(raise_for_status=True, timeout=timeout) as session,
            session.request(method, f"http://127.0.0.1:{self.port}/_sim/{path}", params=params) as answer,
        ):
            return await answer.json(content_type=None)


@contextmanager
def processes(stage: Stage) -> Iterator[Running]:
    """Simulator, collectors and scanner, each with its log; they end with the block."""
    port = free_port()
    inherited = {name: value for name, value in os.environ.items() if "proxy" not in name.lower()}
    nothing = stage.folder / "overrides.toml"
    nothing.touch()
    environment = {
        **inherited,
        "REDIS_URL": stage.redis_url,
        "DATA_DIR": str(stage.folder),
        "OVERRIDES": str(nothing),
        "MODE": "demo",
        "ASSETS": ",".join(stage.coins),
        "WATCH": "",
        "PARTITIONS": "1",
        "LOG_LEVEL": "info",
        "VENUE_GATEWAY": f"http://127.0.0.1:{port}",
    }
    simulator = ["services.simulator", "--port", str(port), "--venues", ",".join(stage.venues), "--wait"]
    simulator += ["--scenario", str(stage.path), "--instruments", str(INSTRUMENTS), "--rate", str(RATE)]
    commands = {"simulator": simulator, "scanner": ["services.scanner"]}
    commands |= {venue: ["services.collector", "run", "--venue", venue] for venue in stage.venues}
    running = Running(stage.folder, port, {})
    try:
        for name, arguments in commands.items():
            with (stage.folder / f"{name}.log").open("wb") as log:
                running.started[name] = subprocess.Popen(
                    [sys.executable, "-m", *arguments],
                    cwd=REPOSITORY,
                    env=environment,
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                )
        yield running
    finally:
        _stop(running.started)


def _stop(started: dict[str, "subprocess.Popen[bytes]"]) -> None:
    for process in reversed(started.values()):
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
    for process in started.values():
        try:
            process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


async def _begin(stage: Stage, client: Redis, running: Running) -> int:
    """Start the clock once every market is there; when that was, in epoch ns."""
    missing: list[str] = ["the simulator"]
    try:
        async with asyncio.timeout(READY_S):
            while missing:
                await asyncio.sleep(0.1)
                running.check()
                try:
                    missing = await _missing(stage, client, running)
                except aiohttp.ClientConnectionError:
                    continue
    except TimeoutError:
        raise Unplayable(f"not there after {READY_S:g} s: {', '.join(missing[:5])}") from None
    return int((await running.ask("POST", "begin"))["started"] * 1e9)


async def _missing(stage: Stage, client: Redis, running: Running) -> list[str]:
    """The markets of the scenario's coins that are not on the board yet."""
    held: Any = await client.hmget(streams.BOARD, stage.coins)
    rows = [msgspec.msgpack.decode(data, type=BoardRow) for data in held if data is not None]
    there = {
        (leg.venue, leg.market, leg.native)
        for row in rows
        for leg in row.legs
        if leg.bid is not None and leg.state not in WAITING
    }
    wanted = [
        (venue, row["market"], row["native"])
        for venue in stage.venues
        for row in await running.ask("GET", "quotes", venue=venue)
        if row["collectable"] and row["status"] == "trading" and row["coin"] in stage.coins
    ]
    return [" ".join(one) for one in wanted if one not in there] if wanted else ["a market of any of its coins"]


async def _watch(stage: Stage, running: Running, started_ns: int) -> float:
    """Until the scenario's seconds are over. For how long this machine stood still meanwhile; 0 where it kept up."""
    worst = 0.0
    while (time.time_ns() - started_ns) / 1e9 < stage.scenario.seconds:
        running.check()
        before = time.monotonic()
        await asyncio.sleep(LOOK_S)
        worst = max(worst, time.monotonic() - before - LOOK_S)
    skipped = (await running.ask("GET", "state"))["slices_skipped"]
    return worst if worst > SLOW_S else 1.0 if skipped else 0.0


async def _held_back(client: Redis) -> dict[str, int]:
    """What the scanner counts, after its next health record."""
    await asyncio.sleep(1.2)
    counted: dict[str, int] = {}
    async for key in client.scan_iter(match=streams.health(streams.SCANNER, "*")):
        fields: Any = await client.hgetall(key)
        for name, value in fields.items():
            metric, _, reason = name.decode().partition(":")
            if metric == "held_back_total":
                counted[reason] = counted.get(reason, 0) + int(value)
    return counted


async def _records(client: Redis) -> list[Signal]:
    entries: Any = await client.xrange(streams.signals(0))
    return [msgspec.msgpack.decode(fields[streams.FIELD], type=Signal) for _, fields in entries]
