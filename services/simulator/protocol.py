"""A TCP connection: HTTP/1.1 with keep-alive, and WebSocket after an upgrade.

The handshake and everything that a client sends go through the `websockets` package's sans-IO server; what the
exchange sends is framed once per topic (wire.py) and shared by all its readers, which no library does.
"""

import asyncio
import time
from typing import Protocol, cast

from websockets.exceptions import ProtocolError
from websockets.frames import Frame, Opcode
from websockets.http11 import Request as Handshake
from websockets.server import ServerProtocol

from services.simulator import wire
from services.simulator.exchange import Exchange
from services.simulator.hub import Socket
from services.simulator.wire import Reply, Request


class Desk(Protocol):
    """Who answers requests and owns the sockets."""

    def serve(self, request: Request, connection: "Connection") -> Reply | None:
        """The answer; None where the connection has been upgraded, aborted, or will be answered later."""


class Connection(asyncio.Protocol):
    """One client connection."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._buffer = bytearray()
        self._ws: ServerProtocol | None = None
        self._exchange: Exchange | None = None
        self.socket: Socket | None = None
        self.transport: asyncio.Transport
        self._pending = ""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)  # uvloop's is no subclass
        self.transport.set_write_buffer_limits(high=1 << 20)

    def connection_lost(self, error: Exception | None) -> None:
        if self.socket is not None:
            self.socket.closing = True
            self.socket.room.set()
            self.socket.feed.forget(self.socket)
            self.socket.feed.counts["ended"] += 1

    def pause_writing(self) -> None:
        if self.socket is not None:
            self.socket.room.clear()

    def resume_writing(self) -> None:
        if self.socket is not None:
            self.socket.room.set()

    def data_received(self, data: bytes) -> None:
        if self._ws is not None:
            self._ws.receive_data(data)
            self._after_receiving()
            return
        self._buffer += data
        while self._ws is None:
            try:
                request = wire.take_request(self._buffer)
            except wire.BadRequest:
                self.send(Reply(b'{"error":"bad request"}', 400))
                self.transport.close()
                return
            if request is None:
                return
            reply = self._desk.serve(request, self)
            if reply is not None:
                self.send(reply)

    def send(self, reply: Reply) -> None:
        if not self.transport.is_closing():
            self.transport.write(reply.encode())

    def upgrade(self, request: Request, exchange: Exchange, endpoint: str, number: int) -> None:
        """Answers the handshake and, where it is good, opens the exchange's socket."""
        ws = self._ws = ServerProtocol(max_size=1 << 20)
        ws.receive_data(request.raw)
        for event in ws.events_received():
            if isinstance(event, Handshake):
                response = ws.accept(event)
                ws.send_response(response)
        for piece in ws.data_to_send():
            if piece:
                self.transport.write(piece)
        if ws.handshake_exc is not None:
            self.transport.close()
            return
        t = time.time()
        feed = exchange.feed
        self._exchange = exchange
        self.socket = Socket(feed, endpoint, self.transport, number, t)
        feed.sockets.add(self.socket)
        feed.opened += 1
        exchange.opened(self.socket, request, t)
        if self._buffer:
            rest, self._buffer = bytes(self._buffer), bytearray()
            ws.receive_data(rest)
            self._after_receiving()

    def _after_receiving(self) -> None:
        ws, socket, exchange = self._ws, self.socket, self._exchange
        if ws is None or socket is None or exchange is None:
            return
        t = socket.heard = time.time()
        for event in ws.events_received():
            if isinstance(event, Frame) and not socket.closing:
                self._frame(event, socket, exchange, t)
        # pongs and the answer to a close are the library's; a stalled exchange does not even answer those
        for piece in ws.data_to_send():
            if piece and not socket.feed.stalled:
                socket.put(piece)
        socket.feed.flush(t)
        if ws.close_expected() or isinstance(ws.parser_exc, ProtocolError):
            self.transport.close()

    def _frame(self, frame: Frame, socket: Socket, exchange: Exchange, t: float) -> None:
        if frame.opcode in (Opcode.PING, Opcode.PONG):
            exchange.control(socket, t)
        elif frame.opcode in (Opcode.TEXT, Opcode.BINARY, Opcode.CONT):
            self._pending += bytes(frame.data).decode("utf-8", "replace")
            if frame.fin:
                text, self._pending = self._pending, ""
                exchange.received(socket, text, t)
