"""What the board says of a route beside its edge: funding, depth, statistics. Pure, from the fold as it stands.

Statistics cost milliseconds. Those of a pair are worked out anew when its minute comes: each pair has a second of the
minute of its own, so they do not all fall due together. The rest is cheap, or remembered while what it was made from
stands.
"""

from collections.abc import Callable, Iterable
from fractions import Fraction
from statistics import median_low
from typing import Final, NamedTuple
from zlib import crc32

import msgspec

from services.scanner.detectors import spread
from services.scanner.detectors.tracks import DAY, MINUTE, SECOND, Track, key_of, spread_of
from services.scanner.fold import Fold
from services.scanner.market import MS, Leg
from shared.routes import depth, told
from shared.routes.edge import Measure, factors
from shared.routes.funding import stands_until
from shared.routes.fx import crosses
from shared.routes.numbers import cents, cents_text, decimal_text, half_even
from shared.signals import Route, RouteDepth, RouteFunding, RouteStats

#: A book older than this, or younger, is of another moment than the quotes.
BOOK_AGE_NS: Final = 500 * MS
WINDOWS: Final = (60, 12 * 60, 7 * 24 * 60)
HALF_LIFE_MIN: Final = 12 * 60
EXIT_LEAST: Final = 240
KEPT_MAX: Final = 4096


class Past(NamedTuple):
    """What a pair's minutes say: s in the order of its legs (a week of it, ascending), both routes' exits (cents)."""

    windows: tuple[spread.Window | None, ...]
    week: list[int]
    half_life_min: float | None
    convergences: int | None
    exits: tuple[int | None, int | None]
    minutes: int


class Figures:
    """Remembers what is dear, of KEPT_MAX pairs at most."""

    def __init__(self, fold: Fold) -> None:
        self.fold = fold
        self._pasts: dict[str, tuple[Track, int, Past]] = {}

    def beside(self, route: Route, buy: Leg, sell: Leg, measure: Measure) -> Route:
        """The route with all that is known of it."""
        stats, found = self.stats(buy, sell, measure), self.depth(buy, sell)
        carried = self.funding(buy, sell, told.round_trip_cost(measure, stats, found))
        flags = route.flags if found is None else tuple(flag for flag in route.flags if flag != "L1")
        return msgspec.structs.replace(route, flags=flags, funding=carried, depth=found, stats=stats)

    def until(self, buy: Leg, sell: Leg, window_ns: int) -> int:
        """The event time from which a route's figures are others though nothing was heard of its markets: a payment
        falls due within the window, a minute is over. At once where both books are there, for they grow old."""
        at = self.fold.at
        if buy.book is not None and sell.book is not None:
            return at
        found = min(stands_until(buy, at, window_ns), stands_until(sell, at, window_ns), at - at % MINUTE + MINUTE)
        track = self.fold.memory.tracks.of(buy, sell)
        return found if track is None else min(found, (_minute(track, at) + 1) * MINUTE + _second(track))

    def funding(self, buy: Leg, sell: Leg, cost: int) -> RouteFunding | None:
        """`cost`: of the round trip, in hundredths of a basis point."""
        usual = self.fold.memory.usual
        return told.funding(buy, sell, cost, self.fold.at, usual(buy), usual(sell))

    def depth(self, buy: Leg, sell: Leg) -> RouteDepth | None:
        """None where a book is not collected, not of this moment, or not that of the quote."""
        judge, at = self.fold.judge, self.fold.at
        one, other = buy.book, sell.book
        if one is None or other is None or not one.asks or not other.bids or buy.fee is None or sell.fee is None:
            return None
        if buy.quote is None or sell.quote is None or max(abs(at - one.recv), abs(at - other.recv)) > BOOK_AGE_NS:
            return None
        if not _same(one.asks[0][0], buy.quote.ask) or not _same(other.bids[0][0], sell.quote.bid):
            return None
        moved = judge.transfers.bps(buy.asset.name, buy, sell)
        terms = depth.Terms(buy.fee + moved, sell.fee, *factors(buy, sell, judge.rate))
        try:
            mine = depth.of_usd(one.asks, other.bids, terms, judge.trade)
            pays = depth.largest(one.asks, other.bids, terms, Fraction(0))
            keeps = depth.largest(one.asks, other.bids, terms, judge.min_net)
        except ValueError:  # more digits than any venue writes: as without a book
            return None
        edge, net = mine.edge_bps(terms), mine.net_bps(terms)
        return RouteDepth(
            usd=cents_text(cents(mine.usd(terms))),
            edge_bps=None if edge is None else cents_text(cents(edge)),
            net_bps=None if net is None else cents_text(cents(net)),
            pays_usd=cents_text(cents(pays.usd(terms))),
            pays_size=decimal_text(pays.size.numerator, pays.size.denominator),
            profit_usd=cents_text(cents(pays.profit_usd(terms))),
            keeps_usd=cents_text(cents(keeps.usd(terms))),
            at_least=pays.ended or mine.ended,
            recv=(one.recv, other.recv),
        )

    def stats(self, buy: Leg, sell: Leg, measure: Measure) -> RouteStats | None:
        """None for a pair that is not followed."""
        fold = self.fold
        track = fold.memory.tracks.of(buy, sell)
        if track is None:
            return None
        past = self._past(track)
        rateless = crosses(buy, sell) and fold.judge.rate.trouble(fold.at) is not None
        now = None if rateless else spread_of(track.pair, fold.judge.rate)
        # s counts from the first leg to the second; a route's own spread from the bought leg to the sold one
        first = buy is track.pair[0]
        sign = 1 if first else -1
        exit_cents = past.exits[0 if first else 1]
        share = None if now is None else spread.percentile(past.week, now)
        return RouteStats(
            z=_each(past.windows, lambda one: sign * one.z(now) if now is not None else None),
            robust_z=_each(past.windows, lambda one: sign * one.robust(now) if now is not None else None),
            percentile=None if share is None else round(share if first else 100 - share, 1),
            half_life_s=None if past.half_life_min is None else round(past.half_life_min * 60),
            convergences_24h=past.convergences,
            exit_bps=None if exit_cents is None else cents_text(exit_cents),
            net_rt_bps=None if exit_cents is None else cents_text(round_trip(buy, sell, measure, exit_cents)),
            minutes=past.minutes,
        )

    def _past(self, track: Track) -> Past:
        """As of the last whole minute before the pair's own second of the present one."""
        key, minute = key_of(track.pair), _minute(track, self.fold.at)
        known = self._pasts.get(key)
        if known is not None and known[0] is track and known[1] == minute:
            return known[2]
        if len(self._pasts) >= KEPT_MAX:
            self._pasts.clear()
        enter = self.fold.judge.enter_rough * spread.BP
        found = past_of(track, minute, enter)
        self._pasts[key] = track, minute, found
        return found


