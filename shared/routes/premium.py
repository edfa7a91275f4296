"""How far a venue's prices lie from each other, and from everybody's. In basis points, exact.

    mark_premium(venue) = mark / index - 1                          the venue's own two prices of one perpetual
    basis(venue)        = (perp_mid - spot_mid) / spot_mid          one venue, one quote currency
    deviation(leg)      = mid / median of all mids of the coin - 1  who is off

Positive: the perpetual is dearer, the leg is dearer. Prices and mids are of one quote currency; None where one is
missing or 0.
"""

from collections.abc import Sequence
from fractions import Fraction
from statistics import median

from shared.routes.numbers import BPS


def apart_bps(price: Fraction | None, base: Fraction | None) -> Fraction | None:
    """price / base - 1."""
    return (price / base - 1) * BPS if price and base else None


def mark_premium_bps(mark: str | None, index: str | None) -> Fraction | None:
    return apart_bps(Fraction(mark), Fraction(index)) if mark is not None and index is not None else None


def mid(bid: str | None, ask: str | None) -> Fraction | None:
    """The middle of a two-sided quote."""
    return (Fraction(bid) + Fraction(ask)) / 2 if bid is not None and ask is not None else None


def basis_bps(perp_mid: Fraction | None, spot_mid: Fraction | None) -> Fraction | None:
    return apart_bps(perp_mid, spot_mid)


def deviations_bps(mids: Sequence[Fraction | None]) -> list[Fraction | None]:
    """Each mid against the median of those that are there."""
    known = [one for one in mids if one]
    if not known:
        return [None] * len(mids)
    middle = median(known)
    return [apart_bps(one, middle) for one in mids]
