"""Log lines: one sentence each, with its time in UTC, and never a password."""

import logging
import re
import time
from typing import Final

#: The part of a URL between `//` and `@`, from the colon on.
_PASSWORD: Final = re.compile(r"(\w+://[^/\s:@]*):[^@/\s]+@")


def redacted(text: str) -> str:
    """The text with the passwords of its URLs taken out."""
    return _PASSWORD.sub(r"\1:***@", text) if "@" in text else text


class Line(logging.Formatter):
    """`2026-11-21T05:00:00.123Z WARNING bus.writer: Lost Redis ...`; tracebacks are redacted too."""

    default_time_format = "%Y-%m-%dT%H:%M:%S"
    default_msec_format = "%s.%03dZ"

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)s %(name)s: %(message)s")

    def converter(self, seconds: float | None) -> time.struct_time:
        return time.gmtime(seconds)

    def format(self, record: logging.LogRecord) -> str:
        return redacted(super().format(record))


def set_up_logging(level: str) -> None:
    """Lines on stderr from `level` on; the supervisor keeps and rotates them."""
    handler = logging.StreamHandler()
    handler.setFormatter(Line())
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)
