"""What taking costs on a market: the user's own fee, else the one of the instrument (it holds the venue's default)."""

from collections.abc import Mapping
from fractions import Fraction

from shared.config import Fees
from shared.instruments import Market
from shared.routes.numbers import fraction


def number(value: float) -> Fraction:
    """A setting as the decimal number that was written."""
    return fraction(str(value))


def taker_bps(mine: Mapping[str, Fees], venue: str, market: Market, listed: str | None) -> Fraction | None:
    """The taker fee in bps, None where nobody has named one."""
    chosen = mine.get(venue)
    own = None if chosen is None else chosen.spot if market == "spot" else chosen.perp
    if own is not None:
        return number(own)
    return None if listed is None else fraction(listed)
