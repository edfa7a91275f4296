"""Real scanner processes on a real Redis, killed and stopped at any moment, against the fold of the archive."""

import asyncio
import os
import random
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import msgspec
import pytest

from services.scanner.checkpoint import load
from services.scanner.control import decode as decode_control
from services.scanner.feed import parse_id
from services.scanner.fold import Fold
from shared import streams
from shared.bus import Redis
from shared.codec import decode_batch, encode_batch
from shared.config import Runtime
from shared.instruments import Instrument
from shared.signals import BoardRow, Signal
from tests.scanner.script import SETTINGS, VENUES, Script
from tests.scanner.tape import CTL, Entry, feed

STEP_S = 0.05
PATIENCE_S = 60
#: by Redis's ids: nothing of a script's market is alive any more, and what was open is given up
OVER_MS = SETTINGS.alive_ms + SETTINGS.linger_ms + 1000

STARTED: list[asyncio.subprocess.Process] = []


@pytest.fixture(autouse=True)
async def nothing_is_left() -> AsyncIterator[None]:
    """A test that fails leaves no scanner to the next one's Redis."""
    yield
    for process in STARTED:
        if process.returncode is None:
            process.kill()
            await process.wait()
    STARTED.clear()


async def start(redis_url: str) -> asyncio.subprocess.Process:
    environment = {**os.environ, "REDIS_URL": redis_url, "LOG_LEVEL": "warning", "PARTITIONS": "1"}
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "services.scanner", env=environment, stderr=asyncio.subprocess.DEVNULL
    )
    STARTED.append(process)
    return process


async def stop(process: asyncio.subprocess.Process) -> int:
    if process.returncode is None:
        process.send_signal(signal.SIGCONT)
        process.terminate()
    async with asyncio.timeout(PATIENCE_S):
        return await process.wait()


async def until(condition: Any) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while not await condition():  # noqa: ASYNC110 - what is awaited lives in another process
            await asyncio.sleep(0.02)


class Exchange:
    """Writes a script's market into Redis as it goes, and lists its instruments."""

    def __init__(self, client: Redis, seed: int) -> None:
        self.client, self.script = client, Script(seed, "USDT", 0.25, 0.4)

    async def list_all(self, settings: Runtime = SETTINGS) -> None:
        for venue in VENUES:
            for row in self.script.rows[venue]:
                given = {name: getattr(row, name) for name in row.__struct_fields__ if name != "reason"}
                instrument = Instrument(venue=venue, **given)
                data = msgspec.msgpack.encode(instrument)
                await self.client.hset(streams.instruments(venue), f"{row.market}:{row.native}", data)
        await self.configure(settings)

    async def configure(self, settings: Runtime) -> None:
        changes: dict[Any, Any] = {
            name: msgspec.json.encode(getattr(settings, name)) for name in settings.__struct_fields__
        }
        await self.client.hset(streams.CONFIG, mapping=changes)

    async def run(self, done: asyncio.Event) -> None:
        number, tape = 0, self.script.tape
        while not done.is_set():
            seconds, micros = await self.client.time()
            tape.now = seconds * 1000 + micros // 1000
            self.script.step(number)
            async with self.client.pipeline(transaction=False) as pipe:
                for _, key, _, batch in tape.entries:
                    data = encode_batch(batch.producer, batch.seq, batch.events)  # type: ignore[arg-type]
                    pipe.xadd(key, {streams.FIELD: data})
                await pipe.execute()
            tape.entries.clear()
            number += 1
            await asyncio.sleep(STEP_S)


async def archive(client: Redis) -> list[Entry]:
    """Every entry of every stream of the partition, in order."""
    found: list[Entry] = []
    key: Any
    async for key in client.scan_iter(match="md:{0}:*"):
        entries: Any = await client.xrange(key)
        for entry_id, fields in entries:
            ms, seq = parse_id(entry_id)
            data = fields[streams.FIELD]
            batch = decode_control(data) if key.decode() == CTL else decode_batch(data)
            found.append((ms, key.decode(), seq, batch))
    return sorted(found, key=lambda one: one[:3])


async def written(client: Redis) -> list[bytes]:
    entries: Any = await client.xrange(streams.signals(0))
    return [fields[streams.FIELD] for _, fields in entries]


