"""`python -m services.archiver`: archive what the streams carry. Any number may run; one writes, the others wait.

    python -m services.archiver                follow the streams
    python -m services.archiver check [DIR]    what is in the archive: is every file what was written, what is missing
    python -m services.archiver seal [DIR]     make Parquet of all that is in the journal, where nobody writes to it
    python -m services.archiver replay DIR …   play an archive into Redis (see player.py)

Exit codes: 0 after a stop, 1 for a fault, 2 for a setting or a command that is none, 3 for what a person must mend.
"""

import asyncio
import logging
import shutil
import sys
import time
from typing import Any, Final

import msgspec

from services.archiver import commands
from services.archiver.order import Order
from services.archiver.store import Store, kept_entries, retain, take_lock
from shared import streams
from shared.archive.journal import Block
from shared.archive.layout import TooNew
from shared.archive.records import HOUR_MS, Entry, Gap, Snapshot
from shared.bus import AWAY, Redis, incarnation_of
from shared.config import SettingError, Settings, names
from shared.cursor import LAST_SEQ, START, split_id
from shared.reader import standing
from shared.service import CannotServeError, Service, run

LOG: Final = logging.getLogger(__name__)
ALL_KINDS: Final = tuple(streams.RETENTION_MS)
#: Between reads when nothing waits: half of what a journal block holds, far below any stream's life.
PAUSE_S: Final = 0.25
#: How far back a new archive begins: what was just being started is in it whole.
BACK_MS: Final = 10_000
FLUSH_S: Final = 1.0
FLUSH_BYTES: Final = 8 << 20
ACCOUNT_S: Final = 2.0
MAINTAIN_S: Final = 30.0
RETRY_S: Final = 2.0
GB: Final = 1 << 30
#: below this much free space on the archive's disk nothing is written any more
LEAST_FREE: Final = GB // 2


def kinds_of(settings: Settings) -> tuple[str, ...]:
    """The kinds that are archived. Raises `SettingError`."""
    chosen = names(settings.archive_kinds, str.lower)
    for kind in chosen:
        if kind not in ALL_KINDS:
            raise SettingError("ARCHIVE_KINDS", kind, f"names out of: {', '.join(ALL_KINDS)}")
    return tuple(chosen) or ALL_KINDS


