"""The entries of all streams in one order, as far as nothing can come between them any more.

The clock is asked before the reads: an entry that is written later carries an id at or above that time. A stream that
filled its count may hold more, so nothing above its last id goes out. Streams that are ahead of it are read on while
there is room, since theirs may be short: a long one must not keep them until they are trimmed.
"""

from collections import deque
from typing import Any, Final

from services.archiver.stream import Stream
from shared.archive.records import Entry
from shared.bus import Redis
from shared.streams import FIELD

#: Entries of a stream and read: a reply of full books is some 12 MB for each of them.
COUNT: Final = 200
#: What may be held; beyond it only streams that are behind are read.
HELD_BYTES: Final = 64 << 20


class Order:
    """Reads the streams; gives out what is complete."""

    def __init__(self) -> None:
        self.streams: dict[str, Stream] = {}
        self._held: dict[str, deque[Entry]] = {}
        self._bytes = 0
        #: the ms below which everything was read, by stream; and those that may hold more than was read of them
        self._reach: dict[str, int] = {}
        self._full: set[str] = set()
        #: Redis's clock before the last read, and whether there may be more to read at once
        self.now_ms = 0
        self.more = False

    async def turn(self, redis: Redis, now_ms: int) -> list[Entry]:
        """Read once and give out what is complete. `now_ms`: Redis's clock, asked before; every stream that had an
        entry by then is known. Raises one of `shared.bus.AWAY` or REFUSED."""
        self.now_ms = now_ms
        for key in self.streams:
            self._reach.setdefault(key, 0)
        self._take(await self._read(redis))
        self.more = bool(self._full)
        return self._release(min(self._reach.values(), default=now_ms))

    def drain(self) -> list[Entry]:
        """Everything that is held: nothing will come between it any more."""
        self._full.clear()
        self._reach.clear()
        return self._release(1 << 62)

    def _release(self, limit: int) -> list[Entry]:
        ready: list[Entry] = []
        for held in self._held.values():
            while held and held[0].ms < limit:
                ready.append(held.popleft())
        self._bytes -= sum(len(entry.data) for entry in ready)
        ready.sort(key=lambda entry: entry.order)
        return ready

    def _is_wanted(self, key: str) -> bool:
        """Whether a stream is read now: while much is held, only those that keep the others waiting."""
        if self._bytes < HELD_BYTES or not self._full:
            return True
        return self._reach[key] == min(self._reach.values())

    async def _read(self, redis: Redis) -> list[Any]:
        """A reply of each partition (on a cluster each is on a node of its own)."""
        partitions: dict[int, dict[str, str]] = {}
        for key, stream in self.streams.items():
            if self._is_wanted(key):
                partitions.setdefault(stream.partition, {})[key] = stream.read.position
        async with redis.pipeline(transaction=False) as pipe:
            for positions in partitions.values():
                pipe.xread(positions, count=COUNT)  # type: ignore[arg-type]
            replies: list[Any] = await pipe.execute()
        for positions in partitions.values():
            for key in positions:
                self._reach[key] = self.now_ms
                self._full.discard(key)
        return replies

    def _take(self, replies: list[Any]) -> None:
        """Hold what was read."""
        for reply in replies:
            for name, rows in reply or ():
                key = name.decode()
                stream, held = self.streams[key], self._held.setdefault(key, deque())
                for entry_id, fields in rows:
                    ms, _, seq = entry_id.partition(b"-")
                    # an entry of another schema has no such field: it is accounted for, and kept out as none of ours
                    entry = Entry(key, int(ms), int(seq), fields.get(FIELD, b""))
                    stream.hold(entry)
                    held.append(entry)
                    self._bytes += len(entry.data)
                if len(rows) >= COUNT:
                    self._reach[key] = held[-1].ms
                    self._full.add(key)
