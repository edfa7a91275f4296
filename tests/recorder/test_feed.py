"""One feed over a real Redis and Postgres: what the clock that closes bars goes by."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import asyncpg
import pytest
from redis.asyncio import Redis

from services.recorder import feed as recorder_feed
from services.recorder import store
from services.recorder.choice import WatchList
from services.recorder.feed import Feed
from services.recorder.folders import MARKET_KINDS, MarketFolder
from services.recorder.migrate import migrate, migrations
from shared import streams
from shared.bus import incarnation_of
from shared.codec import encode_batch
from shared.events import Event, Funding, Quote
from tests.shared.tools import until

VENUE = "alpha"
KEYS = {kind: streams.market_data(0, VENUE, kind) for kind in MARKET_KINDS}
T0 = 1_900_000_020_000  # a whole minute


class Bus:
    """Writes batches of one producer under ids of their own."""

    def __init__(self, client: Redis) -> None:
        self.client = client
        self.seqs = dict.fromkeys(KEYS, 0)

    async def write(self, kind: str, ids: range, make: Callable[[int], Event]) -> None:
        async with self.client.pipeline(transaction=False) as pipe:
            for ms in ids:
                body = encode_batch("p1", self.seqs[kind], [make(ms)])
                self.seqs[kind] += 1
                pipe.xadd(KEYS[kind], {streams.FIELD: body}, id=f"{ms}-0")
            await pipe.execute()


def quote(ms: int) -> Event:
    return Quote("A/USDT:USDT", "1", "1", "2", "1", None, ms * 1_000_000)


def funding(ms: int) -> Event:
    return Funding("A/USDT:USDT", "0.0001", "8", None, None, None, ms * 1_000_000)


@asynccontextmanager
async def following(client: Redis, url: str, **options: Any) -> AsyncIterator[tuple[Feed, asyncpg.Pool]]:
    connection, files = await asyncpg.connect(url), migrations()
    await migrate(connection, files)
    await connection.close()
    async with asyncpg.create_pool(url, min_size=1, max_size=2, init=store.prepare) as pool:
        folder, stop = MarketFolder(VENUE, WatchList()), asyncio.Event()
        feed = Feed("md:{0}:alpha:*", list(KEYS.values()), folder, files[-1].version, **options)
        await feed.load(client, pool, await incarnation_of(client))
        task = asyncio.create_task(feed.follow(client, pool, stop, lambda: False))
        try:
            yield feed, pool
        finally:
            stop.set()
            await task


async def minutes(pool: asyncpg.Pool) -> list[tuple[int, int]]:
    """(minutes since T0, quotes) of the stored bars."""
    rows = await pool.fetch("SELECT extract(epoch FROM start)::bigint AS start, quotes FROM bars ORDER BY start")
    return [((row["start"] * 1000 - T0) // 60_000, row["quotes"]) for row in rows]


async def test_a_sparse_stream_that_is_ahead_closes_nothing_of_a_busy_one(
    redis_client: Redis, postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recorder_feed, "COMMIT_S", 0.0)  # a commit after each read
    bus = Bus(redis_client)
    await bus.write("quote", range(T0, T0 + 600_000, 100), quote)
    await bus.write("funding", range(T0, T0 + 605_000, 1000), funding)
    async with following(redis_client, postgres_url) as (feed, pool):
        await until(lambda: feed.events == 6605 and feed.rows >= 20)
        assert isinstance(feed.folder, MarketFolder)
        assert feed.folder.late == 0
        assert [count for _, count in await minutes(pool)][:10] == [600] * 10


async def test_in_a_replay_the_present_closes_no_bar(redis_client: Redis, postgres_url: str) -> None:
    bus = Bus(redis_client)
    start = T0 - 300_000_000_000
    await bus.write("quote", range(start, start + 10_000, 1000), quote)
    async with following(redis_client, postgres_url, recorded=True) as (feed, pool):
        await until(lambda: feed.commits == 2)
        assert await minutes(pool) == []
        await bus.write("quote", range(start + 10_000, start + 60_000, 1000), quote)
        await bus.write("quote", range(start + 63_000, start + 64_000, 1000), quote)
        await until(lambda: feed.rows == 1)
        assert [count for _, count in await minutes(pool)] == [60]
        assert isinstance(feed.folder, MarketFolder)
        assert feed.folder.late == 0
