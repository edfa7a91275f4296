"""What a route costs beside its fees, by the user's word: the loan of coins that are sold, and moving coins.

    loan      a perpetual bought, spot sold: the coins are borrowed and pay `apr_percent` of the notional a year, at all
              times. Where no rate is named the route needs an inventory, and is none.
    transfer  spot against spot of two exchanges: what is bought on one is moved to the other, for so many bps.

Of the rules that fit, the one that names most counts; of these the first. Nothing is looked for where none is set.
"""

from collections.abc import Sequence
from decimal import Decimal
from fractions import Fraction
from typing import Final, NamedTuple

from shared.config import BorrowRate, Transfer
from shared.events import Funding
from shared.instruments import Market
from shared.routes.numbers import fraction
from shared.routes.side import Paying, Side

ZERO: Final = Fraction(0)
YEAR_H: Final = "8760"


class _Terms(NamedTuple):
    funding_interval_h: str | None


class Loan(NamedTuple):
    """What is borrowed and sold, as carry and funding see it: a perpetual whose rate accrues, paid by who sells."""

    market: Market
    row: _Terms
    funding: Funding | None
    apr_percent: float

    @classmethod
    def at(cls, apr_percent: float) -> "Loan":
        rate = format(-Decimal(str(apr_percent)).scaleb(-2), "f")
        return cls("perp", _Terms(YEAR_H), Funding("", rate, YEAR_H, None, None, None, 0), apr_percent)


def loan_of(rules: Sequence[BorrowRate], asset: str, venue: str, market: Market) -> Loan | None:
    """What borrowing the coin costs who sells it on this market; None where it cannot be borrowed, as far as is
    known."""
    fitting = [rule for rule in rules if rule.asset in (None, asset) and rule.venue in (None, venue)]
    if market != "spot" or not fitting:
        return None
    return Loan.at(max(fitting, key=lambda rule: (rule.asset is not None) + (rule.venue is not None)).apr_percent)


def owing(buy: Side, sell: Side) -> Paying:
    """Who pays or receives on the sold side: against a perpetual sold spot is a loan."""
    return sell if sell.loan is None or buy.market != "perp" else sell.loan


class Transfers:
    """The user's costs of moving coins. False where there are none."""

    def __init__(self, rules: Sequence[Transfer]) -> None:
        self._rules = rules
        self._known: dict[tuple[str, str, str], Fraction] = {}

    def __bool__(self) -> bool:
        return bool(self._rules)

    def bps(self, asset: str, buy: Side, sell: Side) -> Fraction:
        """Of the money traded; 0 where nothing is moved."""
        if not self._rules or buy.market == "perp" or sell.market == "perp" or buy.venue == sell.venue:
            return ZERO
        key = (asset, buy.venue, sell.venue)
        found = self._known.get(key)
        if found is None:
            found = self._known[key] = self._looked_up(*key)
        return found

    def _looked_up(self, asset: str, venue: str, to: str) -> Fraction:
        fitting = [
            rule
            for rule in self._rules
            if rule.asset in (None, asset) and rule.venue in (None, venue) and rule.to in (None, to)
        ]
        if not fitting:
            return ZERO
        named = max(fitting, key=lambda rule: sum(one is not None for one in (rule.asset, rule.venue, rule.to)))
        return fraction(str(named.bps))
