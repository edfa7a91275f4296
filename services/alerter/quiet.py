"""Quiet hours of a channel, in its time zone."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from shared.alerts import SEVERITIES, ChannelManners, Severity


def grave(severity: Severity) -> int:
    return SEVERITIES.index(severity)


def is_quiet(manners: ChannelManners, severity: Severity, at: int) -> bool:
    """Whether the channel keeps silent about an alert at this time (ns)."""
    start, end = manners.quiet_from, manners.quiet_to
    if start is None or end is None or start == end:
        return False
    if manners.quiet_lets is not None and grave(severity) >= grave(manners.quiet_lets):
        return False
    local = datetime.fromtimestamp(at / 1e9, UTC).astimezone(ZoneInfo(manners.time_zone)).strftime("%H:%M")
    return start <= local < end if start < end else local >= start or local < end


def clock_of(at: int, time_zone: str) -> str:
    """A time (ns) as people of a time zone read it."""
    local = datetime.fromtimestamp(at / 1e9, UTC).astimezone(ZoneInfo(time_zone))
    return f"{local:%Y-%m-%d %H:%M:%S} {time_zone}"
