"""Answers that are the same for everyone for a moment: made once, away from the loop, and handed to all who ask."""

import asyncio
import gzip
import math
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Final

#: How long a body is handed out, at least; at most a quarter of the time goes into making one.
LIFE_S: Final = 0.25
SHARE: Final = 4
MAX_BODIES: Final = 64
_LEVEL: Final = 4
_LEAST_BYTES: Final = 1_000


class Body:
    """One answer, plain and compressed."""

    def __init__(self, plain: bytes, packed: bytes | None, took_s: float) -> None:
        self.plain, self.packed, self.took_s = plain, packed, took_s


class SharedBodies:
    """Bodies by what was asked. Whoever asks while one is being made waits for that one.

    One is made at a time: several threads would take no less time, and each the loop's turn.
    """

    def __init__(self) -> None:
        self._bodies: OrderedDict[Hashable, tuple[float, asyncio.Future[Body]]] = OrderedDict()
        self._one = asyncio.Lock()

    async def get(self, key: Hashable, make: Callable[[], bytes]) -> Body:
        """`make` runs in a thread: it must only read what does not change under it."""
        now = time.monotonic()
        held = self._bodies.get(key)
        if held is not None and now - held[0] < life_s(held[1]):
            return await asyncio.shield(held[1])
        task = asyncio.ensure_future(self._made(make))
        self._bodies[key] = (now, task)
        self._bodies.move_to_end(key)
        while len(self._bodies) > MAX_BODIES:
            self._bodies.popitem(last=False)
        return await asyncio.shield(task)

    async def _made(self, make: Callable[[], bytes]) -> Body:
        async with self._one:
            return await asyncio.to_thread(_make, make)


def _make(make: Callable[[], bytes]) -> Body:
    began = time.monotonic()
    plain = make()
    packed = gzip.compress(plain, _LEVEL) if len(plain) >= _LEAST_BYTES else None
    return Body(plain, packed, time.monotonic() - began)


def life_s(future: asyncio.Future[Body]) -> float:
    """How long a body may be handed out from when it was begun; one that is being made is waited for."""
    if not future.done():
        return math.inf
    if future.cancelled() or future.exception() is not None:
        return 0.0
    return max(LIFE_S, SHARE * future.result().took_s)
