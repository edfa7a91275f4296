"""Listings: one row for each state that an instrument was in."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import asyncpg
import msgspec
import pytest

from services.recorder import listings
from services.recorder.listings import Listings
from services.recorder.migrate import migrate, migrations
from shared import streams
from shared.bus import Redis
from shared.instruments import Instrument

VENUE = "alpha"
AT = datetime(2030, 1, 1, tzinfo=UTC)
KEY = streams.instruments(VENUE)


@pytest.fixture
async def connection(postgres_url: str) -> AsyncIterator[asyncpg.Connection]:
    opened = await asyncpg.connect(postgres_url)
    await migrate(opened, migrations())
    yield opened
    await opened.close()


async def put(client: Redis, native: str, **fields: Any) -> None:
    one = Instrument(
        **{"venue": VENUE, "market": "perp", "symbol": f"{native}/USDT:USDT", "native": native, "base": native,
           "quote": "USDT", "status": "trading", **fields}
    )  # fmt: skip
    await client.hset(KEY, f"perp:{native}", msgspec.msgpack.encode(one))


async def look(client: Redis, connection: asyncpg.Connection, seen: Listings, minute: int) -> tuple[int, int]:
    changed, gone = await seen.look(client, VENUE)
    done = await listings.store(connection, VENUE, changed, gone, AT + timedelta(minutes=minute))
    seen.note()
    return done


async def test_a_change_ends_one_state_and_begins_another(redis_client: Redis, connection: asyncpg.Connection) -> None:
    seen = Listings()
    await put(redis_client, "A", tick_size="0.10", funding_cap="0.0075")
    await put(redis_client, "B")
    assert await look(redis_client, connection, seen, 0) == (2, 0)
    assert await look(redis_client, connection, seen, 1) == (0, 0)
    await put(redis_client, "A", tick_size="0.01", status="halted")
    assert await look(redis_client, connection, seen, 2) == (1, 1)
    rows = await connection.fetch(
        "SELECT tick_size, status, valid_from, valid_to FROM history.instrument_changes WHERE native = 'A' ORDER BY 3"
    )
    first, second = AT, AT + timedelta(minutes=2)
    assert [tuple(row) for row in rows] == [
        (Decimal("0.10"), "trading", first, second),
        (Decimal("0.01"), "halted", second, None),
    ]
    assert seen.symbols[VENUE] == ["B/USDT:USDT"]


async def test_another_recorder_or_a_new_one_stores_nothing_twice(
    redis_client: Redis, connection: asyncpg.Connection
) -> None:
    await put(redis_client, "A")
    assert await look(redis_client, connection, Listings(), 0) == (1, 0)
    assert await look(redis_client, connection, Listings(), 1) == (0, 0)


async def test_an_instrument_is_gone_when_two_looks_miss_it(
    redis_client: Redis, connection: asyncpg.Connection
) -> None:
    seen = Listings()
    await put(redis_client, "A")
    await put(redis_client, "B")
    await look(redis_client, connection, seen, 0)
    await redis_client.hdel(KEY, "perp:B")
    assert await look(redis_client, connection, seen, 1) == (0, 0)
    assert await look(redis_client, connection, seen, 2) == (0, 1)
    assert await connection.fetchval("SELECT count(*) FROM history.instruments") == 1
    await redis_client.delete(KEY)  # a Redis that lost its data lists nothing, and says nothing by it
    assert await look(redis_client, connection, seen, 3) == (0, 0)
    assert await look(redis_client, connection, seen, 4) == (0, 0)


async def test_an_entry_that_is_no_instrument_is_counted(redis_client: Redis, connection: asyncpg.Connection) -> None:
    seen = Listings()
    await redis_client.hset(KEY, "perp:X", b"\x80")
    assert await look(redis_client, connection, seen, 0) == (0, 0)
    assert seen.rejected == 1
