"""Real processes, real Redis and Postgres: whatever is killed when, each row is stored once."""

import asyncio
import os
import random
import signal
import sys
from asyncio.subprocess import Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

import asyncpg
import pytest

from bench.history import COINS, WATCH, Account, Market, account, stored
from services.recorder.folders import MAX_SECONDS
from shared.bus import Redis
from tests.shared.proxy import FaultProxy, faulty
from tests.shared.tools import program

KILLS = 20
PATIENCE_S = 120


def environment(redis_url: str, postgres_url: str) -> dict[str, str]:
    kept = {"RETENTION_DAYS": "3650", "RETENTION_DETAIL_DAYS": "3650", "WATCH": WATCH, "LOG_LEVEL": "warning"}
    return {**os.environ, "REDIS_URL": redis_url, "DATABASE_URL": postgres_url, **kept}


def port_of(url: str) -> int:
    port = urlsplit(url).port
    assert port is not None
    return port


def through(proxy: FaultProxy, redis_url: str, postgres_url: str) -> dict[str, str]:
    return environment(redis_url, postgres_url.replace(f":{port_of(postgres_url)}/", f":{proxy.port}/"))


@asynccontextmanager
async def recorder(env: dict[str, str]) -> AsyncIterator[Process]:
    async with program(sys.executable, "-m", "services.recorder", env=env) as child:
        yield child


async def caught_up(connection: asyncpg.Connection, market: Market) -> Account:
    """The account, once the stored positions have reached the last entries."""
    async with asyncio.timeout(PATIENCE_S):
        while True:
            try:
                if await stored(connection, market):
                    return await account(connection, market)
            except asyncpg.UndefinedTableError:
                pass  # the recorder has not made its tables yet
            await asyncio.sleep(0.1)


def nothing_amiss(found: Account) -> None:
    """Every minute that has ended is stored, once, with the values of the market's own fold; so is every print."""
    assert found.bars > 0
    assert (found.lost, found.doubled, found.gaps) == (0, 0, 0)


@pytest.fixture
async def connection(postgres_url: str) -> AsyncIterator[asyncpg.Connection]:
    opened = await asyncpg.connect(postgres_url)
    yield opened
    await opened.close()


@pytest.fixture
async def market(redis_client: Redis) -> Market:
    await Market.list_venue(redis_client)
    return Market(redis_client)


async def test_twenty_kills_under_load_lose_and_double_nothing(
    redis_url: str, postgres_url: str, market: Market, connection: asyncpg.Connection
) -> None:
    env, rng = environment(redis_url, postgres_url), random.Random(3)
    for _ in range(KILLS):
        async with recorder(env) as process:
            deadline = asyncio.get_running_loop().time() + rng.uniform(0.8, 2.4)
            while asyncio.get_running_loop().time() < deadline:
                await market.step()
                await asyncio.sleep(0.01)
            process.send_signal(signal.SIGKILL)
    for _ in range(400):
        await market.step()
    async with recorder(env):
        nothing_amiss(await caught_up(connection, market))


async def test_a_recorder_that_comes_late_lets_nothing_go_of_a_long_stream(
    redis_url: str, postgres_url: str, market: Market, connection: asyncpg.Connection
) -> None:
    for _ in range(MAX_SECONDS // COINS * 3):  # two steps a second, each with most coins: half more than may wait
        await market.step()
    async with recorder(environment(redis_url, postgres_url)):
        nothing_amiss(await caught_up(connection, market))


async def test_two_recorders_at_once_store_each_row_once(
    redis_url: str, postgres_url: str, market: Market, connection: asyncpg.Connection
) -> None:
    env = environment(redis_url, postgres_url)
    async with recorder(env) as first, recorder(env):
        for step in range(600):
            await market.step()
            await asyncio.sleep(0.005)
            if step == 300:
                first.send_signal(signal.SIGKILL)
        nothing_amiss(await caught_up(connection, market))


async def test_nothing_is_lost_while_postgres_is_away(
    redis_url: str, postgres_url: str, market: Market, connection: asyncpg.Connection
) -> None:
    async with faulty(port_of(postgres_url)) as proxy, recorder(through(proxy, redis_url, postgres_url)):
        for step in range(900):
            if step == 300:
                await proxy.refuse()
                proxy.cut()
            if step == 700:
                await proxy.listen()
            await market.step()
            await asyncio.sleep(0.01)
        nothing_amiss(await caught_up(connection, market))


async def test_nothing_is_lost_while_postgres_hangs(
    redis_url: str, postgres_url: str, market: Market, connection: asyncpg.Connection
) -> None:
    async with faulty(port_of(postgres_url)) as proxy, recorder(through(proxy, redis_url, postgres_url)):
        for step in range(500):
            if step == 200:
                proxy.stall()
            if step == 400:
                proxy.resume()
                proxy.cut()
            await market.step()
            await asyncio.sleep(0.01)
        nothing_amiss(await caught_up(connection, market))
