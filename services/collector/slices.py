"""Frames of many rows, worked off a few rows a turn of the loop, so that no quote has to wait for all of them."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import Final

from services.collector.messages import ROWS_AT_ONCE, Message

#: frames that may wait: with one more all of them are worked off at once
WAITING: Final = 8

Soon = Callable[[Callable[[], None]], object]


class Slices:
    """`take(frame, messages)` is called with the messages of one frame, part by part; `soon` is the loop's."""

    def __init__(self, take: Callable[[bytes, Iterable[Message]], None], soon: Soon) -> None:
        self._take, self._soon = take, soon
        self._waiting: deque[tuple[bytes, Iterator[Message]]] = deque()
        self._called = False

    def add(self, frame: bytes, messages: Iterator[Message]) -> None:
        self._waiting.append((frame, messages))
        if len(self._waiting) > WAITING:
            self.finish()
        self._call()

    def finish(self) -> None:
        """Work off all that waits."""
        while self._waiting:
            self._take(*self._waiting.popleft())

    def _call(self) -> None:
        if self._waiting and not self._called:
            self._called = True
            self._soon(self._turn)

    def _turn(self) -> None:
        self._called = False
        if not self._waiting:
            return
        frame, messages = self._waiting[0]
        part = list(islice(messages, ROWS_AT_ONCE))
        if len(part) < ROWS_AT_ONCE:
            self._waiting.popleft()
        self._take(frame, part)
        self._call()
