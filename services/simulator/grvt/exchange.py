"""GRVT as a client meets it: hosts, paths, subscriptions, numbers, refusals.

The rules, as of 2026:
1. `/ws/full`, and `/ws`, which is the same. The lite encoding is not played.
2. Requests are JSON-RPC 2.0; one names one stream and any number of selectors `instrument@rate` (books in pictures:
   `instrument@rate-depth`). It is acknowledged or refused as a whole: 1101 a selector without its parts, 3000 an
   instrument, 3030 a rate, 3031 a depth, 1200 a method or stream.
3. The acknowledgement tells the number of the first delta to come. Then comes a picture with the number 0.
4. Deltas name the number before theirs; only changed fields are in them. A book that rests says so with an empty one.
5. Another rate of the same stream and instrument replaces the first, and is told among `unsubs`.
6. Trades begin with the last one there was, under the number 0.
7. No pings of the exchange's own; a client that says nothing for ten minutes is hung up on.
8. A login at the edge host answers with a cookie.
"""

from collections import Counter, deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial

import msgspec

from services.simulator import wire
from services.simulator.book import Picture, changes, picture
from services.simulator.exchange import World
from services.simulator.grvt import frames
from services.simulator.grvt.rest import Bodies
from services.simulator.hub import Socket, Topic
from services.simulator.listing import Listed
from services.simulator.wire import Reply, Request

DATA, EDGE = "market-data.grvt.io", "edge.grvt.io"
HOSTS = frozenset({DATA, EDGE})
LOGIN = "/auth/api_key/login"
MINI, MINI_CHANGES, TICKER, TICKER_CHANGES = "v1.mini.s", "v1.mini.d", "v1.ticker.s", "v1.ticker.d"
BOOK, BOOK_CHANGES, TRADE = "v1.book.s", "v1.book.d", "v1.trade"
RATES = {
    MINI: (200, 500, 1000, 5000),
    MINI_CHANGES: (0, 50, 100, 200, 500, 1000, 5000),
    TICKER: (500, 1000, 5000),
    TICKER_CHANGES: (100, 200, 500, 1000, 5000),
    BOOK: (500, 1000),
    BOOK_CHANGES: (50, 100, 500, 1000),
    TRADE: (50, 200, 500, 1000),
}
DEPTHS = (10, 50, 100, 500)
PACES_MS = (50, 100, 200, 500, 1000, 5000)
REST_S = 5.0


class Params(msgspec.Struct):
    stream: str
    selectors: list[str]


class Command(msgspec.Struct):
    """A client's message."""

    method: str
    params: Params
    id: int | None = None


class Refusal(Exception):
    """A request that is turned down, with the venue's code."""

    def __init__(self, code: int, text: str) -> None:
        super().__init__(text)
        self.code, self.text = code, text


@dataclass(slots=True)
class Sent:
    """What a topic said last, and under which number."""

    seq: int
    fields: frames.Fields = field(default_factory=dict)
    book: Picture = field(default_factory=Picture)


