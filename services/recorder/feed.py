"""One feed: streams that are read together and whose rows commit with their positions.

Theory of operation. A feed belongs to the recorder that holds its advisory lock; the positions in Postgres guard it
once more (`Fenced`). It loads what was committed last, reads on from there with plain XREAD, folds, and every COMMIT_S
(sooner when much has come) commits new positions, the fold's state and the rows in one transaction, while reading goes
on. When Postgres is away or cannot store, a feed whose streams are kept too briefly to wait (`patient` False) folds on
and tries the same commit again, larger each time; a patient feed leaves its entries in the stream. Redis away is ridden
out. Any other error ends the process: the next one loads the last commit.
"""

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, Protocol

import msgspec

from services.recorder import store
from services.recorder.database import AWAY, UNABLE, Pool, sentence
from services.recorder.pending import Pending
from services.recorder.store import Position, Rows
from services.recorder.track import Track
from shared import bus
from shared.bus import Redis, incarnation_of
from shared.reader import split_id, standing
from shared.streams import FIELD

LOG: Final = logging.getLogger(__name__)
COMMIT_S: Final = 2.0
BLOCK_MS: Final = 500
#: entries of a stream in one read, of 64 events at most: no more than one commit should hold
COUNT: Final = 320
#: entries folded before others have their turn: the health record, other feeds, a commit
TURN: Final = 100
#: a pause between reads: history is in no hurry, and few large replies cost a fraction of many small ones
GATHER_S: Final = 0.2
#: a connection that the pool cannot give within so long counts as away
ACQUIRE_S: Final = 10.0
RETRY_S: Final = 1.0


class Folder(Protocol):
    """What a kind of feed does with its entries. `states` name its parts in `fold_state`, after the feed's name."""

    patient: bool
    look_back_ms: int
    states: tuple[str, ...]
    pending: Pending

    @property
    def full(self) -> bool:
        """So much waits that it should be stored before more is read."""

    def load(self, states: Mapping[str, bytes]) -> None: ...

    def seen(self, stream: str, entry_id: str, data: bytes) -> None:
        """An entry within `look_back_ms` before the position, stored before: for what tells repetitions."""

    def take(self, track: Track, entry_id: str, data: bytes) -> int:
        """Fold one entry in and return how many events it held. Raises msgspec.DecodeError on what is no batch."""

    def tick(self, clock_ms: int) -> None:
        """Everything up to this time of Redis has been read."""

    def collect(self) -> Rows:
        """The rows to store now; `stored` or `restore` follows."""

    def dump(self) -> dict[str, bytes]: ...

    def stored(self) -> None: ...

    def restore(self, rows: Rows) -> None:
        """The commit of these rows failed: they are to be collected again."""


