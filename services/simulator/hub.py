"""Topics, the sockets that follow them, and the way of a frame from its rendering to the transports.

A frame is rendered once per topic and form and its bytes are shared by all its subscribers. Sockets gather frames in
a list that is written out once per turn. Faults act here, on the last step, so that they hit whatever is sent.
"""

import asyncio
from collections import Counter, deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from fnmatch import fnmatchcase
from random import Random

from services.simulator import wire
from services.simulator.listing import Listed
from services.simulator.scenario import Event

#: a client that leaves this much unread is cut off, as venues do with slow readers
WRITE_LIMIT = 32 << 20
#: kinds of events that meddle with single frames
MEDDLING = frozenset({"stall", "drop", "duplicate", "truncate"})


class Topic:
    """One subscribable stream. `key` names it uniquely in the whole simulator; `name` is what frames call it.

    `opcode` is that of its frames, text or binary. A venue that sends the same stream in both has two topics.
    """

    __slots__ = ("channel", "key", "name", "opcode", "plain", "row", "sent", "state", "wrapped")

    def __init__(self, key: str, name: str, channel: str, row: Listed | None, opcode: int = wire.TEXT) -> None:
        self.key, self.name, self.channel, self.row, self.opcode = key, name, channel, row, opcode
        self.plain: set[Socket] = set()
        self.wrapped: set[Socket] = set()
        self.sent = 0
        #: what the exchange remembers between frames of this topic: the last price, a book
        self.state: object = None

    @property
    def followed(self) -> bool:
        return bool(self.plain or self.wrapped)


@dataclass(slots=True)
class Fault:
    """An event that is on, with the number of times it may still strike."""

    event: Event
    left: int | None

    def strikes(self, rng: Random) -> bool:
        """Whether it strikes this time; counts down."""
        if self.left == 0 or (self.event.share < 1.0 and rng.random() >= self.event.share):
            return False
        if self.left is not None:
            self.left -= 1
        return True


class Socket:
    """One WebSocket connection as an exchange sees it."""

    def __init__(
        self, feed: "Feed", endpoint: str, transport: asyncio.WriteTransport, number: int, opened: float
    ) -> None:
        self.feed, self.endpoint, self.transport = feed, endpoint, transport
        self.number, self.opened = number, opened
        self.wrapped = False
        self.topics: dict[str, Topic] = {}
        #: names that were accepted although nothing will ever come of them
        self.silent: set[str] = set()
        self.sent = 0
        #: set while the transport takes more
        self.room = asyncio.Event()
        self.room.set()
        self.closing = False
        #: stamps of the client's messages, for the rate rules
        self.messages: deque[float] = deque()
        self.requests: deque[float] = deque()
        self.heard = self.spoke = self.ponged = self.pinged = opened
        self._out: list[bytes] = []

    def deliver(self, topic: Topic, framed: bytes) -> None:
        """A data frame, through the faults that are on."""
        if self.feed.meddling:
            for changed in self.feed.meddle(topic, framed):
                self._send(topic, changed)
        else:
            self._send(topic, framed)

    def greet(self, topic: Topic, payload: bytes) -> None:
        """A data frame to this socket alone, as the first of a topic."""
        self.deliver(topic, wire.frame(payload, topic.opcode))

    def _send(self, topic: Topic, framed: bytes) -> None:
        feed = self.feed
        topic.sent += 1
        feed.frames += 1
        self.sent += 1
        feed.kept.append((topic.key, self.number, framed))
        self.put(framed)

    def say(self, payload: bytes, opcode: int = wire.TEXT) -> None:
        """A control answer: an acknowledgement, an error, a pong."""
        if not self.feed.stalled:
            self.put(wire.frame(payload, opcode))

    def put(self, framed: bytes) -> None:
        if self.closing:
            return
        if not self._out:
            self.feed.dirty.append(self)
        self._out.append(framed)

    def flush(self, now: float) -> None:
        if self._out and not self.transport.is_closing():
            self.transport.write(b"".join(self._out))
            self.spoke = now
            if self.transport.get_write_buffer_size() > WRITE_LIMIT:
                self.feed.counts["slow_readers_cut"] += 1
                self.abort()
        self._out.clear()

    def close(self, code: int, reason: str = "") -> None:
        """Says goodbye and hangs up."""
        if self.closing:
            return
        self.put(wire.close_frame(code, reason))
        self.closing = True
        self.feed.counts[f"closed_{code}"] += 1

    def abort(self) -> None:
        """Hangs up without a word."""
        self.closing = True
        self.feed.counts["aborted"] += 1
        self.transport.abort()


