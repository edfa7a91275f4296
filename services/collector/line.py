"""One line of the plan, kept connected: dial, back off, roll over. One task a line, none a message.

The theory: a line always tries to have one proven connection for its topics. A lost one is replaced after a jittered
wait that starts anew once a connection has brought data. One that is to be rolled over stays until its successor has
proven all topics and a moment longer, so that frames under way on the old socket still arrive.
"""

import asyncio
import ssl
from collections.abc import Callable, Coroutine, Iterable
from random import Random
from time import time_ns
from typing import Any, Final, Protocol

from services.collector.backoff import delays
from services.collector.gateway import routed
from services.collector.pacing import SECOND, Window
from services.collector.plan import Slot, Topic
from services.collector.rest import Rest
from services.collector.runner import Connection, Owner, Unreachable, dial
from services.collector.session import Session
from services.collector.table import Table
from services.collector.venue import DecoderOptions, Endpoint, Limits, Venue

#: how long a stopped line waits for the venue's goodbye
STOP_S: Final = 1.0
#: how long the old connection stays after its successor is proven
OVERLAP_S: Final = 2.0
PROVE_S: Final = 60.0
#: connections that were opened together are rolled over apart
LEAD_S: Final = (300.0, 1800.0)
#: after a connection was replaced for a silent topic the next ones bear with silence for so long
PATIENCE: Final = 600 * SECOND
#: attempts a window apart may arrive closer together: ours is longer than the venue's
STRETCH: Final = 1.25
#: the same for frames, which need no new connection on their way, and the part of those granted that is ours: a start
#: waits for them, and what is rolled over waits in the same window
FRAMES_STRETCH: Final = 1.1
FRAMES_USABLE: Final = 0.9


Spawn = Callable[[Coroutine[Any, Any, None]], asyncio.Task[None]]


class Gate:
    """What one endpoint grants an address, shared by its lines: connection attempts, and frames where it counts them.

    `usable`: the part of the attempts that is ours.
    """

    def __init__(self, limits: Limits, usable: float) -> None:
        self._limits, self._usable = limits, usable
        self.window = Window(0, limits.connects[1] * STRETCH)
        self.frames = None if limits.frames is None else Window(0, limits.frames[1] * FRAMES_STRETCH)
        self._turn = asyncio.Lock()
        self.divide(1.0)

    def divide(self, share: float) -> None:
        """Take this process's share of it."""
        self.window.count = max(1, int(self._limits.connects[0] * self._usable * share))
        if self.frames is not None and self._limits.frames is not None:
            self.frames.count = max(1, int(self._limits.frames[0] * FRAMES_USABLE * share))

    async def pass_through(self) -> None:
        """One after the other, each counted when it goes: a loop that stood still must not let several go at once."""
        async with self._turn:
            now = time_ns()
            while (at := self.window.ready_at(now)) > now:
                await asyncio.sleep((at - now) / SECOND)
                now = time_ns()
            self.window.took(now)


class Exchange(Owner, Protocol):
    """What a line needs of the process beside what its connections need."""

    venue: Venue
    table: Table
    alive_ms: int
    gateway: str
    proxy: str | None
    tls: ssl.SSLContext | None
    rest: Rest

    def options(self, endpoint: Endpoint) -> DecoderOptions:
        """What the decoder of a connection is made for."""

    def reached(self, slot: Slot) -> None:
        """A socket opened."""

    def unreachable(self, slot: Slot, error: Unreachable) -> None:
        """A socket could not be opened."""

    def ended(self, connection: Connection, reason: str) -> None:
        """A connection is gone."""


