"""The fold's state as bytes and back: what a successor needs to go on where its predecessor stood.

Marks and stats are left out (but for the turnover, which decides): the board gets them again from the last values.
Everything that a verdict can depend on is in here, so folding on from a checkpoint gives the records that would have
been made.
"""

from collections import deque
from typing import Final

import msgspec

from services.scanner import rulings
from services.scanner.control import Row
from services.scanner.detectors.price_check import Saved as SavedStanding
from services.scanner.detectors.price_check import Standing
from services.scanner.fold import Fold
from services.scanner.lifecycle import Peak, Route, State, attach
from services.scanner.market import SECOND, Leg, Producer, Source
from services.scanner.memory import Saved as SavedMemory
from shared import decoding
from shared.config import Runtime
from shared.events import Funding, Quote
from shared.routes.fx import Fx, Rate
from shared.signals import CloseReason, Kind, Signal

FORMAT: Final = 1


class SavedProducer(msgspec.Struct, frozen=True, array_like=True):
    name: str
    high: int
    missing: list[int]
    lost: int
    last_ms: int
    epoch: int


class SavedSource(msgspec.Struct, frozen=True, array_like=True):
    key: str
    venue: str
    kind: str
    joined: tuple[int, int]
    lags: list[int]
    producers: list[SavedProducer]


