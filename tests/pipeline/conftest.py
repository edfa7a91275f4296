"""One running system, against the simulator, for all tests of a module."""

import asyncio
import uuid
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import pytest

from shared.bus import Redis, connect
from shared.settings_store import RuntimeStore
from tests.pipeline.stack import Exchange, Stack, exchanging


async def prepare(redis_url: str, postgres_server_url: str, name: str) -> None:
    """An empty Redis, and an empty database of this name."""
    async with connect(redis_url) as client:
        await client.flushall()
    connection = await asyncpg.connect(postgres_server_url)
    try:
        await connection.execute(f"CREATE DATABASE {name}")
    finally:
        await connection.close()


async def bear(client: Redis) -> None:
    """A process that gets no time for a while ends no signal: none of the tests here is about silence."""
    await RuntimeStore(client).write({"alive_ms": 60_000, "max_skew_ms": 60_000}, 0)


async def prepare_live(redis_url: str, postgres_server_url: str, name: str) -> None:
    await prepare(redis_url, postgres_server_url, name)
    async with connect(redis_url) as client:
        await bear(client)


@pytest.fixture(scope="module")
def database(redis_server: int, postgres_server_url: str) -> tuple[str, str]:
    """The URLs of an empty Redis and an empty database for a whole module."""
    redis_url, name = f"redis://127.0.0.1:{redis_server}/0", f"pipeline_{uuid.uuid4().hex[:12]}"
    with asyncio.Runner() as runner:
        runner.run(prepare_live(redis_url, postgres_server_url, name))
    return redis_url, postgres_server_url.rpartition("/")[0] + "/" + name


@pytest.fixture(scope="module")
def system(database: tuple[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Stack, Exchange]]:
    """Simulator, two collectors, scanner, recorder and api."""
    stack = Stack.over(tmp_path_factory.mktemp("system"), *database, MODE="demo", WATCH="BTC")
    with exchanging(stack) as exchange:
        yield stack, exchange


async def _ready(stack: Stack) -> bool:
    found = await stack.get("/readyz")
    return bool(found["scanner"] and found["recorder"])


@pytest.fixture(scope="module")
def recorded(database: tuple[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """Scanner, recorder and api, waiting for a recorded session."""
    folder: Path = tmp_path_factory.mktemp("recorded")
    stack = Stack.over(folder, *database, MODE="replay")
    codes: dict[str, int] = {}
    try:
        stack.start_services()
        with asyncio.Runner() as runner:
            runner.run(stack.until(lambda: _ready(stack), "scanner, recorder and api are there"))
        yield stack
    finally:
        codes = stack.stop()
    assert codes == dict.fromkeys(codes, 0)
