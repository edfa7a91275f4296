"""What waits to be sent to one socket: the one bounded queue that each client has."""

import asyncio
from collections import deque
from typing import Final

Frame = str | bytes

MAX_FRAMES: Final = 256
MAX_BYTES: Final = 4 << 20


class Outbox:
    """A queue bounded in frames and in bytes. A single frame always fits into an empty one.

    What to do when it is full is its user's policy: `offer` says no, `put` lets the oldest go, `room` waits.
    """

    def __init__(self, max_frames: int = MAX_FRAMES, max_bytes: int = MAX_BYTES) -> None:
        self._frames: deque[Frame] = deque()
        self._bytes = 0
        self._max_frames, self._max_bytes = max_frames, max_bytes
        self._filled, self._emptied = asyncio.Event(), asyncio.Event()
        self.let_go = 0

    def __len__(self) -> int:
        return len(self._frames)

    def full(self, more: int = 0) -> bool:
        crowded = len(self._frames) >= self._max_frames or self._bytes + more > self._max_bytes
        return crowded and bool(self._frames)

    def offer(self, frame: Frame) -> bool:
        """Queue the frame, or say that there is no room."""
        if self.full(len(frame)):
            return False
        self._append(frame)
        return True

    def answer(self, frame: Frame) -> None:
        """Queue it whether or not there is room: for answers, whose number is bounded by waiting for `room` first."""
        self._append(frame)

    def put(self, frame: Frame) -> int:
        """Queue the frame; where there is no room the oldest frames go. Returns how many went."""
        gone = 0
        while self.full(len(frame)):
            self._bytes -= len(self._frames.popleft())
            gone += 1
        self.let_go += gone
        self._append(frame)
        return gone

    async def room(self) -> None:
        """Wait until something may be queued."""
        while self.full():
            self._emptied.clear()
            await self._emptied.wait()

    async def take(self) -> Frame:
        """The oldest frame, once there is one."""
        while not self._frames:
            self._filled.clear()
            await self._filled.wait()
        frame = self._frames.popleft()
        self._bytes -= len(frame)
        self._emptied.set()
        return frame

    def _append(self, frame: Frame) -> None:
        self._frames.append(frame)
        self._bytes += len(frame)
        self._filled.set()