class SavedLeg(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """`source` and `producer` are the quote stream's key and the producer that quoted last."""

    venue: str
    row: Row
    new: bool
    gone: bool
    born: int
    quote: Quote | None
    source: str | None
    producer: str | None
    epoch: int
    confirmed: bool
    needs_ws: bool
    channel: str
    renewed: int
    second: int
    at_second: Quote | None
    at_previous: Quote | None
    funding: Funding | None
    standing: SavedStanding | None = None
    left: int = 0
    turnover: str | None = None


class SavedRoute(msgspec.Struct, frozen=True, array_like=True):
    buy: tuple[str, str, str]
    sell: tuple[str, str, str]
    kind: Kind
    state: State
    n: int
    first: int
    peak: Peak
    record: Signal | None
    sent: tuple[int, int]
    ended: int
    why: CloseReason
    until: int


class Saved(msgspec.Struct, frozen=True, kw_only=True):
    """A whole checkpoint. `positions` are the ids of the entries folded last, by stream."""

    format: int
    positions: dict[str, str]
    at: int
    began: int
    next_instant: int
    id_ms: int
    fence: int
    runtime: Runtime
    rate: tuple[str | None, str | None, str | None, int, int]
    listed: dict[str, int]
    sources: list[SavedSource]
    legs: list[SavedLeg]
    routes: list[SavedRoute]
    doubts: list[tuple[str, str, int]]
    history: list[tuple[str, list[int]]]
    counters: tuple[int, int, int, int, int, int]
    looks: tuple[int, int] = (0, 0)
    memory: SavedMemory | None = None


_encoder = msgspec.msgpack.Encoder()
_decoder: Final[decoding.Decoder[Saved]] = decoding.msgpack(Saved)


class Unusable(ValueError):
    """A checkpoint that this version cannot read."""


class Dump:
    """The state of the fold after the entries at `positions`, as of now, encoded piece by piece.

    What is held meanwhile does not change: the legs' values are replaced, never altered, and the rest is bytes at once.
    """

    def __init__(self, fold: Fold, positions: dict[str, str]) -> None:
        self._legs = [_leg(leg, fold.at) for asset in fold.assets.values() for leg in asset.legs]
        self._done: list[msgspec.Raw] = []
        self._head = {
            name: msgspec.Raw(_encoder.encode(value)) for name, value in _beside_legs(fold, positions).items()
        }

    def step(self, count: int) -> bytes | None:
        """Encode so many legs more; the whole once all are."""
        done = len(self._done)
        self._done += [msgspec.Raw(_encoder.encode(leg)) for leg in self._legs[done : done + count]]
        return _encoder.encode({**self._head, "legs": self._done}) if len(self._done) == len(self._legs) else None

    def rest(self) -> bytes:
        """Encode all that is left."""
        whole = self.step(len(self._legs))
        assert whole is not None
        return whole


def dump(fold: Fold, positions: dict[str, str]) -> bytes:
    """The state of the fold after the entries at `positions`."""
    return Dump(fold, positions).rest()


def _beside_legs(fold: Fold, positions: dict[str, str]) -> dict[str, object]:
    """What a checkpoint (`Saved`) holds, but for the legs."""
    judge, cycle = fold.judge, fold.cycle
    rate = judge.rate
    return {
        "format": FORMAT,
        "positions": positions,
        "at": fold.at,
        "began": fold.began,
        "next_instant": fold.next_instant,
        "id_ms": judge.id_ms,
        "fence": fold.fence,
        "runtime": judge.runtime,
        "rate": (rate.fx.bid, rate.fx.ask, rate.fx.mid, rate.venues, rate.at),
        "listed": fold.listed,
        "sources": [_source(source) for source in fold.sources.values()],
        "routes": [_route(route) for route in cycle.routes.values()],
        "doubts": [(one, other, until) for (one, other), until in judge.doubts.until.items()],
        "history": [(key, list(durations)) for key, durations in cycle.history.items()],
        "looks": (fold.rounds.due, fold.rounds.turn),
        "memory": fold.memory.saved(),
        "counters": (fold.entries, fold.events, fold.late, fold.unlisted, fold.doubled, fold.jumps),
    }


def load(data: bytes, past: bytes | None = None) -> tuple[Fold, dict[str, str]]:
    """The fold and the positions to go on from. `past`: the large part of its memory. Raises `Unusable`."""
    try:
        saved = _decoder.decode(data)
    except msgspec.DecodeError as error:
        raise Unusable(str(error)) from error
    if saved.format != FORMAT:
        raise Unusable(f"checkpoint of format {saved.format}, expected {FORMAT}")
    fold = Fold()
    fold.at, fold.began, fold.next_instant, fold.fence = saved.at, saved.began, saved.next_instant, saved.fence
    fold.listed = dict(saved.listed)
    fold.rounds.due, fold.rounds.turn = saved.looks
    fold.entries, fold.events, fold.late, fold.unlisted, fold.doubled, fold.jumps = saved.counters
    judge = fold.judge
    judge.id_ms = saved.id_ms
    judge.use(saved.runtime)
    bid, ask, mid, venues, at = saved.rate
    judge.rate = Rate(Fx(bid, ask, mid, venues), at)
    judge.doubts.until = {(one, other): until for one, other, until in saved.doubts}
    fold.cycle.history = {key: deque(durations, maxlen=16) for key, durations in saved.history}
    for source in saved.sources:
        fold.sources[source.key] = _restored_source(source, fold.venues.setdefault(source.venue, {}))
    for leg in saved.legs:
        _restore_leg(fold, leg)
    for asset in fold.assets.values():
        for one in asset.legs:
            rulings.name(fold, one)
    for route in saved.routes:
        _restore_route(fold, route)
    if saved.memory is not None:
        try:
            fold.memory.restore(fold, saved.memory, past)
        except msgspec.DecodeError as error:
            raise Unusable(str(error)) from error
    fold.screen.fresh.update(fold.assets.values())
    fold.touched.update(fold.assets.values())
    return fold, dict(saved.positions)


def _source(source: Source) -> SavedSource:
    producers = [
        SavedProducer(one.name, one.high, sorted(one.missing), one.lost, one.last_ms, one.epoch)
        for one in source.producers.values()
    ]
    return SavedSource(source.key, source.venue, source.kind, source.joined, list(source.lags), producers)


def _restored_source(saved: SavedSource, legs: dict[str, Leg]) -> Source:
    source = Source(saved.key, saved.venue, saved.kind, saved.joined, legs)
    source.lags.extend(saved.lags)
    for one in saved.producers:
        producer = Producer(one.name, one.high, one.last_ms)
        producer.missing, producer.lost, producer.epoch = set(one.missing), one.lost, one.epoch
        source.producers[one.name] = producer
    return source


def _leg(leg: Leg, at: int) -> SavedLeg:
    recent = at // SECOND - leg.second <= 1  # older ones say nothing any more
    source, producer = leg.quote_source, leg.producer
    return SavedLeg(
        leg.venue,
        leg.row,
        leg.new,
        leg.gone,
        leg.born,
        leg.quote,
        None if source is None else source.key,
        None if producer is None else producer.name,
        leg.epoch,
        leg.confirmed,
        leg.needs_ws,
        leg.channel,
        leg.renewed,
        leg.second,
        leg.at_second if recent else None,
        leg.at_previous if recent else None,
        leg.funding,
        leg.standing.saved(),
        leg.left,
        leg.turnover,
    )


def _restore_leg(fold: Fold, saved: SavedLeg) -> None:
    place = (saved.row.market, saved.row.native)
    successor = fold.natives.get(saved.venue, {}).get(place)
    leg = rulings.add_leg(fold, saved.venue, saved.row, new=saved.new)
    if saved.gone and successor is not None:
        fold.natives[saved.venue][place] = successor
    if saved.standing is not None:
        leg.standing = Standing.restored(saved.standing)
    leg.born, leg.quote = saved.born, saved.quote
    if saved.gone:
        fold.leaving.note(leg, saved.left)
    if saved.source is not None:
        leg.quote_source = fold.sources[saved.source]
        leg.producer = leg.quote_source.producers.get(saved.producer or "")
    leg.epoch, leg.confirmed, leg.needs_ws = saved.epoch, saved.confirmed, saved.needs_ws
    leg.channel, leg.renewed, leg.second = saved.channel, saved.renewed, saved.second
    leg.at_second, leg.at_previous, leg.funding = saved.at_second, saved.at_previous, saved.funding
    leg.turnover = saved.turnover
    rulings.weigh(fold, leg)


def _route(route: Route) -> SavedRoute:
    return SavedRoute(
        (route.buy.venue, route.buy.market, route.buy.native),
        (route.sell.venue, route.sell.market, route.sell.native),
        route.kind,
        route.state,
        route.n,
        route.first,
        route.peak,
        route.record,
        route.sent,
        route.ended,
        route.why,
        route.until,
    )


def _restore_route(fold: Fold, saved: SavedRoute) -> None:
    buy, sell = (fold.natives[venue][market, native] for venue, market, native in (saved.buy, saved.sell))
    route = Route(buy, sell, saved.kind, saved.state)
    route.n, route.first, route.peak, route.record = saved.n, saved.first, saved.peak, saved.record
    route.sent, route.ended, route.why, route.until = saved.sent, saved.ended, saved.why, saved.until
    fold.cycle.routes[route.key] = route
    if route.state != "cool":
        attach(route)
