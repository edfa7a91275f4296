"""Members of a venue, by Redis's own clock."""

import asyncio

import pytest

from shared import leases, streams
from shared.bus import AWAY, Redis, connect
from shared.leases import Members
from tests.shared.proxy import FaultProxy
from tests.shared.tools import LIMIT_S


@pytest.fixture(autouse=True)
def _patient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(leases, "ANSWER_S", LIMIT_S)


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def is_expired(member: Members) -> bool:
    return member.expired


async def lease_over(client: Redis, member: str) -> None:
    """Until Redis's clock, which tells whole milliseconds, has come to the end of the lease."""
    ends_ms = await client.zscore(streams.members("sim"), member)
    while ends_ms is not None:
        seconds, micros = await client.time()
        if seconds * 1000 + micros // 1000 >= ends_ms:
            return


async def test_members_see_each_other_whatever_their_own_clocks_say(redis_client: Redis) -> None:
    early, late = Clock(), Clock()
    late.now += 3600
    one = Members(redis_client, "sim", "one", ttl_ms=600_000, clock=early)
    two = Members(redis_client, "sim", "two", ttl_ms=600_000, clock=late)
    assert (await one.beat()).members == ("one",)
    assert (await two.beat()).members == ("one", "two")
    assert (await one.beat()).members == ("one", "two")


async def test_one_that_leaves_is_gone_at_once_and_one_that_is_silent_after_its_lease(redis_client: Redis) -> None:
    one = Members(redis_client, "sim", "one")
    two = Members(redis_client, "sim", "two")
    silent = Members(redis_client, "sim", "silent", ttl_ms=1)
    for member in (silent, two, one):
        await member.beat()
    await two.leave()
    assert "two" not in (await one.beat()).members
    await lease_over(redis_client, "silent")
    assert (await one.beat()).members == ("one",)


async def test_a_member_that_stood_still_beyond_its_lease_learns_that_it_is_out(redis_client: Redis) -> None:
    clock = Clock()
    one = Members(redis_client, "sim", "one", clock=clock)
    assert not is_expired(one)
    assert not (await one.beat()).lost
    clock.now += 3.9
    assert not (await one.beat()).lost
    clock.now += 4.1
    assert is_expired(one)
    assert (await one.beat()).lost
    assert not (await one.beat()).lost


async def test_an_unreachable_redis_is_no_lost_lease(proxy: FaultProxy, redis_client: Redis) -> None:
    clock = Clock()
    client = connect(f"redis://127.0.0.1:{proxy.port}/0")
    one = Members(client, "sim", "one", clock=clock)
    await one.beat()
    await proxy.refuse()
    with pytest.raises(AWAY):
        await one.beat()
    clock.now += 60
    assert not is_expired(one)
    await proxy.listen()
    assert not (await one.beat()).lost
    await client.aclose()


async def test_a_redis_that_hangs_is_no_lost_lease(
    proxy: FaultProxy, redis_client: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = Clock()
    client = connect(f"redis://127.0.0.1:{proxy.port}/0")
    one = Members(client, "sim", "one", clock=clock)
    await one.beat()
    proxy.stall()
    monkeypatch.setattr(leases, "ANSWER_S", 0.2)
    beating = asyncio.ensure_future(one.beat())
    await asyncio.sleep(0)
    clock.now += 60
    assert not is_expired(one)
    with pytest.raises(AWAY):
        await beating
    assert not is_expired(one)
    proxy.resume()
    monkeypatch.setattr(leases, "ANSWER_S", LIMIT_S)
    assert not (await one.beat()).lost
    await client.aclose()


async def test_who_serves_a_bucket_is_told_to_all(redis_client: Redis) -> None:
    one, two = Members(redis_client, "sim", "one"), Members(redis_client, "sim", "two")
    await one.announce([])
    await one.announce([0, 5])
    await two.announce([5])
    assert (await one.beat()).owners == {0: "one", 5: "two"}


async def test_leases_are_renewed_while_memory_is_short(redis_client: Redis) -> None:
    one = Members(redis_client, "sim", "one")
    await redis_client.config_set("maxmemory", 1)
    try:
        assert (await one.beat()).members == ("one",)
        await one.announce([1])
    finally:
        await redis_client.config_set("maxmemory", "1024mb")
    assert await redis_client.hget(streams.owners("sim"), "1") == b"one"
