"""The entries of all streams in one order, as far as nothing can come between them any more.

`TIME` and the reads go out together: an entry that is written later carries an id at or above that time. A stream that
filled its count may hold more, so nothing above its last id goes out, and streams that are ahead of it wait: what is
held stays bounded by one reply.
"""

from typing import Any, Final

from services.archiver.stream import Stream
from shared.archive.records import Entry
from shared.bus import Redis
from shared.streams import FIELD

#: Entries of a stream and read: a reply of full books is some 6 MB for each of them.
COUNT: Final = 100


class Order:
    """Reads the streams; gives out what is complete."""

    def __init__(self) -> None:
        self.streams: dict[str, Stream] = {}
        self._held: list[Entry] = []
        self._ahead: dict[str, int] = {}
        #: Redis's clock at the last read, and whether there may be more to read at once
        self.now_ms = 0
        self.more = False

    @property
    def waiting(self) -> int:
        return len(self._held)

    async def turn(self, redis: Redis) -> list[Entry]:
        """Read once and give out what is complete. Raises one of `shared.bus.AWAY` or REFUSED."""
        full = self._take(await self._read(redis))
        limit = min([self.now_ms, *self._ahead.values(), *full.values()])
        self._ahead = {key: at for key in self.streams if full and (at := int(self._at(key).partition("-")[0])) > limit}
        self.more = bool(full)
        self._held.sort(key=lambda entry: entry.order)
        cut = next((at for at, entry in enumerate(self._held) if entry.ms >= limit), len(self._held))
        ready, self._held = self._held[:cut], self._held[cut:]
        return ready

    def drain(self) -> list[Entry]:
        """Everything that is held: nothing will come between it any more."""
        held, self._held, self._ahead = self._held, [], {}
        return sorted(held, key=lambda entry: entry.order)

    def _at(self, key: str) -> str:
        return self.streams[key].read.position

    async def _read(self, redis: Redis) -> list[Any]:
        """The clock, then a reply of each partition (on a cluster each is on a node of its own)."""
        partitions: dict[int, dict[str, str]] = {}
        for key, stream in self.streams.items():
            if key not in self._ahead:
                partitions.setdefault(stream.partition, {})[key] = stream.read.position
        async with redis.pipeline(transaction=False) as pipe:
            pipe.time()
            for positions in partitions.values():
                pipe.xread(positions, count=COUNT)  # type: ignore[arg-type]
            time, *replies = await pipe.execute()
        self.now_ms = int(time[0]) * 1000 + int(time[1]) // 1000
        return replies

    def _take(self, replies: list[Any]) -> dict[str, int]:
        """Hold what was read. Returns the last ms of each stream that filled its count."""
        full: dict[str, int] = {}
        for reply in replies:
            for name, rows in reply or ():
                key = name.decode()
                stream = self.streams[key]
                for entry_id, fields in rows:
                    ms, _, seq = entry_id.partition(b"-")
                    # an entry of another schema has no such field: it is accounted for, and kept out as none of ours
                    entry = Entry(key, int(ms), int(seq), fields.get(FIELD, b""))
                    stream.hold(entry)
                    self._held.append(entry)
                if len(rows) >= COUNT:
                    full[key] = self._held[-1].ms
        return full
