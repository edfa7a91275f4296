"""What the fold remembers beside the present: followed pairs, settled funding rates, whose books are asked for.

Two parts, for the checkpoint's sake: what changes with every sample is small and saved each time; what only a whole
minute changes is large and saved once a minute (`minute` tells). Settlements therefore wait for the minute, too.
"""

from typing import TYPE_CHECKING, Final

import msgspec

from services.scanner.detectors.interest import Interest, Near, Want
from services.scanner.detectors.settled import Settled
from services.scanner.detectors.tracks import EXITS, MINUTE, SPREADS, Series, Track, Tracks, key_of
from services.scanner.market import Leg
from shared import decoding
from shared.events import Settlement

if TYPE_CHECKING:
    from services.scanner.fold import Fold

Place = tuple[str, str, str]
Kept = tuple[int, bytes]


class SavedTrack(msgspec.Struct, frozen=True, array_like=True):
    """A followed pair without its past: when it is forgotten, its present minute."""

    one: Place
    other: Place
    until: int
    minute: int
    samples: tuple[list[int], list[int], list[int]]
    opened: tuple[bool, bool]


class SavedWant(msgspec.Struct, frozen=True, array_like=True):
    one: Place
    other: Place
    edge: float
    near_at: int
    since: int | None


class Saved(msgspec.Struct, frozen=True, array_like=True):
    """The small part. `minute`: of the large part that it goes with."""

    minute: int
    tracks: list[SavedTrack]
    wants: list[SavedWant]
    fresh: list[tuple[Place, Settlement]]
    due: tuple[int, int]


class SavedPast(msgspec.Struct, frozen=True, array_like=True):
    """The large part: the series of each pair (first minute, 32-bit values), the settlements of each perpetual."""

    minute: int
    series: list[tuple[Place, Place, Kept, Kept, Kept]]
    settled: list[tuple[Place, bytes, bytes]]


_encoder: Final = msgspec.msgpack.Encoder()
_past: Final[decoding.Decoder[SavedPast]] = decoding.msgpack(SavedPast)


def place_of(leg: Leg) -> Place:
    return leg.venue, leg.market, leg.native


class Memory:
    """`minute`: the present one, since the epoch; the large part changes when it does."""

    def __init__(self) -> None:
        self.tracks = Tracks()
        self.interest = Interest()
        self.settled: dict[Leg, Settled] = {}
        self.fresh: list[tuple[Leg, Settlement]] = []
        self.minute = 0

    def paid(self, leg: Leg, event: Settlement) -> None:
        """A settlement: it counts from the next minute on."""
        self.fresh.append((leg, event))

    def usual(self, leg: Leg) -> float | None:
        """The median of the rates that a perpetual settled in seven days; None while nothing is known."""
        settled = self.settled.get(leg)
        return settled.usual() if settled is not None else None

    def instant(self, fold: "Fold", at: int) -> None:
        """At a sampling instant."""
        if at // MINUTE != self.minute:
            self._turn(at)
        judge = fold.judge
        if self.interest.is_due(at):
            near = fold.screen.near(at)
            for one, other, _ in near:
                self.tracks.near((one, other), at)
            self.interest.look(near, at, judge.runtime.book_budget)
        if self.tracks.pairs:
            opened = {key for key, route in fold.cycle.routes.items() if route.state in ("open", "fade")}
            self.tracks.sample(at, judge, opened)

    def _turn(self, at: int) -> None:
        self.minute = at // MINUTE
        self.tracks.close(self.minute, at)
        for leg, event in self.fresh:
            self.settled.setdefault(leg, Settled()).put(event)
        self.fresh.clear()
        for leg in [leg for leg in self.settled if leg not in leg.asset.legs]:
            del self.settled[leg]

    def saved(self) -> Saved:
        tracks, interest = self.tracks, self.interest
        return Saved(
            self.minute,
            [
                SavedTrack(
                    place_of(one.pair[0]), place_of(one.pair[1]), one.until, one.minute, one.samples,
                    (one.opened[0], one.opened[1]),
                )
                for one in tracks.pairs.values()
            ],
            [
                SavedWant(place_of(one.one), place_of(one.other), one.edge, one.near_at, one.since)
                for one in interest.wants.values()
            ],
            [(place_of(leg), event) for leg, event in self.fresh],
            (tracks.due, interest.due),
        )  # fmt: skip

    def past(self) -> bytes:
        """The large part."""
        series = [
            (place_of(one.pair[0]), place_of(one.pair[1]), _kept(one.spread), _kept(one.exits), _kept(one.back))
            for one in self.tracks.pairs.values()
        ]
        settled = [(place_of(leg), one.minutes.tobytes(), one.rates.tobytes()) for leg, one in self.settled.items()]
        return _encoder.encode(SavedPast(self.minute, series, settled))

    def restore(self, fold: "Fold", saved: Saved, past: bytes | None) -> None:
        """Both parts; what names a leg that is not there is left out. Without the large part, or with one of another
        minute, the past begins anew. Raises `msgspec.DecodeError`."""

        def leg_at(place: Place) -> Leg | None:
            return fold.natives.get(place[0], {}).get((place[1], place[2]))

        self.minute = saved.minute
        self.tracks.due, self.interest.due = saved.due
        for track in saved.tracks:
            one, other = leg_at(track.one), leg_at(track.other)
            if one is not None and other is not None:
                again = Track((one, other), track.until, track.minute)
                again.samples, again.opened = track.samples, list(track.opened)
                self.tracks.pairs[key_of((one, other))] = again
        for want in saved.wants:
            one, other = leg_at(want.one), leg_at(want.other)
            if one is not None and other is not None:
                asking = Want(Near(one, other, want.edge), want.near_at, want.since)
                self.interest.wants[asking.key] = asking
        self.fresh = [(leg, event) for place, event in saved.fresh if (leg := leg_at(place)) is not None]
        large = _past.decode(past) if past is not None else None
        if large is None or large.minute != saved.minute:
            return
        for place, other_place, spread, exits, back in large.series:
            one, other = leg_at(place), leg_at(other_place)
            found = self.tracks.of(one, other) if one is not None and other is not None else None
            if found is not None:
                found.spread = Series(SPREADS, *spread)
                found.exits, found.back = Series(EXITS, *exits), Series(EXITS, *back)
        for place, minutes, rates in large.settled:
            leg = leg_at(place)
            if leg is not None:
                self.settled[leg] = Settled(minutes, rates)


def _kept(series: Series) -> Kept:
    return series.first, series.values.tobytes()
