"""Blasts: frames rendered beforehand and written as fast as the client reads, or evenly at a rate.

Each frame carries its number: the sequence field (`u`, `seqId`, or a trade's id) is 900,000,000,000,000 + n, n going on
over all sockets and blasts, and the table of stamps says when frame n was handed to the socket. A pool of a thousand
frames a chunk is rendered once; what changes from use to use (the chunk's number, the time in ms) has a fixed width,
so one `replace` over the whole chunk makes it new without touching the frames' lengths. In binary frames the places of
both are found once, by values that stand for them, and written to.
"""

import asyncio
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from random import Random
from struct import Struct

import msgspec

from services.simulator import wire
from services.simulator.exchange import Exchange
from services.simulator.hub import Socket, Topic
from services.simulator.listing import Listed
from services.simulator.market import Market
from services.simulator.options import OptionError

BASE = 900_000_000_000_000
CHUNK = 1000
_NUMBER = b"#" * 11
_TIME = b"@" * 13
_INT64 = Struct("<q")
#: what stands for the chunk's number and the time in binary frames, and what times may be counted in per ms
_BINARY_NUMBER = b"9" * 11
_BINARY_TIME = b"8" * 13
_SCALES = (1, 1000, 1_000_000)
MAX_FRAMES = 100_000_000
MAX_SECONDS = 600.0
#: a socket takes so many frames in one paced write at most; what is overdue beyond is sent at the next turn
PACED_BATCH = 5000
TICK_S = 0.001


