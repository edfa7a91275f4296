"""The channels' far ends on loopback: one HTTP server that answers as it is told, one mail server."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import msgspec
from aiohttp import web

PATIENCE_S = 60


@dataclass
class Got:
    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> dict[str, Any]:
        found: dict[str, Any] = msgspec.json.decode(self.body)
        return found


@dataclass
class Far:
    """What came, and what is answered: each answer once, then 200 with `usual`."""

    port: int = 0
    got: list[Got] = field(default_factory=list)
    answers: deque[tuple[int, dict[str, Any], dict[str, str]]] = field(default_factory=deque)
    usual: dict[str, Any] = field(default_factory=lambda: {"ok": True, "code": 0})
    hold: asyncio.Event | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def until(self, count: int) -> list[Got]:
        await until(lambda: len(self.got) >= count)
        return self.got

    @property
    def told(self) -> set[str]:
        """Of what it has heard."""
        return {alert["subject"] for one in self.got for alert in one.json["alerts"]}

    async def handle(self, request: web.Request) -> web.Response:
        self.got.append(Got(request.path, dict(request.headers), await request.read()))
        if self.hold is not None:
            await self.hold.wait()
        if "hooks.slack.com" in request.path and not self.answers:
            return web.Response(text="ok")
        status, body, headers = self.answers.popleft() if self.answers else (200, self.usual, {})
        return web.json_response(body, status=status, headers=headers)


async def until(true: Callable[[], Any]) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while not true():  # noqa: ASYNC110 - the conditions are of many kinds
            await asyncio.sleep(0.01)


@asynccontextmanager
async def far_end() -> AsyncIterator[Far]:
    far = Far()
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", far.handle)
    runner = web.AppRunner(app, access_log=None, handler_cancellation=True, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    far.port = runner.addresses[0][1]
    try:
        yield far
    finally:
        if far.hold is not None:
            far.hold.set()
        await runner.cleanup()


@dataclass
class Mail:
    """A mail server that takes everything."""

    port: int = 0
    got: list[tuple[list[str], str]] = field(default_factory=list)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        def say(line: str) -> None:
            writer.write(f"{line}\r\n".encode())

        to: list[str] = []
        say("220 here")
        while line := (await reader.readline()).decode().strip():
            word = line.upper()
            if word.startswith("EHLO"):
                writer.write(b"250-here\r\n250 AUTH PLAIN LOGIN\r\n")
            elif word.startswith("AUTH"):
                say("235 ok")
            elif word.startswith("RCPT"):
                to.append(line.partition(":")[2])
                say("250 ok")
            elif word == "DATA":
                say("354 go on")
                text = await reader.readuntil(b"\r\n.\r\n")
                self.got.append((to, text.decode()))
                say("250 taken")
            elif word == "QUIT":
                say("221 bye")
                break
            else:
                say("250 ok")
        await writer.drain()
        writer.close()


@asynccontextmanager
async def mail_server() -> AsyncIterator[Mail]:
    mail = Mail()
    server = await asyncio.start_server(mail.serve, "127.0.0.1", 0)
    mail.port = server.sockets[0].getsockname()[1]
    async with server:
        yield mail
