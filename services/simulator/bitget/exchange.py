"""Bitget as a client meets it: hosts, paths, subscriptions, limits, text pings.

The rules, as of 2026:
1. `/v2/ws/public` and `/v3/ws/public`; at most 300 connection attempts in 5 minutes and 100 connections.
2. One acknowledgement per argument; an unknown channel or instrument is refused with 30001, the others stand.
3. At most 10 messages a second, pings included, 240 requests an hour, 1,000 topics; above it 30007 and the end.
4. Text `ping` is answered by text `pong`; two minutes without one close the connection.
5. `books1`, `books5`, `books15` send pictures; `books` a snapshot (pseq 0), then changes whose pseq is the last seq.
   v3's changes carry a checksum.
6. A topic of trades begins with the last ones there were (`snapshot`); pushes hold the newest first.
7. `ticker` sends everything each time, at most every 300 ms; where nothing moves, every 3 s (marks do).
8. `liquidation` (v3) is followed for a whole product: what happened, once a second.
"""

from collections import deque
from collections.abc import Callable, Sequence
from random import Random

import msgspec

from services.simulator import wire
from services.simulator.bitget import frames
from services.simulator.bitget.rest import Bodies
from services.simulator.book import Picture, changes, picture
from services.simulator.exchange import World
from services.simulator.hub import Socket, Topic
from services.simulator.listing import Listed
from services.simulator.wire import Reply, Request

API = "api.bitget.com"
STREAM = "ws.bitget.com"
HOSTS = frozenset({API, STREAM})
PATHS = {"/v2/ws/public": "v2", "/v3/ws/public": "v3"}
PICTURES = {"books5": 5, "books15": 15}
#: the channels of an instrument, v3's under a name of their own so that both versions of one can be followed
CLASSIC = frozenset({"books1", "books", "books5", "books15", "ticker", "trade"})
UNIFIED = frozenset({"books1", "books", "ticker", "publicTrade"})
LIQUIDATION = "liquidation"
BOOKS = frozenset({"books", "v3 books"})
TICKERS = ("ticker", "v3 ticker")
REFRESH_S = 3.0
KEPT = 5


class Command(msgspec.Struct):
    """A client's message."""

    op: str
    args: list[dict[str, str]] = []


