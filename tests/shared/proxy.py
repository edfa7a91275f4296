"""A TCP proxy in front of a server, which can be told to misbehave as networks do."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Self


class FaultProxy:
    """Listens on a free port of loopback and forwards to `port`, until told otherwise."""

    def __init__(self, port: int) -> None:
        self._to = port
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._flowing = asyncio.Event()
        self._flowing.set()
        self.port = 0
        self.connections = 0
        #: Requests reach the server, replies do not reach the client.
        self.lose_replies = False
        self.lost_bytes = 0

    async def __aenter__(self) -> Self:
        await self.listen()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.refuse()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def listen(self) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def refuse(self) -> None:
        """Close the port and every connection."""
        if self._server is not None:
            self._server.close()
            self._server = None
        self.cut()

    def cut(self) -> None:
        """End every connection at once; new ones are taken."""
        for writer in self._writers:
            writer.transport.abort()

    def stall(self) -> None:
        """Take everything, forward nothing: a host that hangs."""
        self._flowing.clear()

    def resume(self) -> None:
        self._flowing.set()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        up_reader, up_writer = await asyncio.open_connection("127.0.0.1", self._to)
        ways = ((reader, up_writer, False), (up_reader, writer, True))
        self._writers |= {writer, up_writer}
        running = [asyncio.create_task(self._forward(*way)) for way in ways]
        self._tasks |= set(running)
        await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
        for one in (writer, up_writer):
            one.transport.abort()
            self._writers.discard(one)

    async def _forward(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, replies: bool) -> None:
        with contextlib.suppress(OSError):
            while data := await reader.read(65536):
                await self._flowing.wait()
                if replies and self.lose_replies:
                    self.lost_bytes += len(data)
                    continue
                writer.write(data)
                await writer.drain()


@contextlib.asynccontextmanager
async def faulty(port: int) -> AsyncIterator[FaultProxy]:
    async with FaultProxy(port) as proxy:
        yield proxy