async def over(client: Redis) -> bool:
    """Whether the owner has folded all of a market that has ended, and time enough behind it: its checkpoint says so,
    and is written behind the records that led to it."""
    market_ms, key = 0, b""
    async for key in client.scan_iter(match="md:{0}:*"):
        if key.decode() != CTL:
            newest: Any = await client.xrevrange(key, count=1)
            market_ms = max(market_ms, *(parse_id(last)[0] for last, _ in newest))
    found: Any = await client.hget(streams.scan(0), "ckpt")
    _, positions = load(found)
    return parse_id(positions[CTL].encode())[0] - market_ms >= OVER_MS


async def fence(client: Redis) -> int:
    found: Any = await client.hget(streams.scan(0), "fence")
    return int(found or 0)


async def checkpointed(client: Redis) -> bool:
    return bool(await client.hexists(streams.scan(0), "ckpt"))


@asynccontextmanager
async def market(client: Redis, seed: int) -> AsyncIterator[None]:
    exchange, done = Exchange(client, seed), asyncio.Event()
    await exchange.list_all()
    running = asyncio.create_task(exchange.run(done))
    try:
        yield
    finally:
        done.set()
        await running


async def expire(client: Redis) -> None:
    """The lease runs out, as it would in a few seconds."""
    await client.hset(streams.scan(0), "until", "0")


async def test_no_kill_and_no_stop_loses_doubles_or_invents_a_transition(redis_url: str, redis_client: Redis) -> None:
    dice = random.Random(19)
    async with market(redis_client, 4):
        processes = [await start(redis_url), await start(redis_url)]
        await until(lambda: checkpointed(redis_client))
        for turn in range(21):
            await asyncio.sleep(dice.uniform(0.2, 1.2))
            before, victim = await fence(redis_client), turn % 2
            if turn % 5 == 4:  # one is stopped, replaced, and goes on not knowing it
                for process in processes:
                    process.send_signal(signal.SIGSTOP)
                await expire(redis_client)
                processes[1 - victim].send_signal(signal.SIGCONT)
                await until(lambda before=before: _above(redis_client, before))
                processes[victim].send_signal(signal.SIGCONT)
                continue
            for process in processes:
                process.kill()
                await process.wait()
            await expire(redis_client)
            processes = [await start(redis_url), await start(redis_url)]
            await until(lambda before=before: _above(redis_client, before))
        await until(lambda: _many(redis_client))
    await until(lambda: over(redis_client))
    assert await _all_closed(redis_client)
    await until(lambda: _alive(redis_client, processes))  # one that only starts is ended by the signal itself
    assert [await stop(process) for process in processes] == [0, 0]
    entries, records = await archive(redis_client), await written(redis_client)
    expected = [msgspec.msgpack.encode(record) for record in feed(Fold(), entries)]
    assert records == expected[: len(records)]
    assert len(records) == len(expected)


async def _many(client: Redis) -> bool:
    return len(await written(client)) > 10


async def _above(client: Redis, before: int) -> bool:
    return await fence(client) > before


async def _alive(client: Redis, processes: list[asyncio.subprocess.Process]) -> bool:
    """Whether each of the processes has said how it is."""
    found: Any = [
        await client.hget(key, "pid") async for key in client.scan_iter(match=streams.health("_scanner", "*"))
    ]
    return {process.pid for process in processes} <= {int(pid) for pid in found if pid}


async def _all_closed(client: Redis) -> bool:
    found: Any = await client.hgetall(streams.open_signals(0))
    return all(msgspec.json.decode(data, type=Signal).event == "close" for data in found.values())


async def test_the_board_shows_every_coin_soon_after_a_start(redis_url: str, redis_client: Redis) -> None:
    async with market(redis_client, 5):
        process = await start(redis_url)

        async def shown() -> bool:
            return int(await redis_client.hlen(streams.BOARD)) == 5

        await until(shown)
        found: Any = await redis_client.hgetall(streams.BOARD)
        rows = [msgspec.msgpack.decode(data, type=BoardRow) for data in found.values()]
        assert await stop(process) == 0
        changes: Any = await redis_client.xrange(streams.BOARD_CHANGES)
    assert {row.asset for row in rows} == {"AAA", "BBB", "CCC", "DDD", "EEE"}
    assert all(row.fence == 1 and row.legs for row in rows)
    told = [row for _, fields in changes for row in msgspec.msgpack.decode(fields[b"v1"], type=list[BoardRow])]
    assert {row.asset for row in told} == {row.asset for row in rows}
    vers = [row.ver for row in told if row.asset == "AAA"]
    assert vers == sorted(vers)


