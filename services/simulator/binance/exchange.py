"""Binance as a client meets it: hosts, socket paths, subscriptions, limits, pings.

The rules, as of 2026:
1. Spot sockets are `/ws[/<stream>…]` (raw frames) and `/stream[?streams=a/b]` (combined frames).
2. Futures sockets live under `/public` (books) and `/market` (the rest); an unrouted path is `/public`. A stream on
   the wrong path, or one that does not exist, is acknowledged and never delivered.
3. More than 5 (spot) or 10 (futures) messages a second, pings and pongs included, close with 1008.
4. The server pings every 20 s (spot) or 3 min (futures) and hangs up when no pong came for 60 s or 10 min.
5. Connections live 24 hours.
6. REST costs weight per minute; above the limit 429 with Retry-After, and 418 for who goes on.
"""

from collections import deque
from collections.abc import Callable, Iterable, Sequence
from random import Random

import msgspec

from services.simulator import wire
from services.simulator.binance import frames
from services.simulator.binance.rest import FUTURES_STATUS, Bodies
from services.simulator.book import Picture, changes, picture
from services.simulator.exchange import World
from services.simulator.hub import Socket, Topic
from services.simulator.listing import Listed
from services.simulator.wire import Reply, Request

SPOT_SOCKETS = frozenset({"stream.binance.com", "data-stream.binance.vision"})
FUTURES_SOCKET = "fstream.binance.com"
SPOT_REST = frozenset({"api.binance.com", "data-api.binance.vision"} | {f"api{n}.binance.com" for n in range(1, 5)})
FUTURES_REST = "fapi.binance.com"
HOSTS = SPOT_SOCKETS | SPOT_REST | {FUTURES_SOCKET, FUTURES_REST}

DEPTHS = frozenset(
    f"depth{levels}{pace}" for levels in ("", "5", "10", "20") for pace in ("", "@100ms", "@250ms", "@500ms", "@1000ms")
)
CHANNELS = {
    "spot": DEPTHS | {"bookTicker", "trade", "aggTrade", "ticker", "miniTicker"},
    "public": DEPTHS | {"bookTicker", "trade"},
    "market": frozenset({"aggTrade", "markPrice", "markPrice@1s", "ticker", "miniTicker", "forceOrder"}),
}
ALL_MARKET = {
    "spot": frozenset({"!miniTicker@arr"}),
    "public": frozenset({"!bookTicker"}),
    "market": frozenset(
        {"!markPrice@arr", "!markPrice@arr@1s", "!ticker@arr", "!miniTicker@arr", "!forceOrder@arr", "!contractInfo"}
    ),
}


class Command(msgspec.Struct):
    """A client's message."""

    method: str
    params: list[str | bool] = []
    id: int | str | None = None


