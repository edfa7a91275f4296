"""`python -m bench faults`: scanner replicas are killed and stopped under load, again and again.

A Redis of its own, simulated exchanges with gaps on many coins, a collector for each, an archiver and three scanners
that share the partitions. Faults: SIGKILL with a new process a little later, SIGSTOP for 1 to 25 s, both at any
moment, aimed at a checkpoint, at the one who just takes over, or at two scanners at once; one is always left. Measured:
for how long each partition was not served (bench/handover.py). At the end the records that were sent are compared with
a fold of the archive from its first entry on (bench/verdict.py). Exit code 1 where a record is wrong or a partition was
not served within 10 s of the last blow at its owner.
"""

import argparse
import asyncio
import os
import random
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import aiohttp
import msgspec

from bench import handover, verdict
from bench.handover import SETTLE_S, Watch
from bench.replicas import SETTINGS, Broken, Replica, System, Weather
from shared import streams
from shared.archive.reading import Archive
from shared.archive.records import split_key
from shared.bus import Redis, connect
from shared.settings_store import RuntimeStore
from shared.signals import Signal

LIMIT_S: Final = 10.0
LOOK_S: Final = 0.05
#: How long anything that is waited for may take: starting everything, a hand-over.
PATIENCE_S: Final = 90.0
#: A checkpoint follows the last one after so long: a blow that is aimed falls about then.
CHECKPOINT_S: Final = 0.5
WEIGHTS: Final = {"kill": 30, "stop": 28, "checkpoint": 18, "handover": 14, "pair": 10}
Row = dict[str, Any]


