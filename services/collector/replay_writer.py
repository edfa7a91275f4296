"""The streams of a replay: entries whose ids are the recording's own times.

Theory of operation. Readers learn from an entry's id what came before what, and when a producer was last alive. In a
replay neither may depend on the speed, nor on the day. So an id is the recorded time of what the entry holds, in ms;
entries of all streams are written in the order of their ids over one connection, so whoever sees one can see all that
came before it. A batch holds events of one recorded ms. The pulse is kept in recorded time as well: an empty batch
a second on every quiet stream, but none over a hole (more than HOLE_NS without a line), where nobody recorded.

Ids are whole and our own, so a piece that is sent again after a break doubles nothing: Redis refuses what it has.
"""

import asyncio
import time
from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from itertools import islice
from typing import Any, Final, TypeAlias

from shared.bus import AWAY, FULL, REFUSED, Redis
from shared.codec import encode_batch, encode_event
from shared.events import Event, State
from shared.last_values import STATE_PREFIX
from shared.service import CannotServeError
from shared.streams import FIELD

MS: Final = 1_000_000
SECOND_MS: Final = 1_000
HOLE_NS: Final = 60_000 * MS
BATCH_EVENTS: Final = 32
#: Commands of one transaction.
PIECE: Final = 1024
#: How often it is noted what time was reached when.
NOTE_S: Final = 1.0
RETRY_S: Final = 0.2
_THERE_ALREADY: Final = "equal or smaller"

#: (events in it, their venue, the command)
Command: TypeAlias = tuple[int, str, tuple[Any, ...]]


class Stream:
    """One key: its events of the present ms, its last id, its next number."""

    __slots__ = ("key", "kind", "last", "next_seq", "pending", "venue")

    def __init__(self, key: str) -> None:
        self.key = key
        self.venue, self.kind = key.split(":")[-2:]
        self.pending: list[Event] = []
        self.last = (0, 0)
        self.next_seq = 0


