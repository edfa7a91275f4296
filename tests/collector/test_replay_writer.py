"""The streams of a replay: ids of the recording's time, in one order, whole after a break."""

import asyncio
from typing import Any

import pytest
from redis.asyncio import Redis

from services.collector.replay_writer import MS, ReplayWriter, seconds_after
from shared.bus import connect
from shared.codec import decode_batch
from shared.events import Quote, State, Trade
from shared.service import CannotServeError
from shared.streams import RETENTION_MS, last, market_data
from tests.shared.proxy import faulty
from tests.shared.tools import until

T0 = 1_626_992_760_000
KEY, TRADES = market_data(0, "alpha", "quote"), market_data(0, "alpha", "trade")


def quote(at_ms: int, bid: str = "1") -> Quote:
    return Quote("A/USDT", bid, "1", "2", "1", None, at_ms * MS)


async def entries(client: Redis, key: str) -> list[tuple[str, int, int]]:
    """(id, batch number, events) of a stream."""
    rows: Any = await client.xrange(key)
    batches = [(name.decode(), decode_batch(fields[b"v1"])) for name, fields in rows]
    return [(name, batch.seq, len(batch.events)) for name, batch in batches]


async def test_an_entry_has_the_recorded_time_and_a_quiet_stream_a_pulse_a_second(redis_client: Redis) -> None:
    writer = ReplayWriter(redis_client, "p", RETENTION_MS)
    writer.now(T0 * MS)
    writer.append(KEY, quote(T0))
    writer.append(TRADES, Trade("A/USDT", "1", "1", "buy", "1", None, T0 * MS))
    for at in (T0 + 900, T0 + 1700, T0 + 2600):
        writer.now(at * MS)
        writer.append(KEY, quote(at))
        writer.append(KEY, quote(at, "1.5"))
    await writer.send()
    assert await entries(redis_client, KEY) == [
        (f"{T0}-0", 0, 1),
        (f"{T0 + 900}-0", 1, 2),
        (f"{T0 + 1700}-0", 2, 2),
        (f"{T0 + 2600}-0", 3, 2),
    ]
    assert await entries(redis_client, TRADES) == [
        (f"{T0}-0", 0, 1),
        (f"{T0 + 1000}-0", 1, 0),
        (f"{T0 + 2000}-0", 2, 0),
    ]
    assert writer.written == {"alpha": 8}


async def test_over_a_hole_there_is_no_pulse(redis_client: Redis) -> None:
    writer = ReplayWriter(redis_client, "p", RETENTION_MS)
    for at in (T0, T0 + 86_400_000):
        writer.now(at * MS)
        writer.append(KEY, quote(at))
    await writer.send()
    assert len(await entries(redis_client, KEY)) == 2


async def test_a_burst_of_one_moment_is_cut_into_batches(redis_client: Redis) -> None:
    writer = ReplayWriter(redis_client, "p", RETENTION_MS)
    writer.now(T0 * MS)
    for _ in range(70):
        writer.append(KEY, quote(T0))
    await writer.send()
    assert await entries(redis_client, KEY) == [(f"{T0}-0", 0, 32), (f"{T0}-1", 1, 32), (f"{T0}-2", 2, 6)]


async def test_last_values_and_states_stand_side_by_side_until_they_go(redis_client: Redis) -> None:
    writer, hash_ = ReplayWriter(redis_client, "p", RETENTION_MS), last(0, "alpha", "quote")
    writer.now(T0 * MS)
    writer.outlet(KEY)([quote(T0)])
    writer.put_last(hash_, "A/USDT", quote(T0))
    writer.put_last(hash_, "A/USDT", State("A/USDT", "up", "data", T0 * MS))
    await writer.send()
    assert sorted(await redis_client.hkeys(hash_)) == [b"A/USDT", b"x:A/USDT"]
    writer.delete_last(hash_, "A/USDT")
    await writer.send()
    assert await redis_client.hlen(hash_) == 0


async def test_a_break_in_the_middle_doubles_and_loses_nothing(redis_server: int, redis_client: Redis) -> None:
    async with faulty(redis_server) as proxy, connect(f"redis://127.0.0.1:{proxy.port}/0") as client:
        writer = ReplayWriter(client, "p", RETENTION_MS)
        for at in range(T0, T0 + 1200):
            writer.now(at * MS)
            writer.append(KEY, quote(at))
        await client.ping()
        proxy.lose_replies = True
        sending = asyncio.ensure_future(writer.send())
        await until(lambda: redis_client.exists(KEY))
        await until(lambda: proxy.lost_bytes)
        proxy.lose_replies = False
        proxy.cut()
        await sending
    found = await entries(redis_client, KEY)
    assert [number for _, number, _ in found] == list(range(1200))
    assert writer.written == {"alpha": 1200}


async def test_streams_that_are_ahead_refuse_a_replay_in_one_sentence(redis_client: Redis) -> None:
    await redis_client.xadd(KEY, {"v1": b""}, f"{T0 + 5}-0")
    writer = ReplayWriter(redis_client, "p", RETENTION_MS)
    writer.now(T0 * MS)
    writer.append(KEY, quote(T0))
    with pytest.raises(CannotServeError, match="a replay needs a Redis of its own"):
        await writer.send()


async def test_short_memory_costs_the_oldest(redis_client: Redis) -> None:
    await redis_client.config_set("maxmemory", (await redis_client.info("memory"))["used_memory"] + (2 << 20))
    try:
        writer = ReplayWriter(redis_client, "p", RETENTION_MS)
        for second in range(0, 1800, 10):
            writer.now((T0 + second * 1000) * MS)
            for _ in range(1000):
                writer.append(KEY, quote(T0 + second * 1000))
            await writer.send()
    finally:
        await redis_client.config_set("maxmemory", 1 << 30)
    assert writer.written == {"alpha": 180 * 1000}
    found = await entries(redis_client, KEY)
    assert found[-1][0] == f"{T0 + 1_790_000}-32"
    assert found[0][0] > f"{T0 + 600_000}"


async def test_what_was_written_is_kept_by_the_clock_of_its_readers(redis_client: Redis) -> None:
    clock = [1000.0]
    writer = ReplayWriter(redis_client, "p", RETENTION_MS, clock=lambda: clock[0])
    for second in range(400):  # a second of the clock for a day of the recording
        writer.now((T0 + second * 86_400_000) * MS)
        for _ in range(256):
            writer.append(KEY, quote(T0))
        await writer.send()
        clock[0] += 1
        if second == 100:
            assert (await entries(redis_client, KEY))[0][1] == 0, "nothing is older than two minutes"
    kept = (await entries(redis_client, KEY))[0][1] // 8
    assert 400 - 120 - 20 < kept <= 400 - 120


def test_seconds_after_are_whole() -> None:
    assert list(seconds_after(1_500_000_000, 4_000_000_000)) == [2_000_000_000, 3_000_000_000, 4_000_000_000]
