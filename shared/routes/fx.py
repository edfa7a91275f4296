"""USDC in USDT: the rate that makes prices in different dollars comparable.

The rate is the median over the valid USDC/USDT spot markets, written to every partition's control stream and used
once it is read back. It serves for 60 s. Further than 50 bps from 1 it is a depeg, and routes across quote currencies
give no signal; without a rate neither do they: it is never taken to be 1.
"""

from collections.abc import Iterable
from decimal import Decimal
from fractions import Fraction
from statistics import median
from typing import Final, Literal

import msgspec

from shared.routes.side import Side

SECOND: Final = 1_000_000_000
MAX_AGE_NS: Final = 60 * SECOND
#: An unchanged rate is told again before it grows too old to be used.
RATE_AGAIN_NS: Final = 20 * SECOND
DEPEG: Final = Fraction(50, 10_000)
#: The coin and the quote currency whose spot markets make the rate.
BASE: Final = "USDC"
QUOTE: Final = "USDT"
#: The dollars that the rate converts into USDT. USD counts as USDC, flagged.
CONVERTED: Final = frozenset({"USDC", "USD"})
ONE: Final = Fraction(1)

Way = Literal["buy", "sell"]


class Fx(msgspec.Struct, frozen=True, array_like=True, tag="fx"):
    """USDC in USDT: the medians of bid, ask and mid over `venues` valid spot markets; None where there is none."""

    bid: str | None
    ask: str | None
    mid: str | None
    venues: int


class Rate:
    """The rate in force at some event time."""

    __slots__ = ("ask", "at", "bid", "fx", "high", "low", "mid", "rough", "venues", "wrong")

    def __init__(self, fx: Fx, at: int) -> None:
        self.fx, self.at, self.venues = fx, at, fx.venues
        self.bid = Fraction(fx.bid) if fx.bid is not None else None
        self.ask = Fraction(fx.ask) if fx.ask is not None else None
        self.mid = Fraction(fx.mid) if fx.mid is not None else None
        known = [float(value) for value in (self.bid, self.ask, self.mid) if value is not None]
        #: bounds of any factor this rate can give, for pre-filters
        self.low, self.high = (min(known), max(known)) if known else (0.0, 0.0)
        #: what `factor` gives, in floats: of perpetuals, of spot bought, of spot sold
        self.rough = tuple(1.0 if value is None else float(value) for value in (self.mid, self.ask, self.bid))
        self.wrong: Literal["fx_stale", "depeg"] | None = None
        if self.mid is None or self.bid is None or self.ask is None:
            self.wrong = "fx_stale"
        elif abs(self.mid - 1) > DEPEG:
            self.wrong = "depeg"

    def trouble(self, at: int) -> Literal["fx_stale", "depeg"] | None:
        return "fx_stale" if at - self.at > MAX_AGE_NS else self.wrong

    def usdc(self, at: int) -> float | None:
        """USDC in USDT, depegged or not; None while it is not known."""
        return None if self.mid is None or at - self.at > MAX_AGE_NS else float(self.mid)

    def factor(self, leg: Side, way: Way) -> Fraction:
        """What a price of this leg is multiplied by to be in USDT: spot legs exchange real money, at the bid or the
        ask as it flows; a perpetual's notional is not exchanged, so the mid."""
        if not leg.converted:
            return ONE
        value = self.mid if leg.market == "perp" else self.ask if way == "buy" else self.bid
        return ONE if value is None else value

    def rough_factor(self, leg: Side, way: Way) -> float:
        """The same in floats, for pre-filters."""
        if not leg.converted:
            return 1.0
        return self.rough[0 if leg.market == "perp" else 1 if way == "buy" else 2]


def crosses(a: Side, b: Side) -> bool:
    """Whether a route between the two needs a rate."""
    return a.converted is not b.converted


def measure(quotes: Iterable[tuple[str, str]]) -> Fx:
    """The medians over (bid, ask) of the valid USDC/USDT markets, in exact decimals."""
    pairs = [(Decimal(bid), Decimal(ask)) for bid, ask in quotes]
    if not pairs:
        return Fx(None, None, None, 0)
    bid, ask = median(b for b, _ in pairs), median(a for _, a in pairs)
    mid = median((b + a) / 2 for b, a in pairs)
    return Fx(f"{bid:f}", f"{ask:f}", f"{mid:f}", len(pairs))
