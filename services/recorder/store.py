"""The recorder's only SQL: positions and rows, in one transaction."""

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any, Final

import asyncpg
import msgspec

from services.recorder.bars import MINUTE_NS, Bar
from shared.events import Settlement
from shared.instruments import asset_of
from shared.signals import Signal

Connection = asyncpg.Connection | asyncpg.pool.PoolConnectionProxy
RESOLUTION_S: Final = 60
PARTITIONED: Final = ("bars", "funding")
_DAYS_LOCK: Final = 0x64617973  # any number, the same in every recorder


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


class Rows(msgspec.Struct, frozen=True):
    """What one commit stores."""

    bars: Sequence[tuple[str, Bar]] = ()
    settlements: Sequence[Settlement] = ()
    signals: Sequence[Signal] = ()
    gaps: Sequence[Gap] = ()

    def __len__(self) -> int:
        return len(self.bars) + len(self.settlements) + len(self.signals) + len(self.gaps)


async def prepare(connection: Connection) -> None:
    """What each connection of the pool needs once: the staging table of the bars."""
    await connection.execute("CREATE TEMP TABLE bars_staged (LIKE bars) ON COMMIT DELETE ROWS")


async def load(connection: Connection, feed: str, streams: Sequence[str]) -> tuple[bytes | None, dict[str, Position]]:
    """The state and positions that were committed last; streams never read have no position."""
    async with connection.transaction(isolation="repeatable_read", readonly=True):
        rows = await connection.fetch(
            "SELECT stream, last_id, ordinal, seqs, incarnation FROM stream_position WHERE stream = ANY($1)",
            list(streams),
        )
        state = await connection.fetchval("SELECT state FROM fold_state WHERE feed = $1", feed)
    return state, {
        row["stream"]: Position(row["last_id"], row["ordinal"], json.loads(row["seqs"]), row["incarnation"])
        for row in rows
    }


async def commit(
    connection: Connection,
    feed: str,
    before: Mapping[str, Position],
    after: Mapping[str, Position],
    state: bytes | None,
    rows: Rows,
    venue: str,
) -> None:
    """Rows, state and positions together, or nothing. Raises `Fenced` when a position is not where we left it."""
    async with connection.transaction():
        await _move(connection, before, after)
        if state is not None:
            await connection.execute(
                "INSERT INTO fold_state VALUES ($1, $2) ON CONFLICT (feed) DO UPDATE SET state = EXCLUDED.state",
                feed,
                state,
            )
        if rows.bars:
            await _store_bars(connection, venue, rows.bars)
        if rows.settlements:
            await connection.executemany(_SETTLEMENT, [_settlement(venue, row) for row in rows.settlements])
        for signal in rows.signals:
            await _store_signal(connection, signal)
        if rows.gaps:
            await connection.executemany(_GAP, [_gap(gap) for gap in rows.gaps])


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
        seqs = json.dumps(position.seqs)
        if left is None:
            status = await connection.execute(
                "INSERT INTO stream_position VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING",
                stream,
                position.last_id,
                position.ordinal,
                seqs,
                position.incarnation,
            )
            if status != "INSERT 0 1":
                raise Fenced(stream)
        elif stored.get(stream) != (left.last_id, left.incarnation):
            raise Fenced(stream)
        elif left != position:
            await connection.execute(
                "UPDATE stream_position SET last_id=$2, ordinal=$3, seqs=$4, incarnation=$5 WHERE stream=$1",
                stream,
                position.last_id,
                position.ordinal,
                seqs,
                position.incarnation,
            )


async def ensure_days(connection: Connection, days: set[date]) -> None:
    """The daily partitions that rows of these days go to."""
    if not days:
        return
    async with connection.transaction():
        # two that create the same table at once: IF NOT EXISTS does not save the second
        await connection.execute("SELECT pg_advisory_xact_lock($1)", _DAYS_LOCK)
        for day in sorted(days):
            for table in PARTITIONED:
                await connection.execute(
                    f"CREATE TABLE IF NOT EXISTS {partition_name(table, day)} PARTITION OF {table}"
                    f" FOR VALUES FROM ('{day}') TO ('{day + timedelta(days=1)}')"
                )


def partition_name(table: str, day: date) -> str:
    return f"{table}_{day:%Y%m%d}"


def day_of(minute: int) -> date:
    return datetime.fromtimestamp(minute * 60, UTC).date()


def moment(ns: int | None) -> datetime | None:
    """To the microsecond, which is what Postgres keeps."""
    return None if ns is None else datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=ns // 1000)


