"""Who lives: the members of a venue and the buckets they serve. All by Redis's own clock.

A host 6 s ahead saw itself alone at every other beat when members judged leases by their own clocks.
"""

import asyncio
import time
from collections.abc import Callable, Iterable
from typing import Any, Final

import msgspec

from shared import streams
from shared.bus import AWAY, Redis

TTL_MS: Final = 4_000
#: A server that does not answer for so long is away.
ANSWER_S: Final = 2.0

#: Renew, drop who is dead, tell who lives. Also while memory is short: a lease refused is a venue not collected.
BEAT: Final = """#!lua flags=allow-oom
local t=redis.call('TIME') local now=t[1]*1000+math.floor(t[2]/1000)
redis.call('ZREMRANGEBYSCORE',KEYS[1],'-inf',now)
local was=redis.call('ZSCORE',KEYS[1],ARGV[1])
redis.call('ZADD',KEYS[1],now+ARGV[2],ARGV[1])
return {was and 1 or 0,redis.call('ZRANGE',KEYS[1],0,-1)}
"""

ANNOUNCE: Final = """#!lua flags=allow-oom
for i=2,#ARGV do redis.call('HSET',KEYS[1],ARGV[i],ARGV[1]) end
return #ARGV-1
"""


class MembersView(msgspec.Struct, frozen=True):
    """Who lives, who serves which bucket, and whether this member's standing was lost since its last beat.

    `lost`: between two beats that Redis answered lay more than the lease, with Redis reachable all the time. Others
    have taken over meanwhile: publish nothing that was read since, close all sockets, begin anew.
    """

    members: tuple[str, ...]
    owners: dict[int, str]
    lost: bool


class Members:
    """One member of one venue. Beat each second."""

    def __init__(
        self,
        client: Redis,
        venue: str,
        me: str,
        *,
        ttl_ms: int = TTL_MS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._client, self._me, self._ttl_ms, self._clock = client, me, ttl_ms, clock
        self._key, self._owners = streams.members(venue), streams.owners(venue)
        self._sent_at: float | None = None
        self._away = self._waiting = False

    @property
    def expired(self) -> bool:
        """Whether the lease has run out though Redis is reachable: what is read now must not be published.

        An unreachable Redis is not a lost lease: nobody else could have taken over by it either. Nor is one that has
        not answered the beat at hand yet (that this process itself stood still is noticed elsewhere).
        """
        return not self._waiting and self._overdue()

    async def beat(self) -> MembersView:
        """Renew the lease. Raises one of `shared.bus.AWAY` while Redis is away."""
        lost, sent_at = self._overdue(), self._clock()
        self._waiting = True
        try:
            async with asyncio.timeout(ANSWER_S), self._client.pipeline(transaction=False) as pipe:
                pipe.eval(BEAT, 1, self._key, self._me, self._ttl_ms)
                pipe.hgetall(self._owners)
                (_, members), owners = await pipe.execute()
        except AWAY:
            self._away = True
            raise
        finally:
            self._waiting = False
        self._sent_at, self._away = sent_at, False
        return MembersView(
            tuple(sorted(name.decode() for name in members)),
            {int(bucket): name.decode() for bucket, name in owners.items()},
            lost,
        )

    def _overdue(self) -> bool:
        return self._sent_at is not None and not self._away and self._clock() - self._sent_at > self._ttl_ms / 1000

    async def announce(self, buckets: Iterable[int]) -> None:
        """Say that this member serves these buckets, once its topics are acknowledged and have given data."""
        arguments: list[Any] = [self._me, *buckets]
        if len(arguments) > 1:
            await self._client.eval(ANNOUNCE, 1, self._owners, *arguments)

    async def leave(self) -> None:
        """A clean exit: the others take over at once."""
        await self._client.zrem(self._key, self._me)
        self._sent_at = None
