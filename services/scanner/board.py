"""Board rows: the current picture of each coin, all its markets and the best route among the good ones. Pure.

The best route is the one with the highest net_open whose legs and rate are good, whose fees are known, that is not
above max_edge, and whose pair is not in doubt. It need not pay. Where there is none, `why` names what stands in the
way: `single` (one market only), a leg's state, `fx`, `fee_unknown`, `identity`, `max_edge`.

A leg is encoded again only when something of it changed, and the best route measured again only when one of its own two
markets did: a row of eight markets of which one moved costs one leg.
"""

from typing import Final

import msgspec

from services.scanner.figures import Figures
from services.scanner.fold import Fold
from services.scanner.lifecycle import key_of
from services.scanner.market import Asset, Leg
from shared import signals
from shared.routes.best import GOOD, best_pair, described, lack
from shared.routes.fx import Fx
from shared.signals import Kind, LegState, Route


class RawRow(msgspec.Struct, frozen=True, kw_only=True):
    """`shared.signals.BoardRow` with legs that are encoded already: the same bytes."""

    asset: str
    fence: int
    ver: int
    at: int
    legs: list[msgspec.Raw]
    best: Route | None
    why: str | None
    signals: tuple[str, ...]
    doubtful: tuple[tuple[int, int], ...] = ()
    fx: Fx | None = None
    fx_at: int = 0
    usual: tuple[float | None, ...] = ()


class Seen(msgspec.Struct, frozen=True, gc=False):
    """What a leg was encoded from."""

    quote: object
    mark: object
    funding: object
    stats: object
    row: object
    note: object
    state: LegState
    raw: msgspec.Raw


class Told(msgspec.Struct, frozen=True):
    """A coin's best route as it was told last, what it was made of, and the event time from which it is another."""

    made_of: tuple[object, ...]
    until: int
    route: Route


_encoder: Final = msgspec.msgpack.Encoder()


