"""Numbered SQL files, each applied once, in one transaction each, under an advisory lock.

`schema_migrations(version, name, checksum, applied_at)` remembers them. A file that was changed after it was applied,
or a database that is newer than this program, is refused with one sentence.
"""

from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path
from typing import Final, NamedTuple

import asyncpg

from shared.service import CannotServeError

DIRECTORY: Final = Path(__file__).with_name("migrations")
_LOCK: Final = 0x70617261  # any number, the same in every recorder


class SchemaError(CannotServeError):
    """The database's schema and this program's migrations do not fit together."""


class Migration(NamedTuple):
    version: int
    name: str
    sql: str

    @property
    def checksum(self) -> str:
        return sha256(self.sql.encode()).hexdigest()


def migrations(directory: Path = DIRECTORY) -> list[Migration]:
    """The files `NNNN_name.sql` of a directory, in their order."""
    paths = sorted(directory.glob("[0-9]*_*.sql"))
    return [Migration(int(path.name.partition("_")[0]), path.name, path.read_text("utf-8")) for path in paths]


async def migrate(connection: asyncpg.Connection, files: Sequence[Migration]) -> list[str]:
    """Apply what is missing and return the names applied. Raises `SchemaError`."""
    await connection.execute("SELECT pg_advisory_lock($1)", _LOCK)
    try:
        await connection.execute(
            "CREATE TABLE IF NOT EXISTS schema_migrations (version integer PRIMARY KEY, name text NOT NULL,"
            " checksum text NOT NULL, applied_at timestamptz NOT NULL DEFAULT now())"
        )
        applied = await connection.fetch("SELECT version, name, checksum FROM schema_migrations ORDER BY version")
        known = {file.version: file for file in files}
        for row in applied:
            _check(row["name"], row["checksum"], known.get(row["version"]), max(known, default=0))
        done = {row["version"] for row in applied}
        fresh = [file for file in files if file.version not in done]
        for file in fresh:
            await _apply(connection, file)
        return [file.name for file in fresh]
    finally:
        await connection.execute("SELECT pg_advisory_unlock($1)", _LOCK)


def _check(name: str, checksum: str, file: Migration | None, newest: int) -> None:
    if file is None:
        raise SchemaError(
            f"the database has migration {name}, this program ends at {newest:04d}: "
            "run the newer program that made it, or point DATABASE_URL at another database"
        )
    if file.checksum != checksum:
        raise SchemaError(f"migration {file.name} was changed after it was applied to this database")


async def _apply(connection: asyncpg.Connection, file: Migration) -> None:
    async with connection.transaction():
        await connection.execute(file.sql)
        await connection.execute(
            "INSERT INTO schema_migrations (version, name, checksum) VALUES ($1, $2, $3)",
            file.version,
            file.name,
            file.checksum,
        )
