"""The scanner: `python -m services.scanner` runs it, `python -m services.scanner explain ASSET` says why no signal.

`python -m services.scanner archived` follows an archive that is being played (archived.py).

Several processes divide the partitions evenly; one that has none stands by.
"""

import asyncio
import logging
import signal
import sys
from collections.abc import Collection
from contextlib import suppress
from typing import Final

from services.scanner import lease
from services.scanner.archived import take_up
from services.scanner.engine import Engine
from services.scanner.explain import explain
from services.scanner.resume import take_over
from services.scanner.sharing import FREE_S, KEPT_S, Share
from services.scanner.steward import Steward
from services.scanner.wire import Wire
from shared.bus import AWAY, REFUSED
from shared.resp import ReplyError
from shared.service import Service, run
from shared.settings_store import RuntimeStore

LOG: Final = logging.getLogger(__name__)
STANDBY_S: Final = 0.5
BEAT_S: Final = 1.0
LOOK_S: Final = 0.25
RETRY_S: Final = 1.0


class Scanner:
    """All partitions of the deployment as this process sees them. `archived`: what is read is an archive."""

    def __init__(self, service: Service, *, archived: bool = False) -> None:
        self.service, self.archived = service, archived
        self.store = RuntimeStore(service.redis)
        self.engines: dict[int, Engine] = {}
        self.share = Share(service.redis, service.member, service.settings.partitions)

    async def main(self) -> None:
        self.service.health(self.figures)
        with suppress(*AWAY, REFUSED):
            await self.share.beat()  # nothing is claimed before this member's share is known
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self.beat(), name="share")
            for partition in range(self.service.settings.partitions):
                tasks.create_task(self.watch(partition), name=f"partition {partition}")

    async def beat(self) -> None:
        """Keep this member's share up to date; the first to go at the stop."""
        while True:
            with suppress(*AWAY, REFUSED):  # what is held is held while nobody answers
                await self.share.beat()
            if not await self.service.pause(BEAT_S):
                break
        with suppress(*AWAY, REFUSED):  # it runs out by itself
            await self.share.leave()

    async def watch(self, partition: int) -> None:
        """Claim, own, and start over, until the stop."""
        said, stop = "", self.service.stop
        loop = asyncio.get_running_loop()
        free_since: float | None = None
        while not stop.is_set():
            try:
                mine = partition in self.share.mine
                free = not mine and await self.share.free(partition)
                free_since = (free_since or loop.time()) if free else None
                left = free_since is not None and loop.time() - free_since >= FREE_S
                fence = await lease.claim(self.service.redis, partition, self.service.member) if mine or left else 0
                if fence:
                    await self.own(partition, fence, kept_s=0.0 if mine else KEPT_S)
                    said, free_since = "", None
                else:
                    await self.service.pause(STANDBY_S)
            except* lease.Fenced as group:
                LOG.warning("partition %d is let go: %s", partition, group.exceptions[0])
                await self.service.pause(STANDBY_S)
            except* (*AWAY, REFUSED, ReplyError) as group:
                sentence = str(group.exceptions[0])
                if sentence != said:
                    LOG.warning("partition %d: Redis does not answer as it should: %s", partition, sentence)
                said = sentence
                await self.service.pause(RETRY_S)

    async def end(self, partition: int, kept_s: float, stop: asyncio.Event) -> None:
        """Set `stop` when the process stops, or when the partition has fallen to another member."""
        keep_until = asyncio.get_running_loop().time() + kept_s
        while await self.service.pause(LOOK_S):
            if partition not in self.share.mine and asyncio.get_running_loop().time() >= keep_until:
                LOG.info("partition %d goes to another scanner", partition)
                break
        stop.set()

    async def own(self, partition: int, fence: int, kept_s: float) -> None:
        """Serve a partition until the stop, or until it is another member's, `kept_s` from now at the earliest."""
        service = self.service
        turns, rounds = Wire(service.settings.redis), Wire(service.settings.redis)
        try:
            await turns.open()
            await rounds.open()
            recorded, runtime = service.settings.mode == "replay", await self.store.load()
            stop, over = asyncio.Event(), asyncio.Event()
            async with asyncio.TaskGroup() as tasks:
                keeping = lease.keep(service.redis, partition, service.member, fence, over)
                work = [tasks.create_task(keeping, name=f"lease {partition}")]
                try:
                    service.state, service.detail = "live", ""
                    if self.archived:
                        hold = await take_up(service, turns, partition, fence)
                    else:
                        hold = await take_over(service.redis, turns, partition, fence, runtime, recorded=recorded)
                        partitions, load = service.settings.partitions, self.store.load
                        steward = Steward(hold, service.redis, rounds, partitions, load, recorded=recorded)
                        work.append(tasks.create_task(steward.run(stop), name=f"steward {partition}"))
                    work.append(tasks.create_task(self.end(partition, kept_s, stop), name=f"share {partition}"))
                    if hold is not None:
                        recorded = recorded and not self.archived
                        engine = self.engines[partition] = Engine(hold, turns, recorded=recorded)
                        await engine.run(stop)
                finally:  # a cancellation may be lost in a library, these are not
                    stop.set()
                    over.set()
                    for task in work:
                        task.cancel()
            await lease.release(service.redis, partition, fence)
        finally:
            self.engines.pop(partition, None)
            if not self.engines:
                service.state, service.detail = "starting", "stands by: another scanner owns the partitions"
            turns.close()
            rounds.close()

    def figures(self) -> dict[str, int]:
        return sums(self.engines.values())


def sums(engines: Collection[Engine]) -> dict[str, int]:
    """What the health record says: sums over the partitions; ages and lags are the worst."""
    total: dict[str, int] = {"partitions": len(engines)}
    for engine in engines:
        told = {**engine.figures(), "pairs_refused_total": engine.fold.memory.tracks.refused}
        for name, value in told.items():
            worst = name in ("lag_ms", "checkpoint_age_ms")
            total[name] = max(total.get(name, 0), value) if worst else total.get(name, 0) + value
    return total


async def _main(service: Service) -> None:
    await Scanner(service).main()


async def _archived(service: Service) -> None:
    await Scanner(service, archived=True).main()


if __name__ == "__main__":
    if sys.argv[1:2] == ["explain"] and len(sys.argv) == 3:
        signal.signal(signal.SIGPIPE, signal.SIG_DFL)  # a reader such as `head` may have seen enough
        sys.exit(asyncio.run(explain(sys.argv[2])))
    if sys.argv[1:] not in ([], ["archived"]):
        print("_scanner: expected no argument, or: explain ASSET, or: archived", file=sys.stderr)
        sys.exit(2)
    sys.exit(run("_scanner", _archived if sys.argv[1:] else _main))