class Board:
    """Makes rows. Holds the last encoding of each leg with the state it was shown in, and each coin's last route."""

    def __init__(self, fold: Fold) -> None:
        self.fold = fold
        self.figures = Figures(fold)
        self._seen: dict[Leg, Seen] = {}
        self._told: dict[Asset, Told] = {}
        self.ver = 0

    def row(self, asset: Asset, fence: int) -> bytes | None:
        """The row as msgpack, None for a coin of which nothing was heard."""
        fold = self.fold
        judge = fold.judge
        states: list[tuple[Leg, LegState]] = []
        raws: list[msgspec.Raw] = []
        for leg in asset.legs:
            if leg.quote is None and leg.mark is None and leg.funding is None and leg.stats is None:
                continue
            state = leg.state(fold.at, judge.id_ms, judge.runtime)
            states.append((leg, state))
            raws.append(self._raw(leg, state))
        if not states:
            return None
        doubtful, apart = judge.doubts.pairs(states, fold.at, judge.runtime), self._apart(states)
        best, why = self.best(states)
        if why == "identity" and not doubtful:
            why = "excluded"
        self.ver += 1
        ids = {
            route.record.id
            for leg, _ in states
            for route in leg.active
            if route.record is not None and route.state in ("open", "fade")
        }
        return _encoder.encode(
            RawRow(
                asset=asset.name,
                fence=fence,
                ver=self.ver,
                at=fold.at,
                legs=raws,
                best=best,
                why=why,
                signals=tuple(sorted(ids)),
                doubtful=tuple(sorted({*doubtful, *apart})) if apart else doubtful,
                fx=judge.rate.fx,
                fx_at=judge.rate.at,
                usual=self._usual(states),
            )
        )

    def forget(self, asset: Asset) -> None:
        """Let go of a coin's last route: the next one is measured anew."""
        self._told.pop(asset, None)

    def _usual(self, states: list[tuple[Leg, LegState]]) -> tuple[float | None, ...]:
        """Of each of a row's legs what it usually settles at; nothing where none has settled yet."""
        memory = self.fold.memory
        found = tuple(memory.usual(leg) for leg, _ in states) if memory.settled else ()
        return found if any(one is not None for one in found) else ()

    def _apart(self, states: list[tuple[Leg, LegState]]) -> tuple[tuple[int, int], ...]:
        """The pairs of a row's legs between which an exclusion forbids routes, by their places in the row."""
        judge, at = self.fold.judge, self.fold.at
        if not judge.apart:
            return ()
        places = list(enumerate(leg for leg, _ in states))
        return tuple(
            (i, j) for i, one in places for j, other in places if i < j and judge.kept_apart(one, other, at) is not None
        )

    def gone(self, name: str, fence: int) -> bytes:
        """What says that a coin has no row any more: one without legs."""
        self._seen = {leg: seen for leg, seen in self._seen.items() if leg in leg.asset.legs}
        self.ver += 1
        at = self.fold.at
        return _encoder.encode(
            RawRow(asset=name, fence=fence, ver=self.ver, at=at, legs=[], best=None, why="delisted", signals=())
        )

    def changed(self, asset: Asset) -> bool:
        """Whether time alone has changed the state of one of its legs since it was shown."""
        fold = self.fold
        for leg in asset.legs:
            seen = self._seen.get(leg)
            if seen is not None and seen.state != leg.state(fold.at, fold.judge.id_ms, fold.judge.runtime):
                return True
        return False

    def best(self, states: list[tuple[Leg, LegState]]) -> tuple[Route | None, str | None]:
        """The best route among the good legs, or why there is none."""
        judge, at = self.fold.judge, self.fold.at
        good = [leg for leg, state in states if state in GOOD]
        runtime, about = judge.runtime, judge.doubts.about
        found, refused = best_pair(
            good,
            judge.rate,
            at,
            judge.max_rough,
            lambda buy, sell: about(buy, sell, at, runtime) or judge.kept_apart(buy, sell, at) is not None,
            moving=judge.moving if judge.transfers else None,
        )
        if found is None:
            bad = [state for leg, state in states if state not in GOOD and leg.quote is not None]
            return None, refused or lack(len(good), bad)
        return self._figures(*found), None

    def _figures(self, buy: Leg, sell: Leg, kind: Kind) -> Route:
        """The route in figures: those of before while all that they are made of stands, for most often another market
        of the coin has moved."""
        fold, rate = self.fold, self.fold.judge.rate
        window = fold.cycle.window(key_of(buy, sell))
        made_of = (
            *(buy, buy.quote, buy.funding, buy.row, buy.fee, buy.book),
            *(sell, sell.quote, sell.funding, sell.row, sell.fee, sell.book),
            *(rate, window, fold.judge.runtime, fold.memory.minute, fold.memory.tracks.of(buy, sell)),
        )
        known = self._told.get(buy.asset)
        if known is not None and fold.at < known.until and known.made_of == made_of:
            return known.route
        measure = fold.judge.measured(buy, sell, fold.at, window)
        route = self.figures.beside(described(buy, sell, kind, measure), buy, sell, measure)
        self._told[buy.asset] = Told(made_of, self.figures.until(buy, sell, window), route)
        return route

    def _raw(self, leg: Leg, state: LegState) -> msgspec.Raw:
        seen = self._seen.get(leg)
        if (
            seen is not None
            and seen.state == state
            and seen.quote is leg.quote
            and seen.mark is leg.mark
            and seen.funding is leg.funding
            and seen.stats is leg.stats
            and seen.row is leg.row
            and seen.note is leg.standing.note
        ):
            return seen.raw
        raw = msgspec.Raw(_encoder.encode(shown(leg, state)))
        self._seen[leg] = Seen(leg.quote, leg.mark, leg.funding, leg.stats, leg.row, leg.standing.note, state, raw)
        return raw


def shown(leg: Leg, state: LegState) -> signals.Leg:
    """A leg as the board shows it."""
    quote, mark, funding, stats = leg.quote, leg.mark, leg.funding, leg.stats
    return signals.Leg(
        venue=leg.venue,
        market=leg.market,
        symbol=leg.symbol,
        native=leg.native,
        state=state,
        reason=leg.reason() if state == "quarantined" else None,
        bid=quote.bid if quote else None,
        bid_size=quote.bid_size if quote else None,
        ask=quote.ask if quote else None,
        ask_size=quote.ask_size if quote else None,
        last=stats.last if stats else None,
        ts=quote.ts if quote else None,
        recv=quote.recv if quote else None,
        source=quote.source if quote else None,
        mark=mark.mark if mark else None,
        index=mark.index if mark else None,
        funding_rate=funding.rate if funding else None,
        funding_interval_h=(funding.interval_h or leg.row.funding_interval_h) if funding else None,
        next_funding_ts=funding.next_ts if funding else None,
        volume=stats.volume if stats else None,
        turnover=stats.turnover if stats else None,
        open_interest=stats.open_interest if stats else None,
    )
