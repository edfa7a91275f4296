"""All exchange traffic goes through the proxy that is set: sockets and REST, HTTP and SOCKS."""

import asyncio
import contextlib
from asyncio import StreamReader as Reader
from asyncio import StreamWriter as Writer
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from services.collector.standing import standing
from shared.events import Quote
from tests.collector.live import stage


async def pipe(reader: Reader, writer: Writer) -> None:
    with contextlib.suppress(ConnectionError):
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
    writer.close()


class Proxy:
    """Speaks HTTP (CONNECT and absolute URLs) and SOCKS5 without a password; counts what went through."""

    def __init__(self) -> None:
        self.tunnels = self.requests = self.socks = 0
        self.tasks: set[asyncio.Task[None]] = set()

    async def serve(self, reader: Reader, writer: Writer) -> None:
        task = asyncio.current_task()
        assert task is not None
        self.tasks.add(task)
        try:
            first = await reader.readexactly(1)
            await (self._socks(reader, writer) if first == b"\x05" else self._http(first, reader, writer))
        except (ConnectionError, asyncio.IncompleteReadError):
            writer.close()
        finally:
            self.tasks.discard(task)

    async def _socks(self, reader: Reader, writer: Writer) -> None:
        self.socks += 1
        await reader.readexactly((await reader.readexactly(1))[0])
        writer.write(b"\x05\x00")
        _, _, _, kind = await reader.readexactly(4)
        if kind == 1:
            host = ".".join(map(str, await reader.readexactly(4)))
        else:
            host = (await reader.readexactly((await reader.readexactly(1))[0])).decode()
        port = int.from_bytes(await reader.readexactly(2), "big")
        writer.write(b"\x05\x00\x00\x01\x00\x00\x00\x00\x00\x00")
        await self._join(host, port, b"", reader, writer)

    async def _http(self, first: bytes, reader: Reader, writer: Writer) -> None:
        head = first + await reader.readuntil(b"\r\n\r\n")
        method, target, _ = head.split(b"\r\n", 1)[0].decode().split(" ")
        if method == "CONNECT":
            self.tunnels += 1
            host, _, port = target.partition(":")
            writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
            await self._join(host, int(port), b"", reader, writer)
            return
        self.requests += 1
        url = urlsplit(target)
        await self._join(url.hostname or "", url.port or 80, head, reader, writer)

    async def _join(self, host: str, port: int, head: bytes, reader: Reader, writer: Writer) -> None:
        far_reader, far_writer = await asyncio.open_connection(host, port)
        far_writer.write(head)
        await asyncio.gather(pipe(reader, far_writer), pipe(far_reader, writer))


@contextlib.asynccontextmanager
async def proxied() -> AsyncIterator[tuple[Proxy, int]]:
    proxy = Proxy()
    server = await asyncio.start_server(proxy.serve, "127.0.0.1", 0)
    try:
        yield proxy, server.sockets[0].getsockname()[1]
    finally:
        server.close()
        for task in list(proxy.tasks):
            task.cancel()
        await asyncio.gather(*proxy.tasks, return_exceptions=True)


@pytest.mark.parametrize("scheme", ["http", "socks5"])
async def test_sockets_and_rest_go_through_the_proxy(scheme: str, tmp_path: Path) -> None:
    async with proxied() as (proxy, port):
        async with stage("okx", tmp_path, instruments=8, proxy=f"{scheme}://127.0.0.1:{port}") as found:
            await found.until(lambda: any(quote.source == "ws" for quote in found.kept.of(Quote)))
        if scheme == "http":
            assert proxy.tunnels >= 1
            assert proxy.requests >= 3
        else:
            assert proxy.socks >= 2


async def test_a_proxy_that_is_not_there_is_said_in_one_sentence(tmp_path: Path) -> None:
    async with stage("okx", tmp_path, instruments=8, proxy="http://127.0.0.1:1") as found:
        await found.until(lambda: standing(found.engine)[0] == "degraded")
        assert "cannot be reached" in standing(found.engine)[1]
