"""Demand and the instruments hash, on a real Redis."""

from typing import Any, cast

import msgspec

from services.collector import demand, directory
from tests.collector.fakes import instrument


async def test_what_is_asked_for_counts_until_it_expires(redis_client: Any) -> None:
    seconds, _ = await redis_client.time()
    now_ms = seconds * 1000
    await redis_client.zadd("demand:fake:trade", {"BTC/USDT": now_ms + 60_000, "OLD/USDT": now_ms - 1})
    await redis_client.zadd("demand:fake:book", {"ETH/USDT": now_ms + 60_000})
    found = await demand.asked(redis_client, "fake")
    assert found == {"trade": frozenset({"BTC/USDT"}), "book": frozenset({"ETH/USDT"})}
    assert await redis_client.zcard("demand:fake:trade") == 1


async def test_a_fresh_listing_is_asked_for_by_a_later_expiry(redis_client: Any) -> None:
    assert await demand.listing_asked(redis_client, "fake") == 0
    await redis_client.zadd("demand:fake:instruments", {"*": 5000.0})
    assert await demand.listing_asked(redis_client, "fake") == 5000


async def test_the_instruments_hash_holds_exactly_the_listing(redis_client: Any) -> None:
    rows = [instrument(f"C{number}", market) for number in range(300) for market in ("spot", "perp")]
    await directory.write(redis_client, "fake", rows)
    assert await directory.holds(redis_client, "fake", 600)
    await directory.write(redis_client, "fake", rows[:10])
    stored = await redis_client.hgetall("instruments:fake")
    assert len(stored) == 10
    read = msgspec.msgpack.decode(stored[b"perp:C0-USDT-perp"])
    assert (read["symbol"], read["market"], read["tick_size"]) == ("C0/USDT:USDT", "perp", None)
    assert not await directory.holds(redis_client, "fake", 600)


async def test_a_change_of_the_listing_writes_what_changed_and_is_told(redis_client: Any) -> None:
    before = [instrument(f"C{number}", "spot") for number in range(5)]
    await directory.write(redis_client, "fake", before)
    told = await redis_client.hget("meta:listings", "fake")
    await directory.write(redis_client, "fake", before, list(before))
    assert await redis_client.hget("meta:listings", "fake") == told
    await redis_client.hset("instruments:fake", "spot:C1-USDT-spot", "not touched")
    after = [msgspec.structs.replace(before[0], status="halted"), *before[1:4], instrument("NEW", "spot")]
    await directory.write(redis_client, "fake", after, before)
    stored = cast(dict[bytes, bytes], await redis_client.hgetall("instruments:fake"))
    assert sorted(stored) == [
        b"spot:C0-USDT-spot",
        *(b"spot:C%d-USDT-spot" % n for n in (1, 2, 3)),
        b"spot:NEW-USDT-spot",
    ]
    assert msgspec.msgpack.decode(stored[b"spot:C0-USDT-spot"])["status"] == "halted"
    assert stored[b"spot:C1-USDT-spot"] == b"not touched"
    assert await redis_client.hget("meta:listings", "fake") != told
