"""Real processes, real Redis and Postgres: whatever is killed when, each row is stored once."""

import asyncio
import os
import random
import signal
import sys
from asyncio.subprocess import Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from decimal import Decimal
from typing import Any
from urllib.parse import urlsplit

import asyncpg
import pytest
from redis.asyncio import Redis

from deploy.local.process import REPOSITORY
from shared import streams
from shared.codec import decode_batch, encode_batch
from shared.events import Event, Funding, Mark, Quote
from tests.shared.proxy import faulty

VENUE, KILLS = "alpha", 20
SYMBOLS = [f"C{number}/USDT:USDT" for number in range(40)]
#: recorded time runs this much faster than the clock, so that minutes pass within the test
START_NS = 1_900_000_000 * 1_000_000_000
Key = tuple[str, int]


def environment(redis_url: str, postgres_url: str) -> dict[str, str]:
    return {**os.environ, "REDIS_URL": redis_url, "DATABASE_URL": postgres_url, "LOG_LEVEL": "warning"}


@asynccontextmanager
async def recorder(env: dict[str, str]) -> AsyncIterator[Process]:
    process = await asyncio.create_subprocess_exec(sys.executable, "-m", "services.recorder", cwd=REPOSITORY, env=env)
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


class Market:
    """A producer whose event time is the entry's own: half a second of it for each entry."""

    def __init__(self, client: "Redis", seed: int) -> None:
        self.client, self.rng = client, random.Random(seed)
        self.seqs = dict.fromkeys(("quote", "mark", "funding"), 0)
        self.ms = START_NS // 1_000_000

    async def step(self) -> None:
        self.ms += 500
        for kind in self.seqs:
            events = [self.event(kind, symbol) for symbol in self.rng.sample(SYMBOLS, 8)]
            body = encode_batch("p1", self.seqs[kind], events)
            await self.client.xadd(streams.market_data(0, VENUE, kind), {streams.FIELD: body}, id=f"{self.ms}-0")
            self.seqs[kind] += 1

    def event(self, kind: str, symbol: str) -> Event:
        recv = self.ms * 1_000_000 - self.rng.randrange(300_000_000)
        price = Decimal(self.rng.randrange(10_000, 20_000)) / 100
        if kind == "quote":
            return Quote(symbol, str(price), "1", str(price + Decimal("0.01")), "2", None, recv)
        if kind == "mark":
            return Mark(symbol, str(price), str(price + 1), None, recv)
        return Funding(symbol, f"0.000{self.rng.randrange(1, 9)}", "8", None, None, None, recv)