class Binance:
    """Both markets of the exchange."""

    name = "binance"

    def __init__(self, world: World) -> None:
        self.feed, self.market, self.rules = world.feed, world.market, world.options.rules
        self._levels = world.options.levels
        spot = [row for row in world.rows if row.market == "spot"]
        futures = [row for row in world.rows if row.market != "spot"]
        self._rows = {"spot": spot, "futures": futures}
        self._streams = {kind: {row.native.lower(): row for row in rows} for kind, rows in self._rows.items()}
        self._bodies = {kind: Bodies(kind, rows, self.market, self._levels) for kind, rows in self._rows.items()}
        self._used: dict[str, tuple[int, int]] = {}
        self._attempts: deque[float] = deque()
        self._rng = Random(world.options.seed)
        self._touched: set[Listed] = set()
        self.paces: Sequence[tuple[float, Callable[[float], None]]] = (
            (0.1, self._books),
            (1.0, self._every_second),
            (3.0, self._every_three_seconds),
            (5.0, self._every_five_seconds),
        )

    # -- REST ------------------------------------------------------------------------------------------------------

    def answer(self, request: Request, t: float) -> Reply:
        kind = "futures" if request.host == FUTURES_REST else "spot"
        bodies = self._bodies[kind]
        if request.path not in bodies.paths:
            return Reply(b'{"code":-5000,"msg":"Path not found."}', 404)
        weight, make = bodies.weight(request.path, request.query), bodies.paths[request.path][1]
        refusal, headers = self._weigh(kind, weight, t)
        if refusal is not None:
            return refusal
        if request.path.endswith("/depth"):
            self._catch_up(kind, request.query.get("symbol", ""))
        try:
            reply = make(request.query, t)
        except ValueError:
            reply = Reply(b'{"code":-1100,"msg":"Illegal characters found in a parameter."}', 400)
        return Reply(reply.body, reply.status, {**reply.headers, **headers})

    def _weigh(self, kind: str, weight: int, t: float) -> tuple[Reply | None, dict[str, str]]:
        """Rule 6."""
        minute = int(t // 60)
        at, used = self._used.get(kind, (minute, 0))
        used = weight + (used if at == minute else 0)
        self._used[kind] = (minute, used)
        headers = {"X-MBX-USED-WEIGHT-1M": str(used), "X-MBX-USED-WEIGHT": str(used)}
        limit = self.rules.futures_weight if kind == "futures" else self.rules.spot_weight
        if used <= limit:
            return None, headers
        wait = {**headers, "Retry-After": str(60 - int(t % 60))}
        text = f'{{"code":-1003,"msg":"Too many requests; current limit is {limit} request weight per 1 MINUTE."}}'
        self.feed.counts["rest_over_limit"] += 1
        return Reply(text.encode(), 418 if used > 1.2 * limit else 429, wait), wait

    # -- sockets ---------------------------------------------------------------------------------------------------

    def accept(self, request: Request, t: float) -> str | Reply:
        count, window = self.rules.stream_connects
        if not within(self._attempts, t, count, window) and self.rules.enforce_connects:
            return Reply(b'{"code":-1003,"msg":"Too many connection attempts."}', 429)
        parts = request.path.strip("/").split("/")
        endpoint = "spot"
        if request.host == FUTURES_SOCKET:
            endpoint = "public"
            if parts[0] in ("public", "market"):
                endpoint = parts.pop(0)
        elif request.host not in SPOT_SOCKETS:
            return Reply(b"{}", 404)
        return endpoint if parts and parts[0] in ("ws", "stream") else Reply(b"{}", 404)

    def opened(self, socket: Socket, request: Request, t: float) -> None:
        parts = request.path.strip("/").split("/")
        socket.wrapped = "stream" in parts[:2]
        names = request.query.get("streams", "").split("/")
        if not socket.wrapped:
            names = parts[parts.index("ws") + 1 :]
        self._subscribe(socket, [name for name in names if name])

    def received(self, socket: Socket, text: str, t: float) -> None:
        if not self._counted(socket, t):
            return
        try:
            command = msgspec.json.decode(text, type=Command)
        except msgspec.ValidationError as error:
            socket.say(msgspec.json.encode({"code": 2, "msg": f"Invalid request: {error}"}))
            return
        except msgspec.DecodeError as error:
            socket.say(msgspec.json.encode({"code": 3, "msg": f"Invalid JSON: {error}"}))
            return
        self._obey(socket, command)

    def _obey(self, socket: Socket, command: Command) -> None:
        names = [name for name in command.params if isinstance(name, str)]
        result: object = None
        match command.method:
            case "SUBSCRIBE":
                event = self.feed.struck("refuse_topic", lambda e: any(wire.glob(e.topic, name) for name in names))
                if event is not None:
                    self._fail(socket, command, event.code or 2, event.reason or "Invalid request")
                    return
                if len(socket.topics) + len(socket.silent) + len(names) > self.rules.streams_per_connection:
                    self._fail(socket, command, 4, "Too many subscriptions")
                    return
                self._subscribe(socket, names)
            case "UNSUBSCRIBE":
                for name in names:
                    self.feed.leave(socket, self.key(socket.endpoint, name))
                    socket.silent.discard(name)
            case "LIST_SUBSCRIPTIONS":
                result = [topic.name for topic in socket.topics.values()] + sorted(socket.silent)
            case "SET_PROPERTY" if len(command.params) == 2 and command.params[0] == "combined":
                self.feed.wrap(socket, bool(command.params[1]))
            case "GET_PROPERTY":
                result = socket.wrapped
            case _:
                text = f"Invalid request: unknown variant `{command.method}`"
                socket.say(msgspec.json.encode({"code": 2, "msg": text, "id": command.id}))
                return
        self.feed.acknowledge(socket, [msgspec.json.encode({"result": result, "id": command.id})])

    def _fail(self, socket: Socket, command: Command, code: int, text: str) -> None:
        socket.say(msgspec.json.encode({"error": {"code": code, "msg": text}, "id": command.id}))

    @staticmethod
    def key(endpoint: str, name: str) -> str:
        host = "stream.binance.com" if endpoint == "spot" else f"fstream.binance.com/{endpoint}"
        return f"{host}/{name}"

    def _subscribe(self, socket: Socket, names: Iterable[str]) -> None:
        """Rule 2: what is not offered here stays silent."""
        streams = self._streams["spot" if socket.endpoint == "spot" else "futures"]
        for name in names:
            key = self.key(socket.endpoint, name)
            if name in ALL_MARKET[socket.endpoint]:
                self.feed.follow(socket, key, name, name, None)
                continue
            symbol, _, channel = name.partition("@")
            row = streams.get(symbol)
            if row is None or row.market == "inverse" or channel not in CHANNELS[socket.endpoint]:
                socket.silent.add(name)
            else:
                self.feed.follow(socket, key, name, channel, row)

    def control(self, socket: Socket, t: float) -> None:
        socket.ponged = t
        self._counted(socket, t)

    def _counted(self, socket: Socket, t: float) -> bool:
        """Rule 3."""
        spot = socket.endpoint == "spot"
        limit = self.rules.spot_messages_per_s if spot else self.rules.futures_messages_per_s
        if within(socket.messages, t, limit, 1.0):
            return True
        socket.close(1008, "Too many requests")
        return False

    def watch(self, socket: Socket, t: float) -> None:
        """Rules 4 and 5."""
        rules = self.rules
        spot = socket.endpoint == "spot"
        every, patience = (
            (rules.spot_ping_s, rules.spot_pong_s) if spot else (rules.futures_ping_s, rules.futures_pong_s)
        )
        if t - max(socket.pinged, socket.opened) >= every:
            socket.pinged = t
            socket.say(str(int(t * 1000)).encode(), wire.PING)
        if t - socket.ponged >= patience:
            socket.close(1008, "Pong timeout")
        if rules.lifetime_s is not None and t - socket.opened >= rules.lifetime_s:
            socket.close(1001, "24 hours are over")

    def goodbye(self, socket: Socket, t: float) -> None:
        data = b'{"e":"serverShutdown","E":%d}' % int(t * 1000)
        socket.say(b'{"stream":"!serverShutdown","data":%b}' % data if socket.wrapped else data)

    # -- what is sent ----------------------------------------------------------------------------------------------

    def quoted(self, row: Listed, t: float) -> None:
        self._touched.add(row)
        if not row.topics:
            return
        topic = row.topics.get("bookTicker")
        if topic is not None:
            self.feed.publish(topic, frames.book_ticker(row))

    def traded(self, row: Listed, buys: bool, t: float) -> None:
        for channel, render in (("aggTrade", frames.agg_trade), ("trade", frames.trade)):
            topic = row.topics.get(channel)
            if topic is not None:
                self.feed.publish(topic, render(row, buys))

    def changed(self, row: Listed, t: float) -> None:
        if row.market == "spot":
            return
        status = FUTURES_STATUS.get(row.status, "SETTLING")
        for topic in self.feed.followed("!contractInfo"):
            self.feed.publish(topic, frames.contract_info(row, status, t))

    def _books(self, t: float) -> None:
        for topic in list(self.feed.topics.values()):
            if topic.channel.startswith("depth") and topic.followed:
                self._book(topic)

    def _book(self, topic: Topic) -> None:
        """Sends what changed in a book since its last frame; the first time only remembers it."""
        row = topic.row
        if row is None:
            return
        last = topic.state
        if isinstance(last, Picture) and last.u == row.u:
            return
        book = picture(row, self._levels)
        topic.state = book
        if not isinstance(last, Picture):
            return
        limit = topic.channel.removeprefix("depth").partition("@")[0]
        if limit:
            self.feed.publish(topic, frames.partial_depth(row, last.u, book, int(limit)))
            return
        bids, asks = changes(last.bids, book.bids), changes(last.asks, book.asks)
        self.feed.publish(topic, frames.depth_update(row, last.u, book, bids, asks))

    def _catch_up(self, kind: str, symbol: str) -> None:
        """Sends a book's pending diff, so that a snapshot taken now fits between two diffs."""
        row = self._bodies[kind].find(symbol)
        if row is not None:
            for topic in list(row.topics.values()):
                if topic.channel.startswith("depth"):
                    self._book(topic)

    def _every_second(self, t: float) -> None:
        for topic in list(self.feed.topics.values()):
            if not topic.followed:
                continue
            if topic.channel == "markPrice@1s" and topic.row is not None:
                self.feed.publish(topic, frames.mark_price(topic.row, self.market, t))
            elif topic.channel in ("ticker", "miniTicker") and topic.row is not None:
                render = frames.ticker if topic.channel == "ticker" else frames.mini_ticker
                self.feed.publish(topic, render(topic.row, self.market, t))
            elif topic.channel == "!markPrice@arr@1s":
                self._mark_arrays(topic, t)
            elif topic.channel in ("!miniTicker@arr", "!ticker@arr"):
                self._ticker_array(topic, t)
        self._touched.clear()
        self._liquidate(t)

    def _every_three_seconds(self, t: float) -> None:
        for topic in self.feed.followed("markPrice"):
            if topic.row is not None:
                self.feed.publish(topic, frames.mark_price(topic.row, self.market, t))
        for topic in self.feed.followed("!markPrice@arr"):
            self._mark_arrays(topic, t)

    def _every_five_seconds(self, t: float) -> None:
        for topic in self.feed.followed("!bookTicker"):
            for row in self._rows["futures"]:
                if row.status == "trading":
                    self.feed.publish(topic, frames.book_ticker(row))

    def _mark_arrays(self, topic: Topic, t: float) -> None:
        """Coins of both universes in one array, stocks and metals in one of their own."""
        rows = [row for row in self._rows["futures"] if row.status == "trading"]
        for traditional in (False, True):
            part = [row for row in rows if (row.category != "crypto") == traditional]
            if part:
                body = b",".join(frames.mark_price(row, self.market, t) for row in part)
                self.feed.publish(topic, b"[" + body + b"]")

    def _ticker_array(self, topic: Topic, t: float) -> None:
        spot = topic.key.startswith("stream.")
        render = frames.ticker if topic.channel == "!ticker@arr" else frames.mini_ticker
        rows = [row for row in self._rows["spot" if spot else "futures"] if row in self._touched]
        if rows:
            self.feed.publish(topic, b"[" + b",".join(render(row, self.market, t) for row in rows) + b"]")

    def _liquidate(self, t: float) -> None:
        """A forced order now and then."""
        if self._rng.random() > 0.3 or not self._rows["futures"]:
            return
        row = self._rng.choice(self._rows["futures"][:60])
        frame = frames.force_order(row, self._rng.choice(("BUY", "SELL")), max(1, row.bid_size // 10), t)
        own = row.topics.get("forceOrder")
        for topic in [*self.feed.followed("!forceOrder@arr"), *([own] if own is not None else [])]:
            self.feed.publish(topic, frame)

    # -- blasting --------------------------------------------------------------------------------------------------

    def blasts(self, socket: Socket) -> Sequence[tuple[str, Listed]]:
        topics = socket.topics.values()
        return [(t.channel, t.row) for t in topics if t.row is not None and t.channel in ("bookTicker", "aggTrade")]

    def blast(self, channel: str, row: Listed, u: str, ms: str) -> bytes:
        if channel == "aggTrade":
            return frames.agg_trade(row, bool(row.bid & 1), u, ms)
        return frames.book_ticker(row, u, ms)


def within(stamps: deque[float], t: float, count: int, window_s: float) -> bool:
    """Notes one more event; whether no more than `count` fell into the last `window_s` seconds."""
    while stamps and stamps[0] <= t - window_s:
        stamps.popleft()
    stamps.append(t)
    return len(stamps) <= count
