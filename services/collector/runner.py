"""Sockets: the only file that opens WebSockets.

A `Connection` is one socket. What one read of it brings is decoded and published at once, whole: no task, queue or
await per message. All frames of a read have the time of the read.
What to send and when is the session's to say; this file carries it out.
Proxies (HTTP CONNECT, SOCKS) are the library's.
"""

import asyncio
import socket
import ssl
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from itertools import chain, count
from time import time_ns
from types import MappingProxyType
from typing import Final, Protocol
from urllib.parse import urlsplit

from picows import WSCloseCode, WSError, WSFrame, WSHandshakeError, WSListener, WSMsgType, WSTransport, ws_connect
from python_socks import ProxyError

from services.collector import actions
from services.collector.access import family_first
from services.collector.desk import Desk
from services.collector.messages import (
    Ack,
    Answer,
    BookDelta,
    BookSnapshot,
    Closing,
    Control,
    Message,
    Pong,
    Refused,
    Rows,
)
from services.collector.plan import Slot, Topic
from services.collector.pulse import Pulse
from services.collector.sentences import TURNED_AWAY
from services.collector.session import Session
from services.collector.slices import Slices
from services.collector.venue import Decode, Quick
from shared.events import STREAM, Quote

MESSAGE_BYTES_MAX: Final = 16 << 20
#: frames decoded together: more would leave the processor's caches before they are packed
AT_ONCE: Final = 64
#: RFC 6455 5.5
CONTROL_BYTES_MAX: Final = 125
#: the kernel doubles it: 1 MB/s a connection over a round trip of a quarter of a second
RECEIVE_BYTES: Final = 128 << 10
HANDSHAKE_S: Final = 10.0
#: every n-th frame's delay is noted
LAG_EVERY: Final = 16
#: a close frame that the other side does not answer is not waited for longer
CLOSE_S: Final = 2.0

_TEXT: Final = WSMsgType.TEXT
_BINARY: Final = WSMsgType.BINARY
_CLOSE: Final = WSMsgType.CLOSE
_PING: Final = WSMsgType.PING
_PONG: Final = WSMsgType.PONG
_DATA: Final[dict[type, str]] = {**STREAM, BookSnapshot: "book", BookDelta: "book"}
_generations = count(1)
NOTHING_CARRIED: Final[Mapping[str, str]] = MappingProxyType({})


class Unreachable(Exception):
    """A socket that could not be opened: a sentence for a person, and the HTTP status where there was one."""

    def __init__(self, sentence: str, status: int | None = None) -> None:
        super().__init__(sentence)
        self.status = status


class Owner(Protocol):
    """What the connections of a venue share."""

    desk: Desk
    lags: deque[int]
    pulse: Pulse

    @property
    def tap(self) -> object:
        """Not None where raw frames are wanted before decoding (captures)."""

    def received(self, connection: "Connection", frame: bytes, recv: int) -> None:
        """A raw frame, where there is a tap."""

    def control(self, connection: "Connection", message: Control, frame: bytes, recv: int) -> None:
        """A message that is neither an event nor about a subscription."""

    def refused(self, connection: "Connection", topic: Topic, reason: str) -> None:
        """A topic that the venue refuses."""

    def counted(self, connection: "Connection", what: actions.Count) -> None:
        """Something worth counting."""


