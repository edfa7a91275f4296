"""Keeping history within its days and its bytes: whole daily partitions are dropped, oldest first."""

import logging
import shutil
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Final

from services.recorder.store import PARTITIONED, Connection, partition_name

LOG: Final = logging.getLogger(__name__)
GB: Final = 1 << 30
#: below this much free space on the data's disk nothing is written any more
LEAST_FREE: Final = GB // 2
_OLD_ROWS: Final = (
    "DELETE FROM settlements WHERE settle_ts < $1",
    "DELETE FROM signals WHERE state = 'closed' AND closed_at < $1",
    "DELETE FROM signal_events WHERE at < $1",
    "DELETE FROM gaps WHERE at < $1",
)


async def days_held(connection: Connection) -> list[date]:
    """The days that have a partition, oldest first."""
    names = await connection.fetch(
        "SELECT child.relname FROM pg_inherits JOIN pg_class child ON child.oid = inhrelid"
        " JOIN pg_class parent ON parent.oid = inhparent WHERE parent.relname = ANY($1)",
        list(PARTITIONED),
    )
    return sorted({datetime.strptime(row["relname"][-8:], "%Y%m%d").replace(tzinfo=UTC).date() for row in names})


async def drop_day(connection: Connection, day: date) -> None:
    for table in PARTITIONED:
        await connection.execute(f"DROP TABLE IF EXISTS {partition_name(table, day)}")
    LOG.info("history of %s removed", day)


async def retain(connection: Connection, today: date, retention_days: int) -> None:
    """Remove what is older than `retention_days` (today counts as the first)."""
    first = today - timedelta(days=retention_days - 1)
    for day in await days_held(connection):
        if day < first:
            await drop_day(connection, day)
    limit = datetime(first.year, first.month, first.day, tzinfo=UTC)
    for statement in _OLD_ROWS:
        await connection.execute(statement, limit)


async def make_room(connection: Connection, today: date, limit_bytes: int, other_bytes: int) -> int:
    """Drop the oldest days while database and `other_bytes` exceed the limit; today stays. Returns bytes used."""
    used = await _size(connection) + other_bytes
    for day in await days_held(connection):
        if used <= limit_bytes or day >= today:
            break
        await drop_day(connection, day)
        used = await _size(connection) + other_bytes
    return used


async def _size(connection: Connection) -> int:
    size: int = await connection.fetchval("SELECT pg_database_size(current_database())")
    return size


def free_bytes(path: Path) -> int | None:
    """Free space where the data lives; None where that cannot be told."""
    try:
        return shutil.disk_usage(path).free
    except OSError:
        return None
