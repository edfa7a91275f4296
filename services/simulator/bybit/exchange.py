"""Bybit as a client meets it: hosts, paths, subscriptions, limits, pings.

The rules, as of 2026:
1. `/v5/public/spot` and `/v5/public/linear`; at most 500 connection attempts in 5 minutes.
2. A request is acknowledged or refused as a whole; a refusal names the first topic that is to blame, in other words on
   spot. A topic that is followed already is one.
3. A request on spot has at most 10 topics; the topics of a connection at most 21,000 characters.
4. `{"op":"ping"}` is answered; ten minutes without anything from the client close the connection.
5. `orderbook.1` sends pictures, and the last one again after each 3 s without a change, under the same `u`.
6. `orderbook.50`, `.200`, `.1000`: a picture, then changes whose `u` goes up by one, counted for each depth.
7. `tickers` of perpetuals: a picture, then what has changed, every 100 ms; of spot pairs always a picture.
"""

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from random import Random

import msgspec

from services.simulator import wire
from services.simulator.book import Picture, changes, picture
from services.simulator.bybit import frames
from services.simulator.bybit.rest import Bodies
from services.simulator.exchange import World
from services.simulator.hub import Socket, Topic
from services.simulator.listing import Listed
from services.simulator.wire import Reply, Request

REST = frozenset({"api.bybit.com", "api.bytick.com"})
STREAM = "stream.bybit.com"
HOSTS = REST | {STREAM}
PATHS = {"/v5/public/spot": "spot", "/v5/public/linear": "linear"}
BEST, TICKERS, TRADES, FORCED = "orderbook.1", "tickers", "publicTrade", "allLiquidation"
#: depth and beats of 100 ms between two frames
DEPTHS = {"orderbook.50": (50, 1), "orderbook.200": (200, 1), "orderbook.1000": (1000, 2)}
AGAIN_S = 3.0
REFRESH_S = 5.0


class Command(msgspec.Struct):
    """A client's message."""

    op: str
    args: list[str] = []
    req_id: str = ""


@dataclass(slots=True)
class Depth:
    """A book topic: the last picture, the count of its frames, the beat it is due at."""

    picture: Picture
    u: int
    beat: int = 0


@dataclass(slots=True)
class Sent:
    """A ticker topic: what it said last."""

    fields: frames.Fields = field(default_factory=dict)


