"""All feeds of one process, and what is done beside them: listings, settings, maintenance, the health record."""

import asyncio
import logging
from datetime import UTC, datetime
from typing import Any, Final

import asyncpg

from services.recorder import access, days, listings, maintenance, store
from services.recorder.choice import WatchList
from services.recorder.database import AWAY, BROKEN, UNABLE, Connection, Pool, hear_no_echoes, sentence
from services.recorder.feed import Feed, Folder
from services.recorder.folders import MARKET_KINDS, AlertFolder, ConfigFolder, MarketFolder, SignalFolder
from services.recorder.listings import Listings
from services.recorder.locks import Locks
from services.recorder.migrate import Migration, migrate
from services.recorder.prints import PRINT_KINDS, PrintFolder
from shared import bus, streams
from shared.config import Runtime
from shared.service import CannotServeError, Service
from shared.settings_store import RuntimeStore

LOG: Final = logging.getLogger(__name__)
DISCOVER_S: Final = 5.0
MAINTAIN_S: Final = 60.0
RETRY_S: Final = 2.0
POOL: Final = 6
#: how long the collectors are asked for trades ahead, and how many symbols go with one command
DEMAND_MS: Final = 20_000
CHUNK: Final = 500


class Recorder:
    """Any number may run: a feed is served by one at a time."""

    def __init__(self, service: Service, files: list[Migration]) -> None:
        self.service, self._files = service, files
        self._settings = service.settings
        self.schema = max((file.version for file in files), default=0)
        self.feeds: dict[str, Feed] = {}
        self.locks = Locks(self._settings.database)
        self.watch = WatchList(self._settings.watch_set())
        self.listings = Listings()
        self.recorded = self._settings.mode == "replay"
        self.full = ""
        self.disk_bytes = 0
        self._maintained = ""

    async def run(self) -> None:
        service = self.service
        service.health(self.fields)
        hear_no_echoes()
        pool = await self._open()
        if pool is None:
            return
        service.state = "live"
        beside = [service.spawn(self._maintain(pool), "maintenance"), service.spawn(self._list(pool), "listings")]
        following = service.spawn(RuntimeStore(service.redis).follow(self._set), "settings")
        work: list[asyncio.Task[None]] = []
        while True:
            work += [service.spawn(self._keep(feed, pool), feed.name) for feed in await self._discovered()]
            self._judge()
            if not await service.pause(DISCOVER_S):
                break
        following.cancel()
        await asyncio.gather(*work, *beside)
        await self.locks.close()
        await pool.close()

    def _set(self, runtime: Runtime) -> None:
        self.watch.change(self._settings.watch_set() | frozenset(runtime.watch))

    async def _open(self) -> Pool | None:
        """A pool over a database with our schema; waits for Postgres. None: stopped meanwhile."""
        service, said = self.service, ""
        while True:
            try:
                connection = await asyncpg.connect(self._settings.database, timeout=10)
                try:
                    for name in await migrate(connection, self._files):
                        LOG.info("migration %s applied", name)
                    await access.let_read(connection, self._settings.reader_password)
                finally:
                    await connection.close()
                return await asyncpg.create_pool(
                    self._settings.database, min_size=0, max_size=POOL, init=store.prepare, command_timeout=60
                )
            except BROKEN as error:
                raise CannotServeError(f"this Postgres cannot be used: {error}") from error
            except (*AWAY, *UNABLE) as error:
                service.state, service.detail = "degraded", "Postgres is away: history waits, live data goes on"
                if str(error) != said:
                    LOG.warning("Postgres is not there yet: %s", sentence(error))
                    said = str(error)
            if not await service.pause(RETRY_S):
                return None

    async def _discovered(self) -> list[Feed]:
        """The feeds that there are now and were not before."""
        try:
            found = await self._discover()
        except bus.AWAY as error:
            LOG.warning("new exchanges are not looked for: %s", error)
            return []
        fresh = [
            Feed(name, keys, folder, self.schema, recorded=self.recorded)
            for name, keys, folder in found
            if name not in self.feeds
        ]
        self.feeds.update((feed.name, feed) for feed in fresh)
        return fresh

    async def _venues(self) -> list[str]:
        keys = [key async for key in self.service.redis.scan_iter("instruments:*", count=1000)]
        return sorted(key.decode(errors="replace").partition(":")[2] for key in keys)

    async def _discover(self) -> list[tuple[str, tuple[str, ...], Folder]]:
        """(feed, its streams, what it makes of them) of everything there is to record."""
        settings, watch = self._settings, self.watch
        found: list[tuple[str, tuple[str, ...], Folder]] = [
            (streams.CONFIG_CHANGES, (streams.CONFIG_CHANGES,), ConfigFolder()),
            (streams.ALERTS, (streams.ALERTS,), AlertFolder()),
        ]
        venues = await self._venues()
        for partition in range(settings.partitions):
            signals = streams.signals(partition)
            found.append((signals, (signals,), SignalFolder()))
            for venue in venues:
                keys = tuple(streams.market_data(partition, venue, kind) for kind in MARKET_KINDS)
                found.append((streams.market_data(partition, venue, "*"), keys, MarketFolder(venue, watch)))
                keys = tuple(streams.market_data(partition, venue, kind) for kind in PRINT_KINDS)
                prints = PrintFolder(venue, watch, settings.record_trades, settings.record_liquidations)
                found.append((streams.market_data(partition, venue, "prints"), keys, prints))
        return found

    async def _keep(self, feed: Feed, pool: Pool) -> None:
        """Follow a feed whenever no other recorder does."""
        stop, redis = self.service.stop, self.service.redis
        while not stop.is_set():
            try:
                if await self.locks.take(feed.name):
                    try:
                        await feed.load(redis, pool, await bus.incarnation_of(redis))
                        await feed.follow(redis, pool, stop, lambda: bool(self.full))
                    finally:
                        await self.locks.release(feed.name)
            except store.Fenced as error:
                LOG.info("another recorder has gone on with %s: loading anew", error)
            except BROKEN as error:
                raise CannotServeError(f"{feed.name} cannot be stored: {error}") from error
            except (*AWAY, *UNABLE, *bus.AWAY) as error:
                LOG.warning("%s cannot be loaded: %s", feed.name, error)
            if not await self.service.pause(RETRY_S):
                return

    async def _list(self, pool: Pool) -> None:
        """Store the changes of the listings, and ask for the trades of everything where all are to be stored."""
        next_look, said = 0.0, ""
        loop = asyncio.get_running_loop()
        while True:
            try:
                if loop.time() >= next_look:
                    await self._look(pool)
                    next_look = loop.time() + listings.LOOK_S
                if self._settings.record_trades == "all":
                    await self._demand()
                said = ""
            except (*AWAY, *UNABLE, *bus.AWAY) as error:
                if not said:
                    LOG.warning("changes of the listings wait: %s", error)
                said = str(error) or type(error).__name__
            if not await self.service.pause(DISCOVER_S):
                return

    async def _look(self, pool: Pool) -> None:
        redis = self.service.redis
        for venue in await self._venues():
            changed, gone = await self.listings.look(redis, venue)
            seconds, micros = await redis.time()
            at = datetime.fromtimestamp(seconds, UTC).replace(microsecond=micros)
            async with pool.acquire(timeout=10) as connection:
                began, ended = await listings.store(connection, venue, changed, gone, at)
            self.listings.note()
            if began or ended:
                LOG.info("%s: %d instruments listed or changed, %d states ended", venue, began, ended)

    async def _demand(self) -> None:
        redis = self.service.redis
        seconds, micros = await redis.time()
        until = seconds * 1000 + micros // 1000 + DEMAND_MS
        for venue, symbols in self.listings.symbols.items():
            for at in range(0, len(symbols), CHUNK):
                mapping: Any = dict.fromkeys(symbols[at : at + CHUNK], until)
                await redis.zadd(streams.demand(venue, "trade"), mapping)

    async def _maintain(self, pool: Pool) -> None:
        while True:
            try:
                async with pool.acquire(timeout=10) as connection:
                    await self._tidy(connection)
                self._judge()
            except (*AWAY, *UNABLE) as error:
                LOG.warning("maintenance waits: %s", sentence(error))
            except bus.AWAY as error:
                LOG.warning("maintenance waits for Redis: %s", error)
            for _ in range(round(MAINTAIN_S / RETRY_S)):
                if not await self.service.pause(RETRY_S):
                    return
                if await self._wanted():
                    break

    async def _wanted(self) -> bool:
        """Whether somebody asks for maintenance now."""
        try:
            return await self._asked() != self._maintained
        except bus.AWAY:
            return False  # the next round says so

    async def _asked(self) -> str:
        """The newest request for maintenance, or the one that was met."""
        asked: Any = await self.service.redis.get(streams.MAINTENANCE)
        return self._maintained if asked is None else str(asked.decode())

    async def _tidy(self, connection: Connection) -> None:
        settings, now = self._settings, datetime.now(UTC)
        await days.ensure(connection, days.around(now.date()))
        asked = await self._asked()
        wanted = asked != self._maintained or await maintenance.due(connection, now, settings.maintenance_hour)
        if wanted and not self.recorded:
            # a replay's days are of the past, and new all the same
            kept = (settings.retention_days, settings.retention_detail_days)
            report = await maintenance.maintain(connection, now.date(), *kept)
            self._maintained = asked
            if report is not None:
                LOG.info("maintenance: %d days and %d old rows removed", report.days_dropped, report.rows_deleted)
        redis_bytes = (await self.service.redis.info("persistence")).get("aof_current_size", 0)
        limit = int(settings.max_disk_gb * maintenance.GB)
        self.disk_bytes = await maintenance.make_room(connection, now.date(), limit, redis_bytes)
        free = maintenance.free_bytes(settings.data_path)
        why = ""
        if self.disk_bytes > limit:
            why = f"history and Redis take {self.disk_bytes / maintenance.GB:.1f} GB, more than MAX_DISK_GB"
        elif free is not None and free < maintenance.LEAST_FREE:
            why = f"only {free / maintenance.GB:.1f} GB are free on the disk"
        if bool(why) != bool(self.full):
            LOG.warning("recording %s%s", "pauses: " if why else "goes on", why)
        self.full = why

    def _judge(self) -> None:
        trouble = next((feed.trouble for feed in self.feeds.values() if feed.trouble), "")
        detail = f"recording is paused: {self.full}" if self.full else trouble and f"history waits: {trouble}"
        self.service.state, self.service.detail = "degraded" if detail else "live", detail

    def fields(self) -> dict[str, str | int | float]:
        feeds = list(self.feeds.values())
        market = [feed.folder for feed in feeds if isinstance(feed.folder, MarketFolder)]
        prints = [feed.folder for feed in feeds if isinstance(feed.folder, PrintFolder)]
        return {
            "events_total": sum(feed.events for feed in feeds),
            "rows_total": sum(feed.rows for feed in feeds),
            "commits_total": sum(feed.commits for feed in feeds),
            "gaps_total": sum(feed.gaps for feed in feeds),
            "rejected_total": sum(feed.rejected for feed in feeds) + self.listings.rejected,
            "late_total": sum(folder.late for folder in market) + sum(folder.late for folder in prints),
            "dropped_total": sum(folder.dropped for folder in market),
            "open_bars": sum(folder.open_bars for folder in market),
            "lag_ms": max((feed.lag_ms for feed in feeds), default=0),
            "disk_bytes": self.disk_bytes,
            "paused": int(bool(self.full)),
        }
