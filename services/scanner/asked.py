"""Answers to "why no signal?": coins in `demand:_scanner:why`, each explained by the owner of its partition."""

from typing import Any, Final

import msgspec

from services.scanner.fold import Fold
from services.scanner.idle import Idle
from services.scanner.why import why
from shared import streams
from shared.bus import Redis

#: Coins that are answered in one round; the others wait for the next one.
MOST: Final = 20
#: How long an answer is kept.
LIFE_MS: Final = 10_000


async def answer(
    client: Redis, fold: Fold, partition: int, partitions: int, now_ms: int, idle: Idle | None = None
) -> int:
    """Write `why:<coin>` for the coins of this partition that are asked about, and how many there were."""
    key = streams.demand(streams.SCANNER, "why")
    asked: list[Any] = list(await client.zrange(key, f"({now_ms}", "+inf", byscore=True, offset=0, num=10 * MOST))
    names = [name.decode(errors="replace") for name in asked]
    mine = [name for name in names if streams.partition_of(name, partitions) == partition][:MOST]
    if mine:
        async with client.pipeline(transaction=True) as pipe:
            for name in mine:
                told = why(fold, name, now_ms, idle.of(name) if idle else ())
                pipe.set(streams.why(name), msgspec.msgpack.encode(told), px=LIFE_MS)
            pipe.zrem(key, *mine)
            pipe.zremrangebyscore(key, 0, now_ms)
            await pipe.execute()
    return len(mine)
