"""What the tests of the bus share: a Redis of one's own, events, and the account of what a stream holds."""

import asyncio
import contextlib
import inspect
import os
import signal
import subprocess
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

from deploy.local.process import REPOSITORY, free_port, start_server, stop_server
from shared import streams
from shared.bus import Redis
from shared.codec import Batch, decode_batch
from shared.events import Quote, Trade
from shared.writer import StreamWriter

QUOTES = streams.market_data(0, "sim", "quote")
TRADES = streams.market_data(0, "sim", "trade")
LAST_QUOTES = streams.last(0, "sim", "quote")
#: what is waited for comes, on the slowest machine too
LIMIT_S = 60.0


def quote(number: int, symbol: str = "BTC/USDT") -> Quote:
    return Quote(symbol, f"{number}.5", "1", f"{number}.6", "2", number, 1_700_000_000_000_000_000 + number)


def trade(number: int, symbol: str = "BTC/USDT") -> Trade:
    return Trade(symbol, "1.5", "2", "buy", str(number), number, 1_700_000_000_000_000_000 + number)


class OwnRedis:
    """A Redis that a test may stop, kill and start again on the same data."""

    def __init__(self, home: Path, memory_mb: int = 256) -> None:
        self.home, self.port, self.memory_mb = home, free_port(), memory_mb
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self._child: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        arguments = ["--data", str(self.home / "data"), "--port", str(self.port), "--memory-mb", str(self.memory_mb)]
        self._child = start_server(["deploy.local.redis_server", *arguments], self.port, self.home / "redis.log")

    def signal(self, number: signal.Signals) -> None:
        assert self._child is not None
        os.kill(self._child.pid, number)

    def kill(self) -> None:
        self.signal(signal.SIGKILL)
        assert self._child is not None
        self._child.wait()

    def end(self) -> None:
        if self._child is not None and self._child.poll() is None:
            self.signal(signal.SIGCONT)
            stop_server(self._child, signal.SIGTERM)


def writer(url: str, producer: str = "one", **options: Any) -> StreamWriter:
    """A writer whose fatal refusals are collected in its attribute `fatal`. It bears with a slow server if not told."""
    fatal: list[BaseException] = []
    given = {"answer_timeout_s": LIMIT_S, **options}
    made = StreamWriter(url, producer, retention_ms=streams.RETENTION_MS, on_fatal=fatal.append, **given)
    made.fatal = fatal  # type: ignore[attr-defined]
    return made


def fatal_of(made: StreamWriter) -> list[BaseException]:
    found: list[BaseException] = made.fatal  # type: ignore[attr-defined]
    return found


@contextlib.asynccontextmanager
async def program(*command: str, **options: Any) -> AsyncIterator[asyncio.subprocess.Process]:
    """A program, run in the repository and killed at the end if it still lives. `options`: of a subprocess."""
    child = await asyncio.create_subprocess_exec(*command, cwd=REPOSITORY, **options)
    try:
        yield child
    finally:
        if child.returncode is None:
            child.kill()
        await child.wait()


async def until(condition: Callable[[], object], limit_s: float = LIMIT_S) -> None:
    """Return once the condition, or what it awaits, holds."""
    async with asyncio.timeout(limit_s):
        while True:
            found = condition()
            if await found if inspect.isawaitable(found) else found:
                return
            await asyncio.sleep(0.005)


async def batches(client: Redis, key: str) -> list[Batch]:
    rows: Any = await client.xrange(key)
    return [decode_batch(fields[streams.FIELD]) for _, fields in rows]


def once(found: list[Batch]) -> list[Batch]:
    """One batch per number, in the order of the numbers, of one producer."""
    by_seq: dict[int, Batch] = {}
    for batch in found:
        assert by_seq.setdefault(batch.seq, batch) == batch, "a number was used for two different batches"
    return [by_seq[seq] for seq in sorted(by_seq)]


def trade_numbers(found: list[Batch]) -> list[int]:
    """The numbers of the trades in stream order, each batch once. Fails where a batch number is missing."""
    single = once(found)
    assert [batch.seq for batch in single] == list(range(len(single))), "a hole in the numbers"
    return [int(event.id) for batch in single for event in batch.events if isinstance(event, Trade)]
