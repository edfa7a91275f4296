"""Collector processes as they are run: a real Redis, the simulated exchange, signals."""

import asyncio
import contextlib
import json
import os
import signal
import sys
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

from redis.asyncio import Redis

from deploy.local.process import REPOSITORY, free_port, start_server, stop_server
from services.collector.pulse import LOST_NS
from services.simulator import wire
from services.simulator.options import Options
from services.simulator.scenario import Event as Fault
from services.simulator.server import Simulator
from shared.codec import Batch, decode_batch
from shared.events import Quote, State, Trade
from shared.streams import BUCKETS

Process = asyncio.subprocess.Process

#: several processes start, on the slowest machine too
LIMIT_S = 120.0
#: the simulator sends nothing that is older
LATE_NS = 2_000_000_000


@contextlib.asynccontextmanager
async def collector(
    redis_url: str, gateway: str, data: Path, *more: str, venue: str = "okx", **settings: str
) -> AsyncIterator[Process]:
    """One collector process, killed at the end if it still lives. Its log is `<data>/collector-<pid>.log`."""
    given = {"REDIS_URL": redis_url, "VENUE_GATEWAY": gateway, "DATA_DIR": str(data), **settings}
    environment = {**os.environ, **given}
    with (data / "collector.log").open("ab") as log:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "services.collector", "run", "--venue", venue, *more),
            cwd=REPOSITORY,
            env=environment,
            stdout=log,
            stderr=log,
        )
    try:
        yield process
    finally:
        if process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                process.send_signal(signal.SIGCONT)
                process.kill()
            await process.wait()


async def until(condition: Callable[[], Awaitable[object]], what: str) -> None:
    try:
        async with asyncio.timeout(LIMIT_S):
            while not await condition():  # noqa: ASYNC110 - another process's doing
                await asyncio.sleep(0.1)
    except TimeoutError:
        raise AssertionError(f"not within {LIMIT_S} s: {what}") from None


async def batches(redis: Any, key: str, after: str = "-") -> list[tuple[str, Batch]]:
    """(id, batch) of a stream's entries."""
    entries = await redis.xrange(key, after if after == "-" else f"({after}")
    return [(entry.decode(), decode_batch(fields[b"v1"])) for entry, fields in entries]


async def newest(redis: Any, key: str) -> str:
    found = await redis.xrevrange(key, count=1)
    return str(found[0][0].decode()) if found else "-"


async def healths(redis: Any, venue: str = "okx") -> dict[int, dict[str, str]]:
    """pid -> health record."""
    found = {}
    for key in await redis.keys(f"health:{venue}:*"):
        record = {name.decode(): value.decode() for name, value in (await redis.hgetall(key)).items()}
        if "pid" in record:
            found[int(record["pid"])] = record
    return found


async def symbols_by_producer(redis: Any, after: str = "-") -> dict[str, set[str]]:
    found: dict[str, set[str]] = defaultdict(set)
    for _, batch in await batches(redis, "md:{0}:okx:quote", after):
        found[batch.producer].update(event.symbol for event in batch.events if isinstance(event, Quote))
    return dict(found)


async def settled(redis: Any, members: int) -> bool:
    """So many members live, and each bucket has one owner whose topics are all live."""
    records = list((await healths(redis)).values())
    if len(records) != members or not all(record["state"] == "live" for record in records):
        return False
    return sum(int(record["buckets"]) for record in records) == BUCKETS


async def test_a_process_publishes_and_ends_on_a_signal_with_its_last_word(
    redis_url: str, redis_client: Redis, tmp_path: Path
) -> None:
    async with Simulator(Options(venues=("okx",), instruments=20, rate=200)) as sim:
        async with collector(redis_url, sim.url, tmp_path) as process:
            await until(lambda: settled(redis_client, 1), "live")
            record = (await healths(redis_client))[process.pid]
            await until(lambda: _listed(redis_client, int(record["listed"])), "the listing in Redis")
            assert int(record["instruments"]) > 20
            assert int(record["rss_bytes"]) < 80 << 20
            assert json.loads(record["connections_json"])[0]["live"] > 0
            process.terminate()
            assert await process.wait() == 0
        events = [event for _, batch in await batches(redis_client, "md:{0}:okx:quote") for event in batch.events]
        stops = [event for event in events if isinstance(event, State) and event.symbol is None]
        assert [(event.state, event.reason) for event in stops] == [("down", "start"), ("down", "stop")]
        assert events[-1] == stops[-1]
        assert await redis_client.zcard("members:okx") == 0
        assert await redis_client.keys("health:okx:*") == []


async def _listed(redis: Any, count: int) -> bool:
    return int(await redis.hlen("instruments:okx")) == count


async def test_two_processes_share_and_the_survivor_takes_over(
    redis_url: str, redis_client: Redis, tmp_path: Path
) -> None:
    async with (
        Simulator(Options(venues=("okx",), instruments=60, rate=600)) as sim,
        collector(redis_url, sim.url, tmp_path) as first,
    ):
        await until(lambda: settled(redis_client, 1), "the first is live")
        chosen = int((await healths(redis_client))[first.pid]["instruments"])

        async def shared() -> bool:
            """Both quote, together everything, and from the next entry on none what the other does."""
            mark = await newest(redis_client, "md:{0}:okx:quote")

            async def all_quoted() -> bool:
                return len(set().union(*(await symbols_by_producer(redis_client, mark)).values())) == chosen

            await until(all_quoted, "everything is quoted")
            shares = list((await symbols_by_producer(redis_client, mark)).values())
            return len(shares) == 2 and not shares[0] & shares[1]

        async with collector(redis_url, sim.url, tmp_path) as second:
            await until(lambda: settled(redis_client, 2), "two share")
            await until(shared, "each symbol is quoted by one of them")
            assert min(int(record["buckets"]) for record in (await healths(redis_client)).values()) > BUCKETS / 5
            second.kill()
            await second.wait()
            mark = await newest(redis_client, "md:{0}:okx:quote")

            async def taken_over() -> bool:
                found = await symbols_by_producer(redis_client, mark)
                return any(len(symbols) == chosen for symbols in found.values())

            await until(taken_over, "the survivor quotes every symbol")
        assert first.returncode is None


