"""History stays within its days and its bytes, whole days at a time, oldest first."""

import asyncio
from collections.abc import AsyncIterator
from datetime import date, timedelta

import asyncpg
import pytest

from services.recorder import maintenance, store
from services.recorder.bars import Bar
from services.recorder.migrate import migrate, migrations
from services.recorder.store import Position, Rows

TODAY = date(2030, 1, 10)
DAYS = {TODAY - timedelta(days=back) for back in range(5)}


@pytest.fixture
async def connection(postgres_url: str) -> AsyncIterator[asyncpg.Connection]:
    opened = await asyncpg.connect(postgres_url)
    await migrate(opened, migrations())
    await store.prepare(opened)
    await store.ensure_days(opened, DAYS)
    yield opened
    await opened.close()


async def test_days_older_than_the_retention_are_dropped(connection: asyncpg.Connection) -> None:
    await maintenance.retain(connection, TODAY, 2)
    assert await maintenance.days_held(connection) == [TODAY - timedelta(days=1), TODAY]


async def test_making_room_drops_the_oldest_days_and_never_today(connection: asyncpg.Connection) -> None:
    used = await maintenance.make_room(connection, TODAY, 0, 0)
    assert await maintenance.days_held(connection) == [TODAY]
    assert used > 0


async def test_room_enough_drops_nothing(connection: asyncpg.Connection) -> None:
    await maintenance.make_room(connection, TODAY, 1 << 40, 0)
    assert set(await maintenance.days_held(connection)) == DAYS


async def test_rows_and_position_commit_together_or_not_at_all(connection: asyncpg.Connection) -> None:
    first = {"s": Position("1-0", 1, {}, "i")}
    await store.commit(connection, "f", {}, first, b"one", Rows(), "alpha")
    bars = Rows(bars=[("A/USDT", Bar(minute=31_555_000))])
    with pytest.raises(store.Fenced):
        await store.commit(connection, "f", {"s": Position("0-9", 1, {}, "i")}, first, b"two", bars, "alpha")
    assert await connection.fetchval("SELECT count(*) FROM bars") == 0
    assert await store.load(connection, "f", ["s"]) == (b"one", first)


async def test_two_recorders_may_make_the_same_days_at_once(connection: asyncpg.Connection, postgres_url: str) -> None:
    others = [await asyncpg.connect(postgres_url) for _ in range(6)]
    days = {TODAY + timedelta(days=ahead) for ahead in range(1, 4)}
    await asyncio.gather(*(store.ensure_days(other, days) for other in others))
    assert set(await maintenance.days_held(connection)) == DAYS | days
    for other in others:
        await other.close()
