"""Reading streams without passing over anything in silence.

`SeqMemory` keeps account of batch numbers per producer, `StreamReader` reads several streams from positions,
`read_ordered` gives a whole partition's entries in the one order that all readers agree on, `late_join` starts from
the last values. Positions and memories can be stored with the reader's own work and given back at its next start.
"""

from collections.abc import Iterable, Mapping
from typing import Any, Final, Literal

import msgspec

from shared import streams
from shared.bus import Redis
from shared.codec import Batch, decode_batch, decode_event
from shared.events import Event

START: Final = "0-0"
#: how far behind the newest entry a late joiner begins: what the last values may not hold yet
JOIN_BACK_MS: Final = 2_000
Taken = Literal["new", "late", "drop"]


def split_id(text: str) -> tuple[int, int]:
    """An entry id as (milliseconds, number)."""
    ms, _, number = text.partition("-")
    return int(ms), int(number or 0)


class SeqMemory:
    """Batch numbers of one stream, per producer: the highest seen and those missing below it.

    A producer that is met for the first time sets its own baseline, unless the reader was `live` before: then its
    numbers from 0 on are missing.
    """

    def __init__(self) -> None:
        self._high: dict[str, int] = {}
        self._missing: dict[str, set[int]] = {}
        self.live = False

    def take(self, producer: str, seq: int) -> Taken:
        """`new`: take it (numbers that it jumped over are missing now); `late`: take it; `drop`: seen before."""
        high = self._high.get(producer)
        if high is None:
            high = -1 if self.live else seq - 1
        if seq > high:
            if seq > high + 1:
                self._missing.setdefault(producer, set()).update(range(high + 1, seq))
            self._high[producer] = seq
            return "new"
        missing = self._missing.get(producer)
        if missing and seq in missing:
            missing.discard(seq)
            if not missing:
                del self._missing[producer]
            return "late"
        return "drop"

    def missing(self) -> dict[str, list[int]]:
        """The missing numbers by producer, ascending."""
        return {producer: sorted(seqs) for producer, seqs in self._missing.items()}

    def settle(self, producer: str) -> None:
        """The missing numbers of a producer are reported: they are not waited for any more."""
        self._missing.pop(producer, None)

    def dump(self) -> dict[str, Any]:
        return {"high": dict(self._high), "missing": self.missing(), "live": self.live}

    @classmethod
    def load(cls, dump: Mapping[str, Any]) -> "SeqMemory":
        memory = cls()
        memory._high = dict(dump["high"])
        memory._missing = {producer: set(seqs) for producer, seqs in dump["missing"].items()}
        memory.live = bool(dump["live"])
        return memory


class Entry(msgspec.Struct, frozen=True, gc=False):
    """One stream entry. `batch` None: the entry is no batch of this schema (`raw` then says what it held)."""

    key: str
    id_ms: int
    id_seq: int
    batch: Batch | None
    raw: bytes = b""

    @property
    def id(self) -> str:
        return f"{self.id_ms}-{self.id_seq}"


def entries_of(reply: Any) -> list[Entry]:
    """The entries of an XREAD reply, decoded, in the reply's order."""
    found = []
    for key, rows in reply or ():
        name = key.decode()
        for entry_id, fields in rows:
            ms, number = split_id(entry_id.decode())
            data = fields.get(streams.FIELD, b"")
            try:
                found.append(Entry(name, ms, number, decode_batch(data)))
            except msgspec.DecodeError:
                found.append(Entry(name, ms, number, None, data))
    return found


class StreamReader:
    """Several streams, each from its position. Entries are given once per batch number; misfits are counted."""

    def __init__(self, client: Redis, keys: Iterable[str], positions: Mapping[str, str] | None = None) -> None:
        """`positions` None: from the newest entry on, as a late joiner does."""
        self._client = client
        self._late = positions is None
        self.positions: dict[str, str] = dict(positions or {})
        self.memory: dict[str, SeqMemory] = {}
        self.rejected = self.dropped = 0
        self._waiting: list[str] = []
        self.add_keys(keys)

    def add_keys(self, keys: Iterable[str]) -> None:
        """Streams that are met while reading begin at their first entry, unless this reader joins late."""
        for key in keys:
            self.memory.setdefault(key, SeqMemory())
            if key not in self.positions:
                self._waiting.append(key)

    async def read(self, block_ms: int, count: int = 100) -> list[Entry]:
        """The next entries; empty after `block_ms` of nothing. Raises what redis raises while it is away."""
        await self._place()
        if not self.positions:
            return []
        keys: Any = self.positions
        reply = await self._client.xread(keys, count=count, block=block_ms)
        fresh = []
        for entry in entries_of(reply):
            self.positions[entry.key] = entry.id
            if entry.batch is None:
                self.rejected += 1
                continue
            if self.memory[entry.key].take(entry.batch.producer, entry.batch.seq) == "drop":
                self.dropped += 1
            else:
                fresh.append(entry)
        for key in {entry.key for entry in fresh}:
            self.memory[key].live = True
        return fresh

    async def _place(self) -> None:
        waiting, self._waiting = self._waiting, []
        for key in waiting:
            self.positions[key] = await newest_id(self._client, key) if self._late else START


async def newest_id(client: Redis, key: str) -> str:
    """The id of a stream's newest entry; START where it has none."""
    rows: Any = await client.xrevrange(key, count=1)
    return rows[0][0].decode() if rows else START


async def read_ordered(
    client: Redis, positions: Mapping[str, str], count: int = 100
) -> tuple[list[tuple[tuple[int, str, int], bytes]], int]:
    """Entries of one partition in the order (id ms, key, id number), as far as that order is settled.

    Settled is what lies below Redis's clock, read before the streams, and not after the last entry of any key that
    gave `count` entries: of that key an entry may be left that sorts before the others.
    Returns ((id ms, key, id number), body) pairs and the clock in ms. All keys must live on one node.
    """
    pipe = client.pipeline(transaction=False)
    pipe.time()
    keys: Any = dict(positions)
    pipe.xread(keys, count=count)
    (seconds, micros), reply = await pipe.execute()
    clock = seconds * 1000 + micros // 1000
    bound = (clock, "", 0)
    found = []
    for key, rows in reply or ():
        name = key.decode()
        for entry_id, fields in rows:
            ms, number = split_id(entry_id.decode())
            found.append(((ms, name, number), fields.get(streams.FIELD, b"")))
        if len(rows) >= count:
            bound = min(bound, found[-1][0])
    return sorted((item for item in found if item[0] <= bound), key=lambda item: item[0]), clock


async def late_join(client: Redis, partition: int, venue: str, kind: str) -> tuple[dict[str, Event], str]:
    """The newest event per symbol, and the id to read on from: greater (ts, recv) wins where both have one.

    The newest id is asked first, then the hash; reading begins JOIN_BACK_MS before that id.
    """
    newest = await newest_id(client, streams.market_data(partition, venue, kind))
    rows: Any = await client.hgetall(streams.last(partition, venue, kind))
    events = {field.decode(): decode_event(value) for field, value in rows.items()}
    ms, _ = split_id(newest)
    return events, f"{max(0, ms - JOIN_BACK_MS)}-0"
