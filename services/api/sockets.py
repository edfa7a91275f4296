"""The life of one server socket: a reader, a sender, and the end of either. The protocols on it are elsewhere."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, Final

from starlette.websockets import WebSocket, WebSocketDisconnect, WebSocketState

from services.api.ending import end
from services.api.outbox import Frame, Outbox

#: A client that takes nothing for so long does not read.
STUCK_S: Final = 15.0
TRY_AGAIN_LATER: Final = 1013
_STUCK_REASON: Final = "the client does not read; connect again when it can"


async def receive(socket: WebSocket) -> Frame | None:
    """The next message, text or binary; None once the client is gone."""
    message = await socket.receive()
    if message["type"] == "websocket.disconnect":
        return None
    found: Frame | None = message.get("text")
    return message["bytes"] if found is None else found


async def send_all(socket: WebSocket, outbox: Outbox, sent: Callable[[], None], stuck_s: float = STUCK_S) -> None:
    """Send what the outbox holds, for ever. Raises `TimeoutError` on a client that does not read."""
    while True:
        frame = await outbox.take()
        kind = "text" if isinstance(frame, str) else "bytes"
        async with asyncio.timeout(stuck_s):
            await socket.send({"type": "websocket.send", kind: frame})
        sent()


async def live(socket: WebSocket, reading: Coroutine[Any, Any, None], sending: Coroutine[Any, Any, None]) -> None:
    """Run both until one ends; then end the other and close."""
    tasks = {asyncio.ensure_future(reading), asyncio.ensure_future(sending)}
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        await end(tasks)
        results = await asyncio.gather(*tasks, return_exceptions=True)
    stuck = any(isinstance(result, TimeoutError) for result in results)
    for result in results:
        if isinstance(result, Exception) and not isinstance(result, TimeoutError | WebSocketDisconnect):
            raise result
    if socket.client_state is WebSocketState.CONNECTED and socket.application_state is WebSocketState.CONNECTED:
        code, reason = (TRY_AGAIN_LATER, _STUCK_REASON) if stuck else (1000, None)
        # A peer that went away meanwhile has nothing to be told.
        try:
            async with asyncio.timeout(1):
                await socket.close(code, reason)
        except (TimeoutError, WebSocketDisconnect, RuntimeError):
            return
