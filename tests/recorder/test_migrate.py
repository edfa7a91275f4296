"""Migrations: applied once, refused when changed or unknown."""

from collections.abc import AsyncIterator
from decimal import Decimal

import asyncpg
import msgspec
import pytest

from services.recorder import lines, store
from services.recorder.bars import Bar, BarFold
from services.recorder.migrate import Migration, SchemaError, migrate, migrations
from services.recorder.store import Position, Rows

ONE = Migration(1, "0001_one.sql", "CREATE TABLE one (a int)")
TWO = Migration(2, "0002_two.sql", "CREATE TABLE two (a int)")


@pytest.fixture
async def connection(postgres_url: str) -> AsyncIterator[asyncpg.Connection]:
    opened = await asyncpg.connect(postgres_url)
    yield opened
    await opened.close()


async def test_the_products_own_migrations_are_applied_once(connection: asyncpg.Connection) -> None:
    assert await migrate(connection, migrations()) == [file.name for file in migrations()]
    assert await migrate(connection, migrations()) == []


async def test_a_new_migration_is_applied_after_the_old_ones(connection: asyncpg.Connection) -> None:
    await migrate(connection, [ONE])
    assert await migrate(connection, [ONE, TWO]) == ["0002_two.sql"]


async def test_a_migration_that_fails_leaves_nothing_behind(connection: asyncpg.Connection) -> None:
    bad = Migration(2, "0002_bad.sql", "CREATE TABLE half (a int); SELECT nonsense")
    with pytest.raises(asyncpg.PostgresError):
        await migrate(connection, [ONE, bad])
    assert await connection.fetchval("SELECT to_regclass('half')") is None
    assert await migrate(connection, [ONE, TWO]) == ["0002_two.sql"]


async def test_a_database_newer_than_the_program_is_refused(connection: asyncpg.Connection) -> None:
    await migrate(connection, [ONE, TWO])
    with pytest.raises(SchemaError, match=r"0002_two\.sql.*ends at 0001"):
        await migrate(connection, [ONE])


async def test_a_migration_that_was_changed_afterwards_is_refused(connection: asyncpg.Connection) -> None:
    await migrate(connection, [ONE])
    with pytest.raises(SchemaError, match=r"0001_one\.sql was changed"):
        await migrate(connection, [Migration(1, "0001_one.sql", "CREATE TABLE other (a int)")])


#: What the first release left behind: a day of bars and funding, open bars, positions, a signal.
FIRST_RELEASE = """
CREATE TABLE bars_20300101 PARTITION OF bars FOR VALUES FROM ('2030-01-01') TO ('2030-01-02');
CREATE TABLE funding_20300101 PARTITION OF funding FOR VALUES FROM ('2030-01-01') TO ('2030-01-02');
INSERT INTO bars VALUES ('alpha', 'A/USDT:USDT', 60, '2030-01-01 10:00+00', 'A', 'perp', 1, 2, 0.5, 1.5, 1.4, 1.6, 3,
                         1.2, 1, 0.0001, 8, 7);
INSERT INTO funding VALUES ('alpha', 'A/USDT:USDT', '2030-01-01 10:00+00', 'A', 0.0001, 8, NULL);
INSERT INTO signals VALUES ('x', 2, 'A', 'perp-perp', 'k', 'closed', 'alpha', 'beta', now(), now(), 'net',
                            '{"open_edge_bps": "61.50"}');
INSERT INTO stream_position VALUES ('md:{0}:alpha:quote', '5-0', 5, '{"high": {}, "missing": {}, "live": true}', 'i');
"""
FEED = "md:{0}:alpha:*"
#: A bar of the first release: it ends with `dirty`.
OLD_BAR = [31_555_000, "3", "5", "2", "4", 1, 9, "1.9", "2.1", 2.5, 3, 4, "1", "2", 5, "0.1", "8", None, 6, True]


async def test_a_database_of_the_first_release_is_upgraded_with_all_that_is_in_it(
    connection: asyncpg.Connection,
) -> None:
    files = migrations()
    await migrate(connection, files[:1])
    await connection.execute(FIRST_RELEASE)
    state = msgspec.msgpack.encode([{"A/USDT:USDT": [OLD_BAR]}, 0, 0])
    await connection.execute("INSERT INTO fold_state VALUES ($1, $2)", FEED, state)
    await migrate(connection, files)
    await store.prepare(connection)
    held = await connection.fetchrow("SELECT mid_close, premium, funding_rate_8h, quotes FROM history.bars_1m")
    assert held is not None
    assert tuple(held) == (Decimal("1.5"), Decimal("0.2"), Decimal("0.0001"), 7)
    assert await connection.fetchval("SELECT open_edge_bps FROM history.signals") == Decimal("61.50")
    states, before = await store.load(connection, [FEED, FEED + "/1s"], ["md:{0}:alpha:quote"])
    assert before["md:{0}:alpha:quote"] == Position("5-0", 5, {"high": {}, "missing": {}, "live": True}, "i")
    ((symbol, bar),) = BarFold(state=states[FEED]).closed(31_555_000 * 60_000 + 120_000)
    assert (symbol, bar.close, bar.quotes, bar.bid_open) == ("A/USDT:USDT", Decimal(4), 4, None)
    again = Rows(lines={"bars": [lines.bar("alpha", symbol, 60_000, Bar(31_555_000 + 60 * 24 * 365))]})
    await store.commit(connection, FEED, before, before, {}, again, files[-1].version)
    assert await connection.fetchval("SELECT count(*) FROM bars") == 2


async def test_the_reading_role_sees_the_views_and_nothing_else(connection: asyncpg.Connection) -> None:
    await migrate(connection, migrations())
    await connection.execute("SET ROLE parallax_reader")
    for view in ("bars_1m", "bars_1s", "trades", "instruments", "storage", "basis", "gaps", "alerts", "config_changes"):
        await connection.fetch(f"SELECT * FROM history.{view}")
    for statement in ("SELECT * FROM bars", "DELETE FROM history.gaps", "SELECT * FROM stream_position"):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.execute(statement)
