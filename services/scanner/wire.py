"""Commands to Redis and their answers over one hand-written connection: what the scanner's every turn goes through.

Reading a thousand entries costs a few milliseconds here and some tens through a general client. Everything that is
not done in every turn goes through `shared.bus`.
"""

import asyncio
from typing import Final

from shared.link import Link, open_link, parse_url
from shared.resp import Reply, ReplyError, command

TIMEOUT_S: Final = 5.0


class Wire:
    """One connection, used by one task at a time. Any failure leaves it closed; the caller opens another one."""

    def __init__(self, url: str) -> None:
        self._address = parse_url(url)
        self._link: Link | None = None
        self._replies: list[Reply] = []
        self._wanted = 0
        #: answers to what was sent without waiting: the next call's come after them
        self._owed = 0
        self._done: asyncio.Future[None] | None = None

    async def open(self) -> None:
        """Raises `OSError`, or `ReplyError` where Redis refuses the greeting."""
        self._replies, self._owed = [], 0
        self._link = await open_link(self._address, TIMEOUT_S)
        self._link.on_replies = self._take
        self._link.lost.add_done_callback(self._broken)

    def close(self) -> None:
        if self._link is not None:
            self._link.abort("closed by us")
            self._link = None

    def send(self, *commands: bytes) -> None:
        """Commands whose answers the next call waits for, and that raises where one of them is an error. Raises
        `ConnectionError`."""
        self._write(commands)
        self._owed += len(commands)

    async def call(self, *commands: bytes, timeout_s: float = TIMEOUT_S) -> list[Reply]:
        """The answers to all commands in order, error replies among them. Raises `ConnectionError`, `TimeoutError`,
        and `ReplyError` for what was sent before."""
        self._write(commands)
        self._wanted = self._owed + len(commands)
        if len(self._replies) < self._wanted:
            self._done = asyncio.get_running_loop().create_future()
            try:
                async with asyncio.timeout(timeout_s):
                    await self._done
            except BaseException:
                self.close()  # answers that come late would be taken for those of the next call
                raise
        owed, self._owed = self._owed, 0
        replies, self._replies = self._replies, []
        for reply in replies[:owed]:
            if isinstance(reply, ReplyError):
                raise reply
        return replies[owed:]

    def _write(self, commands: tuple[bytes, ...]) -> None:
        if self._link is None or self._link.lost.done():
            raise ConnectionError("no connection to Redis")
        self._link.write(commands)

    async def one(self, *parts: bytes | str | int, timeout_s: float = TIMEOUT_S) -> Reply:
        """The answer to one command. Raises `ReplyError` on an error reply."""
        (reply,) = await self.every(command(*parts), timeout_s=timeout_s)
        return reply

    async def every(self, *commands: bytes, timeout_s: float = TIMEOUT_S) -> list[Reply]:
        """The answers to all commands in order. Raises `ReplyError` on the first error reply."""
        replies = await self.call(*commands, timeout_s=timeout_s) if commands else []
        for reply in replies:
            if isinstance(reply, ReplyError):
                raise reply
        return replies

    def _take(self, replies: list[Reply]) -> None:
        self._replies += replies
        if len(self._replies) >= self._wanted and self._done is not None and not self._done.done():
            self._done.set_result(None)

    def _broken(self, lost: "asyncio.Future[str]") -> None:
        if self._done is not None and not self._done.done():
            self._done.set_exception(ConnectionError(lost.result()))
