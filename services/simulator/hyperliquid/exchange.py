"""Hyperliquid as a client meets it: one host, `/info` and `/ws`, subscriptions, limits, pings.

The rules, as of 2026:
1. One subscription a frame; its answer fills in what was left out. Twice the same, or none to end, is an error text.
2. What cannot be read is answered with an error that repeats it; the socket stays open.
3. A coin that is not listed, in another case or without its exchange, and impossible digits of a book: the socket is
   cut a tenth of a second later without a word.
4. The client pings; a socket that the exchange has sent nothing for 60 s is cut.
5. 10 connections, 30 new ones a minute, 1,000 subscriptions and 2,000 frames a minute, of an address together.
6. `bbo` comes when it changes, never first; `trades` begin with those of the last 20 s; books are whole, each half
   second (5 levels) or each 5.4 s (20), changed or not.
7. Contexts of everything by place each 13.6 s; marks and mids of everything each second, what changed, compressed.
"""

from collections import deque
from collections.abc import Callable, Sequence

import msgspec

from services.simulator import wire
from services.simulator.book import picture
from services.simulator.exchange import World
from services.simulator.hub import Socket, Topic
from services.simulator.hyperliquid import frames
from services.simulator.hyperliquid.listing import DEXES
from services.simulator.hyperliquid.rest import Bodies
from services.simulator.listing import Listed
from services.simulator.wire import Reply, Request

MAIN = "api.hyperliquid.xyz"
HOSTS = frozenset({MAIN, "api.hyperliquid-testnet.xyz"})
OF_COINS = frozenset({"bbo", "trades", "l2Book", "activeAssetCtx"})
OF_ALL = frozenset({"allDexsAssetCtxs", "fastAssetCtxs", "allMids"})
#: the slow books' name among an instrument's channels
DEEP_BOOK = "l2Book20"
CUT_S = 0.1
REPLAYED_MS = 20_000
PONG = b'{"channel":"pong"}'
Sent = dict[str, tuple[str | None, str | None]]


class Subscription(msgspec.Struct, omit_defaults=True):
    type: str
    coin: str | None = None
    dex: str | None = None
    nSigFigs: int | None = None  # noqa: N815 - the venue's name
    mantissa: int | None = None
    fast: bool = False


class Command(msgspec.Struct):
    """A client's message."""

    method: str
    subscription: Subscription | None = None


