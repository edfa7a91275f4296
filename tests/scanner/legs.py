"""Legs for tests of the detectors."""

from fractions import Fraction
from typing import Any

from services.scanner.market import Asset, Leg, Producer
from shared.events import Quote
from shared.routes.fx import Fx, Rate
from tests.scanner.tape import MS, T0, row

AT = T0 * MS
NO_RATE = Rate(Fx(None, None, None, 0), 0)
RATE = Rate(Fx("0.9996", "0.9998", "0.9997", 2), AT)


def leg(
    bid: str | None,
    ask: str | None,
    *,
    venue: str = "alpha",
    size: str = "1000",
    fee: str | None = "5",
    at: int = AT,
    asset: Asset | None = None,
    **over: Any,
) -> Leg:
    """A good leg of WIF with this quote."""
    one = Leg(venue, row("WIF", **over), asset or Asset("WIF"), new=False)
    one.fee = None if fee is None else Fraction(fee)
    one.fee_rough = float(one.fee or 0)
    quote = Quote(one.symbol, bid, size if bid else None, ask, size if ask else None, at, at)
    one.take_quote(quote, Producer(venue, 0, at // MS), at, at // 1_000_000_000)
    one.numbers()
    return one
