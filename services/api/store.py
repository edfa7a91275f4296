"""The only reader of Postgres in the API. Away, it says so at once; whatever is live goes on without it."""

import asyncio
import json
import time
from collections.abc import Sequence
from typing import Any, Final

import asyncpg

from services.api.errors import ApiError, away
from services.api.times import at, iso_of

Row = dict[str, Any]
POOL: Final = 4
QUERY_S: Final = 20.0
CONNECT_S: Final = 3.0
#: After a failure the next requests are answered without another attempt for so long.
PATIENCE_S: Final = 2.0
_LOST: Final = (
    OSError,
    asyncpg.PostgresConnectionError,
    asyncpg.InterfaceError,
    asyncpg.CannotConnectNowError,
    asyncpg.TooManyConnectionsError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
)
#: The recorder has not made its tables yet.
_EMPTY: Final = (asyncpg.UndefinedTableError, asyncpg.InvalidSchemaNameError, asyncpg.InvalidCatalogNameError)


class Store:
    """A small pool, made at the first question."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._pool: asyncpg.Pool | None = None
        self._lock = asyncio.Lock()
        self._failed_at = -PATIENCE_S
        self.error = ""

    async def close(self) -> None:
        if self._pool is not None:
            self._pool.terminate()
            self._pool = None

    async def fetch(self, sql: str, *arguments: Any) -> list[Row]:
        """Rows of a query; none where the tables are not there yet. Raises `ApiError` 503."""
        if not self._url or time.monotonic() - self._failed_at < PATIENCE_S:
            raise away("database")
        try:
            pool = await self._connected()
            rows = await pool.fetch(sql, *arguments, timeout=QUERY_S)
        except _EMPTY as error:
            self.error = str(error)
            return []
        except TimeoutError:
            raise ApiError(
                503,
                "database_slow",
                f"The database did not answer within {QUERY_S:.0f} s.",
                field="database",
                expected="a shorter range or a coarser interval",
                headers={"Retry-After": "5"},
            ) from None
        except _LOST as error:
            self._failed_at, self.error = time.monotonic(), str(error) or type(error).__name__
            raise away("database") from None
        self.error = ""
        return [dict(row) for row in rows]

    async def _connected(self) -> asyncpg.Pool:
        async with self._lock:
            if self._pool is None:
                try:
                    self._pool = await asyncpg.create_pool(
                        self._url, min_size=0, max_size=POOL, timeout=CONNECT_S, command_timeout=QUERY_S
                    )
                except TimeoutError as error:
                    raise ConnectionError("no connection in time") from error
            return self._pool

    async def bars(
        self, asset: str, venues: Sequence[str], from_ms: int, to_ms: int, step_s: int, limit: int
    ) -> list[Row]:
        """Bars of all markets of an asset in steps, oldest first; the newest `limit` steps of the range."""
        return await self.fetch(
            """
            WITH steps AS (
                SELECT venue, symbol, market, date_bin(make_interval(secs => $5), start, 'epoch'::timestamptz) AS step,
                       start, mid_open, mid_high, mid_low, mid_close, bid_close, ask_close, mark_close, index_close,
                       funding_rate, funding_interval_h, quotes
                FROM bars
                WHERE asset = $1 AND venue = ANY($2) AND resolution = 60 AND start >= $3 AND start < $4
                  AND start >= date_bin(make_interval(secs => $5), $4::timestamptz, 'epoch'::timestamptz)
                               - make_interval(secs => $5 * $6::double precision)
            )
            SELECT venue, symbol, market, step,
                   (array_agg(mid_open ORDER BY start) FILTER (WHERE mid_open IS NOT NULL))[1] AS mid_open,
                   max(mid_high) AS mid_high, min(mid_low) AS mid_low,
                   (array_agg(mid_close ORDER BY start DESC) FILTER (WHERE mid_close IS NOT NULL))[1] AS mid_close,
                   (array_agg(bid_close ORDER BY start DESC) FILTER (WHERE bid_close IS NOT NULL))[1] AS bid_close,
                   (array_agg(ask_close ORDER BY start DESC) FILTER (WHERE ask_close IS NOT NULL))[1] AS ask_close,
                   (array_agg(mark_close ORDER BY start DESC) FILTER (WHERE mark_close IS NOT NULL))[1] AS mark_close,
                   (array_agg(index_close ORDER BY start DESC) FILTER (WHERE index_close IS NOT NULL))[1]
                       AS index_close,
                   (array_agg(funding_rate ORDER BY start DESC) FILTER (WHERE funding_rate IS NOT NULL))[1]
                       AS funding_rate,
                   (array_agg(funding_interval_h ORDER BY start DESC) FILTER (WHERE funding_interval_h IS NOT NULL))[1]
                       AS funding_interval_h,
                   sum(quotes) AS quotes
            FROM steps GROUP BY venue, symbol, market, step ORDER BY venue, step, market, symbol
            """,
            asset,
            list(venues),
            at(from_ms),
            at(to_ms),
            float(step_s),
            float(limit),
        )

    async def next_fundings(
        self, asset: str, venues: Sequence[str], from_ms: int, to_ms: int, step_s: int
    ) -> list[Row]:
        """The next payment's time as it was known in each step."""
        return await self.fetch(
            """
            SELECT venue, symbol, date_bin(make_interval(secs => $5), minute, 'epoch'::timestamptz) AS step,
                   max(next_ts) AS next_ts
            FROM funding WHERE asset = $1 AND venue = ANY($2) AND minute >= $3 AND minute < $4
            GROUP BY venue, symbol, step ORDER BY venue, step
            """,
            asset,
            list(venues),
            at(from_ms),
            at(to_ms),
            float(step_s),
        )

    async def signals(self, asset: str | None, before_ms: int, before_id: str, limit: int) -> list[dict[str, Any]]:
        """Stored records, newest opening first, older than (time, id)."""
        rows = await self.fetch(
            """
            SELECT record FROM signals
            WHERE ($1::text IS NULL OR asset = $1) AND (opened_at, id) < ($2, $3)
            ORDER BY opened_at DESC, id DESC LIMIT $4
            """,
            asset,
            at(before_ms),
            before_id,
            limit,
        )
        return [json.loads(row["record"]) for row in rows]

    async def signal(self, signal_id: str) -> dict[str, Any] | None:
        rows = await self.fetch("SELECT record FROM signals WHERE id = $1", signal_id)
        return json.loads(rows[0]["record"]) if rows else None

    async def alerts(
        self, rule: str | None, severity: str | None, from_ms: int, before_ms: int, before_id: str, limit: int
    ) -> list[dict[str, Any]]:
        """Stored records, newest first, raised from `from_ms` on and older than (time, id)."""
        rows = await self.fetch(
            """
            SELECT record FROM alerts
            WHERE ($1::text IS NULL OR rule = $1) AND ($2::text IS NULL OR severity = $2)
              AND at >= $3 AND (at, id) < ($4, $5)
            ORDER BY at DESC, id DESC LIMIT $6
            """,
            rule,
            severity,
            at(from_ms),
            at(before_ms),
            before_id,
            limit,
        )
        return [json.loads(row["record"]) for row in rows]

    async def statistics(self) -> dict[str, Any]:
        """Sizes and reach of each table; rows are the planner's estimates where counting would take long."""
        tables = await self.fetch("SELECT * FROM history.storage ORDER BY table_name")
        if not tables:
            return {}
        rows = await self.fetch(
            """
            SELECT pg_database_size(current_database()) AS bytes, (SELECT count(*) FROM gaps) AS gaps,
                   (SELECT count(*) FROM rejected) AS rejected, (SELECT max(at) FROM maintenance) AS maintained
            """
        )
        return {**rows[0], "tables": {row["table_name"]: _reach(row) for row in tables}}


def _reach(row: Row) -> Row:
    times = {end: iso_of(row[end]) for end in ("oldest", "newest")}
    return {"rows": row["rows"], "bytes": row["bytes"], "days": row["days"], **times}
