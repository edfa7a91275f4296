"""Numbers as the bus carries them: decimal text, exact, the venue's own digits where nothing is converted.

No float touches a price or a size. A text that is no plain decimal number raises `BadNumber`, which the decoder turns
into one `Unknown` row.
"""

import re
from collections.abc import Sequence
from decimal import Context, Decimal, Inexact, InvalidOperation
from typing import Final

from services.collector.table import Listed

# 100 digits hold the product and the quotient by a power of ten of any number a venue sends; Inexact proves it.
EXACT: Final = Context(prec=100, traps=[Inexact, InvalidOperation])

# Patterns of the common forms, built of possessive parts: they never step back, which halves their time. What they do
# not match is not wrong, it goes the slow way.
_NUMBER: Final = r"[0-9]{1,30}+(?:\.[0-9]{1,30}+)?+"
_ABOVE_ZERO: Final = r"(?:[1-9][0-9]{0,29}+\.[0-9]{1,30}+|0\.0{0,25}+[1-9][0-9]{0,25}+|[1-9][0-9]{0,29}+)"
_PLAIN: Final = re.compile(_NUMBER)
_ANY: Final = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]{1,2})?")
_POSITIVE_TWO: Final = re.compile(f"{_ABOVE_ZERO} {_ABOVE_ZERO}")
_LEVELS: Final = re.compile(f"(?:{_ABOVE_ZERO} {_NUMBER} )*+")
#: four plain numbers above zero, separated by spaces: what `sides` tries first, for decoders that have it inline
POSITIVE_FOUR: Final = re.compile(f"{_ABOVE_ZERO} {_ABOVE_ZERO} {_ABOVE_ZERO} {_ABOVE_ZERO}").fullmatch
#: any number of them, each with a space behind it: one call for the numbers of many frames costs half as much
POSITIVE_MANY: Final = re.compile(f"(?:{_ABOVE_ZERO} )*+").fullmatch
#: longer than any number a venue sends; what is longer could not be converted exactly
_MAX_CHARS: Final = 64

Sides = tuple[str | None, str | None, str | None, str | None]


class BadNumber(ValueError):
    """A text that should have been a decimal number (or a positive one) and is not."""


def plain(value: Decimal) -> str:
    """Exact, no exponent, no trailing fractional zeros, no minus on zero."""
    text = format(value, "f")
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return "0" if text == "-0" else text


def shifted(digits: str, places: int) -> str:
    """A plain number that is not negative times ten to the `places`, as text: exact, no trailing fractional zeros."""
    whole, _, fraction = digits.partition(".")
    if places >= 0:
        if len(fraction) <= places:
            return (whole + fraction.ljust(places, "0")).lstrip("0") or "0"
        whole, fraction = whole + fraction[:places], fraction[places:]
    else:
        if len(whole) <= -places:
            fraction = (whole.rjust(-places, "0") + fraction).rstrip("0")
            return f"0.{fraction}" if fraction else "0"
        whole, fraction = whole[:places], whole[places:] + fraction
    whole, fraction = whole.lstrip("0") or "0", fraction.rstrip("0")
    return f"{whole}.{fraction}" if fraction else whole


def scaled(mantissa: int, decimals: int) -> str:
    """A whole number that counts steps of ten to the minus `decimals`, as text: 4200050000000 with 8 is `42000.5`."""
    if mantissa < 0:
        return f"-{scaled(-mantissa, decimals)}"
    digits = str(mantissa)
    if decimals <= 0:
        return str(mantissa * 10**-decimals)
    point = len(digits) - decimals
    if point > 0:
        fraction = digits[point:].rstrip("0")
        return f"{digits[:point]}.{fraction}" if fraction else digits[:point]
    fraction = digits.rjust(decimals, "0").rstrip("0")
    return f"0.{fraction}" if fraction else "0"


def literal(text: str) -> str:
    """The venue's own digits, trailing zeros included; only an exponent or a bare point is written out."""
    if len(text) <= _MAX_CHARS and _PLAIN.fullmatch(text):
        return text
    if len(text) > _MAX_CHARS or not _ANY.fullmatch(text):
        raise BadNumber(text[: 2 * _MAX_CHARS])
    body = text.removeprefix("+")
    if "e" in body or "E" in body or body.startswith((".", "-.")) or body.endswith("."):
        body = format(Decimal(body), "f")
        if len(body) > _MAX_CHARS:
            raise BadNumber(text)
    return body


def rate(text: str | None) -> str | None:
    """A signed number such as a funding rate; an empty text is None."""
    return None if text is None or text == "" else literal(text)


def percent(text: str | None) -> str | None:
    """A signed rate in percent, as a fraction; an empty text is None."""
    digits = rate(text)
    if digits is None:
        return None
    if digits.startswith("-"):
        fraction = shifted(digits[1:], -2)
        return fraction if fraction == "0" else f"-{fraction}"
    return shifted(digits, -2)


def amount(text: str | None) -> str | None:
    """A quantity that no multiple changes, such as one of the quote currency; an empty text is None.

    Raises `BadNumber` on a negative one.
    """
    if text is None or text == "":
        return None
    digits = literal(text)
    if digits.startswith("-"):
        raise BadNumber(text)
    return digits