class Hyperliquid:
    """The public side of the exchange."""

    name = "hyperliquid"

    def __init__(self, world: World) -> None:
        self.feed, self.market, self.rules = world.feed, world.market, world.options.rules
        self._rows = list(world.rows)
        self._by_name = {row.native: row for row in self._rows}
        self._prints: dict[Listed, deque[tuple[int, str]]] = {}
        self._attempts: deque[float] = deque()
        self._messages: deque[float] = deque()
        weight = self.rules.of("hyperliquid.weight", 1200)
        self._bodies = Bodies(self._rows, self.market, weight, lambda row: [p for _, p in self._prints.get(row, ())])
        self.paces: Sequence[tuple[float, Callable[[float], None]]] = (
            (self.rules.of("hyperliquid.fast_s", 0.54), lambda t: self._books("l2Book", frames.FAST, t)),
            (self.rules.of("hyperliquid.slow_s", 5.4), lambda t: self._books(DEEP_BOOK, frames.DEEP, t)),
            (1.0, self._every_second),
            (5.0, self._mids),
            (self.rules.of("hyperliquid.contexts_s", 13.6), self._contexts),
        )

    # -- REST and handshakes ---------------------------------------------------------------------------------------

    def answer(self, request: Request, t: float) -> Reply:
        if request.path != "/info":
            return Reply(b"{}", 404)
        if request.method != "POST":
            return Reply(b"", 405)
        return self._bodies.answer(request.body, t)

    def accept(self, request: Request, t: float) -> str | Reply:
        """Rule 5."""
        if request.path != "/ws":
            return Reply(b"{}", 404)
        while self._attempts and self._attempts[0] <= t - 60.0:
            self._attempts.popleft()
        self._attempts.append(t)
        many = len(self._attempts) > self.rules.of("hyperliquid.connects", 30)
        full = len(self.feed.sockets) >= self.rules.of("hyperliquid.connections", 10)
        return Reply(b"{}", 429) if (many or full) and self.rules.enforce_connects else "ws"

    def opened(self, socket: Socket, request: Request, t: float) -> None:
        """Nothing to do: everything is asked for by messages."""

    # -- messages --------------------------------------------------------------------------------------------------

    def received(self, socket: Socket, text: str, t: float) -> None:
        if not self._in_budget(t):
            self._fail(socket, "Too many messages sent")
            return
        try:
            command = msgspec.json.decode(text, type=Command)
        except (msgspec.DecodeError, UnicodeEncodeError):
            command = None
        if command is not None and command.method == "ping":
            socket.say(PONG)
            return
        asked = command.subscription if command is not None else None
        if command is None or asked is None or command.method not in ("subscribe", "unsubscribe") or not known(asked):
            self._fail(socket, f"Error parsing JSON into valid websocket request: {text}")
        elif self._impossible(asked):
            self._cut(socket)
        elif command.method == "subscribe":
            self._subscribe(socket, asked, t)
        else:
            self._unsubscribe(socket, asked)

    def _in_budget(self, t: float) -> bool:
        """Rule 5."""
        stamps = self._messages
        while stamps and stamps[0] <= t - 60.0:
            stamps.popleft()
        stamps.append(t)
        return len(stamps) <= self.rules.of("hyperliquid.messages", 2000)

    def _impossible(self, asked: Subscription) -> bool:
        """Rule 3."""
        if asked.type == "l2Book":
            digits, mantissa = asked.nSigFigs, asked.mantissa
            if digits not in (None, 2, 3, 4, 5) or (
                mantissa is not None and (digits != 5 or mantissa not in (1, 2, 5))
            ):
                return True
        if asked.type not in OF_COINS:
            return False
        row = self._by_name.get(asked.coin or "")
        return row is None or row.status == "unlisted"

    def _cut(self, socket: Socket) -> None:
        self.feed.later(CUT_S, socket.abort)

    def _subscribe(self, socket: Socket, asked: Subscription, t: float) -> None:
        """Rule 1."""
        key = key_of(asked)
        if self.feed.struck("refuse_topic", lambda event: wire.glob(event.topic, key)) is not None:
            self._cut(socket)
            return
        if key in socket.topics:
            self._fail(socket, f"Already subscribed: {filled(asked)}")
            return
        most = self.rules.of("hyperliquid.subscriptions", 1000)
        if sum(len(each.topics) for each in self.feed.sockets) >= most:
            self._fail(socket, f"Cannot subscribe to more than {most:.0f} channels: {filled(asked)}")
            return
        name = asked.coin or asked.dex or ""
        topic = self.feed.follow(socket, key, name, channel_of(asked), self._by_name.get(asked.coin or ""))
        self.feed.acknowledge(socket, [acknowledged("subscribe", asked)])
        first = self._first(topic, t)
        if first is not None and not self.feed.frozen:
            socket.greet(topic, first)

    def _unsubscribe(self, socket: Socket, asked: Subscription) -> None:
        key = key_of(asked)
        if key not in socket.topics:
            self._fail(socket, f"Already unsubscribed: {filled(asked)}")
            return
        self.feed.leave(socket, key)
        self.feed.acknowledge(socket, [acknowledged("unsubscribe", asked)])

    @staticmethod
    def _fail(socket: Socket, text: str) -> None:
        socket.say(msgspec.json.encode({"channel": "error", "data": text}))

    def control(self, socket: Socket, t: float) -> None:
        """Protocol pings mean nothing here."""

    def watch(self, socket: Socket, t: float) -> None:
        """Rule 4."""
        if t - socket.spoke >= self.rules.of("hyperliquid.silent_s", 60.0):
            socket.abort()

    def goodbye(self, socket: Socket, t: float) -> None:
        """The venue announces nothing."""

    # -- what is sent ----------------------------------------------------------------------------------------------

    def _first(self, topic: Topic, t: float) -> bytes | None:
        """What a newcomer gets at once (rule 6)."""
        row = topic.row
        match topic.channel:
            case "fastAssetCtxs":
                return frames.compressed(fields(self._fast(t)))
            case "allDexsAssetCtxs":
                return self._all_contexts(t)
        if row is None:
            return None
        match topic.channel:
            case "trades":
                recent = [text for ms, text in self._prints.get(row, ()) if ms >= t * 1000 - REPLAYED_MS]
                return frames.trades(recent) if recent else None
            case "l2Book":
                return pushed(frames.book(row, picture(row, frames.FAST), frames.FAST, t))
            case "l2Book20":
                return pushed(frames.book(row, picture(row, frames.DEEP), frames.DEEP, t))
            case "activeAssetCtx":
                return frames.active(row, self.market, t)
        return None

    def quoted(self, row: Listed, t: float) -> None:
        topic = row.topics.get("bbo")
        if topic is not None:
            self.feed.publish(topic, frames.bbo(row))

    def traded(self, row: Listed, buys: bool, t: float) -> None:
        one = frames.trade(row, buys)
        self._prints.setdefault(row, deque(maxlen=50)).append((row.ms, one))
        topic = row.topics.get("trades")
        if topic is not None:
            self.feed.publish(topic, frames.trades([one]))

    def changed(self, row: Listed, t: float) -> None:
        """Nothing is pushed: a listing is asked for."""

    def _books(self, channel: str, most: int, t: float) -> None:
        for topic in self.feed.followed(channel):
            if topic.row is not None:
                self.feed.publish(topic, pushed(frames.book(topic.row, picture(topic.row, most), most, t)))

    def _every_second(self, t: float) -> None:
        for topic in self.feed.followed("activeAssetCtx"):
            if topic.row is not None:
                self.feed.publish(topic, frames.active(topic.row, self.market, t))
        for topic in self.feed.followed("fastAssetCtxs"):
            before: Sent = topic.state if isinstance(topic.state, dict) else {}
            now = self._fast(t)
            topic.state = now
            self.feed.publish(topic, frames.compressed(fields(now, before)))

    def _fast(self, t: float) -> Sent:
        here = [row for row in self._rows if row.status != "unlisted"]
        return {row.native: (frames.mark(row, self.market, t), frames.mid(row)) for row in here}

    def _mids(self, t: float) -> None:
        for topic in self.feed.followed("allMids"):
            rows = [row for row in self._rows if row.native.startswith(f"{topic.name}:")] if topic.name else self._rows
            mids = {row.native: middle for row in rows if (middle := frames.mid(row)) is not None}
            data: dict[str, object] = {"mids": mids} | ({"dex": topic.name} if topic.name else {})
            self.feed.publish(topic, msgspec.json.encode({"channel": "allMids", "data": data}))

    def _contexts(self, t: float) -> None:
        for topic in self.feed.followed("allDexsAssetCtxs"):
            self.feed.publish(topic, self._all_contexts(t))

    def _all_contexts(self, t: float) -> bytes:
        """Rule 7."""
        data = {"ctxs": [[dex, self._bodies.contexts(dex, t)] for dex in DEXES]}
        return msgspec.json.encode({"channel": "allDexsAssetCtxs", "data": data})

    # -- blasts ----------------------------------------------------------------------------------------------------

    def blasts(self, socket: Socket) -> Sequence[tuple[str, Listed]]:
        found = [(topic.channel, topic.row) for topic in socket.topics.values() if topic.channel in ("bbo", "trades")]
        return [(channel, row) for channel, row in found if row is not None]

    def blast(self, channel: str, row: Listed, u: str, ms: str) -> bytes:
        return frames.bbo(row, u, ms) if channel == "bbo" else frames.trades([frames.trade(row, True, u, ms)])


