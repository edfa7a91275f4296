"""A plain client of the simulator, as any program would write one."""

import asyncio
import json
import urllib.error
import urllib.request
from collections.abc import Callable
from typing import Any

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from services.simulator.server import Simulator


async def rest(sim: Simulator, path: str, body: object = None, method: str | None = None) -> tuple[int, Any, Any]:
    """Status, parsed body and headers of one request; a body makes it a POST."""

    def ask() -> tuple[int, Any, Any]:
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"{sim.url}/{path}", data=data, method=method)
        try:
            with opener.open(request, timeout=10) as reply:
                return reply.status, json.loads(reply.read() or b"null"), reply.headers
        except urllib.error.HTTPError as error:
            with error:
                return error.code, json.loads(error.read() or b"null"), error.headers

    return await asyncio.to_thread(ask)


class Unredirected(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *arguments: Any, **named: Any) -> None:
        """A redirect is an answer like any other."""


opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), Unredirected)


def socket(sim: Simulator, path: str, **options: Any) -> connect:
    """A WebSocket to `host/path`; no pings of its own, no compression."""
    address = f"ws://127.0.0.1:{sim.port}/{path}"
    return connect(address, proxy=None, compression=None, ping_interval=None, close_timeout=1, **options)


async def say(ws: ClientConnection, message: object) -> None:
    await ws.send(message if isinstance(message, str) else json.dumps(message))


async def next_that(ws: ClientConnection, wanted: Callable[[Any], bool], seconds: float = 10.0) -> Any:
    """The first JSON message that is wanted; others are passed over."""
    async with asyncio.timeout(seconds):
        while True:
            text = await ws.recv()
            if text != "pong" and isinstance(text, str) and wanted(message := json.loads(text)):
                return message


async def closed(ws: ClientConnection, seconds: float = 10.0) -> tuple[int | None, str]:
    """Reads until the server closes; the code and reason it gave (None: it just hung up)."""
    async with asyncio.timeout(seconds):
        try:
            while True:
                await ws.recv()
        except ConnectionClosed as end:
            return (end.rcvd.code, end.rcvd.reason) if end.rcvd is not None else (None, "")


async def until(condition: Callable[[], object], seconds: float = 10.0) -> None:
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110 - what is waited for is another's state
            await asyncio.sleep(0.01)
