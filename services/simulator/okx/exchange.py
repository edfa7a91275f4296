"""OKX as a client meets it: hosts, paths, subscriptions, limits, text pings.

The rules, as of 2026:
1. `/ws/v5/public` and `/ws/v5/business`; at most 3 connection attempts a second.
2. One acknowledgement per argument; an unknown channel or instrument is refused with 60018, the others stand.
3. 480 subscribe and unsubscribe requests an hour and connection (60014), each at most 64 KB.
4. Text `ping` is answered by text `pong`; 30 s without a frame either way close the connection.
5. A `notice` 64008 announces a close for an upgrade.
6. `books`: a snapshot (prevSeqId -1), then updates whose prevSeqId is the last seqId, also while nothing changes.
7. `mark-price` comes when it has changed, at most every 200 ms, and every 10 s where it has not.
"""

from collections import deque
from collections.abc import Callable, Sequence
from random import Random

import msgspec

from services.simulator import wire
from services.simulator.book import Picture, changes, picture
from services.simulator.exchange import World
from services.simulator.hub import Socket, Topic
from services.simulator.listing import Listed
from services.simulator.okx import frames
from services.simulator.okx.rest import Bodies
from services.simulator.wire import Reply, Request

REST = frozenset({"www.okx.com", "openapi.okx.com", "aws.okx.com"})
SOCKETS = frozenset({"ws.okx.com", "wsaws.okx.com"})
HOSTS = REST | SOCKETS
BY_INSTRUMENT = {
    "public": frozenset(
        {"tickers", "bbo-tbt", "books", "books5", "trades", "mark-price", "funding-rate", "open-interest"}
    ),
    "business": frozenset({"trades-all"}),
}
BY_TYPE = frozenset({"liquidation-orders", "instruments"})
SWAPS_ONLY = frozenset({"funding-rate"})
DERIVATIVES_ONLY = frozenset({"mark-price", "open-interest"})
KEEP_ALIVE_S = 60.0
FUNDING_S = 60.0
MARK_REST_S = 10.0


class Command(msgspec.Struct):
    """A client's message."""

    op: str
    args: list[dict[str, str]] = []
    id: str | None = None


