"""Readers against a real Redis: nothing twice, nothing passed over in silence."""

import asyncio
import json
from typing import Any

import pytest

from shared import reader as reading
from shared import streams
from shared.bus import AWAY, Redis, connect, incarnation_of
from shared.codec import encode_batch, encode_event
from shared.events import Event, State
from shared.reader import Entry, StreamReader, late_join, newer, newest_id
from tests.shared.proxy import FaultProxy
from tests.shared.tools import LAST_QUOTES, LIMIT_S, QUOTES, TRADES, OwnRedis, quote, trade, until, writer


@pytest.fixture(autouse=True)
def _check_at_every_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "CHECK_S", 0.0)


async def put(client: Redis, key: str, producer: str, seq: int, *events: Event, at: str = "*") -> str:
    entry_id: Any = await client.xadd(key, {"v1": encode_batch(producer, seq, list(events))}, id=at)
    return str(entry_id.decode())


def seqs(entries: list[Entry]) -> list[int]:
    return [entry.batch.seq for entry in entries if entry.batch is not None]


async def test_batches_come_once_though_they_are_in_the_stream_twice(redis_client: Redis) -> None:
    reader = StreamReader(redis_client, [QUOTES], {})
    for seq in (0, 1, 1, 0, 2):
        await put(redis_client, QUOTES, "a", seq, quote(seq))
    assert seqs(await reader.read(100)) == [0, 1, 2]
    assert reader.dropped == 2
    assert reader.take_losses() == []


async def test_a_late_joiner_begins_behind_the_newest_entry(redis_client: Redis) -> None:
    await put(redis_client, QUOTES, "a", 5)
    reader = StreamReader(redis_client, [QUOTES])
    assert await reader.read(10) == []
    await put(redis_client, QUOTES, "a", 6)
    assert seqs(await reader.read(100)) == [6]


async def test_a_hole_in_the_numbers_is_marked_at_once_and_counted_after_five_seconds(redis_client: Redis) -> None:
    reader = StreamReader(redis_client, [QUOTES], {})
    for at, seq in (("1000-0", 0), ("1001-0", 3), ("1002-0", 4)):
        await put(redis_client, QUOTES, "a", seq, at=at)
    assert [entry.jump for entry in await reader.read(10)] == [False, True, False]
    assert reader.missed_batches == 0
    await put(redis_client, QUOTES, "a", 2, at="1500-0")
    await put(redis_client, QUOTES, "a", 5, at="6002-0")
    assert seqs(await reader.read(10)) == [2, 5]
    assert [(loss.reason, loss.seqs) for loss in reader.take_losses()] == [("missing", {"a": [1]})]
    assert reader.missed_batches == 1


async def test_what_is_trimmed_before_it_is_read_is_counted(redis_client: Redis) -> None:
    reader = StreamReader(redis_client, [QUOTES], {})
    await put(redis_client, QUOTES, "a", 0)
    await reader.read(10)
    for seq in range(1, 31):
        await put(redis_client, QUOTES, "a", seq)
    await redis_client.xtrim(QUOTES, maxlen=10, approximate=False)
    assert seqs(await reader.read(10)) == list(range(21, 31))
    assert [(loss.reason, loss.entries) for loss in reader.take_losses()] == [("trimmed", 20)]
    assert reader.missed_entries == 20


async def test_an_entry_that_is_no_batch_is_counted_and_passed(redis_client: Redis) -> None:
    reader = StreamReader(redis_client, [QUOTES], {})
    await redis_client.xadd(QUOTES, {"v1": b"\xff not msgpack"})
    await redis_client.xadd(QUOTES, {"v2": b"of a later schema"})
    await put(redis_client, QUOTES, "a", 0)
    assert seqs(await reader.read(10)) == [0]
    assert reader.rejected == 2


async def test_a_reader_goes_on_from_its_dump_without_loss_or_repetition(redis_client: Redis) -> None:
    reader = StreamReader(redis_client, [QUOTES, TRADES], {})
    await put(redis_client, QUOTES, "a", 0)
    await put(redis_client, TRADES, "a", 0)
    await reader.read(10)
    state = json.loads(json.dumps(reader.dump()))
    await put(redis_client, QUOTES, "a", 0)
    await put(redis_client, QUOTES, "a", 1)
    again = StreamReader(redis_client, [QUOTES, TRADES], state=state)
    assert seqs(await again.read(10)) == [1]
    assert (again.dropped, again.take_losses()) == (1, [])


async def test_a_wiped_redis_is_noticed_and_read_from_its_start(redis_client: Redis) -> None:
    reader = StreamReader(redis_client, [QUOTES], {})
    await put(redis_client, QUOTES, "a", 0, at="900000-0")
    await reader.read(10)
    await redis_client.flushall()
    await put(redis_client, QUOTES, "a", 1, at="900001-0")  # above the position: only the incarnation tells
    assert seqs([*await reader.read(10), *await reader.read(10)]) == [1]
    assert [loss.reason for loss in reader.take_losses()] == ["redis_reset"]
    assert reader.resets == 1