class Bybit:
    """The public side of the exchange."""

    name = "bybit"

    def __init__(self, world: World) -> None:
        self.feed, self.market, self.rules = world.feed, world.market, world.options.rules
        self._levels = world.options.levels
        self._rows = {(frames.CATEGORIES[row.market], row.native): row for row in world.rows}
        self._bodies = Bodies(world.rows, self.market, self._levels, self.rules)
        self._attempts: deque[float] = deque()
        self._moved: set[Topic] = set()
        self._beat = 0
        self._rng = Random(world.options.seed + 1)
        self.paces: Sequence[tuple[float, Callable[[float], None]]] = (
            (0.1, self._ten_times_a_second),
            (0.5, self._forced),
            (1.0, self._keep_alive),
            (REFRESH_S, self._refresh),
        )

    # -- REST and handshakes ---------------------------------------------------------------------------------------

    def answer(self, request: Request, t: float) -> Reply:
        if request.host not in REST:
            return Reply(b"{}", 404)
        return self._bodies.answer(request.path, request.query, t)

    def accept(self, request: Request, t: float) -> str | Reply:
        """Rule 1."""
        while self._attempts and self._attempts[0] <= t - 300.0:
            self._attempts.popleft()
        self._attempts.append(t)
        if len(self._attempts) > self.rules.of("bybit.connects", 500) and self.rules.enforce_connects:
            return Reply(b"{}", 403)
        endpoint = PATHS.get(request.path) if request.host == STREAM else None
        return endpoint or Reply(b"{}", 404)

    def opened(self, socket: Socket, request: Request, t: float) -> None:
        """Nothing to do: everything is asked for by messages."""

    # -- messages --------------------------------------------------------------------------------------------------

    def received(self, socket: Socket, text: str, t: float) -> None:
        try:
            command = msgspec.json.decode(text, type=Command)
        except msgspec.DecodeError as error:
            socket.say(answer(socket, False, f"Failed to decode incoming data:{error}"))
            return
        if command.op == "ping":
            socket.say(answer(socket, True, "pong", command.req_id, "ping"))
        elif command.op == "subscribe" and command.args:
            self._subscribe(socket, command, t)
        elif command.op == "unsubscribe" and command.args:
            for topic in command.args:
                self.feed.leave(socket, key(socket.endpoint, topic))
            self.feed.acknowledge(socket, [answer(socket, True, "", command.req_id, command.op)])
        else:
            socket.say(answer(socket, False, "error:invalid op", command.req_id, command.op))

    def _subscribe(self, socket: Socket, command: Command, t: float) -> None:
        """Rules 2 and 3."""
        refusal = self._refusal(socket, command.args)
        if refusal is not None:
            self.feed.acknowledge(socket, [answer(socket, False, refusal, command.req_id, command.op)])
            return
        fresh = [self._follow(socket, topic) for topic in command.args]
        text = "subscribe" if socket.endpoint == "spot" else ""
        self.feed.acknowledge(socket, [answer(socket, True, text, command.req_id, command.op)])
        for topic in fresh:
            self._greet(socket, topic, t)

    def _refusal(self, socket: Socket, topics: Sequence[str]) -> str | None:
        """Why a request is turned down."""
        if socket.endpoint == "spot" and len(topics) > self.rules.of("bybit.spot_args", 10):
            return "args size >10"
        chars = len(msgspec.json.encode([*(one.name for one in socket.topics.values()), *topics]))
        if chars > self.rules.of("bybit.args_chars", 21_000):
            return "error:args length exceeded"
        for topic in topics:
            name = key(socket.endpoint, topic)
            struck = self.feed.struck("refuse_topic", lambda event, name=name: wire.glob(event.topic, name))  # type: ignore[misc]
            if struck is not None and struck.reason:
                return struck.reason
            if struck is not None or self._row(socket.endpoint, topic) is None:
                return (
                    f"Invalid symbol :[{topic}]"
                    if socket.endpoint == "spot"
                    else f"error:handler not found,topic:{topic}"
                )
            if name in socket.topics:
                return f"error:already subscribed,topic:{topic}"
        return None

    def _row(self, endpoint: str, topic: str) -> Listed | None:
        """The instrument of a topic that exists on the endpoint."""
        channel, _, native = topic.rpartition(".")
        row = self._rows.get((endpoint, native))
        known = channel in DEPTHS or channel in (BEST, TICKERS, TRADES) or (channel == FORCED and endpoint == "linear")
        return row if known and row is not None and row.status in ("trading", "halted", "pre") else None

    def _follow(self, socket: Socket, topic: str) -> Topic:
        return self.feed.follow(
            socket, key(socket.endpoint, topic), topic, topic.rpartition(".")[0], self._row(socket.endpoint, topic)
        )

    def control(self, socket: Socket, t: float) -> None:
        """Protocol pings count as life, which the server has noted already."""

    def watch(self, socket: Socket, t: float) -> None:
        """Rule 4."""
        if t - socket.heard >= self.rules.of("bybit.idle_s", 600.0):
            socket.close(1000, "idle")

    def goodbye(self, socket: Socket, t: float) -> None:
        """It closes without a word."""

    # -- what is sent ----------------------------------------------------------------------------------------------

    def _greet(self, socket: Socket, topic: Topic, t: float) -> None:
        """The first frame of a topic comes at once and only to the newcomer; nothing before continuous trading."""
        row = topic.row
        if self.feed.frozen or row is None or row.status not in ("trading", "halted"):
            return
        if topic.channel == BEST:
            socket.greet(topic, frames.best(row, ts=millis(t)))
        elif topic.channel in DEPTHS:
            socket.greet(topic, self._picture(topic, row, t))
        elif topic.channel == TICKERS:
            socket.greet(topic, self._ticker(topic, row, "snapshot", self._fields(topic, row, t).fields, t))

    def _picture(self, topic: Topic, row: Listed, t: float) -> bytes:
        """Rule 6: a newcomer gets the picture that the next change will follow."""
        state = topic.state
        if not isinstance(state, Depth):
            depth, _ = DEPTHS[topic.channel]
            state = topic.state = Depth(picture(row, min(depth, self._levels)), row.u)
        bids, asks = frames.sides(row, state.picture.bids), frames.sides(row, state.picture.asks)
        return self._book(topic, row, "snapshot", bids, asks, state, t)

    @staticmethod
    def _book(topic: Topic, row: Listed, kind: str, bids: str, asks: str, state: Depth, t: float) -> bytes:
        seq, cts = str(state.picture.u), str(state.picture.ms)
        return frames.book(row, topic.name, kind, bids, asks, str(state.u), seq, millis(t), cts)

    def _fields(self, topic: Topic, row: Listed, t: float) -> Sent:
        """What a newcomer's picture holds: what the next change will be told from."""
        state = topic.state
        if not isinstance(state, Sent):
            now = frames.spot_ticker(row, self.market) if row.market == "spot" else frames.ticker(row, self.market, t)
            state = topic.state = Sent(now)
        return state

    @staticmethod
    def _ticker(topic: Topic, row: Listed, kind: str, fields: frames.Fields, t: float) -> bytes:
        data, ts = msgspec.json.encode(fields).decode(), millis(t)
        if row.market == "spot":
            return frames.push(row, topic.name, kind, ts, data, f',"cs":{row.u}')
        return f'{{"topic":"{topic.name}","type":"{kind}","data":{data},"cs":{row.u},"ts":{ts}}}'.encode()

    def quoted(self, row: Listed, t: float) -> None:
        topics = row.topics
        if not topics:
            return
        topic = topics.get(BEST)
        if topic is not None:
            self.feed.publish(topic, frames.best(row))
        topic = topics.get(TICKERS)
        if topic is not None:
            self._moved.add(topic)

    def traded(self, row: Listed, buys: bool, t: float) -> None:
        topic = row.topics.get(TRADES)
        if topic is not None:
            self.feed.publish(topic, frames.trade(row, buys))
        topic = row.topics.get(TICKERS)
        if topic is not None:
            self._moved.add(topic)

    def changed(self, row: Listed, t: float) -> None:
        """Nothing tells of a changed listing but the listing."""

    def _ten_times_a_second(self, t: float) -> None:
        self._beat += 1
        moved, self._moved = self._moved, set()
        for topic in moved:
            self._tell(topic, t)
        for channel in DEPTHS:
            for topic in self.feed.followed(channel):
                self._step(topic, t)

    def _tell(self, topic: Topic, t: float) -> None:
        """Rule 7."""
        row = topic.row
        if row is None or not topic.followed or row.status != "trading":
            return
        if row.market == "spot":
            self.feed.publish(topic, self._ticker(topic, row, "snapshot", frames.spot_ticker(row, self.market), t))
            return
        state, now = self._fields(topic, row, t), frames.ticker(row, self.market, t)
        fields = {name: value for name, value in now.items() if state.fields.get(name) != value}
        state.fields = now
        if fields:
            self.feed.publish(topic, self._ticker(topic, row, "delta", {"symbol": row.native, **fields}, t))

    def _step(self, topic: Topic, t: float) -> None:
        """Rule 6: the next change of a book."""
        state, row = topic.state, topic.row
        depth, beats = DEPTHS[topic.channel]
        if row is None or not isinstance(state, Depth) or state.picture.u == row.u or self._beat < state.beat + beats:
            return
        old, state.picture = state.picture, picture(row, min(depth, self._levels))
        state.u, state.beat = state.u + 1, self._beat
        bids, asks = changes(old.bids, state.picture.bids), changes(old.asks, state.picture.asks)
        sides = frames.sides(row, bids), frames.sides(row, asks)
        self.feed.publish(topic, self._book(topic, row, "delta", *sides, state, t))

    def _keep_alive(self, t: float) -> None:
        """Rule 5."""
        for topic in self.feed.followed(BEST):
            row = topic.row
            quiet = 0.0 if row is None or row.status != "trading" else t - row.ms / 1000
            if row is not None and quiet >= AGAIN_S and quiet % AGAIN_S < 1.0:
                self.feed.publish(topic, frames.best(row, ts=millis(t)))

    def _refresh(self, t: float) -> None:
        """Marks move although nobody quotes."""
        self._moved.update(self.feed.followed(TICKERS))

    def _forced(self, t: float) -> None:
        topics = self.feed.followed(FORCED)
        if topics and self._rng.random() < 0.15:
            topic = self._rng.choice(list(topics))
            if topic.row is not None:
                self.feed.publish(topic, frames.liquidation(topic.row, self._rng.choice(("Buy", "Sell")), t))

    # -- blasting --------------------------------------------------------------------------------------------------

    def blasts(self, socket: Socket) -> Sequence[tuple[str, Listed]]:
        topics = socket.topics.values()
        return [(t.channel, t.row) for t in topics if t.row is not None and t.channel in (BEST, TRADES)]

    def blast(self, channel: str, row: Listed, u: str, ms: str) -> bytes:
        return frames.trade(row, bool(row.bid & 1), u, ms) if channel == TRADES else frames.best(row, u, ms)


def key(endpoint: str, topic: str) -> str:
    return f"{STREAM}/{endpoint}/{topic}"


def millis(t: float) -> str:
    return str(int(t * 1000))


def answer(socket: Socket, good: bool, text: str, number: str = "", op: str = "") -> bytes:
    fields: dict[str, object] = {"success": good, "ret_msg": text, "conn_id": f"{socket.number:08x}"}
    return msgspec.json.encode({**fields, "req_id": number, "op": op} if op else fields)
