"""The process: what it asks for, what it lets in, what it refuses."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Any

import asyncpg
import msgspec

from deploy.local.process import REPOSITORY
from services.recorder.migrate import Migration, migrate, migrations
from shared import streams
from shared.bus import Redis
from shared.instruments import Instrument

PATIENCE_S = 120


@contextmanager
def recorder(redis_url: str, postgres_url: str, **more: str) -> Iterator["subprocess.Popen[bytes]"]:
    env = {**os.environ, "REDIS_URL": redis_url, "DATABASE_URL": postgres_url, "LOG_LEVEL": "warning", **more}
    command = [sys.executable, "-m", "services.recorder"]
    with subprocess.Popen(command, cwd=REPOSITORY, env=env, stderr=subprocess.PIPE) as process:
        try:
            yield process
        finally:
            if process.poll() is None:
                process.kill()


async def until(condition: Callable[[], Awaitable[Any]]) -> Any:
    """The first true answer; a database or role that is not there yet is none."""
    async with asyncio.timeout(PATIENCE_S):
        while True:
            try:
                if found := await condition():
                    return found
            except asyncpg.PostgresError:
                pass
            await asyncio.sleep(0.05)


async def list_one(client: Redis) -> None:
    one = Instrument(
        venue="alpha", market="perp", symbol="A/USDT:USDT", native="A", base="A", quote="USDT", status="trading"
    )
    await client.hset(streams.instruments("alpha"), "perp:A", msgspec.msgpack.encode(one))


async def test_where_all_trades_are_recorded_the_collectors_are_asked_for_them(
    redis_url: str, redis_client: Redis, postgres_url: str
) -> None:
    await list_one(redis_client)
    with recorder(redis_url, postgres_url, RECORD_TRADES="all") as process:
        expiry = await until(lambda: redis_client.zscore(streams.demand("alpha", "trade"), "A/USDT:USDT"))
        seconds, _ = await redis_client.time()
        assert 0 < expiry - seconds * 1000 < 60_000
        process.send_signal(signal.SIGTERM)
        assert process.wait(PATIENCE_S) == 0


async def test_the_reading_role_logs_in_and_only_reads_and_maintenance_is_done_on_request(
    redis_url: str, redis_client: Redis, postgres_url: str
) -> None:
    await list_one(redis_client)
    host = postgres_url.rpartition("@")[2]

    async def listed() -> Any:
        connection = await asyncpg.connect(f"postgresql://parallax_reader:it%27s%20a%20pass@{host}")
        try:
            return await connection.fetchval("SELECT count(*) FROM instruments")
        finally:
            await connection.close()

    async def maintained() -> Any:
        return await own.fetchval("SELECT count(*) FROM maintenance")

    async def again() -> bool:
        return bool(await maintained() > 1)

    with recorder(redis_url, postgres_url, READER_PASSWORD="it's a pass"):
        assert await until(listed) == 1
        own = await asyncpg.connect(postgres_url)
        await until(maintained)  # the first, because there never was one
        await redis_client.set(streams.MAINTENANCE, "1", ex=60)
        await until(again)
        await own.close()


async def test_a_schema_of_a_newer_program_is_refused_with_one_sentence(redis_url: str, postgres_url: str) -> None:
    connection, files = await asyncpg.connect(postgres_url), migrations()
    await migrate(connection, [*files, Migration(9999, "9999_next.sql", "SELECT 1")])
    await connection.close()
    with recorder(redis_url, postgres_url) as process:
        _, said = await asyncio.to_thread(process.communicate)
    assert process.returncode == 3
    assert said.decode().splitlines() == [
        f"_recorder: the database has migration 9999_next.sql, this program ends at {files[-1].version:04d}: "
        "run the newer program that made it, or point DATABASE_URL at another database"
    ]
