"""The writer against a real Redis, behaving and misbehaving."""

import asyncio
import signal
from collections.abc import AsyncIterator
from typing import Any

import pytest

from shared import streams
from shared.bus import Redis, connect
from shared.codec import Batch, decode_event
from shared.events import Event, Quote, State
from shared.outbox import BATCH_EVENTS
from shared.writer import BusRefusal, StreamWriter
from tests.shared.proxy import FaultProxy, faulty
from tests.shared.tools import (
    LAST_QUOTES,
    LIMIT_S,
    QUOTES,
    TRADES,
    OwnRedis,
    batches,
    fatal_of,
    once,
    quote,
    trade,
    trade_numbers,
    until,
    writer,
)


async def last_values(client: Redis, count: int) -> dict[str, Event]:
    """The last quotes, once there are so many of them."""
    async with asyncio.timeout(LIMIT_S):
        while True:
            rows: Any = await client.hgetall(LAST_QUOTES)
            if len(rows) == count:
                return {field.decode(): decode_event(value) for field, value in rows.items()}
            await asyncio.sleep(0.02)


def full(found: list[Batch]) -> list[Batch]:
    """Those that are no mere sign of life."""
    return [batch for batch in found if batch.events]


@pytest.fixture
async def plain(redis_url: str) -> AsyncIterator[StreamWriter]:
    made = writer(redis_url)
    await made.start()
    yield made
    await made.close(1)


async def test_events_of_one_turn_go_out_as_one_numbered_batch(plain: StreamWriter, redis_client: Redis) -> None:
    await until(lambda: plain.counters.connected)
    for number in range(3):
        plain.append(QUOTES, quote(number))
    await until(lambda: plain.counters.sent_events == 3)
    (batch,) = full(await batches(redis_client, QUOTES))
    assert (batch.producer, batch.seq, batch.events) == ("one", 0, [quote(0), quote(1), quote(2)])


async def test_a_burst_is_cut_into_full_batches_in_order(plain: StreamWriter, redis_client: Redis) -> None:
    await until(lambda: plain.counters.connected)
    total = 10 * BATCH_EVENTS + 1
    for number in range(total):
        plain.append(TRADES, trade(number))
    await until(lambda: plain.counters.sent_events == total)
    found = await batches(redis_client, TRADES)
    assert trade_numbers(found) == list(range(total))
    assert [len(batch.events) for batch in full(found)] == [BATCH_EVENTS] * 10 + [1]


async def test_events_appended_before_redis_is_there_are_sent_when_it_is(own_redis: OwnRedis) -> None:
    own_redis.kill()
    made = writer(own_redis.url)
    await made.start()
    for number in range(100):
        made.append(TRADES, trade(number))
        await asyncio.sleep(0)
    own_redis.start()
    await until(lambda: made.counters.sent_events == 100)
    await made.close(1)
    async with connect(own_redis.url) as client:
        assert trade_numbers(await batches(client, TRADES)) == list(range(100))


async def test_a_quiet_stream_gets_an_empty_batch_each_second(plain: StreamWriter, redis_client: Redis) -> None:
    plain.append(QUOTES, quote(1))
    plain.append(TRADES, trade(1))
    await until(lambda: plain.counters.sent_batches >= 6)
    for key in (QUOTES, TRADES):
        found = await batches(redis_client, key)
        assert [batch.seq for batch in found] == list(range(len(found)))
        assert not found[-1].events


async def test_a_cut_connection_loses_nothing_and_repeats_at_most_the_window(
    proxy: FaultProxy, redis_client: Redis
) -> None:
    made = writer(f"redis://127.0.0.1:{proxy.port}/0")
    await made.start()
    await until(lambda: made.counters.connected)
    for number in range(6000):
        made.append(TRADES, trade(number))
        if number % 1000 == 500:
            proxy.cut()
        if number % 3 == 0:
            await asyncio.sleep(0)
    await until(lambda: made.counters.sent_events == 6000)
    breaks = made.counters.breaks
    await made.close(1)
    found = await batches(redis_client, TRADES)
    assert trade_numbers(found) == list(range(6000))
    assert breaks >= 1
    assert len(found) - len(once(found)) <= 256 * breaks