async def test_what_others_wrote_badly_is_passed_over_at_the_start_and_at_the_next(
    redis_url: str, redis_client: Redis
) -> None:
    text, deep = b"\xa1\xff", b"\x91" * 100_000
    hashes = (streams.instruments("alpha"), streams.last(0, "alpha", "quote"), streams.last(0, "alpha", "mark"))
    for key in (*hashes, streams.open_signals(0)):
        await redis_client.hset(key, mapping={b"\xff": text, b"deep": deep, b"json": b'{"id":"\xff"}'})
    await redis_client.xadd(streams.market_data(0, "alpha", "quote"), {streams.FIELD: text})

    async def shown() -> bool:
        return int(await redis_client.hlen(streams.BOARD)) == 5

    async with market(redis_client, 8):
        for _ in range(2):
            process = await start(redis_url)
            await until(shown)
            await redis_client.delete(streams.BOARD)
            await redis_client.xadd(CTL, {streams.FIELD: text})
            await until(shown)
            process.kill()
            await process.wait()
            await expire(redis_client)
        process = await start(redis_url)
        await redis_client.delete(streams.BOARD)
        await until(shown)
        assert await stop(process) == 0


async def test_trimmed_streams_end_open_signals_as_restart(redis_url: str, redis_client: Redis) -> None:
    async def some_open() -> bool:
        return bool(await redis_client.hlen(streams.open_signals(0))) and not await _all_closed(redis_client)

    async with market(redis_client, 6):
        while True:
            process = await start(redis_url)
            await until(some_open)
            process.kill()
            await process.wait()
            if await some_open():
                break
            await expire(redis_client)  # all that was open ended before it was dead
    await asyncio.sleep(3)  # what follows begins later than a live producer is silent
    async for key in redis_client.scan_iter(match="md:{0}:*:quote"):
        await redis_client.xtrim(key, maxlen=0, approximate=False)
        await redis_client.xadd(key, {streams.FIELD: encode_batch("later", 0, [])})
    await expire(redis_client)
    process = await start(redis_url)
    await until(lambda: _all_closed(redis_client))
    assert await stop(process) == 0
    records = [msgspec.msgpack.decode(data, type=Signal) for data in await written(redis_client)]
    assert records[-1].close_reason == "restart"
    assert records[-1].closed_at is not None


async def test_a_wrong_argument_is_one_sentence_and_exit_code_2(redis_url: str) -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "services.scanner", "nonsense", stderr=asyncio.subprocess.PIPE
    )
    _, error = await process.communicate()
    assert (process.returncode, len(error.splitlines())) == (2, 1)


@pytest.mark.parametrize("asset", ["AAA"])
async def test_explain_tells_the_state_of_each_leg(redis_url: str, redis_client: Redis, asset: str) -> None:
    async with market(redis_client, 7):
        process = await start(redis_url)

        async def shown() -> bool:
            return int(await redis_client.hlen(streams.BOARD)) == 5

        async def told() -> bool:
            living = await explained(redis_url, asset)
            return f"alpha|perp|{asset}USDTP" in living and "candidates held back so far" in living

        await until(shown)
        await until(told)  # a scanner that gets no time does not answer at once
        assert await stop(process) == 0
    kept = await explained(redis_url, asset)
    assert f"alpha|perp|{asset}USDTP" in kept
    assert kept.splitlines()[-1].startswith("no scanner answers")


async def explained(redis_url: str, asset: str) -> str:
    teller = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "services.scanner", "explain", asset),
        env={**os.environ, "REDIS_URL": redis_url},
        stdout=asyncio.subprocess.PIPE,
    )
    said, _ = await teller.communicate()
    assert teller.returncode == 0
    return said.decode()
