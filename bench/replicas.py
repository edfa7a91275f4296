"""The whole system for `bench faults`: its own Redis, simulated exchanges, collectors, archiver, scanner replicas."""

import asyncio
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

import aiohttp

from deploy.local.process import REPOSITORY, free_port, last_lines, start_server, stop_server

VENUES: Final = ("binance", "bitget", "bybit", "okx")
STOP_S: Final = 15.0
#: What the market does to the scanners: more signals than usual, and shorter.
SETTINGS: Final[dict[str, Any]] = {"cooldown_ms": 4000, "pair_warmup_ms": 60_000}


class Broken(Exception):
    """A process that nobody has hit has ended: one sentence."""


class Replica:
    """One scanner after another in the same place. `stopped`: SIGSTOP holds it."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.process: subprocess.Popen[bytes] | None = None
        self.stopped = False

    @property
    def pid(self) -> int:
        return 0 if self.process is None else self.process.pid

    @property
    def runs(self) -> bool:
        return self.process is not None and not self.stopped


class System:
    """Processes with their logs in a folder. Leave nothing running: `end`. `niceness`: of Redis and the scanners."""

    def __init__(self, home: Path, partitions: int, instruments: int, rate: int, niceness: int) -> None:
        self.home, self._instruments, self._rate, self._niceness = home, instruments, rate, niceness
        self.redis_port, self.gateway_port = free_port(), free_port()
        inherited = {name: value for name, value in os.environ.items() if "proxy" not in name.lower()}
        overrides = home / "overrides.toml"
        overrides.touch()
        own = {"REDIS_URL": self.redis_url, "DATA_DIR": str(home), "LOG_LEVEL": "info", "MODE": "demo", "WATCH": ""}
        own |= {"PARTITIONS": str(partitions), "ARCHIVE_DAYS": "1", "OVERRIDES": str(overrides)}
        own["VENUE_GATEWAY"] = f"http://127.0.0.1:{self.gateway_port}"
        self.environment = inherited | own
        self.others: dict[str, subprocess.Popen[bytes]] = {}
        self.replicas: list[Replica] = []
        (home / "redis").mkdir()
        arguments = ["--data", str(home / "redis"), "--port", str(self.redis_port), "--memory-mb", "3072"]
        self._redis = start_server(["deploy.local.redis_server", *arguments], self.redis_port, home / "redis.log")
        os.setpriority(os.PRIO_PROCESS, self._redis.pid, niceness)

    @property
    def redis_url(self) -> str:
        return f"redis://127.0.0.1:{self.redis_port}/0"

    @property
    def archive(self) -> Path:
        return self.home / "demo" / "archive"

    def start(self, scanners: int) -> None:
        """The archiver first: it is there before the first entry."""
        options = ["--port", str(self.gateway_port), "--venues", ",".join(VENUES), "--scenario", "calm"]
        options += ["--instruments", str(self._instruments), "--rate", str(self._rate)]
        self.others["archiver"] = self._run("archiver", "services.archiver")
        self.others["simulator"] = self._run("simulator", "services.simulator", *options)
        for venue in VENUES:
            self.others[venue] = self._run(venue, "services.collector", "run", "--venue", venue)
        self.replicas = [Replica(number) for number in range(scanners)]
        for replica in self.replicas:
            self.revive(replica)

    def _run(self, name: str, *arguments: str) -> "subprocess.Popen[bytes]":
        with (self.home / f"{name}.log").open("ab") as log:
            return subprocess.Popen(
                [sys.executable, "-m", *arguments], cwd=REPOSITORY, env=self.environment,
                stdin=subprocess.DEVNULL, stdout=log, stderr=log,
            )  # fmt: skip

    def check(self) -> None:
        """Raises `Broken` where something has ended that nobody killed."""
        scanners = {f"scanner-{one.number}": one.process for one in self.replicas if one.process is not None}
        for name, process in {**self.others, **scanners}.items():
            if process.poll() is not None:
                raise Broken(f"{name} ended with {process.returncode}: {last_lines(self.home / f'{name}.log', 5)}")

    def revive(self, replica: Replica) -> None:
        replica.process = self._run(f"scanner-{replica.number}", "services.scanner")
        os.setpriority(os.PRIO_PROCESS, replica.pid, self._niceness)

    async def kill(self, replica: Replica) -> None:
        """SIGKILL, and gone."""
        process, replica.process = replica.process, None
        assert process is not None
        process.kill()
        await asyncio.to_thread(process.wait)

    def hold(self, replica: Replica) -> None:
        """SIGSTOP."""
        assert replica.process is not None
        replica.process.send_signal(signal.SIGSTOP)
        replica.stopped = True

    def resume(self, replica: Replica) -> None:
        assert replica.process is not None
        replica.process.send_signal(signal.SIGCONT)
        replica.stopped = False

    async def stop_all(self, processes: Sequence["subprocess.Popen[bytes]"]) -> list[int]:
        """SIGTERM; the exit codes."""
        for process in processes:
            process.send_signal(signal.SIGTERM)
        return [await asyncio.to_thread(process.wait, STOP_S) for process in processes]

    def end(self) -> None:
        """Whatever still runs."""
        left = [*self.others.values(), *(one.process for one in self.replicas if one.process is not None)]
        for process in left:
            if process.poll() is None:
                process.kill()
            process.wait()
        stop_server(self._redis, signal.SIGTERM)


class Weather:
    """Gaps on many coins all the time, so that signals open and close throughout; now and then something else."""

    def __init__(self, url: str, dice: random.Random) -> None:
        self._url, self._dice = url, dice
        self._until: dict[str, float] = {}
        self.struck = 0
        self.calm = asyncio.Event()

    async def coins(self) -> list[str]:
        """What every exchange trades. Raises `aiohttp.ClientError`."""
        found: list[set[str]] = []
        for venue in VENUES:
            rows = await self._ask("GET", "quotes", venue=venue)
            found.append({row["coin"] for row in rows if row["collectable"] and row["status"] == "trading"})
        return sorted(set.intersection(*found) - {"USDC"})

    async def run(self, every_s: float) -> None:
        """Until `calm` is set; then every gap is over soon."""
        coins = await self.coins()
        while not self.calm.is_set():
            with suppress(aiohttp.ClientResponseError):  # not what this exchange can do with this coin
                await self._post(self._event(coins))
                self.struck += 1
            with suppress(TimeoutError):
                async with asyncio.timeout(self._dice.expovariate(1 / every_s)):
                    await self.calm.wait()
        await self._post({}, "clear")

    def _event(self, coins: Sequence[str]) -> dict[str, Any]:
        dice, chance = self._dice, self._dice.random()
        venue, against = dice.sample(VENUES, 2)
        if chance < 0.03:
            return {"kind": "abort", "venue": venue}
        if chance < 0.06:
            return {"kind": "depeg", "bps": dice.choice([-80, -30, -10, 15, 40, 90]), "for": dice.uniform(3, 12)}
        now = time.monotonic()
        free = [coin for coin in coins if self._until.get(coin, 0.0) <= now]
        coin, lasts = dice.choice(free or list(coins)), dice.uniform(3, 20)
        self._until[coin] = now + lasts
        if chance < 0.10:
            return {"kind": "halt", "venue": venue, "coin": coin, "for": lasts}
        if chance < 0.14:
            return {"kind": "crossed", "venue": venue, "coin": coin, "bps": 20, "for": lasts / 4}
        bps = dice.choice([65, 80, 90, 120, 150, 220, 300])
        return {"kind": "gap", "venue": venue, "against": against, "coin": coin, "bps": bps, "for": lasts}

    async def _post(self, event: dict[str, Any], path: str = "fault") -> None:
        await self._ask("POST", path, event or None)

    async def _ask(self, method: str, path: str, body: Any = None, **params: str) -> Any:
        timeout = aiohttp.ClientTimeout(total=20)
        async with (
            aiohttp.ClientSession(raise_for_status=True, timeout=timeout) as session,
            session.request(method, f"{self._url}/_sim/{path}", json=body, params=params) as answer,
        ):
            return await answer.json(content_type=None)
