"""The simulator's heartbeat: slices of time become quotes, trades, paced channels and what the scenario asks for.

Everything is a function of the slice's own time, so a slow machine sends the same frames, later; slices more than a
second overdue are left out and counted.
"""

import asyncio
import time
from collections.abc import Mapping, Sequence
from functools import partial
from random import Random

from services.simulator import wire
from services.simulator.exchange import Exchange
from services.simulator.hub import Socket
from services.simulator.listing import Listed, Status
from services.simulator.market import Market
from services.simulator.options import Options
from services.simulator.scenario import Event, Timeline

SLICE_S = 0.002
SLICES = round(1 / SLICE_S)
SCENARIO_EVERY = 10
#: how often an instrument that the scenario touches quotes
BOOST_S = 0.2
SPIKE_S = 0.05


class Driver:
    """Moves the market and the exchanges through time."""

    def __init__(self, market: Market, exchanges: Mapping[str, Exchange], timeline: Timeline, options: Options) -> None:
        self.market, self.exchanges, self.timeline, self.options = market, exchanges, timeline, options
        self.started = time.time()
        #: the scenario's clock stands at 0
        self.held = options.wait
        self.skipped = 0
        self.events = 0
        self.active: list[Event] = []
        self._absent: list[Event] = []
        self._listing: dict[Listed, Status] = {row: row.status for row in market.listed}
        self._boosted: list[Listed] = []
        self._next_boost = 0.0
        self._last = int(self.started / SLICE_S)
        self._checked = -1.0
        self._paces = [(pace, act) for exchange in exchanges.values() for pace, act in exchange.paces]
        self._due = [self.started + pace for pace, _ in self._paces]
        self._watched = self.started

    async def run(self) -> None:
        """Runs until cancelled."""
        while True:
            now = time.time()
            self.catch_up(now)
            await asyncio.sleep(max(0.0, (self._last + 1) * SLICE_S - time.time()))

    def catch_up(self, now: float) -> None:
        """Runs all slices up to `now`, then what is paced, then writes everything out."""
        target = int(now / SLICE_S)
        if target - self._last > SLICES:
            self.skipped += target - self._last - SLICES
            self._last = target - SLICES
        while self._last < target:
            self._last += 1
            self._slice(self._last)
        self._pace(now)
        for exchange in self.exchanges.values():
            exchange.feed.run_due(now)
            exchange.feed.flush(now)

    def begin(self, now: float) -> None:
        """The scenario's clock starts now."""
        self.started, self.held, self._checked = now, False, 0.0
        self.play(now)

    # -- quotes ----------------------------------------------------------------------------------------------------

    def _slice(self, index: int) -> None:
        t = index * SLICE_S
        if index % SCENARIO_EVERY == 0:
            self.play(t)
        rate = self.options.rate * SLICE_S
        count = int((index + 1) * rate) - int(index * rate)
        if not count:
            return
        rng = Random(index ^ self.options.seed << 40)
        for row in self.market.draw(rng, count):
            exchange = self.exchanges[row.venue]
            if exchange.feed.frozen:
                continue
            self.market.requote(row, t, rng)
            exchange.quoted(row, t)
            if rng.random() < self.options.trades:
                exchange.traded(row, self.market.trade(row, rng), t)
            self.events += 1

    def quote(self, rows: Sequence[Listed], t: float, extra: float = 0.0) -> None:
        """Makes these instruments quote now."""
        rng = Random(int(t * 1000))
        for row in rows:
            exchange = self.exchanges[row.venue]
            if row.status == "trading" and not exchange.feed.frozen:
                self.market.requote(row, t, rng, extra)
                exchange.quoted(row, t)
                self.events += 1

    def _pace(self, now: float) -> None:
        for n, (pace, act) in enumerate(self._paces):
            if self._due[n] <= now:
                # a late beat moves the following ones: a slow machine must not send two pictures close together
                late = now - self._due[n]
                self._due[n] = now + pace - (late if late < pace / 10 else 0.0)
                act(now)
        if now >= self._next_boost and self._boosted:
            self._next_boost = now + BOOST_S
            self.quote(self._boosted, now)
        if now - self._watched >= min(1.0, self.options.rules.idle_s / 4):
            self._watched = now
            for exchange in self.exchanges.values():
                for socket in list(exchange.feed.sockets):
                    exchange.watch(socket, now)

    # -- scenario --------------------------------------------------------------------------------------------------

    def play(self, t: float) -> None:
        """Takes on what the scenario says about `t`."""
        # a slice may lag behind an event that was struck in between: what is on is not taken back
        since = 0.0 if self.held else max(t - self.started, self._checked)
        for event in self.timeline.moments(self._checked, since):
            self._strike(event, t)
        self._checked = since
        active, absent = self.timeline.active(since), self.timeline.absent(since)
        if active == self.active and absent == self._absent:
            return
        begun = [event for event in active if not any(event is old for old in self.active)]
        self.active, self._absent = active, absent
        touched = self.market.apply(active)
        before, self._boosted = self._boosted, touched
        for name, exchange in self.exchanges.items():
            exchange.feed.take([event for event in active if not event.venue or event.venue == name])
        self._restate(active, absent, t)
        self.quote(list({*before, *touched}), t)
        for event in begun:
            if event.kind == "outage":
                for socket in self._sockets(event):
                    socket.abort()

    def _restate(self, active: Sequence[Event], absent: Sequence[Event], t: float) -> None:
        """Sets every instrument's status as the listing, the halts and the listings to come have it."""
        wanted = dict(self._listing)
        for kind, status, events in (
            ("list", "trading", active),
            ("halt", "halted", active),
            ("delist", "unlisted", active),
            ("list", "unlisted", absent),
        ):
            for event in events:
                if event.kind == kind:
                    self._mark(event, status, wanted)
        for row, status in wanted.items():
            if row.status != status:
                row.status = status
                self.exchanges[row.venue].changed(row, t)

    def _mark(self, event: Event, status: str, wanted: dict[Listed, Status]) -> None:
        for row in self.market.by_coin.get(event.coin, ()):
            if event.covers(row.venue, row.coin, row.market) and event.lists(row.base):
                wanted[row] = status  # type: ignore[assignment]

    def _sockets(self, event: Event) -> list[Socket]:
        """The sockets that an event strikes: those with a topic that fits its glob, at most `count`."""
        found = [
            socket
            for name, exchange in self.exchanges.items()
            if not event.venue or event.venue == name
            for socket in sorted(exchange.feed.sockets, key=lambda each: each.number)
            if event.topic == "*" or wire.glob(event.topic, *socket.topics)
        ]
        return found[: event.count]

    def _strike(self, event: Event, t: float) -> None:
        """An event of a moment."""
        if event.kind == "spike":
            rows = [r for r in self.market.by_coin.get(event.coin, ()) if event.covers(r.venue, r.coin, r.market)]
            self.quote(rows, t, (event.bps or 0.0) / 1e4)
            for name in {row.venue for row in rows}:
                mine = [row for row in rows if row.venue == name]
                self.exchanges[name].feed.later(SPIKE_S, partial(self.quote, mine, t + SPIKE_S))
            return
        for socket in self._sockets(event):
            socket.feed.counts[f"fault_{event.kind}"] += 1
            if event.kind == "close":
                socket.close(event.code or 1001, event.reason)
            elif event.kind == "abort":
                socket.abort()
            elif event.kind == "garbage":
                self._litter(socket, event)
            elif event.kind == "shutdown":
                self.exchanges[socket.feed.venue].goodbye(socket, t)
                socket.feed.later(event.delay_ms / 1000, partial(socket.close, 1001, "going away"))

    def _litter(self, socket: Socket, event: Event) -> None:
        if event.text is None:
            socket.put(wire.frame(bytes(range(0, 256, 3)), wire.BINARY))
        else:
            socket.put(wire.frame(event.text.encode()))