def _second(track: Track) -> int:
    """The pair's own second of the minute, in ns."""
    return crc32(key_of(track.pair).encode()) % 60 * SECOND


def _minute(track: Track, at: int) -> int:
    """The minute that counts for the pair at an event time."""
    return (at - _second(track)) // MINUTE


def past_of(track: Track, minute: int, away: float) -> Past:
    """What is known of a pair before a minute. `away`: what counts as having parted."""
    week = sorted(value for value in track.spread.last(WINDOWS[-1], minute) if value != spread.MISSING)
    exits = (_median(track.exits.last(DAY // MINUTE, minute)), _median(track.back.last(DAY // MINUTE, minute)))
    return Past(
        tuple(spread.window(track.spread.last(size, minute)) for size in WINDOWS),
        week,
        spread.half_life_min(track.spread.last(HALF_LIFE_MIN, minute)),
        spread.convergences(track.spread.last(DAY // MINUTE, minute), away),
        exits,
        len(week),
    )


def _median(values: Iterable[int]) -> int | None:
    known = [value for value in values if value != spread.MISSING]
    return median_low(known) if len(known) >= EXIT_LEAST else None


def round_trip(buy: Leg, sell: Leg, measure: Measure, exit_cents: int) -> int:
    """net_rt in hundredths of a basis point: spot against spot has no way back."""
    if buy.market == "spot" and sell.market == "spot":
        return measure.net
    fees = 2 * ((buy.fee or 0) + (sell.fee or 0)) * 100
    return measure.edge + exit_cents - half_even(Fraction(fees).numerator, Fraction(fees).denominator)


def _same(level: str, price: str | None) -> bool:
    return price is not None and (level == price or Fraction(level) == Fraction(price))


def _each(
    windows: tuple[spread.Window | None, ...], figure: Callable[[spread.Window], float | None]
) -> tuple[float | None, float | None, float | None]:
    one, half_day, week = (
        None if window is None or (value := figure(window)) is None else round(value, 2) for window in windows
    )
    return one, half_day, week
