"""The real application behind a real server on a free port, over a real Redis; its clients are httpx and websockets."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
from websockets.asyncio.client import ClientConnection, connect

from services.api.app import create
from services.api.context import Context
from services.api.server import listen, server_for
from shared import bus
from shared.config import Settings

PATIENCE_S = 60


@dataclass
class Api:
    """One running API."""

    port: int
    context: Context
    http: httpx.AsyncClient

    @property
    def base(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def socket(self, path: str, **options: Any) -> connect:
        return connect(f"ws://127.0.0.1:{self.port}{path}", open_timeout=PATIENCE_S, **options)

    async def until(self, true: Callable[[], Any]) -> None:
        """Wait for a condition of the state."""
        async with asyncio.timeout(PATIENCE_S):
            while not true():  # noqa: ASYNC110 - the conditions are of many kinds
                await asyncio.sleep(0.005)


Start = Callable[..., Awaitable[Api]]


@pytest.fixture
async def start(redis_url: str) -> AsyncIterator[Start]:
    """Starts APIs; all of them end with the test."""
    running: list[tuple[Any, asyncio.Task[None], Api, bus.Redis]] = []

    async def begin(**settings: Any) -> Api:
        # Port 0 is for tests alone: the setting itself begins at 1.
        chosen = Settings(**{"port": 0, "redis_url": redis_url, **settings})
        client = bus.connect(chosen.redis_url)
        app, sockets = create(chosen, client), listen(chosen)
        server = server_for(app)
        task = asyncio.create_task(server.serve(sockets))
        port = sockets[0].getsockname()[1]
        api = Api(port, app.state.context, httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=PATIENCE_S))
        running.append((server, task, api, client))
        await api.until(lambda: server.started)
        return api

    yield begin
    for server, task, api, client in running:
        await api.http.aclose()
        server.should_exit = True
        await task
        await client.aclose()


@pytest.fixture
async def api(start: Start) -> Api:
    return await start()


async def message(socket: ClientConnection, kind: str | None = None) -> dict[str, Any]:
    """The next message, of a kind if one is given."""
    import msgspec

    async with asyncio.timeout(PATIENCE_S):
        while True:
            data = await socket.recv()
            found: dict[str, Any] = (
                msgspec.msgpack.decode(data) if isinstance(data, bytes) else msgspec.json.decode(data)
            )
            if kind is None or found["type"] == kind:
                return found