class Grvt:
    """The public side of the exchange."""

    name = "grvt"

    def __init__(self, world: World) -> None:
        self.feed, self.market, self.rules = world.feed, world.market, world.options.rules
        self._levels = world.options.levels
        self._rows = {row.native: row for row in world.rows}
        self._bodies = Bodies(world.rows, self.market, self._levels, self.rules)
        self._attempts: deque[float] = deque()
        #: what came with calls and handshakes to the market data host, empty where nothing did
        self.cookies: Counter[str] = Counter()
        self._moved: set[Topic] = set()
        self.paces: Sequence[tuple[float, Callable[[float], None]]] = (
            *((ms / 1000, partial(self._pace, ms)) for ms in PACES_MS),
            (1.0, self._marks),
            (REST_S, self._rest),
        )

    # -- REST and handshakes ---------------------------------------------------------------------------------------

    def answer(self, request: Request, t: float) -> Reply:
        """Rule 8, and everything else of the market data host."""
        if request.host == EDGE:
            return self._bodies.login(request) if request.path == LOGIN else Reply(b"{}", 404)
        self.cookies[request.headers.get("cookie", "")] += 1
        return self._bodies.answer(request, t)

    def accept(self, request: Request, t: float) -> str | Reply:
        """Rule 1."""
        while self._attempts and self._attempts[0] <= t - 60.0:
            self._attempts.popleft()
        self._attempts.append(t)
        if len(self._attempts) > self.rules.of("grvt.connects", 120) and self.rules.enforce_connects:
            return Reply(b"{}", 429)
        self.cookies[request.headers.get("cookie", "")] += 1
        known = request.host == DATA and request.path in ("/ws/full", "/ws")
        return "full" if known else Reply(b"{}", 404)

    def opened(self, socket: Socket, request: Request, t: float) -> None:
        """Nothing to do: everything is asked for by messages."""

    # -- messages --------------------------------------------------------------------------------------------------

    def received(self, socket: Socket, text: str, t: float) -> None:
        try:
            command = msgspec.json.decode(text, type=Command)
        except msgspec.DecodeError:
            socket.say(refused(None, "", Refusal(1003, "Request could not be processed due to malformed syntax")))
            return
        try:
            if command.method not in ("subscribe", "unsubscribe"):
                raise Refusal(1200, "Unknown method")
            asked = [self._asked(command.params.stream, selector) for selector in command.params.selectors]
        except Refusal as refusal:
            self.feed.acknowledge(socket, [refused(command.id, command.method, refusal)])
            return
        if command.method == "subscribe":
            self._subscribe(socket, command, asked, t)
            return
        for selector in command.params.selectors:
            self.feed.leave(socket, key(command.params.stream, selector))
        result = {"stream": command.params.stream, "unsubs": command.params.selectors}
        self.feed.acknowledge(socket, [acknowledged(command, result)])

    def _asked(self, stream: str, selector: str) -> Listed:
        """The instrument of a selector. Raises `Refusal` (rule 2)."""
        event = self.feed.struck("refuse_topic", lambda e: wire.glob(e.topic, key(stream, selector), selector))
        if event is not None:
            raise Refusal(event.code or 3000, event.reason or "Instrument is invalid")
        if stream not in RATES:
            raise Refusal(1200, "Unknown stream")
        native, at, pace = selector.partition("@")
        rate, dash, depth = pace.partition("-")
        if not at or not rate.isdigit() or bool(dash) != (stream == BOOK):
            raise Refusal(1101, "Feed Format must be in the format of <primary>@<secondary>")
        row = self._rows.get(native)
        if row is None or row.status not in ("trading", "halted", "closed") or row.market != "perp":
            raise Refusal(3000, "Instrument is invalid")
        if int(rate) not in RATES[stream]:
            raise Refusal(3030, "Feed rate is invalid")
        if dash and (not depth.isdigit() or int(depth) not in DEPTHS):
            raise Refusal(3031, "Depth is invalid")
        return row

    def _subscribe(self, socket: Socket, command: Command, rows: Sequence[Listed], t: float) -> None:
        """Rules 3, 5 and 6."""
        stream, selectors = command.params.stream, command.params.selectors
        replaced: list[str] = []
        topics: list[Topic] = []
        for selector, row in zip(selectors, rows, strict=True):
            for topic in list(socket.topics.values()):
                if topic.row is row and topic.channel.startswith(f"{stream}@") and topic.name != selector:
                    replaced.append(topic.name)
                    self.feed.leave(socket, topic.key)
            channel = f"{stream}@{selector.partition('@')[2]}"
            topics.append(self.feed.follow(socket, key(stream, selector), selector, channel, row))
        pictures = [self._picture(topic, t) for topic in topics]
        result: dict[str, object] = {"stream": stream, "subs": selectors, "unsubs": replaced}
        if all(payload is not None for payload in pictures):
            latest = [topic.state.seq if isinstance(topic.state, Sent) else 0 for topic in topics]
            result["num_snapshots"] = [1] * len(topics)
            result["first_sequence_number"] = [str(seq + 1) for seq in latest]
            result["latest_sequence_number"] = [str(seq) for seq in latest]
        self.feed.acknowledge(socket, [acknowledged(command, result)])
        for topic, payload in zip(topics, pictures, strict=True):
            if payload is not None and not self.feed.frozen:
                socket.greet(topic, payload)

    def control(self, socket: Socket, t: float) -> None:
        """Protocol pings count as life, which the server has noted already."""

    def watch(self, socket: Socket, t: float) -> None:
        """Rule 7."""
        if t - socket.heard >= self.rules.of("grvt.idle_s", 600.0):
            socket.close(1000, "idle")

    def goodbye(self, socket: Socket, t: float) -> None:
        """It closes without a word."""

    # -- what is sent ----------------------------------------------------------------------------------------------

    def _picture(self, topic: Topic, t: float) -> bytes | None:
        """The first frame of a topic (number 0); None where there is nothing to show."""
        row, stream = topic.row, stream_of(topic)
        if row is None or row.status not in ("trading", "halted"):
            return None
        state = topic.state
        if not isinstance(state, Sent):
            state = topic.state = Sent(row.u % 10_000_000 + 1)
            if stream in (BOOK, BOOK_CHANGES):
                state.book = picture(row, self._levels)
            elif stream != TRADE:
                state.fields = self._fields(stream, row, t)
        if stream == TRADE:
            return frames.push(stream, topic.name, 0, 0, frames.trade(row, self.market, True, t))
        if stream in (BOOK, BOOK_CHANGES):
            return frames.push(stream, topic.name, 0, 0, self._book(topic, row, state))
        return frames.push(stream, topic.name, 0, 0, {"event_time": frames.nanos(t), **state.fields})

    def _book(self, topic: Topic, row: Listed, state: Sent) -> frames.Fields:
        depth = topic.name.partition("@")[2].partition("-")[2]
        return frames.book(row, state.book.bids, state.book.asks, state.book, int(depth) if depth else None)

    def _fields(self, stream: str, row: Listed, t: float) -> frames.Fields:
        make = frames.mini if stream in (MINI, MINI_CHANGES) else frames.ticker
        return make(row, self.market, t)

    def quoted(self, row: Listed, t: float) -> None:
        for channel, topic in list(row.topics.items()):
            if channel == f"{MINI_CHANGES}@0":
                self._change(topic, row, t)
            elif not channel.startswith(TRADE):
                self._moved.add(topic)

    def traded(self, row: Listed, buys: bool, t: float) -> None:
        for channel, topic in list(row.topics.items()):
            if channel.startswith(TRADE):
                self._say(topic, frames.trade(row, self.market, buys, t))

    def changed(self, row: Listed, t: float) -> None:
        """Nothing tells of a changed listing but the listing."""

    def _say(self, topic: Topic, feed: frames.Fields) -> None:
        """The next frame of a topic (rule 4)."""
        state = topic.state
        if isinstance(state, Sent):
            state.seq += 1
            self.feed.publish(topic, frames.push(stream_of(topic), topic.name, state.seq, state.seq - 1, feed))

    def _change(self, topic: Topic, row: Listed, t: float) -> None:
        """What has changed of a ticker."""
        state = topic.state
        if not isinstance(state, Sent) or row.status != "trading":
            return
        now = self._fields(stream_of(topic), row, t)
        changed = {name: value for name, value in now.items() if state.fields.get(name) != value}
        state.fields = now
        if changed:
            self._say(topic, {"event_time": frames.nanos(t), "instrument": row.native, **changed})

    def _pace(self, ms: int, t: float) -> None:
        """The frames of topics of one rate."""
        due = {topic for topic in self._moved if rate_of(topic) == ms}
        self._moved -= due
        for topic in due:
            row, state, stream = topic.row, topic.state, stream_of(topic)
            if row is None or not isinstance(state, Sent) or not topic.followed:
                continue
            if stream in (MINI_CHANGES, TICKER_CHANGES):
                self._change(topic, row, t)
            elif stream == BOOK_CHANGES:
                self._step(topic, row, state)
            elif stream == BOOK:
                state.book = picture(row, self._levels)
                self._say(topic, self._book(topic, row, state))
            else:
                self._say(topic, {"event_time": frames.nanos(t), **self._fields(stream, row, t)})

    def _step(self, topic: Topic, row: Listed, state: Sent) -> None:
        """The next change of a book."""
        old, state.book = state.book, picture(row, self._levels)
        bids, asks = changes(old.bids, state.book.bids), changes(old.asks, state.book.asks)
        self._say(topic, frames.book(row, bids, asks, state.book))

    def _marks(self, t: float) -> None:
        """Marks move although nobody quotes."""
        for topic in list(self.feed.topics.values()):
            row, stream = topic.row, stream_of(topic)
            if row is None or not topic.followed:
                continue
            if topic.channel == f"{MINI_CHANGES}@0":
                self._change(topic, row, t)
            elif stream not in (TRADE, BOOK, BOOK_CHANGES) and row.status == "trading":
                self._moved.add(topic)

    def _rest(self, t: float) -> None:
        """Rule 4: a book in which nothing has moved."""
        for topic in list(self.feed.topics.values()):
            state, row = topic.state, topic.row
            if stream_of(topic) == BOOK_CHANGES and topic.followed and row is not None and isinstance(state, Sent):
                resting = state.book.u == row.u and row.status == "trading"
                if resting:
                    self._say(topic, {"event_time": frames.nanos(t), "instrument": row.native, "bids": [], "asks": []})

    # -- blasting --------------------------------------------------------------------------------------------------

    def blasts(self, socket: Socket) -> Sequence[tuple[str, Listed]]:
        wanted = (MINI, MINI_CHANGES, TRADE)
        return [(t.channel, t.row) for t in socket.topics.values() if t.row is not None and stream_of(t) in wanted]

    def blast(self, channel: str, row: Listed, u: str, ms: str) -> bytes:
        """A delta's number must follow the one before, so those of that stream are blasted as pictures (number 0),
        with `u` where deltas name the number before."""
        stream, _, rate = channel.partition("@")
        selector, t, time = f"{row.native}@{rate}", row.ms / 1000, f"{ms}{frames.NS}"
        if stream == TRADE:
            return frames.push(stream, selector, u, 0, frames.trade(row, self.market, bool(row.bid & 1), t, u, time))
        feed = {"event_time": time, **frames.mini(row, self.market, t)}
        return frames.push(stream, selector, u if stream == MINI else 0, 0 if stream == MINI else u, feed)


def key(stream: str, selector: str) -> str:
    return f"{DATA}/{stream}/{selector}"


def stream_of(topic: Topic) -> str:
    return topic.channel.partition("@")[0]


def rate_of(topic: Topic) -> int:
    return int(topic.channel.partition("@")[2].partition("-")[0])


def acknowledged(command: Command, result: object) -> bytes:
    return msgspec.json.encode({"jsonrpc": "2.0", "result": result, "id": command.id, "method": command.method})


def refused(number: int | None, method: str, refusal: Refusal) -> bytes:
    error = {"code": refusal.code, "message": refusal.text}
    return msgspec.json.encode({"jsonrpc": "2.0", "error": error, "id": number, "method": method})
