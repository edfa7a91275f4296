"""What is asked of the collectors, on a real Redis."""

from typing import Any

from services.scanner.books import AHEAD_MS, Books
from shared.bus import Redis
from shared.streams import demand

NOW = 1_800_000_000_000


async def asked(client: Redis, venue: str) -> dict[str, int]:
    found: Any = await client.zrange(demand(venue, "book"), 0, -1, withscores=True)
    return {name.decode(): int(until) for name, until in found}


async def test_what_is_wanted_no_more_is_taken_back_at_once(redis_client: Redis) -> None:
    books = Books()
    await books.ask(redis_client, {"alpha": ["AAA", "BBB"], "beta": ["AAA"]}, NOW)
    assert await asked(redis_client, "alpha") == {"AAA": NOW + AHEAD_MS, "BBB": NOW + AHEAD_MS}
    await books.ask(redis_client, {"alpha": ["CCC", "BBB"]}, NOW + 2_000)
    assert await asked(redis_client, "alpha") == {"BBB": NOW + 2_000 + AHEAD_MS, "CCC": NOW + 2_000 + AHEAD_MS}
    assert await asked(redis_client, "beta") == {}
    await books.ask(redis_client, {}, NOW + 4_000)
    assert await asked(redis_client, "alpha") == {}


async def test_what_another_reader_wants_for_longer_stays(redis_client: Redis) -> None:
    books, longer = Books(), NOW + 60_000
    await books.ask(redis_client, {"alpha": ["AAA"], "beta": ["AAA"]}, NOW)
    await redis_client.zadd(demand("alpha", "book"), {"AAA": longer})
    await redis_client.zadd(demand("beta", "book"), {"BBB": longer})
    await books.ask(redis_client, {}, NOW + 2_000)
    assert (await asked(redis_client, "alpha"), await asked(redis_client, "beta")) == ({"AAA": longer}, {"BBB": longer})
