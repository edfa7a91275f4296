"""What the books below the best level would give: buying on A's asks, selling on B's bids, the same base size on both.

    edge(Q)  = proceeds(Q) / cost(Q) - 1                                     proceeds, cost: walked, in common dollars
    net(Q)   = proceeds(Q) * (1 - f_B) / (cost(Q) * (1 + f_A)) - 1           the average that one would get
    Q*(t)    = the largest Q whose last unit still nets t:  bid * q_B * (1 - f_B) >= ask * q_A * (1 + f_A) * (1 + t)
    profit   = proceeds(Q*) * (1 - f_B) - cost(Q*) * (1 + f_A)
    Q(usd)   = the Q whose cost is so many dollars

A walk that comes to the end of a book found at least this much, not all there is (`ended`). Exact: prices and sizes are
integers of 10^-36, fees and rates whole-number ratios. Sizes are not rounded to lots. O(levels that are taken).
"""

from collections.abc import Iterator, Sequence
from fractions import Fraction
from typing import Final, NamedTuple

from shared.events import Level
from shared.routes.fx import ONE
from shared.routes.numbers import BPS

#: Decimals of the integers; no venue writes nearly as many.
DIGITS: Final = 36
POWERS: Final[tuple[int, ...]] = tuple(10**n for n in range(DIGITS + 1))
UNIT: Final = POWERS[DIGITS]


class Terms(NamedTuple):
    """What a route costs: q_A, q_B as multipliers into common dollars, taker fees in basis points."""

    fee_buy: Fraction
    fee_sell: Fraction
    q_buy: Fraction = ONE
    q_sell: Fraction = ONE

    @property
    def paid(self) -> Fraction:
        """What one of A's quote currency costs, fee included."""
        return self.q_buy * (1 + self.fee_buy / BPS)

    @property
    def got(self) -> Fraction:
        """What one of B's quote currency brings, fee taken off."""
        return self.q_sell * (1 - self.fee_sell / BPS)


class Taken(NamedTuple):
    """A walk: base size, what the asks cost and the bids brought in their own quote currencies, before fees."""

    size: Fraction
    cost: Fraction
    proceeds: Fraction
    ended: bool

    def usd(self, terms: Terms) -> Fraction:
        """The cost in common dollars, before fees."""
        return self.cost * terms.q_buy

    def edge_bps(self, terms: Terms) -> Fraction | None:
        """None for nothing taken."""
        return (self.proceeds * terms.q_sell / (self.cost * terms.q_buy) - 1) * BPS if self.cost else None

    def net_bps(self, terms: Terms) -> Fraction | None:
        return (self.proceeds * terms.got / (self.cost * terms.paid) - 1) * BPS if self.cost else None

    def profit_usd(self, terms: Terms) -> Fraction:
        return self.proceeds * terms.got - self.cost * terms.paid


def fixed(text: str) -> int:
    """Decimal text as an integer of 10^-DIGITS. Raises `ValueError` on more decimals than that."""
    whole, _, decimals = text.partition(".")
    if len(decimals) > DIGITS:
        raise ValueError(f"{text!r}: expected at most {DIGITS} decimals")
    return int(whole + decimals) * POWERS[DIGITS - len(decimals)]


def matched(asks: Sequence[Level], bids: Sequence[Level]) -> Iterator[tuple[int, int, int]]:
    """(ask, bid, size) of what meets, the best first; ends with the shorter book."""
    buying, selling = iter(asks), iter(bids)
    ask = bid = left = right = 0
    while True:
        if not left:
            level = next(buying, None)
            if level is None:
                return
            ask, left = fixed(level[0]), fixed(level[1])
        elif not right:
            level = next(selling, None)
            if level is None:
                return
            bid, right = fixed(level[0]), fixed(level[1])
        else:
            size = min(left, right)
            yield ask, bid, size
            left, right = left - size, right - size


def largest(asks: Sequence[Level], bids: Sequence[Level], terms: Terms, least_bps: Fraction) -> Taken:
    """Q*(least). Raises `ValueError` as `fixed`."""
    ratio = terms.got / (terms.paid * (1 + least_bps / BPS))
    top, bottom = ratio.numerator, ratio.denominator
    size = cost = proceeds = 0
    for ask, bid, piece in matched(asks, bids):
        if bid * top < ask * bottom:
            return _taken(size, cost, proceeds, ended=False)
        size, cost, proceeds = size + piece, cost + ask * piece, proceeds + bid * piece
    return _taken(size, cost, proceeds, ended=size > 0)


def of_usd(asks: Sequence[Level], bids: Sequence[Level], terms: Terms, usd: Fraction) -> Taken:
    """Q(usd), or as much as the books hold. Raises `ValueError` as `fixed`."""
    wanted = usd / terms.q_buy * UNIT * UNIT
    size = cost = proceeds = 0
    for ask, bid, piece in matched(asks, bids):
        if cost + ask * piece >= wanted:
            rest = (wanted - cost) / ask if ask else Fraction(0)
            return _taken(size + rest, cost + ask * rest, proceeds + bid * rest, ended=False)
        size, cost, proceeds = size + piece, cost + ask * piece, proceeds + bid * piece
    return _taken(size, cost, proceeds, ended=True)


def _taken(size: int | Fraction, cost: int | Fraction, proceeds: int | Fraction, *, ended: bool) -> Taken:
    square = UNIT * UNIT
    return Taken(Fraction(size) / UNIT, Fraction(cost) / square, Fraction(proceeds) / square, ended)
