"""Brings messages to their channels: one at a time each, in order, tried again until they arrive or are too old.

Theory of operation. Senders block, so each attempt runs in a thread of its own that no stop waits for; a channel has
never more than one, and no attempt begins before the one before has ended. A message stands in Redis until its
channel has taken it. Killed between the channel's answer and the note of it, the next process sends it once more,
under the same id. A message that an hour of attempts could not deliver is given up, counted and logged.
"""

import asyncio
import logging
import random
import threading
import time
from collections import deque
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Final, Literal

import msgspec

from services.alerter.channels import Channel
from services.alerter.message import Message, NotDelivered
from services.alerter.routing import Delivery
from shared.bus import AWAY

LOG: Final = logging.getLogger(__name__)
BACKOFF_S: Final = (1.0, 2.0, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0)
GIVE_UP_S: Final = 3_600.0
#: A thread that has not ended by then has failed; no other one begins before it ends.
STUCK_S: Final = 60.0
#: Waiting longer than this for a channel that asks for it is not worth it.
MOST_AGAIN_S: Final = 600.0
RETRY_S: Final = 1.0

Make = Callable[[Delivery], Message]


class ChannelState(msgspec.Struct, kw_only=True):
    """What is told of a channel; times in ms since the epoch. No secrets."""

    kind: str
    state: Literal["unused", "ok", "failing", "unusable"] = "unused"
    delivered_total: int = 0
    failed_total: int = 0
    lost_total: int = 0
    waiting: int = 0
    held: int = 0
    last_ok_ms: int | None = None
    last_error: str | None = None
    last_error_ms: int | None = None


class Courier:
    """One channel's messages."""

    def __init__(
        self,
        channel: Channel,
        make: Make,
        done: Callable[[str], Awaitable[None]],
        *,
        backoff_s: tuple[float, ...] = BACKOFF_S,
    ) -> None:
        self.channel, self._make, self._done, self._backoff = channel, make, done, backoff_s
        self.state = ChannelState(kind=channel.kind)
        self._waiting: deque[Delivery] = deque()
        self._new, self._closing = asyncio.Event(), asyncio.Event()
        self._sending = asyncio.Lock()
        #: the attempt under way, or one that did not end in time
        self._stuck: threading.Thread | None = None

    def __len__(self) -> int:
        return len(self._waiting)

    def take(self, delivery: Delivery) -> None:
        """Put behind what waits. Who gives bounds it: `Routing` holds what a channel is behind with."""
        self._waiting.append(delivery)
        self._new.set()

    def close(self) -> None:
        """Begin nothing more: `run` ends with the attempt that is under way."""
        self._closing.set()
        self._new.set()

    async def run(self) -> None:
        """Until it is closed."""
        while not self._closing.is_set():
            await self._new.wait()
            while self._waiting and await self._bring(self._waiting[0]):
                self._waiting.popleft()
            self._new.clear()

    async def _bring(self, delivery: Delivery) -> bool:
        """Until it arrived, or is too old. False: closed before."""
        failures = 0
        while not self._closing.is_set():
            try:
                await self.attempt(self._make(delivery))
                break
            except NotDelivered as error:
                pause = self._pause(failures, error.again_s)
                failures += 1
                if time.time() - delivery.made_at / 1e9 + pause > GIVE_UP_S:
                    self.state.lost_total += 1
                    LOG.error(
                        "the message %s is given up, %s did not take it: %s", delivery.id, self.channel.name, error
                    )
                    break
                with suppress(TimeoutError):
                    async with asyncio.timeout(pause):
                        await self._closing.wait()
        else:
            return False
        await self._note(delivery.id)
        return True

    def _pause(self, failures: int, again_s: float | None) -> float:
        if again_s is not None:
            return min(again_s, MOST_AGAIN_S)
        return self._backoff[min(failures, len(self._backoff) - 1)] * random.uniform(0.8, 1.2)

    async def _note(self, delivery_id: str) -> None:
        while True:
            try:
                await self._done(delivery_id)
                return
            except AWAY:
                await asyncio.sleep(RETRY_S)

    async def attempt(self, message: Message) -> None:
        """One attempt; waits for the one under way, of a message or a test. Raises `NotDelivered`."""
        async with self._sending:
            state, now_ms = self.state, time.time_ns() // 1_000_000
            try:
                if self._stuck is not None and self._stuck.is_alive():
                    raise Stuck("the attempt before has not ended yet")
                self._stuck, ended = in_thread(self.channel, message)
                await taken(ended)
                self._stuck = None
            except NotDelivered as error:
                self._stuck = self._stuck if isinstance(error, Stuck) else None
                if state.state != "failing":
                    LOG.warning("the channel %s does not take messages: %s", self.channel.name, error)
                state.state, state.last_error, state.last_error_ms = "failing", str(error), now_ms
                state.failed_total += 1
                raise
            if state.state == "failing":
                LOG.info("the channel %s takes messages again", self.channel.name)
            state.state, state.last_ok_ms = "ok", now_ms
            state.delivered_total += 1


class Stuck(NotDelivered):
    """The thread of an attempt goes on, nobody knows how long."""


Ended = asyncio.Future[NotDelivered | None]


def in_thread(channel: Channel, message: Message) -> tuple[threading.Thread, Ended]:
    """Send in a thread that no stop of the process waits for."""
    loop = asyncio.get_running_loop()
    ended: Ended = loop.create_future()

    def tell(error: NotDelivered | None) -> None:
        if not ended.done():
            ended.set_result(error)

    def work() -> None:
        error: NotDelivered | None = NotDelivered("the channel's plugin failed")
        try:
            channel.send(message)
            error = None
        except NotDelivered as found:
            error = found
        finally:
            with suppress(RuntimeError):  # the loop has ended: nobody waits
                loop.call_soon_threadsafe(tell, error)

    thread = threading.Thread(target=work, name=f"send {channel.name}", daemon=True)
    thread.start()
    return thread, ended


async def taken(ended: Ended) -> None:
    """Wait for the end of an attempt. Raises `NotDelivered`, or `Stuck` where it does not come in time."""
    try:
        async with asyncio.timeout(STUCK_S):
            found = await asyncio.shield(ended)
    except TimeoutError:
        raise Stuck(f"no answer within {STUCK_S:.0f} s") from None
    if found is not None:
        raise found