async def test_a_process_that_was_stopped_publishes_nothing_old_and_shares_again(
    redis_url: str, redis_client: Redis, tmp_path: Path
) -> None:
    async with (
        Simulator(Options(venues=("okx",), instruments=20, rate=400)) as sim,
        collector(redis_url, sim.url, tmp_path),
        collector(redis_url, sim.url, tmp_path) as second,
    ):
        await until(lambda: settled(redis_client, 2), "two share")
        stopped = time.time_ns()
        second.send_signal(signal.SIGSTOP)
        await until(lambda: _one_member(redis_client), "the lease runs out")
        await asyncio.sleep(max(0, stopped + LOST_NS - time.time_ns()) / 1e9)  # longer than any that is but busy
        went_on = time.time_ns()
        second.send_signal(signal.SIGCONT)

        async def fenced() -> bool:
            record = (await healths(redis_client)).get(second.pid)
            return record is not None and int(record["fenced_total"]) > 0

        await until(fenced, "it notices")
        await until(lambda: settled(redis_client, 2), "two share again")
        assert (await healths(redis_client))[second.pid]["fenced_total"] == "1"
        # what it had read before the stop may go out after it, under its true time; nothing read after it is old
        seen: set[tuple[str, str]] = set()
        for _, batch in await batches(redis_client, "md:{0}:okx:quote"):
            for event in batch.events:
                if isinstance(event, Quote) and event.source == "ws" and event.ts is not None and event.recv >= went_on:
                    first = (batch.producer, event.symbol) not in seen  # the picture on subscribing may be an old one
                    assert first or event.ts > went_on - LATE_NS, event
                    seen.add((batch.producer, event.symbol))


async def _one_member(redis: Any) -> bool:
    seconds, _ = await redis.time()
    return int(await redis.zcount("members:okx", seconds * 1000, "+inf")) == 1


def delivered(sim: Simulator) -> set[str]:
    """Ids of the trades that the simulator sent."""
    sent = (json.loads(wire.payload_of(framed)) for key, _, framed in sim.exchanges["okx"].feed.kept if "trades" in key)
    return {row["tradeId"] for frame in sent for row in frame["data"]}


async def test_redis_away_for_seconds_loses_no_trade_and_no_number(tmp_path: Path) -> None:
    port = free_port()
    arguments = ["deploy.local.redis_server", "--data", str(tmp_path / "redis"), "--port", str(port)]
    (tmp_path / "redis").mkdir()
    start = [*arguments, "--memory-mb", "256"]
    server = start_server(start, port, tmp_path / "redis.log")
    url = f"redis://127.0.0.1:{port}/0"
    try:
        async with Simulator(Options(venues=("okx",), instruments=20, rate=800, keep=200_000)) as sim:
            async with collector(url, sim.url, tmp_path, WATCH="BTC,ETH,SOL") as process:
                redis = Redis.from_url(url)
                await until(lambda: settled(redis, 1), "live")
                await until(lambda: redis.exists("md:{0}:okx:trade"), "trades")
                await redis.aclose()
                stop_server(server, signal.SIGTERM)
                await asyncio.sleep(5)
                server = start_server(start, port, tmp_path / "redis.log")
                redis = Redis.from_url(url)
                mark = await newest(redis, "md:{0}:okx:trade")

                async def resumed() -> bool:
                    return len(await batches(redis, "md:{0}:okx:trade", mark)) > 20 and len(delivered(sim)) > 100

                async def all_published() -> bool:
                    found = await batches(redis, "md:{0}:okx:trade")
                    published = {event.id for _, batch in found for event in batch.events if isinstance(event, Trade)}
                    return delivered(sim) <= published

                await until(resumed, "the stream goes on")
                sim.strike(Fault(kind="freeze", venue="okx"))
                await until(all_published, "every trade that was delivered")
                process.terminate()
                assert await process.wait() == 0
            numbers = [batch.seq for _, batch in await batches(redis, "md:{0}:okx:trade")]
            assert sorted(set(numbers)) == list(range(len(set(numbers))))
            await redis.aclose()
    finally:
        stop_server(server, signal.SIGTERM)


async def test_what_cannot_be_run_is_one_sentence_and_status_two(tmp_path: Path) -> None:
    for arguments, expected in (
        (["run", "--venue", "nowhere"], "nowhere"),
        (["run", "--venue", "okx"], "REDIS_URL"),
    ):
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "services.collector", *arguments),
            cwd=REPOSITORY,
            env={**os.environ, "REDIS_URL": "", "DATA_DIR": str(tmp_path)},
            stderr=asyncio.subprocess.PIPE,
        )
        _, errors = await process.communicate()
        assert process.returncode == 2
        assert expected in errors.decode().splitlines()[-1]
