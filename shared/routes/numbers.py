"""Exact numbers from decimal text. Integers carry the digits, so a comparison with a threshold never errs.

Floats serve as a pre-filter only: a float verdict counts when it is further from the threshold than `MARGIN_BPS`,
which is millions of times what the rounding of a few double operations can be off.
"""

from fractions import Fraction
from functools import lru_cache
from math import gcd
from typing import Final

MARGIN_BPS: Final = 1e-6
BPS: Final = 10_000


def scaled(text: str) -> tuple[int, int]:
    """The digits as one integer and the number of decimals: `"43250.10"` is (4325010, 2)."""
    whole, _, decimals = text.partition(".")
    return int(whole + decimals), len(decimals)


def half_even(numerator: int, denominator: int) -> int:
    """The quotient rounded to a whole number, ties to the even one; the denominator is positive."""
    quotient, rest = divmod(numerator, denominator)
    twice = 2 * rest
    if twice > denominator or (twice == denominator and quotient & 1):
        quotient += 1
    return quotient


def cents(value: Fraction) -> int:
    """A figure in hundredths, rounded half-even: what records carry with two decimals."""
    return half_even(value.numerator * 100, value.denominator)


def cents_text(value: int) -> str:
    """Hundredths as text with two decimals: -5 is `"-0.05"`."""
    whole, part = divmod(abs(value), 100)
    return f"{'-' if value < 0 else ''}{whole}.{part:02d}"


def decimal_text(numerator: int, denominator: int) -> str:
    """A ratio that is a finite decimal number, exactly, without trailing zeros."""
    common = gcd(numerator, denominator)
    numerator, denominator = numerator // common, denominator // common
    decimals, power = 0, 1
    while power % denominator:
        power *= 10
        decimals += 1
        if decimals > 100:
            raise ValueError(f"{numerator}/{denominator} is no decimal number of at most 100 digits")
    digits = str(abs(numerator) * power // denominator).rjust(decimals + 1, "0")
    text = digits if decimals == 0 else f"{digits[:-decimals]}.{digits[-decimals:]}"
    return f"-{text}" if numerator < 0 else text


@lru_cache(maxsize=65_536)
def fraction(text: str) -> Fraction:
    """Decimal text as an exact fraction. For values that repeat (lots, fees, thresholds)."""
    return Fraction(text)


@lru_cache(maxsize=65_536)
def common_lot(first: str | None, second: str | None) -> Fraction | None:
    """The least size that is a whole number of both lots; None where neither venue names one."""
    if first is None or second is None:
        only = first or second
        return None if only is None else fraction(only) or None
    a, b = fraction(first), fraction(second)
    if not a or not b:
        return a or b or None
    numerator = a.numerator * b.numerator // gcd(a.numerator, b.numerator)
    return Fraction(numerator, gcd(a.denominator, b.denominator))