class Order(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """What to blast: `frames` or `seconds` (whichever ends first), at `rate` a second (0: as fast as it is read).

    `trades` is the share of trade frames where sockets follow trades; `chunks` is the pool, in thousands of frames;
    `market` leaves all but this market's topics out.
    """

    venue: str
    frames: int = MAX_FRAMES
    seconds: float = MAX_SECONDS
    rate: float = 0.0
    trades: float = 0.2
    chunks: int = 20
    market: str = ""


@dataclass(frozen=True, slots=True)
class Mark:
    """A place in a binary frame: the number of the frame, or (`scale` above 0) so many times the time in ms."""

    at: int
    scale: int

    def write(self, data: bytearray, offset: int, number: int, ms: int) -> None:
        _INT64.pack_into(data, offset + self.at, ms * self.scale if self.scale else BASE + number)


def marks(payload: bytes, number: int) -> tuple[Mark, ...]:
    """Where a binary frame that was made with the values that stand for them has its number and its times."""
    wanted = [(_INT64.pack(BASE + number), 0)] + [(_INT64.pack(int(_BINARY_TIME) * scale), scale) for scale in _SCALES]
    return tuple(
        Mark(at, scale) for value, scale in wanted for at in range(len(payload) - 7) if payload.startswith(value, at)
    )


@dataclass(slots=True)
class Chunk:
    """A thousand framed templates of one socket. `marks`: of each frame, empty for text."""

    frames: list[bytes]
    topics: list[Topic]
    marks: list[tuple[Mark, ...]]
    whole: bytes = b""
    counts: Counter[Topic] = field(default_factory=Counter)
    binary: bool = False

    def __post_init__(self) -> None:
        self.whole = b"".join(self.frames)
        self.counts = Counter(self.topics)
        self.binary = any(self.marks)

    def fresh(self, number: int, first: int = 0, end: int = CHUNK) -> bytes:
        """Frames `first` to `end` as those of the chunk of this number, now."""
        template = self.whole if end - first == CHUNK else b"".join(self.frames[first:end])
        ms = time.time_ns() // 1_000_000
        data = template.replace(_NUMBER, b"%011d" % number).replace(_TIME, b"%013d" % ms)
        if not self.binary:
            return data
        patched, offset = bytearray(data), 0
        for n in range(first, end):
            for mark in self.marks[n]:
                mark.write(patched, offset, number * CHUNK + n, ms)
            offset += len(self.frames[n])
        return bytes(patched)


@dataclass(slots=True)
class Lane:
    """One socket's share of a blast."""

    socket: Socket
    share: float
    pool: list[Chunk] = field(default_factory=list)
    sent: int = 0


class Blast:
    """One blast, from its order to its table of stamps."""

    def __init__(self, order: Order, exchange: Exchange, market: Market, seed: int, first: int = 0) -> None:
        """`first`: the number of the first frame, a whole multiple of CHUNK."""
        self.order, self._exchange, self._market = order, exchange, market
        self._rng = Random(seed)
        self.lanes = self._plan()
        self.first = self.sent = first
        self.state = "rendering"
        #: (number of the first frame, frames, CLOCK_MONOTONIC ns, epoch ns) of each write
        self.stamps: list[tuple[int, int, int, int]] = []
        self.started_ns = self.ended_ns = 0
        self.cpu_s = 0.0

    def _plan(self) -> list[Lane]:
        """Sockets with something to blast, and what part of the frames each gets."""
        quotes: dict[Socket, int] = {}
        trades: dict[Socket, int] = {}
        for socket in self._exchange.feed.sockets:
            for channel, _ in self._wanted(socket):
                which = trades if "rade" in channel else quotes
                which[socket] = which.get(socket, 0) + 1
        part = 0.0 if not trades else 1.0 if not quotes else self.order.trades
        lanes = []
        for socket in sorted({*quotes, *trades}, key=lambda each: each.number):
            share = (1.0 - part) * quotes.get(socket, 0) / max(1, sum(quotes.values()))
            share += part * trades.get(socket, 0) / max(1, sum(trades.values()))
            if share > 0:
                lanes.append(Lane(socket, share))
        if not lanes:
            raise OptionError("no socket follows quotes or trades, so there is nothing to blast")
        return lanes

    async def run(self) -> None:
        """Renders, then sends until the order is done or no socket is left."""
        for lane in self.lanes:
            topics = self._topics(lane.socket)
            for _ in range(max(1, round(self.order.chunks * lane.share))):
                lane.pool.append(self._render(lane.socket, topics))
                await asyncio.sleep(0)
        self.state = "sending"
        cpu = time.process_time()
        self.started_ns = time.monotonic_ns()
        try:
            if self.order.rate > 0:
                await self._paced()
            else:
                await asyncio.gather(*(self._flat_out(lane) for lane in self.lanes))
        finally:
            self.ended_ns = time.monotonic_ns()
            self.cpu_s = time.process_time() - cpu
            self.state = "done"

    # -- rendering -------------------------------------------------------------------------------------------------

    def _wanted(self, socket: Socket) -> list[tuple[str, Listed]]:
        """The (channel, instrument) pairs of a socket that the order asks for."""
        market = self.order.market
        return [pair for pair in self._exchange.blasts(socket) if not market or pair[1].market == market]

    def _topics(self, socket: Socket) -> tuple[list[tuple[Topic, Listed]], list[float]]:
        """What a chunk is drawn from, with chances that keep the share of trades."""
        pairs = [(topic, topic.row) for topic in socket.topics.values() if topic.row is not None]
        wanted = set(self._wanted(socket))
        pairs = [(topic, row) for topic, row in pairs if (topic.channel, row) in wanted]
        trades = sum("rade" in topic.channel for topic, _ in pairs)
        part = self.order.trades if 0 < trades < len(pairs) else 0.5
        chances = [
            part / trades if "rade" in topic.channel else (1.0 - part) / (len(pairs) - trades) for topic, _ in pairs
        ]
        return pairs, chances

    def _render(self, socket: Socket, topics: tuple[list[tuple[Topic, Listed]], list[float]]) -> Chunk:
        frames: list[bytes] = []
        drawn: list[Topic] = []
        places: list[tuple[Mark, ...]] = []
        t = time.time()
        for n, (topic, row) in enumerate(self._rng.choices(topics[0], weights=topics[1], k=CHUNK)):
            self._market.requote(row, t + n * 0.05, self._rng)
            self._market.trade(row, self._rng)
            binary = topic.opcode == wire.BINARY
            chunk, ms = (_BINARY_NUMBER, _BINARY_TIME) if binary else (_NUMBER, _TIME)
            payload = self._exchange.blast(topic.channel, row, f"9{chunk.decode()}{n:03d}", ms.decode())
            if socket.wrapped:
                payload = b'{"stream":"%b","data":%b}' % (topic.name.encode(), payload)
            framed = wire.frame(payload, topic.opcode)
            frames.append(framed)
            drawn.append(topic)
            places.append(marks(framed, int(_BINARY_NUMBER) * CHUNK + n) if binary else ())
        return Chunk(frames, drawn, places)

    # -- sending ---------------------------------------------------------------------------------------------------

    async def _flat_out(self, lane: Lane) -> None:
        """Whole chunks, as long as the socket takes them."""
        quota = round(self.order.frames * lane.share)
        end = time.monotonic() + self.order.seconds
        turn = 0
        while lane.sent < quota and time.monotonic() < end and not lane.socket.closing:
            await lane.socket.room.wait()
            chunk = lane.pool[turn % len(lane.pool)]
            turn += 1
            count = min(CHUNK, quota - lane.sent)
            first = self.sent
            # a lane's last chunk may be cut short: the numbers of its missing frames are left out
            self.sent = first + CHUNK
            self._write(lane, chunk.fresh(first // CHUNK, 0, count), first, count)
            for topic, frames in (chunk.counts if count == CHUNK else Counter(chunk.topics[:count])).items():
                topic.sent += frames
            await asyncio.sleep(0)

    async def _paced(self) -> None:
        """Evenly at the rate: at each tick what has come due, split over the sockets by their share."""
        start = time.monotonic()
        end = start + self.order.seconds
        credit = [0.0] * len(self.lanes)
        offered = 0
        while self.sent - self.first < self.order.frames and (now := time.monotonic()) < end:
            lanes = [lane for lane in self.lanes if not lane.socket.closing]
            if not lanes:
                return
            left = self.order.frames - (self.sent - self.first)
            due = min(int((now - start) * self.order.rate) - offered, left, PACED_BATCH)
            offered += max(0, due)
            for place, lane in enumerate(self.lanes):
                credit[place] += max(0, due) * lane.share
                count = int(credit[place] + 1e-9)
                credit[place] -= count
                if count and lane in lanes:
                    self._write_singly(lane, count)
            await asyncio.sleep(TICK_S)

    def _write_singly(self, lane: Lane, count: int) -> None:
        first = self.sent
        self.sent += count
        pieces = []
        for n in range(first, first + count):
            chunk = lane.pool[n // CHUNK % len(lane.pool)]
            chunk.topics[n % CHUNK].sent += 1
            pieces.append(chunk.fresh(n // CHUNK, n % CHUNK, n % CHUNK + 1))
        self._write(lane, b"".join(pieces), first, count)

    def _write(self, lane: Lane, data: bytes, first: int, count: int) -> None:
        socket = lane.socket
        self.stamps.append((first, count, time.monotonic_ns(), time.time_ns()))
        socket.transport.write(data)
        lane.sent += count
        socket.sent += count
        socket.feed.frames += count
        socket.feed.counts["blasted"] += count

    # -- reports ---------------------------------------------------------------------------------------------------

    def report(self) -> dict[str, object]:
        """How far it is, and how fast it was."""
        ended = self.ended_ns or time.monotonic_ns()
        elapsed = (ended - self.started_ns) / 1e9 if self.started_ns else 0.0
        sent = sum(lane.sent for lane in self.lanes)
        return {
            "state": self.state,
            "sent": sent,
            "elapsed_s": elapsed,
            "frames_per_s": sent / elapsed if elapsed else 0.0,
            "cpu_s": self.cpu_s,
            "sockets": {lane.socket.number: lane.sent for lane in self.lanes},
            "started_mono_ns": self.started_ns,
            "ended_mono_ns": self.ended_ns,
        }

    def table(self, after: int = -1) -> dict[str, object]:
        """The stamps of the writes whose first frame comes after number `after`."""
        rows: Sequence[tuple[int, int, int, int]] = [row for row in self.stamps if row[0] > after]
        return {"base": BASE, "columns": ["first", "frames", "mono_ns", "epoch_ns"], "stamps": rows}
