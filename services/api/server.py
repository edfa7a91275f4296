"""uvicorn as a part of our own process: our sockets, our signals, our log."""

import contextlib
import socket
from collections.abc import Iterator
from typing import Final

import h11
import uvicorn
from starlette.types import ASGIApp
from uvicorn._types import ASGISendEvent
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

from services.api.errors import ApiError, answer
from shared.config import SettingError, Settings

#: A frame from a client larger than this ends its socket (1009); the protocols refuse far smaller ones politely.
MAX_FRAME: Final = 1 << 20
BACKLOG: Final = 2_048
CUT_OFF_S: Final = 15.0
STOP_S: Final = 3


class Socket(WebSocketsSansIOProtocol):
    """uvicorn's WebSocket protocol, except that a close does not wait behind what the client has not read.

    The close frame goes into the buffer at once; a client that does not take it either is cut off. And an upgrade that
    was refused with a whole answer is complete: uvicorn would log each as an error of the application.
    """

    async def send(self, message: ASGISendEvent) -> None:
        if message["type"] == "websocket.close" and self.handshake_complete:
            self.writable.set()
            self.loop.call_later(CUT_OFF_S, self.transport.abort)
        await super().send(message)
        if message["type"] == "websocket.http.response.body" and self.close_sent:
            self.handshake_complete = True


class Requests(H11Protocol):
    """uvicorn's HTTP protocol, except that what is no request is told so in the shape of all errors."""

    def send_400_response(self, msg: str) -> None:
        known = ApiError(400, "bad_request", msg, field="request", expected="HTTP/1.1 with one Host and a valid length")
        made = answer(known)
        headers = [*made.raw_headers, (b"connection", b"close")]
        start = h11.Response(status_code=400, headers=headers, reason=b"Bad Request")
        for event in (start, h11.Data(data=bytes(made.body)), h11.EndOfMessage()):
            self.transport.write(self.conn.send(event) or b"")
        self.transport.close()


class Server(uvicorn.Server):
    """Leaves the signals to the service's own life."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def server_for(app: ASGIApp) -> Server:
    config = uvicorn.Config(
        app,
        http=Requests,
        ws=Socket,
        ws_max_size=MAX_FRAME,
        ws_ping_interval=20,
        ws_ping_timeout=20,
        log_config=None,
        log_level="warning",
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=STOP_S,
        timeout_keep_alive=30,
        lifespan="on",
    )
    return Server(config)


def listen(settings: Settings) -> list[socket.socket]:
    """The listening sockets. On this machine both loopback addresses, where there are both. Raises `SettingError`."""
    host = settings.host
    twins = host in ("127.0.0.1", "localhost", "::1")
    first = _bound("127.0.0.1" if twins and host != "::1" else host, settings.port)
    if not twins:
        return [first]
    other = "127.0.0.1" if host == "::1" else "::1"
    try:
        return [first, _bound(other, first.getsockname()[1])]
    except SettingError:
        # A machine without IPv6 (or with that port taken there) is served at the address that was asked for.
        return [first]


def _bound(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        # asyncio sends small parts at once (TCP_NODELAY) only where the protocol is named
        found = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            found.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        found.bind((host, port))
    except OSError as error:
        raise SettingError("PORT", f"{host}:{port}", f"an address that can be listened on ({error.strerror})") from None
    found.listen(BACKLOG)
    found.setblocking(False)
    return found
