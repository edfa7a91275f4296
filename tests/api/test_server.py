"""Our sockets under a real event loop."""

import asyncio
import socket

from services.api.server import listen
from shared.config import Settings


async def test_a_small_part_of_an_answer_is_not_held_back_until_the_one_before_is_acknowledged() -> None:
    held: asyncio.Queue[int] = asyncio.Queue()

    async def accepted(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        taken: socket.socket = writer.get_extra_info("socket")
        held.put_nowait(taken.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))
        writer.close()

    for listener in listen(Settings(port=0)):
        async with await asyncio.start_server(accepted, sock=listener):
            _, writer = await asyncio.open_connection(*listener.getsockname()[:2])
            assert await held.get() != 0
            writer.close()
            await writer.wait_closed()