class Connection(WSListener):
    """One socket, from its opening to its end."""

    def __init__(self, slot: Slot, session: Session, decode: Decode, quick: Quick, owner: Owner) -> None:
        loop = asyncio.get_running_loop()
        self.slot, self.session = slot, session
        self.generation = next(_generations)
        self.closed: asyncio.Future[str] = loop.create_future()
        self.rollover: asyncio.Future[str] = loop.create_future()
        self.proven: asyncio.Future[None] = loop.create_future()
        self.frames = self.last_ns = self.opened_ns = 0
        #: data was received
        self.good = False
        self._decode, self._quick, self._owner, self._take = decode, quick, owner, owner.desk.take
        self._pulse, self._tapped, self._loop = owner.pulse, owner.tap is not None, loop
        self._transport: WSTransport | None = None
        #: of the read under way
        self._payloads: list[bytes] = []
        self._parts: list[bytes] = []
        self._slices = Slices(self._some_rows, loop.call_soon)
        self._lag_at = 0
        self._reason = ""
        self._timer: asyncio.TimerHandle | None = None

    # ---- the library's callbacks

    def on_ws_connected(self, transport: WSTransport) -> None:
        self._transport = transport
        _bound(transport)
        self.opened_ns = self.last_ns = now = time_ns()
        self._carry_out(self.session.opened(now))
        self._again()

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        payloads = self._payloads
        if not payloads:
            self.last_ns = time_ns()
        # Asking for a frame's type costs as much as a third of its decoding: what is longer than a control frame may
        # be, whole and not the end of a divided message is a message.
        if frame.payload_size > CONTROL_BYTES_MAX and frame.fin and not self._parts:
            payloads.append(frame.get_payload_as_bytes())
        else:
            self._unusual(transport, frame)
        if frame.last_in_buffer:
            self._work_off()

    def on_ws_disconnected(self, transport: WSTransport) -> None:
        self._work_off()
        self._slices.finish()
        if self._timer is not None:
            self._timer.cancel()
        reason = self._reason or _reason(transport)
        if not self.closed.done():
            self.closed.set_result(reason)
            self._carry_out(self.session.closed(time_ns(), reason))

    # ---- frames

    def _work_off(self) -> None:
        """Decode and publish what one read of the socket brought."""
        payloads, recv = self._payloads, self.last_ns
        if not payloads:
            return
        self._payloads = []
        if recv > self._pulse.deadline and self._pulse.late(recv):
            return
        self.frames += len(payloads)
        session = self.session
        if session.stale:
            self._carry_out(session.frame(recv))
        if self._tapped or session.expecting or not self.good:
            for payload in payloads:
                self._carefully(payload, recv)
            return
        for at in range(0, len(payloads), AT_ONCE):
            events, left = self._quick(payloads[at : at + AT_ONCE], recv)
            self._take(self, events)
            if left:
                self._one_by_one(left, recv)
        if self.frames >= self._lag_at and events:
            self._note_lag(events[-1], recv)

    def _one_by_one(self, payloads: Sequence[bytes], recv: int) -> None:
        decode = self._decode
        made = [decode(payload, recv) for payload in payloads]
        controls = self._take(self, chain.from_iterable(made))
        if controls:
            self._controls(controls, payloads, made, recv)
        if self.frames >= self._lag_at and made[-1]:
            self._note_lag(made[-1][0], recv)

    def _carefully(self, payload: bytes, recv: int) -> None:
        """One frame while topics still have to prove themselves, or somebody wants to see every frame."""
        if self._tapped:
            self._owner.received(self, payload, recv)
        messages = self._decode(payload, recv)
        if messages and isinstance(messages[0], Rows):
            messages = list(messages[0].messages)
        if self.session.expecting or not self.good:
            self._proof(messages)
        controls = self._take(self, messages)
        if controls:
            self._controls(controls, (payload,), (messages,), recv)

    def _note_lag(self, message: Message, recv: int) -> None:
        self._lag_at = self.frames + LAG_EVERY
        if isinstance(message, Quote) and message.ts is not None:
            self._owner.lags.append(recv - message.ts)

    def _proof(self, messages: list[Message]) -> None:
        """First data proves topics, and the connection."""
        for message in messages:
            kind = _DATA.get(type(message))
            if kind is not None:
                self.good = True
                self.session.data(kind, message.symbol)  # type: ignore[union-attr, arg-type]
        self._proven()

    def _controls(
        self, controls: list[Control], payloads: Sequence[bytes], made: Sequence[list[Message]], recv: int
    ) -> None:
        """Each goes with the frame that it came in; both are in order."""
        sources = ((message, payload) for payload, messages in zip(payloads, made, strict=True) for message in messages)
        for message in controls:
            payload = next(payload for found, payload in sources if found is message)
            if isinstance(message, Ack | Answer | Refused | Closing):
                self._carry_out(self.session.control(message, recv))
                self._proven()
            elif isinstance(message, Rows):
                self._slices.add(payload, message.messages)
            elif not isinstance(message, Pong):
                self._owner.control(self, message, payload, recv)

    def _some_rows(self, payload: bytes, messages: Iterable[Message]) -> None:
        now = time_ns()
        if now > self._pulse.deadline and self._pulse.late(now):
            return
        for message in self._take(self, messages):
            self._owner.control(self, message, payload, now)

    def _proven(self) -> None:
        if not self.proven.done() and self.session.proven:
            self.proven.set_result(None)

    def _unusual(self, transport: WSTransport, frame: WSFrame) -> None:
        """Short messages, pings, pongs, closes and the parts of a divided message."""
        kind = frame.msg_type
        if (kind is _TEXT or kind is _BINARY) and frame.fin:
            self._payloads.append(frame.get_payload_as_bytes())
            return
        if kind is _CLOSE:
            self._work_off()
            self._reason = self._reason or f"closed by the venue: {frame.get_close_code()} {frame.get_close_reason()}"
            transport.send_close(WSCloseCode.OK)
            transport.disconnect()
            return
        if self.session.stale:
            self._carry_out(self.session.frame(self.last_ns))
        if kind is _PING:
            transport.send_pong(frame.get_payload_as_bytes())
        elif kind is not _PONG:
            self._part(frame)

    def _part(self, frame: WSFrame) -> None:
        self._parts.append(frame.get_payload_as_bytes())
        if sum(map(len, self._parts)) > MESSAGE_BYTES_MAX:
            self.close("a message larger than 16 MB")
        elif frame.fin:
            self._payloads.append(b"".join(self._parts))
            self._parts = []

    # ---- what the session asks for

    def want(self, topics: tuple[Topic, ...]) -> None:
        self.session.want(topics)
        self._again(0.0)

    def close(self, reason: str) -> None:
        """End it; `closed` follows within two seconds."""
        if self._transport is None or self.closed.done():
            return
        self._reason = self._reason or reason
        self._transport.send_close(WSCloseCode.OK)
        self._transport.disconnect()
        self._loop.call_later(CLOSE_S, self._abort)

    async def finished(self) -> None:
        """Return once the socket is gone. Raises what our own code raised in a callback: a fault of ours must show."""
        if self._transport is not None:
            with suppress(WSError, OSError):
                await self._transport.wait_disconnected()

    def _abort(self) -> None:
        if self._transport is not None and not self.closed.done():
            self._transport.disconnect(False)

    def _again(self, delay: float | None = None) -> None:
        if self._timer is not None:
            self._timer.cancel()
        wait = self.session.due(time_ns()) if delay is None else delay
        self._timer = self._loop.call_later(wait, self._tick)

    def _tick(self) -> None:
        if self.closed.done():
            return
        self._carry_out(self.session.tick(time_ns(), self.last_ns))
        self._proven()
        self._again()

    def _carry_out(self, wanted: list[actions.Action]) -> None:
        transport = self._transport
        for action in wanted:
            match action:
                case actions.Publish(topics, state, reason):
                    self._owner.desk.state(self, topics, state, reason, time_ns())
                case actions.Quarantine(topic, reason):
                    self._owner.refused(self, topic, reason)
                case actions.Count():
                    self._owner.counted(self, action)
                case actions.Rollover(reason) if not self.rollover.done():
                    self.rollover.set_result(reason)
                case actions.Reconnect(reason):
                    self.close(reason)
                case actions.Send(frame) if transport is not None and not self.closed.done():
                    transport.send(_TEXT, frame)
                case actions.Ping(frame) if transport is not None and not self.closed.done():
                    self._ping(transport, frame)

    @staticmethod
    def _ping(transport: WSTransport, frame: bytes | None) -> None:
        if frame is None:
            transport.send_ping(b"")
        else:
            transport.send(_TEXT, frame)


