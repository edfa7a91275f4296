"""What is remembered of pairs whose edge has come near a signal: their spread and their exit edges, by the minute.

    s     = ln(mid_B * q_B / mid_A * q_A), each second of event time, while both legs are good, and no perpetual of
            the two settles within a minute
    exit  = edge(B to A) and edge(A to B), each second while both legs are good; of a route's exit edge the minutes
            are left out in which that very route was open

A pair is followed from when either edge passes `near_ratio * enter_bps` until a day after it last did, PAIRS_MAX pairs
at most: a new one takes the place of the one that has been quiet longest, if that has been for an hour. Of each minute
the medians stay: a week of s, a day of the exits. All by event time, on sampling instants, so every fold of the same
entries remembers the same. What a minute adds is written with the next checkpoint, what lies before it once a minute.
"""

from array import array
from collections.abc import Container
from math import log
from statistics import median_low
from typing import TYPE_CHECKING, Final

from services.scanner.detectors.spread import BP, MISSING
from shared.routes.carry import GRACE_NS, interval_of, next_settlement
from shared.routes.edge import rough_bps
from shared.routes.funding import HOUR_NS
from shared.routes.fx import Rate, crosses

if TYPE_CHECKING:
    from services.scanner.judge import Judge
    from services.scanner.market import Leg

SECOND: Final = 1_000_000_000
MINUTE: Final = 60 * SECOND
DAY: Final = 24 * HOUR_NS
QUIET_NS: Final = HOUR_NS
PAIRS_MAX: Final = 256
#: Minutes that are kept, and how many are let go at once.
SPREADS: Final = 7 * 24 * 60
EXITS: Final = 24 * 60
SLACK: Final = 60
GOOD: Final = frozenset({"ok", "quiet"})
Pair = tuple["Leg", "Leg"]


class Series:
    """One value a minute, `first` being the minute of the first; MISSING where a minute has none."""

    __slots__ = ("first", "keep", "values")

    def __init__(self, keep: int, first: int = 0, data: bytes = b"") -> None:
        self.keep, self.first = keep, first
        self.values = array("i", data)

    def put(self, minute: int, value: int) -> None:
        """The value of a minute, later than those that are there."""
        values = self.values
        if not values or minute - self.first - len(values) >= self.keep:
            self.first, self.values = minute, array("i", (value,))
            return
        values.extend((MISSING,) * (minute - self.first - len(values)))
        values.append(value)
        if len(values) > self.keep + SLACK:
            gone = len(values) - self.keep
            del values[:gone]
            self.first += gone

    def last(self, count: int, until: int) -> "array[int]":
        """The values of the `count` minutes before `until`, as far as there are any."""
        start = max(0, until - count - self.first)
        return self.values[start : max(0, until - self.first)]


class Track:
    """One pair, in the order of its legs' parts. `until`: when it is forgotten, event time in ns."""

    __slots__ = ("back", "exits", "minute", "opened", "pair", "samples", "spread", "until")

    def __init__(self, pair: Pair, until: int, minute: int) -> None:
        self.pair, self.until, self.minute = pair, until, minute
        self.spread = Series(SPREADS)
        #: the exit edge of a route first -> second is edge(second -> first), and the other way round
        self.exits, self.back = Series(EXITS), Series(EXITS)
        #: of the present minute: s, exits, back
        self.samples: tuple[list[int], list[int], list[int]] = ([], [], [])
        #: whether the route first -> second, or second -> first, was open in the present minute
        self.opened = [False, False]

    def close(self, minute: int) -> None:
        """The minute is over; `minute` has begun."""
        spread, exits, back = self.samples
        for values, series, out in (
            (spread, self.spread, False),
            (exits, self.exits, self.opened[0]),
            (back, self.back, self.opened[1]),
        ):
            if values or series.values:
                series.put(self.minute, median_low(values) if values and not out else MISSING)
            values.clear()
        self.opened = [False, False]
        self.minute = minute

    def exit_of(self, buy: "Leg") -> Series:
        """The exit edges of the route that buys this leg."""
        return self.exits if buy is self.pair[0] else self.back


