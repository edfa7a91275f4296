"""Opening a socket where nothing good is at the other end."""

import asyncio

import pytest

from services.collector.runner import Connection, Unreachable, dial


def never() -> Connection:
    raise AssertionError("there was no handshake")


@pytest.mark.parametrize("heard", [0, 10], ids=["at once", "after some bytes of the request"])
async def test_a_peer_that_hangs_up_during_the_handshake_is_unreachable_and_no_fault(heard: int) -> None:
    async def hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(heard)
        writer.close()

    server = await asyncio.start_server(hang_up, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        with pytest.raises(Unreachable, match="cannot connect"):
            await dial(never, f"ws://127.0.0.1:{port}/")
