"""One market as the formulas see it."""

from fractions import Fraction
from typing import Protocol

from shared.events import Funding, Quote
from shared.instruments import Category, Market
from shared.routes.numbers import scaled


class Terms(Protocol):
    """What the venue says of the instrument (`shared.instruments.Instrument` does): sizes in assets, hours."""

    @property
    def quote(self) -> str: ...
    @property
    def category(self) -> Category: ...
    @property
    def lot_size(self) -> str | None: ...
    @property
    def min_size(self) -> str | None: ...
    @property
    def min_notional(self) -> str | None: ...
    @property
    def funding_interval_h(self) -> str | None: ...


class Interval(Protocol):
    @property
    def funding_interval_h(self) -> str | None: ...


class Paying(Protocol):
    """What of a market decides its funding payments."""

    @property
    def market(self) -> Market: ...
    @property
    def row(self) -> Interval: ...
    @property
    def funding(self) -> Funding | None: ...


class Side(Protocol):
    """`bid` and `ask` are floats for pre-filters, 0 where missing; the exact ones are in `quote`.

    `fee` is the taker's in bps, None where unknown (then `fee_rough` is 0); `converted`: its quote currency is turned
    into USDT by the rate; `loan`: what borrowing costs who sells here without owning, None where that is not known.
    """

    @property
    def venue(self) -> str: ...
    @property
    def market(self) -> Market: ...
    @property
    def native(self) -> str: ...
    @property
    def row(self) -> Terms: ...
    @property
    def bid(self) -> float: ...
    @property
    def ask(self) -> float: ...
    @property
    def fee(self) -> Fraction | None: ...
    @property
    def fee_rough(self) -> float: ...
    @property
    def converted(self) -> bool: ...
    @property
    def quote(self) -> Quote | None: ...
    @property
    def funding(self) -> Funding | None: ...
    @property
    def loan(self) -> Paying | None: ...


def bid_scaled(side: Side) -> tuple[int, int]:
    """The bid's digits and decimals; (0, 0) where it is missing."""
    quote = side.quote
    return scaled(quote.bid) if quote is not None and quote.bid is not None else (0, 0)


def ask_scaled(side: Side) -> tuple[int, int]:
    quote = side.quote
    return scaled(quote.ask) if quote is not None and quote.ask is not None else (0, 0)
