"""One venue in one process: settings -> instruments -> plan -> lines, and what runs beside them.

Everything that decides what to carry (the listing, ownership of buckets, demand, refused topics) ends in `reconcile`:
it works out topics and feeds anew and lets the plan move only what changed.
"""

import asyncio
import logging
import ssl
from collections import Counter, deque
from collections.abc import Coroutine
from functools import partial
from random import Random
from time import time_ns
from typing import Any, Final

from services.collector import samples
from services.collector.actions import Count
from services.collector.around import Surroundings, Tap
from services.collector.desk import Bus, Desk
from services.collector.feeds import Source
from services.collector.jobs import Jobs, Listed, RestSource
from services.collector.line import Gate, Line
from services.collector.live_books import LiveBooks
from services.collector.messages import ROWS_AT_ONCE, BookDelta, BookSnapshot, Control, Lost, Message, Relist, Unknown
from services.collector.overrides import Overrides
from services.collector.ownership import Ownership
from services.collector.pacing import SECOND
from services.collector.plan import Plan, Slot, Topic, TopicKey
from services.collector.pulse import Pulse
from services.collector.quotes import EVERY_S
from services.collector.rest import Body, Rest
from services.collector.roster import Roster
from services.collector.runner import Connection, Unreachable
from services.collector.session import Session
from services.collector.snapshots import Snapshots
from services.collector.table import Table
from services.collector.venue import Call, DecoderOptions, Endpoint, Venue
from services.collector.wants import Selection, Wants, quote_channels
from shared.config import Runtime
from shared.instruments import Instrument, Market
from shared.streams import bucket_of

#: a topic that the venue refused is tried again after
REFUSED_NS: Final = 900 * SECOND
#: of what the venue grants an address, the part that is not kept for rollovers
USABLE: Final = 0.8
TICKS_A_SECOND: Final = 10
ON_DEMAND: Final = ("trade", "book")
LAGS_KEPT: Final = 2048

log = logging.getLogger(__name__)


