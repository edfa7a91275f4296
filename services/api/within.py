"""The best route of a coin among those that somebody asks for, worked out from the legs of its row as the scanner does.

The scanner's own best route serves wherever it fits what is asked: the best of all is the best of some. Else the same
code judges the row's legs (`shared/routes`), with the fees and bounds of the settings, the terms of the listing, and
the rate and the doubts that the row carries. Of funding, `net_cash_bps` counts what falls due within ten minutes; the
scanner looks further ahead on a route whose signals usually last longer. Pure.
"""

from collections.abc import Iterable, Sequence
from fractions import Fraction
from functools import lru_cache
from typing import Final

import msgspec

from services.api.symbols import Directory
from shared.config import Runtime
from shared.events import Funding, Quote
from shared.instruments import Instrument, Market
from shared.routes.best import GOOD, best_pair, described, lack
from shared.routes.edge import Measure, usd
from shared.routes.fees import number, taker_bps
from shared.routes.funding import WINDOW_NS
from shared.routes.fx import CONVERTED, Fx, Rate
from shared.routes.numbers import cents
from shared.routes.size import top_size
from shared.signals import BoardRow, Kind, Leg, Route

_UNKNOWN: Final = Fx(None, None, None, 0)
#: What the legs of a route of one kind may be.
_MARKETS: Final[dict[Kind, frozenset[Market]]] = {
    "perp-perp": frozenset({"perp"}),
    "spot-perp": frozenset({"spot", "perp"}),
    "spot-spot": frozenset({"spot"}),
}


class Wanted(msgspec.Struct, frozen=True):
    """Which routes are asked for; None is any. Both sides must be on one of the venues."""

    venues: frozenset[str] | None = None
    kind: Kind | None = None
    min_size_usd: float | None = None

    @classmethod
    def of(cls, venues: Iterable[str] | None, kind: Kind | None = None, min_size_usd: float | None = None) -> "Wanted":
        return cls(None if venues is None else frozenset(venues), kind, min_size_usd)

    def everything(self) -> bool:
        return self.venues is None and self.kind is None and self.min_size_usd is None

    def fits(self, route: Route) -> bool:
        """Whether a route that is known already is asked for."""
        return (
            (self.venues is None or (route.buy[0] in self.venues and route.sell[0] in self.venues))
            and (self.kind is None or route.kind == self.kind)
            and (self.min_size_usd is None or float(route.size_usd) >= self.min_size_usd)
        )

    def leg(self, leg: Leg) -> bool:
        """Whether a route that is asked for may go over this leg."""
        return (self.venues is None or leg.venue in self.venues) and (
            self.kind is None or leg.market in _MARKETS[self.kind]
        )


class Place:
    """A leg of a row as the formulas see it (`shared.routes.side.Side`)."""

    __slots__ = (
        *("ask", "bid", "converted", "fee", "fee_rough", "funding", "index", "market"),
        *("native", "quote", "row", "venue"),
    )

    def __init__(self, index: int, leg: Leg, row: Instrument, fee: Fraction | None) -> None:
        """`index` is its place in the row."""
        self.index, self.row = index, row
        self.venue, self.market, self.native = leg.venue, leg.market, leg.native
        self.bid, self.ask = float(leg.bid or 0), float(leg.ask or 0)
        self.fee, self.fee_rough = fee, float(fee or 0)
        self.converted = row.quote in CONVERTED
        self.quote: Quote | None = Quote(
            leg.symbol, leg.bid, leg.bid_size, leg.ask, leg.ask_size, leg.ts, leg.recv or 0
        )
        self.funding: Funding | None = None
        if leg.funding_rate is not None:
            self.funding = Funding(
                leg.symbol, leg.funding_rate, leg.funding_interval_h, leg.next_funding_ts, None, None, leg.recv or 0
            )


class Routes:
    """The best routes under one listing and one set of settings. Neither changes: it may be asked from any thread."""

    def __init__(self, directory: Directory, runtime: Runtime) -> None:
        self.directory, self.runtime = directory, runtime
        self._max_bps = float(number(runtime.max_edge_bps))

    def within(self, row: BoardRow, wanted: Wanted) -> BoardRow:
        """The row with the best route that is asked for, or with none and what stands in the way.

        `why` has the scanner's words, for the legs that are asked for, and `filtered`: they make no such route.
        """
        best = row.best
        if wanted.everything() or (best is not None and wanted.fits(best)):
            return row
        route, why = self._best(row, wanted)
        return msgspec.structs.replace(row, best=route, why=why)

    def _best(self, row: BoardRow, wanted: Wanted) -> tuple[Route | None, str | None]:
        chosen = [(index, leg) for index, leg in enumerate(row.legs) if wanted.leg(leg)]
        good = [place for index, leg in chosen if leg.state in GOOD and (place := self._place(index, leg)) is not None]
        rate, doubtful = _rate(row.fx or _UNKNOWN, row.fx_at), frozenset(row.doubtful)

        def doubted(buy: Place, sell: Place) -> bool:
            pair = (buy.index, sell.index) if buy.index < sell.index else (sell.index, buy.index)
            return pair in doubtful

        def asked(buy: Place, sell: Place, kind: Kind) -> bool:
            if wanted.kind is not None and kind != wanted.kind:
                return False
            return wanted.min_size_usd is None or dollars(buy, sell, rate) >= wanted.min_size_usd

        found, refused = best_pair(good, rate, row.at, self._max_bps, doubted, asked)
        if found is None:
            return None, refused or _lack([leg for _, leg in chosen])
        buy, sell, kind = found
        return described(buy, sell, kind, Measure(buy, sell, rate, row.at, WINDOW_NS)), None

    def _place(self, index: int, leg: Leg) -> Place | None:
        """The leg with its terms; None where it has one side only or the listing does not know it (yet)."""
        instrument = self.directory.instruments.get((leg.venue, leg.market, leg.native))
        if instrument is None or not leg.bid or not leg.ask:
            return None
        return Place(
            index, leg, instrument, taker_bps(self.runtime.fees, leg.venue, leg.market, instrument.taker_fee_bps)
        )


def dollars(buy: Place, sell: Place, rate: Rate) -> float:
    """What fits at the top of both books, in dollars and cents as a route tells it."""
    return cents(Fraction(*usd(buy, sell, rate, top_size(buy, sell)))) / 100


def _lack(legs: Sequence[Leg]) -> str:
    good = sum(leg.state in GOOD for leg in legs)
    bad = [leg.state for leg in legs if leg.state not in GOOD and leg.recv is not None]
    return "filtered" if good > 1 else lack(good, bad)


@lru_cache(maxsize=64)
def _rate(fx: Fx, at: int) -> Rate:
    return Rate(fx, at)