async def test_lost_replies_repeat_the_window_under_the_same_numbers(proxy: FaultProxy, redis_client: Redis) -> None:
    made = writer(f"redis://127.0.0.1:{proxy.port}/0", answer_timeout_s=0.3)
    await made.start()
    await until(lambda: made.counters.connected)
    proxy.lose_replies = True
    for number in range(50):
        made.append(TRADES, trade(number))
        await asyncio.sleep(0)
    await until(lambda: redis_client.exists(TRADES))
    await until(lambda: made.counters.breaks)
    proxy.lose_replies = False
    await until(lambda: made.counters.sent_events == 50)
    await made.close(1)
    found = await batches(redis_client, TRADES)
    assert trade_numbers(found) == list(range(50))
    assert 0 < len(found) - len(once(found)) <= 256


async def test_a_stopped_server_gets_the_window_once_however_often_it_is_tried(own_redis: OwnRedis) -> None:
    async with faulty(own_redis.port) as proxy:
        made = writer(f"redis://127.0.0.1:{proxy.port}/0", answer_timeout_s=0.2)
        await made.start()
        await until(lambda: made.counters.connected)
        own_redis.signal(signal.SIGSTOP)
        for number in range(1000):
            made.append(TRADES, trade(number))
            await asyncio.sleep(0)
        tried = proxy.connections
        await until(lambda: proxy.connections >= tried + 4)  # the kernel takes them all
        assert made.counters.breaks == 1
        own_redis.signal(signal.SIGCONT)
        await until(lambda: made.counters.sent_events == 1000)
        breaks = made.counters.breaks
        await made.close(1)
    async with connect(own_redis.url) as client:
        found = await batches(client, TRADES)
    assert trade_numbers(found) == list(range(1000))
    assert len(found) - len(once(found)) <= 256 * breaks


async def test_nothing_is_lost_while_redis_is_away(own_redis: OwnRedis) -> None:
    async with connect(own_redis.url) as client:
        await client.config_set("appendfsync", "always")  # what it has taken outlives it
    made = writer(own_redis.url)
    await made.start()
    await until(lambda: made.counters.connected)
    sent = 0

    async def load(ticks: int) -> None:
        nonlocal sent
        for _ in range(ticks):
            for _ in range(40):
                made.append(TRADES, trade(sent))
                sent += 1
            await asyncio.sleep(0.005)

    await load(40)
    own_redis.kill()
    await load(200)
    own_redis.start()
    await load(40)
    await until(lambda: made.counters.sent_events == sent)
    counters = made.counters
    await made.close(1)
    async with connect(own_redis.url) as client:
        found = await batches(client, TRADES)
    assert trade_numbers(found) == list(range(sent))
    assert counters.dropped == counters.conflated == 0
    assert len(found) - len(once(found)) <= 256


async def test_what_a_full_backlog_lets_go_is_announced_in_the_stream_and_leaves_no_hole(own_redis: OwnRedis) -> None:
    made = writer(own_redis.url, backlog_bytes=40_000, answer_timeout_s=0.3)
    await made.start()
    await until(lambda: made.counters.connected)
    own_redis.signal(signal.SIGSTOP)
    made.append(QUOTES, quote(0, "FIRST/USDT"))
    await until(lambda: not made.counters.connected)
    symbols = [f"C{number}/USDT" for number in range(10)]
    for number in range(5000):
        made.append(QUOTES, quote(number, symbols[number % 10]))
        if number % 7 == 0:
            await asyncio.sleep(0)
        assert made.counters.backlog_bytes <= 40_000
    await asyncio.sleep(0)
    own_redis.signal(signal.SIGCONT)
    await until(lambda: made.counters.connected and not made.counters.backlog_bytes and not made.counters.in_flight)
    counters = made.counters
    await made.close(1)
    async with connect(own_redis.url) as client:
        found = once(await batches(client, QUOTES))
    assert [batch.seq for batch in found] == list(range(len(found)))
    events = [event for batch in found for event in batch.events]
    newest = {event.symbol: event for event in events if isinstance(event, Quote)}
    assert {symbol: newest[symbol] for symbol in symbols} == {
        symbol: quote(4990 + number, symbol) for number, symbol in enumerate(symbols)
    }
    gaps = [event for event in events if isinstance(event, State)]
    assert {(gap.symbol, gap.state, gap.reason) for gap in gaps} >= {(symbol, "gap", "backlog") for symbol in symbols}
    assert counters.conflated > 1000
    assert counters.dropped == 0


