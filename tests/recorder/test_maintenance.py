"""History stays within its days and its bytes, whole days at a time, oldest first."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, timedelta

import asyncpg
import pytest

from services.recorder import days, maintenance, store
from services.recorder.migrate import migrate, migrations
from services.recorder.tables import BY_DAY, COARSE, DETAILED

TODAY = date(2030, 1, 10)
DAYS = {TODAY - timedelta(days=back) for back in range(5)}
NOON = datetime(2030, 1, 10, 12, tzinfo=UTC)


@pytest.fixture
async def connection(postgres_url: str) -> AsyncIterator[asyncpg.Connection]:
    opened = await asyncpg.connect(postgres_url)
    await migrate(opened, migrations())
    await store.prepare(opened)
    await days.ensure(opened, {(table, day) for table in BY_DAY for day in DAYS})
    yield opened
    await opened.close()


async def test_days_older_than_their_retention_are_dropped_details_earlier(connection: asyncpg.Connection) -> None:
    report = await maintenance.maintain(connection, TODAY, 3, 1)
    assert report is not None
    assert await days.held(connection, COARSE) == [TODAY - timedelta(days=back) for back in (2, 1, 0)]
    assert await days.held(connection, DETAILED) == [TODAY]
    assert report.days_dropped == 2 + 4


async def test_old_rows_of_the_small_tables_go_in_batches(
    connection: asyncpg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(maintenance, "BATCH", 10)
    old, kept = NOON - timedelta(days=9), NOON - timedelta(days=1)
    rows = [("s", str(number), "x", old if number < 25 else kept) for number in range(30)]
    await connection.executemany("INSERT INTO gaps (stream, from_id, reason, at) VALUES ($1, $2, $3, $4)", rows)
    steps: list[tuple[str, int, int]] = []
    report = await maintenance.maintain(connection, TODAY, 7, 2, lambda *step: steps.append(step))
    assert report is not None
    assert report.rows_deleted == 25
    assert await connection.fetchval("SELECT count(*) FROM gaps") == 5
    assert {(done, of) for step, done, of in steps if step == "days"} >= {(0, 3), (3, 3)}


async def test_maintenance_is_due_at_its_hour_once_a_day_and_whenever_it_was_missed(
    connection: asyncpg.Connection,
) -> None:
    assert await maintenance.due(connection, NOON, 3)  # never yet
    await connection.execute("INSERT INTO maintenance VALUES ($1, 1, 0, 0)", NOON)
    assert not await maintenance.due(connection, NOON, 12)  # a moment ago
    assert not await maintenance.due(connection, NOON + timedelta(hours=14), 3)
    assert await maintenance.due(connection, NOON + timedelta(hours=15), 3)
    assert await maintenance.due(connection, NOON + timedelta(hours=27), 3)


async def test_one_recorder_at_a_time_does_it(connection: asyncpg.Connection, postgres_url: str) -> None:
    other = await asyncpg.connect(postgres_url)
    await other.execute("SELECT pg_advisory_lock($1)", maintenance._LOCK)
    assert await maintenance.maintain(connection, TODAY, 7, 2) is None
    await other.close()


async def test_a_reader_that_holds_a_day_holds_nobody_else_up(
    connection: asyncpg.Connection, postgres_url: str
) -> None:
    reader = await asyncpg.connect(postgres_url)
    reading = reader.transaction()
    await reading.start()
    await reader.fetch("SELECT * FROM history.trades")
    with pytest.raises(asyncpg.LockNotAvailableError):
        await maintenance.maintain(connection, TODAY, 1, 1)
    await reading.rollback()
    assert await maintenance.maintain(connection, TODAY, 1, 1) is not None
    assert await days.held(connection) == [TODAY]
    await reader.close()


async def test_making_room_drops_the_oldest_days_and_never_today(connection: asyncpg.Connection) -> None:
    used = await maintenance.make_room(connection, TODAY, 0, 0)
    assert await days.held(connection) == [TODAY]
    assert used > 0


async def test_room_enough_drops_nothing(connection: asyncpg.Connection) -> None:
    await maintenance.make_room(connection, TODAY, 1 << 40, 0)
    assert set(await days.held(connection)) == DAYS


async def test_two_recorders_may_make_the_same_days_at_once(connection: asyncpg.Connection, postgres_url: str) -> None:
    others = [await asyncpg.connect(postgres_url) for _ in range(6)]
    ahead = {TODAY + timedelta(days=one) for one in range(1, 4)}
    await asyncio.gather(*(days.ensure(other, {("bars", day) for day in ahead}) for other in others))
    assert set(await days.held(connection, ("bars",))) == DAYS | ahead
    for other in others:
        await other.close()


async def test_a_day_that_another_made_while_we_waited_for_it_is_not_made_twice(
    connection: asyncpg.Connection, postgres_url: str
) -> None:
    ahead = {("bars", TODAY + timedelta(days=9))}
    other = await asyncpg.connect(postgres_url)
    try:
        for day in (6, 7, 8):  # its statements are prepared, and its server process knows the catalogue by heart
            await days.ensure(other, {("bars", TODAY + timedelta(days=day))})
        async with connection.transaction():
            await days.ensure(connection, ahead)  # holds the lock until the transaction ends
            waiting = asyncio.create_task(days.ensure(other, ahead))
            while not await connection.fetchval("SELECT count(*) FROM pg_locks WHERE NOT granted"):
                assert not waiting.done()
                await asyncio.sleep(0.01)
        await waiting
    finally:
        await other.close()
    assert TODAY + timedelta(days=9) in await days.held(connection, ("bars",))
