"""The exchange's times: microseconds in pushes, milliseconds in histories, ISO text for the next payment."""

import re
from typing import Final

from services.collector.normalise import BadNumber

HOUR_NS: Final = 3_600_000_000_000
MINUTE_NS: Final = 60_000_000_000
#: the longest interval between payments that is believed
MOST_HOURS: Final = 24
#: between 2001 and 2286 microseconds have sixteen digits and milliseconds thirteen: a number of others is another unit
_MICROS: Final = range(10**15, 9_200_000_000_000_000)
_MILLIS: Final = range(10**12, 9_200_000_000_000)

_ISO: Final = re.compile(
    r"([0-9]{4})-([0-9]{2})-([0-9]{2})T([0-9]{2}):([0-9]{2}):([0-9]{2})(?:\.([0-9]{1,9}))?(?:Z|\+00:?00)"
)
#: a time of day alone, as documentation of before this interface has it: of which day is not said
_CLOCK: Final = re.compile(r"[0-9]{2}:[0-9]{2}:[0-9]{2}")
_DAYS: Final = (31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)


def of_push(micros: int | None) -> int | None:
    """A push's `ts`, in nanoseconds. Raises `BadNumber` for one that counts something else."""
    if micros is None:
        return None
    if micros not in _MICROS:
        raise BadNumber(str(micros)[:40])
    return micros * 1_000


def of_payment(millis: int) -> int:
    """When a payment of a history was made, to the minute, in nanoseconds. Raises `BadNumber`."""
    if millis not in _MILLIS:
        raise BadNumber(str(millis)[:40])
    found = millis * 1_000_000
    return found - found % MINUTE_NS


def due(text: str | None) -> int | None:
    """`nextFundingTime`, in nanoseconds; None where it does not tell the day. Raises `BadNumber`."""
    if not text or _CLOCK.fullmatch(text):
        return None
    found = _ISO.fullmatch(text)
    if found is None:
        raise BadNumber(text[:40])
    year, month, day, hour, minute, second = (int(found[group]) for group in range(1, 7))
    leap = year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
    if not (2000 <= year < 2200 and 1 <= month <= 12 and hour < 24 and minute < 60 and second < 60):
        raise BadNumber(text[:40])
    if not 1 <= day <= _DAYS[month - 1] + (leap and month == 2):
        raise BadNumber(text[:40])
    before = year - 1
    days = 365 * before + before // 4 - before // 100 + before // 400 - 719_162
    days += sum(_DAYS[: month - 1]) + (leap and month > 2) + day - 1
    seconds = ((days * 24 + hour) * 60 + minute) * 60 + second
    return seconds * 1_000_000_000 + int((found[7] or "0").ljust(9, "0"))


def hours(spacing_ns: int) -> str | None:
    """The interval that lies between two payments; None where that is no whole number of hours, or more than a day."""
    count, rest = divmod(spacing_ns, HOUR_NS)
    return str(count) if rest == 0 and 1 <= count <= MOST_HOURS else None
