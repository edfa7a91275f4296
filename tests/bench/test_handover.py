"""When a partition counts as served again after a blow at its owner."""

import time

import msgspec

from bench.handover import Watch, pid_of, summary
from services.scanner import lease
from shared.bus import Redis
from shared.streams import scan

VICTIM, HEIR = "some-host-77-abc123", "some-host-78-abc124"
#: Behind by less than nothing: it reaches the present for longer than any machine stands still.
NOW_MS = -600_000


async def own(client: Redis, member: str) -> None:
    """The partition is its own, and the lease does not run out by itself."""
    await lease.claim(client, 0, member)
    await client.hset(scan(0), "until", str(2**53))


async def checkpoint(client: Redis, behind_ms: int, number: int) -> None:
    """One that reaches to so long ago."""
    seconds, micros = await client.time()
    reach = seconds * 1000 + micros // 1000 - behind_ms
    positions = {"md:{0}:alpha:quote": f"{reach}-{number}", "md:{0}:_ctl:x": "1700000000000-0"}
    await client.hset(scan(0), "ckpt", msgspec.msgpack.encode({"format": 1, "positions": positions}))


async def test_a_partition_is_served_again_once_a_new_checkpoint_reaches_the_present(redis_client: Redis) -> None:
    watch = Watch(redis_client, 1)
    await own(redis_client, VICTIM)
    await checkpoint(redis_client, NOW_MS, 0)
    assert await watch.hit([78], "kill", time.monotonic()) == []
    assert watch.steady()
    assert await watch.hit([77], "kill", time.monotonic()) == [0]
    assert not watch.steady()
    await redis_client.hset(scan(0), "until", "0")
    await own(redis_client, HEIR)
    await watch.look()
    assert not watch.steady()
    await checkpoint(redis_client, 9000, 1)
    await watch.look()
    assert not watch.steady()
    assert await watch.hit([78], "stop", time.monotonic()) == [0]
    await checkpoint(redis_client, NOW_MS, 2)
    await watch.look()
    assert watch.steady()
    (found,) = watch.outages
    assert (found.partition, found.fault, found.hits, found.moved) == (0, "stop", 2, True)
    assert found.behind_s >= 9
    assert summary(watch.outages)["moved"] == 1


def test_the_process_of_a_member() -> None:
    assert pid_of(VICTIM) == 77
    assert pid_of("") == 0
