"""Times as people write them and read them, UTC."""

from datetime import UTC, datetime


class BadTime(ValueError):
    """A text that is no time; says what was expected."""


def parse(text: str, default_ms: int) -> int:
    """Milliseconds of `2026-11-21`, `2026-11-21T10:00` or `2026-11-21T10:00:30Z`; UTC where it does not say.

    `default_ms` where the text is empty. Raises `BadTime`.
    """
    if not text.strip():
        return default_ms
    try:
        found = datetime.fromisoformat(text.strip())
        utc = found.astimezone(UTC) if found.tzinfo else found.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        raise BadTime(f"{text!r} is no time: expected one like 2026-11-21T10:00 (UTC)") from None
    return int(utc.timestamp() * 1000)


def moment(ms: int) -> str:
    return f"{datetime.fromtimestamp(ms / 1000, UTC):%Y-%m-%d %H:%M:%S}Z"
