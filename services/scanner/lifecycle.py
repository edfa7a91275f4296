"""The life of a signal: idle, pending, open, fading, cooling. Event time only; the formulas are in docs/signals.md.

Theory of operation. A route is looked at when an instant (a whole multiple of `sample_ms`) has passed, and, while it
is pending, open or fading, also on each event of its legs. Only instants count samples: N good ones on end, with no
bad event between, open a signal, so neither a burst nor a slow loop can. A bad event makes an open signal fade; it
recovers on the next good one or closes after `linger_ms`; reasons that no price can mend close it at once. A closed
route cools down before it may be pending again.

    IDLE -good instant-> PEND -N-th good instant-> OPEN -bad-> FADE -linger-> COOL -cooldown-> IDLE
                          |bad: IDLE                 ^---good---|
"""

from collections import Counter, deque
from collections.abc import Iterable
from hashlib import blake2b
from statistics import median
from typing import Final, Literal

import msgspec

from services.scanner.judge import HARD, Judge, Refusal, barred
from services.scanner.market import MS, SECOND, Asset, Leg
from services.scanner.plan import plan
from services.scanner.score import score
from shared.routes.edge import Measure
from shared.routes.funding import WINDOW_NS
from shared.routes.numbers import cents_text, decimal_text
from shared.signals import CloseReason, Kind, Signal, SignalLeg

State = Literal["pend", "open", "fade", "cool"]
#: An update is sent when the peak rose by this much (hundredths of a bp) or after this time.
UPDATE_CENTS: Final = 500
UPDATE_NS: Final = 5 * SECOND
#: Durations remembered per route, for how far ahead funding payments matter.
DURATIONS: Final = 16
#: Routes whose durations are remembered; beyond it the ones that closed longest ago are forgotten.
HISTORY_MAX: Final = 20_000
#: Reasons of price: a change of settings that brings them about is named as the reason instead.
PRICED: Final = frozenset({"converged", "net", "size", "max_edge"})


class Peak(msgspec.Struct, frozen=True, array_like=True):
    """The best good sample so far: edge and net in hundredths of a bp, size in cents, event time."""

    edge: int
    net: int
    usd: int
    at: int


class Route:
    """One route that is not idle. Direction is part of its key."""

    __slots__ = ("buy", "ended", "first", "key", "kind", "n", "peak", "record", "sell", "sent", "state", "until", "why")

    def __init__(self, buy: Leg, sell: Leg, kind: Kind, state: State) -> None:
        self.buy, self.sell, self.kind = buy, sell, kind
        self.key = key_of(buy, sell)
        self.state: State = state
        self.n = 0
        self.first = 0
        self.peak = Peak(0, 0, 0, 0)
        self.record: Signal | None = None
        #: event time and peak edge of the last record sent
        self.sent = (0, 0)
        self.ended = 0
        self.why: CloseReason = "converged"
        self.until = 0


def key_of(buy: Leg, sell: Leg) -> str:
    """(asset, venue A, market A, native A, venue B, market B, native B) as one text."""
    return f"{buy.asset.name}|{buy.part}|{sell.part}"


def signal_id(key: str, first: int, config_version: int) -> str:
    """The same in every process that folds the same stream."""
    return blake2b(f"{key}|{first}|{config_version}".encode(), digest_size=12).hexdigest()


