"""What the bench of faults says of records that were sent."""

from functools import cache

import msgspec
import pytest

from bench.verdict import compare
from services.scanner.fold import Fold
from shared.signals import Signal
from tests.scanner.script import Script
from tests.scanner.tape import feed


@cache
def records() -> list[bytes]:
    found = feed(Fold(), Script(4, "USDT", 0.25, 0.4).write(40).entries)
    assert len(found) > 6
    return [msgspec.msgpack.encode(one) for one in found]


def counts(live: list[bytes]) -> tuple[int, int, int, int, int]:
    found = compare(live, records())
    assert found.records == len(live)
    return found.doubled, found.lost, found.false, found.altered, found.misplaced


def changed(data: bytes, **fields: object) -> bytes:
    return msgspec.msgpack.encode(msgspec.structs.replace(msgspec.msgpack.decode(data, type=Signal), **fields))


def test_the_same_records_in_the_same_order_are_right() -> None:
    assert compare(records(), records()).wrong == 0


@pytest.mark.parametrize(
    ("live", "expected"),
    [
        (lambda one: [*one, one[2]], (1, 0, 0, 0, 0)),
        (lambda one: [*one[:3], *one[4:]], (0, 1, 0, 0, 0)),
        (lambda one: [*one, changed(one[0], id="other")], (0, 0, 1, 0, 0)),
        (lambda one: [changed(one[0], at=7), *one[1:]], (0, 0, 0, 1, 0)),
        (lambda one: [one[1], one[0], *one[2:]], (0, 0, 0, 0, 2)),
    ],
    ids=["doubled", "lost", "false", "altered", "misplaced"],
)
def test_what_differs_is_counted_by_what_it_is(live: object, expected: tuple[int, ...]) -> None:
    assert counts(live(records())) == expected  # type: ignore[operator]
