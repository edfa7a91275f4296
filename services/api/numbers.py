"""Decimal text to JSON number tokens and back, digit for digit: a reader that parses decimals gets exactly the source.

Pure. Text that is no JSON number (`.5`, `+1`, `007`) is re-written as one of the same value; text that is no number
at all is None, never 0.
"""

import re
from decimal import Context, Decimal, InvalidOperation
from typing import Any, Final

import msgspec
from msgspec import Raw

_TOKEN: Final = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?").fullmatch
#: Wide enough that sums and products of any two prices and sizes are exact.
EXACT: Final = Context(prec=60)
#: Powers of ten beyond it are no figure: written out, a few characters would fill the memory.
MOST_PLACES: Final = 99
_TWO: Final = Decimal(2)
_HUNDRED: Final = Decimal(100)
_json = msgspec.json.Encoder(decimal_format="number")


def json_bytes(value: Any) -> bytes:
    """The JSON of plain values in which `Raw` stands for itself."""
    return _json.encode(value)


def decimal(text: str | None) -> Decimal | None:
    """The value of decimal text; None for None, for what is no finite number and for one beyond all figures."""
    if text is None:
        return None
    try:
        value = Decimal(text)
    except InvalidOperation:
        return None
    return value if value.is_finite() and abs(value.adjusted()) <= MOST_PLACES else None


def plain(value: Decimal) -> str:
    """Decimal text without an exponent; its trailing zeros stay."""
    return format(value, "f")


def token(text: str | None) -> str | None:
    """The text itself where it is a plain JSON number, else one of the same value, else None."""
    if text is None or _TOKEN(text):
        return text
    value = decimal(text)
    return None if value is None else plain(value)


def number(text: str | None) -> Raw | None:
    """A JSON number with the digits of the text."""
    found = token(text)
    return None if found is None else Raw(found.encode())


def raw(value: Decimal | None) -> Raw | None:
    return None if value is None else Raw(plain(value).encode())


def mid(bid: str | None, ask: str | None) -> str | None:
    """The exact middle of a two-sided quote, as plain text."""
    low, high = decimal(bid), decimal(ask)
    if low is None or high is None:
        return None
    return plain(EXACT.divide(EXACT.add(low, high), _TWO))


def premium_percent(perp: str | Decimal | None, spot: str | Decimal | None, places: int = 6) -> Decimal | None:
    """100 * (perp - spot) / spot, rounded half-even; None where a side is missing or the spot price is zero."""
    high = decimal(perp) if isinstance(perp, str) else perp
    low = decimal(spot) if isinstance(spot, str) else spot
    if high is None or low is None or not low:
        return None
    ratio = EXACT.divide(EXACT.multiply(_HUNDRED, EXACT.subtract(high, low)), low)
    return ratio.quantize(Decimal(1).scaleb(-places), context=EXACT)


def percent_of_bps(bps: str | None) -> str | None:
    """Basis points to percent: two places further."""
    value = decimal(bps)
    return None if value is None else plain(value.scaleb(-2))


def product(left: str, right: str) -> Decimal:
    """The exact product of two decimal texts. Raises `InvalidOperation` on what is no number."""
    return EXACT.multiply(Decimal(left), Decimal(right))


def beside(value: Any) -> Any:
    """An answer with, beside each figure of its objects, its digits as `<name>_text`; what has some keeps it."""
    if isinstance(value, dict):
        found: dict[str, Any] = {}
        for name, one in value.items():
            found[name] = beside(one)
            if isinstance(one, Raw):
                found[f"{name}_text"] = bytes(one).decode()
        return found
    return [beside(one) for one in value] if isinstance(value, list) else value
