"""Real servers for the tests: one Redis and one Postgres per test process, on free ports, gone with it."""

import asyncio
import os
import signal
import uuid
from collections.abc import AsyncIterator, Coroutine, Iterator
from pathlib import Path
from typing import Any

import asyncpg
import hypothesis
import pytest

from deploy.local import postgres_server
from deploy.local.process import REPOSITORY, free_port, start_server, stop_server
from shared.bus import Redis, connect

# No test asserts a time: a busy machine may take long over an example.
hypothesis.settings.register_profile(
    "any machine", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow]
)
hypothesis.settings.load_profile("any machine")

CAPTURES = REPOSITORY.parent / "shared" / "captures"


def _run(work: Coroutine[Any, Any, None]) -> None:
    """Run one piece of async work for a fixture without touching the test's own event loop."""
    loop = asyncio.new_event_loop()
    try:
        loop.run_until_complete(work)
    finally:
        loop.close()


@pytest.fixture(scope="session")
def redis_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """The port of this test process's own Redis."""
    home, port = tmp_path_factory.mktemp("redis"), free_port()
    arguments = ["deploy.local.redis_server", "--data", str(home), "--port", str(port), "--memory-mb", "1024"]
    server = start_server(arguments, port, home / "redis.log")
    yield port
    stop_server(server, signal.SIGTERM)


@pytest.fixture
def redis_url(redis_server: int) -> str:
    """The URL of an empty Redis."""

    async def flush() -> None:
        async with connect(url) as client:
            await client.flushall()

    url = f"redis://127.0.0.1:{redis_server}/0"
    _run(flush())
    return url


@pytest.fixture
async def redis_client(redis_url: str) -> AsyncIterator[Redis]:
    """A client of the empty Redis: bytes replies, no hidden retries."""
    client = connect(redis_url)
    yield client
    await client.aclose()


async def _accepts(url: str) -> None:
    """Return once Postgres takes connections: its port answers a moment earlier."""
    async with asyncio.timeout(60):
        while True:
            try:
                await (await asyncpg.connect(url)).close()
            except (asyncpg.CannotConnectNowError, ConnectionError):
                await asyncio.sleep(0.02)
            else:
                return


@pytest.fixture(scope="session")
def postgres_server_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of this test process's own Postgres (its database `postgres`)."""
    home, port = tmp_path_factory.mktemp("postgres"), free_port()
    arguments = ["deploy.local.postgres_server", "--data", str(home), "--port", str(port), "--scratch"]
    server = start_server(arguments, port, home.with_suffix(".log"))
    url = postgres_server.url(home, port, "postgres")
    _run(_accepts(url))
    yield url
    stop_server(server, signal.SIGINT)


@pytest.fixture
def postgres_url(postgres_server_url: str) -> Iterator[str]:
    """The URL of a fresh, empty database, dropped after the test."""

    async def execute(statement: str) -> None:
        connection = await asyncpg.connect(postgres_server_url)
        try:
            await connection.execute(statement)
        finally:
            await connection.close()

    name = f"test_{uuid.uuid4().hex[:12]}"
    _run(execute(f"CREATE DATABASE {name}"))
    yield postgres_server_url.rpartition("/")[0] + "/" + name
    _run(execute(f"DROP DATABASE {name} WITH (FORCE)"))


@pytest.fixture(scope="session")
def captures() -> Path:
    """The recorded sessions beside the repository (not part of it), or a skip that says what was not tested."""
    if not CAPTURES.is_dir():
        if os.environ.get("REQUIRE_CAPTURES"):
            pytest.fail(f"no recorded sessions in {CAPTURES}, and REQUIRE_CAPTURES is set")
        pytest.skip(f"NOT TESTED against recorded sessions: {CAPTURES} is not there")
    return CAPTURES
