"""A listing's fields that do not come in the type that they should cost no instrument."""

import re
from typing import Any

import msgspec
import pytest

from services.collector.venues import VENUES
from shared.instruments import Instrument
from tests.venues.recordings import fixtures

#: the exchanges whose listings are flat rows of text
FLAT = ("bybit", "grvt", "okx", "paradex")
LISTINGS = [(venue, path.read_bytes()) for venue in FLAT for path in fixtures(venue)]
IDS = [f"{venue}: {path.stem}" for venue in FLAT for path in fixtures(venue)]


def listed(venue: str, body: bytes) -> list[Instrument]:
    call = VENUES[venue].is_listing(body)
    assert call is not None
    return VENUES[venue].listing({call: body})


def rows(value: Any) -> list[dict[str, Any]]:
    """The rows of a body: the longest list of objects in it."""
    inner = value.values() if isinstance(value, dict) else []
    found = [rows(one) for one in inner]
    if isinstance(value, list) and all(isinstance(one, dict) for one in value):
        found.append(value)
    return max(found, key=len, default=[])


@pytest.mark.parametrize(("venue", "body"), LISTINGS, ids=IDS)
def test_numbers_where_text_was_list_the_same(venue: str, body: bytes) -> None:
    numbers = re.sub(rb':\s*"(-?(?:0|[1-9]\d*)(?:\.\d+)?)"', rb":\1", body)
    assert listed(venue, numbers) == listed(venue, body)


@pytest.mark.parametrize(("venue", "body"), LISTINGS, ids=IDS)
def test_a_field_that_is_null_counts_as_absent(venue: str, body: bytes) -> None:
    names = {name for row in rows(msgspec.json.decode(body)) for name in row}
    for name in sorted(names):
        nulls, absents = msgspec.json.decode(body), msgspec.json.decode(body)
        for row in rows(nulls):
            if name in row:
                row[name] = None
        for row in rows(absents):
            row.pop(name, None)
        calls = VENUES[venue].is_listing(body)
        assert calls is not None
        null, absent = ({calls: msgspec.json.encode(value)} for value in (nulls, absents))
        assert VENUES[venue].listing(null) == VENUES[venue].listing(absent), name
        assert VENUES[venue].outside(null) == VENUES[venue].outside(absent), name