class Play:
    """One run. `hits` counts the processes hit, by what was done to them."""

    def __init__(self, system: System, client: Redis, partitions: int, seed: int) -> None:
        self.system, self.client = system, client
        self.dice = random.Random(seed)
        self.watch = Watch(client, partitions)
        self.hits: Counter[str] = Counter()
        self.faults: Counter[str] = Counter()
        self._later: set[asyncio.Task[None]] = set()

    async def looking(self) -> None:
        """Look all the time, and raise where something has broken."""
        while True:
            self.system.check()
            await self.watch.look()
            await asyncio.sleep(LOOK_S)

    async def until(self, condition: Any, what: str, seconds: float = PATIENCE_S) -> None:
        """Until it is so by what was looked at. Raises `Broken`."""
        try:
            async with asyncio.timeout(seconds):
                while not condition():  # noqa: ASYNC110 - what is waited for is in other processes
                    await asyncio.sleep(0.005)
        except TimeoutError:
            raise Broken(f"not within {seconds:g} s: {what}") from None

    def able(self) -> list[Replica]:
        """The scanners that could take over now."""
        return [one for one in self.system.replicas if one.runs and one.pid in self.watch.alive]

    async def faulted(self, count: int, minutes: float) -> None:
        """So many faults, one after the other; the next one does not wait for scanners that are still stopped."""
        kinds, until = (
            self.dice.choices(list(WEIGHTS), list(WEIGHTS.values()), k=count),
            time.monotonic() + minutes * 60,
        )
        for number, kind in enumerate(kinds):
            if time.monotonic() >= until:
                break
            least = 3 if kind in ("handover", "pair") else 2
            await self.until(lambda least=least: len(self.able()) >= least, f"{least} scanners that can be hit")
            await asyncio.sleep(self.dice.uniform(0.0, 2.0))
            await getattr(self, kind)()
            self.faults[kind] += 1
            known = len(self.watch.outages)
            await self.until(self.watch.steady, "every partition is served")
            late = [one for one in self.watch.outages[known:] if one.served_s >= LIMIT_S]
            if late or (number + 1) % 10 == 0:
                print(self._said(number + 1, late), file=sys.stderr, flush=True)
        await self.until(lambda: not self._later, "what was stopped goes on")
        await self.until(lambda: len(self.able()) == len(self.system.replicas), "all scanners are back")

    def _said(self, faults: int, late: Sequence[handover.Outage]) -> str:
        worst = max((one.served_s for one in self.watch.outages), default=0.0)
        said = f"{time.strftime('%H:%M:%S')} {faults} faults, {sum(self.hits.values())} hits, longest {worst:.1f} s"
        return "\n  ".join([said, *(str(one) for one in late)])

    async def kill(self) -> None:
        await self._hit([self.dice.choice(self.able())], "kill", stop=False)

    async def stop(self) -> None:
        await self._hit([self.dice.choice(self.able())], "stop", stop=True)

    async def pair(self) -> None:
        await self._hit(self.dice.sample(self.able(), 2), "pair")

    async def checkpoint(self) -> None:
        """Just before, within or just after the writing of a checkpoint."""
        victim = self.dice.choice(self.able())
        owned = self.watch.owner_of(victim.pid)
        if owned:
            partition = self.dice.choice(owned)
            head = self.watch.states[partition].head
            await self.until(lambda: self.watch.states[partition].head != head, "the next checkpoint")
            await asyncio.sleep(max(0.0, CHECKPOINT_S - LOOK_S + self.dice.uniform(-0.02, 0.06)))
        await self._hit([victim], "checkpoint")

    async def handover(self) -> None:
        """One is hit, and then the one that takes a partition of it over, as it does."""
        (first,) = self.dice.sample(self.able(), 1)
        hit, owned = first.pid, self.watch.owner_of(first.pid)
        before = {partition: self.watch.states[partition].fence for partition in owned}
        await self._hit([first], "handover", long=True)
        if not owned:
            return

        def heir() -> Replica | None:
            pids = [self.watch.states[one].pid for one, fence in before.items() if self.watch.states[one].fence > fence]
            return next((one for one in self.able() if one.pid in pids and one.pid != hit), None)

        await self.until(lambda: heir() is not None, "somebody takes over")
        victim = heir()
        await asyncio.sleep(self.dice.uniform(0.0, 0.3))
        if victim is not None and victim.runs and len(self.able()) > 1:
            await self._hit([victim], "handover")

    async def _hit(
        self, victims: Sequence[Replica], fault: str, *, stop: bool | None = None, long: bool = False
    ) -> None:
        """`stop` None: either. What was hit comes back by itself."""
        pids, at = [one.pid for one in victims], time.monotonic()
        for replica in victims:
            held = self.dice.random() < 0.5 if stop is None else stop
            self.hits["stop" if held else "kill"] += 1
            if held:
                self.system.hold(replica)
                self._then(self._resumed(replica, self._held_s(long=long)))
            else:
                await self.system.kill(replica)
                self._then(self._revived(replica, self.dice.choice([0.0, self.dice.uniform(0.0, 8.0)])))
        await asyncio.sleep(SETTLE_S)
        await self.watch.hit(pids, fault, at)

    def _held_s(self, *, long: bool) -> float:
        if long:
            return self.dice.uniform(8.0, 14.0)
        low, high = self.dice.choices([(1.0, 4.0), (4.0, 9.0), (9.0, 25.0)], [50, 30, 20])[0]
        return self.dice.uniform(low, high)

    async def _resumed(self, replica: Replica, after_s: float) -> None:
        await asyncio.sleep(after_s)
        self.system.resume(replica)

    async def _revived(self, replica: Replica, after_s: float) -> None:
        await asyncio.sleep(after_s)
        self.system.revive(replica)

    def _then(self, work: Any) -> None:
        task = asyncio.create_task(work)
        self._later.add(task)
        task.add_done_callback(self._later.discard)


async def played(system: System, given: argparse.Namespace) -> Row:
    """Start everything, strike, end everything in order, compare. Raises `Broken`."""
    dice = random.Random(given.seed)
    async with connect(system.redis_url) as client, asyncio.TaskGroup() as tasks:
        await RuntimeStore(client).write(SETTINGS, 0)
        system.start(given.scanners)
        play = Play(system, client, given.partitions, given.seed)
        looking = tasks.create_task(play.looking())
        weather = Weather(f"http://127.0.0.1:{system.gateway_port}", dice)
        await listening(weather)
        await play.until(lambda: len(play.able()) == given.scanners and play.watch.steady(), "everything has started")
        struck = tasks.create_task(weather.run(given.every))
        await asyncio.sleep(given.calm)
        began = time.monotonic()
        await play.faulted(given.faults, given.minutes)
        lasted = time.monotonic() - began
        weather.calm.set()
        await struck
        await ended(client, given.partitions)
        looking.cancel()
        live = await finish(system, client, given.partitions)
    said = {"faults": dict(play.faults), "hits": dict(play.hits), "seconds": round(lasted), "struck": weather.struck}
    return said | handover.summary(play.watch.outages) | judged(system, live)