class Engine:
    """Collects one venue. `run` until cancelled; `me` is this member's id. It begins with the first `hold`."""

    def __init__(
        self,
        venue: Venue,
        me: str,
        bus: Bus,
        around: Surroundings,
        rng: Random | None = None,
        tap: Tap | None = None,
    ) -> None:
        self.venue, self.me, self.around, self.tap = venue, me, around, tap
        self.rng = rng or Random()
        self.table = Table()
        self.roster = Roster(venue, self.table, around.assets)
        self.desk = Desk(venue.name, around.partitions, bus)
        self._wants = Wants(venue)
        self.plan = Plan(venue.endpoints)
        self.ownership = Ownership(me)
        self.samples = samples.Samples(samples.folder(around.data, venue.name))
        self.rest = Rest(venue, gateway=around.gateway, proxy=around.proxy)
        self.jobs = Jobs(venue, self.table, self.rest, self._body, self._received_body, self.rng)
        self.pulse = Pulse(self._stalled)
        self.lags: deque[int] = deque(maxlen=LAGS_KEPT)
        self.counts: Counter[str] = Counter()
        self.frames = 0  # of connections that are gone
        self.alive_ms, self.gateway, self.proxy = around.alive_ms, around.gateway, around.proxy
        self.tls: ssl.SSLContext | None = None
        self.lines: dict[Slot, Line] = {}
        self.demand: dict[str, frozenset[str]] = {}
        #: sockets that could not be opened, by line, until they are
        self.unreached: dict[Slot, Unreachable] = {}
        #: there is a list; the table was filled anew; the venue says that its list changed
        self.listed, self.relisted, self.relist = asyncio.Event(), asyncio.Event(), asyncio.Event()
        #: this process has its standing among the members
        self.joined = asyncio.Event()
        self.watch = around.watch
        self._rejoin = asyncio.Event()
        self._changed = asyncio.Event()
        self._refused: dict[TopicKey, int] = {}
        self._quote_channels = quote_channels(venue)
        self._endpoints = {endpoint.name: endpoint for endpoint in venue.endpoints}
        self.books = LiveBooks(venue, self.desk, self._fetch_book, self._resubscribe_book)
        self._snapshots = Snapshots(self.jobs, self.table.by_symbol, self.rng, self.books.not_fetched)
        self._gates = {one.name: Gate(one.limits, USABLE) for one in venue.endpoints}
        self._group: asyncio.TaskGroup | None = None

    # ---- running

    async def run(self) -> None:
        """Until cancelled. On the way out the readers are told that this producer stops."""
        logging.getLogger("picows").setLevel(logging.ERROR)  # connections that come and go are told below
        self.tls = ssl.create_default_context()
        await self.rest.start(self.tls)
        self.pulse.start()
        try:
            async with asyncio.TaskGroup() as group:
                self._group = group
                group.create_task(self.jobs.keep_listing(self._listed, self.relist))
                group.create_task(self._reconciling())
                group.create_task(self._ticking())
                group.create_task(self._rejoining())
                await self.listed.wait()
                group.create_task(self.jobs.fill_in(self._quotes_down))
                group.create_task(self.jobs.compare(EVERY_S))
                for call in (*self.jobs.calls("poll"), *self.jobs.calls("settlements")):
                    if call.job == "poll" or call.symbol_param is None:
                        group.create_task(self.jobs.poll(call, self._polled))
                    else:
                        group.create_task(self.jobs.settle(call, self._polled, self.desk.next_payment))
        finally:
            self.pulse.stop()
            self.desk.announce("down", "stop", time_ns())
            await asyncio.gather(*(line.stop("stopping") for line in self.lines.values()))
            await self.rest.close()

    def spawn(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        assert self._group is not None, "run() comes first"
        return self._group.create_task(work)

    async def _ticking(self) -> None:
        """What caps and pictures held back goes out ten times a second."""
        while True:
            await asyncio.sleep(1 / TICKS_A_SECOND)
            now = time_ns()
            for _ in iter(partial(self.desk.tick, now, ROWS_AT_ONCE), False):
                await asyncio.sleep(0)  # quotes need not wait for all of them
            self.books.tick(now)

    # ---- what to carry

    @property
    def selected(self) -> list[Instrument]:
        """The instruments that are collected, in stable order."""
        return self.roster.selected

    def hold(self, members: tuple[str, ...], owners: dict[int, str]) -> None:
        """Take in who lives and who serves what: this process has its standing."""
        self.joined.set()
        before = self.ownership.members
        if self.ownership.update(members, owners, time_ns()):
            self.change()
        if before != self.ownership.members:
            share = 1.0 / len(self.ownership.members)
            self.rest.divide(share)
            for gate in self._gates.values():
                gate.divide(share)

    def ask_for(self, demand: dict[str, frozenset[str]]) -> None:
        """Take in who wants what on demand."""
        if demand != self.demand:
            self.demand = demand
            self.change()

    def follow(self, runtime: Runtime) -> None:
        """Take in the runtime settings: new connections live by them."""
        self.alive_ms = runtime.alive_ms
        watch = self.around.watch | frozenset(runtime.watch)
        if watch != self.watch:
            self.watch = watch
            self.change()

    def change(self) -> None:
        self._changed.set()

    async def _reconciling(self) -> None:
        while True:
            await self._changed.wait()
            self._changed.clear()
            self.reconcile()
            await asyncio.sleep(0.02)

    def reconcile(self) -> None:
        """Carry exactly what is wanted now."""
        now = time_ns()
        self._refused = {key: until for key, until in self._refused.items() if until > now}
        selection = Selection(self.ownership.held, self._wishes(), frozenset(self._refused))
        topics, places = self._wants.of(self.selected, selection)
        fresh = not self.desk.keys()
        self.desk.serve(places, self.roster.members, self._why, now)
        self.roster.gone = {}
        if fresh:
            self.desk.announce("down", "start", now)
        changed = self.plan.update(topics, USABLE / max(1, len(self.ownership.members)))
        if self.plan.unplaced:
            log.warning("%s: %d topics find no room on any connection", self.venue.name, len(self.plan.unplaced))
        for slot in sorted(changed):
            self._apply(slot)

    def _why(self, kind: str, symbol: str) -> str | None:
        """Why a feed is no longer served; None where another process has it."""
        if symbol in self.roster.gone:
            return self.roster.gone[symbol]
        return "nobody asks" if kind in ON_DEMAND and bucket_of(symbol) in self.ownership.held else None

    def _wishes(self) -> dict[str, frozenset[str]]:
        """Demand, and the trades of the coins on the watch list."""
        watched = {one.symbol for one in self.selected if one.asset in self.watch or one.symbol in self.watch}
        return {**self.demand, "trade": self.demand.get("trade", frozenset()) | watched}

    def _apply(self, slot: Slot) -> None:
        topics, line = self.plan.topics(slot), self.lines.get(slot)
        if line is not None:
            line.want(topics)
            if not topics:
                del self.lines[slot]
                self.unreached.pop(slot, None)
                self.spawn(line.stop("nothing left to carry"))
        elif topics:
            self.lines[slot] = line = Line(slot, self._endpoints[slot[0]], self, self._gates[slot[0]], self.rng)
            line.want(topics)
            line.start(self.spawn)

    def proven_buckets(self) -> set[int]:
        """Buckets all of whose topics are live here."""
        waiting: set[int] = set()
        for line in self.lines.values():
            for topic in line.topics:
                if not line.proves(topic):
                    waiting.update(map(bucket_of, topic.symbols) if topic.seat is None else (topic.seat,))
        return set(self.ownership.held) - waiting

    # ---- listing

    def _listed(self, result: Listed) -> None:
        if result.instruments:
            self.roster.take(result.instruments, result.outside, result.failed)
            self._list()

    def override(self, overrides: Overrides) -> None:
        """Take in what is said of single instruments; it takes effect at once."""
        if self.roster.override(overrides):
            self._list()

    def _list(self) -> None:
        """The table follows the roster. What is read otherwise than before is down, and asked for anew."""
        change, anew = self.roster.fill()
        if change:
            log.info("%s: %s", self.venue.name, change)
        self.listed.set()
        self.relisted.set()
        self.change()
        if anew:
            self.desk.withdraw({was for was, _ in anew}, "read anew", time_ns())
            self.books.tick(time_ns())  # lets go of their books
            self.reconcile()
            self._renew({now for _, now in anew})

    def _renew(self, symbols: set[str]) -> None:
        for session in self._sessions():
            for topic in session.topics:
                if not symbols.isdisjoint(topic.symbols):
                    session.resubscribe(topic.name)

    def _sessions(self) -> list[Session]:
        return [connection.session for line in self.lines.values() for connection in line.connections]

    # ---- REST

    def _body(self, source: RestSource, body: Body, messages: list[Message]) -> None:
        for message in self.desk.take(source, messages):
            if isinstance(message, BookSnapshot):
                self.books.fetched(message)
            else:
                self._message(message, body.data, body.request.endpoint, body.recv)
        while self.desk.frozen:
            self._thaw(self.desk.frozen.pop())

    def _thaw(self, symbol: str) -> None:
        """Ask anew for the topic of quotes that have frozen."""
        self.counts["frozen"] += 1
        log.warning("%s: the quotes of %s have frozen: REST says otherwise; subscribing anew", self.venue.name, symbol)
        for session in self._sessions():
            session.renew("quote", symbol)

    def _received_body(self, body: Body) -> None:
        if self.tap is not None:
            self.tap.body(body)

    def _quotes_down(self, market: Market) -> list[Instrument]:
        return [one for one in self.selected if one.market == market and self.desk.quotes_down((one.symbol,))]

    def _polled(self, call: Call) -> list[Instrument]:
        return [
            one
            for one in self.selected
            if call.concerns(one) and any(self.desk.serves(kind, one.symbol) for kind in call.makes)
        ]

    # ---- what lines and connections tell

    def options(self, endpoint: Endpoint) -> DecoderOptions:
        return DecoderOptions(endpoint.name, endpoint.market, self._quote_channels, in_parts=True)

    def received(self, connection: Connection, frame: bytes, recv: int) -> None:
        if self.tap is not None:
            self.tap.frame(connection, frame, recv)

    def control(self, connection: Connection, message: Control, frame: bytes, recv: int) -> None:
        if isinstance(message, BookSnapshot | BookDelta):
            self.books.take(connection, message)
        elif isinstance(message, Lost):
            self.books.gaps += 1
            gone = connection.session.renew(message.stream, message.symbol)
            self.desk.state(connection, gone, "down", message.reason, recv)
        else:
            self._message(message, frame, connection.slot[0], recv)

    def _message(self, message: Control, frame: bytes, where: str, recv: int) -> None:
        if isinstance(message, Unknown):
            self.samples.unknown(message.reason, message.native, frame, where, recv)
        elif isinstance(message, Relist):
            self.relist.set()
        else:
            self.counts[type(message).__name__.lower()] += 1

    # ---- books

    def _fetch_book(self, symbol: str) -> None:
        self._snapshots.ask(symbol, self.spawn)

    def _resubscribe_book(self, source: Source, symbol: str) -> None:
        assert isinstance(source, Connection)
        source.session.renew("book", symbol)

    def refused(self, connection: Connection, topic: Topic, reason: str) -> None:
        self.desk.state(connection, (topic,), "down", f"refused: {reason}", time_ns())
        log.warning("%s: topic %s is left out for 15 minutes: %s", self.venue.name, topic.name, reason)
        self.counts["quarantined"] += 1
        self._refused[topic.key] = time_ns() + REFUSED_NS
        self.change()

    def counted(self, connection: Connection, what: Count) -> None:
        self.counts[what.name] += what.number
        if what.detail:
            log.warning("%s: %s/%d: %s", self.venue.name, *connection.slot, what.detail)

    def reached(self, slot: Slot) -> None:
        if self.unreached.pop(slot, None) is not None:
            log.info("%s: %s/%d connected again", self.venue.name, *slot)

    def unreachable(self, slot: Slot, error: Unreachable) -> None:
        self.counts["connect_failed"] += 1
        if slot not in self.unreached:
            log.warning("%s: %s/%d: %s", self.venue.name, *slot, error)
        self.unreached[slot] = error

    def ended(self, connection: Connection, reason: str) -> None:
        self.frames += connection.frames
        self.books.ended(connection)
        self.counts["ended"] += 1
        log.info("%s: %s/%d ended: %s", self.venue.name, *connection.slot, reason)

    # ---- losing one's standing

    def _stalled(self, seconds: float) -> None:
        log.warning("%s: the process stood still for %.1f s: joining anew", self.venue.name, seconds)
        self.lose_standing("process stood still")

    def lose_standing(self, reason: str) -> None:
        """Publish nothing that is read from now on, say so, close all sockets, join anew."""
        self.pulse.stop()
        self.joined.clear()
        self.counts["fenced"] += 1
        now = time_ns()
        for line in self.lines.values():
            for connection in line.connections:
                self.desk.state(connection, line.topics, "stale", reason, now)
                connection.close(reason)
        self._rejoin.set()

    async def _rejoining(self) -> None:
        while True:
            await self._rejoin.wait()
            lines, self.lines = self.lines, {}
            await asyncio.gather(*(line.stop("joining anew") for line in lines.values()))
            self.ownership.reset()
            self.plan.update({})
            self._rejoin.clear()
            await self.joined.wait()
            self.pulse.start()
            self.change()
