"""`python -m services.alerter`: watch, raise alerts, tell the channels.

Any number may run; one works, the others wait.
"""

import asyncio
import logging
import os
import sys
import time
from collections.abc import Collection, Mapping
from contextlib import suppress
from typing import Final

from services.alerter.channels import Channel, Unusable, channels, hush
from services.alerter.courier import Courier
from services.alerter.front import Front
from services.alerter.keeper import Keeper, load
from services.alerter.watcher import Watcher
from shared import fences, streams
from shared.alerts import AlertRule
from shared.bus import AWAY, REFUSED
from shared.config import Runtime, Settings
from shared.fences import Fenced
from shared.service import Service, run
from shared.settings_store import RuntimeStore

LOG: Final = logging.getLogger(__name__)
STANDBY_S: Final = 0.5
FIRST_S: Final = 0.05
TURN_S: Final = 1.0
RETRY_S: Final = 1.0
LEAVE_S: Final = 2.0


class Alerter:
    """One process. What it owns while it holds the lease lives in `_own`."""

    def __init__(self, service: Service, usable: dict[str, Channel], unusable: list[Unusable]) -> None:
        self.service, self.usable, self.unusable = service, usable, unusable
        self.runtime = Runtime()
        self.watcher: Watcher | None = None

    async def run(self) -> None:
        service = self.service
        service.health(self.fields)
        for one in self.unusable:
            LOG.warning("the channel %s of ALERT_CHANNELS cannot be used: expected %s", one.name, one.expected)
        heard = asyncio.Event()
        following = service.spawn(RuntimeStore(service.redis).follow(lambda found: self._set(found, heard)), "settings")
        while not heard.is_set() and await service.pause(FIRST_S):
            pass  # nothing is judged by rules that are not the ones in force
        while not service.stop.is_set():
            fence = 0
            with suppress(*AWAY, REFUSED):
                fence = await fences.claim(service.redis, streams.ALERTS_STATE, service.member)
            if fence:
                await self._hold(fence)
            else:
                service.detail = "stands by: another alerter works"
                await service.pause(STANDBY_S)
        following.cancel()

    def _set(self, runtime: Runtime, heard: asyncio.Event) -> None:
        self.runtime = runtime
        if self.watcher is not None:
            self.watcher.desk.set(runtime)
        heard.set()

    async def _hold(self, fence: int) -> None:
        """Work until the stop, or until somebody else does."""
        try:
            await self._own(fence)
        except* Fenced as group:
            LOG.warning("begins anew: %s", group.exceptions[0])
        except* AWAY as group:
            LOG.warning("Redis is away: %s", group.exceptions[0])
            await self.service.pause(RETRY_S)
        self.watcher = None

    async def _own(self, fence: int) -> None:
        service, redis = self.service, self.service.redis
        kept = await load(redis)
        keeper = Keeper(redis, fence, kept)
        watcher = self.watcher = Watcher(redis, service.settings, keeper, kept, self.runtime)
        couriers = {name: Courier(channel, watcher.message, keeper.done) for name, channel in self.usable.items()}
        await watcher.begin(kept.due, couriers)
        front = Front(redis, couriers, self.unusable, watcher)
        async with asyncio.TaskGroup() as tasks:
            beside = [
                tasks.create_task(self._keep(fence), name="lease"),
                tasks.create_task(front.run(), name="front"),
            ]
            bringing = [tasks.create_task(one.run(), name=f"courier {name}") for name, one in couriers.items()]
            await self._turns(watcher, couriers)
            await leave(couriers, bringing)
            for one in (*beside, *bringing):
                one.cancel()
        with suppress(*AWAY, REFUSED):
            await fences.release(redis, streams.ALERTS_STATE, fence)

    async def _keep(self, fence: int) -> None:
        """Renew the lease. Raises `Fenced`."""
        said = False
        while True:
            try:
                if not await fences.renew(self.service.redis, streams.ALERTS_STATE, self.service.member, fence):
                    raise Fenced("another alerter works, or Redis has lost its data")
                said = False
            except AWAY as error:
                if not said:
                    LOG.warning("the lease is not renewed: %s", error)
                said = True
            await asyncio.sleep(fences.RENEW_S)

    async def _turns(self, watcher: Watcher, couriers: dict[str, Courier]) -> None:
        """A look each second; while Redis is away the last write is tried again before anything else."""
        said = False
        while not self.service.stop.is_set():
            began = time.monotonic()
            try:
                await watcher.turn()
                said = False
            except AWAY as error:
                if not said:
                    LOG.warning("nothing is watched: %s", error)
                said = True
            self._judge(couriers)
            await self.service.pause(max(0.0, TURN_S - (time.monotonic() - began)))
        with suppress(*AWAY):
            await watcher.finish()

    def _judge(self, couriers: dict[str, Courier]) -> None:
        failing = [f"{name}: {one.state.last_error}" for name, one in couriers.items() if one.state.state == "failing"]
        wrong = [f"{one.name}: expected {one.expected}" for one in self.unusable]
        known = {*couriers, *(one.name for one in self.unusable)}
        missing = [
            f"{name}: there is none, rule {rule.name}" for rule, name in named(self.runtime) if name not in known
        ]
        told = "; ".join([*wrong, *missing, *failing])
        self.service.state = "degraded" if told else "live"
        self.service.detail = f"channel {told}" if told else ""

    def fields(self) -> dict[str, str | int | float]:
        return self.watcher.figures() if self.watcher is not None else {}


async def leave(couriers: Mapping[str, Courier], bringing: Collection[asyncio.Task[None]]) -> None:
    """Let the attempts under way end, for a moment: one that is cut off would be made again after the start."""
    for courier in couriers.values():
        courier.close()
    if bringing:
        await asyncio.wait(bringing, timeout=LEAVE_S)


def named(runtime: Runtime) -> list[tuple[AlertRule, str]]:
    """The channels that rules name, each with its rule."""
    return [(rule, name) for rule in runtime.alert_rules if rule.enabled for name in rule.channels]


def use_proxy(settings: Settings) -> None:
    """Let the libraries of the channels see the proxy, which may stand in `.env` alone; never for this machine."""
    for name, value in (("HTTPS_PROXY", settings.https_proxy), ("ALL_PROXY", settings.all_proxy)):
        if value:
            os.environ[name] = value
    os.environ.setdefault("NO_PROXY", "localhost,127.0.0.1,::1")


async def alert(service: Service) -> None:
    hush()
    use_proxy(service.settings)
    usable, unusable = await asyncio.to_thread(channels, service.settings)  # what it loads takes a second or two
    await Alerter(service, usable, unusable).run()


if __name__ == "__main__":
    sys.exit(run(streams.ALERTER, alert))
