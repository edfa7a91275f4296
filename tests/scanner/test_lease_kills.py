"""Owners of a partition that die, stand still and come back, against a real Redis."""

import asyncio
import json
import random
from typing import Any

from redis.exceptions import ResponseError

from services.scanner.lease import claim, commit, commit_checkpoint
from shared import streams
from shared.bus import Redis
from shared.resp import Parser


async def send(client: Redis, line: bytes) -> Any:
    """Send a command that was made for the wire. Raises ResponseError on an error reply."""
    (parts,) = Parser().feed(line)
    assert isinstance(parts, list)
    name, *rest = parts
    assert isinstance(name, bytes)
    return await client.execute_command(name.decode(), *rest)  # type: ignore[no-untyped-call]


def transition(fence: int, key: str, rev: int) -> bytes:
    return commit(0, fence, key, rev - 1, json.dumps({"rev": rev}).encode(), f"{key} {rev}".encode())


async def written(client: Redis) -> list[str]:
    rows: Any = await client.xrange(streams.signals(0))
    return [fields[b"v1"].decode() for _, fields in rows]


async def run_out(client: Redis) -> None:
    """The lease ends, as it would in a few seconds."""
    await client.hset(streams.scan(0), "until", "0")


async def replaced(client: Redis, fence: int, whole: int) -> None:
    """Stopped until another one owns the partition, or nothing is left to do."""
    while await client.hget(streams.scan(0), "fence") == b"%d" % fence:
        if await client.xlen(streams.signals(0)) == whole:
            break
        await asyncio.sleep(0.005)


async def test_a_lease_and_a_commit_hold_while_memory_is_short(redis_client: Redis) -> None:
    await redis_client.config_set("maxmemory", "1mb")
    try:
        fence = await claim(redis_client, 0, "one")
        assert await send(redis_client, transition(fence, "a", 1)) == b"OK"
    finally:
        await redis_client.config_set("maxmemory", "1024mb")


async def test_owners_that_die_or_stand_still_at_any_moment_double_and_lose_nothing(
    redis_client: Redis,
) -> None:
    chance = random.Random(7)
    plan = [(f"route {number % 7}", number // 7 + 1) for number in range(350)]
    deaths = stalls = fenced = done = 0

    async def own(me: str) -> None:
        nonlocal deaths, stalls, fenced, done
        while await redis_client.xlen(streams.signals(0)) < len(plan):
            fence = await claim(redis_client, 0, me)
            if not fence:
                await asyncio.sleep(0.005)
                continue
            at = int(await redis_client.hget(streams.scan(0), "ckpt") or 0)
            try:
                while at < len(plan):
                    fate = chance.random()
                    if fate < 0.02:
                        deaths += 1
                        await run_out(redis_client)
                        break  # killed: all that was in memory is gone
                    if fate < 0.03:
                        stalls += 1
                        await run_out(redis_client)
                        await replaced(redis_client, fence, len(plan))  # goes on without knowing
                    elif fate < 0.5:
                        await claim(redis_client, 0, me)
                    done += await send(redis_client, transition(fence, *plan[at])) == b"DONE"
                    at += 1
                    if fate > 0.9:
                        await send(redis_client, commit_checkpoint(0, fence, str(at).encode()))
            except ResponseError as error:
                if "FENCED" not in str(error):
                    raise
                fenced += 1

    async with asyncio.timeout(60):
        await asyncio.gather(*(own(f"owner {number}") for number in range(3)))
    assert await written(redis_client) == [f"{key} {rev}" for key, rev in plan]
    assert min(deaths, fenced, done) > 0
