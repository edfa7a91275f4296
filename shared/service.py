"""The life of a process: settings, logging, Redis, tasks, the health record, a bounded stop.

A service's `__main__` calls `run(name, main)`. `main(service)` gets the settings, a Redis client that has answered,
the incarnation of that Redis, and starts its work with `service.spawn`. Exit codes: 0 after SIGTERM or SIGINT,
2 for a setting or a Redis that cannot be used, 3 for something else that a person must mend (one sentence on
stderr), 1 for a fault of ours (its traceback in the log).
"""

import asyncio
import logging
import os
import resource
import signal
import socket
import sys
import time
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from contextlib import suppress
from itertools import count
from pathlib import Path
from typing import Any, Final
from uuid import uuid4

import uvloop

from shared import streams
from shared.bus import AWAY, REFUSED, BusError, Redis, check_server, connect
from shared.config import SettingError, Settings, load
from shared.logs import redacted, set_up_logging

LOG: Final = logging.getLogger(__name__)
HEALTH_TTL_S: Final = 10
BEAT_S: Final = 1.0
STOP_S: Final = 4.0
#: After the cancellation; then the process ends whatever it is doing.
LAST_S: Final = 1.0
RETRY_S: Final = (0.2, 0.5, 1.0, 2.0, 5.0)

Fields = Callable[[], Mapping[str, str | int | float]]

#: KEYS health record; ARGV life in seconds, then fields and values. Also while memory is short: seen when it matters.
BEAT: Final = """#!lua flags=allow-oom
redis.call('DEL',KEYS[1])
redis.call('HSET',KEYS[1],unpack(ARGV,2))
redis.call('EXPIRE',KEYS[1],ARGV[1])
"""


class CannotServeError(RuntimeError):
    """Something outside that only a person can mend: one sentence on stderr, exit code 3."""


class Service:
    """What a running process has in its hands."""

    def __init__(self, name: str, settings: Settings, redis: Redis, incarnation: str, tasks: asyncio.TaskGroup) -> None:
        self.name, self.settings, self.redis, self.incarnation = name, settings, redis, incarnation
        self.member = f"{socket.gethostname()}-{os.getpid()}-{uuid4().hex[:6]}"
        self.stop = asyncio.Event()
        self.state, self.detail = "starting", ""
        self._tasks = tasks
        self._started_ms = time.time_ns() // 1_000_000
        self._fields: Fields = dict

    def spawn(self, work: Coroutine[Any, Any, None], name: str) -> asyncio.Task[None]:
        """A task that lives until the stop; if it fails, the process ends."""
        return self._tasks.create_task(work, name=name)

    def health(self, fields: Fields) -> None:
        """What the health record says beside the common fields."""
        self._fields = fields

    def beside(self, name: str) -> "Service":
        """A second name of the same process: it has a health record of its own, the rest is shared."""
        other = Service(name, self.settings, self.redis, self.incarnation, self._tasks)
        other.member, other.stop, other._started_ms = self.member, self.stop, self._started_ms
        self.spawn(other.beat(), f"health {name}")
        return other

    async def pause(self, seconds: float) -> bool:
        """Sleep, but wake at the stop. True: go on."""
        try:
            async with asyncio.timeout(seconds):
                await self.stop.wait()
        except TimeoutError:
            return True
        return False

    async def beat(self) -> None:
        """Write the health record each second; it expires by itself with the process."""
        key = streams.health(self.name, self.member)
        missed = False
        while True:
            fields: list[Any] = [part for field in self._record().items() for part in field]
            try:
                await self.redis.eval(BEAT, 1, key, HEALTH_TTL_S, *fields)
                missed = False
            except (*AWAY, REFUSED) as error:
                if not missed:
                    LOG.warning("Redis does not take the health record: %s", error)
                missed = True
            if not await self.pause(BEAT_S):
                break
        with suppress(*AWAY, REFUSED):  # it expires by itself
            await self.redis.delete(key)

    def _record(self) -> dict[str, str | int | float]:
        used = resource.getrusage(resource.RUSAGE_SELF)
        return {
            "pid": os.getpid(),
            "started_ms": self._started_ms,
            "rss_bytes": _rss_bytes(),
            "cpu_seconds": round(used.ru_utime + used.ru_stime, 3),
            "state": self.state,
            "detail": self.detail,
            **self._fields(),
        }