class Okx:
    """The public side of the exchange."""

    name = "okx"

    def __init__(self, world: World) -> None:
        self.feed, self.market, self.rules = world.feed, world.market, world.options.rules
        self._levels = world.options.levels
        self._rows = list(world.rows)
        self._by_id = {row.native: row for row in self._rows}
        self._indices = {frames.family(row): row for row in self._rows}
        self._bodies = Bodies(self._rows, self.market, self._levels)
        self._attempts: deque[float] = deque()
        self._tickers: set[Topic] = set()
        self._moved: set[Topic] = set()
        self._rng = Random(world.options.seed + 1)
        self.paces: Sequence[tuple[float, Callable[[float], None]]] = (
            (0.1, self._ten_times_a_second),
            (0.2, self._marks),
            (1.0, self._every_second),
            (3.0, self._interest),
            (FUNDING_S, self._funding),
        )

    # -- REST and handshakes ---------------------------------------------------------------------------------------

    def answer(self, request: Request, t: float) -> Reply:
        if request.host not in REST:
            return Reply(b"{}", 404)
        return self._bodies.answer(request.path, request.query, t)

    def accept(self, request: Request, t: float) -> str | Reply:
        count, window = self.rules.text_connects
        while self._attempts and self._attempts[0] <= t - window:
            self._attempts.popleft()
        self._attempts.append(t)
        if len(self._attempts) > count and self.rules.enforce_connects:
            return Reply(b'{"code":"50011","msg":"Too Many Requests"}', 429)
        endpoint = request.path.rpartition("/")[2]
        known = request.host in SOCKETS and request.path in ("/ws/v5/public", "/ws/v5/business")
        return endpoint if known else Reply(b"{}", 404)

    def opened(self, socket: Socket, request: Request, t: float) -> None:
        """Nothing to do: everything is asked for by messages."""

    # -- messages --------------------------------------------------------------------------------------------------

    def received(self, socket: Socket, text: str, t: float) -> None:
        if text == "ping":
            socket.say(b"pong")
            return
        size = len(text.encode())
        try:
            command = msgspec.json.decode(text, type=Command)
        except msgspec.DecodeError:
            command = None
        if command is None or command.op not in ("subscribe", "unsubscribe") or not command.args:
            self._fail(socket, None, "60012", f"Invalid request: {text[:200]}")
        elif size > self.rules.request_bytes:
            self._fail(socket, command.id, "60013", f"Invalid args: {size} bytes, at most {self.rules.request_bytes}")
        elif not self._in_budget(socket, t):
            self._fail(socket, command.id, "60014", "Requests too frequent.")
        else:
            self._obey(socket, command, t)

    def _in_budget(self, socket: Socket, t: float) -> bool:
        """Rule 3."""
        stamps = socket.requests
        while stamps and stamps[0] <= t - 3600.0:
            stamps.popleft()
        if len(stamps) >= self.rules.requests_per_hour:
            return False
        stamps.append(t)
        return True

    def _obey(self, socket: Socket, command: Command, t: float) -> None:
        """Rule 2."""
        answers: list[bytes] = []
        greeted: list[Topic] = []
        for arg in command.args:
            key = self.key(socket.endpoint, arg)
            refusal = self._refusal(socket, arg, key)
            if refusal is not None:
                answers.append(self._error(socket, command.id, *refusal))
                continue
            if command.op == "unsubscribe":
                self.feed.leave(socket, key)
            else:
                greeted.append(self._follow(socket, arg, key))
            answer = {"event": command.op, "arg": arg, "connId": conn_id(socket)}
            answers.append(msgspec.json.encode({"id": command.id, **answer} if command.id else answer))
        self.feed.acknowledge(socket, answers)
        for topic in greeted:
            self._greet(socket, topic, t)

    @staticmethod
    def key(endpoint: str, arg: dict[str, str]) -> str:
        return f"ws.okx.com/{endpoint}/{arg.get('channel', '')}:{arg.get('instId') or arg.get('instType', '')}"

    def _refusal(self, socket: Socket, arg: dict[str, str], key: str) -> tuple[str, str] | None:
        """The code and text with which an argument is turned down."""
        event = self.feed.struck("refuse_topic", lambda e: wire.glob(e.topic, key, key.rpartition("/")[2]))
        if event is not None:
            return str(event.code or 60018), event.reason or "Wrong URL or channel doesn't exist."
        channel, inst_id = arg.get("channel", ""), arg.get("instId", "")
        text = f"Wrong URL or channel:{channel},instId:{inst_id} doesn't exist. Please use the correct URL, channel"
        wrong = ("60018", f"{text} and parameters referring to API document.")
        if channel in BY_TYPE:
            return None if arg.get("instType") in ("SPOT", "SWAP", "FUTURES") else wrong
        if channel == "index-tickers":
            return None if inst_id in self._indices else wrong
        row = self._by_id.get(inst_id)
        if channel not in BY_INSTRUMENT[socket.endpoint] or row is None or row.status == "unlisted":
            return wrong
        spot = row.market == "spot"
        if (channel in DERIVATIVES_ONLY and spot) or (channel in SWAPS_ONLY and row.market not in ("perp", "inverse")):
            return wrong
        return None

    def _follow(self, socket: Socket, arg: dict[str, str], key: str) -> Topic:
        channel = arg["channel"]
        row = None
        if channel not in BY_TYPE:
            row = self._indices[arg["instId"]] if channel == "index-tickers" else self._by_id[arg["instId"]]
        name = arg.get("instId") or arg.get("instType", "")
        return self.feed.follow(socket, key, name, channel, row)

    def _fail(self, socket: Socket, request: str | None, code: str, text: str) -> None:
        socket.say(self._error(socket, request, code, text))

    @staticmethod
    def _error(socket: Socket, request: str | None, code: str, text: str) -> bytes:
        answer = {"event": "error", "code": code, "msg": text, "connId": conn_id(socket)}
        return msgspec.json.encode({"id": request, **answer} if request else answer)

    def control(self, socket: Socket, t: float) -> None:
        """Protocol pings count as life, which the server has noted already."""

    def watch(self, socket: Socket, t: float) -> None:
        """Rule 4."""
        if t - max(socket.heard, socket.spoke) >= self.rules.idle_s:
            socket.close(4004, "No data received in 30s.")

    def goodbye(self, socket: Socket, t: float) -> None:
        """Rule 5."""
        text = "The connection will soon be closed for a service upgrade. Please reconnect."
        notice = {"event": "notice", "code": "64008", "msg": text, "connId": conn_id(socket)}
        socket.say(msgspec.json.encode(notice))

    # -- what is sent ----------------------------------------------------------------------------------------------

    def _greet(self, socket: Socket, topic: Topic, t: float) -> None:
        """The first frame of a topic comes at once and only to the newcomer."""
        if self.feed.frozen:
            return
        payload = self._current(topic, t)
        if payload is not None:
            socket.greet(topic, payload)

    def _current(self, topic: Topic, t: float) -> bytes | None:
        row, channel = topic.row, topic.channel
        if channel == "instruments":
            here = [row for row in self._rows if frames.TYPES[row.market] == topic.name and row.status != "unlisted"]
            arg = {"channel": channel, "instType": topic.name}
            listed = [each for each in map(frames.instrument, here) if each["state"] != "suspend"]
            return msgspec.json.encode({"arg": arg, "data": listed}) if listed else None
        if row is None or row.status not in ("trading", "halted"):
            return None
        if channel == "books":
            return self._snapshot(topic, row)
        if channel == "books5":
            return frames.book5(row, picture(row, 5))
        if channel == "bbo-tbt":
            return frames.bbo(row)
        return self._paced(topic, row, t)

    def _paced(self, topic: Topic, row: Listed, t: float) -> bytes | None:
        match topic.channel:
            case "tickers":
                body = frames.ticker(row, self.market)
            case "mark-price":
                body = frames.mark(row, self.market, t)
            case "index-tickers":
                body = frames.index(row, self.market, t)
            case "funding-rate":
                body = frames.funding(row, self.market, t)
            case "open-interest":
                body = frames.open_interest(row, self.market, t)
            case _:
                return None
        return frames.data(topic.channel, topic.name, body)

    def _snapshot(self, topic: Topic, row: Listed) -> bytes:
        """Rule 6: a newcomer gets the picture that the next update will follow."""
        state = topic.state
        if not isinstance(state, Picture):
            state = topic.state = picture(row, self._levels)
        return frames.book(row, "snapshot", state.bids, state.asks, state, -1)

    def quoted(self, row: Listed, t: float) -> None:
        topics = row.topics
        if not topics:
            return
        topic = topics.get("bbo-tbt")
        if topic is not None:
            self.feed.publish(topic, frames.bbo(row))
        topic = topics.get("tickers")
        if topic is not None:
            self._tickers.add(topic)
        topic = topics.get("mark-price")
        if topic is not None:
            self._moved.add(topic)

    def traded(self, row: Listed, buys: bool, t: float) -> None:
        for channel in ("trades", "trades-all"):
            topic = row.topics.get(channel)
            if topic is not None:
                payload = frames.trade(row, buys)
                self.feed.publish(
                    topic, payload if channel == "trades" else payload.replace(b'"trades"', b'"trades-all"', 1)
                )
        topic = row.topics.get("tickers")
        if topic is not None:
            self._tickers.add(topic)

    def changed(self, row: Listed, t: float) -> None:
        topic = self.feed.topics.get(f"ws.okx.com/public/instruments:{frames.TYPES[row.market]}")
        if topic is not None and topic.followed and row.status != "unlisted":
            arg = {"channel": "instruments", "instType": topic.name}
            self.feed.publish(topic, msgspec.json.encode({"arg": arg, "data": [frames.instrument(row)]}))

    def _ten_times_a_second(self, t: float) -> None:
        pending, self._tickers = self._tickers, set()
        for topic in pending:
            if topic.row is not None and topic.followed:
                self.feed.publish(topic, frames.data("tickers", topic.name, frames.ticker(topic.row, self.market)))
        for topic in list(self.feed.topics.values()):
            if topic.channel in ("books", "books5") and topic.followed and topic.row is not None:
                self._book(topic, topic.row)

    def _book(self, topic: Topic, row: Listed) -> None:
        last = topic.state
        if isinstance(last, Picture) and last.u == row.u:
            return
        state = picture(row, self._levels if topic.channel == "books" else 5)
        topic.state = state
        if topic.channel == "books5":
            self.feed.publish(topic, frames.book5(row, state))
        elif isinstance(last, Picture):
            bids, asks = changes(last.bids, state.bids), changes(last.asks, state.asks)
            self.feed.publish(topic, frames.book(row, "update", bids, asks, state, last.u))

    def _each(self, channels: Sequence[str], t: float) -> None:
        for topic in list(self.feed.topics.values()):
            if topic.channel in channels and topic.followed and topic.row is not None and topic.row.status == "trading":
                payload = self._paced(topic, topic.row, t)
                if payload is not None:
                    self.feed.publish(topic, payload)

    def _marks(self, t: float) -> None:
        """A mark is sent when its instrument has moved, and every ten seconds where it has not (rule 7)."""
        moved, self._moved = self._moved, set()
        for topic in self.feed.followed("mark-price"):
            sent = topic.state if isinstance(topic.state, float) else 0.0
            if topic.row is not None and topic.row.status == "trading" and (topic in moved or t - sent >= MARK_REST_S):
                topic.state = t
                self.feed.publish(topic, frames.data("mark-price", topic.name, frames.mark(topic.row, self.market, t)))

    def _interest(self, t: float) -> None:
        self._each(("open-interest",), t)

    def _funding(self, t: float) -> None:
        self._each(("funding-rate",), t)

    def _every_second(self, t: float) -> None:
        self._each(("index-tickers",), t)
        swaps = [row for row in self._rows if row.market == "perp"][:60]
        topic = self.feed.topics.get("ws.okx.com/public/liquidation-orders:SWAP")
        if topic is not None and topic.followed and swaps and self._rng.random() < 0.3:
            row = self._rng.choice(swaps)
            side = self._rng.choice(("buy", "sell"))
            self.feed.publish(topic, frames.liquidation(row, side, max(1, row.bid_size // 10), t))
        self._keep_alive(t)

    def _keep_alive(self, t: float) -> None:
        """Rule 6: an idle book repeats its number with empty sides."""
        for topic in list(self.feed.topics.values()):
            state = topic.state
            if topic.channel == "books" and topic.row is not None and isinstance(state, Picture):
                quiet = t - state.ms / 1000
                if quiet >= KEEP_ALIVE_S and quiet % KEEP_ALIVE_S < 1.0 and topic.followed:
                    self.feed.publish(topic, frames.book(topic.row, "update", {}, {}, state, state.u))

    # -- blasting --------------------------------------------------------------------------------------------------

    def blasts(self, socket: Socket) -> Sequence[tuple[str, Listed]]:
        topics = socket.topics.values()
        return [(t.channel, t.row) for t in topics if t.row is not None and t.channel in ("bbo-tbt", "trades")]

    def blast(self, channel: str, row: Listed, u: str, ms: str) -> bytes:
        return frames.trade(row, bool(row.bid & 1), u, ms) if channel == "trades" else frames.bbo(row, u, ms)


def conn_id(socket: Socket) -> str:
    return f"{socket.number:08x}"
