"""Paradex as a client meets it: the schema in the address, JSON-RPC requests, binary data, protocol pings.

The rules, as of 2026:
1. `/v1?sbeSchemaId=1&sbeSchemaVersion=0|1`; another schema, another version or none is answered with HTTP 400.
2. 20 connections a second and 600 a minute for an address.
3. A request names one channel and has an id, which its answer repeats. A channel that does not exist is refused
   (-32600, `invalid channel`), so is one that stands already, and unsubscribing from one that does not.
4. The exchange pings each 55 s; without a pong within 5 s it hangs up.
5. A book: a snapshot, then changes, numbered from it by one. Best bids and offers come as they change.
6. An order book's channel that names another depth, pace or tick than there is says nothing.
"""

import re
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random
from typing import Final

import msgspec

from services.simulator import wire
from services.simulator.book import Picture, changes, picture
from services.simulator.exchange import World
from services.simulator.hub import Socket, Topic
from services.simulator.listing import Listed
from services.simulator.paradex import frames
from services.simulator.paradex.rest import Bodies
from services.simulator.wire import Reply, Request, json_reply

REST: Final = frozenset({"api.prod.paradex.trade"})
SOCKET: Final = "ws.api.prod.paradex.trade"
HOSTS: Final = REST | {SOCKET}
VERSIONS: Final = ("0", "1")
#: channel, market and what follows it; `deltas` and the snapshots are two channels of one market
CHANNEL: Final = re.compile(r"(bbo|trades|order_book|markets_summary|funding_data)(?:\.([^.]+))?(?:\.(.+))?")
#: what exists and is silent here: books with retail liquidity, rivals' rates, changed listings
SILENT: Final = re.compile(
    r"(?:bbo\.[^.]+\.interactive|order_book\.[^.]+\..*interactive.*|funding_rate_comparison\.ALL@\d+ms|markets)"
)
SNAPSHOTS: Final = re.compile(r"snapshot@15@(?:50|100)ms")
WITHOUT_MARKET: Final = frozenset({"markets_summary", "funding_data"})
PERPS_ONLY: Final = frozenset({"funding_data"})
SNAPSHOT_LEVELS: Final = 15


class Params(msgspec.Struct):
    channel: str = ""


class Command(msgspec.Struct):
    """A client's request."""

    method: str
    jsonrpc: str = ""
    params: Params | None = None
    id: int | None = None


@dataclass(slots=True)
class Numbered:
    """The book that a channel's followers have, and its number."""

    picture: Picture
    seq: int