class Archiver:
    """One process's work. The first two loops read and write; the third makes Parquet and room."""

    def __init__(self, service: Service) -> None:
        self.service, self.settings = service, service.settings
        self.root = self.settings.archive_path
        self.kinds = kinds_of(self.settings)
        self.order = Order()
        self.entries: list[Entry] = []
        self.gaps: list[Gap] = []
        self.held_bytes = 0
        #: one writes at a time: what was read, or what waited for room
        self._writing = asyncio.Lock()
        #: a checkpoint of every partition and every listing are to be kept; else the listings of these venues
        self.snapshots_due = True
        self.relisted: set[str] = set()
        self._said: dict[bytes, bytes] = {}
        #: the present segment began before it was known how many entries the streams have had
        self.uncounted = False
        self.last_ms = 0
        self.entries_total = self.gaps_total = self.rejected_total = self.commits_total = 0
        self.disk_bytes = self.unsealed = 0
        self.full = ""
        self._next: dict[str, float] = {}

    async def run(self) -> None:
        service = self.service
        service.health(self.fields)
        lock = await self._lock()
        if lock is None:
            return
        with lock:
            try:
                self.store = Store(self.root)
            except TooNew as error:
                raise CannotServeError(str(error)) from error
            self.incarnation = service.incarnation
            service.state = "live"
            service.spawn(self._maintain(), "maintenance")
            while not service.stop.is_set():
                await self._turn()
            await self._flush()
            self.store.close()

    async def _lock(self) -> Any:
        """The archive's lock, once no other process holds it. None: stopped meanwhile."""
        while True:
            try:
                lock = take_lock(self.root)
            except OSError as error:
                raise CannotServeError(f"The archive cannot be written: {error}") from error
            if lock is not None:
                return lock
            self.service.detail = "stands by: another archiver writes"
            if not await self.service.pause(RETRY_S):
                return None
            self.service.detail = ""

    def _is_due(self, what: str, every_s: float) -> bool:
        now = time.monotonic()
        if now < self._next.get(what, 0.0):
            return False
        self._next[what] = now + every_s
        return True

    async def _turn(self) -> None:
        """Read, and write what is complete. What cannot be written is held, and nothing is read meanwhile."""
        if self.full or not await self._try():
            await self.service.pause(RETRY_S)
        elif not self.order.more:
            await self.service.pause(PAUSE_S)

    async def _try(self) -> bool:
        try:
            if not self.store.is_open:
                await self._begin()
            if self.full:
                return False
            # in this order: a stream that is not found now has no entry from before the clock was asked
            now_ms = await redis_ms(self.service.redis)
            await self._discover()
            if self._is_due("account", ACCOUNT_S):
                await self._account()
            self._keep(await self.order.turn(self.service.redis, now_ms))
            if self._is_due("flush", FLUSH_S) or self.held_bytes > FLUSH_BYTES:
                await self._flush()
        except AWAY as error:
            LOG.warning("the streams wait for Redis: %s", error)
            return False
        return not self.full

    async def _begin(self) -> None:
        """Begin the first segment. A new archive begins now: what the streams hold of before is of no one order any
        more, since some reach back a minute and some an hour."""
        self.order.now_ms = await redis_ms(self.service.redis)
        if self.store.is_new:
            self.uncounted = True
            self.store.floor = f"{self.order.now_ms - BACK_MS}-0"
        await self._discover()
        await self._account()
        if not self.store.is_open:
            await self._flush(roll=True)

    async def _discover(self) -> None:
        found = [streams.control(p) for p in range(self.settings.partitions)]
        found += [streams.signals(p) for p in range(self.settings.partitions)]
        async for key in self.service.redis.scan_iter(streams.instruments("*"), count=1000):
            venue = key.decode(errors="replace").partition(":")[2]
            for partition in range(self.settings.partitions):
                found += [streams.market_data(partition, venue, kind) for kind in self.kinds]
        fresh = [key for key in found if key not in self.order.streams]
        if not fresh:
            return
        ms = self.last_ms or split_id(self.store.reached)[0]
        after = f"{ms}-{LAST_SEQ}" if ms else START  # what is archived stays in order
        for key in fresh:
            new = key not in self.store.accounts
            stream = self.order.streams[key] = self.store.stream(key, after)
            found_there = await standing(self.service.redis, key)
            if new and ms:
                stream.miss_before(found_there)
            stream.account(found_there)

    async def _account(self) -> None:
        """What was trimmed before it was read, and whether it is the same Redis still."""
        redis = self.service.redis
        incarnation = await incarnation_of(redis)
        if self.store.incarnation not in ("", incarnation):
            self._keep(self.order.drain())
            for stream in self.order.streams.values():
                stream.begin_anew()
            self._collect()
            self.incarnation = incarnation
            await self._flush(roll=True)
        for key, stream in self.order.streams.items():
            stream.account(await standing(redis, key))
        said: Any = await redis.hgetall(streams.META_LISTINGS)
        self.relisted |= {venue.decode() for venue, text in said.items() if self._said.get(venue) != text}
        self._said = said

    def _keep(self, ready: list[Entry]) -> None:
        kept = kept_entries(ready, self.order.streams)
        for stream in self.order.streams.values():
            stream.rest()
        self.entries += kept
        self.entries_total += len(kept)
        self.held_bytes += sum(len(entry.data) for entry in kept)
        if ready:
            self.last_ms = ready[-1].ms
        self._collect()

    def _collect(self) -> None:
        """What the accounts found missing: it is missing behind what is archived by now."""
        for stream in self.order.streams.values():
            for gap in stream.gaps:
                found = msgspec.structs.replace(gap, at_ms=self.last_ms or self.order.now_ms)
                LOG.warning("missing in the archive: %s after %s (%s)", gap.stream, gap.after_id, gap.reason)
                self.gaps.append(found)
                self.gaps_total += 1
                self.rejected_total += gap.reason.startswith("rejected")
                self.snapshots_due = self.snapshots_due or gap.breaks
            stream.gaps.clear()

    async def _flush(self, *, roll: bool = False) -> bool:
        """Put what is held on the disk. Where the disk takes nothing it stays held, and reading pauses (False).

        A segment's account is that of everything before it, so what is held goes into the old one.
        """
        async with self._writing:
            return await self._write(roll)

    async def _write(self, roll: bool) -> bool:
        now_ms = self.order.now_ms
        counted = self.uncounted and all(one.read.ordinal is not None for one in self.order.streams.values())
        roll = roll or (counted and self.store.is_open) or self.store.is_due(now_ms)
        snapshots = await self._snapshots(whole=roll or self.snapshots_due)
        if not (self.entries or self.gaps or snapshots or roll):
            return True
        try:
            if self.entries or self.gaps or not roll:
                held, found = self.entries[:], self.gaps[:]
                await asyncio.to_thread(self.store.append, Block(held, found, [] if roll else snapshots))
                del self.entries[: len(held)], self.gaps[: len(found)]
                self.held_bytes = sum(len(entry.data) for entry in self.entries)
            if roll:
                await asyncio.to_thread(self.store.roll, self.incarnation, now_ms, Block(snapshots=snapshots))
        except OSError as error:
            self._pause(f"the archive cannot be written: {error}")
            return False
        self.snapshots_due = self.snapshots_due and not snapshots
        self.uncounted = self.uncounted and not counted
        self.relisted.clear()
        self.commits_total += 1
        return True

    async def _snapshots(self, *, whole: bool) -> list[Snapshot]:
        """What a later reader begins with: the checkpoints of all partitions, and the listings."""
        redis, found = self.service.redis, []
        listings = {streams.instruments(venue) for venue in self.relisted}
        if whole:
            for partition in range(self.settings.partitions):
                data: Any = await redis.hget(streams.scan(partition), "ckpt")
                if data is not None:
                    found.append(Snapshot(streams.scan(partition), self.order.now_ms, data))
            listings |= {key.decode() async for key in redis.scan_iter(streams.instruments("*"), count=1000)}
        for key in sorted(listings):
            listing: Any = await redis.hgetall(key)
            found.append(Snapshot(key, self.order.now_ms, msgspec.msgpack.encode(listing)))
        return found

    def _pause(self, why: str) -> None:
        if why != self.full:
            LOG.warning("archiving %s%s", "pauses: " if why else "goes on", why)
        self.full = why
        self.service.state = "degraded" if why else "live"
        self.service.detail = why

    async def _maintain(self) -> None:
        """Twice a minute; while archiving pauses, room is looked for all the time."""
        while True:
            due = self._is_due("maintenance", MAINTAIN_S)
            if due:
                await self._seal()
            try:
                if due or self.full:
                    await self._make_room()
            except AWAY as error:
                LOG.warning("maintenance waits for Redis: %s", error)
            if not await self.service.pause(RETRY_S):
                return

    async def _seal(self) -> None:
        """Parquet of what has ended, in a process of its own: its memory ends with it."""
        for segment in self.store.unsealed():
            line = (sys.executable, "-m", "services.archiver.seal", str(self.root), str(segment))
            child = await asyncio.create_subprocess_exec(*line)
            work = (asyncio.create_task(child.wait()), asyncio.create_task(self.service.stop.wait()))
            await asyncio.wait(work, return_when=asyncio.FIRST_COMPLETED)
            if child.returncode is None:
                child.terminate()  # done again after the next start
            code = await work[0]
            work[1].cancel()
            if code:
                LOG.warning("segment %d is not Parquet yet (exit %d): tried again", segment, code)
                break
        self.unsealed = len(self.store.unsealed())

    async def _make_room(self) -> None:
        settings = self.settings
        others = await self._others()
        limit = settings.max_disk_gb * GB - others
        first_hour = self.order.now_ms // HOUR_MS - settings.archive_days * 24
        try:
            self.disk_bytes = await asyncio.to_thread(retain, self.root, first_hour, limit)
            free = shutil.disk_usage(self.root).free
        except OSError as error:
            self._pause(f"the archive cannot be tidied: {error}")
            return
        if self.disk_bytes > limit:
            taken = (self.disk_bytes + others) / GB
            self._pause(f"history, Redis and archive take {taken:.1f} GB, more than MAX_DISK_GB")
        elif free < LEAST_FREE:
            self._pause(f"only {free / GB:.1f} GB are free on the disk")
        elif self.full and (not self.store.is_open or await self._flush()):
            self._pause("")

    async def _others(self) -> int:
        """What history and Redis take, as the recorder says; they have the first claim to the disk."""
        found = 0
        async for key in self.service.redis.scan_iter(streams.health("_recorder", "*"), count=1000):
            said: Any = await self.service.redis.hget(key, "disk_bytes")
            found = max(found, int(said or 0))
        return found

    def fields(self) -> dict[str, str | int | float]:
        return {
            "entries_total": self.entries_total,
            "commits_total": self.commits_total,
            "gaps_total": self.gaps_total,
            "rejected_total": self.rejected_total,
            "lag_ms": max(0, self.order.now_ms - self.last_ms) if self.last_ms else 0,
            "unsealed": self.unsealed,
            "disk_bytes": self.disk_bytes,
            "paused": int(bool(self.full)),
        }


async def redis_ms(redis: Redis) -> int:
    seconds, micros = await redis.time()
    return int(seconds) * 1000 + int(micros) // 1000


async def follow(service: Service) -> None:
    if not service.settings.archive_days:
        raise SettingError("ARCHIVE_DAYS", 0, "at least 1: nothing is archived without")
    await Archiver(service).run()


def main(arguments: list[str]) -> int:
    if not arguments:
        return run("_archiver", follow)
    return commands.main(arguments)


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