class Feed:
    """What one venue sends: its topics, its sockets, its faults, its counters."""

    def __init__(self, venue: str, keep: int, seed: int) -> None:
        self.venue = venue
        self.topics: dict[str, Topic] = {}
        self.sockets: set[Socket] = set()
        self.dirty: list[Socket] = []
        self.frames = 0
        self.counts: Counter[str] = Counter()
        self.rest: Counter[str] = Counter()
        self.kept: deque[tuple[str, int, bytes]] = deque(maxlen=keep)
        self.faults: list[Fault] = []
        self.meddling: list[Fault] = []
        self.stalled = False
        self.frozen = False
        self.opened = 0
        #: (due, what to do) in epoch seconds, carried out by the driver
        self.due: list[tuple[float, Callable[[], object]]] = []
        self.now = 0.0
        self._rng = Random(seed)

    def later(self, delay_s: float, act: Callable[[], object]) -> None:
        self.due.append((self.now + delay_s, act))

    def run_due(self, t: float) -> None:
        """Does what has come due by `t`."""
        self.now = t
        ready = [act for due, act in self.due if due <= t]
        if ready:
            self.due = [(due, act) for due, act in self.due if due > t]
            for act in ready:
                act()

    # -- topics ----------------------------------------------------------------------------------------------------

    def follow(
        self, socket: Socket, key: str, name: str, channel: str, row: Listed | None, opcode: int = wire.TEXT
    ) -> Topic:
        """Subscribes a socket. The exchange finds an instrument's topics in `row.topics`, by channel."""
        topic = self.topics.get(key)
        if topic is None:
            topic = self.topics[key] = Topic(key, name, channel, row, opcode)
        (topic.wrapped if socket.wrapped else topic.plain).add(socket)
        socket.topics[key] = topic
        if row is not None:
            row.topics[channel] = topic
        return topic

    def leave(self, socket: Socket, key: str) -> None:
        topic = socket.topics.pop(key, None)
        if topic is None:
            return
        topic.plain.discard(socket)
        topic.wrapped.discard(socket)
        if not topic.followed:
            topic.state = None
            if topic.row is not None:
                topic.row.topics.pop(topic.channel, None)

    def wrap(self, socket: Socket, wrapped: bool) -> None:
        """Switches a socket between raw and combined frames, its topics with it."""
        socket.wrapped = wrapped
        for topic in socket.topics.values():
            (topic.plain if wrapped else topic.wrapped).discard(socket)
            (topic.wrapped if wrapped else topic.plain).add(socket)

    def followed(self, channel: str) -> Iterable[Topic]:
        """The topics of a channel that somebody follows."""
        return [topic for topic in self.topics.values() if topic.channel == channel and topic.followed]

    def forget(self, socket: Socket) -> None:
        for key in list(socket.topics):
            self.leave(socket, key)
        self.sockets.discard(socket)

    def publish(self, topic: Topic, payload: bytes) -> None:
        """Sends one frame's payload to all who follow the topic, in the form each asked for."""
        if self.frozen:
            return
        if topic.plain:
            framed = wire.frame(payload, topic.opcode)
            for socket in topic.plain:
                socket.deliver(topic, framed)
        if topic.wrapped:
            framed = wire.frame(b'{"stream":"%b","data":%b}' % (topic.name.encode(), payload))
            for socket in topic.wrapped:
                socket.deliver(topic, framed)

    def flush(self, now: float) -> None:
        dirty, self.dirty = self.dirty, []
        for socket in dirty:
            socket.flush(now)
            if socket.closing and not socket.transport.is_closing():
                socket.transport.close()

    # -- faults ----------------------------------------------------------------------------------------------------

    def take(self, events: list[Event]) -> None:
        """The events that are on for this venue from now; counts of those that stay on go on."""
        before = {id(fault.event): fault for fault in self.faults}
        self.faults = [before.get(id(event)) or Fault(event, event.count) for event in events]
        self.meddling = [fault for fault in self.faults if fault.event.kind in MEDDLING]
        self.stalled = any(fault.event.kind == "stall" and fault.event.topic == "*" for fault in self.faults)
        self.frozen = any(fault.event.kind == "freeze" for fault in self.faults)

    def struck(self, kind: str, match: Callable[[Event], bool] = lambda event: True) -> Event | None:
        """The first fault of the kind that strikes now, counted down."""
        for fault in self.faults:
            if fault.event.kind == kind and match(fault.event) and fault.strikes(self._rng):
                self.counts[f"fault_{kind}"] += 1
                return fault.event
        return None

    def acknowledge(self, socket: Socket, payloads: list[bytes]) -> None:
        """Answers a request: now, late or never, as the faults have it."""
        if self.struck("no_ack") is not None:
            return
        late = self.struck("slow_ack")

        def answer() -> None:
            for payload in payloads:
                socket.say(payload)

        if late is None:
            answer()
        else:
            self.later(late.delay_ms / 1000, answer)

    def meddle(self, topic: Topic, framed: bytes) -> list[bytes]:
        """What becomes of a frame under the faults that are on."""
        for fault in self.meddling:
            kind = fault.event.kind
            if not fnmatchcase(topic.key, fault.event.topic) or not fault.strikes(self._rng):
                continue
            self.counts[f"fault_{kind}"] += 1
            if kind in ("stall", "drop"):
                return []
            if kind == "duplicate":
                return [framed, framed]
            payload = wire.payload_of(framed)
            return [wire.frame(payload[: len(payload) // 2], framed[0])]
        return [framed]
