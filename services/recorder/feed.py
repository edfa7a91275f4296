"""One feed: streams that are read together and whose rows commit with their positions.

Theory of operation. A feed belongs to the recorder that holds its advisory lock; the positions in Postgres guard it
once more (`Fenced`). It loads what was committed last, reads on from there with plain XREAD, folds, and every COMMIT_S
commits new positions, the fold's state and the rows in one transaction. While Postgres is away it goes on folding, if
its streams are kept too briefly to wait (`patient` False), and tries the same commit again, larger each time; a
patient feed leaves its entries in the stream. Any other error ends the process: the next one loads the last commit.
"""

import asyncio
import logging
from collections.abc import Callable, Sequence
from typing import Any, Final, Protocol

import asyncpg
import msgspec

from services.recorder import store
from services.recorder.store import Position, Rows
from services.recorder.track import Track
from shared.bus import Redis
from shared.reader import split_id, standing
from shared.streams import FIELD

LOG: Final = logging.getLogger(__name__)
COMMIT_S: Final = 2.0
BLOCK_MS: Final = 500
COUNT: Final = 1000
#: a pause between reads: history is in no hurry, and few large replies cost a fraction of many small ones
GATHER_S: Final = 0.2
#: what asyncpg raises while Postgres is away, restarting or refusing
AWAY: Final = (
    OSError,
    TimeoutError,
    asyncpg.PostgresConnectionError,
    asyncpg.InterfaceError,
    asyncpg.CannotConnectNowError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
)


class Folder(Protocol):
    """What a kind of feed does with its entries."""

    patient: bool

    def load(self, state: bytes | None) -> None: ...

    def take(self, track: Track, entry_id: str, data: bytes) -> int:
        """Fold one entry in and return how many events it held. Raises msgspec.DecodeError on what is no batch."""

    def tick(self, clock_ms: int) -> None:
        """Everything up to this time of Redis has been read."""

    def collect(self) -> Rows:
        """The rows to store now; they count as stored unless `restore` follows."""

    def dump(self) -> bytes | None: ...

    def restore(self, rows: Rows) -> None:
        """The commit of these rows failed: they are to be collected again."""


class Feed:
    """See the module's theory of operation. Counters are public, for the health record.

    `recorded`: the streams are a replay's, whose ids are recorded times; no clock of the present says anything there.
    """

    def __init__(
        self, name: str, venue: str, streams: Sequence[str], folder: Folder, *, recorded: bool = False
    ) -> None:
        self.name, self.venue, self.streams, self.folder = name, venue, tuple(streams), folder
        self._recorded = recorded
        self.tracks: dict[str, Track] = {}
        self.before: dict[str, Position] = {}
        self.events = self.rows = self.rejected = self.gaps = self.commits = 0
        self.lag_ms = 0
        self.waiting = False

    async def load(self, pool: asyncpg.Pool, incarnation: str) -> None:
        async with pool.acquire() as connection:
            state, self.before = await store.load(connection, self.name, self.streams)
        self.folder.load(state)
        self.tracks = {stream: Track(stream, incarnation, self.before.get(stream)) for stream in self.streams}

    async def follow(self, redis: Redis, pool: asyncpg.Pool, stop: asyncio.Event, paused: Callable[[], bool]) -> None:
        """Read and commit until told to stop; commits once more then. Raises `Fenced`.

        While `paused` nothing is read or written: what the streams then no longer hold becomes a gap.
        """
        await self._account(redis)
        next_commit = asyncio.get_running_loop().time() + COMMIT_S
        while not stop.is_set():
            if paused() or (self.waiting and self.folder.patient):
                await asyncio.sleep(COMMIT_S)
            else:
                await self._read(redis)
            if asyncio.get_running_loop().time() >= next_commit and not paused():
                await self._account(redis)
                await self._commit(pool)
                next_commit = asyncio.get_running_loop().time() + COMMIT_S
        await self._commit(pool)

    async def _read(self, redis: Redis) -> None:
        positions: Any = {stream: track.last_id for stream, track in self.tracks.items()}
        reply: Any = await redis.xread(positions, count=COUNT, block=BLOCK_MS)
        for key, entries in reply or ():
            track = self.tracks[key.decode()]
            for entry_id, fields in entries:
                self._take(track, entry_id.decode(), fields)
            track.rest()
        # a stream that filled its count may hold more, of times that others are past
        behind = [entries[-1][0].decode() for _, entries in reply or () if len(entries) >= COUNT]
        read = behind or [track.last_id for track in self.tracks.values()]
        clock_ms = [split_id(last)[0] for last in read]
        self.folder.tick(min(clock_ms) if behind else max(clock_ms))
        await asyncio.sleep(0 if behind else GATHER_S)

    def _take(self, track: Track, entry_id: str, fields: dict[bytes, bytes]) -> None:
        try:
            self.events += self.folder.take(track, entry_id, fields[FIELD])
        except (KeyError, msgspec.DecodeError) as error:
            self.rejected += 1
            track.reject(entry_id, str(error))
            LOG.warning("entry %s of %s is no batch: %s", entry_id, track.stream, error)

    async def _account(self, redis: Redis) -> None:
        """What was trimmed before it was read, by Redis's own account of the streams; and how far behind we are."""
        seconds, _ = await redis.time()
        lags = [0]
        for stream, track in self.tracks.items():
            found = await standing(redis, stream)
            track.account(found)
            if found is not None and track.begun:
                lags.append(split_id(found.last_id)[0] - split_id(track.last_id)[0])
        self.lag_ms = max(lags)
        if not self.lag_ms and not self._recorded:
            # a feed that has fallen silent still closes its minutes
            self.folder.tick(seconds * 1000)

    async def _commit(self, pool: asyncpg.Pool) -> None:
        rows = self.folder.collect()
        gaps = [gap for track in self.tracks.values() for gap in track.gaps]
        rows = msgspec.structs.replace(rows, gaps=gaps)
        after = {s: t.position() for s, t in self.tracks.items() if s in self.before or t.begun}
        try:
            async with pool.acquire() as connection:
                days = {store.day_of(bar.minute) for _, bar in rows.bars}
                await store.ensure_days(connection, days)
                await store.commit(connection, self.name, self.before, after, self.folder.dump(), rows, self.venue)
        except AWAY as error:
            self.folder.restore(rows)
            if not self.waiting:
                LOG.warning("Postgres is away, %s goes on without it: %s", self.name, error)
            self.waiting = True
            return
        if self.waiting:
            LOG.info("Postgres is back, %s has stored what had waited", self.name)
        self.waiting = False
        self.before = after
        self.commits += 1
        self.rows += len(rows)
        self.gaps += len(gaps)
        for track in self.tracks.values():
            track.gaps = track.gaps[len([gap for gap in gaps if gap.stream == track.stream]) :]
