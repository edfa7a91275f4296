"""Times as Backpack writes them -> nanoseconds."""

import re
from calendar import monthrange, timegm
from typing import Final

from services.collector.normalise import BadNumber, nanoseconds
from services.collector.venues.backpack.shapes import Stamp

MS_DIGITS: Final = 3
US_DIGITS: Final = 6
SECOND_NS: Final = 1_000_000_000
MINUTE_NS: Final = 60 * SECOND_NS
HOUR_NS: Final = 3600 * SECOND_NS

_ISO: Final = re.compile(
    r"(19[7-9]\d|2\d{3})-(0[1-9]|1[0-2])-(\d\d)[T ]([01]\d|2[0-3]):([0-5]\d):([0-5]\d)(?:\.(\d{1,6}))?Z?", re.ASCII
)


def time_of(stamp: Stamp, digits: int = US_DIGITS) -> int | None:
    """A number that counts from 1970; None where there is none, or zero. Raises `BadNumber`."""
    return None if stamp is None or stamp == "" else nanoseconds(str(stamp), digits) or None


def instant(text: str) -> int:
    """`2026-09-23T04:00:00`, which is UTC. Raises `BadNumber`."""
    found = _ISO.fullmatch(text)
    if found is None:
        raise BadNumber(text[:64])
    year, month, day, *clock = (int(part) for part in found.groups()[:6])
    if not 1 <= day <= monthrange(year, month)[1]:
        raise BadNumber(text)
    return timegm((year, month, day, *clock)) * SECOND_NS + int((found[7] or "").ljust(9, "0"))
