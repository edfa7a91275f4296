"""The recorder's commit: rows, the fold's state and the streams' positions in one transaction.

Theory of operation. The position rows are locked first, in one order, and must be where this recorder left them; else
another one has gone on (`Fenced`). Then each table takes its lines by COPY. Where Postgres refuses lines, they are
halved until the refused row stands alone; it is kept in `rejected` with the reason, and the others are stored. So a
position never moves past a row that is neither in its table nor there.
"""

import json
from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import date, datetime
from typing import Any, Final

import msgspec

from services.recorder import days
from services.recorder.copytext import values
from services.recorder.database import REFUSED, Connection
from services.recorder.migrate import SchemaError
from services.recorder.tables import TABLES, Lines, Table

#: longest payload of a rejected row that is kept, in characters
MAX_PAYLOAD: Final = 65_536


class Fenced(RuntimeError):
    """Another recorder has moved this stream's position: what is in memory must be loaded anew."""


class Position(msgspec.Struct, frozen=True):
    """Everything of a stream up to `last_id` is stored. `seqs` is the reader's memory of batch numbers."""

    last_id: str
    ordinal: int | None
    seqs: Any
    incarnation: str


class Gap(msgspec.Struct, frozen=True):
    """Entries that this recorder never saw, and why."""

    stream: str
    from_id: str
    to_id: str | None
    missed_entries: int | None
    missing_seqs: Any
    reason: str


class Rejected(msgspec.Struct, frozen=True):
    """What could not be stored. `target` is a table, or `entry` or `event` for what did not get so far."""

    target: str
    payload: str
    reason: str


class Rows(msgspec.Struct, frozen=True):
    """What one commit stores."""

    lines: Lines = {}
    gaps: Sequence[Gap] = ()
    rejected: Sequence[Rejected] = ()

    def __len__(self) -> int:
        return sum(map(len, self.lines.values())) + len(self.gaps) + len(self.rejected)


class Stored(msgspec.Struct, frozen=True):
    """What became of a commit: the rows that Postgres refused, which are kept aside."""

    refused: Sequence[Rejected] = ()


async def prepare(connection: Connection) -> None:
    """What each connection of the pool needs once: the staging tables."""
    for table in TABLES.values():
        if table.key:
            await connection.execute(
                f"CREATE TEMP TABLE {table.staging} ON COMMIT DELETE ROWS AS"
                f" SELECT {', '.join(table.columns)} FROM {table.name} WITH NO DATA"
            )


async def load(
    connection: Connection, states: Sequence[str], streams: Sequence[str]
) -> tuple[dict[str, bytes], dict[str, Position]]:
    """The states and positions that were committed last; streams never read have no position."""
    async with connection.transaction(isolation="repeatable_read", readonly=True):
        rows = await connection.fetch(
            "SELECT stream, last_id, ordinal, seqs, incarnation FROM stream_position WHERE stream = ANY($1)",
            list(streams),
        )
        found = await connection.fetch("SELECT feed, state FROM fold_state WHERE feed = ANY($1)", list(states))
    return {row["feed"]: row["state"] for row in found}, {
        row["stream"]: Position(row["last_id"], row["ordinal"], json.loads(row["seqs"]), row["incarnation"])
        for row in rows
    }


async def commit(
    connection: Connection,
    feed: str,
    before: Mapping[str, Position],
    after: Mapping[str, Position],
    states: Mapping[str, bytes],
    rows: Rows,
    schema: int,
) -> Stored:
    """Everything together, or nothing. Raises `Fenced`, or `SchemaError` where a newer program has migrated."""
    await days.ensure(connection, _days(rows.lines))
    async with connection.transaction():
        await _check_schema(connection, schema)
        await _move(connection, before, after)
        for name, state in states.items():
            await connection.execute(_STATE, name, state)
        refused: list[Rejected] = []
        for name, table in TABLES.items():
            if lines := rows.lines.get(name):
                refused += await _put(connection, table, lines)
                await _count(connection, feed, table, lines)
        if rows.gaps:
            await connection.executemany(_GAP, [_gap(gap) for gap in rows.gaps])
        aside = [*rows.rejected, *refused]
        if aside:
            await connection.executemany(_REJECTED, [(feed, *_readable(one)) for one in aside])
    return Stored(refused)


async def _check_schema(connection: Connection, schema: int) -> None:
    newest = await connection.fetchval("SELECT max(version) FROM schema_migrations")
    if newest != schema:
        raise SchemaError(
            f"the database was migrated to {newest:04d} while this program, which ends at {schema:04d}, was running: "
            "run the newer program that did it"
        )


