"""Standing among the collectors of a venue: the lease, who serves what, and leaving when the lease was lost."""

import asyncio
import logging
from typing import Final

from services.collector.engine import Engine
from shared.bus import AWAY, Redis
from shared.leases import Members

BEAT_S: Final = 1.0
LOOK_S: Final = 0.25

log = logging.getLogger(__name__)


async def keep(redis: Redis, engine: Engine) -> None:
    """Beat for ever. While Redis is away the engine goes on with what it holds: nobody else could take it either."""
    members = Members(redis, engine.venue.name, engine.me)
    watch = asyncio.create_task(_watch(members, engine))
    try:
        while True:
            try:
                await _beat(members, engine)
            except AWAY as error:
                log.debug("The lease waits for Redis: %s", error)
            await asyncio.sleep(BEAT_S)
    finally:
        watch.cancel()
        await _leave(members)


async def alone(engine: Engine) -> None:
    """The same for ever without a Redis: who has no others has its standing, and has it again when it was lost."""
    while True:
        engine.hold((engine.me,), {})
        await asyncio.sleep(BEAT_S)


async def _beat(members: Members, engine: Engine) -> None:
    view = await members.beat()
    if view.lost and engine.joined.is_set():
        engine.lose_standing("lease lost")
    engine.hold(view.members, view.owners)
    if engine.ownership.unannounced(view.owners, engine.ownership.mine):
        await members.announce(engine.ownership.unannounced(view.owners, engine.proven_buckets()))


async def _watch(members: Members, engine: Engine) -> None:
    """A lease that ran out although Redis is there is noticed between beats, too."""
    while True:
        await asyncio.sleep(LOOK_S)
        if members.expired and engine.joined.is_set():
            engine.lose_standing("lease ran out")


async def _leave(members: Members) -> None:
    try:
        await members.leave()
    except AWAY as error:
        log.info("The lease runs out by itself, Redis is away: %s", error)
