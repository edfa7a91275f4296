"""The push socket: hello, heartbeat, and subscriptions to board, asset, signals and health (shapes: docs and api).

JSON by default, msgpack by the subprotocol `parallax.msgpack.v1` (there the digits of prices travel as text). Every
client has one bounded outbox. A client that reads slowly gets the latest of each row and is told how many changes
it was spared (`conflated`); one that does not read is closed with 1013.
"""

import asyncio
import time
from typing import Any, Final

import msgspec
from starlette.websockets import WebSocket

from services.api.errors import ApiError, invalid
from services.api.feed import Encoding, Subscription, encode
from services.api.hub import Hub, HubFull
from services.api.outbox import Frame, Outbox
from services.api.reading import convert
from services.api.sockets import live, receive, send_all
from services.api.sources import PARAMS, Params, check, unknown_channel
from services.api.state import LiveState
from shared import decoding

_json: Final = decoding.json()
_packed: Final = decoding.msgpack()
SUBPROTOCOL: Final = "parallax.msgpack.v1"
MAX_SUBSCRIPTIONS: Final = 64
MAX_MESSAGE: Final = 65_536
HEARTBEAT_S: Final = 1.0
OPS: Final = ("subscribe", "unsubscribe", "resume", "ping")


class Request(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a client says."""

    op: str
    id: int | str | None = None
    channel: str | None = None
    params: dict[str, Any] = {}
    seq: int | None = None


class PushServer:
    """Every open push socket, and the heartbeat that they share."""

    def __init__(self, state: LiveState, hub: Hub, version: str) -> None:
        self.state, self.hub, self._version = state, hub, version
        self.clients: set[Client] = set()

    async def serve(self, socket: WebSocket) -> None:
        """One client from its upgrade to its end."""
        packed = SUBPROTOCOL in socket.scope["subprotocols"]
        await socket.accept(SUBPROTOCOL if packed else None)
        client = Client(self, "msgpack" if packed else "json")
        self.clients.add(client)
        client.say({"type": "hello", "version": self._version, **self.clock(), "mode": self.state.mode})
        try:
            await live(socket, client.read(socket), send_all(socket, client.outbox, client.catch_up))
        finally:
            self.clients.discard(client)
            client.leave_all()

    def clock(self) -> dict[str, Any]:
        return {"server_time_ms": time.time_ns() // 1_000_000, "state": self.state.feed}

    async def heartbeats(self) -> None:
        """Once a second to everyone, so that quiet is told from dead."""
        while True:
            await asyncio.sleep(HEARTBEAT_S)
            beat = {"type": "heartbeat", **self.clock()}
            frames: dict[Encoding, Frame] = {kind: framed(beat, kind) for kind in ("json", "msgpack")}
            for client in tuple(self.clients):
                client.outbox.offer(frames[client.encoding])


def framed(message: dict[str, Any], encoding: Encoding) -> Frame:
    data = encode(message, encoding)
    return data.decode() if encoding == "json" else data


class Client:
    """One push socket's subscriptions."""

    def __init__(self, server: PushServer, encoding: Encoding) -> None:
        self._server, self.encoding = server, encoding
        self.outbox = Outbox()
        self._subscriptions: dict[int | str | None, Subscription] = {}

    def say(self, message: dict[str, Any]) -> None:
        self.outbox.answer(framed(message, self.encoding))

    def offer(self, message: dict[str, Any]) -> bool:
        return self.outbox.offer(framed(message, self.encoding))

    def catch_up(self) -> None:
        """Called after each frame that went out: what was passed over for want of room goes now."""
        for subscription in tuple(self._subscriptions.values()):
            if self.outbox.full():
                return
            subscription.catch_up()

    def leave_all(self) -> None:
        for subscription in self._subscriptions.values():
            self._server.hub.leave(subscription)
        self._subscriptions.clear()

    async def read(self, socket: WebSocket) -> None:
        while (message := await receive(socket)) is not None:
            # Answers are never dropped: a client that does not take them is not heard either.
            await self.outbox.room()
            self._answer(message)

    def _answer(self, message: Frame) -> None:
        found: Any = None
        try:
            found = self._decode(message)
            request = convert(found, Request)
            self._do(request)
        except ApiError as error:
            name = found.get("id") if isinstance(found, dict) else None
            self.say({"id": name if isinstance(name, int | str) else None, "type": "error", **error.body()})

    def _decode(self, message: Frame) -> Any:
        if len(message) > MAX_MESSAGE:
            raise invalid("message", f"{len(message)} long", f"at most {MAX_MESSAGE}", code="too_large")
        try:
            return (_json if isinstance(message, str) else _packed).decode(message)
        except msgspec.DecodeError:
            form = "JSON" if isinstance(message, str) else "msgpack"
            raise invalid("message", shown(message), form, code=f"invalid_{form.lower()}") from None

    def _do(self, request: Request) -> None:
        if isinstance(request.id, str) and len(request.id) > 128:
            raise invalid("id", request.id, "a number, or text of at most 128 characters")
        match request.op:
            case "ping":
                self.say({"id": request.id, "type": "pong", **self._server.clock()})
            case "subscribe":
                self._subscribe(request)
            case "unsubscribe":
                self._leave(request.id)
                self.say({"id": request.id, "type": "unsubscribed"})
            case "resume":
                self._resume(request)
            case _:
                raise invalid("op", request.op, "one of " + ", ".join(OPS), code="unknown_op")

    def _subscribe(self, request: Request) -> None:
        if request.channel not in PARAMS:
            raise unknown_channel(request.channel)
        asked: Params = convert(request.params, PARAMS[request.channel], "params")
        params = check(request.channel, asked, self._server.state)
        if request.id not in self._subscriptions and len(self._subscriptions) >= MAX_SUBSCRIPTIONS:
            raise invalid("id", request.id, f"at most {MAX_SUBSCRIPTIONS} subscriptions", code="too_many")
        self._leave(request.id)
        try:
            subscription = self._server.hub.subscribe(request.id, params, self.encoding, self.offer)
        except HubFull:
            raise invalid("params", None, "fewer different views; the server is full", code="too_many") from None
        self._subscriptions[request.id] = subscription
        subscription.snapshot()

    def _leave(self, name: int | str | None) -> None:
        subscription = self._subscriptions.pop(name, None)
        if subscription is not None:
            self._server.hub.leave(subscription)

    def _resume(self, request: Request) -> None:
        """Nothing is missing: say so. Something is, or this is a new socket: the whole picture anew."""
        subscription = self._subscriptions.get(request.id)
        if subscription is None:
            if request.channel is None:
                raise invalid(
                    "id",
                    request.id,
                    "a subscription of this socket, or channel and params to open it anew",
                    code="unknown_subscription",
                )
            self._subscribe(request)
        elif request.seq == subscription.seq:
            self.say({"id": request.id, "type": "resumed", "seq": subscription.seq})
        else:
            subscription.snapshot()


def shown(message: Frame) -> str:
    return message if isinstance(message, str) else f"{len(message)} bytes"