class ReplayWriter:
    """Writes what was appended, under the time that `now` has said. Nothing goes out before `send`."""

    def __init__(
        self,
        client: Redis,
        producer: str,
        retention_ms: Mapping[str, int],
        *,
        patience_s: float = 30.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Entries are kept for `retention_ms`, by kind, from when they were written: readers are no faster for it."""
        self._client, self._producer, self._patience_s = client, producer, patience_s
        self._retention_ms, self._clock = retention_ms, clock
        #: (when, the recorded ms that was reached then)
        self._reached: list[tuple[float, int]] = []
        self._streams: dict[str, Stream] = {}
        self._last: dict[str, dict[str, Event | None]] = {}
        self._ms = 0
        self._commands: list[Command] = []
        #: events that Redis has accepted, by venue
        self.written: Counter[str] = Counter()

    @property
    def waiting(self) -> int:
        """Commands that have not been sent."""
        return len(self._commands)

    def append(self, key: str, event: Event) -> None:
        stream = self._streams.get(key)
        if stream is None:
            stream = self._streams[key] = Stream(key)
        stream.pending.append(event)

    def outlet(self, key: str) -> Callable[[list[Event]], None]:
        """Takes events of one stream."""

        def put(events: list[Event]) -> None:
            for event in events:
                self.append(key, event)

        return put

    def put_last(self, key: str, field: str, event: Event) -> None:
        name = STATE_PREFIX + field if isinstance(event, State) else field
        self._last.setdefault(key, {})[name] = event

    def delete_last(self, key: str, field: str) -> None:
        fields = self._last.setdefault(key, {})
        fields[field] = fields[STATE_PREFIX + field] = None

    def now(self, at_ns: int) -> None:
        """What is appended from here on was received at this time, which never goes back."""
        ms = at_ns // MS
        if ms <= self._ms:
            return
        self._pack()
        if self._ms and ms - self._ms <= HOLE_NS // MS:
            first = self._ms // SECOND_MS + 1
            for second in range(first, ms // SECOND_MS + 1):
                self._pulse(second * SECOND_MS)
        self._ms = ms

    async def send(self) -> None:
        """Write what waits and wait for the answers. Raises `CannotServeError` where Redis will not take it."""
        self._pack()
        self._note()
        self._keep_last()
        commands = iter(self._commands)
        self._commands = []
        while piece := list(islice(commands, PIECE)):
            await self._sent(piece)

    def _pack(self) -> None:
        for stream in self._streams.values():
            if stream.pending:
                events, stream.pending = stream.pending, []
                for at in range(0, len(events), BATCH_EVENTS):
                    self._place(stream, self._ms, events[at : at + BATCH_EVENTS])

    def _pulse(self, ms: int) -> None:
        for stream in self._streams.values():
            if stream.last[0] <= ms - SECOND_MS:
                self._place(stream, ms, [])

    def _place(self, stream: Stream, ms: int, events: list[Event]) -> None:
        number = stream.last[1] + 1 if stream.last[0] == ms else 0
        stream.last = (ms, number)
        data = encode_batch(self._producer, stream.next_seq, events)
        stream.next_seq += 1
        line = ("XADD", stream.key, *self._trim(stream.kind), f"{ms}-{number}", FIELD, data)
        self._commands.append((len(events), stream.venue, line))

    def _trim(self, kind: str) -> tuple[str | int, ...]:
        """Up to what was reached before the kind's time of keeping began."""
        if not self._reached:
            return ()
        at = bisect_left(self._reached, (self._reached[-1][0] - self._retention_ms[kind] / 1000, 0))
        return ("MINID", "~", self._reached[at - 1][1]) if at else ()

    def _note(self) -> None:
        now = self._clock()
        if not self._reached or now - self._reached[-1][0] >= NOTE_S:
            self._reached.append((now, self._ms))
            if len(self._reached) > 2 * max(self._retention_ms.values()) // 1000:
                del self._reached[: len(self._reached) // 2]

    def _keep_last(self) -> None:
        for key, fields in self._last.items():
            present = [part for name, event in fields.items() if event for part in (name, encode_event(event))]
            gone = [name for name, event in fields.items() if event is None]
            self._commands += [(0, "", ("HSET", key, *present))] if present else []
            self._commands += [(0, "", ("HDEL", key, *gone))] if gone else []
        self._last.clear()

    async def _sent(self, piece: list[Command]) -> None:
        """One piece, whole: Redis takes all of it or nothing. Tried again for a while where Redis is away."""
        loop = asyncio.get_running_loop()
        deadline, again, full = loop.time() + self._patience_s, False, ""
        while True:
            try:
                if full:
                    await self._make_room(full)
                replies = await self._transact(piece)
            except FULL as error:
                full = str(error)
            except AWAY as error:
                if loop.time() > deadline:
                    raise CannotServeError(f"Redis went away during the replay: {error}") from error
                again = True
                await asyncio.sleep(RETRY_S)
            else:
                break
        for (events, venue, _), reply in zip(piece, replies, strict=True):
            there = _THERE_ALREADY in str(reply)
            if isinstance(reply, REFUSED) and not (again and there):
                hint = " (the streams hold what is newer: a replay needs a Redis of its own)" if there else ""
                raise CannotServeError(f"Redis does not take the replay: {reply}{hint}")
            self.written[venue] += events

    async def _transact(self, piece: list[Command]) -> list[Any]:
        async with self._client.pipeline(transaction=True) as pipe:
            for _, _, line in piece:
                pipe.execute_command(*line)
            return list(await pipe.execute(raise_on_error=False))

    async def _make_room(self, why: str) -> None:
        """Memory is short: a quarter of every stream goes."""
        freed = 0
        for key in self._streams:
            freed += await self._client.xtrim(key, maxlen=await self._client.xlen(key) * 3 // 4, approximate=False)
        if not freed:
            raise CannotServeError(f"Redis has no memory for the replay: {why}")


def seconds_after(end_ns: int, until_ns: int) -> Iterator[int]:
    """The whole seconds after a time, as far as `until_ns`."""
    return iter(range((end_ns // (SECOND_MS * MS) + 1) * SECOND_MS * MS, until_ns + 1, SECOND_MS * MS))