async def listening(weather: Weather) -> None:
    """Until the simulator answers."""
    async with asyncio.timeout(PATIENCE_S):
        while True:
            try:
                if await weather.coins():
                    return
            except aiohttp.ClientConnectionError:
                await asyncio.sleep(0.1)


async def ended(client: Redis, partitions: int) -> None:
    """Until every signal has closed."""
    async with asyncio.timeout(PATIENCE_S):
        while True:
            held: list[Any] = [await client.hvals(streams.open_signals(one)) for one in range(partitions)]
            records = [msgspec.json.decode(data, type=Signal) for values in held for data in values]
            if all(one.event == "close" for one in records):
                return
            await asyncio.sleep(0.2)


async def finish(system: System, client: Redis, partitions: int) -> dict[int, list[bytes]]:
    """Scanners first, then what they read, the archiver last. The records as they stand in the streams."""
    scanners = [one.process for one in system.replicas if one.process is not None]
    codes = await system.stop_all(scanners)
    live: dict[int, list[bytes]] = {}
    for partition in range(partitions):
        entries: Any = await client.xrange(streams.signals(partition))
        live[partition] = [fields[streams.FIELD] for _, fields in entries]
    await asyncio.sleep(2.0)
    collecting = [process for name, process in system.others.items() if name not in ("archiver", "simulator")]
    codes += await system.stop_all([*collecting, system.others["simulator"]])
    await asyncio.sleep(2.0)
    codes += await system.stop_all([system.others["archiver"]])
    if any(codes):
        raise Broken(f"exit codes at the stop: {codes}")
    return live


def judged(system: System, live: dict[int, list[bytes]]) -> Row:
    """The records against the fold of the archive."""
    archive = Archive(system.archive)
    folded = verdict.fold(archive)
    total = verdict.Verdict()
    for partition, records in sorted(live.items()):
        total.add(verdict.compare(records, folded[partition].records))
    # entries from before a stream was found lie before the scanners joined it
    known = [gap for gap in archive.gaps() if gap.reason != "unlisted"]
    gaps = [gap for gap in known if gap.stream == "*" or split_key(gap.stream)[2] in verdict.KINDS]
    return {
        "events": sum(one.events for one in folded.values()),
        "entries": sum(one.entries for one in folded.values()),
        **msgspec.to_builtins(total),
        "cold_starts": [reason for one in folded.values() for reason in one.cold if reason != "first start"],
        "gaps": [msgspec.to_builtins(gap) for gap in gaps[: verdict.TOLD]],
        "archived_as_sent": all(folded[partition].archived == records for partition, records in live.items()),
        "wrong": total.wrong,
        "load": round(os.getloadavg()[0], 1),
    }


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m bench faults", description=__doc__)
    parser.add_argument("--faults", type=int, default=100)
    parser.add_argument("--minutes", type=float, default=30.0, help="no fault after so long")
    parser.add_argument("--partitions", type=int, default=4)
    parser.add_argument("--scanners", type=int, default=3)
    parser.add_argument("--instruments", type=int, default=100, help="of each exchange")
    parser.add_argument("--rate", type=int, default=1500, help="quotes a second over all exchanges")
    parser.add_argument("--every", type=float, default=0.8, help="seconds from gap to gap")
    parser.add_argument("--calm", type=float, default=5.0, help="seconds of gaps before the first fault")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--nice", type=int, default=0, help="of Redis and scanners, on a machine that others use")
    parser.add_argument("--keep", type=Path, help="an empty folder for logs and archive")
    given = parser.parse_args(arguments)
    if given.scanners < 3 or given.faults < 1 or given.partitions < 1:
        parser.error("expected at least three scanners, one fault, one partition")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # nothing is left running
    with tempfile.TemporaryDirectory(prefix="faults-") as made:
        home = given.keep or Path(made)
        home.mkdir(parents=True, exist_ok=True)
        system, row = System(home, given.partitions, given.instruments, given.rate, given.nice), None
        try:
            row = asyncio.run(played(system, given))
        except* (Broken, TimeoutError, aiohttp.ClientError) as group:
            print(f"bench faults: {group.exceptions[0]!r}", file=sys.stderr)
        finally:
            system.end()
    if row is None:
        return 1
    for line in row["told"]:
        print(line)
    print(msgspec.json.encode(row).decode())
    late = (row["served_s"]["max"] or 0.0) >= LIMIT_S
    return int(bool(row["wrong"] or row["cold_starts"] or row["gaps"] or not row["archived_as_sent"] or late))
