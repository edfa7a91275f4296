"""Answers that are the same for everyone for a moment: made once, away from the loop, and handed to all who ask."""

import asyncio
import gzip
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Final

#: How long a body is handed out.
LIFE_S: Final = 0.25
MAX_BODIES: Final = 64
_LEVEL: Final = 4
_LEAST_BYTES: Final = 1_000


class Body:
    """One answer, plain and compressed."""

    def __init__(self, plain: bytes, packed: bytes | None) -> None:
        self.plain, self.packed = plain, packed


class SharedBodies:
    """Bodies by what was asked. Whoever asks while one is being made waits for that one."""

    def __init__(self) -> None:
        self._bodies: OrderedDict[Hashable, tuple[float, asyncio.Future[Body]]] = OrderedDict()

    async def get(self, key: Hashable, make: Callable[[], bytes]) -> Body:
        """`make` runs in a thread: it must only read what does not change under it."""
        now = time.monotonic()
        held = self._bodies.get(key)
        if held is not None and now - held[0] < LIFE_S and not _failed(held[1]):
            return await asyncio.shield(held[1])
        task = asyncio.ensure_future(asyncio.to_thread(_make, make))
        self._bodies[key] = (now, task)
        self._bodies.move_to_end(key)
        while len(self._bodies) > MAX_BODIES:
            self._bodies.popitem(last=False)
        return await asyncio.shield(task)


def _make(make: Callable[[], bytes]) -> Body:
    plain = make()
    return Body(plain, gzip.compress(plain, _LEVEL) if len(plain) >= _LEAST_BYTES else None)


def _failed(future: asyncio.Future[Body]) -> bool:
    return future.done() and (future.cancelled() or future.exception() is not None)