async def _move(connection: Connection, before: Mapping[str, Position], after: Mapping[str, Position]) -> None:
    # the rows are locked in one order, first, so that two recorders cannot wait for each other
    streams = sorted(after)
    held = await connection.fetch(
        "SELECT stream, last_id, incarnation FROM stream_position WHERE stream = ANY($1) ORDER BY stream FOR UPDATE",
        streams,
    )
    stored = {row["stream"]: (row["last_id"], row["incarnation"]) for row in held}
    for stream in streams:
        position, left = after[stream], before.get(stream)
        fields = (stream, position.last_id, position.ordinal, json.dumps(position.seqs), position.incarnation)
        if left is None:
            status = await connection.execute(
                "INSERT INTO stream_position VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING", *fields
            )
            if status != "INSERT 0 1":
                raise Fenced(stream)
        elif stored.get(stream) != (left.last_id, left.incarnation):
            raise Fenced(stream)
        elif left != position:
            await connection.execute(
                "UPDATE stream_position SET last_id=$2, ordinal=$3, seqs=$4, incarnation=$5 WHERE stream=$1", *fields
            )


async def _put(connection: Connection, table: Table, lines: Sequence[str]) -> list[Rejected]:
    """Store the lines; those that Postgres refuses are returned."""
    try:
        async with connection.transaction():  # a savepoint: what was refused leaves nothing behind
            await _copy(connection, table, lines)
    except REFUSED as error:
        if len(lines) == 1:
            return [Rejected(table.name, _payload(table, lines[0]), str(error))]
        half = len(lines) // 2
        return [*await _put(connection, table, lines[:half]), *await _put(connection, table, lines[half:])]
    return []


async def _copy(connection: Connection, table: Table, lines: Sequence[str]) -> None:
    target = table.staging if table.key else table.name
    await connection.copy_to_table(target, source=_chunks(lines), columns=table.columns)
    if table.key:
        await connection.execute(table.insert)
        await connection.execute(f"DELETE FROM {table.staging}")


async def _chunks(lines: Sequence[str], size: int = 512) -> AsyncIterator[bytes]:
    """Lines as the pieces in which they go over the socket."""
    for at in range(0, len(lines), size):
        yield ("\n".join(lines[at : at + size]) + "\n").encode()


async def _count(connection: Connection, feed: str, table: Table, lines: Sequence[str]) -> None:
    column = table.time
    times = [line.split("\t", column + 1)[column] for line in lines]
    ends = (datetime.fromisoformat(one) for one in (min(times), max(times)))
    await connection.execute(_WRITTEN, feed, table.name, len(lines), *ends)


def _days(lines: Lines) -> set[tuple[str, date]]:
    """The daily partitions that the lines need: a line begins with its day."""
    found = {(TABLES[name].name, line[:10]) for name, held in lines.items() if TABLES[name].by_day for line in held}
    return {(table, date.fromisoformat(day)) for table, day in found}


def _payload(table: Table, line: str) -> str:
    return json.dumps(dict(zip(table.columns, values(line), strict=False)), ensure_ascii=False)


def _readable(one: Rejected) -> tuple[str, str, str]:
    """A rejected row as a text column takes it: without the one character that none does."""
    payload, reason = (part.replace("\x00", "\\u0000")[:MAX_PAYLOAD] for part in (one.payload, one.reason))
    return one.target, payload, reason


def _gap(gap: Gap) -> tuple[object, ...]:
    seqs = None if gap.missing_seqs is None else json.dumps(gap.missing_seqs)
    return (gap.stream, gap.from_id, gap.to_id, gap.missed_entries, seqs, gap.reason)


_STATE: Final = "INSERT INTO fold_state VALUES ($1, $2) ON CONFLICT (feed) DO UPDATE SET state = EXCLUDED.state"
_WRITTEN: Final = """
INSERT INTO written AS held VALUES ($1, $2, $3, $4, $5) ON CONFLICT (feed, target) DO UPDATE SET
  rows = held.rows + EXCLUDED.rows, first = least(held.first, EXCLUDED.first), last = greatest(held.last, EXCLUDED.last)
"""
_GAP: Final = """
INSERT INTO gaps (stream, from_id, to_id, missed_entries, missing_seqs, reason) VALUES ($1, $2, $3, $4, $5, $6)
ON CONFLICT DO NOTHING
"""
_REJECTED: Final = "INSERT INTO rejected (feed, target, payload, reason) VALUES ($1, $2, $3, $4)"
