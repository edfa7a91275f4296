"""What the alerter keeps in Redis, and the one script that writes it: state, records, what is to be delivered.

Everything that follows from one look is written at once or not at all, under the owner's fence, and numbered: a write
whose answer was lost is found to be done when it is tried again. So an alert is raised once, and its messages are
neither forgotten nor made twice by a restart.
"""

import logging
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

import msgspec

from services.alerter.routing import Delivery
from services.alerter.rules.change import Terms
from services.alerter.state import Kept, State
from shared import decoding, streams
from shared.alerts import Alert
from shared.bus import REFUSED, Redis
from shared.fences import Fenced

LOG: Final = logging.getLogger(__name__)

#: KEYS state alerts active due; ARGV fence, number of this write, oldest id in ms, how many of each:
#: state fields (name, value), records, active (id, record), over (id), due (id, delivery)
COMMIT: Final = """#!lua flags=allow-oom
local c=redis.call('HMGET',KEYS[1],'fence','number')
if c[1]~=ARGV[1] then return redis.error_reply('FENCED') end
if tonumber(c[2] or '0')>=tonumber(ARGV[2]) then return 'DONE' end
local at=9
local function each(n,size,call) for i=1,n do call(at) at=at+size end end
each(tonumber(ARGV[4]),2,function(i) redis.call('HSET',KEYS[1],ARGV[i],ARGV[i+1]) end)
each(tonumber(ARGV[5]),1,function(i) redis.call('XADD',KEYS[2],'MINID','~',ARGV[3],'*','v1',ARGV[i]) end)
each(tonumber(ARGV[6]),2,function(i) redis.call('HSET',KEYS[3],ARGV[i],ARGV[i+1]) end)
each(tonumber(ARGV[7]),1,function(i) redis.call('HDEL',KEYS[3],ARGV[i]) end)
each(tonumber(ARGV[8]),2,function(i) redis.call('HSET',KEYS[4],ARGV[i],ARGV[i+1]) end)
redis.call('HSET',KEYS[1],'number',ARGV[2]) return 'OK'
"""
_KEYS: Final = (streams.ALERTS_STATE, streams.ALERTS, streams.ALERTS_ACTIVE, streams.ALERTS_DUE)
STATE: Final = "state"
LATENCIES: Final = "latencies"
_TERMS: Final = "terms:"

_encode: Final = msgspec.msgpack.Encoder().encode
_state: Final[decoding.Decoder[State]] = decoding.msgpack(State)
_latencies: Final[decoding.Decoder[dict[str, list[float]]]] = decoding.msgpack(dict[str, list[float]])
_terms: Final[decoding.Decoder[dict[str, Terms]]] = decoding.msgpack(dict[str, Terms])
_delivery: Final[decoding.Decoder[Delivery]] = decoding.msgpack(Delivery)


async def load(client: Redis) -> Kept:
    """What stands. What another version wrote and this one cannot read is said and left out."""
    stored: Any = await client.hgetall(streams.ALERTS_STATE)
    fields: dict[str, bytes] = {name.decode(errors="replace"): value for name, value in stored.items()}
    due: Any = await client.hvals(streams.ALERTS_DUE)
    active: Any = await client.hgetall(streams.ALERTS_ACTIVE)
    state = _read(_state, fields.get(STATE), "the state of the alerts") or State()
    latencies = _read(_latencies, fields.get(LATENCIES), "the usual latencies") or {}
    venues = [name for name in fields if name.startswith(_TERMS)]
    terms = {name.removeprefix(_TERMS): _read(_terms, fields[name], "terms of funding") or {} for name in venues}
    waiting = [found for data in due if (found := _read(_delivery, data, "a message on its way")) is not None]
    return Kept(
        number=int(fields.get("number", b"0")),
        state=state,
        latencies=latencies,
        terms=terms,
        due=sorted(waiting, key=lambda one: (one.made_at, one.id)),
        active={key.decode(errors="replace"): value for key, value in active.items()},
    )


def _read(decoder: decoding.Decoder[Any], data: bytes | None, what: str) -> Any:
    if data is None:
        return None
    try:
        return decoder.decode(data)
    except msgspec.DecodeError as error:
        LOG.error("%s was written by another version and begins anew: %s", what, error)
        return None


class Keeper:
    """Writes under one fence. `active` is what stands in Redis of the alerts that are raised."""

    def __init__(self, client: Redis, fence: int, kept: Kept) -> None:
        self._client, self._fence, self._number = client, fence, kept.number
        self._active = dict(kept.active)

    def prepared(
        self,
        fields: Mapping[str, Any],
        records: Sequence[Alert],
        active: Iterable[Alert],
        due: Sequence[Delivery],
        now_ms: int,
    ) -> "Write":
        """One write. `fields` of the state are those that have changed (`STATE`, `LATENCIES`, `terms_field`)."""
        standing = {one.id: _encode(one) for one in active}
        changed = {key: data for key, data in standing.items() if self._active.get(key) != data}
        over = [key for key in self._active if key not in standing]
        parts: list[list[Any]] = [
            [part for name, value in fields.items() for part in (name, _encode(value))],
            [_encode(one) for one in records],
            [part for pair in changed.items() for part in pair],
            over,
            [part for one in due for part in (one.id, _encode(one))],
        ]
        sizes = [len(fields), len(records), len(changed), len(over), len(due)]
        head = [self._fence, self._number + 1, now_ms - streams.ALERTS_RETENTION_MS, *sizes]
        return Write((*head, *(one for part in parts for one in part)), standing)

    async def commit(self, write: "Write") -> None:
        """All of it. Raises `Fenced`, or one of `shared.bus.AWAY`: call again with the very same then."""
        try:
            await self._client.eval(COMMIT, len(_KEYS), *_KEYS, *write.arguments)
        except REFUSED as error:
            if "FENCED" in str(error):
                raise Fenced(str(error)) from error
            raise
        self._number += 1
        self._active = write.standing

    async def done(self, delivery_id: str) -> None:
        """A message has arrived, or was given up."""
        await self._client.hdel(streams.ALERTS_DUE, delivery_id)


class Write(msgspec.Struct, frozen=True):
    """What is written at once: the script's arguments, and the alerts that are raised after it."""

    arguments: tuple[Any, ...]
    standing: dict[str, bytes]


def terms_field(venue: str) -> str:
    return _TERMS + venue