async def test_batches_refused_for_memory_are_sent_again_under_their_numbers(
    redis_url: str, redis_client: Redis
) -> None:
    made = writer(redis_url)
    await made.start()
    await until(lambda: made.counters.connected)
    try:
        for number in range(200):
            made.append(TRADES, trade(number))
            await asyncio.sleep(0)
            if number == 100:
                await redis_client.config_set("maxmemory", 1)
        await until(lambda: made.counters.refused)
    finally:
        await redis_client.config_set("maxmemory", "1024mb")
    await until(lambda: made.counters.sent_events == 200)
    await made.close(1)
    assert trade_numbers(await batches(redis_client, TRADES)) == list(range(200))
    assert not fatal_of(made)


async def test_memory_that_stays_short_is_made_free_from_our_own_oldest_entries(
    redis_url: str, redis_client: Redis
) -> None:
    made = writer(redis_url)
    await made.start()
    await until(lambda: made.counters.connected)
    used = (await redis_client.info("memory"))["used_memory"]
    try:
        await redis_client.config_set("maxmemory", used + (2 << 20))
        for number in range(120_000):
            made.append(QUOTES, quote(number))
            if number % 64 == 0:
                await asyncio.sleep(0)
        await until(lambda: made.counters.sent_events == 120_000)
        assert made.counters.refused
        assert made.counters.capped
    finally:
        await redis_client.config_set("maxmemory", "1024mb")
    await made.close(1)
    found = await batches(redis_client, QUOTES)
    assert max(batch.seq for batch in found) >= 120_000 // BATCH_EVENTS - 1
    assert len({batch.seq for batch in found}) == len(found)


async def test_a_key_of_another_type_is_fatal_and_ends_the_writer(redis_url: str, redis_client: Redis) -> None:
    await redis_client.set(QUOTES, "not a stream")
    made = writer(redis_url)
    await made.start()
    made.append(QUOTES, quote(1))
    await until(lambda: fatal_of(made))
    assert isinstance(fatal_of(made)[0], BusRefusal)
    assert "WRONGTYPE" in str(fatal_of(made)[0])
    made.append(QUOTES, quote(2))
    await made.close(1)
    assert len(fatal_of(made)) == 1


async def test_a_wrong_password_is_fatal_and_is_not_shown(redis_url: str) -> None:
    made = writer(redis_url.replace("redis://", "redis://nobody:hush@"))
    await made.start()
    await until(lambda: fatal_of(made))
    assert "hush" not in str(fatal_of(made)[0])
    await made.close(1)


async def test_user_password_and_database_of_the_url_are_used(redis_url: str, redis_client: Redis) -> None:
    await redis_client.acl_setuser("collector", enabled=True, passwords=["+p/w"], keys=["*"], commands=["+@all"])
    made = writer(redis_url.replace("redis://", "redis://collector:p%2Fw@").removesuffix("/0") + "/3")
    await made.start()
    made.append(QUOTES, quote(1))
    await until(lambda: made.counters.sent_events == 1)
    await made.close(1)
    assert await redis_client.exists(QUOTES) == 0
    async with connect(redis_url.removesuffix("/0") + "/3") as client:
        assert len(await batches(client, QUOTES)) >= 1
        await client.flushdb()
    await redis_client.acl_deluser("collector")