async def expected(client: "Redis") -> dict[Key, dict[str, Any]]:
    """An independent fold of the same streams, written apart from the recorder's."""
    bars: dict[Key, dict[str, Any]] = {}
    for kind in ("quote", "mark", "funding"):
        rows: Any = await client.xrange(streams.market_data(0, VENUE, kind))
        for _, fields in rows:
            for event in decode_batch(fields[streams.FIELD]).events:
                bar = bars.setdefault((str(event.symbol), event.recv // 60_000_000_000), {"quotes": []})
                if isinstance(event, Quote):
                    assert event.bid is not None
                    assert event.ask is not None
                    bar["quotes"].append((event.recv, (Decimal(event.bid) + Decimal(event.ask)) / 2))
                elif event.recv >= bar.get(kind, (0, ""))[0]:
                    value = event.mark if isinstance(event, Mark) else getattr(event, "rate", None)
                    bar[kind] = (event.recv, value)
    return bars


async def stored(connection: asyncpg.Connection) -> dict[Key, Any]:
    rows = await connection.fetch("SELECT *, extract(epoch FROM start)::bigint / 60 AS minute FROM bars")
    return {(row["symbol"], row["minute"]): row for row in rows}


async def caught_up(connection: asyncpg.Connection, market: Market) -> None:
    """Return when the stored positions have reached the last entries."""
    async with asyncio.timeout(60):
        while True:
            try:
                ids = await connection.fetch("SELECT last_id FROM stream_position WHERE stream LIKE 'md:%'")
            except asyncpg.UndefinedTableError:
                ids = []
            if len(ids) == 3 and {row["last_id"] for row in ids} == {f"{market.ms}-0"}:
                return
            await asyncio.sleep(0.1)


async def check(client: "Redis", connection: asyncpg.Connection, market: Market) -> None:
    """Every bar that has ended is stored, once, with the values of the independent fold."""
    have = await stored(connection)
    last = market.ms // 60_000 - 1
    want = {key: bar for key, bar in (await expected(client)).items() if key[1] < last}
    assert want
    assert {key for key in have if key[1] < last} == set(want)
    for key, bar in want.items():
        row, mids = have[key], [mid for _, mid in sorted(bar["quotes"], key=lambda quote: quote[0])]
        assert row["quotes"] == len(mids)
        if mids:
            assert (row["mid_high"], row["mid_low"]) == (max(mids), min(mids))
            assert (row["mid_open"], row["mid_close"]) == (mids[0], mids[-1])
        assert row["mark_close"] == (Decimal(bar["mark"][1]) if "mark" in bar else None)
        assert row["funding_rate"] == (Decimal(bar["funding"][1]) if "funding" in bar else None)
    samples = await connection.fetch("SELECT symbol, extract(epoch FROM minute)::bigint / 60 AS minute FROM funding")
    assert {(row["symbol"], row["minute"]) for row in samples if row["minute"] < last} == {
        key for key, bar in want.items() if "funding" in bar
    }
    assert await connection.fetchval("SELECT count(*) FROM gaps") == 0


@pytest.fixture
async def connection(postgres_url: str) -> AsyncIterator[asyncpg.Connection]:
    opened = await asyncpg.connect(postgres_url)
    yield opened
    await opened.close()


async def test_twenty_kills_under_load_lose_and_double_nothing(
    redis_url: str, redis_client: "Redis", postgres_url: str, connection: asyncpg.Connection
) -> None:
    env, market, rng = environment(redis_url, postgres_url), Market(redis_client, 7), random.Random(3)
    await redis_client.hset(streams.instruments(VENUE), "perp:X", b"\x80")
    for _ in range(KILLS):
        async with recorder(env) as process:
            deadline = asyncio.get_running_loop().time() + rng.uniform(1.0, 4.0)
            while asyncio.get_running_loop().time() < deadline:
                await market.step()
                await asyncio.sleep(0.01)
            process.send_signal(signal.SIGKILL)
    for _ in range(400):
        await market.step()
    async with recorder(env):
        await caught_up(connection, market)
    await check(redis_client, connection, market)


async def test_two_recorders_at_once_store_each_row_once(
    redis_url: str, redis_client: "Redis", postgres_url: str, connection: asyncpg.Connection
) -> None:
    env, market = environment(redis_url, postgres_url), Market(redis_client, 8)
    await redis_client.hset(streams.instruments(VENUE), "perp:X", b"\x80")
    async with recorder(env) as first, recorder(env):
        for step in range(600):
            await market.step()
            await asyncio.sleep(0.005)
            if step == 300:
                first.send_signal(signal.SIGKILL)
        await caught_up(connection, market)
    await check(redis_client, connection, market)


async def test_nothing_is_lost_while_postgres_is_away(
    redis_url: str, redis_client: "Redis", postgres_url: str, connection: asyncpg.Connection
) -> None:
    port = urlsplit(postgres_url).port
    assert port is not None
    market = Market(redis_client, 9)
    await redis_client.hset(streams.instruments(VENUE), "perp:X", b"\x80")
    async with faulty(port) as proxy:
        env = environment(redis_url, postgres_url.replace(f":{port}/", f":{proxy.port}/"))
        async with recorder(env):
            for step in range(900):
                if step == 300:
                    await proxy.refuse()
                    proxy.cut()
                if step == 700:
                    await proxy.listen()
                await market.step()
                await asyncio.sleep(0.01)
            await caught_up(connection, market)
    await check(redis_client, connection, market)
