"""The whole system as processes: what is started, asked and stopped by the tests of this folder."""

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
from websockets.asyncio.client import ClientConnection, connect

from deploy.local.process import REPOSITORY, free_port, last_lines, port_answers

#: whole systems on a crowded machine: nothing waited for here takes a tenth of this on an idle one
PATIENCE_S = 120
#: the exchanges that are simulated
VENUES = ("binance", "okx")
#: the services of a whole system, by the name of their process
SERVICES = {name: f"services.{name}" for name in ("scanner", "recorder", "api")}


@dataclass
class Stack:
    """Processes over one Redis and one Postgres, each with its log."""

    folder: Path
    environment: dict[str, str]
    port: int = field(default_factory=free_port)
    processes: dict[str, "subprocess.Popen[bytes]"] = field(default_factory=dict)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @classmethod
    def over(cls, folder: Path, redis_url: str, postgres_url: str, **more: str) -> "Stack":
        """A stack that has started nothing yet. `more` are further environment variables."""
        own = {"REDIS_URL": redis_url, "DATABASE_URL": postgres_url, "DATA_DIR": str(folder), "LOG_LEVEL": "info"}
        inherited = {name: value for name, value in os.environ.items() if "proxy" not in name.lower()}
        made = cls(folder, {**inherited, **own, **more})
        made.environment["PORT"] = str(made.port)
        return made

    def start(self, name: str, *arguments: str) -> None:
        """`python -m <arguments>` in the repository, its output in `<name>.log`."""
        with (self.folder / f"{name}.log").open("wb") as log:
            self.processes[name] = subprocess.Popen(
                [sys.executable, "-m", *arguments],
                cwd=REPOSITORY,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )

    def start_services(self, services: Mapping[str, str] = SERVICES) -> None:
        for name, module in services.items():
            self.start(name, module)

    def output(self, name: str) -> str:
        return (self.folder / f"{name}.log").read_text(errors="replace")

    def check(self) -> None:
        """Raises where a process has ended with an error."""
        for name, process in self.processes.items():
            if process.poll():
                raise AssertionError(
                    f"{name} ended with {process.returncode}: {last_lines(self.folder / f'{name}.log', 8)}"
                )

    def stop(self) -> dict[str, int]:
        """SIGTERM to all, newest first; the exit codes by name."""
        codes: dict[str, int] = {}
        for process in reversed(self.processes.values()):
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
        for name, process in self.processes.items():
            try:
                codes[name] = process.wait(PATIENCE_S)
            except subprocess.TimeoutExpired:
                process.kill()
                codes[name] = process.wait()
        return codes

    async def get(self, path: str, **params: str) -> Any:
        """The JSON of one of the API's answers; raises on an error status."""
        return await _asked("GET", self.url + path, params=params)

    async def configure(self, **changes: Any) -> None:
        """Change settings, as a user does; each service follows when it has read them."""
        await _asked("POST", self.url + "/api/config", json=changes)

    async def until(self, condition: Callable[[], Awaitable[Any]], what: str) -> Any:
        """The first true value of the condition. A refused connection or an error status means not yet."""
        said: object = None
        try:
            async with asyncio.timeout(PATIENCE_S):
                while True:
                    self.check()
                    try:
                        if said := await condition():
                            return said
                    except aiohttp.ClientError as error:
                        said = error
                    await asyncio.sleep(0.05)
        except TimeoutError:
            raise AssertionError(f"not within {PATIENCE_S} s: {what}; last: {said!r}") from None


async def _asked(method: str, url: str, **more: Any) -> Any:
    timeout = aiohttp.ClientTimeout(total=PATIENCE_S)
    async with (
        aiohttp.ClientSession(raise_for_status=True, timeout=timeout) as session,
        session.request(method, url, **more) as response,
    ):
        return await response.json(content_type=None)


class Exchange:
    """The simulator's own endpoints."""

    def __init__(self, stack: Stack, port: int) -> None:
        self._stack, self._port, self.url = stack, port, f"http://127.0.0.1:{port}"

    async def listens(self) -> bool:
        return port_answers(self._port)

    async def strike(self, kind: str, **fields: Any) -> None:
        await _asked("POST", self.url + "/_sim/fault", json={"kind": kind, **fields})

    async def clear(self, *kinds: str) -> None:
        """Takes away what was struck: these kinds of it, or all."""
        await _asked("POST", self.url + "/_sim/clear", json={"kinds": kinds})

    async def quotes(self, venue: str) -> dict[tuple[str, str], dict[str, Any]]:
        """The truth: every instrument's quote in the venue's own units, by (market, native)."""
        found = await _asked("GET", self.url + "/_sim/quotes", params={"venue": venue})
        return {(row["market"], row["native"]): row for row in found}

    async def state(self, **params: str) -> Any:
        return await _asked("GET", self.url + "/_sim/state", params=params)


@contextmanager
def exchanging(
    stack: Stack, services: Mapping[str, str] = SERVICES, *, scenario: str = "calm", instruments: int = 60
) -> Iterator[Exchange]:
    """Simulator, a collector of each of VENUES, and services; all must end with exit code 0 and without a traceback."""
    port = free_port()
    exchange = Exchange(stack, port)
    stack.environment["VENUE_GATEWAY"] = exchange.url
    options = ("--scenario", scenario, "--instruments", str(instruments), "--rate", "300", "--port", str(port))
    codes: dict[str, int] = {}
    try:
        stack.start("simulator", "services.simulator", "--venues", ",".join(VENUES), *options)
        stack.start_services(services)
        with asyncio.Runner() as runner:
            runner.run(stack.until(exchange.listens, "the simulator listens"))
        for venue in VENUES:
            stack.start(venue, "services.collector", "run", "--venue", venue)
        yield exchange
    finally:
        codes = stack.stop()
    assert codes == dict.fromkeys(codes, 0)
    assert not [name for name in codes if "Traceback" in stack.output(name)]


class Socket:
    """A client of one of the API's sockets that keeps what it was told."""

    def __init__(self, connection: ClientConnection) -> None:
        self._connection = connection
        self.frames: list[Any] = []

    async def say(self, **message: Any) -> None:
        await self._connection.send(json.dumps(message))

    async def take(self, wanted: Callable[[Any], Any], what: str) -> Any:
        """The first frame from now on that is wanted; what comes before is kept too."""
        try:
            async with asyncio.timeout(PATIENCE_S):
                while True:
                    frame = json.loads(await self._connection.recv())
                    self.frames.append(frame)
                    if wanted(frame):
                        return frame
        except TimeoutError:
            raise AssertionError(f"not within {PATIENCE_S} s: {what}; of {len(self.frames)} frames") from None


@asynccontextmanager
async def socket(stack: Stack, path: str) -> AsyncIterator[Socket]:
    async with connect(f"ws://127.0.0.1:{stack.port}{path}", max_size=None, proxy=None) as connection:
        yield Socket(connection)
