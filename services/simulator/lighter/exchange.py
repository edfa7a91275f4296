"""Lighter as a client meets it: one host, `/api/v1/…` and `/stream`, subscriptions, limits, pings.

The rules, as of 2026:
1. A socket is greeted. Requests name a channel with a slash, one in each; frames name it with a colon.
2. The first frame of a subscription answers it and holds the newest state: the whole book, the last 50 trades.
3. Twice the same is refused (30003, with the channel), so is the end of none (30002, with the channel), and what is
   no channel or no market (30005, with nothing). The socket stays open.
4. An address may send 200 frames a minute; what is more is refused (30009) and not done. It may have 200 connections,
   80 new ones a minute; a connection 500 subscriptions (the code of that refusal is not documented).
5. A socket on which the client says nothing for two minutes is closed. With `server_pings=true` the exchange pings as
   well and closes where it gets no pong.
6. Books change each 50 ms at most; a change says the number that it goes on from.
7. Figures of all markets come each second, of those that moved.
"""

from collections import deque
from collections.abc import Callable, Sequence

import msgspec

from services.simulator import wire
from services.simulator.book import Picture, changes, picture
from services.simulator.exchange import World
from services.simulator.hub import Socket, Topic
from services.simulator.lighter import frames
from services.simulator.lighter.rest import Bodies
from services.simulator.listing import Listed
from services.simulator.wire import Reply, Request, json_reply

MAIN = "mainnet.zklighter.elliot.ai"
HOSTS = frozenset({MAIN, "testnet.zklighter.elliot.ai", "api.rh.lighter.xyz"})
OF_MARKETS = frozenset({"ticker", "order_book", "trade", "market_stats"})
OF_PAIRS = frozenset({"ticker", "order_book", "trade", "spot_market_stats"})
STATISTICS = frozenset({"market_stats", "spot_market_stats"})
#: statuses with a market to speak of
LIVE = frozenset({"trading", "halted", "pre"})
REPLAYED = 50
CLOSING_MS = 30_000
PONG = b'{"type":"pong"}'
PING = b'{"type":"ping"}'


class Command(msgspec.Struct):
    """A client's message."""

    type: str
    channel: str = ""