def _rss_bytes() -> int:
    statm = Path("/proc/self/statm")
    if statm.exists():
        return int(statm.read_text().split()[1]) * resource.getpagesize()
    # elsewhere the peak, which is in bytes there
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


async def open_redis(settings: Settings) -> tuple[Redis, str]:
    """A client whose server has answered, and the server's incarnation. Waits for it, with one line per change."""
    redis = connect(settings.redis)
    said = ""
    for attempt in count():
        try:
            return redis, await check_server(redis, settings.partitions)
        except AWAY as error:
            if str(error) != said:
                LOG.warning("Redis is not there yet: %s", error)
                said = str(error)
            await asyncio.sleep(RETRY_S[min(attempt, len(RETRY_S) - 1)])
    raise AssertionError("unreachable")


async def _serve(name: str, settings: Settings, main: Callable[[Service], Awaitable[None]]) -> None:
    loop, stopping = asyncio.get_running_loop(), asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopping.set)
    faults = Faults(stopping)
    loop.set_exception_handler(faults.take)
    opening = asyncio.create_task(open_redis(settings))
    waiting = asyncio.create_task(stopping.wait())
    await asyncio.wait((opening, waiting), return_when=asyncio.FIRST_COMPLETED)
    if not opening.done():
        opening.cancel()
        return
    redis, incarnation = opening.result()
    async with asyncio.TaskGroup() as tasks:
        service = Service(name, settings, redis, incarnation, tasks)
        LOG.info("%s starts as %s", name, service.member)
        work = [service.spawn(_main(main, service), "main"), service.spawn(service.beat(), "health")]
        try:
            await asyncio.wait((waiting, *work), return_when=asyncio.FIRST_COMPLETED)
        finally:  # also after a fault: a cancellation may be lost in a library, the stop is not
            service.stop.set()
            late = _end_late(loop)
    late.cancel()
    waiting.cancel()
    await redis.aclose()
    if faults.first is not None:
        raise faults.first
    LOG.info("%s stopped", name)


class Faults:
    """What was raised where nobody waits for it, in a callback of the loop: the process ends, as for any fault."""

    def __init__(self, stopping: asyncio.Event) -> None:
        self._stopping = stopping
        self.first: BaseException | None = None

    def take(self, loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        error = context.get("exception")
        LOG.error("%s", context.get("message", "A fault in the loop"), exc_info=error)
        if error is not None and not isinstance(error, OSError):  # those are sockets that broke while being closed
            self.first = self.first or error
            self._stopping.set()


async def _main(main: Callable[[Service], Awaitable[None]], service: Service) -> None:
    await main(service)


def _end_late(loop: asyncio.AbstractEventLoop) -> asyncio.TimerHandle:
    """What has not ended STOP_S after the stop is cancelled; what does not end then is left with the process."""
    current = asyncio.current_task(loop)

    def cancel() -> None:
        for task in asyncio.all_tasks(loop):
            if task is not current:
                LOG.warning("%s did not stop within %.0f s", task.get_name(), STOP_S)
                task.cancel()
        loop.call_later(LAST_S, leave)

    def leave() -> None:
        LOG.error("The process ends with work undone: it cannot be cancelled")
        logging.shutdown()
        os._exit(1)

    return loop.call_later(STOP_S, cancel)


def run(name: str, main: Callable[[Service], Awaitable[None]], settings: Settings | None = None) -> int:
    """Run a service to its end and return the exit code."""
    code = 0
    try:
        chosen = load() if settings is None else settings
        set_up_logging(chosen.log_level)
        uvloop.run(_serve(name, chosen, main))
    except* (SettingError, BusError) as group:
        for error in _leaves(group):
            print(redacted(f"{name}: {error}"), file=sys.stderr)
        code = 2
    except* CannotServeError as group:
        for error in _leaves(group):
            print(redacted(f"{name}: {error}"), file=sys.stderr)
        code = 3
    except* Exception:
        LOG.exception("%s ends: a fault of its own", name)
        code = 1
    return code


def _leaves(group: BaseExceptionGroup[BaseException]) -> list[BaseException]:
    found: list[BaseException] = []
    for error in group.exceptions:
        found += _leaves(error) if isinstance(error, BaseExceptionGroup) else [error]
    return found
