"""One collector process: the engine of a venue, its writer, and what it reads from and writes to Redis beside them."""

import asyncio
import contextlib
import ctypes
import gc
import logging
from pathlib import Path
from typing import Any, Final

from services.collector import demand, directory, members
from services.collector.around import Surroundings
from services.collector.engine import Engine
from services.collector.following import Following
from services.collector.health import Health
from services.collector.override_file import OverrideFile
from services.collector.variables import configured
from services.collector.venue import Venue
from shared.bus import AWAY
from shared.config import Settings, variables
from shared.instruments import Instrument
from shared.service import Service
from shared.settings_store import RuntimeStore
from shared.streams import RETENTION_MS
from shared.writer import StreamWriter

#: the engine's last words go out before the process ends
CLOSE_S: Final = 2.0
SETTLE_S: Final = 10.0
#: how often the hash of instruments is looked at where nothing changes, and the least time between two writings
DIRECTORY_S: Final = 5.0
DIRECTORY_PAUSE_S: Final = 0.2

log = logging.getLogger(__name__)


def surroundings(settings: Settings) -> Surroundings:
    return Surroundings(
        partitions=settings.partitions,
        data=Path(settings.data_path),
        gateway=settings.venue_gateway,
        proxy=settings.proxy,
        assets=settings.asset_set(),
        watch=settings.watch_set(),
    )


def of_deployment(venue: Venue, settings: Settings) -> Venue:
    """The record with what the environment says of it. Raises `SettingError`."""
    return configured(venue, variables(), addresses=not settings.venue_gateway)


async def collect(service: Service, venue: Venue, said: OverrideFile) -> None:
    """Collect one venue until the service stops. `said`: what users say of its instruments."""
    fatal: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    writer = StreamWriter(
        service.settings.redis, service.member, retention_ms=RETENTION_MS, on_fatal=fatal.set_exception
    )
    await writer.start()
    engine = Engine(venue, service.member, writer, surroundings(service.settings))
    overrides = Following(service.redis, engine, said)
    await overrides.look()
    service.health(Health(engine, writer).fields)
    work = [
        service.spawn(engine.run(), "engine"),
        service.spawn(members.keep(service.redis, engine), "members"),
        service.spawn(RuntimeStore(service.redis).follow(engine.follow), "settings"),
        service.spawn(_follow_demand(service, engine), "demand"),
        service.spawn(_keep_directory(service, engine), "directory"),
        service.spawn(overrides.run(), "overrides"),
    ]
    settling = service.spawn(_settle(engine), "settle")
    stopping = asyncio.create_task(service.stop.wait())
    try:
        ends: list[asyncio.Future[Any]] = [stopping, fatal, *work]
        await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
        if fatal.done():
            fatal.result()
    finally:
        stopping.cancel()
        for task in (settling, *work):
            task.cancel()
        await asyncio.wait(work)
        await writer.close(CLOSE_S)


async def _follow_demand(service: Service, engine: Engine) -> None:
    venue = engine.venue.name
    served = 0.0
    while True:
        try:
            engine.ask_for(await demand.asked(service.redis, venue))
            wanted = await demand.listing_asked(service.redis, venue)
            if wanted > served:
                served = wanted
                engine.relist.set()
        except AWAY as error:
            log.debug("Demand is not known while Redis is away: %s", error)
        await asyncio.sleep(demand.FOLLOW_S)


async def _keep_directory(service: Service, engine: Engine) -> None:
    """The instruments hash follows the listing, and comes back where Redis lost it."""
    before: list[Instrument] | None = None
    await engine.listed.wait()
    while True:
        engine.relisted.clear()
        rows = list(engine.table)
        try:
            if not await directory.holds(service.redis, engine.venue.name, len(rows)):
                before = None
            await directory.write(service.redis, engine.venue.name, rows, before)
            before = rows
        except AWAY as error:
            before = None  # how much of it was written is not known
            log.debug("The instruments hash waits for Redis: %s", error)
        await asyncio.sleep(DIRECTORY_PAUSE_S)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(DIRECTORY_S):
                await engine.relisted.wait()


async def _settle(engine: Engine) -> None:
    """Once everything stands: what lives for ever is no garbage, and what the start needed is given back."""
    await engine.listed.wait()
    await asyncio.sleep(SETTLE_S)
    gc.collect()
    gc.freeze()
    # a frame's lists live for microseconds: the youngest generation need not be searched every 700 of them
    gc.set_threshold(50_000, 20, 50)
    give_back()


def give_back() -> None:
    """Return freed memory to the system, where the C library knows how."""
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)
