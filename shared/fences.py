"""Who is the one to do a thing: a lease with a fence, kept in a hash, by Redis's own clock.

The owner holds a fence, a number that rises with each change of hands. Every write that others build upon carries it,
and a script in Redis refuses an older one, so a process that was stopped and does not know that it was replaced can do
no harm. The scripts also run while memory is short.
"""

from typing import Final

from shared.bus import Redis

TTL_MS: Final = 4000
#: An owner that nobody has replaced goes on after its lease ran out, if it stood still for less than this.
LATE_MS: Final = 60_000
RENEW_S: Final = 1.0

CLAIM: Final = """#!lua flags=allow-oom
local t=redis.call('TIME') local now=t[1]*1000+math.floor(t[2]/1000)
local c=redis.call('HMGET',KEYS[1],'owner','until','fence')
local live=c[2] and tonumber(c[2])>now
if live and c[1]~=ARGV[1] then return 0 end
local f=tonumber(c[3] or '0')
if not (live and c[1]==ARGV[1]) then f=f+1 end
redis.call('HSET',KEYS[1],'owner',ARGV[1],'until',now+ARGV[2],'fence',f) return f
"""

RENEW: Final = """#!lua flags=allow-oom
local t=redis.call('TIME') local now=t[1]*1000+math.floor(t[2]/1000)
local c=redis.call('HMGET',KEYS[1],'owner','until','fence')
if c[1]~=ARGV[1] or c[3]~=ARGV[3] or now-tonumber(c[2])>tonumber(ARGV[4]) then return 0 end
redis.call('HSET',KEYS[1],'until',now+ARGV[2]) return 1
"""

RELEASE: Final = """#!lua flags=allow-oom
if redis.call('HGET',KEYS[1],'fence')~=ARGV[1] then return 0 end
redis.call('HSET',KEYS[1],'until',0) return 1
"""


class Fenced(Exception):
    """Another process owns this by now, or this one's state is not the one that was written: start over."""


async def claim(client: Redis, key: str, me: str) -> int:
    """The fence if it is ours now, else 0."""
    return int(await client.eval(CLAIM, 1, key, me, TTL_MS))


async def renew(client: Redis, key: str, me: str, fence: int) -> bool:
    """Whether it is still ours. Who was starved of time finds its lease run out and, unless another one has claimed
    meanwhile, goes on under its fence."""
    return bool(await client.eval(RENEW, 1, key, me, TTL_MS, fence, LATE_MS))


async def release(client: Redis, key: str, fence: int) -> None:
    """Let the next one claim at once."""
    await client.eval(RELEASE, 1, key, fence)