class Bitget:
    """The public side of the exchange."""

    name = "bitget"

    def __init__(self, world: World) -> None:
        self.feed, self.market, self.rules = world.feed, world.market, world.options.rules
        self._levels = world.options.levels
        self._rows = {(frames.product(row), row.native): row for row in world.rows}
        self._bodies = Bodies(world.rows, self.market, self._levels, self.rules)
        self._attempts: deque[float] = deque()
        self._moved: set[Topic] = set()
        self._prints: dict[Listed, deque[frames.Print]] = {}
        self._rng = Random(world.options.seed + 1)
        self.paces: Sequence[tuple[float, Callable[[float], None]]] = (
            (0.1, self._books),
            (0.3, self._tickers),
            (1.0, self._forced),
            (REFRESH_S, self._refresh),
        )

    # -- REST and handshakes ---------------------------------------------------------------------------------------

    def answer(self, request: Request, t: float) -> Reply:
        if request.host != API:
            return Reply(b"{}", 404)
        return self._bodies.answer(request.path, request.query, t)

    def accept(self, request: Request, t: float) -> str | Reply:
        """Rule 1."""
        while self._attempts and self._attempts[0] <= t - 300.0:
            self._attempts.popleft()
        self._attempts.append(t)
        crowded = len(self.feed.sockets) >= self.rules.of("bitget.connections", 100)
        often = len(self._attempts) > self.rules.of("bitget.connects", 300)
        if (crowded or often) and self.rules.enforce_connects:
            return Reply(b'{"code":"429","msg":"Too Many Requests"}', 429)
        endpoint = PATHS.get(request.path) if request.host == STREAM else None
        return endpoint or Reply(b"{}", 404)

    def opened(self, socket: Socket, request: Request, t: float) -> None:
        """Nothing to do: everything is asked for by messages."""

    # -- messages --------------------------------------------------------------------------------------------------

    def received(self, socket: Socket, text: str, t: float) -> None:
        if not within(socket.messages, t, 1.0, self.rules.of("bitget.messages_per_s", 10)):
            self._over(socket)
            return
        if text == "ping":
            socket.pinged = t
            socket.say(b"pong")
            return
        try:
            command = msgspec.json.decode(text, type=Command)
        except msgspec.DecodeError:
            socket.say(error(socket, 30016, "Param error"))
            return
        if command.op not in ("subscribe", "unsubscribe") or not command.args:
            socket.say(error(socket, 30003, "INVALID op"))
        elif within(socket.requests, t, 3600.0, self.rules.of("bitget.requests_per_hour", 240)):
            self._obey(socket, command, t)
        else:
            self._over(socket)

    def _over(self, socket: Socket) -> None:
        """Rule 3."""
        socket.say(error(socket, 30007, "request over limit,connection close"))
        socket.close(1008, "request over limit")

    def _obey(self, socket: Socket, command: Command, t: float) -> None:
        """Rule 2."""
        answers: list[bytes] = []
        fresh: list[Topic] = []
        for arg in command.args:
            key = topic_key(socket.endpoint, arg)
            if command.op == "unsubscribe":
                self.feed.leave(socket, key)
            else:
                refusal = self._refusal(socket, arg, key)
                if refusal is not None:
                    answers.append(refusal)
                    continue
                fresh.append(self._follow(socket, arg, key))
            answer = {"event": command.op, "arg": arg}
            if socket.endpoint == "v3":
                answer["connId"] = f"{socket.number:08x}"
            answers.append(msgspec.json.encode(answer))
        self.feed.acknowledge(socket, answers)
        if len(socket.topics) > self.rules.of("bitget.topics", 1000):
            self._over(socket)
            return
        for topic in fresh:
            self._greet(socket, topic, t)

    def _refusal(self, socket: Socket, arg: dict[str, str], key: str) -> bytes | None:
        """The answer to an argument that is turned down."""
        event = self.feed.struck("refuse_topic", lambda e: wire.glob(e.topic, key))
        if event is None and self._exists(socket.endpoint, arg):
            return None
        named = ",".join(f"{name}:{value}" for name, value in arg.items())
        text = event.reason if event is not None and event.reason else f"{named} doesn't exist"
        code = int(event.code) if event is not None and event.code else 30001
        return error(socket, code, text, arg)

    def _exists(self, endpoint: str, arg: dict[str, str]) -> bool:
        channel = channel_of(endpoint, arg)
        if endpoint == "v3" and channel == LIQUIDATION:
            return arg.get("instType", "") in ("usdt-futures", "usdc-futures", "coin-futures")
        row = self._row(endpoint, arg)
        known = channel in (CLASSIC if endpoint == "v2" else UNIFIED)
        return known and row is not None and row.status in ("trading", "halted")

    def _row(self, endpoint: str, arg: dict[str, str]) -> Listed | None:
        """v2 writes products in capitals, v3 in small letters; the other way round they are none."""
        name, native = arg.get("instType", ""), arg.get("instId" if endpoint == "v2" else "symbol", "")
        if name != (name.upper() if endpoint == "v2" else name.lower()):
            return None
        return self._rows.get((name.upper(), native))

    def _follow(self, socket: Socket, arg: dict[str, str], key: str) -> Topic:
        channel, row = channel_of(socket.endpoint, arg), self._row(socket.endpoint, arg)
        name = channel if socket.endpoint == "v2" or channel == LIQUIDATION else f"v3 {channel}"
        return self.feed.follow(socket, key, row.native if row is not None else arg["instType"], name, row)

    def control(self, socket: Socket, t: float) -> None:
        """Protocol pings are not what is asked for (rule 4)."""

    def watch(self, socket: Socket, t: float) -> None:
        """Rule 4, and the end of a connection's life."""
        if t - socket.pinged >= self.rules.of("bitget.ping_s", 120.0):
            socket.close(1000, "no ping")
        elif self.rules.lifetime_s is not None and t - socket.opened >= self.rules.lifetime_s:
            socket.close(1000, "24 hours")

    def goodbye(self, socket: Socket, t: float) -> None:
        """It closes without a word."""

    # -- what is sent ----------------------------------------------------------------------------------------------

    def _greet(self, socket: Socket, topic: Topic, t: float) -> None:
        """The first frame of a topic comes at once and only to the newcomer."""
        if self.feed.frozen or topic.row is None:
            return
        payload = self._current(topic, topic.row, t)
        if payload is not None:
            socket.greet(topic, payload)

    def _current(self, topic: Topic, row: Listed, t: float) -> bytes | None:
        match topic.channel:
            case "books1":
                return frames.best(row)
            case "v3 books1":
                return frames.unified_best(row)
            case "ticker" | "v3 ticker":
                return self._ticker(topic, row, t)
            case "trade":
                return frames.trades(row, "snapshot", self._recent(row))
            case "v3 publicTrade":
                return frames.unified_trades(row, "snapshot", self._recent(row))
        return self._book(topic, row)

    def _recent(self, row: Listed) -> list[frames.Print]:
        """The last trades there were, newest first; at the start the one that set the last price."""
        return list(self._prints.get(row) or [frames.printed(row, True)])

    def _ticker(self, topic: Topic, row: Listed, t: float) -> bytes:
        ms = str(int(t * 1000))
        if topic.channel == "ticker":
            data = msgspec.json.encode(frames.ticker(row, self.market, t)).decode()
            return frames.push(row, "ticker", "snapshot", data, ms)
        data = msgspec.json.encode(frames.unified_ticker(row, self.market, t)).decode()
        return frames.unified(row, "ticker", "snapshot", data, ms)

    def _book(self, topic: Topic, row: Listed) -> bytes:
        """Rule 5: a newcomer gets the picture that the next change will follow."""
        state = topic.state
        if not isinstance(state, Picture):
            state = topic.state = picture(row, PICTURES.get(topic.channel, self._levels))
        if topic.channel == "v3 books":
            return frames.unified_book(row, "snapshot", state.bids, state.asks, state, 0)
        return frames.book(row, topic.channel, "snapshot", state.bids, state.asks, state, 0)

    def quoted(self, row: Listed, t: float) -> None:
        topics = row.topics
        if not topics:
            return
        topic = topics.get("books1")
        if topic is not None:
            self.feed.publish(topic, frames.best(row))
        topic = topics.get("v3 books1")
        if topic is not None:
            self.feed.publish(topic, frames.unified_best(row))
        for channel in TICKERS:
            topic = topics.get(channel)
            if topic is not None:
                self._moved.add(topic)

    def traded(self, row: Listed, buys: bool, t: float) -> None:
        made = frames.printed(row, buys)
        kept = self._prints.get(row)
        if kept is None:
            kept = self._prints[row] = deque(maxlen=KEPT)
        kept.appendleft(made)
        topic = row.topics.get("trade")
        if topic is not None:
            self.feed.publish(topic, frames.trades(row, "update", (made,)))
        topic = row.topics.get("v3 publicTrade")
        if topic is not None:
            self.feed.publish(topic, frames.unified_trades(row, "update", (made,)))

    def changed(self, row: Listed, t: float) -> None:
        """Nothing tells of a changed listing but the listing."""

    def _books(self, t: float) -> None:
        """Rule 5."""
        for channel in ("books", "v3 books", *PICTURES):
            for topic in self.feed.followed(channel):
                row, last = topic.row, topic.state
                if row is None or not isinstance(last, Picture) or last.u == row.u:
                    continue
                topic.state = state = picture(row, PICTURES.get(channel, self._levels))
                if channel in PICTURES:
                    self.feed.publish(topic, self._book(topic, row))
                    continue
                bids, asks = changes(last.bids, state.bids), changes(last.asks, state.asks)
                if channel == "books":
                    self.feed.publish(topic, frames.book(row, channel, "update", bids, asks, state, last.u))
                else:
                    self.feed.publish(topic, frames.unified_book(row, "update", bids, asks, state, last.u))

    def _tickers(self, t: float) -> None:
        """Rule 7."""
        moved, self._moved = self._moved, set()
        for topic in moved:
            if topic.row is not None and topic.followed and topic.row.status == "trading":
                self.feed.publish(topic, self._ticker(topic, topic.row, t))

    def _refresh(self, t: float) -> None:
        for channel in TICKERS:
            self._moved.update(self.feed.followed(channel))

    def _forced(self, t: float) -> None:
        """Rule 8."""
        for topic in self.feed.followed(LIQUIDATION):
            product = topic.name.upper()
            rows = [row for (name, _), row in self._rows.items() if name == product and row.status == "trading"]
            rows = [row for row in rows if row.market in ("perp", "inverse")][:60]
            if not rows or self._rng.random() > 0.3:
                continue
            row, side = self._rng.choice(rows), self._rng.choice(("buy", "sell"))
            forced = frames.liquidation(row, side, max(1, row.bid_size // 10), t)
            arg = {"instType": topic.name, "topic": LIQUIDATION}
            frame = {"data": [forced], "arg": arg, "action": "update", "ts": int(t * 1000)}
            self.feed.publish(topic, msgspec.json.encode(frame))

    # -- blasting --------------------------------------------------------------------------------------------------

    def blasts(self, socket: Socket) -> Sequence[tuple[str, Listed]]:
        topics = socket.topics.values()
        return [(t.channel, t.row) for t in topics if t.row is not None and t.channel in ("books1", "trade")]

    def blast(self, channel: str, row: Listed, u: str, ms: str) -> bytes:
        if channel == "trade":
            return frames.trades(row, "update", (frames.printed(row, bool(row.bid & 1), ms, u),))
        return frames.best(row, u, ms)


def within(stamps: deque[float], t: float, window: float, most: float) -> bool:
    """Notes something that happens now: whether so many in a window are allowed."""
    while stamps and stamps[0] <= t - window:
        stamps.popleft()
    stamps.append(t)
    return len(stamps) <= most


def channel_of(endpoint: str, arg: dict[str, str]) -> str:
    return arg.get("channel" if endpoint == "v2" else "topic", "")


def topic_key(endpoint: str, arg: dict[str, str]) -> str:
    native = arg.get("instId" if endpoint == "v2" else "symbol", "")
    return f"{STREAM}/{endpoint}/{channel_of(endpoint, arg)}:{arg.get('instType', '').upper()}:{native}"


def error(socket: Socket, code: int, text: str, arg: dict[str, str] | None = None) -> bytes:
    """v2's code is a number, v3's a text."""
    answer: dict[str, object] = {"event": "error", "code": code if socket.endpoint == "v2" else str(code), "msg": text}
    return msgspec.json.encode(answer if arg is None else {**answer, "arg": arg})
