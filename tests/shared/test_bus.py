"""The client, and what kind of Redis is refused."""

import asyncio
import logging

import pytest

from shared import streams
from shared.bus import AWAY, BusError, Redis, check_info, check_server, connect
from tests.shared.proxy import FaultProxy
from tests.shared.tools import QUOTES, until


async def test_the_partitions_are_those_of_the_first_who_asks(redis_client: Redis) -> None:
    assert await check_server(redis_client, 4) == await check_server(redis_client, 4)
    with pytest.raises(BusError, match=r"PARTITIONS=2.*set up with 4"):
        await check_server(redis_client, 2)


async def test_a_server_that_throws_keys_away_is_refused(redis_client: Redis) -> None:
    await redis_client.config_set("maxmemory-policy", "allkeys-lru")
    try:
        with pytest.raises(BusError, match=r"allkeys-lru.*noeviction"):
            await check_server(redis_client, 1)
    finally:
        await redis_client.config_set("maxmemory-policy", "noeviction")


async def test_a_server_that_does_not_tell_its_settings_is_taken_with_a_warning(
    redis_client: Redis, redis_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    await redis_client.acl_setuser("guest", enabled=True, passwords=["+pw"], keys=["*"], commands=["+@all", "-info"])
    async with connect(redis_url.replace("redis://", "redis://guest:pw@")) as client:
        with caplog.at_level(logging.WARNING):
            assert await check_server(client, 1)
    assert "assumed" in caplog.text
    await redis_client.acl_deluser("guest")


async def test_a_wrong_password_is_said_in_one_sentence(redis_url: str, redis_client: Redis) -> None:
    async with connect(redis_url.replace("redis://", "redis://guest:wrong@")) as client:
        with pytest.raises(BusError, match="user or password"):
            await check_server(client, 1)


async def test_a_lost_reply_is_an_error_and_never_a_second_entry(proxy: FaultProxy, redis_client: Redis) -> None:
    client = connect(f"redis://127.0.0.1:{proxy.port}/0")
    await client.ping()
    proxy.lose_replies = True
    adding = asyncio.ensure_future(client.xadd(QUOTES, {"v1": b"once"}))
    await until(lambda: proxy.lost_bytes)
    proxy.cut()
    with pytest.raises(AWAY):
        await adding
    proxy.lose_replies = False
    assert await redis_client.xlen(QUOTES) == 1
    await client.aclose()


async def test_the_incarnation_is_another_one_after_a_wipe(redis_client: Redis) -> None:
    before = await check_server(redis_client, 1)
    await redis_client.flushall()
    assert await check_server(redis_client, 1) != before
    assert await redis_client.get(streams.META_PARTITIONS) == b"1"


async def test_a_server_that_is_short_of_memory_still_passes_the_check(redis_client: Redis) -> None:
    incarnation = await check_server(redis_client, 1)
    await redis_client.config_set("maxmemory", 1)
    try:
        assert await check_server(redis_client, 1) == incarnation
    finally:
        await redis_client.config_set("maxmemory", "1024mb")


def test_a_server_without_an_append_only_file_is_warned_of_unless_it_is_reading_it(
    caplog: pytest.LogCaptureFixture,
) -> None:
    without = {"redis_version": "8.1.0", "aof_enabled": 0, "maxmemory": 1}
    check_info({**without, "loading": 1})
    assert not caplog.records
    check_info({**without, "loading": 0})
    assert [record.message for record in caplog.records if "append-only" in record.message]


async def test_a_task_ends_whenever_it_is_cancelled(redis_client: Redis) -> None:
    async def ask() -> None:
        while True:
            await redis_client.ping()

    for number in range(300):
        task = asyncio.create_task(ask())
        for _ in range(number % 30):
            await asyncio.sleep(0)
        task.cancel()
        ended, _ = await asyncio.wait([task], timeout=10)
        assert ended, f"cancelled at step {number % 30} it goes on"
