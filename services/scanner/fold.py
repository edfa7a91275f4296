"""The fold: entries of a partition's streams in, life-cycle records out. Pure: no clock, no I/O.

Theory of operation. Entries come in one order, by (id ms, key, id seq): the reader sees to it. The event clock is
`T = max(T, min(recv, id ms + 50 ms))`; when an event moves it over one or more instants, those are sampled first, on
the state before the event. Then the event is applied, and the routes of its leg that are pending, open or fading are
looked at. Whatever else decides comes in as control events of the same order (rulings.py). So the records depend on
nothing but the entries: not on how they are cut into reads, on speed, or on how often the fold was stopped and taken
up again from a checkpoint.

Cost: an event is a dictionary look-up and a few assignments. Prices are parsed at an instant, once per changed leg,
and only coins whose best bid lies `enter_bps` above their best ask have their pairs looked at.
"""

from collections.abc import Iterable
from typing import Final

from services.scanner.control import ControlBatch, ControlEvent, Tick
from services.scanner.detectors.price_check import Rounds
from services.scanner.judge import Judge
from services.scanner.leaving import Leaving
from services.scanner.lifecycle import LifeCycle, Route
from services.scanner.market import MS, SECOND, Asset, Leg, Producer, Source
from services.scanner.memory import Memory
from services.scanner.rulings import rule
from services.scanner.screen import Screen
from shared.codec import Batch
from shared.events import Event, Funding, Quote, Settlement, State
from shared.signals import Signal

#: How far an event's own time may run ahead of its entry's.
AHEAD_NS: Final = 50 * MS
#: A stream that was joined longer ago would have shown every live producer: each writes at least once a second.
SETTLED_MS: Final = 3000


