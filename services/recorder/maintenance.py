"""Keeping history within its days and its bytes: whole daily partitions are dropped, oldest first, detail before bars.

Once a day, from MAINTENANCE_HOUR on (or when it was missed, or somebody asks), what is older than its days goes: daily
partitions whole, rows of the small tables in batches with a pause between them. Room on the disk is made at any hour.
"""

import asyncio
import logging
import shutil
import time
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Final

import msgspec

from services.recorder import days
from services.recorder.database import Connection
from services.recorder.tables import COARSE, DETAILED

LOG: Final = logging.getLogger(__name__)
GB: Final = 1 << 30
#: below this much free space on the data's disk nothing is written any more
LEAST_FREE: Final = GB // 2
#: rows of one batch, and the pause after it: recording goes on beside
BATCH: Final = 5_000
PAUSE_S: Final = 0.05
#: after so long without it, maintenance waits for no quiet hour
MISSED: Final = timedelta(hours=26)
_LOCK: Final = 0x6D61696E  # any number, the same in every recorder
#: tables without days, their key, and the rows that are old
_SMALL: Final = (
    ("settlements", "settle_ts < $1"),
    ("signals", "state = 'closed' AND closed_at < $1"),
    ("signal_events", "at < $1"),
    ("alerts", "coalesce(ended_at, at) < $1"),
    ("config_changes", "at < $1"),
    ("gaps", "at < $1"),
    ("rejected", "at < $1"),
    ("instruments", "valid_to < $1"),
    ("maintenance", "at < $1"),
)
#: what is under way, done so far, of how much
Progress = Callable[[str, int, int], None]


class Report(msgspec.Struct, frozen=True):
    """What a maintenance did."""

    days_dropped: int
    rows_deleted: int
    took_ms: int


def silent(step: str, done: int, of: int) -> None:
    """Progress that nobody looks at."""


async def due(connection: Connection, now: datetime, hour: int) -> bool:
    """Whether the daily maintenance has still to be done at this time."""
    last: datetime | None = await connection.fetchval("SELECT max(at) FROM maintenance")
    if last is None or now - last > MISSED:
        return True
    return now.hour == hour and now - last > timedelta(hours=2)


async def maintain(
    connection: Connection, today: date, retention_days: int, detail_days: int, progress: Progress = silent
) -> Report | None:
    """Remove what is older than its days (today counts as the first). None: another recorder is at it."""
    if not await connection.fetchval("SELECT pg_try_advisory_lock($1)", _LOCK):
        return None
    try:
        began = time.monotonic()
        dropped = await _drop_days(connection, today, retention_days, detail_days, progress)
        deleted = await _delete_rows(connection, _limit(today, retention_days), progress)
        await _analyze(connection, progress)
        report = Report(dropped, deleted, round((time.monotonic() - began) * 1000))
        await connection.execute(
            "INSERT INTO maintenance (took_ms, days_dropped, rows_deleted) VALUES ($1, $2, $3)",
            *(report.took_ms, report.days_dropped, report.rows_deleted),
        )
        return report
    finally:
        await connection.execute("SELECT pg_advisory_unlock($1)", _LOCK)


async def _drop_days(
    connection: Connection, today: date, retention_days: int, detail_days: int, progress: Progress
) -> int:
    old: list[tuple[tuple[str, ...], date]] = []
    chosen: tuple[tuple[tuple[str, ...], int], ...] = (
        (COARSE, retention_days),
        (DETAILED, min(detail_days, retention_days)),
    )
    for tables, kept in chosen:
        first = today - timedelta(days=kept - 1)
        old += [(tables, day) for day in await days.held(connection, tables) if day < first]
    for done, (tables, day) in enumerate(old):
        progress("days", done, len(old))
        await days.drop(connection, tables, day)
        LOG.info("%s of %s removed", ", ".join(tables), day)
    progress("days", len(old), len(old))
    return len(old)


async def _delete_rows(connection: Connection, before: datetime, progress: Progress) -> int:
    deleted = 0
    for done, (table, old) in enumerate(_SMALL):
        progress("old rows", done, len(_SMALL))
        statement = f"DELETE FROM {table} WHERE ctid IN (SELECT ctid FROM {table} WHERE {old} LIMIT {BATCH})"
        while gone := int((await connection.execute(statement, before)).rpartition(" ")[2]):
            deleted += gone
            await asyncio.sleep(PAUSE_S)
    progress("old rows", len(_SMALL), len(_SMALL))
    return deleted


async def _analyze(connection: Connection, progress: Progress) -> None:
    """Space of deleted rows for new ones, and figures for the planner."""
    for done, (table, _) in enumerate(_SMALL):
        progress("tables", done, len(_SMALL))
        await connection.execute(f"VACUUM (ANALYZE) {table}")
    progress("tables", len(_SMALL), len(_SMALL))


def _limit(today: date, retention_days: int) -> datetime:
    first = today - timedelta(days=retention_days - 1)
    return datetime(first.year, first.month, first.day, tzinfo=UTC)


async def make_room(connection: Connection, today: date, limit_bytes: int, other_bytes: int) -> int:
    """Drop the oldest days while database and `other_bytes` exceed the limit; today stays. Returns bytes used."""
    used = await _size(connection) + other_bytes
    for tables in (DETAILED, COARSE):
        for day in await days.held(connection, tables):
            if used <= limit_bytes or day >= today:
                break
            await days.drop(connection, tables, day)
            LOG.info("%s of %s removed: MAX_DISK_GB", ", ".join(tables), day)
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
