"""`python -m bench recorder`: how much history is written a second, and whether any of it is lost or doubled.

`rate`: prints wait in Redis and the recorder stores them, end to end; beside it the commit alone, of prints and of
bars. `kills`: the recorder is killed under load, again and again. `away`: Postgres is stopped for a while under load.
Redis and Postgres are the product's own, with all their durability.
"""

import argparse
import asyncio
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any, Final

import asyncpg
import msgspec

from bench.history import COINS, VENUE, WATCH, Market, account, stored
from bench.measure import usage
from deploy.local import postgres_server
from deploy.local.process import REPOSITORY, free_port, start_server, stop_server
from services.recorder import lines, store
from services.recorder.bars import Bar
from services.recorder.migrate import migrate, migrations
from services.recorder.store import Position, Rows
from shared import streams
from shared.bus import Redis, connect
from shared.codec import encode_batch
from shared.events import Trade

PARTS: Final = ("rate", "kills", "away")
BATCH: Final = 20_000
RATE: Final = 5_000
ANSWER_S: Final = 60
Row = dict[str, Any]


class Stage:
    """A Redis and a Postgres of their own; Postgres may go and come back."""

    def __init__(self, home: Path) -> None:
        self.home, self.redis_port, self.postgres_port = home, free_port(), free_port()
        arguments = ["--data", str(home / "redis"), "--port", str(self.redis_port), "--memory-mb", "4096"]
        (home / "redis").mkdir()
        self._redis = start_server(["deploy.local.redis_server", *arguments], self.redis_port, home / "redis.log")
        self._postgres: subprocess.Popen[bytes] | None = None
        self.start_postgres()

    def start_postgres(self) -> None:
        arguments = ["--data", str(self.home / "postgres"), "--port", str(self.postgres_port)]
        log = self.home / "postgres.log"
        self._postgres = start_server(["deploy.local.postgres_server", *arguments], self.postgres_port, log)

    def stop_postgres(self) -> None:
        assert self._postgres is not None
        stop_server(self._postgres, signal.SIGINT)
        self._postgres = None

    def end(self) -> None:
        if self._postgres is not None:
            self.stop_postgres()
        stop_server(self._redis, signal.SIGTERM)

    @property
    def redis_url(self) -> str:
        return f"redis://127.0.0.1:{self.redis_port}/0"

    def url(self, database: str) -> str:
        return postgres_server.url(self.home / "postgres", self.postgres_port, database)

    @contextmanager
    def recorder(self, database: str, **more: str) -> Iterator[subprocess.Popen[bytes]]:
        env = {**os.environ, "REDIS_URL": self.redis_url, "DATABASE_URL": self.url(database), "LOG_LEVEL": "warning"}
        env |= {"WATCH": WATCH, "DATA_DIR": str(self.home), "RETENTION_DAYS": "3650", "MAX_DISK_GB": "1000", **more}
        env["RETENTION_DETAIL_DAYS"] = "3650"
        child = subprocess.Popen([sys.executable, "-m", "services.recorder"], cwd=REPOSITORY, env=env)
        try:
            yield child
        finally:
            if child.poll() is None:
                child.kill()
            child.wait()


@asynccontextmanager
async def scene(stage: Stage, name: str) -> AsyncIterator[tuple[Redis, asyncpg.Connection]]:
    """An empty Redis and an empty database of this name, with the recorder's tables."""
    async with asyncio.timeout(30):
        while True:
            try:
                admin = await asyncpg.connect(stage.url("postgres"))
                break
            except (OSError, asyncpg.CannotConnectNowError):
                await asyncio.sleep(0.1)
    await admin.execute(f"CREATE DATABASE {name}")
    await admin.close()
    connection = await asyncpg.connect(stage.url(name))
    await migrate(connection, migrations())
    async with connect(stage.redis_url) as client:
        await client.flushall()
        await Market.list_venue(client)
        yield client, connection
    await connection.close()


def trade(number: int) -> Trade:
    """Prints spread over coins, 5,000 of them a second."""
    recv = 1_900_000_000_000_000_000 + number * 200_000
    price = f"{number % 90_000 + 10_000}.{number % 100:02d}"
    return Trade(f"C{number % COINS}/USDT:USDT", price, f"0.{number % 1000 + 1:04d}", "buy", str(number), recv, recv)


async def rate(stage: Stage, count: int) -> Row:
    """Rows a second: the commit alone, then the recorder end to end."""
    async with scene(stage, "rate") as (client, connection):
        found = await commits(connection, count)
        await connection.execute("TRUNCATE trades, bars, stream_position, written")
        await fill(client, count)
        with stage.recorder("rate") as child:
            began, first = await reached(connection, 1)
            ended, last = await reached(connection, count)
            used = usage(child.pid)
        print(f"end to end: {last - first} rows in {ended - began:.1f} s", file=sys.stderr)
        return {
            **found,
            "end_to_end_rows_per_s": round((last - first) / (ended - began)),
            "recorder_cpu_us_per_row": round(used.cpu_s / count * 1e6, 2),
            "recorder_peak_mb": round(used.peak_mb),
        }


