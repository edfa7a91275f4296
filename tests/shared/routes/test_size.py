"""The size at the top of both books."""

from fractions import Fraction
from typing import Any

import pytest

from shared.routes.size import top_size
from tests.scanner.legs import leg


def size(one: str, other: str, lots: tuple[str | None, str | None], **over: Any) -> Fraction:
    buy = leg("1.9", "2.0", size=one, lot_size=lots[0], **over)
    sell = leg("2.1", "2.2", size=other, lot_size=lots[1], venue="beta", **over)
    return Fraction(*top_size(buy, sell))


@pytest.mark.parametrize(
    ("one", "other", "lots", "expected"),
    [
        ("10.77", "12", ("0.1", "0.01"), "10.7"),
        ("12", "10.77", ("0.3", "0.2"), "10.2"),
        ("12", "10.77", (None, "1"), "10"),
        ("12", "10.77", (None, None), "10.77"),
        ("0.9", "10", ("1", "1"), "0"),
    ],
)
def test_the_lesser_top_in_whole_common_lots(
    one: str, other: str, lots: tuple[str | None, str | None], expected: str
) -> None:
    assert size(one, other, lots, min_size=None, min_notional=None) == Fraction(expected)


def test_below_a_minimum_nothing_can_be_traded() -> None:
    lots = ("0.1", "0.1")
    assert size("3", "3", lots, min_size="3.1", min_notional=None) == 0
    assert size("3", "3", lots, min_size=None, min_notional="6.1") == 0
    assert size("3", "3", lots, min_size="3", min_notional="6") == 3


def test_a_side_that_is_missing_has_no_size() -> None:
    assert top_size(leg("1", None), leg("2", "3", venue="beta")) == (0, 1)
