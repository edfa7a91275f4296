"""Payments that fall due."""

from fractions import Fraction

import pytest

from services.scanner.market import Leg
from shared.events import Funding
from shared.routes.funding import HOUR_NS, due_bps, settlements, unknown
from tests.scanner.legs import AT, leg

MINUTE = HOUR_NS // 60


def with_funding(rate: str, next_in: int | None, interval_h: str | None = "8", venue: str = "alpha") -> Leg:
    one = leg("1", "2", venue=venue)
    one.funding = Funding(one.symbol, rate, interval_h, None if next_in is None else AT + next_in, None, None, AT)
    return one


@pytest.mark.parametrize(
    ("next_in", "interval_h", "window", "count"),
    [
        (5 * MINUTE, "8", 10 * MINUTE, 1),
        (10 * MINUTE, "8", 10 * MINUTE, 1),
        (11 * MINUTE, "8", 10 * MINUTE, 0),
        (5 * MINUTE, "1", 3 * HOUR_NS, 3),
        (5 * MINUTE, None, 3 * HOUR_NS, 1),
        (-5 * MINUTE, "1", HOUR_NS, 1),
        (0, "1", 10 * MINUTE, 0),
        (-5 * MINUTE, None, HOUR_NS, 0),
        (None, "8", HOUR_NS, Fraction(1, 8)),
        (None, None, HOUR_NS, 0),
    ],
)
def test_settlements_within_the_window(
    next_in: int | None, interval_h: str | None, window: int, count: Fraction | int
) -> None:
    one = with_funding("0.0001", next_in, interval_h)
    if interval_h is None:
        one.row = leg("1", "2", funding_interval_h=None).row
    assert settlements(one, AT, window) == count


def test_the_bought_leg_pays_and_the_sold_one_receives_a_positive_rate() -> None:
    buy, sell = with_funding("0.0010", MINUTE), with_funding("0.0004", MINUTE, venue="beta")
    assert due_bps(buy, sell, AT, 10 * MINUTE) == -6
    assert due_bps(sell, buy, AT, 10 * MINUTE) == 0, "receipts never help"


def test_spot_pays_nothing_and_an_unknown_rate_is_told() -> None:
    spot, perp = leg("1", "2", market="spot"), leg("1", "2", venue="beta")
    assert due_bps(spot, perp, AT, HOUR_NS) == 0
    assert unknown(spot, perp)
    assert not unknown(spot, with_funding("0", None))