class Lighter:
    """The public side of the exchange."""

    name = "lighter"

    def __init__(self, world: World) -> None:
        self.feed, self.market, self.rules = world.feed, world.market, world.options.rules
        self._levels = world.options.levels
        self._rows = list(world.rows)
        self._by_id = {row.native: row for row in self._rows}
        self._prints: dict[Listed, deque[str]] = {}
        self._moved: set[Listed] = set()
        self._attempts: deque[float] = deque()
        self._messages: deque[float] = deque()
        self._pinging: set[Socket] = set()
        most = self.rules.of("lighter.requests", 60)
        self._bodies = Bodies(self._rows, self.market, most, lambda row: self._prints.get(row, ()))
        self.paces: Sequence[tuple[float, Callable[[float], None]]] = ((0.05, self._books), (1.0, self._figures))

    # -- REST and handshakes ---------------------------------------------------------------------------------------

    def answer(self, request: Request, t: float) -> Reply:
        return self._bodies.answer(request.path, request.query, t)

    def accept(self, request: Request, t: float) -> str | Reply:
        """Rule 4."""
        if request.path != "/stream":
            return json_reply({"code": 404, "message": "not found"}, 404)
        while self._attempts and self._attempts[0] <= t - 60.0:
            self._attempts.popleft()
        self._attempts.append(t)
        many = len(self._attempts) > self.rules.of("lighter.connects", 80)
        full = len(self.feed.sockets) >= self.rules.of("lighter.connections", 200)
        return Reply(b"{}", 429) if (many or full) and self.rules.enforce_connects else "stream"

    def opened(self, socket: Socket, request: Request, t: float) -> None:
        """Rules 1 and 5."""
        socket.say(msgspec.json.encode({"session_id": f"session-{socket.number}", "type": "connected"}))
        if request.query.get("server_pings") == "true":
            self._pinging.add(socket)

    # -- messages --------------------------------------------------------------------------------------------------

    def received(self, socket: Socket, text: str, t: float) -> None:
        if not self._in_budget(t):
            fail(socket, 30009, "Too Many Websocket Messages!")
            return
        try:
            command = msgspec.json.decode(text, type=Command)
        except (msgspec.DecodeError, UnicodeEncodeError):
            fail(socket, 30001, "Invalid Message")
            return
        match command.type:
            case "ping":
                socket.say(PONG)
            case "pong":
                socket.ponged = t
            case "subscribe":
                self._subscribe(socket, command.channel, t)
            case "unsubscribe":
                self._unsubscribe(socket, command.channel)
            case _:
                fail(socket, 30001, "Invalid Message")

    def _in_budget(self, t: float) -> bool:
        """Rule 4."""
        stamps = self._messages
        while stamps and stamps[0] <= t - 60.0:
            stamps.popleft()
        if len(stamps) >= self.rules.of("lighter.messages", 200):
            return False
        stamps.append(t)
        return True

    def _subscribe(self, socket: Socket, asked: str, t: float) -> None:
        """Rules 2 and 3."""
        channel, _, name = asked.partition("/")
        key, row = key_of(channel, name), self._by_id.get(name)
        if not self._known(channel, name, row):
            fail(
                socket, 30005, "Invalid Channel:  (marketId)" if channel in OF_MARKETS | OF_PAIRS else "Invalid Channel"
            )
        elif self.feed.struck("refuse_topic", lambda event: wire.glob(event.topic, key)) is not None:
            fail(socket, 30005, "Invalid Channel")
        elif key in socket.topics:
            fail(socket, 30003, f"Already Subscribed to : {channel}:{name}")
        elif len(socket.topics) >= self.rules.of("lighter.subscriptions", 500):
            fail(socket, 30004, "Too Many Subscriptions!")
        else:
            topic = self.feed.follow(socket, key, name, channel, row)
            self.feed.acknowledge(socket, [self._first(topic, t)])

    def _known(self, channel: str, name: str, row: Listed | None) -> bool:
        if name == "all":
            return channel in STATISTICS
        if row is None or row.status == "unlisted":
            return False
        return channel in (OF_PAIRS if row.market == "spot" else OF_MARKETS)

    def _unsubscribe(self, socket: Socket, asked: str) -> None:
        channel, _, name = asked.partition("/")
        key = key_of(channel, name)
        if key not in socket.topics:
            fail(socket, 30002, f"Not Subscribed to : {channel}:{name}")
            return
        self.feed.leave(socket, key)
        self.feed.acknowledge(socket, [msgspec.json.encode({"type": "unsubscribed", "channel": f"{channel}:{name}"})])

    def control(self, socket: Socket, t: float) -> None:
        """Protocol pings count as the client's words, which the server has noted already."""

    def watch(self, socket: Socket, t: float) -> None:
        """Rule 5."""
        if socket in self._pinging:
            every = self.rules.of("lighter.ping_s", 60.0)
            if t - socket.pinged >= every:
                if socket.ponged < socket.pinged - every:
                    socket.close(1000, "no pong")
                    return
                socket.pinged = t
                socket.say(PING)
        if t - socket.heard >= self.rules.of("lighter.silent_s", 120.0):
            socket.close(1000, "no message from the client")

    def goodbye(self, socket: Socket, t: float) -> None:
        socket.say(msgspec.json.encode({"type": "shutdown", "close_in_ms": CLOSING_MS}))

    # -- what is sent ----------------------------------------------------------------------------------------------

    def _first(self, topic: Topic, t: float) -> bytes:
        """Rule 2; nothing but the answer where there is nothing to tell."""
        row, channel = topic.row, topic.channel
        if row is None:
            return frames.statistics(channel, topic.name, self._all(channel, self._rows, t), t, "subscribed")
        if row.status not in LIVE or self.feed.frozen:
            return msgspec.json.encode({"channel": f"{channel}:{topic.name}", "type": f"subscribed/{channel}"})
        match channel:
            case "ticker":
                return frames.ticker(row, kind="subscribed")
            case "trade":
                return frames.trades(row, reversed(self._prints.get(row, ())), "subscribed")
            case "order_book":
                state = topic.state
                if not isinstance(state, Picture):
                    state = topic.state = picture(row, self._levels)
                return frames.book(row, state.bids, state.asks, state, 0, "subscribed")
        return frames.statistics(channel, topic.name, frames.figures(row, self.market, t), t, "subscribed")

    def quoted(self, row: Listed, t: float) -> None:
        self._moved.add(row)
        topic = row.topics.get("ticker")
        if topic is not None:
            self.feed.publish(topic, frames.ticker(row))

    def traded(self, row: Listed, buys: bool, t: float) -> None:
        one = frames.trade(row, buys)
        self._prints.setdefault(row, deque(maxlen=REPLAYED)).append(one)
        topic = row.topics.get("trade")
        if topic is not None:
            self.feed.publish(topic, frames.trades(row, [one]))

    def changed(self, row: Listed, t: float) -> None:
        """Nothing is pushed: a listing is asked for."""

    def _books(self, t: float) -> None:
        """Rule 6."""
        for topic in self.feed.followed("order_book"):
            row, last = topic.row, topic.state
            if row is None or not isinstance(last, Picture) or last.u == row.u:
                continue
            state = topic.state = picture(row, self._levels)
            bids, asks = changes(last.bids, state.bids), changes(last.asks, state.asks)
            self.feed.publish(topic, frames.book(row, bids, asks, state, last.u))

    def _figures(self, t: float) -> None:
        """Rule 7."""
        moved, self._moved = self._moved, set()
        for channel in STATISTICS:
            for topic in self.feed.followed(channel):
                if topic.row is None:
                    content = self._all(channel, moved, t)
                    if content:
                        self.feed.publish(topic, frames.statistics(channel, topic.name, content, t))
                elif topic.row in moved:
                    row = frames.figures(topic.row, self.market, t)
                    self.feed.publish(topic, frames.statistics(channel, topic.name, row, t))

    def _all(self, channel: str, rows: Sequence[Listed] | set[Listed], t: float) -> dict[str, object]:
        wanted = "spot" if channel == "spot_market_stats" else "perp"
        here = [row for row in rows if row.market == wanted and row.status in LIVE]
        return {row.native: frames.figures(row, self.market, t) for row in here}

    # -- blasts ----------------------------------------------------------------------------------------------------

    def blasts(self, socket: Socket) -> Sequence[tuple[str, Listed]]:
        found = [(topic.channel, topic.row) for topic in socket.topics.values() if topic.channel in ("ticker", "trade")]
        return [(channel, row) for channel, row in found if row is not None]

    def blast(self, channel: str, row: Listed, u: str, ms: str) -> bytes:
        return (
            frames.ticker(row, u, ms) if channel == "ticker" else frames.trades(row, [frames.trade(row, True, u, ms)])
        )


def key_of(channel: str, name: str) -> str:
    return f"{MAIN}/stream/{channel}:{name}"


def fail(socket: Socket, code: int, text: str) -> None:
    socket.say(msgspec.json.encode({"error": {"code": code, "message": text}}))