class Line:
    """See the module's docstring."""

    def __init__(self, slot: Slot, endpoint: Endpoint, exchange: Exchange, gate: Gate, rng: Random) -> None:
        self.slot = slot
        self.connections: list[Connection] = []
        self._endpoint, self._exchange, self._gate, self._rng = endpoint, exchange, gate, rng
        self._topics: tuple[Topic, ...] = ()
        self._suspects: tuple[str, ...] = ()
        self._silence = 0
        self._task: asyncio.Task[None] | None = None

    @property
    def topics(self) -> tuple[Topic, ...]:
        return self._topics

    def want(self, topics: Iterable[Topic]) -> None:
        self._topics = tuple(topics)
        for connection in self.connections:
            connection.want(self._topics)

    def start(self, spawn: Spawn) -> None:
        self._task = spawn(self._run())

    async def stop(self, reason: str) -> None:
        """Close whatever is open, without a word to the readers: whoever stops a line knows what to tell them."""
        if self._task is not None:
            self._task.cancel()
        for connection in list(self.connections):
            connection.session.forget()
            connection.close(reason)
        if self.connections:
            await asyncio.wait([connection.closed for connection in self.connections], timeout=STOP_S)

    def proves(self, topic: Topic) -> bool:
        """Whether a connection of this line has it live."""
        return any(connection.session.proves(topic.name) for connection in self.connections)

    # ---- the task

    async def _run(self) -> None:
        waits = delays(self._rng)
        while True:
            try:
                connection: Connection | None = await self._open()
            except Unreachable as error:
                self._exchange.unreachable(self.slot, error)
                await asyncio.sleep(next(waits))
                continue
            good = False
            while connection is not None:
                connection, served = await self._serve(connection)
                good = good or served
            if good:
                waits = delays(self._rng)
            await asyncio.sleep(next(waits))

    async def _open(self) -> Connection:
        await self._gate.pass_through()
        url = routed(self._endpoint.url.replace("{ms}", str(time_ns() // 1_000_000)), self._exchange.gateway)
        connection = await dial(
            self._connection,
            url,
            proxy=self._exchange.proxy,
            tls=self._exchange.tls,
            headers=await self._exchange.rest.access.headers(),
            ipv4_first=self._exchange.venue.ipv4_first,
        )
        self.connections.append(connection)
        connection.closed.add_done_callback(lambda _: self._gone(connection))
        connection.want(self._topics)
        self._exchange.reached(self.slot)
        return connection

    def _connection(self) -> Connection:
        exchange = self._exchange
        session = Session(
            self._endpoint,
            exchange.venue.subscribe,
            exchange.venue.unsubscribe,
            exchange.desk.heard,
            alive_ms=exchange.alive_ms,
            suspects=self._suspects,
            patient=time_ns() - self._silence < PATIENCE,
            lead_s=self._rng.uniform(*LEAD_S),
            shared=self._gate.frames,
        )
        session.want(self._topics)
        made_for = exchange.table, exchange.options(self._endpoint)
        decode, quick = exchange.venue.decoder(*made_for), exchange.venue.quick(*made_for)
        return Connection(self.slot, session, decode, quick, exchange)

    def _gone(self, connection: Connection) -> None:
        if connection in self.connections:
            self.connections.remove(connection)
        self._suspects = connection.session.suspects
        if connection.session.silent:
            self._silence = time_ns()
        self._exchange.ended(connection, connection.closed.result())

    async def _serve(self, connection: Connection) -> tuple[Connection | None, bool]:
        """Until it is gone or has a successor. Returns the successor, and whether this one brought data."""
        await asyncio.wait([connection.closed, connection.rollover], return_when=asyncio.FIRST_COMPLETED)
        waits = delays(self._rng)
        while not connection.closed.done():
            successor = await self._successor(connection)
            if successor is not None:
                return successor, connection.good
            await asyncio.wait([connection.closed], timeout=next(waits))
        await connection.finished()
        return None, connection.good

    async def _successor(self, old: Connection) -> Connection | None:
        """A proven connection in place of `old`, or None where the attempt failed."""
        try:
            new = await self._open()
        except Unreachable as error:
            self._exchange.unreachable(self.slot, error)
            return None
        ends: list[asyncio.Future[Any]] = [new.proven, new.closed, old.closed]
        await asyncio.wait(ends, timeout=PROVE_S, return_when=asyncio.FIRST_COMPLETED)
        if new.closed.done():
            return None
        if not old.closed.done() and not new.proven.done():
            new.close("a successor that was not acknowledged")
            return None
        if not old.closed.done():
            await asyncio.wait([old.closed, new.closed], timeout=OVERLAP_S, return_when=asyncio.FIRST_COMPLETED)
        if new.closed.done():
            return None
        self._exchange.desk.hand_over(old, new, self._topics)
        old.close("rolled over")
        return new
