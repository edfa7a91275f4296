"""The hash `instruments:<venue>`: what the venue lists, for everybody else.

`meta:listings` has a text per venue that is another one after each change: who follows listings need not read them all
to see that nothing happened.
"""

from collections.abc import Collection
from time import time_ns
from typing import Final, cast

import msgspec

from services.collector.listing import difference, field_of
from shared import streams
from shared.bus import Redis
from shared.instruments import Instrument

#: fields written with one command: a large one would hold up everybody else on the server
CHUNK: Final = 200

_encoder: Final = msgspec.msgpack.Encoder()


async def write(
    redis: Redis, venue: str, instruments: Collection[Instrument], before: Collection[Instrument] | None = None
) -> None:
    """Make the hash hold exactly these. Raises one of `shared.bus.AWAY`.

    `before`: what it holds already; what has not changed since is left alone.
    """
    key = streams.instruments(venue)
    if before is None:
        names = {field_of(one).encode() for one in instruments}
        gone = [name for name in cast(list[bytes], await redis.hkeys(key)) if name not in names]
        fresh = list(instruments)
    else:
        change = difference(before, instruments)
        gone = [field_of(one).encode() for one in change.removed]
        fresh = [*change.added, *change.changed]
    if not gone and not fresh:
        return
    async with redis.pipeline(transaction=False) as pipe:
        for at in range(0, len(fresh), CHUNK):
            pipe.hset(key, mapping={field_of(one): _encoder.encode(one) for one in fresh[at : at + CHUNK]})
        for at in range(0, len(gone), CHUNK):
            pipe.hdel(key, *gone[at : at + CHUNK])
        pipe.hset(streams.META_LISTINGS, venue, str(time_ns()))
        await pipe.execute()


async def holds(redis: Redis, venue: str, count: int) -> bool:
    """Whether the hash is there in this size (a server that lost its data has none)."""
    return await redis.hlen(streams.instruments(venue)) == count
