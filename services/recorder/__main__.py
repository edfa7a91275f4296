"""`python -m services.recorder`: record what the streams carry. Any number may run; a feed is served by one at a time.

Exit codes: 0 after a stop, 1 for a fault, 2 for a setting, 3 for a database whose schema does not fit.
"""

import asyncio
import logging
from datetime import UTC, datetime
from functools import partial
from typing import Final

import asyncpg

from services.recorder import maintenance, store
from services.recorder.feed import AWAY, Feed
from services.recorder.folders import MARKET_KINDS, MarketFolder, SignalFolder
from services.recorder.locks import Locks
from services.recorder.migrate import Migration, migrate, migrations
from shared import streams
from shared.service import Service, run

LOG: Final = logging.getLogger(__name__)
DISCOVER_S: Final = 5.0
MAINTAIN_S: Final = 60.0
RETRY_S: Final = 2.0
POOL: Final = 6


class Recorder:
    """All feeds of this process."""

    def __init__(self, service: Service) -> None:
        self.service = service
        self.feeds: dict[str, Feed] = {}
        self.locks = Locks(service.settings.database)
        self.recorded = service.settings.mode == "replay"
        self.full = False
        self.disk_bytes = 0

    async def run(self, files: list[Migration]) -> None:
        service = self.service
        service.health(self.fields)
        pool = await self._open(files)
        if pool is None:
            return
        service.state = "live"
        work = [service.spawn(self._maintain(pool), "maintenance")]
        while True:
            for name, venue, keys in await self._discover():
                if name not in self.feeds:
                    folder = MarketFolder() if venue else SignalFolder()
                    feed = self.feeds[name] = Feed(name, venue, keys, folder, recorded=self.recorded)
                    work.append(service.spawn(self._keep(feed, pool), name))
            if not await service.pause(DISCOVER_S):
                break
        await asyncio.gather(*work)
        await self.locks.close()
        await pool.close()

    async def _open(self, files: list[Migration]) -> asyncpg.Pool | None:
        """A pool over a database with our schema; waits for Postgres. None: stopped meanwhile."""
        service, said = self.service, ""
        while True:
            try:
                connection = await asyncpg.connect(service.settings.database, timeout=10)
                try:
                    for name in await migrate(connection, files):
                        LOG.info("migration %s applied", name)
                finally:
                    await connection.close()
                return await asyncpg.create_pool(
                    service.settings.database, min_size=1, max_size=POOL, init=store.prepare, command_timeout=60
                )
            except AWAY as error:
                service.state, service.detail = "degraded", "Postgres is away: history waits, live data goes on"
                if str(error) != said:
                    LOG.warning("Postgres is not there yet: %s", error)
                    said = str(error)
            if not await service.pause(RETRY_S):
                return None

    async def _discover(self) -> list[tuple[str, str, tuple[str, ...]]]:
        """(feed, venue, its streams) of everything there is to record; venue is empty for signals."""
        found: list[tuple[str, str, tuple[str, ...]]] = []
        for partition in range(self.service.settings.partitions):
            found.append((streams.signals(partition), "", (streams.signals(partition),)))
            async for key in self.service.redis.scan_iter("instruments:*", count=1000):
                venue = key.decode(errors="replace").partition(":")[2]
                keys = tuple(streams.market_data(partition, venue, kind) for kind in MARKET_KINDS)
                found.append((streams.market_data(partition, venue, "*"), venue, keys))
        return found

    async def _keep(self, feed: Feed, pool: asyncpg.Pool) -> None:
        """Follow a feed whenever no other recorder does."""
        stop, redis = self.service.stop, self.service.redis
        while not stop.is_set():
            try:
                if await self.locks.take(feed.name):
                    try:
                        await feed.load(pool, self.service.incarnation)
                        await feed.follow(redis, pool, stop, lambda: self.full)
                    finally:
                        await self.locks.release(feed.name)
            except store.Fenced as error:
                LOG.info("another recorder has gone on with %s: loading anew", error)
            except AWAY as error:
                LOG.warning("%s cannot be loaded: %s", feed.name, error)
            if not await self.service.pause(RETRY_S):
                return

    async def _maintain(self, pool: asyncpg.Pool) -> None:
        settings = self.service.settings
        while True:
            try:
                async with pool.acquire() as connection:
                    today = datetime.now(UTC).date()
                    await store.ensure_days(connection, {today})
                    if not self.recorded:  # a replay's days are of the past, and new all the same
                        await maintenance.retain(connection, today, settings.retention_days)
                    limit = int(settings.max_disk_gb * maintenance.GB)
                    redis_bytes = (await self.service.redis.info("persistence")).get("aof_current_size", 0)
                    self.disk_bytes = await maintenance.make_room(connection, today, limit, redis_bytes)
                self._judge(limit)
            except AWAY as error:
                LOG.warning("maintenance waits for Postgres: %s", error)
            if not await self.service.pause(MAINTAIN_S):
                return

    def _judge(self, limit: int) -> None:
        free = maintenance.free_bytes(self.service.settings.data_path)
        why = ""
        if self.disk_bytes > limit:
            why = f"history and Redis take {self.disk_bytes / maintenance.GB:.1f} GB, more than MAX_DISK_GB"
        elif free is not None and free < maintenance.LEAST_FREE:
            why = f"only {free / maintenance.GB:.1f} GB are free on the disk"
        if bool(why) != self.full:
            LOG.warning("recording %s%s", "pauses: " if why else "goes on", why)
        self.full = bool(why)
        self.service.state = "degraded" if why else "live"
        self.service.detail = f"recording is paused: {why}" if why else ""

    def fields(self) -> dict[str, str | int | float]:
        feeds = list(self.feeds.values())
        market = [feed.folder for feed in feeds if isinstance(feed.folder, MarketFolder)]
        return {
            "events_total": sum(feed.events for feed in feeds),
            "rows_total": sum(feed.rows for feed in feeds),
            "commits_total": sum(feed.commits for feed in feeds),
            "gaps_total": sum(feed.gaps for feed in feeds),
            "rejected_total": sum(feed.rejected for feed in feeds),
            "late_total": sum(folder.late for folder in market),
            "dropped_total": sum(folder.dropped for folder in market),
            "open_bars": sum(folder.open_bars for folder in market),
            "lag_ms": max((feed.lag_ms for feed in feeds), default=0),
            "disk_bytes": self.disk_bytes,
            "paused": int(self.full),
        }


async def main(files: list[Migration], service: Service) -> None:
    await Recorder(service).run(files)


if __name__ == "__main__":
    raise SystemExit(run("_recorder", partial(main, migrations())))