def multiplied(text: str | None, factor: Decimal) -> str | None:
    """A number of a listing times `factor`, with its sign; None where there is none. Raises `BadNumber`."""
    if not text:
        return None
    digits = literal(text)
    return digits if factor == 1 else plain(EXACT.multiply(Decimal(digits), factor))


def stated_limit(text: str | None, factor: Decimal) -> str | None:
    """A tick, lot or minimum of a listing times `factor`; None where there is none above zero, which means no limit.

    Raises `BadNumber` on what is no number.
    """
    product = multiplied(text, factor)
    return None if product is None or product.startswith("-") or not product.strip("0.") else product


def limit(text: str | None, factor: Decimal) -> str | None:
    """As `stated_limit`, for a venue of which what is no number must not cost the instrument: it is none either."""
    try:
        return stated_limit(text, factor)
    except BadNumber:
        return None


def bound(text: str | None) -> str | None:
    """A cap or floor of a listing's funding rate; None where it is no number."""
    try:
        return rate(text)
    except BadNumber:
        return None


def price(text: str | None, listed: Listed) -> str | None:
    """A price per one asset; None where the venue sent none or zero. Raises `BadNumber` on a negative one."""
    if text is None or text == "":
        return None
    digits = literal(text)
    if digits.startswith("-"):
        raise BadNumber(text)
    if not digits.strip("0."):
        return None
    if listed.divide_price is None:
        return digits
    if listed.price_shift is not None:
        return shifted(digits, listed.price_shift)
    return plain(EXACT.divide(Decimal(digits), listed.divide_price))


def size(text: str | None, listed: Listed) -> str | None:
    """A size in assets; zero stays zero (it removes a level). Raises `BadNumber` on a negative one."""
    if text is None or text == "":
        return None
    digits = literal(text)
    if digits.startswith("-"):
        raise BadNumber(text)
    if listed.times_size is None:
        return digits
    if listed.size_shift is not None:
        return shifted(digits, listed.size_shift)
    return plain(EXACT.multiply(Decimal(digits), listed.times_size))


def sides(bid: str, bid_size: str, ask: str, ask_size: str, listed: Listed) -> Sides:
    """The four numbers of a quote, normalised; a side without a price or a size is None on both."""
    if POSITIVE_FOUR(f"{bid} {bid_size} {ask} {ask_size}"):
        if listed.plain:
            return bid, bid_size, ask, ask_size  # the common case: one check, nothing converted
        move, stretch = listed.price_shift, listed.size_shift
        if move is not None and stretch is not None:
            if move:
                bid, ask = shifted(bid, move), shifted(ask, move)
            if stretch:
                bid_size, ask_size = shifted(bid_size, stretch), shifted(ask_size, stretch)
            return bid, bid_size, ask, ask_size
    b, bs = _side(bid, bid_size, listed)
    a, as_ = _side(ask, ask_size, listed)
    return b, bs, a, as_


def positive(price_text: str, size_text: str, listed: Listed) -> tuple[str, str]:
    """Price and size of a print, normalised. Raises `BadNumber` unless both are above zero."""
    if listed.plain and _POSITIVE_TWO.fullmatch(f"{price_text} {size_text}"):
        return price_text, size_text
    p, s = _side(price_text, size_text, listed)
    if p is None or s is None:
        raise BadNumber(f"{price_text} {size_text}")
    return p, s


def levels(rows: Sequence[tuple[str, str]], listed: Listed) -> tuple[tuple[str, str], ...]:
    """Price levels, normalised, in the venue's order; a size may be zero. Raises `BadNumber` on any bad one."""
    if listed.plain and _LEVELS.fullmatch("".join([f"{p} {s} " for p, s in rows])):
        return tuple(rows)
    return tuple([_level(p, s, listed) for p, s in rows])


def _level(text: str, amount: str, listed: Listed) -> tuple[str, str]:
    p, s = price(text, listed), size(amount, listed)
    if p is None or s is None:
        raise BadNumber(f"{text} {amount}")
    return p, s


def _side(text: str, amount: str, listed: Listed) -> tuple[str | None, str | None]:
    p, s = price(text, listed), size(amount, listed)
    if p is None or s is None or not s.strip("0."):
        return None, None
    return p, s


#: more digits of seconds than any time of ours has, and nanoseconds still fit into 64 bits
_SECONDS_DIGITS: Final = 10
_NANOS: Final = (1, 10, 100, 1_000, 10_000, 100_000, 1_000_000, 10_000_000, 100_000_000, 1_000_000_000)


def moment(text: str | None) -> int | None:
    """A time of a listing, in text of milliseconds; None where it is none, or zero."""
    try:
        return nanoseconds(text or "") or None
    except BadNumber:
        return None


def nanoseconds(text: str, unit_digits: int = 3) -> int:
    """A time in text, `unit_digits` decimals of a second (3: milliseconds), exact to the nanosecond."""
    if not text.isascii() or not text.isdigit() or len(text) > _SECONDS_DIGITS + unit_digits:
        raise BadNumber(text[: 2 * _MAX_CHARS])
    return int(text) * _NANOS[9 - unit_digits]
