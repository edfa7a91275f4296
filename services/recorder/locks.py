"""Which recorder serves a feed: advisory locks of one connection, gone with the process.

A lock only keeps two recorders from doing the same work; what keeps the rows right is the position (`Fenced`).
"""

import asyncio

import asyncpg


class Locks:
    """The advisory locks of this process. Methods raise what asyncpg raises while Postgres is away."""

    def __init__(self, url: str) -> None:
        self._url, self._turn = url, asyncio.Lock()
        self._connection: asyncpg.Connection | None = None

    async def take(self, name: str) -> bool:
        """True if the lock is ours now; a lock that this process holds already is not taken twice."""
        async with self._turn:
            if self._connection is None or self._connection.is_closed():
                self._connection = await asyncpg.connect(self._url, timeout=10)
            return bool(await self._connection.fetchval("SELECT pg_try_advisory_lock(hashtextextended($1, 0))", name))

    async def release(self, name: str) -> None:
        async with self._turn:
            if self._connection is not None and not self._connection.is_closed():
                await self._connection.execute("SELECT pg_advisory_unlock(hashtextextended($1, 0))", name)

    async def close(self) -> None:
        if self._connection is not None and not self._connection.is_closed():
            await self._connection.close()
