"""Ownership of a partition and what only the owner may write."""

import asyncio

import pytest

from services.scanner import lease
from services.scanner.resume import pairs, send
from services.scanner.wire import Wire
from shared import fences
from shared.bus import Redis
from shared.streams import open_signals, scan, signals


@pytest.fixture(autouse=True)
def lasting(monkeypatch: pytest.MonkeyPatch) -> None:
    """A lease runs out when a test says so."""
    monkeypatch.setattr(fences, "TTL_MS", 600_000)


async def test_one_owner_at_a_time_and_a_higher_fence_for_the_next(redis_client: Redis) -> None:
    assert await lease.claim(redis_client, 0, "one") == 1
    assert await lease.claim(redis_client, 0, "two") == 0
    assert await lease.claim(redis_client, 0, "one") == 1
    await lease.release(redis_client, 0, 1)
    assert await lease.claim(redis_client, 0, "two") == 2
    await lease.release(redis_client, 0, 1)
    assert await lease.claim(redis_client, 0, "one") == 0, "the old owner cannot release what is not its own"


async def late(client: Redis, by_ms: int) -> None:
    """The lease ran out so long ago."""
    seconds, micros = await client.time()
    await client.hset(scan(0), "until", seconds * 1000 + micros // 1000 - by_ms)


async def test_who_finds_its_lease_run_out_goes_on_under_its_fence_unless_it_was_replaced(redis_client: Redis) -> None:
    assert await lease.claim(redis_client, 0, "one") == 1
    await late(redis_client, 30_000)
    assert await lease.renew(redis_client, 0, "one", 1)
    assert await lease.claim(redis_client, 0, "two") == 0, "it is the first one's again"
    await late(redis_client, 1)
    assert await lease.claim(redis_client, 0, "two") == 2
    await late(redis_client, 1)
    assert not await lease.renew(redis_client, 0, "one", 1)
    assert not await lease.renew(redis_client, 0, "two", 1)
    await late(redis_client, 120_000)
    assert not await lease.renew(redis_client, 0, "two", 2), "the streams may not hold any more what it has not read"
    with pytest.raises(lease.Fenced):
        await lease.keep(redis_client, 0, "two", 2, asyncio.Event())
    await lease.claim(redis_client, 0, "two")
    await lease.release(redis_client, 0, 3)
    assert not await lease.renew(redis_client, 0, "two", 3)
    await redis_client.flushall()
    assert not await lease.renew(redis_client, 0, "two", 3)


async def test_the_old_owner_writes_nothing(redis_client: Redis, redis_url: str) -> None:
    await lease.claim(redis_client, 0, "one")
    await redis_client.hset(scan(0), "until", "0")
    await lease.claim(redis_client, 0, "two")
    wire = Wire(redis_url)
    await wire.open()
    for command in (lease.commit(0, 1, "id", 0, b'{"rev":1}', b"e"), lease.commit_checkpoint(0, 1, b"state")):
        with pytest.raises(lease.Fenced):
            await send(wire, [command])
    with pytest.raises(lease.Fenced):
        await lease.write_control(redis_client, 0, 1, b"batch")
    wire.close()
    assert await redis_client.exists(open_signals(0), signals(0), "md:{0}:_ctl:x") == 0


async def test_a_transition_is_written_once_whoever_repeats_it(redis_client: Redis, redis_url: str) -> None:
    fence = await lease.claim(redis_client, 0, "one")
    wire = Wire(redis_url)
    await wire.open()
    first = lease.commit(0, fence, "id", 0, b'{"rev":1}', b"open")
    second = lease.commit(0, fence, "id", 1, b'{"rev":2}', b"close")
    assert await wire.call(first, second, first, second) == [b"OK", b"OK", b"DONE", b"DONE"]
    with pytest.raises(lease.Fenced, match="STALE"):
        await send(wire, [lease.commit(0, fence, "id", 4, b'{"rev":5}', b"close")])
    held = pairs(await wire.one("HGETALL", open_signals(0)))
    wire.close()
    assert held == {b"id": b'{"rev":2}'}
    assert await redis_client.xlen(signals(0)) == 2
