"""The scanner: `python -m services.scanner` runs it, `python -m services.scanner explain ASSET` says why no signal.

One process claims every partition that has no owner and stands by for the others.
"""

import asyncio
import logging
import signal
import sys
from typing import Final

from services.scanner import lease
from services.scanner.engine import Engine
from services.scanner.explain import explain
from services.scanner.resume import take_over
from services.scanner.steward import Steward
from services.scanner.wire import Wire
from shared.bus import AWAY, REFUSED
from shared.resp import ReplyError
from shared.service import Service, run
from shared.settings_store import RuntimeStore

LOG: Final = logging.getLogger(__name__)
STANDBY_S: Final = 0.5
RETRY_S: Final = 1.0


class Scanner:
    """All partitions of the deployment as this process sees them."""

    def __init__(self, service: Service) -> None:
        self.service = service
        self.store = RuntimeStore(service.redis)
        self.engines: dict[int, Engine] = {}

    async def main(self) -> None:
        self.service.health(self.figures)
        async with asyncio.TaskGroup() as tasks:
            for partition in range(self.service.settings.partitions):
                tasks.create_task(self.watch(partition), name=f"partition {partition}")

    async def watch(self, partition: int) -> None:
        """Claim, own, and start over, until the stop."""
        said = ""
        while not self.service.stop.is_set():
            try:
                fence = await lease.claim(self.service.redis, partition, self.service.member)
                if fence:
                    await self.own(partition, fence)
                    said = ""
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

    async def own(self, partition: int, fence: int) -> None:
        service = self.service
        turns, rounds = Wire(service.settings.redis), Wire(service.settings.redis)
        try:
            await turns.open()
            await rounds.open()
            recorded, runtime = service.settings.mode == "replay", await self.store.load()
            hold = await take_over(service.redis, turns, partition, fence, runtime, recorded=recorded)
            engine = self.engines[partition] = Engine(hold, turns, recorded=recorded)
            partitions, me = service.settings.partitions, service.member
            steward = Steward(hold, service.redis, rounds, me, partitions, self.store.load, recorded=recorded)
            service.state, service.detail = "live", ""
            async with asyncio.TaskGroup() as tasks:
                keeping = tasks.create_task(steward.run(service.stop), name=f"steward {partition}")
                await engine.run(service.stop)
                keeping.cancel()
            await lease.release(service.redis, partition, fence)
        finally:
            self.engines.pop(partition, None)
            if not self.engines:
                service.state, service.detail = "starting", "stands by: another scanner owns the partitions"
            turns.close()
            rounds.close()

    def figures(self) -> dict[str, int]:
        """Sums over the partitions; ages and lags are the worst."""
        total: dict[str, int] = {"partitions": len(self.engines)}
        for engine in self.engines.values():
            for name, value in engine.figures().items():
                worst = name in ("lag_ms", "checkpoint_age_ms")
                total[name] = max(total.get(name, 0), value) if worst else total.get(name, 0) + value
        return total


async def _main(service: Service) -> None:
    await Scanner(service).main()


if __name__ == "__main__":
    if sys.argv[1:2] == ["explain"] and len(sys.argv) == 3:
        signal.signal(signal.SIGPIPE, signal.SIG_DFL)  # a reader such as `head` may have seen enough
        sys.exit(asyncio.run(explain(sys.argv[2])))
    if sys.argv[1:]:
        print("_scanner: expected no argument, or: explain ASSET", file=sys.stderr)
        sys.exit(2)
    sys.exit(run("_scanner", _main))