async def commits(connection: asyncpg.Connection, count: int) -> Row:
    """Prepared lines into the partitioned tables, in the recorder's own transactions."""
    schema = migrations()[-1].version
    await store.prepare(connection)
    prints = [lines.trade(VENUE, trade(number)) for number in range(count)]
    bar = Bar(0, quotes=9, mark="101.50", index="101.25", rate="0.0001", interval_h="8", bid="101.4", ask="101.6")
    bars = []
    for number in range(count // 4):
        bar.slot = 31_666_666 + number // 1000
        bars.append(lines.bar(VENUE, f"C{number % 1000}/USDT:USDT", 60_000, bar))
    found: Row = {}
    for table, made in (("trades", prints), ("bars", bars)):
        before: dict[str, Position] = {}
        began = time.perf_counter()
        for at in range(0, len(made), BATCH):
            after = {table: Position(f"{at}-1", at, {}, "bench")}
            rows = Rows(lines={table: made[at : at + BATCH]})
            await store.commit(connection, table, before, after, {}, rows, schema)
            before = after
        found[f"{table}_commit_rows_per_s"] = round(len(made) / (time.perf_counter() - began))
    return found


async def fill(client: Redis, count: int) -> None:
    """The prints as a collector would have written them, 64 in a batch."""
    key = streams.market_data(0, VENUE, "trade")
    for start in range(0, count, 64_000):
        async with client.pipeline(transaction=False) as pipe:
            for at in range(start, min(start + 64_000, count), 64):
                events: list[Any] = [trade(number) for number in range(at, min(at + 64, count))]
                body = encode_batch("one", at // 64, events)
                pipe.xadd(key, {streams.FIELD: body}, id=f"{events[-1].recv // 1_000_000}-{at // 64}")
            await pipe.execute()


async def reached(connection: asyncpg.Connection, rows: int) -> tuple[float, int]:
    """When so many prints were stored, and how many there were then."""
    while True:
        held = await connection.fetchval("SELECT coalesce(sum(rows), 0)::bigint FROM written WHERE target = 'trades'")
        if held >= rows:
            return time.perf_counter(), held
        await asyncio.sleep(0.05)


async def kills(stage: Stage, times: int) -> Row:
    """SIGKILL at any moment, under load; recorded time runs fast, so that minutes close in between."""
    rng = random.Random(3)
    async with scene(stage, "kills") as (client, connection):
        market = Market(client)
        for number in range(times):
            with stage.recorder("kills") as child:
                deadline = time.perf_counter() + rng.uniform(1.0, 4.0)
                while time.perf_counter() < deadline:
                    await market.step()
                    await asyncio.sleep(0.01)
                child.send_signal(signal.SIGKILL)
            print(f"kill {number + 1} of {times}: {market.events} events so far", file=sys.stderr)
        with stage.recorder("kills"):
            for _ in range(400):
                await market.step()
            await caught_up(connection, market)
        return {"kills": times, "events": market.events, **msgspec.to_builtins(await account(connection, market))}


async def caught_up(connection: asyncpg.Connection, market: Market) -> None:
    async with asyncio.timeout(ANSWER_S):
        while not await stored(connection, market):  # noqa: ASYNC110 - another process gets there
            await asyncio.sleep(0.1)


async def away(stage: Stage, seconds: float) -> Row:
    """Postgres is stopped for so long, while 5,000 events come in each second and the streams are trimmed as ever."""
    async with scene(stage, "away") as (client, connection):
        await connection.close()
        market, peak = Market(client, real_time=True), 0.0
        with stage.recorder("away") as child:
            await play(market, 15)
            stage.stop_postgres()
            began = time.perf_counter()
            while (left := seconds - (time.perf_counter() - began)) > 0:
                await play(market, min(left, 30))
                peak = usage(child.pid).peak_mb
                print(f"Postgres is away, {left:.0f} s left, recorder peak {peak:.0f} MB", file=sys.stderr)
            stage.start_postgres()
            returned = time.perf_counter()
            await play(market, 130)  # until the last minutes have closed
            connection = await asyncpg.connect(stage.url("away"))
            await caught_up(connection, market)
            peak = usage(child.pid).peak_mb
            found = await account(connection, market)
            await connection.close()
        return {
            "away_s": round(seconds),
            "events": market.events,
            "events_per_s": round(market.events / (seconds + 15 + time.perf_counter() - returned)),
            "recorder_peak_mb": round(peak),
            **msgspec.to_builtins(found),
        }


async def play(market: Market, seconds: float) -> None:
    """RATE events a second for so long."""
    began, first = time.perf_counter(), market.events
    while (gone := time.perf_counter() - began) < seconds:
        if market.events - first > gone * RATE:
            await asyncio.sleep(0.005)
        else:
            await market.step()


async def run(options: argparse.Namespace) -> Row:
    found: Row = {}
    with tempfile.TemporaryDirectory() as home:
        stage = Stage(Path(home))
        try:
            if "rate" in options.parts:
                found["rate"] = await rate(stage, options.rows)
            if "kills" in options.parts:
                found["kills"] = await kills(stage, options.kills)
            if "away" in options.parts:
                found["away"] = await away(stage, options.away)
        finally:
            stage.end()
    return found


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="bench recorder", description=__doc__)
    parser.add_argument("parts", nargs="*", help=f"of {', '.join(PARTS)}; all of them without")
    parser.add_argument("--rows", type=int, default=1_000_000, help="prints of the rate")
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--away", type=float, default=600, help="seconds without Postgres")
    options = parser.parse_args(arguments)
    options.parts = options.parts or list(PARTS)
    if unknown := set(options.parts) - set(PARTS):
        parser.error(f"{', '.join(sorted(unknown))}: expected some of {', '.join(PARTS)}")
    found = asyncio.run(run(options))
    print(msgspec.json.encode(found).decode())
    return 0
