"""Log lines."""

import logging
import re

import pytest

from shared.logs import Line, redacted


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("to redis://:hush@host:6379/0 now", "to redis://:***@host:6379/0 now"),
        ("postgresql://me:hu:sh@h/db and socks5://u:hush@p:1", "postgresql://me:***@h/db and socks5://u:***@p:1"),
        ("redis://host:6379/0", "redis://host:6379/0"),
        ("mail me@host at 10:30", "mail me@host at 10:30"),
    ],
)
def test_passwords_in_urls_are_taken_out(text: str, shown: str) -> None:
    assert redacted(text) == shown


def test_a_line_has_its_time_in_utc_its_level_and_its_source() -> None:
    record = logging.LogRecord("bus.writer", logging.WARNING, "f", 1, "Lost %s", ("redis://a:b@c/0",), None)
    assert re.fullmatch(
        r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z WARNING bus\.writer: Lost redis://a:\*\*\*@c/0", Line().format(record)
    )
