"""A plain client of the simulator, as any program would write one."""

import asyncio
import json
import urllib.error
import urllib.request
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qsl

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from services.simulator.server import Simulator
from services.simulator.wire import Request

#: what is waited for comes, on the slowest machine too
LIMIT_S = 60.0


async def rest(sim: Simulator, path: str, body: object = None, method: str | None = None) -> tuple[int, Any, Any]:
    """Status, parsed body and headers of one request; a body makes it a POST."""

    def ask() -> tuple[int, Any, Any]:
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"{sim.url}/{path}", data=data, method=method)
        try:
            with opener.open(request, timeout=LIMIT_S) as reply:
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
    plain: dict[str, Any] = {"proxy": None, "compression": None, "ping_interval": None}
    return connect(address, **plain, open_timeout=LIMIT_S, close_timeout=1, **options)


async def say(ws: ClientConnection, message: object) -> None:
    await ws.send(message if isinstance(message, str) else json.dumps(message))


async def next_that(ws: ClientConnection, wanted: Callable[[Any], bool], seconds: float = LIMIT_S) -> Any:
    """The first JSON message that is wanted; others are passed over."""
    async with asyncio.timeout(seconds):
        while True:
            text = await ws.recv()
            if text != "pong" and isinstance(text, str) and wanted(message := json.loads(text)):
                return message


async def closed(ws: ClientConnection, seconds: float = LIMIT_S) -> tuple[int | None, str]:
    """Reads until the server closes; the code and reason it gave (None: it just hung up)."""
    async with asyncio.timeout(seconds):
        try:
            while True:
                await ws.recv()
        except ConnectionClosed as end:
            return (end.rcvd.code, end.rcvd.reason) if end.rcvd is not None else (None, "")


def asked(url: str) -> Request:
    """A question as the simulated exchanges get it: for those that count by the clock, which a caller may set."""
    host, _, rest = url.partition("/")
    path, _, query = rest.partition("?")
    return Request("GET", host, f"/{path}", dict(parse_qsl(query)), {})


def spares(sim: Simulator, at: float) -> bool:
    """Whether the only exchange bears with its only connection, looking at it at a time of the caller's."""
    (exchange,) = sim.exchanges.values()
    (one,) = exchange.feed.sockets
    exchange.watch(one, at)
    return not one.closing


async def until(condition: Callable[[], object], seconds: float = LIMIT_S) -> None:
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110 - what is waited for is another's state
            await asyncio.sleep(0.01)