class Fold:
    """All state of one partition, and the one way to change it: `take`."""

    def __init__(self) -> None:
        self.judge = Judge()
        self.cycle = LifeCycle(self.judge)
        #: the event clock, and where it began
        self.at = self.began = 0
        self.next_instant = 0
        self.sources: dict[str, Source] = {}
        self.assets: dict[str, Asset] = {}
        self.venues: dict[str, dict[str, Leg]] = {}
        self.natives: dict[str, dict[tuple[str, str], Leg]] = {}
        #: event time of each venue's first listing
        self.listed: dict[str, int] = {}
        self.screen = Screen(self.judge)
        self.leaving = Leaving()
        self.rounds = Rounds()
        self.memory = Memory()
        #: coins that the board has not yet shown in their present state; drained by the caller
        self.touched: set[Asset] = set()
        self.fence = 0
        self.entries = self.events = self.late = self.unlisted = self.doubled = self.jumps = self.unjoined = 0

    def drain(self) -> list[Signal]:
        """The records made since the last call."""
        out = self.cycle.out
        self.cycle.out = []
        return out

    @property
    def missed(self) -> int:
        """Batches that the streams' numbering says were never seen."""
        return sum(producer.lost for source in self.sources.values() for producer in source.producers.values())

    # entries

    def take(self, key: str, id_ms: int, id_seq: int, batch: Batch | ControlBatch) -> None:
        """The next entry in order."""
        self.entries += 1
        self.judge.id_ms = max(self.judge.id_ms, id_ms)
        if isinstance(batch, ControlBatch):
            for control in batch.events:
                self.events += 1
                self._control(control, id_ms, id_seq)
            return
        source = self.sources.get(key)
        if source is None:
            self.unjoined += 1
            return
        producer = self._producer(source, batch, id_ms)
        if producer is None:
            return
        self.events += len(batch.events)
        if source.kind == "quote":
            self._quotes(source, producer, id_ms * MS + AHEAD_NS, batch.events)
        elif source.kind == "book":
            self._books(source, batch.events)
        else:
            self._others(source, id_ms * MS + AHEAD_NS, batch.events)

    def _producer(self, source: Source, batch: Batch, id_ms: int) -> Producer | None:
        """Account for the batch's number and its producer's pulse; None when it was seen before."""
        producer = source.producers.get(batch.producer)
        if producer is None:
            self._forget_producers(source, id_ms)
            producer = source.producers[batch.producer] = Producer(batch.producer, batch.seq - 1, id_ms)
            if batch.seq > 0 and id_ms - source.joined[0] > SETTLED_MS:
                producer.high = -1  # it was not there before, so its first batches were missed
        verdict = producer.take(batch.seq)
        if verdict is False:
            self.doubled += 1
            return None
        silent = id_ms - producer.last_ms > self.judge.runtime.alive_ms
        if verdict is None or silent:
            self.jumps += verdict is None
            if source.kind == "quote":
                self._doubt(source, producer)
        producer.last_ms = max(producer.last_ms, id_ms)
        return producer

    def _forget_producers(self, source: Source, id_ms: int) -> None:
        """Let go of runs that ended an hour ago and that no leg was last quoted by."""
        if len(source.producers) > 16:
            used = {leg.producer for leg in source.legs.values()}
            for name, known in list(source.producers.items()):
                if id_ms - known.last_ms > 3_600_000 and known not in used:
                    del source.producers[name]

    def _doubt(self, source: Source, producer: Producer) -> None:
        """Batches are missing or the producer was silent: its legs wait for a new quote."""
        producer.epoch += 1
        for route in self.active():
            if producer in (route.buy.producer, route.sell.producer):
                self.cycle.tick(route, self.at)
        for leg in source.legs.values():
            if leg.producer is producer:
                self.touched.add(leg.asset)

    def _quotes(self, source: Source, producer: Producer, cap: int, events: list[Event]) -> None:
        legs, touched, fresh = source.legs, self.touched, self.screen.fresh
        if events and type(first := events[0]) is Quote and first.ts is not None and first.source == "ws":
            source.lags.append(first.recv - first.ts)
        second = self.at // SECOND
        for event in events:
            recv = event.recv
            at = recv if recv < cap else cap
            if at > self.at:
                if at >= self.next_instant:
                    self._instants(at)
                self.at = at
                second = at // SECOND
            if type(event) is Quote:
                leg = legs.get(event.symbol)
                if leg is None:
                    self.unlisted += 1
                    continue
                if not leg.take_quote(event, producer, self.at, second):
                    self.late += 1
                    continue
                leg.quote_source = source
                touched.add(leg.asset)
                fresh.add(leg.asset)
                if leg.active:
                    for route in leg.active:
                        self.cycle.tick(route, self.at)
            elif type(event) is State:
                self._state(source, producer, event)

    def _state(self, source: Source, producer: Producer, event: State) -> None:
        if event.symbol is None:
            legs = [leg for leg in source.legs.values() if leg.producer is producer]
        else:
            found = source.legs.get(event.symbol)
            legs = [] if found is None else [found]
        changed = [leg for leg in legs if leg.take_state(event, producer)]
        for leg in changed:
            self.touched.add(leg.asset)
        for route in sorted({route for leg in changed for route in leg.active}, key=lambda one: one.key):
            self.cycle.tick(route, self.at)

    def _others(self, source: Source, cap: int, events: list[Event]) -> None:
        """Marks, funding and stats. Each keeps what was received last."""
        legs = source.legs
        for event in events:
            at = min(event.recv, cap)
            if at > self.at:
                if at >= self.next_instant:
                    self._instants(at)
                self.at = at
            leg = legs.get(event.symbol) if event.symbol is not None else None
            if leg is None:
                self.unlisted += event.symbol is not None
                continue
            if leg.keep(event):
                self.touched.add(leg.asset)
                if type(event) is Funding and leg.active:
                    for route in leg.active:
                        self.cycle.tick(route, self.at)
            elif type(event) is Settlement:
                self.memory.paid(leg, event)

    def _books(self, source: Source, events: list[Event]) -> None:
        """Books decide nothing about signals, and do not move the clock: whoever folds without them gets the same."""
        for event in events:
            if event.symbol is None:
                legs = list(source.legs.values())
            else:
                found = source.legs.get(event.symbol)
                legs = [] if found is None else [found]
            for leg in legs:
                if leg.take_book(event):
                    self.touched.add(leg.asset)

    # instants

    def _instants(self, at: int) -> None:
        """Sample every instant in (T, at]. Those so far after the last event that every quote has gone stale and
        every signal has closed are skipped: nothing happens at them."""
        step = self.judge.runtime.sample_ms * MS
        if self.at == 0:
            self.began = self.judge.rate.at = at  # a rate that was told before the clock began dates from here
            self.next_instant = at // step * step + step
            return
        runtime = self.judge.runtime
        settled = self.at + (max(runtime.quiet_max_ms, runtime.max_age_ms) + runtime.linger_ms) * MS + 3 * step
        settled = max(settled, max((route.until for route in self.cycle.routes.values()), default=0) + step)
        instant = self.next_instant
        while instant <= min(at, settled):
            self._instant(instant)
            instant += step
        self.next_instant = at // step * step + step

    def _instant(self, at: int) -> None:
        judge = self.judge
        self.look_again(self.rounds.look(self.assets.values(), at, judge.id_ms, judge.runtime, judge.rate.usdc(at)))
        judge.doubts.forget(at)
        candidates = self.screen.candidates(at)
        self.cycle.bar(self.screen.barred, at)
        if candidates or self.cycle.routes:
            before = len(self.cycle.out)
            self.cycle.instant(at, candidates)
            for record in self.cycle.out[before:]:
                self.touched.add(self.assets[record.asset])
        self.memory.instant(self, at)
        if self.leaving:
            self.leaving.let_go(self, at)

    # control

    def _control(self, event: ControlEvent, id_ms: int, id_seq: int) -> None:
        if isinstance(event, Tick):
            at = min(event.recv, id_ms * MS + AHEAD_NS)
            if at > self.at:
                if at >= self.next_instant:
                    self._instants(at)
                self.at = at
        else:
            rule(self, event, id_ms, id_seq)

    def start(self, fence: int) -> None:
        """A cold start: forget everything but the records already made; what was open ends here."""
        self.cycle.restart(self.at)
        counters = self.entries, self.events
        out, id_ms = self.cycle.out, self.judge.id_ms
        self.__init__()  # type: ignore[misc]
        self.cycle.out, self.judge.id_ms = out, id_ms
        self.entries, self.events = counters
        self.fence = fence

    def recall(self, venue: str, events: Iterable[Event]) -> None:
        """Last values that decide nothing (marks, stats), from outside the order, for the board."""
        legs = self.venues.get(venue, {})
        for event in events:
            leg = legs.get(event.symbol) if event.symbol is not None else None
            if leg is not None:
                leg.recall(event)

    def look_again(self, legs: list[Leg]) -> None:
        """Something beside the prices of these has changed."""
        for leg in legs:
            self.touched.add(leg.asset)
            self.screen.fresh.add(leg.asset)
        for route in sorted({route for leg in legs for route in leg.active}, key=lambda one: one.key):
            self.cycle.tick(route, self.at)

    def active(self) -> list[Route]:
        """The routes that are pending, open or fading, by key."""
        routes = self.cycle.routes
        return [routes[key] for key in sorted(routes) if routes[key].state != "cool"]