class LifeCycle:
    """All routes that are not idle, and the records they make (`out`, drained by the caller)."""

    def __init__(self, judge: Judge) -> None:
        self.judge = judge
        self.routes: dict[str, Route] = {}
        self.history: dict[str, deque[int]] = {}
        self.out: list[Signal] = []
        #: candidates (routes whose edge reaches enter_bps) that were held back, by reason, one at each instant
        self.refused: Counter[str] = Counter()

    def instant(self, at: int, candidates: Iterable[tuple[Leg, Leg, Kind]]) -> None:
        """Sample every candidate and every route that is not idle, in the order of their keys."""
        routes = self.routes
        work: dict[str, Route] = dict(routes)
        for buy, sell, kind in candidates:
            key = key_of(buy, sell)
            route = work.get(key)
            if route is None:
                work[key] = Route(buy, sell, kind, "cool")
            elif route.state == "cool" and at < route.until:
                self.refuse(route, "cooldown")
        for key in sorted(work):
            self._sample(work[key], at)

    def tick(self, route: Route, at: int, *, config: bool = False) -> None:
        """An event touched one of the route's legs. Never counts a sample."""
        if route.state == "pend":
            verdict = self.judge.refuse(route.buy, route.sell, at, self.window(route.key))
            if isinstance(verdict, str):
                self.refuse(route, verdict)
                self.drop(route)
        elif route.state == "open":
            why = self.judge.leave(route.buy, route.sell, at)
            if why is not None:
                self._fade(route, at, "config" if config and why in PRICED else why)
                if why in HARD:
                    self._close(route, at)
        elif route.state == "fade":
            why = self.judge.leave(route.buy, route.sell, at)
            if why is None:
                route.state = "open"
            elif why in HARD:
                route.why = why
                self._close(route, at)

    def window(self, key: str) -> int:
        """How far ahead funding payments count for this route, in ns."""
        durations = self.history.get(key)
        return max(WINDOW_NS, int(median(durations)) * MS) if durations else WINDOW_NS

    def restart(self, at: int) -> None:
        """Nothing is known of what happened meanwhile: every open signal ends where the knowledge ends."""
        for key in sorted(self.routes):
            route = self.routes[key]
            if route.state in ("open", "fade"):
                if route.state == "open":
                    route.ended = at
                route.why = "restart"
                self._close(route, at)

    def _sample(self, route: Route, at: int) -> None:
        if route.state == "cool":
            if at < route.until:
                return
            self._idle(route, at)
        elif route.state == "pend":
            verdict = self.judge.refuse(route.buy, route.sell, at, self.window(route.key))
            if isinstance(verdict, str):
                self.refuse(route, verdict)
                self.drop(route)
                return
            route.n += 1
            self._raise_peak(route, verdict, at)
            self._try_open(route, verdict, at)
        elif route.state == "open":
            self._sample_open(route, at)
        elif self.judge.leave(route.buy, route.sell, at) is None:
            route.state = "open"
        elif at - route.ended >= self.judge.runtime.linger_ms * MS:
            self._close(route, at)

    def _idle(self, route: Route, at: int) -> None:
        verdict = self.judge.refuse(route.buy, route.sell, at, self.window(route.key))
        if isinstance(verdict, str):
            self.refuse(route, verdict)
            self.routes.pop(route.key, None)
            return
        route.state, route.n, route.first = "pend", 1, at
        route.record = None
        route.peak = Peak(verdict.edge, verdict.net, verdict.size_usd, at)
        self.routes[route.key] = route
        attach(route)
        self._try_open(route, verdict, at)

    def _try_open(self, route: Route, measure: Measure, at: int) -> None:
        runtime = self.judge.runtime
        if route.n < runtime.samples or (runtime.samples > 1 and at - route.first < runtime.hold_ms * MS):
            return
        route.state = "open"
        route.sent = (at, route.peak.edge)
        route.record = self._sent(opened(route, measure, at, runtime.version), route, measure, at)
        self.out.append(route.record)

    def _sample_open(self, route: Route, at: int) -> None:
        why = self.judge.leave(route.buy, route.sell, at)
        if why is not None:
            self._fade(route, at, why)
            if self.judge.runtime.linger_ms == 0:
                self._close(route, at)
            return
        measure = self.judge.measured(route.buy, route.sell, at, self.window(route.key))
        self._raise_peak(route, measure, at)
        assert route.record is not None  # an open route has been recorded
        route.record = sampled(route.record, route, measure, at)
        if route.peak.edge - route.sent[1] >= UPDATE_CENTS or at - route.sent[0] >= UPDATE_NS:
            record = route.record
            route.sent = (at, route.peak.edge)
            record = msgspec.structs.replace(
                record, event="update", rev=record.rev + 1, at=at, updates=record.updates + 1
            )
            route.record = self._sent(record, route, measure, at)
            self.out.append(route.record)

    def _sent(self, record: Signal, route: Route, measure: Measure, at: int) -> Signal:
        """The record with what to do about it and what it is worth, as of now."""
        durations = self.history.get(route.key, ())
        return msgspec.structs.replace(
            record,
            plan=plan(self.judge, route.buy, route.sell, measure),
            score=score(self.judge, route.buy, route.sell, measure, at, route.peak.edge, list(durations)),
        )

    def _raise_peak(self, route: Route, measure: Measure, at: int) -> None:
        if measure.edge > route.peak.edge:
            route.peak = Peak(measure.edge, measure.net, measure.size_usd, at)

    def _fade(self, route: Route, at: int, why: CloseReason) -> None:
        route.state, route.ended, route.why = "fade", at, why

    def _close(self, route: Route, at: int) -> None:
        record = route.record
        assert record is not None  # only open and fading routes close
        duration = (route.ended - route.first) // MS
        closed = msgspec.structs.replace(
            record,
            event="close",
            rev=record.rev + 1,
            at=at,
            ended_at=route.ended,
            closed_at=at,
            close_reason=route.why,
            duration_ms=duration,
        )
        self.out.append(closed)
        self._remember(route.key, duration)
        detach(route)
        route.state, route.record = "cool", None
        route.until = at + self.judge.runtime.cooldown_ms * MS

    def _remember(self, key: str, duration_ms: int) -> None:
        durations = self.history.pop(key, None) or deque(maxlen=DURATIONS)
        durations.append(duration_ms)
        self.history[key] = durations
        if len(self.history) > HISTORY_MAX:
            del self.history[next(iter(self.history))]

    def retire(self, leg: Leg, at: int) -> None:
        """The leg is gone for good: its signals close, its routes are forgotten."""
        for route in sorted(leg.active, key=lambda one: one.key):
            self.tick(route, at)
        self.routes = {key: route for key, route in self.routes.items() if leg not in (route.buy, route.sell)}

    def refuse(self, route: Route, why: Refusal) -> None:
        """Count a candidate that was held back. One whose edge is gone is none any more."""
        if why != "edge":
            self._count(route.buy.asset, why)

    def bar(self, pairs: Iterable[tuple[Leg, Leg]], at: int) -> None:
        """At an instant: count candidates that make no route."""
        for buy, sell in pairs:
            why = self.judge.legs(buy, sell, at) or barred(buy, sell)
            if why is not None:
                self._count(buy.asset, why)

    def _count(self, asset: Asset, why: Refusal) -> None:
        self.refused[why] += 1
        asset.refused[why] = asset.refused.get(why, 0) + 1

    def drop(self, route: Route) -> None:
        """A pending route is idle again."""
        detach(route)
        self.routes.pop(route.key, None)


