"""Reading streams without passing over anything in silence.

`StreamReader` reads several streams from positions, gives each batch once and tells what it missed; `late_join`
starts from the last values. Positions and memories can be stored with the reader's own work and given back at its
next start. All keys of one reader must live on one Redis node: one reader per partition.
"""

import logging
import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

import msgspec

from shared import streams
from shared.bus import REFUSED, Redis, incarnation_of
from shared.codec import Batch, decode_batch, decode_event
from shared.cursor import START, Cursor, Loss, Standing, split_id
from shared.events import Event
from shared.seqs import SeqMemory

__all__ = [
    "START",
    "Entry",
    "Loss",
    "SeqMemory",
    "StreamReader",
    "entries_of",
    "late_join",
    "newer",
    "newest_id",
    "split_id",
    "standing",
]

log = logging.getLogger("bus.reader")

#: How far before the newest entry a late joiner begins: what the last values may not hold yet.
JOIN_BACK_MS: Final = 2_000
#: How often Redis's own account of the streams is asked.
CHECK_S: Final = 2.0
#: A blocking read must end before the client's socket time-out.
MAX_BLOCK_MS: Final = 3_000


class Entry(msgspec.Struct, frozen=True, gc=False):
    """One stream entry. `batch` None: the entry is no batch of this schema (`raw` then says what it held).

    `jump`: numbers of this producer are missing right before this batch.
    """

    key: str
    id_ms: int
    id_seq: int
    batch: Batch | None
    raw: bytes = b""
    jump: bool = False

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
    """Several streams, each from its position. Entries are given once per batch number; misfits are counted.

    `losses` grows by what was missed, until `take_losses`; `missed_entries` and `missed_batches` count it.
    """

    def __init__(
        self,
        client: Redis,
        keys: Iterable[str],
        positions: Mapping[str, str] | None = None,
        *,
        state: Mapping[str, Any] | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`positions` None: from the newest entry on, as a late joiner does. `state`: what `dump` gave, goes first."""
        self._client, self._clock = client, clock
        self._late = positions is None
        self._cursors: dict[str, Cursor] = {}
        self._unplaced: list[str] = []
        self._given = dict(positions or {})
        self._incarnation: str | None = state["incarnation"] if state else None
        self._state: dict[str, Any] = dict(state["streams"]) if state else {}
        self._checked = -CHECK_S
        self.rejected = self.dropped = self.missed_entries = self.missed_batches = self.resets = 0
        self.losses: list[Loss] = []
        self.add_keys(keys)

    def add_keys(self, keys: Iterable[str]) -> None:
        """Streams that are met while reading begin at their first entry, unless this reader joins late."""
        for key in keys:
            if key in self._cursors or key in self._unplaced:
                continue
            if key in self._state:
                self._cursors[key] = Cursor.load(key, self._state[key])
            elif self._late:
                self._unplaced.append(key)
            else:
                self._cursors[key] = Cursor(key, self._given.get(key, START))

    @property
    def positions(self) -> dict[str, str]:
        """The last entry read of each stream; a copy."""
        return {key: cursor.position for key, cursor in self._cursors.items()}

    @property
    def memory(self) -> dict[str, SeqMemory]:
        return {key: cursor.memory for key, cursor in self._cursors.items()}

    def dump(self) -> dict[str, Any]:
        """Plain JSON values: what a successor needs as `state` to go on without loss or repetition."""
        return {
            "incarnation": self._incarnation,
            "streams": {key: cursor.dump() for key, cursor in self._cursors.items()},
        }

    async def read(self, block_ms: int, count: int = 100) -> list[Entry]:
        """The next entries, at most `count` of each stream; empty after `block_ms` (at most 3 s) of nothing.

        Raises one of `shared.bus.AWAY` while Redis is away; the next call goes on where this one stood.
        """
        await self._place()
        if not self._cursors:
            return []
        entries = entries_of(await self._xread(min(block_ms, MAX_BLOCK_MS), count))
        fresh = [taken for entry in entries if (taken := self._take(entry)) is not None]
        for key in {entry.key for entry in entries}:
            self._cursors[key].rest()
            self._collect(self._cursors[key])
        return fresh

    def take_losses(self) -> list[Loss]:
        """What was missed since the last call."""
        found, self.losses = self.losses, []
        return found

    async def _place(self) -> None:
        while self._unplaced:
            key = self._unplaced[-1]
            self._cursors[key] = Cursor(key, await newest_id(self._client, key))
            self._unplaced.pop()

    async def _xread(self, block_ms: int, count: int) -> Any:
        """One XREAD; now and then Redis's account of the streams first, in the same pipeline."""
        keys: Any = self.positions
        if self._clock() - self._checked < CHECK_S:
            return await self._client.xread(keys, count=count, block=block_ms)
        incarnation = await incarnation_of(self._client)
        async with self._client.pipeline(transaction=False) as pipe:
            for key in keys:
                pipe.xinfo_stream(key)
            pipe.xread(keys, count=count)
            *infos, reply = await pipe.execute(raise_on_error=False)
        for answer in (*infos, reply):
            if isinstance(answer, Exception) and not _no_such_key(answer):
                raise answer
        self._checked = self._clock()
        return self._account(incarnation, dict(zip(keys, infos, strict=True)), reply)

    def _account(self, incarnation: str, infos: dict[str, Any], reply: Any) -> Any:
        """Compare, and leave out what was read from positions that do not hold any more."""
        wiped = self._incarnation is not None and incarnation != self._incarnation
        self._incarnation = incarnation
        before = self.positions
        for key, info in infos.items():
            cursor = self._cursors[key]
            if wiped:
                cursor.reset(wiped=True)
            else:
                cursor.account(None if isinstance(info, Exception) else _standing(info))
            self._collect(cursor)
        return [row for row in reply or () if self._cursors[row[0].decode()].position == before[row[0].decode()]]

    def _take(self, entry: Entry) -> Entry | None:
        cursor = self._cursors[entry.key]
        cursor.enter(entry.id, entry.id_ms, entry.id_seq)
        if entry.batch is None:
            self.rejected += 1
            return None
        memory = cursor.memory
        jumps = memory.jumps
        if memory.take(entry.batch.producer, entry.batch.seq, entry.id_ms) == "drop":
            self.dropped += 1
            return None
        return entry if jumps == memory.jumps else msgspec.structs.replace(entry, jump=True)

    def _collect(self, cursor: Cursor) -> None:
        for loss in cursor.losses:
            self.missed_entries += loss.entries or 0
            self.missed_batches += sum(map(len, loss.seqs.values()))
            self.resets += loss.reason == "redis_reset"
            amount = f"{loss.entries} entries" if loss.entries else f"batches {loss.seqs}" if loss.seqs else "unknown"
            log.warning("Missed on %s after %s: %s (%s)", loss.key, loss.after_id, loss.reason, amount)
        self.losses += cursor.losses
        cursor.losses = []


def _no_such_key(error: Exception) -> bool:
    return isinstance(error, REFUSED) and "no such key" in str(error)


def _standing(info: Mapping[str, Any]) -> Standing:
    first = info["first-entry"]
    return Standing(
        info["entries-added"], info["length"], info["last-generated-id"].decode(), first[0].decode() if first else None
    )


async def standing(client: Redis, key: str) -> Standing | None:
    """Redis's account of a stream; None where it has none."""
    try:
        return _standing(await client.xinfo_stream(key))
    except REFUSED as error:
        if _no_such_key(error):
            return None
        raise


async def newest_id(client: Redis, key: str) -> str:
    """The id of a stream's newest entry; START where it has none."""
    rows: Any = await client.xrevrange(key, count=1)
    return rows[0][0].decode() if rows else START


async def late_join(client: Redis, partition: int, venue: str, kind: str) -> tuple[dict[str, Event], str]:
    """The newest event per symbol, and the id to read on from; greater (ts, recv) wins where both have one (`newer`).

    The newest State of a symbol stands beside its value, under `x:<symbol>`. The newest id is asked first, then the
    hash; reading begins JOIN_BACK_MS before that id. (The hash first, then `$`, is wrong for some symbols each time.)
    """
    newest = await newest_id(client, streams.market_data(partition, venue, kind))
    rows: Any = await client.hgetall(streams.last(partition, venue, kind))
    events = {field.decode(): decode_event(value) for field, value in rows.items()}
    ms, _ = split_id(newest)
    return events, f"{max(0, ms - JOIN_BACK_MS)}-0"


def newer(event: Event, held: Event | None) -> bool:
    """Whether an event replaces the one held for its symbol: readers never go back in ts, in recv where it is null."""
    return held is None or _stamp(event) >= _stamp(held)


def _stamp(event: Event) -> tuple[int, int]:
    ts: int | None = getattr(event, "ts", None)
    return (event.recv if ts is None else ts), event.recv
