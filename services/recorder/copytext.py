"""Lines for `COPY … FROM STDIN` in Postgres's text format: decimal text goes to the database digit for digit. Pure.

A line is its values joined by tabs, without the newline. `NULL` stands for null. Times are written in UTC to the
microsecond, which is what Postgres keeps.
"""

import re
from decimal import Decimal
from functools import lru_cache
from typing import Final

NULL: Final = "\\N"
_UNSAFE: Final = re.compile(r"[\\\t\n\r]")
_ESCAPES: Final = {"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"}
_UNESCAPES: Final = {escaped: plain for plain, escaped in _ESCAPES.items()}
_DAY_S: Final = 86_400
#: powers of ten beyond which nothing is a price, a size or a rate
_WIDEST: Final = 60
#: characters of a refused value in its reason
_QUOTED: Final = 80


class NotExactError(ValueError):
    """Text that is no finite decimal number, or of no sensible size."""


def exact(value: str) -> Decimal:
    """The number that the text writes. Raises `NotExactError`."""
    try:
        number = Decimal(value)
    except ArithmeticError:
        raise NotExactError(f"{_short(value)} is not a number") from None
    if not number.is_finite():
        raise NotExactError(f"{_short(value)} is not a finite number")
    if not -_WIDEST < number.adjusted() < _WIDEST:
        raise NotExactError(f"{_short(value)} is no price, size or rate")
    return number


def _short(value: str) -> str:
    """A value as a reason quotes it; the whole of it is in the payload."""
    return repr(value if len(value) <= _QUOTED else value[:_QUOTED] + "…")


def text(value: str | None) -> str:
    """A text value, escaped."""
    if value is None:
        return NULL
    return _UNSAFE.sub(lambda found: _ESCAPES[found[0]], value) if _UNSAFE.search(value) else value


def number(value: str | Decimal | float | None) -> str:
    """A number: its own digits."""
    return NULL if value is None else str(value)


def moment(ns: int | None) -> str:
    """A time in nanoseconds since the epoch as a timestamp; the fraction is cut to microseconds."""
    if ns is None:
        return NULL
    seconds, rest = divmod(ns, 1_000_000_000)
    return f"{_second(seconds)}.{rest // 1000:06d}+00"


@lru_cache(maxsize=4096)
def _second(seconds: int) -> str:
    days, rest = divmod(seconds, _DAY_S)
    return f"{day(days)} {rest // 3600:02d}:{rest // 60 % 60:02d}:{rest % 60:02d}"


@lru_cache(maxsize=256)
def day(days: int) -> str:
    """The date so many days after the epoch, by the proleptic Gregorian calendar, as `YYYY-MM-DD`."""
    # days are counted from 1 March of year 0, so that a leap day is the last of its year
    era, of_era = divmod(days + 719_468, 146_097)
    year_of_era = (of_era - of_era // 1460 + of_era // 36_524 - of_era // 146_096) // 365
    of_year = of_era - (365 * year_of_era + year_of_era // 4 - year_of_era // 100)
    month = (5 * of_year + 2) // 153
    of_month = of_year - (153 * month + 2) // 5 + 1
    year = era * 400 + year_of_era + (month >= 10)
    return f"{year:04d}-{month + 3 if month < 10 else month - 9:02d}-{of_month:02d}"


def values(line: str) -> list[str | None]:
    """What a line says, for people who look at one that was refused."""
    return [
        None if value == NULL else re.sub(r"\\[\\tnr]", lambda found: _UNESCAPES[found[0]], value)
        for value in line.split("\t")
    ]