def attach(route: Route) -> None:
    """From now on events of its legs look at this route."""
    for leg in (route.buy, route.sell):
        leg.active = sorted([*leg.active, route], key=lambda one: one.key)


def detach(route: Route) -> None:
    for leg in (route.buy, route.sell):
        leg.active = [one for one in leg.active if one is not route]


def opened(route: Route, measure: Measure, at: int, config_version: int) -> Signal:
    """The first record of a signal."""
    buy, sell = side(route.buy, "buy", at), side(route.sell, "sell", at)
    return Signal(
        id=signal_id(route.key, route.first, config_version),
        rev=1,
        event="open",
        at=at,
        asset=route.buy.asset.name,
        kind=route.kind,
        key=route.key,
        buy=buy,
        sell=sell,
        first_at=route.first,
        opened_at=at,
        edge_bps=cents_text(measure.edge),
        net_open_bps=cents_text(measure.net),
        net_cash_bps=cents_text(measure.cash),
        open_edge_bps=cents_text(measure.edge),
        open_net_bps=cents_text(measure.net),
        open_size_usd=cents_text(measure.size_usd),
        open_ages_ms=(buy.age_ms, sell.age_ms),
        peak_edge_bps=cents_text(route.peak.edge),
        peak_net_bps=cents_text(route.peak.net),
        peak_size_usd=cents_text(route.peak.usd),
        peak_at=route.peak.at,
        size=decimal_text(*measure.size),
        size_usd=cents_text(measure.size_usd),
        config_version=config_version,
        flags=measure.flags,
        samples=route.n,
    )


def sampled(record: Signal, route: Route, measure: Measure, at: int) -> Signal:
    """The record with the figures of a good sample."""
    return msgspec.structs.replace(
        record,
        buy=side(route.buy, "buy", at),
        sell=side(route.sell, "sell", at),
        edge_bps=cents_text(measure.edge),
        net_open_bps=cents_text(measure.net),
        net_cash_bps=cents_text(measure.cash),
        peak_edge_bps=cents_text(route.peak.edge),
        peak_net_bps=cents_text(route.peak.net),
        peak_size_usd=cents_text(route.peak.usd),
        peak_at=route.peak.at,
        size=decimal_text(*measure.size),
        size_usd=cents_text(measure.size_usd),
        flags=measure.flags,
        samples=record.samples + 1,
    )


def side(leg: Leg, which: Literal["buy", "sell"], at: int) -> SignalLeg:
    """One leg as a record shows it; its needed side must be there."""
    quote, funding = leg.quote, leg.funding
    assert quote is not None  # a good leg has a quote
    price, size = (quote.ask, quote.ask_size) if which == "buy" else (quote.bid, quote.bid_size)
    perp = funding if leg.market == "perp" else None
    return SignalLeg(
        venue=leg.venue,
        market=leg.market,
        symbol=leg.symbol,
        native=leg.native,
        price=price or "",
        size=size or "",
        age_ms=leg.age_ms(at),
        funding_rate=perp.rate if perp else None,
        funding_interval_h=(perp.interval_h or leg.row.funding_interval_h) if perp else None,
        next_funding_ts=perp.next_ts if perp else None,
    )
