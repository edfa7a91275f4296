"""What is asked for on demand: the sorted sets `demand:<venue>:<kind>`, and the watch list.

A symbol is wanted until its expiry (epoch milliseconds of Redis's own clock); what has expired is taken out.
`demand:<venue>:instruments` with the member `*` asks for the venue's listing to be fetched now; a later expiry asks
again.
"""

from typing import Final, cast

from shared import streams
from shared.bus import Redis

KINDS: Final = ("trade", "book")
FOLLOW_S: Final = 0.5


async def asked(redis: Redis, venue: str) -> dict[str, frozenset[str]]:
    """kind -> symbols that somebody wants now. Raises one of `shared.bus.AWAY`."""
    seconds, micros = await redis.time()
    now_ms = seconds * 1000 + micros // 1000
    keys = [streams.demand(venue, kind) for kind in KINDS]
    async with redis.pipeline(transaction=False) as pipe:
        for key in keys:
            pipe.zremrangebyscore(key, "-inf", now_ms)
            pipe.zrange(key, 0, -1)
        answers = await pipe.execute()
    found = cast(list[list[bytes]], answers[1::2])
    return {kind: frozenset(name.decode() for name in names) for kind, names in zip(KINDS, found, strict=True)}


async def listing_asked(redis: Redis, venue: str) -> float:
    """The expiry of the newest request for a fresh listing; 0 without one. Raises one of `shared.bus.AWAY`."""
    expiry: float | None = await redis.zscore(streams.demand(venue, "instruments"), "*")
    return expiry or 0.0