def known(asked: Subscription) -> bool:
    """Rule 2: whether such a subscription exists."""
    return asked.type in OF_ALL or (asked.type in OF_COINS and asked.coin is not None)


def channel_of(asked: Subscription) -> str:
    return DEEP_BOOK if asked.type == "l2Book" and not asked.fast else asked.type


def key_of(asked: Subscription) -> str:
    """The topic's key; two forms of a coin's book are two."""
    name = asked.coin or asked.dex
    text = f"{MAIN}/ws/{channel_of(asked)}" + (f":{name}" if name else "")
    return text + (f"/{asked.nSigFigs}/{asked.mantissa}" if asked.nSigFigs is not None else "")


def described(asked: Subscription) -> dict[str, object]:
    """A subscription with what was left out."""
    made: dict[str, object] = {"type": asked.type}
    if asked.coin is not None:
        made["coin"] = asked.coin
    if asked.dex is not None:
        made["dex"] = asked.dex
    if asked.type == "l2Book":
        made |= {"nSigFigs": asked.nSigFigs, "mantissa": asked.mantissa, "fast": asked.fast}
    return made


def filled(asked: Subscription) -> str:
    return msgspec.json.encode(described(asked)).decode()


def acknowledged(method: str, asked: Subscription) -> bytes:
    data = {"method": method, "subscription": described(asked)}
    return msgspec.json.encode({"channel": "subscriptionResponse", "data": data})


def pushed(book: str) -> bytes:
    return f'{{"channel":"l2Book","data":{book}}}'.encode()


def fields(now: Sent, before: Sent | None = None) -> dict[str, dict[str, str | None]]:
    """What changed of marks and mids, by coin; everything where nothing was sent before."""
    changed: dict[str, dict[str, str | None]] = {}
    for coin, values in now.items():
        old = (before or {}).get(coin, (None, None))
        pairs = zip(("markPx", "midPx"), values, old, strict=True)
        new = {name: value for name, value, was in pairs if value != was}
        if new:
            changed[coin] = new
    return changed
