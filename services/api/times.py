"""Times as the API writes and reads them: ISO 8601 with `+00:00` and milliseconds, or epoch milliseconds. Pure."""

import re
from datetime import UTC, datetime, timedelta
from typing import Final

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_INTEGER: Final = re.compile(r"-?[0-9]{1,16}").fullmatch
#: The years 1970 to 9999 in epoch milliseconds.
_LATEST_MS: Final = 253_402_300_799_999


def ms_of(ns: int | None) -> int | None:
    """Nanoseconds to milliseconds: JSON never carries nanoseconds (they exceed 2^53)."""
    return None if ns is None else ns // 1_000_000


def iso(ms: int | None) -> str | None:
    """`2026-11-21T08:03:41.120+00:00`; None for None and for a time out of the calendar."""
    if ms is None or not 0 <= ms <= _LATEST_MS:
        return None
    return (_EPOCH + timedelta(milliseconds=ms)).isoformat(timespec="milliseconds")


def iso_of(moment: datetime | None) -> str | None:
    return None if moment is None else moment.astimezone(UTC).isoformat(timespec="milliseconds")


def at_step(ms: int, step_s: int) -> datetime:
    """The beginning of the step that a time lies in."""
    return at(ms // 1000 // step_s * step_s * 1000)


def at(ms: int) -> datetime:
    return _EPOCH + timedelta(milliseconds=ms)


def parse(text: str) -> int:
    """Epoch milliseconds of ISO text (naive: UTC) or of a number of milliseconds. Raises `ValueError`."""
    if _INTEGER(text):
        ms = int(text)
    else:
        # A `+` that was not escaped in a query arrives as a blank.
        moment = datetime.fromisoformat(re.sub(r" (?=[0-9]{2}:?[0-9]{2}$)", "+", text.strip()))
        moment = moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
        ms = round((moment - _EPOCH) / timedelta(milliseconds=1))
    if not 0 <= ms <= _LATEST_MS:
        raise ValueError(text)
    return ms


#: Bar lengths by every name they go by, in seconds.
RESOLUTIONS: Final[dict[str, int]] = {
    "1min": 60,
    "5min": 300,
    "15min": 900,
    "30min": 1800,
    "1h": 3600,
    "4h": 14400,
    "1day": 86400,
    "1m": 60,
    "5m": 300,
    "15m": 900,
    "30m": 1800,
    "60min": 3600,
    "1d": 86400,
}
RESOLUTION_NAMES: Final = "one of 1min, 5min, 15min, 30min, 1h, 4h, 1day (or 1m, 5m, …)"
