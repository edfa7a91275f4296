"""Partitions are divided evenly, wherever that is worked out, and a free one is known as such."""

from hypothesis import given
from hypothesis import strategies as st

from services.scanner import lease
from services.scanner.sharing import NAME, Share, assigned
from shared.bus import Redis
from shared.streams import members, scan

NAMES = st.sets(st.text(min_size=1, max_size=8), max_size=9)


@given(names=NAMES, partitions=st.integers(1, 64))
def test_every_partition_has_one_member_and_shares_are_even(names: set[str], partitions: int) -> None:
    table = assigned(names, partitions)
    assert table == assigned(sorted(names, reverse=True), partitions)
    assert list(table) == (list(range(partitions)) if names else [])
    if names:
        counts = [list(table.values()).count(name) for name in names]
        assert max(counts) <= -(-partitions // len(names))


async def test_members_see_each_other_come_and_go(redis_client: Redis) -> None:
    one, two = Share(redis_client, "one", 5), Share(redis_client, "two", 5)
    await one.beat()
    assert one.mine == frozenset(range(5))
    await two.beat()
    await one.beat()
    assert one.mine | two.mine == frozenset(range(5))
    assert not one.mine & two.mine
    assert {len(one.mine), len(two.mine)} == {2, 3}
    await two.leave()
    await one.beat()
    assert (one.mine, two.mine) == (frozenset(range(5)), frozenset())
    assert await redis_client.zcard(members(NAME)) == 1


async def test_a_partition_is_free_without_a_lease_that_runs(redis_client: Redis) -> None:
    share = Share(redis_client, "one", 1)
    assert await share.free(0)
    fence = await lease.claim(redis_client, 0, "two")
    assert not await share.free(0)
    await lease.release(redis_client, 0, fence)
    assert await share.free(0)
    await lease.claim(redis_client, 0, "two")
    await redis_client.hset(scan(0), "until", "1")
    assert await share.free(0)
