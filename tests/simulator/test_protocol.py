"""The bytes of a connection, by hand."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from websockets.frames import Frame, Opcode

from services.simulator.options import Options
from services.simulator.server import Simulator
from services.simulator.wire import frame
from tests.simulator.client import LIMIT_S

HANDSHAKE = (
    b"GET /ws.okx.com/ws/v5/public HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)


@pytest.fixture
async def sim() -> AsyncIterator[Simulator]:
    async with Simulator(Options(venues=("okx",), instruments=5, rate=0)) as sim:
        yield sim


def masked(opcode: Opcode, data: bytes, fin: bool = True) -> bytes:
    return Frame(opcode, data, fin).serialize(mask=True)


async def test_several_requests_may_use_one_connection(sim: Simulator) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", sim.port)
    for _ in range(3):
        writer.write(b"GET /www.okx.com/api/v5/public/time HTTP/1.1\r\nHost: x\r\n\r\n")
        head = await reader.readuntil(b"\r\n\r\n")
        length = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
        assert b'"code":"0"' in await reader.readexactly(length)
    writer.write(b"nonsense\r\n\r\n")
    assert (await reader.read()).startswith(b"HTTP/1.1 400")
    writer.close()
    await writer.wait_closed()


async def test_messages_may_come_in_pieces_and_with_the_handshake(sim: Simulator) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", sim.port)
    writer.write(HANDSHAKE + masked(Opcode.TEXT, b"pi", fin=False) + masked(Opcode.CONT, b"ng"))
    async with asyncio.timeout(LIMIT_S):
        assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 101")
        assert await reader.readexactly(6) == frame(b"pong")
        ping = masked(Opcode.PING, b"life")
        for byte in ping:
            writer.write(bytes((byte,)))
        assert await reader.readexactly(6) == frame(b"life", 0x8A)
        writer.write(masked(Opcode.CLOSE, b"\x03\xe8"))
        assert await reader.read() == frame(b"\x03\xe8", 0x88)
    writer.close()
    await writer.wait_closed()


async def test_bytes_that_are_no_frames_end_the_connection(sim: Simulator) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", sim.port)
    writer.write(HANDSHAKE + b"\x81\x05hello")
    async with asyncio.timeout(LIMIT_S):
        await reader.readuntil(b"\r\n\r\n")
        goodbye = await reader.read()
    assert goodbye[0] == 0x88
    assert goodbye[2:4] == (1002).to_bytes(2, "big")
    assert not sim.exchanges["okx"].feed.sockets
    writer.close()
    await writer.wait_closed()


async def test_an_upgrade_that_is_none_is_refused(sim: Simulator) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", sim.port)
    writer.write(HANDSHAKE.replace(b"Version: 13", b"Version: 8"))
    async with asyncio.timeout(LIMIT_S):
        assert (await reader.read()).startswith(b"HTTP/1.1 400")
    writer.close()
    await writer.wait_closed()
