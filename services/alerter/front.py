"""What the API sees of the channels: their state, and the answers to tests that it asks for. Never an address."""

import asyncio
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any, Final
from uuid import uuid4

import msgspec

from services.alerter.channels import Unusable
from services.alerter.courier import ChannelState, Courier
from services.alerter.message import NotDelivered
from services.alerter.watcher import Watcher
from shared import streams
from shared.bus import AWAY, REFUSED, Redis

LOOK_S: Final = 0.25
TOLD_S: Final = 60
_TEST_KIND: Final = "test"


class Front:
    """Beside the couriers of one owner."""

    def __init__(
        self, redis: Redis, couriers: Mapping[str, Courier], unusable: Sequence[Unusable], watcher: Watcher
    ) -> None:
        self._redis, self._couriers, self._unusable, self._watcher = redis, couriers, unusable, watcher
        self._told: dict[str, bytes] | None = None
        self._tests: dict[str, asyncio.Task[None]] = {}

    async def run(self) -> None:
        """For ever."""
        try:
            while True:
                with suppress(*AWAY, REFUSED):  # what is not written now is written at the next round
                    await self._tell()
                    await self._test()
                await asyncio.sleep(LOOK_S)
        finally:
            for task in self._tests.values():
                task.cancel()

    def states(self) -> dict[str, ChannelState]:
        found = {one.name: ChannelState(kind="", state="unusable", last_error=one.expected) for one in self._unusable}
        for name, courier in self._couriers.items():
            found[name] = msgspec.structs.replace(courier.state, waiting=len(courier), held=self._watcher.held(name))
        return found

    async def _tell(self) -> None:
        told = {name: msgspec.json.encode(one) for name, one in self.states().items()}
        if told == self._told:
            return
        async with self._redis.pipeline(transaction=True) as pipe:
            pipe.delete(streams.ALERTS_CHANNELS)
            if told:
                fields: Any = told
                pipe.hset(streams.ALERTS_CHANNELS, mapping=fields)
            await pipe.execute()
        self._told = told

    async def _test(self) -> None:
        """Take up what is asked for: one test of a channel at a time."""
        key = streams.demand(streams.ALERTER, _TEST_KIND)
        asked: list[Any] = list(await self._redis.zrange(key, 0, -1, withscores=True))
        if not asked:
            return
        await self._redis.zrem(key, *(raw for raw, _ in asked))
        now_ms = await self._now_ms()
        for raw in [raw for raw, until in asked if until > now_ms]:
            name = raw.decode(errors="replace")
            courier, running = self._couriers.get(name), self._tests.get(name)
            if courier is not None and (running is None or running.done()):
                self._tests[name] = asyncio.create_task(self._try(name, courier), name=f"test {name}")

    async def _try(self, name: str, courier: Courier) -> None:
        began, error = time.monotonic(), None
        try:
            await courier.attempt(self._watcher.trial(uuid4().hex[:20], name))
        except NotDelivered as found:
            error = str(found)
        took_ms = round((time.monotonic() - began) * 1000)
        with suppress(*AWAY, REFUSED):  # who asked is told that nobody answers
            await self._answer(name, error, took_ms)

    async def _answer(self, name: str, error: str | None, took_ms: int) -> None:
        answered_ms = await self._now_ms()
        told = {"delivered": error is None, "error": error, "took_ms": took_ms, "answered_ms": answered_ms}
        async with self._redis.pipeline(transaction=True) as pipe:
            pipe.hset(streams.ALERTS_TESTED, name, msgspec.json.encode(told).decode())
            pipe.expire(streams.ALERTS_TESTED, TOLD_S)
            await pipe.execute()

    async def _now_ms(self) -> int:
        seconds, micros = await self._redis.time()
        return int(seconds) * 1000 + int(micros) // 1000