async def test_old_entries_go_by_the_clock_of_redis(redis_url: str, redis_client: Redis) -> None:
    now_s, _ = await redis_client.time()
    for age_s in (3600, 1800, 600):
        for number in range(300):  # whole nodes of entries: trimming is approximate
            await redis_client.xadd(QUOTES, {"v1": b"old"}, id=f"{(now_s - age_s) * 1000}-{number + 1}")
    made = writer(redis_url)
    await made.start()
    made.append(QUOTES, quote(1))

    async def short() -> bool:
        return await redis_client.xlen(QUOTES) < 110

    await until(short)
    await made.close(1)


async def test_a_stream_above_its_budget_loses_its_oldest_entries(redis_url: str, redis_client: Redis) -> None:
    made = writer(redis_url, memory_bytes={"quote": 200_000})
    await made.start()
    for number in range(20_000):
        made.append(QUOTES, quote(number))
        if number % 64 == 0:
            await asyncio.sleep(0)
    await until(lambda: made.counters.sent_events == 20_000)

    async def small() -> bool:
        return (await redis_client.memory_usage(QUOTES) or 0) < 300_000

    await until(small)
    await until(lambda: made.counters.capped)
    await made.close(1)
    assert (await batches(redis_client, QUOTES))[-1].seq >= 20_000 // BATCH_EVENTS - 1


async def test_last_values_are_written_once_a_second_with_the_state_beside_the_value(
    plain: StreamWriter, redis_client: Redis
) -> None:
    stale = State("BTC/USDT", "stale", "silent", 7)
    for number in range(50):
        plain.put_last(LAST_QUOTES, "BTC/USDT", quote(number))
    plain.put_last(LAST_QUOTES, "BTC/USDT", stale)
    plain.put_last(LAST_QUOTES, "ETH/USDT", quote(1, "ETH/USDT"))

    assert await last_values(redis_client, 3) == {
        "BTC/USDT": quote(49),
        "x:BTC/USDT": stale,
        "ETH/USDT": quote(1, "ETH/USDT"),
    }
    plain.delete_last(LAST_QUOTES, "BTC/USDT")
    assert list(await last_values(redis_client, 1)) == ["ETH/USDT"]


async def test_last_values_come_back_where_redis_lost_them(own_redis: OwnRedis) -> None:
    made = writer(own_redis.url)
    await made.start()
    made.put_last(LAST_QUOTES, "BTC/USDT", quote(5))
    async with connect(own_redis.url) as client:
        await last_values(client, 1)
        await client.flushall()
    own_redis.kill()
    own_redis.start()
    async with connect(own_redis.url) as client:
        await last_values(client, 1)
    await made.close(1)


async def test_close_writes_what_is_left_and_ends_within_its_time(own_redis: OwnRedis) -> None:
    made = writer(own_redis.url)
    await made.start()
    made.append(TRADES, trade(1))
    made.put_last(LAST_QUOTES, "BTC/USDT", quote(5))
    await made.close(LIMIT_S)
    async with connect(own_redis.url) as client:
        assert trade_numbers(await batches(client, TRADES)) == [1]
        assert await client.hlen(LAST_QUOTES) == 1
    own_redis.kill()
    made = writer(own_redis.url)
    await made.start()
    made.append(TRADES, trade(2))
    async with asyncio.timeout(LIMIT_S):
        await made.close(0.1)


async def test_a_kind_without_retention_is_refused_at_once(plain: StreamWriter) -> None:
    with pytest.raises(KeyError):
        plain.append("md:{0}:sim:unheard_of", quote(1))


def test_every_kind_of_the_contract_has_a_retention() -> None:
    assert set(streams.RETENTION_MS) == {"quote", "trade", "book", "mark", "funding", "liquidation", "stats"}
