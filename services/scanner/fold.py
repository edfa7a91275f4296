"""The fold: entries of a partition's streams in, life-cycle records out. Pure: no clock, no I/O.

Theory of operation. Entries come in one order, by (id ms, key, id seq): the reader sees to it. The event clock is
`T = max(T, min(recv, id ms + 50 ms))`; when an event moves it over one or more instants, those are sampled first, on
the state before the event. Then the event is applied, and the routes of its leg that are pending, open or fading are
looked at. Whatever else decides comes in as control events of the same order (control.py). So the records depend on
nothing but the entries: not on how they are cut into reads, on speed, or on how often the fold was stopped and taken
up again from a checkpoint.

Cost: an event is a dictionary look-up and a few assignments. Prices are parsed at an instant, once per changed leg,
and only coins whose best bid lies `enter_bps` above their best ask have their pairs looked at.
"""

from collections.abc import Iterable
from typing import Final

import msgspec

from services.scanner.control import Config, ControlBatch, ControlEvent, Join, Listing, Row, Seed, Start, Tick
from services.scanner.detectors.identity import FIRST_LISTING_NS
from services.scanner.detectors.price_check import Rounds, Standing
from services.scanner.judge import Judge
from services.scanner.leaving import Leaving
from services.scanner.lifecycle import LifeCycle, Route
from services.scanner.market import MS, SECOND, Asset, Leg, Producer, Source
from services.scanner.screen import Screen
from shared.codec import Batch
from shared.config import Runtime
from shared.events import Event, Funding, Mark, Quote, State, Stats
from shared.instruments import COLLECTED_QUOTES
from shared.routes.fx import Fx, Rate, crosses
from shared.signals import Signal