async def test_a_stream_made_anew_is_read_though_its_ids_are_below_the_position(redis_client: Redis) -> None:
    reader = StreamReader(redis_client, [QUOTES], {})
    await put(redis_client, QUOTES, "a", 0, at="900000-0")
    await reader.read(10)
    await redis_client.delete(QUOTES)
    await put(redis_client, QUOTES, "a", 0, at="5-0")
    await put(redis_client, QUOTES, "a", 1, at="6-0")
    assert seqs([*await reader.read(10), *await reader.read(10)]) == [1]
    assert [loss.reason for loss in reader.take_losses()] == ["redis_reset"]


async def test_keys_may_be_added_while_reading(redis_client: Redis) -> None:
    reader = StreamReader(redis_client, [QUOTES], {})
    await put(redis_client, TRADES, "a", 0)
    reader.add_keys([TRADES, QUOTES])
    assert [entry.key for entry in await reader.read(10)] == [TRADES]
    assert set(reader.positions) == {QUOTES, TRADES}


async def test_a_reader_without_keys_returns_at_once(redis_client: Redis) -> None:
    assert await StreamReader(redis_client, [], {}).read(1000) == []


async def test_a_broken_connection_is_told_and_the_next_read_goes_on(proxy: FaultProxy, redis_client: Redis) -> None:
    client = connect(f"redis://127.0.0.1:{proxy.port}/0")
    reader = StreamReader(client, [QUOTES], {})
    await put(redis_client, QUOTES, "a", 0)
    assert seqs(await reader.read(10)) == [0]
    await put(redis_client, QUOTES, "a", 1)
    proxy.lose_replies = True
    reading = asyncio.ensure_future(reader.read(10))
    await until(lambda: proxy.lost_bytes)
    proxy.cut()
    with pytest.raises(AWAY):
        await reading
    proxy.lose_replies = False
    assert seqs(await reader.read(10)) == [1]
    await client.aclose()


async def test_a_killed_redis_comes_back_with_what_was_flushed_and_nothing_is_read_twice(own_redis: OwnRedis) -> None:
    made = writer(own_redis.url)
    await made.start()
    client = connect(own_redis.url)
    reader = StreamReader(client, [TRADES], {})
    found: list[Entry] = []
    for number in range(100):
        made.append(TRADES, trade(number))
    await until(lambda: made.counters.sent_events == 100)
    found += await reader.read(10)
    own_redis.kill()  # within the second that is not flushed: what was read may be gone from Redis
    made.append(TRADES, trade(100))
    own_redis.start()
    await until(lambda: made.counters.sent_events == 101)
    async with asyncio.timeout(LIMIT_S):
        while not found[-1].batch or found[-1].batch.events != [trade(100)]:
            found += [entry for entry in await reader.read(100) if entry.batch and entry.batch.events]
    numbers = [event for entry in found if entry.batch for event in entry.batch.events]
    assert numbers == [trade(number) for number in range(101)]
    await made.close(1)
    await client.aclose()


async def test_a_late_joiner_has_the_newest_of_every_symbol(redis_client: Redis) -> None:
    symbols = [f"C{number}/USDT" for number in range(20)]
    entry_id = ""
    for seq in range(40):
        at = f"{100_000 + 50 * seq}-0"
        entry_id = await put(redis_client, QUOTES, "a", seq, quote(seq, symbols[seq % 20]), at=at)
    for number, symbol in enumerate(symbols):  # the hash is behind for half of them
        await redis_client.hset(LAST_QUOTES, symbol, encode_event(quote(number + 20 * (number % 2), symbol)))
    stale = State(symbols[0], "stale", "silent", 5)
    await redis_client.hset(LAST_QUOTES, "x:" + symbols[0], encode_event(stale))
    held, start = await late_join(redis_client, 0, "sim", "quote")
    assert held.pop("x:" + symbols[0]) == stale
    assert int(start.partition("-")[0]) == int(entry_id.partition("-")[0]) - 2000
    reader = StreamReader(redis_client, [QUOTES], {QUOTES: start})
    for entry in await reader.read(10):
        for event in entry.batch.events if entry.batch else ():
            if event.symbol is not None and newer(event, held.get(event.symbol)):
                held[event.symbol] = event
    assert held == {symbol: quote(number + 20, symbol) for number, symbol in enumerate(symbols)}


async def test_a_late_joiner_of_nothing_begins_at_the_start(redis_client: Redis) -> None:
    assert await late_join(redis_client, 0, "sim", "quote") == ({}, "0-0")
    assert await newest_id(redis_client, QUOTES) == "0-0"


def test_newer_goes_by_venue_time_and_by_receipt_where_there_is_none() -> None:
    by_venue, by_receipt = quote(10), State("BTC/USDT", "up", "", 1_700_000_000_000_000_010)
    assert newer(by_venue, None)
    assert newer(quote(10), by_venue)
    assert not newer(quote(9), by_venue)
    assert newer(by_receipt, by_venue)


async def test_the_incarnation_is_named_by_whoever_looks_first(redis_client: Redis) -> None:
    first = await incarnation_of(redis_client)
    assert await incarnation_of(redis_client) == first
    await redis_client.delete(streams.META_INCARNATION)
    assert await incarnation_of(redis_client) != first