class Feed:
    """See the module's theory of operation. Counters are public, for the health record.

    `recorded`: the streams are a replay's, whose ids are recorded times; no clock of the present says anything there.
    """

    def __init__(
        self, name: str, streams: Sequence[str], folder: Folder, schema: int, *, recorded: bool = False
    ) -> None:
        self.name, self.streams, self.folder = name, tuple(streams), folder
        self._schema, self._recorded = schema, recorded
        self.tracks: dict[str, Track] = {}
        self.before: dict[str, Position] = {}
        self.events = self.rows = self.rejected = self.gaps = self.commits = 0
        self.lag_ms = 0
        #: why nothing can be stored at the moment; empty while it can
        self.trouble = ""
        self._storing: asyncio.Task[None] | None = None
        self._redis_away = False

    async def load(self, redis: Redis, pool: Pool, incarnation: str) -> None:
        names = [self.name + part for part in self.folder.states]
        async with pool.acquire(timeout=ACQUIRE_S) as connection:
            states, self.before = await store.load(connection, names, self.streams)
        self.folder.load({name.removeprefix(self.name): state for name, state in states.items()})
        self.tracks = {stream: Track(stream, incarnation, self.before.get(stream)) for stream in self.streams}
        if self.folder.look_back_ms:
            for track in self.tracks.values():
                await self._look_back(redis, track)

    async def _look_back(self, redis: Redis, track: Track) -> None:
        at, end = f"{max(0, split_id(track.last_id)[0] - self.folder.look_back_ms)}-0", track.last_id
        while track.begun:
            rows: Any = await redis.xrange(track.stream, min=at, max=end, count=COUNT)
            for entry_id, fields in rows:
                try:
                    self.folder.seen(track.stream, entry_id.decode(), fields[FIELD])
                except (KeyError, msgspec.DecodeError):
                    continue  # it is in `rejected` since it was read first
            if len(rows) < COUNT:
                return
            at = "(" + rows[-1][0].decode()

    async def follow(self, redis: Redis, pool: Pool, stop: asyncio.Event, paused: Callable[[], bool]) -> None:
        """Read and commit until told to stop; commits once more then. Raises `Fenced`, `SchemaError`.

        While `paused` nothing is read or written: what the streams then no longer hold becomes a gap.
        """
        loop = asyncio.get_running_loop()
        next_commit = loop.time() + COMMIT_S
        try:
            await self._ride(redis, self._account)
            while not stop.is_set():
                await self._stored()
                if paused() or self._must_wait():
                    await self._rest()
                else:
                    await self._ride(redis, self._read)
                hurry = self.folder.full and not self.trouble
                if (hurry or loop.time() >= next_commit) and self._storing is None and not paused():
                    await self._ride(redis, self._account)
                    self._storing = asyncio.create_task(self._store(pool), name=f"store {self.name}")
                    next_commit = loop.time() + COMMIT_S
            await self._stored(wait=True)
            await self._store(pool)
        finally:
            if self._storing is not None:
                self._storing.cancel()
                await asyncio.wait([self._storing])
                self._storing = None

    async def _rest(self) -> None:
        """Nothing is to be read for a moment: until the commit under way has ended, if one is."""
        if self._storing is None:
            await asyncio.sleep(GATHER_S)
        else:
            await asyncio.wait([self._storing], timeout=GATHER_S)

    def _must_wait(self) -> bool:
        """A commit is to end first: one that makes room, or, where the streams keep what is not read, any."""
        if self.trouble:
            return self.folder.patient
        return self.folder.full and self._storing is not None

    async def _stored(self, *, wait: bool = False) -> None:
        """The end of the commit under way, if it has ended. Raises what it raised."""
        if self._storing is not None and (wait or self._storing.done()):
            storing, self._storing = self._storing, None
            await storing

    async def _ride(self, redis: Redis, work: Callable[[Redis], Any]) -> None:
        """Do something with Redis; while it is away nothing is lost but time."""
        try:
            await work(redis)
        except bus.AWAY as error:
            if not self._redis_away:
                LOG.warning("Redis is away, %s waits: %s", self.name, error)
            self._redis_away = True
            await asyncio.sleep(RETRY_S)
        else:
            if self._redis_away:
                LOG.info("Redis is back for %s", self.name)
            self._redis_away = False

    async def _read(self, redis: Redis) -> None:
        positions: Any = {stream: track.last_id for stream, track in self.tracks.items()}
        reply: Any = await redis.xread(positions, count=COUNT, block=BLOCK_MS)
        for key, entries in reply or ():
            track = self.tracks[key.decode()]
            for number, (entry_id, fields) in enumerate(entries, 1):
                self._take(track, entry_id.decode(), fields)
                if number % TURN == 0:
                    await asyncio.sleep(0)  # fold and position agree after each entry
            track.rest()
        # a stream that filled its count may hold more, of times that others are past
        behind = [entries[-1][0].decode() for _, entries in reply or () if len(entries) >= COUNT]
        read = behind or [track.last_id for track in self.tracks.values()]
        clock_ms = [split_id(last)[0] for last in read]
        self.folder.tick(min(clock_ms) if behind else max(clock_ms))
        await asyncio.sleep(0 if behind else GATHER_S)

    def _take(self, track: Track, entry_id: str, fields: dict[bytes, bytes]) -> None:
        data = fields.get(FIELD)
        try:
            if data is None:
                raise msgspec.DecodeError(f"it has no field {FIELD.decode()}")
            self.events += self.folder.take(track, entry_id, data)
        except msgspec.DecodeError as error:
            track.reject(entry_id, str(error))
            held = ", ".join(f"{name.decode(errors='replace')}={value.hex()}" for name, value in fields.items())
            self.folder.pending.reject("entry", f"{track.stream} {entry_id} {held}", str(error))
            LOG.warning("entry %s of %s is no batch: %s", entry_id, track.stream, error)

    async def _account(self, redis: Redis) -> None:
        """What was trimmed before it was read, by Redis's own account of the streams; and how far behind we are."""
        seconds, _ = await redis.time()
        incarnation, lags = await incarnation_of(redis), [0]
        for stream, track in self.tracks.items():
            if incarnation != track.incarnation:
                track.wiped(incarnation)
            found = await standing(redis, stream)
            track.account(found)
            if found is not None and track.begun:
                lags.append(split_id(found.last_id)[0] - split_id(track.last_id)[0])
        self.lag_ms = max(lags)
        if not self.lag_ms and not self._recorded:
            # a feed that has fallen silent still closes its minutes
            self.folder.tick(seconds * 1000)

    async def _store(self, pool: Pool) -> None:
        """One commit. What cannot be stored now is put back; what Postgres refuses is kept aside there."""
        rows: Rows | None = None
        try:
            async with pool.acquire(timeout=ACQUIRE_S) as connection:
                # all of one moment: rows, positions and the state that they leave
                gaps = [gap for track in self.tracks.values() for gap in track.gaps]
                rows = msgspec.structs.replace(self.folder.collect(), gaps=gaps)
                after = {s: t.position() for s, t in self.tracks.items() if s in self.before or t.begun}
                states = {self.name + part: state for part, state in self.folder.dump().items()}
                try:
                    done = await store.commit(connection, self.name, self.before, after, states, rows, self._schema)
                except AWAY:
                    connection.terminate()  # it may have been cut within a COPY: nobody may use it again
                    raise
        except (*AWAY, *UNABLE) as error:
            if rows is not None:
                self.folder.restore(rows)
            if not self.trouble:
                LOG.warning("%s cannot be stored, it waits: %s", self.name, sentence(error))
            self.trouble = sentence(error)
            return
        if self.trouble:
            LOG.info("%s has stored what had waited", self.name)
        self.trouble = ""
        self.folder.stored()
        self.before = after
        self._note(rows, done.refused)

    def _note(self, rows: Rows, refused: Sequence[store.Rejected]) -> None:
        self.commits += 1
        self.rows += len(rows)
        self.gaps += len(rows.gaps)
        aside = [*rows.rejected, *refused]
        self.rejected += len(aside)
        if aside:
            LOG.error("%d rows of %s are kept aside in `rejected`: %s", len(aside), self.name, aside[0].reason)
        for track in self.tracks.values():
            track.gaps = track.gaps[len([gap for gap in rows.gaps if gap.stream == track.stream]) :]
