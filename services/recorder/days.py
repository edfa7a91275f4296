"""Daily partitions: made before rows need them, dropped whole.

A partition is made beside and then attached, which readers do not notice; a drop must wait for them, and gives up
after a moment rather than hold up everybody who comes after it.
"""

from collections.abc import Collection, Iterable
from datetime import UTC, date, datetime, timedelta
from typing import Final

from services.recorder.database import Connection
from services.recorder.tables import BY_DAY

_DAYS_LOCK: Final = 0x64617973  # any number, the same in every recorder
#: asks the catalogue itself: `to_regclass` may remember from before the lock that a table was not there
_MISSING: Final = (
    "SELECT name FROM unnest($1::text[]) AS name WHERE NOT EXISTS"
    " (SELECT FROM pg_class WHERE relname = name AND relnamespace = current_schema()::regnamespace) ORDER BY name"
)
_PATIENCE: Final = "SET LOCAL lock_timeout = '2s'"


def partition_name(table: str, day: date) -> str:
    return f"{table}_{day:%Y%m%d}"


async def ensure(connection: Connection, wanted: Iterable[tuple[str, date]]) -> None:
    """The partitions of these tables and days, unless they are there."""
    names = {partition_name(table, day): (table, day) for table, day in wanted}
    if not await connection.fetch(_MISSING, list(names)):
        return
    async with connection.transaction():
        # two that create the same table at once: IF NOT EXISTS does not save the second
        await connection.execute("SELECT pg_advisory_xact_lock($1)", _DAYS_LOCK)
        for row in await connection.fetch(_MISSING, list(names)):
            name, (table, day) = row["name"], names[row["name"]]
            await connection.execute(f"CREATE TABLE {name} (LIKE {table} INCLUDING DEFAULTS)")
            await connection.execute(
                f"ALTER TABLE {table} ATTACH PARTITION {name}"
                f" FOR VALUES FROM ('{day}+00') TO ('{day + timedelta(days=1)}+00')"
            )


def around(day: date) -> set[tuple[str, date]]:
    """Every table's partitions of a day and of the next one: no midnight finds them missing."""
    return {(table, one) for table in BY_DAY for one in (day, day + timedelta(days=1))}


async def held(connection: Connection, tables: Collection[str] = BY_DAY) -> list[date]:
    """The days of which one of these tables has a partition, oldest first."""
    names = await connection.fetch(
        "SELECT child.relname FROM pg_inherits JOIN pg_class child ON child.oid = inhrelid"
        " JOIN pg_class parent ON parent.oid = inhparent WHERE parent.relname = ANY($1)",
        list(tables),
    )
    return sorted({datetime.strptime(row["relname"][-8:], "%Y%m%d").replace(tzinfo=UTC).date() for row in names})


async def drop(connection: Connection, tables: Collection[str], day: date) -> None:
    """Drop a day of these tables. Raises `LockNotAvailableError` (UNABLE) where a reader holds it for long."""
    async with connection.transaction():
        await connection.execute(_PATIENCE)
        for table in tables:
            await connection.execute(f"DROP TABLE IF EXISTS {partition_name(table, day)}")
