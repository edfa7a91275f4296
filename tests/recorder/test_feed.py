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
from services.recorder.folders import MARKET_KINDS, ConfigFolder, MarketFolder
from services.recorder.migrate import migrate, migrations
from shared import streams
from shared.bus import incarnation_of
from shared.codec import encode_batch
from shared.events import Event, Funding, Quote
from shared.settings_store import RuntimeStore
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
        await until(lambda: feed.commits >= 2)
        assert await minutes(pool) == []
        await bus.write("quote", range(start + 10_000, start + 60_000, 1000), quote)
        await bus.write("quote", range(start + 63_000, start + 64_000, 1000), quote)
        await until(lambda: feed.rows == 1)
        assert [count for _, count in await minutes(pool)] == [60]
        assert isinstance(feed.folder, MarketFolder)
        assert feed.folder.late == 0


FULL = """
CREATE FUNCTION full_disk() RETURNS trigger LANGUAGE plpgsql AS
  $$ BEGIN RAISE EXCEPTION 'could not extend file: No space left on device' USING ERRCODE = 'disk_full'; END $$;
CREATE TRIGGER full_disk BEFORE INSERT ON bars FOR EACH ROW EXECUTE FUNCTION full_disk();
"""


async def test_a_full_disk_is_said_once_and_what_it_kept_from_being_stored_is_stored_later(
    redis_client: Redis, postgres_url: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(recorder_feed, "COMMIT_S", 0.0)
    bus = Bus(redis_client)
    async with following(redis_client, postgres_url) as (feed, pool):
        await pool.execute(FULL)
        await bus.write("quote", range(T0, T0 + 120_000, 1000), quote)
        await until(lambda: feed.trouble)
        assert feed.trouble.startswith("Postgres has no room left on its disk: could not extend file")
        assert await pool.fetchval("SELECT count(*) FROM bars") == 0
        position = await pool.fetchval("SELECT max(last_id) FROM stream_position")
        assert position is None or int(position.partition("-")[0]) < T0 + 62_000  # before the first bar was due
        await pool.execute("DROP TRIGGER full_disk ON bars")
        await until(lambda: not feed.trouble and feed.rows)
        assert [minute for minute, _ in await minutes(pool)][:1] == [0]
    said = [record for record in caplog.records if "no room left" in record.getMessage()]
    assert len(said) == 1


async def test_an_event_that_is_no_number_stands_aside_and_the_feed_goes_on(
    redis_client: Redis, postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recorder_feed, "COMMIT_S", 0.0)
    bus = Bus(redis_client)
    bad = T0 + 5_000

    def mixed(ms: int) -> Event:
        return Quote("A/USDT:USDT", "1O" if ms == bad else "1", "1", "2", "1", None, ms * 1_000_000)

    await bus.write("quote", range(T0, T0 + 60_000, 1000), mixed)
    await redis_client.xadd(KEYS["quote"], {streams.FIELD: b"no batch"}, id=f"{T0 + 65_000}-0")
    await redis_client.xadd(KEYS["quote"], {"v0": "x"}, id=f"{T0 + 65_001}-0")
    async with following(redis_client, postgres_url) as (feed, pool):
        await until(lambda: feed.rejected == 3 and feed.rows >= 2)
        rows = await pool.fetch("SELECT target, payload, reason FROM rejected ORDER BY target, id")
        assert [row["target"] for row in rows] == ["entry", "entry", "event"]
        assert b"no batch".hex() in rows[0]["payload"]
        assert rows[1]["reason"] == "it has no field v1"
        assert '"1O"' in rows[2]["payload"]
        assert [count for _, count in await minutes(pool)] == [59]


async def test_a_wiped_redis_is_a_gap_and_reading_begins_anew(
    redis_client: Redis, postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recorder_feed, "COMMIT_S", 0.0)
    bus = Bus(redis_client)
    await bus.write("quote", range(T0, T0 + 10_000, 1000), quote)
    async with following(redis_client, postgres_url) as (feed, pool):
        await until(lambda: feed.events == 10 and feed.before)
        await redis_client.flushall()
        await Bus(redis_client).write("quote", range(T0 + 20_000, T0 + 30_000, 1000), quote)
        # the same numbers of the same producer were seen; another's are not
        await redis_client.xadd(
            KEYS["quote"], {streams.FIELD: encode_batch("p2", 0, [quote(T0 + 40_000)])}, id=f"{T0 + 40_000}-0"
        )
        await until(lambda: feed.events == 11 and feed.gaps)
        rows = await pool.fetch("SELECT reason FROM gaps WHERE stream = $1", KEYS["quote"])
        assert [row["reason"] for row in rows] == ["redis_reset"]


async def test_changes_of_settings_are_kept(redis_client: Redis, postgres_url: str) -> None:
    store_of = RuntimeStore(redis_client)
    await store_of.write({"enter_bps": 70.0}, 0)
    await store_of.write({"symbol": "ETH"}, 1)
    connection, files = await asyncpg.connect(postgres_url), migrations()
    await migrate(connection, files)
    async with asyncpg.create_pool(postgres_url, min_size=1, max_size=2, init=store.prepare) as pool:
        feed = Feed(streams.CONFIG_CHANGES, [streams.CONFIG_CHANGES], ConfigFolder(), files[-1].version)
        await feed.load(redis_client, pool, await incarnation_of(redis_client))
        stop = asyncio.Event()
        task = asyncio.create_task(feed.follow(redis_client, pool, stop, lambda: False))
        await until(lambda: feed.events == 2)
        stop.set()
        await task
    rows = await connection.fetch("SELECT version, changes FROM history.config_changes ORDER BY version")
    await connection.close()
    assert [tuple(row) for row in rows] == [(1, '{"enter_bps": 70.0}'), (2, '{"symbol": "ETH"}')]
