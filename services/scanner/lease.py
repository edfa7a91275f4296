"""Who owns a partition (shared/fences.py), and what only its owner may write. Lua, by Redis's own clock.

A transition is written once whoever writes it: `open:{P}` keeps the revision of each signal, and one that is out
already answers DONE. An owner that nobody has replaced may go on late: what it has not read yet is still in the
streams.
"""

import asyncio
from typing import Any, Final

from shared import fences, streams
from shared.bus import REFUSED, Redis
from shared.fences import Fenced as Fenced
from shared.resp import command

#: KEYS scan open signals; ARGV fence, id, expected rev, record (JSON), event (msgpack), checkpoint, its past
COMMIT: Final = """#!lua flags=allow-oom
if redis.call('HGET',KEYS[1],'fence')~=ARGV[1] then return redis.error_reply('FENCED') end
if ARGV[6]~='' then redis.call('HSET',KEYS[1],'ckpt',ARGV[6]) end
if ARGV[7]~='' then redis.call('HSET',KEYS[1],'past',ARGV[7]) end
if ARGV[2]=='' then return 'OK' end
local cur=redis.call('HGET',KEYS[2],ARGV[2])
local rev=cur and tonumber(cjson.decode(cur)['rev']) or 0
if rev>tonumber(ARGV[3]) then return 'DONE' end
if rev<tonumber(ARGV[3]) then return redis.error_reply('STALE') end
redis.call('HSET',KEYS[2],ARGV[2],ARGV[4])
redis.call('XADD',KEYS[3],'*','v1',ARGV[5]) return 'OK'
"""

#: KEYS scan ctl; ARGV fence, batch
CONTROL: Final = """#!lua flags=allow-oom
if redis.call('HGET',KEYS[1],'fence')~=ARGV[1] then return redis.error_reply('FENCED') end
return redis.call('XADD',KEYS[2],'*','v1',ARGV[2])
"""


async def claim(client: Redis, partition: int, me: str) -> int:
    """The fence of the partition if it is ours now, else 0."""
    return await fences.claim(client, streams.scan(partition), me)


async def renew(client: Redis, partition: int, me: str, fence: int) -> bool:
    """Whether the partition is still ours (`fences.renew`)."""
    return await fences.renew(client, streams.scan(partition), me, fence)


async def keep(client: Redis, partition: int, me: str, fence: int, over: asyncio.Event) -> None:
    """Renew until it is over: a lease that is kept though nobody does the work keeps everybody from it. Raises
    `Fenced`."""
    while not over.is_set():
        if not await renew(client, partition, me, fence):
            raise Fenced(f"another process has claimed partition {partition}, or this one stood still for too long")
        await asyncio.sleep(fences.RENEW_S)


async def release(client: Redis, partition: int, fence: int) -> None:
    """Let the next one claim at once."""
    await fences.release(client, streams.scan(partition), fence)


async def write_control(client: Redis, partition: int, fence: int, batch: bytes) -> bytes:
    """Append to the control stream and return the entry's id. Raises `Fenced`."""
    try:
        answer = await run(client, CONTROL, [streams.scan(partition), streams.control(partition)], [fence, batch])
    except REFUSED as error:
        if "FENCED" in str(error):
            raise Fenced(str(error)) from error
        raise
    assert isinstance(answer, bytes)
    return answer


async def run(client: Redis, script: str, keys: list[str], arguments: list[Any]) -> Any:
    return await client.eval(script, len(keys), *keys, *arguments)


def commit(partition: int, fence: int, key: str, expected: int, record: bytes, event: bytes) -> bytes:
    """The command that writes one transition."""
    return _commit(partition, fence, key, expected, record, event, b"")


def commit_checkpoint(partition: int, fence: int, checkpoint: bytes, past: bytes = b"") -> bytes:
    """The command that writes the state to go on from. `past`: its large part, where that has changed."""
    return _commit(partition, fence, "", 0, b"", b"", checkpoint, past)


def _commit(
    partition: int, fence: int, key: str, expected: int, record: bytes, event: bytes, state: bytes, past: bytes = b""
) -> bytes:
    keys = (streams.scan(partition), streams.open_signals(partition), streams.signals(partition))
    return command("EVAL", COMMIT, 3, *keys, fence, key, expected, record, event, state, past)