async def _store_bars(connection: Connection, venue: str, bars: Sequence[tuple[str, Bar]]) -> None:
    await connection.copy_records_to_table("bars_staged", records=[_bar(venue, s, b) for s, b in bars])
    await connection.execute(_BARS)
    # the funding sample of a minute is the last rate published in it
    samples = [_sample(venue, symbol, bar) for symbol, bar in bars if bar.rate is not None]
    await connection.executemany(_FUNDING, samples)


def _bar(venue: str, symbol: str, bar: Bar) -> tuple[object, ...]:
    mean = bar.spread_sum / bar.two_sided if bar.two_sided else None
    return (
        venue,
        symbol,
        RESOLUTION_S,
        moment(bar.minute * MINUTE_NS),
        asset_of(symbol),
        "perp" if ":" in symbol else "spot",
        *(_half(value) for value in (bar.open, bar.high, bar.low, bar.close)),
        *(_numeric(text) for text in (bar.bid, bar.ask)),
        mean,
        *(_numeric(text) for text in (bar.mark, bar.index, bar.rate, bar.interval_h)),
        bar.quotes,
    )


def _sample(venue: str, symbol: str, bar: Bar) -> tuple[object, ...]:
    assert bar.rate is not None
    minute = moment(bar.minute * MINUTE_NS)
    return (venue, symbol, minute, asset_of(symbol), Decimal(bar.rate), _numeric(bar.interval_h), moment(bar.next_ts))


def _settlement(venue: str, row: Settlement) -> tuple[object, ...]:
    return (
        venue,
        row.symbol,
        moment(row.settle_ts),
        asset_of(row.symbol),
        Decimal(row.rate),
        _numeric(row.interval_h),
        _numeric(row.mark),
    )


def _gap(gap: Gap) -> tuple[object, ...]:
    seqs = None if gap.missing_seqs is None else json.dumps(gap.missing_seqs)
    return (gap.stream, gap.from_id, gap.to_id, gap.missed_entries, seqs, gap.reason)


async def _store_signal(connection: Connection, signal: Signal) -> None:
    record = msgspec.json.encode(signal).decode()
    await connection.execute(
        "INSERT INTO signal_events VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING",
        signal.id,
        signal.rev,
        moment(signal.at),
        record,
    )
    await connection.execute(
        _SIGNAL,
        signal.id,
        signal.rev,
        signal.asset,
        signal.kind,
        signal.key,
        "closed" if signal.event == "close" else "open",
        signal.buy.venue,
        signal.sell.venue,
        moment(signal.opened_at),
        moment(signal.closed_at),
        signal.close_reason,
        record,
    )


def _numeric(text: str | None) -> Decimal | None:
    return None if text is None else Decimal(text)


def _half(value: Decimal | None) -> Decimal | None:
    return None if value is None else value / 2


_BARS: Final = """
INSERT INTO bars SELECT * FROM bars_staged
ON CONFLICT (venue, symbol, resolution, start) DO UPDATE SET
  mid_open = EXCLUDED.mid_open, mid_high = EXCLUDED.mid_high, mid_low = EXCLUDED.mid_low,
  mid_close = EXCLUDED.mid_close, bid_close = EXCLUDED.bid_close, ask_close = EXCLUDED.ask_close,
  spread_bps_mean = EXCLUDED.spread_bps_mean, mark_close = EXCLUDED.mark_close, index_close = EXCLUDED.index_close,
  funding_rate = EXCLUDED.funding_rate, funding_interval_h = EXCLUDED.funding_interval_h, quotes = EXCLUDED.quotes
"""
_FUNDING: Final = """
INSERT INTO funding (venue, symbol, minute, asset, rate, interval_h, next_ts) VALUES ($1, $2, $3, $4, $5, $6, $7)
ON CONFLICT (venue, symbol, minute) DO UPDATE SET
  rate = EXCLUDED.rate, interval_h = EXCLUDED.interval_h, next_ts = EXCLUDED.next_ts
"""
_SETTLEMENT: Final = """
INSERT INTO settlements (venue, symbol, settle_ts, asset, rate, interval_h, mark) VALUES ($1, $2, $3, $4, $5, $6, $7)
ON CONFLICT (venue, symbol, settle_ts) DO NOTHING
"""
_GAP: Final = """
INSERT INTO gaps (stream, from_id, to_id, missed_entries, missing_seqs, reason) VALUES ($1, $2, $3, $4, $5, $6)
ON CONFLICT DO NOTHING
"""
_SIGNAL: Final = """
INSERT INTO signals AS held
  (id, rev, asset, kind, key, state, buy_venue, sell_venue, opened_at, closed_at, close_reason, record)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
ON CONFLICT (id) DO UPDATE SET rev = EXCLUDED.rev, state = EXCLUDED.state, closed_at = EXCLUDED.closed_at,
  close_reason = EXCLUDED.close_reason, record = EXCLUDED.record
WHERE held.rev < EXCLUDED.rev
"""