def pair_of(one: "Leg", other: "Leg") -> Pair:
    return (one, other) if one.part < other.part else (other, one)


def key_of(pair: Pair) -> str:
    return f"{pair[0].part}|{pair[1].part}"


def spread_of(pair: Pair, rate: Rate) -> int | None:
    """s in thousandths of a basis point; both legs must be two-sided, None where the rate is not known."""
    first, second = pair
    if not first.bid or not first.ask or not second.bid or not second.ask:
        return None
    ratio = (second.bid + second.ask) / (first.bid + first.ask)
    if crosses(first, second):
        if rate.mid is None:
            return None
        ratio *= float(rate.mid) if second.converted else 1 / float(rate.mid)
    return round(log(ratio) * 10_000 * BP)


def settles(leg: "Leg", at: int) -> bool:
    """Whether a settlement of the leg lies within a minute, ahead or behind."""
    funding = leg.funding
    if leg.market == "spot" or funding is None or funding.next_ts is None:
        return False
    if abs(funding.next_ts - at) <= GRACE_NS:
        return True
    step = int((interval_of(leg) or 0) * HOUR_NS)
    ahead = next_settlement(funding, step, at)
    return step > 0 and ahead is not None and min(ahead - at, abs(at - ahead + step)) <= GRACE_NS


class Tracks:
    """All pairs that are followed. `due`: event time of the next sample; `refused`: pairs that found no room."""

    def __init__(self) -> None:
        self.pairs: dict[str, Track] = {}
        self.due = self.refused = 0

    def of(self, one: "Leg", other: "Leg") -> Track | None:
        return self.pairs.get(key_of(pair_of(one, other)))

    def near(self, pair: Pair, at: int) -> None:
        """One of the pair's edges has come near."""
        key = key_of(pair)
        track = self.pairs.get(key)
        if track is not None and track.pair == pair:
            track.until = at + DAY
            return
        if track is None and len(self.pairs) >= PAIRS_MAX:
            oldest = min(self.pairs, key=lambda one: (self.pairs[one].until, one))
            if self.pairs[oldest].until - DAY > at - QUIET_NS:
                self.refused += 1
                return
            del self.pairs[oldest]
        self.pairs[key] = Track(pair, at + DAY, at // MINUTE)

    def sample(self, at: int, judge: "Judge", opened: Container[str]) -> None:
        """At an instant: one sample of each pair, once a second. `opened`: keys of the routes that are open."""
        if at < self.due:
            return
        self.due = at - at % SECOND + SECOND
        rateless = judge.rate.trouble(at) is not None
        for track in self.pairs.values():
            one, other = track.pair
            if not _good(one, at, judge) or not _good(other, at, judge) or (rateless and crosses(one, other)):
                continue
            for number, (buy, sell) in enumerate(((one, other), (other, one))):
                track.opened[number] = track.opened[number] or route_key(buy, sell) in opened
                track.samples[1 + number].append(round(rough_bps(sell, buy, judge.rate) * 100))
            if not settles(one, at) and not settles(other, at):
                spread = spread_of(track.pair, judge.rate)
                if spread is not None:
                    track.samples[0].append(spread)

    def close(self, minute: int, at: int) -> None:
        """A minute has begun: what the last one brought stays, pairs that have long been quiet or are gone go."""
        for key, track in list(self.pairs.items()):
            if track.until <= at or any(leg not in leg.asset.legs for leg in track.pair):
                del self.pairs[key]
            else:
                track.close(minute)


def _good(leg: "Leg", at: int, judge: "Judge") -> bool:
    return leg.state(at, judge.id_ms, judge.runtime) in GOOD


def route_key(buy: "Leg", sell: "Leg") -> str:
    """As the life cycle names a route."""
    return f"{buy.asset.name}|{buy.part}|{sell.part}"
