"""The hash `instruments:<venue>`: what the venue lists, for everybody else."""

from collections.abc import Collection
from typing import Final, cast

import msgspec

from services.collector.listing import field_of
from shared import streams
from shared.bus import Redis
from shared.instruments import Instrument

#: fields written with one command: a large one would hold up everybody else on the server
CHUNK: Final = 200

_encoder: Final = msgspec.msgpack.Encoder()


async def write(redis: Redis, venue: str, instruments: Collection[Instrument]) -> None:
    """Make the hash hold exactly these. Raises one of `shared.bus.AWAY`."""
    key = streams.instruments(venue)
    rows = {field_of(one).encode(): _encoder.encode(one) for one in instruments}
    known = cast(list[bytes], await redis.hkeys(key))
    gone = [name for name in known if name not in rows]
    items = list(rows.items())
    async with redis.pipeline(transaction=False) as pipe:
        for at in range(0, len(items), CHUNK):
            pipe.hset(key, mapping=dict(items[at : at + CHUNK]))
        for at in range(0, len(gone), CHUNK):
            pipe.hdel(key, *gone[at : at + CHUNK])
        await pipe.execute()


async def holds(redis: Redis, venue: str, count: int) -> bool:
    """Whether the hash is there in this size (a server that lost its data has none)."""
    return await redis.hlen(streams.instruments(venue)) == count
