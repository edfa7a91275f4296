"""The embedded servers, as the tests and the launcher start them."""

import asyncpg

from shared.bus import Redis


async def test_the_embedded_redis_is_durable_and_never_evicts(redis_client: Redis) -> None:
    info = await redis_client.config_get("append*")
    assert info["appendonly"] == "yes"
    assert info["appendfsync"] == "everysec"
    assert (await redis_client.config_get("maxmemory-policy"))["maxmemory-policy"] == "noeviction"
    assert (await redis_client.config_get("bind"))["bind"] == "127.0.0.1"


async def test_every_test_gets_an_empty_redis(redis_client: Redis) -> None:
    assert await redis_client.dbsize() == 0


async def test_every_test_gets_an_empty_database(postgres_url: str) -> None:
    connection = await asyncpg.connect(postgres_url)
    try:
        assert await connection.fetchval("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'") == 0
        assert await connection.fetchval("SHOW listen_addresses") == "127.0.0.1"
    finally:
        await connection.close()


def test_a_database_is_there_for_a_test_that_does_not_await(postgres_url: str) -> None:
    assert postgres_url.startswith("postgresql://parallax:")