def _bound(transport: WSTransport) -> None:
    """A bounded receive buffer: one turn of the loop reads all that lies there, and must stay short under a flood.

    What does not fit waits on the exchange's side. The default grows to megabytes: turns of 50,000 frames were seen,
    in which nothing was flushed and no lease renewed.
    """
    found = transport.underlying_transport.get_extra_info("socket")
    if found is not None:
        found.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BYTES)


def _reason(transport: WSTransport) -> str:
    handshake = transport.close_handshake
    if handshake is not None and handshake.recv is not None:
        return f"closed by the venue: {handshake.recv.code} {handshake.recv.reason}"
    return "connection lost"


async def dial(
    make: Callable[[], Connection],
    url: str,
    *,
    proxy: str | None = None,
    tls: ssl.SSLContext | None = None,
    headers: Mapping[str, str] = NOTHING_CARRIED,
    ipv4_first: bool = False,
) -> Connection:
    """Open one socket, whose handshake carries the headers. Raises `Unreachable`."""
    where = urlsplit(url)
    options = await family_first(where.hostname or "", where.port or 0) if ipv4_first and proxy is None else {}
    try:
        async with asyncio.timeout(2 * HANDSHAKE_S):
            _, connection = await ws_connect(
                make,
                url,
                ssl_context=tls,
                websocket_handshake_timeout=HANDSHAKE_S,
                enable_auto_pong=False,  # pings are proof of life: the connection wants to see them
                max_frame_size=MESSAGE_BYTES_MAX,
                extra_headers={"User-Agent": "parallax", **headers},
                proxy=proxy,
                max_redirects=0,
                **options,
            )
    except WSHandshakeError as error:
        status = error.response.status if error.response is not None else None
        raise Unreachable(_sentence(int(status) if status is not None else None, str(error)), status) from error
    except (OSError, WSError, ProxyError, TimeoutError) as error:
        raise Unreachable(f"cannot connect: {str(error) or type(error).__name__}") from error
    if not isinstance(connection, Connection):  # the library's word for a peer that hung up instead of answering
        raise Unreachable("cannot connect: hung up during the handshake")
    return connection


def _sentence(status: int | None, error: str) -> str:
    if status is None:
        return f"no WebSocket: {error}"
    return TURNED_AWAY.get(status, f"HTTP {status} instead of a WebSocket.")