#: How far an event's own time may run ahead of its entry's.
AHEAD_NS: Final = 50 * MS
#: A stream that was joined longer ago would have shown every live producer: each writes at least once a second.
SETTLED_MS: Final = 3000
#: Settings that have nothing to do with signals; a change of these alone leaves pending routes in peace.
UNRELATED: Final = {"version": 0, "symbol": "", "watch": ()}


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
        for route in self._active():
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
            if self._keep(leg, event):
                self.touched.add(leg.asset)
                if type(event) is Funding and leg.active:
                    for route in leg.active:
                        self.cycle.tick(route, self.at)

    @staticmethod
    def _keep(leg: Leg, event: Event) -> bool:
        if type(event) is Mark:
            if leg.mark is None or event.recv >= leg.mark.recv:
                leg.mark = event
                return True
        elif type(event) is Funding:
            if leg.funding is None or event.recv >= leg.funding.recv:
                leg.funding = event
                return True
        elif type(event) is Stats and (leg.stats is None or event.recv >= leg.stats.recv):
            leg.stats = event
            return True
        return False

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
        self._look_again(self.rounds.look(self.assets.values(), at, judge.id_ms, judge.runtime, judge.rate.usdc(at)))
        judge.doubts.forget(at)
        candidates = self.screen.candidates(at)
        if candidates or self.cycle.routes:
            before = len(self.cycle.out)
            self.cycle.instant(at, candidates)
            for record in self.cycle.out[before:]:
                self.touched.add(self.assets[record.asset])
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
        elif isinstance(event, Listing):
            self._list(event)
        elif isinstance(event, Config):
            self._configure(event.runtime)
        elif isinstance(event, Fx):
            self._set_rate(Rate(event, self.at))
        elif isinstance(event, Seed):
            self._seed(event)
        elif isinstance(event, Join):
            if event.key not in self.sources:
                legs = self.venues.setdefault(event.venue, {})
                self.sources[event.key] = Source(event.key, event.venue, event.kind, (id_ms, id_seq), legs)
        elif isinstance(event, Start):
            self._start(event)

    def _start(self, event: Start) -> None:
        """Forget everything but the records already made; what was open ends here."""
        self.cycle.restart(self.at)
        counters = self.entries, self.events
        out, id_ms = self.cycle.out, self.judge.id_ms
        self.__init__()  # type: ignore[misc]
        self.cycle.out, self.judge.id_ms = out, id_ms
        self.entries, self.events = counters
        self.fence = event.fence

    def _list(self, event: Listing) -> None:
        natives = self.natives.setdefault(event.venue, {})
        if event.rows:
            self.listed.setdefault(event.venue, self.at)
        new = self.at > max(self.began, self.listed.get(event.venue, 0)) + FIRST_LISTING_NS
        changed: list[Leg] = []
        for row in event.rows:
            leg = natives.get((row.market, row.native))
            if leg is not None and leg.symbol != row.symbol:
                self._retire(leg)
                changed.append(leg)
                leg = None
            if leg is None:
                if row.quote not in COLLECTED_QUOTES:
                    continue
                leg = self.add_leg(event.venue, row, new=new)
            else:
                if leg.row.multiplier != row.multiplier:  # its prices were of another scale
                    leg.standing = Standing()
                    self.judge.doubts.drop(leg)
                leg.set_row(row)
            self.weigh(leg)
            changed.append(leg)
        for market, native in event.gone:
            leg = natives.get((market, native))
            if leg is not None:
                self.leaving.note(leg, self.at)
                changed.append(leg)
        for leg in changed:
            self.name(leg)
        self._look_again(changed)

    def _retire(self, leg: Leg) -> None:
        """The instrument is read as another coin now: what it was is gone, what it is becomes a new leg."""
        self.leaving.note(leg, self.at)
        self.judge.doubts.drop(leg)
        self.cycle.retire(leg, self.at)

    def add_leg(self, venue: str, row: Row, *, new: bool) -> Leg:
        """Take up an instrument; if it was here before, where it stood."""
        asset = self.assets.setdefault(row.base, Asset(row.base))
        leg = Leg(venue, row, asset, new=new)
        legs = [one for one in asset.legs if (one.part, one.symbol) != (leg.part, leg.symbol)]
        asset.legs = sorted([*legs, leg], key=lambda one: one.part)
        self.natives.setdefault(venue, {})[row.market, row.native] = leg
        self.name(leg)
        return leg

    def name(self, leg: Leg) -> None:
        """Settle which of the legs that go by one symbol its events mean: the one that trades."""
        twins = [one for one in leg.asset.legs if one.venue == leg.venue and one.symbol == leg.symbol]
        best = min(twins, key=lambda one: (one.gone, one.row.status != "trading", one.part))
        self.venues.setdefault(leg.venue, {})[leg.symbol] = best

    def weigh(self, leg: Leg) -> None:
        """Work out what the settings say about a leg."""
        leg.fee = self.judge.fee(leg)
        leg.fee_rough = float(leg.fee or 0)
        leg.excluded_until = self.judge.excluded_until(leg)

    def _configure(self, runtime: Runtime) -> None:
        old = self.judge.runtime
        related = _related(old) != _related(runtime)
        self.judge.use(runtime)
        if old.sample_ms != runtime.sample_ms and self.at:
            step = runtime.sample_ms * MS
            self.next_instant = self.at // step * step + step
        if not related:
            return
        for asset in self.assets.values():
            for leg in asset.legs:
                self.weigh(leg)
        self.screen.fresh.update(self.assets.values())
        self.touched.update(self.assets.values())
        for route in self._active():
            if route.state == "pend":
                self.cycle.drop(route)
            else:
                self.cycle.tick(route, self.at, config=True)

    def _set_rate(self, rate: Rate) -> None:
        self.judge.rate = rate
        mixed = [asset for asset in self.assets.values() if len({leg.converted for leg in asset.legs}) > 1]
        self.screen.fresh.update(mixed)
        for route in self._active():
            if crosses(route.buy, route.sell):
                self.cycle.tick(route, self.at)

    def _seed(self, event: Seed) -> None:
        legs = self.venues.get(event.venue, {})
        for one in event.events:
            leg = legs.get(one.symbol) if one.symbol is not None else None
            if leg is not None and (leg.seed_quote(one) if isinstance(one, Quote) else self._keep(leg, one)):
                self.touched.add(leg.asset)

    def recall(self, venue: str, events: Iterable[Event]) -> None:
        """Last values that decide nothing (marks, stats), from outside the order, for the board."""
        legs = self.venues.get(venue, {})
        for event in events:
            leg = legs.get(event.symbol) if event.symbol is not None else None
            if leg is not None and isinstance(event, Mark | Stats):
                self._keep(leg, event)

    def _look_again(self, legs: list[Leg]) -> None:
        for leg in legs:
            self.touched.add(leg.asset)
            self.screen.fresh.add(leg.asset)
        for route in sorted({route for leg in legs for route in leg.active}, key=lambda one: one.key):
            self.cycle.tick(route, self.at)

    def _active(self) -> list[Route]:
        routes = self.cycle.routes
        return [routes[key] for key in sorted(routes) if routes[key].state != "cool"]


def _related(runtime: Runtime) -> Runtime:
    return msgspec.structs.replace(runtime, **UNRELATED)