class Paradex:
    """The public side of the exchange."""

    name = "paradex"

    def __init__(self, world: World) -> None:
        self.feed, self.market, self.rules = world.feed, world.market, world.options.rules
        self._levels = world.options.levels
        self._rows = list(world.rows)
        self._by_id = {row.native: row for row in self._rows}
        self._bodies = Bodies(self._rows, self.market, self._levels, self.rules)
        self._attempts: deque[float] = deque()
        self._rng = Random(world.options.seed + 2)
        self.paces: Sequence[tuple[float, Callable[[float], None]]] = (
            (0.1, self._ten_times_a_second),
            (1.0, self._every_second),
            (5.0, self._rates),
        )

    # -- REST and handshakes ---------------------------------------------------------------------------------------

    def answer(self, request: Request, t: float) -> Reply:
        if request.host not in REST:
            return Reply(b"{}", 404)
        return self._bodies.answer(request.path, request.query, t)

    def accept(self, request: Request, t: float) -> str | Reply:
        """Rules 1 and 2."""
        while self._attempts and self._attempts[0] <= t - 60.0:
            self._attempts.popleft()
        self._attempts.append(t)
        second = sum(at > t - 1.0 for at in self._attempts)
        if self.rules.enforce_connects and (
            second > self.rules.of("paradex.connects_per_s", 20.0)
            or len(self._attempts) > self.rules.of("paradex.connects_per_minute", 600.0)
        ):
            return json_reply({"error": "RATE_LIMIT_EXCEEDED", "message": "too many connections"}, 429)
        if request.host != SOCKET or request.path != "/v1":
            return Reply(b"{}", 404)
        schema, version = request.query.get("sbeSchemaId"), request.query.get("sbeSchemaVersion")
        if schema != "1" or version not in VERSIONS:
            return json_reply({"error": "INVALID_REQUEST_PARAMETER", "message": "unsupported SBE schema"}, 400)
        return "public"

    def opened(self, socket: Socket, request: Request, t: float) -> None:
        """Nothing to do: everything is asked for by requests."""

    # -- requests --------------------------------------------------------------------------------------------------

    def received(self, socket: Socket, text: str, t: float) -> None:
        """Rule 3."""
        try:
            command = msgspec.json.decode(text, type=Command)
        except msgspec.DecodeError:
            self._refuse(socket, None, -32700, "parse error", None, t)
            return
        channel = command.params.channel if command.params is not None else ""
        match command.method:
            case "subscribe":
                self._subscribe(socket, channel, command.id, t)
            case "unsubscribe":
                self._unsubscribe(socket, channel, command.id, t)
            case _:
                self._refuse(socket, command.id, -32601, "method does not exist", None, t)

    def _subscribe(self, socket: Socket, channel: str, number: int | None, t: float) -> None:
        key = f"{SOCKET}/{channel}"
        text = "invalid subscribe request"
        if self.feed.struck("refuse_topic", lambda event: wire.glob(event.topic, key, channel)) is not None:
            self._refuse(socket, number, -32600, text, "invalid channel", t)
        elif key in socket.topics or channel in socket.silent:
            self._refuse(socket, number, -32600, text, "channel already subscribed", t)
        elif SILENT.fullmatch(channel):
            socket.silent.add(channel)
            self._accept(socket, number, channel, t)
        elif (found := self._found(channel)) is None:
            self._refuse(socket, number, -32600, text, "invalid channel", t)
        else:
            kind, row = found
            self._accept(socket, number, channel, t)
            if kind:
                topic = self.feed.follow(socket, key, channel, kind, row, opcode=wire.BINARY)
                self._greet(socket, topic, t)
            else:
                socket.silent.add(channel)

    def _found(self, channel: str) -> tuple[str, Listed | None] | None:
        """What a channel is of: its kind, empty where it will say nothing (rule 6), and its market."""
        parts = CHANNEL.fullmatch(channel)
        if parts is None:
            return None
        kind, name, rest = parts[1], parts[2], parts[3]
        if name is None or (kind == "trades" and name == "ALL"):
            return (kind, None) if rest is None and (name is not None or kind in WITHOUT_MARKET) else None
        row = self._by_id.get(name)
        if row is None or row.status == "unlisted" or (kind in PERPS_ONLY and row.market == "spot"):
            return None
        if kind != "order_book":
            return (kind, row) if rest is None else None
        if rest == "deltas":
            return kind, row
        if rest is None or not rest.startswith("snapshot@"):
            return None
        return ("snapshots" if SNAPSHOTS.fullmatch(rest) else ""), row

    def _unsubscribe(self, socket: Socket, channel: str, number: int | None, t: float) -> None:
        key = f"{SOCKET}/{channel}"
        if key not in socket.topics and channel not in socket.silent:
            self._refuse(socket, number, -32600, "invalid unsubscribe request", "channel not subscribed", t)
            return
        socket.silent.discard(channel)
        self.feed.leave(socket, key)
        self._accept(socket, number, channel, t)

    def _accept(self, socket: Socket, number: int | None, channel: str, t: float) -> None:
        result: dict[str, object] = {"jsonrpc": "2.0", "result": {"channel": channel}, **times(t), "id": number}
        self.feed.acknowledge(socket, [msgspec.json.encode(result)])

    def _refuse(self, socket: Socket, number: int | None, code: int, text: str, data: str | None, t: float) -> None:
        error: dict[str, object] = {"code": code, "message": text} | ({} if data is None else {"data": data})
        self.feed.acknowledge(
            socket, [msgspec.json.encode({"jsonrpc": "2.0", "id": number, "error": error, **times(t)})]
        )

    def control(self, socket: Socket, t: float) -> None:
        socket.ponged = t

    def watch(self, socket: Socket, t: float) -> None:
        """Rule 4."""
        if socket.ponged < socket.pinged and t - socket.pinged >= self.rules.of("paradex.pong_s", 5.0):
            socket.close(1000, "pong timeout")
        elif t - socket.pinged >= self.rules.of("paradex.ping_s", 55.0):
            socket.pinged = t
            socket.say(b"", wire.PING)

    def goodbye(self, socket: Socket, t: float) -> None:
        """It says nothing before it closes."""

    # -- what is sent ----------------------------------------------------------------------------------------------

    def _greet(self, socket: Socket, topic: Topic, t: float) -> None:
        """The current state, to the newcomer alone."""
        row = topic.row
        if self.feed.frozen or row is None or row.status != "trading":
            return
        match topic.channel:
            case "bbo":
                socket.greet(topic, frames.bbo(row, row.u, row.ms * 1000))
            case "order_book":
                state = topic.state
                if not isinstance(state, Numbered):
                    state = topic.state = Numbered(picture(row, self._levels), row.u)
                now = state.picture
                socket.greet(topic, frames.book(row, frames.SNAPSHOT, state.seq, now.bids, now.asks, now.ms))
            case "markets_summary":
                socket.greet(topic, frames.summary(row, self.market, t))
            case "funding_data":
                socket.greet(topic, frames.funding(row, self.market, t))

    def quoted(self, row: Listed, t: float) -> None:
        topic = row.topics.get("bbo")
        if topic is not None:
            self.feed.publish(topic, frames.bbo(row, row.u, row.ms * 1000))

    def traded(self, row: Listed, buys: bool, t: float) -> None:
        self._print(row, frames.trade(row, row.trade_id, int(t * 1e6), buys=buys))

    def _print(self, row: Listed, payload: bytes) -> None:
        for topic in (row.topics.get("trades"), self.feed.topics.get(f"{SOCKET}/trades.ALL")):
            if topic is not None and topic.followed:
                self.feed.publish(topic, payload)

    def changed(self, row: Listed, t: float) -> None:
        """It says nothing: the listing over REST does."""

    def _ten_times_a_second(self, t: float) -> None:
        """Rule 5."""
        for topic in self.feed.followed("order_book"):
            if topic.row is not None:
                self._change(topic, topic.row)
        for topic in self.feed.followed("snapshots"):
            row, state = topic.row, topic.state
            if row is not None and row.status == "trading" and state != row.u:
                topic.state, now = row.u, picture(row, SNAPSHOT_LEVELS)
                self.feed.publish(topic, frames.book(row, frames.SNAPSHOT, now.u, now.bids, now.asks, now.ms))

    def _change(self, topic: Topic, row: Listed) -> None:
        state = topic.state
        if not isinstance(state, Numbered) or state.picture.u == row.u:
            return
        last, now = state.picture, picture(row, self._levels)
        state.picture, state.seq = now, state.seq + 1
        bids, asks = changes(last.bids, now.bids), changes(last.asks, now.asks)
        self.feed.publish(topic, frames.book(row, frames.DELTA, state.seq, bids, asks, now.ms))

    def _each(self, channel: str, render: Callable[[Listed], bytes]) -> None:
        """A channel of single markets, and that of all of them."""
        for topic in self.feed.followed(channel):
            rows = [topic.row] if topic.row is not None else [row for row in self._rows if row.market != "dated"]
            for row in rows:
                if row.status == "trading" and (row.market == "perp" or channel not in PERPS_ONLY):
                    self.feed.publish(topic, render(row))

    def _every_second(self, t: float) -> None:
        self._each("markets_summary", lambda row: frames.summary(row, self.market, t))
        perps = [row for row in self._rows if row.market == "perp" and row.status == "trading"][:60]
        if perps and self._rng.random() < 0.3:
            self._force(self._rng.choice(perps), t)

    def _force(self, row: Listed, t: float) -> None:
        """A position is liquidated against the book."""
        row.trade_id += 1
        buys = self._rng.random() < 0.5
        row.last = row.ask if buys else row.bid
        lots = max(1, row.bid_size // 10)
        self._print(row, frames.trade(row, row.trade_id, int(t * 1e6), buys=buys, kind=frames.LIQUIDATION, lots=lots))

    def _rates(self, t: float) -> None:
        self._each("funding_data", lambda row: frames.funding(row, self.market, t))

    # -- blasts ----------------------------------------------------------------------------------------------------

    def blasts(self, socket: Socket) -> Sequence[tuple[str, Listed]]:
        return [
            (t.channel, t.row) for t in socket.topics.values() if t.row is not None and t.channel in ("bbo", "trades")
        ]

    def blast(self, channel: str, row: Listed, u: str, ms: str) -> bytes:
        us = int(ms) * 1000
        return frames.bbo(row, int(u), us) if channel == "bbo" else frames.trade(row, int(u), us, buys=True)


def times(t: float) -> dict[str, int]:
    """When a request came, when its answer left, and what lay between, in microseconds."""
    us = int(t * 1e6)
    return {"usIn": us, "usDiff": 129, "usOut": us + 129}
