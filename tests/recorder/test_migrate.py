"""Migrations: applied once, refused when changed or unknown."""

from collections.abc import AsyncIterator

import asyncpg
import pytest

from services.recorder.migrate import Migration, SchemaError, migrate, migrations

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
