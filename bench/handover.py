"""Who serves a partition, and for how long nobody does: looked at in Redis, some twenty times a second.

A partition is served when a checkpoint is written that reaches to within REACH_MS of Redis's clock. So a fault is over
for it when its owner, the next one or the same that goes on, has made up for what was written meanwhile.
"""

import re
import time
from collections.abc import Collection
from typing import Any, Final

import msgspec

from bench.measure import percentile
from shared import streams
from shared.bus import Redis

REACH_MS: Final = 1500
#: A signal has reached its process, and what that had sent has reached Redis.
SETTLE_S: Final = 0.1
#: The beginning of a checkpoint holds the positions that it goes on from.
HEAD_BYTES: Final = 4096
_ID: Final = re.compile(rb"(\d{13})-\d+")

#: KEYS scan:{P}; ARGV bytes of the checkpoint's head
LOOK: Final = """
local t=redis.call('TIME') local c=redis.call('HMGET',KEYS[1],'owner','until','fence','ckpt')
return {t[1]*1000+math.floor(t[2]/1000),c[1] or '',c[2] or '0',c[3] or '0',string.sub(c[4] or '',1,ARGV[1])}
"""


class State(msgspec.Struct, frozen=True):
    """A partition at a moment: its owner's process id, whether the lease runs, the checkpoint and how old its newest
    entry is by Redis's clock."""

    pid: int
    fence: int
    leased: bool
    head: bytes
    behind_ms: int


class Silence(msgspec.Struct):
    """A partition whose owner was hit: since when, and what was seen since. `hits`: owners hit one after the other;
    `hit_at` is when the last one was."""

    partition: int
    fault: str
    began: float
    hit_at: float
    fence: int
    head: bytes
    hits: int = 1
    unleased_s: float = 0.0
    behind_ms: int = 0


class Outage(msgspec.Struct, frozen=True):
    """A silence that is over: seconds from the last hit and from the first one until it was served again."""

    partition: int
    fault: str
    hits: int
    moved: bool
    served_s: float
    whole_s: float
    unleased_s: float
    behind_s: float


def pid_of(member: str) -> int:
    """The process id in a member's name; 0 where there is none."""
    parts = member.rsplit("-", 2)
    return int(parts[1]) if len(parts) == 3 else 0


class Watch:
    """All partitions. `look` is the only thing that reads; everybody else goes by what it saw last."""

    def __init__(self, client: Redis, partitions: int) -> None:
        self._client = client
        self.states = [State(0, 0, False, b"", 0) for _ in range(partitions)]
        self.alive: frozenset[int] = frozenset()
        self.silences: dict[int, Silence] = {}
        self.outages: list[Outage] = []
        self._last = time.monotonic()

    async def look(self) -> None:
        """See how everything stands, and which silences are over."""
        async with self._client.pipeline(transaction=False) as pipe:
            for partition in range(len(self.states)):
                pipe.eval(LOOK, 1, streams.scan(partition), HEAD_BYTES)
            pipe.zrangebyscore(streams.members(streams.SCANNER), "-inf", "+inf")
            *rows, members = await pipe.execute()
        self.alive = frozenset(pid_of(name.decode()) for name in members)
        self.states = [_state(row) for row in rows]
        now = time.monotonic()
        for partition, silence in list(self.silences.items()):
            self._follow(silence, self.states[partition], now)
            if self._served(silence):
                del self.silences[partition]
                self.outages.append(_over(silence, self.states[partition], now))
        self._last = now

    def _follow(self, silence: Silence, state: State, now: float) -> None:
        silence.unleased_s += 0.0 if state.leased else now - self._last
        silence.behind_ms = max(silence.behind_ms, state.behind_ms)

    def _served(self, silence: Silence) -> bool:
        state = self.states[silence.partition]
        return state.head != silence.head and state.leased and state.behind_ms <= REACH_MS

    async def hit(self, pids: Collection[int], fault: str, at: float) -> list[int]:
        """These processes were hit at this moment. Returns the partitions that they owned."""
        await self.look()
        owned = [partition for partition, state in enumerate(self.states) if state.pid in pids]
        for partition in owned:
            silence, state = self.silences.get(partition), self.states[partition]
            if silence is None:
                self.silences[partition] = Silence(partition, fault, at, at, state.fence, state.head)
            else:
                silence.hits, silence.hit_at, silence.fault, silence.head = silence.hits + 1, at, fault, state.head
        return owned

    def owner_of(self, pid: int) -> list[int]:
        """The partitions that a process owns."""
        return [partition for partition, state in enumerate(self.states) if state.pid == pid and state.leased]

    def steady(self) -> bool:
        """Whether every partition is served."""
        return not self.silences and all(state.leased and state.behind_ms <= REACH_MS for state in self.states)


def _state(row: Any) -> State:
    now, owner, until, fence, head = row
    reach = max((int(ms) for ms in _ID.findall(head)), default=0)
    return State(pid_of(owner.decode()), int(fence), int(until) > now, head, now - reach)


def _over(silence: Silence, state: State, now: float) -> Outage:
    return Outage(
        partition=silence.partition,
        fault=silence.fault,
        hits=silence.hits,
        moved=state.fence != silence.fence,
        served_s=round(now - silence.hit_at, 3),
        whole_s=round(now - silence.began, 3),
        unleased_s=round(silence.unleased_s, 3),
        behind_s=round(silence.behind_ms / 1000, 3),
    )


def summary(outages: Collection[Outage]) -> dict[str, Any]:
    """Percentiles over partitions and faults, of all and of those that changed hands."""
    moved = [one for one in outages if one.moved]
    return {
        "outages": len(outages),
        "moved": len(moved),
        "served_s": _spread([one.served_s for one in outages]),
        "moved_served_s": _spread([one.served_s for one in moved]),
        "first_hit_to_served_s": _spread([one.whole_s for one in outages]),
        "without_lease_s": _spread([one.unleased_s for one in moved]),
        "behind_s": _spread([one.behind_s for one in outages]),
    }


def _spread(values: list[float]) -> dict[str, float | None]:
    ordered = sorted(values)
    return {name: percentile(ordered, share) for name, share in (("p50", 0.5), ("p99", 0.99), ("max", 1.0))}
