"""The best route of a coin among those that somebody asks for, worked out from the legs of its row as the scanner does.

The scanner's own best route serves wherever it fits what is asked: the best of all is the best of some. Else the same
code judges the row's legs (`shared/routes`), with the fees and bounds of the settings, the terms of the listing, and
the rate and the doubts that the row carries. Of funding, `net_cash_bps` counts what falls due within ten minutes; the
scanner looks further ahead on a route whose signals usually last longer. `funding` is told as the scanner tells it of a
route whose usual exit and books it does not know; `depth` and `stats` are None: books and the past of pairs are not in
a row. Pure.
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
from shared.routes import told
from shared.routes.best import GOOD, best_pair, described, lack
from shared.routes.costs import Loan, Transfers, loan_of
from shared.routes.edge import Measure, factors, usd
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
    "perp-spot": frozenset({"spot", "perp"}),
}


#: Filters whose choice among one row's routes is remembered, until the next row of that coin.
FILTERS_MAX: Final = 32


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


class Terms:
    """What the listing and the settings say of a market."""

    __slots__ = ("converted", "fee", "fee_rough", "loan", "row")

    def __init__(self, row: Instrument, fee: Fraction | None, loan: Loan | None) -> None:
        self.row, self.fee, self.fee_rough, self.loan = row, fee, float(fee or 0), loan
        self.converted = row.quote in CONVERTED


class Place:
    """A leg of a row as the formulas see it (`shared.routes.side.Side`)."""

    __slots__ = (
        *("ask", "bid", "converted", "fee", "fee_rough", "funding", "index", "loan", "market"),
        *("native", "quote", "row", "venue"),
    )

    def __init__(self, index: int, leg: Leg, terms: Terms) -> None:
        """`index` is its place in the row."""
        self.index, self.row = index, terms.row
        self.venue, self.market, self.native = leg.venue, leg.market, leg.native
        self.bid, self.ask = float(leg.bid or 0), float(leg.ask or 0)
        self.fee, self.fee_rough, self.converted = terms.fee, terms.fee_rough, terms.converted
        self.loan = terms.loan
        recv = leg.recv or 0
        self.quote: Quote | None = Quote(leg.symbol, leg.bid, leg.bid_size, leg.ask, leg.ask_size, leg.ts, recv)
        rate, hours, due = leg.funding_rate, leg.funding_interval_h, leg.next_funding_ts
        self.funding = None if rate is None else Funding(leg.symbol, rate, hours, due, None, None, recv)


class Looked(msgspec.Struct, frozen=True):
    """What was made of a row. Several filters look at one row, and one filter at a row that has not changed."""

    row: BoardRow
    #: by their places in the row
    legs: dict[int, Place | None]
    shown: dict[Wanted, BoardRow]


class Routes:
    """The best routes under one listing and one set of settings. Neither changes: it may be asked from any thread."""

    def __init__(self, directory: Directory, runtime: Runtime) -> None:
        self.directory, self.runtime = directory, runtime
        self._max_bps = float(number(runtime.max_edge_bps))
        self._transfers = Transfers(runtime.transfers)
        self._terms: dict[tuple[str, Market, str], Terms | None] = {}
        #: by coin, of the row that was asked about last
        self._looked: dict[str, Looked] = {}

    def within(self, row: BoardRow, wanted: Wanted) -> BoardRow:
        """The row with the best route that is asked for, or with none and what stands in the way.

        `why` has the scanner's words, for the legs that are asked for, and `filtered`: they make no such route.
        """
        best = row.best
        if wanted.everything() or (best is not None and wanted.fits(best)):
            return row
        looked = self._looked_at(row)
        shown = looked.shown.get(wanted)
        if shown is None:
            route, why = self._best(looked, wanted)
            shown = msgspec.structs.replace(row, best=route, why=why)
            if len(looked.shown) < FILTERS_MAX:
                looked.shown[wanted] = shown
        return shown

    def _best(self, looked: Looked, wanted: Wanted) -> tuple[Route | None, str | None]:
        row = looked.row
        chosen = [(index, leg) for index, leg in enumerate(row.legs) if wanted.leg(leg)]
        good = [
            place
            for index, leg in chosen
            if leg.state in GOOD and (place := self._place(index, leg, looked.legs)) is not None
        ]
        rate, doubtful = _rate(row.fx or _UNKNOWN, row.fx_at), frozenset(row.doubtful)

        def doubted(buy: Place, sell: Place) -> bool:
            pair = (buy.index, sell.index) if buy.index < sell.index else (sell.index, buy.index)
            return pair in doubtful

        def asked(buy: Place, sell: Place, kind: Kind) -> bool:
            if wanted.kind is not None and kind != wanted.kind:
                return False
            return wanted.min_size_usd is None or carries(buy, sell, rate, wanted.min_size_usd)

        def moved(buy: Place, sell: Place) -> Fraction:
            return self._transfers.bps(row.asset, buy, sell)

        moving = (lambda buy, sell: float(moved(buy, sell))) if self._transfers else None
        found, refused = best_pair(good, rate, row.at, self._max_bps, doubted, asked, moving)
        if found is None:
            return None, refused or _lack([leg for _, leg in chosen])
        buy, sell, kind = found
        measure = Measure(buy, sell, rate, row.at, WINDOW_NS, moved(buy, sell))
        usual = row.usual or (None,) * len(row.legs)
        cost = told.round_trip_cost(measure)
        paid = told.funding(buy, sell, cost, row.at, usual[buy.index], usual[sell.index])
        return msgspec.structs.replace(described(buy, sell, kind, measure), funding=paid), None

    def _looked_at(self, row: BoardRow) -> Looked:
        held = self._looked.get(row.asset)
        if held is None or held.row is not row:
            held = self._looked[row.asset] = Looked(row, {}, {})
        return held

    def _place(self, index: int, leg: Leg, places: dict[int, Place | None]) -> Place | None:
        """The leg with its terms; None where it has one side only or the listing does not know it (yet)."""
        if index not in places:
            terms = self._terms_of(leg) if leg.bid and leg.ask else None
            places[index] = None if terms is None else Place(index, leg, terms)
        return places[index]

    def _terms_of(self, leg: Leg) -> Terms | None:
        key = (leg.venue, leg.market, leg.native)
        if key not in self._terms:
            listed = self.directory.instruments.get(key)
            self._terms[key] = None if listed is None else self._terms_by(listed)
        return self._terms[key]

    def _terms_by(self, listed: Instrument) -> Terms:
        runtime, venue, market = self.runtime, listed.venue, listed.market
        fee = taker_bps(runtime.fees, venue, market, listed.taker_fee_bps)
        return Terms(listed, fee, loan_of(runtime.borrow_rates, listed.base, venue, market))


def carries(buy: Place, sell: Place, rate: Rate, least: float) -> bool:
    """Whether so many dollars fit at the top of both books, by the dollars and cents that a route tells."""
    one, other = buy.quote, sell.quote
    if one is None or other is None or one.ask_size is None or other.bid_size is None:
        return False
    # Lots and rounding take away, never more than a cent is added: most are told by floats.
    rough = min(float(one.ask_size), float(other.bid_size)) * buy.ask * float(factors(buy, sell, rate)[0])
    if rough * (1 + 1e-9) + 0.01 < least:
        return False
    return cents(Fraction(*usd(buy, sell, rate, top_size(buy, sell)))) / 100 >= least


def _lack(legs: Sequence[Leg]) -> str:
    good = sum(leg.state in GOOD for leg in legs)
    bad = [leg.state for leg in legs if leg.state not in GOOD and leg.recv is not None]
    return "filtered" if good > 1 else lack(good, bad)


@lru_cache(maxsize=64)
def _rate(fx: Fx, at: int) -> Rate:
    return Rate(fx, at)
