"""Payments that fall due."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.scanner.market import Leg
from shared.events import Funding
from shared.routes.funding import HOUR_NS, NEVER, due_bps, settlements, stands_until, unknown
from tests.scanner.legs import AT, leg

MINUTE = HOUR_NS // 60
SECOND = MINUTE // 60


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


@given(
    next_in=st.none() | st.integers(-50, 50),
    interval=st.sampled_from([None, "0.001", "0.002", "0.01"]),
    window=st.integers(1, 60),
    at=st.integers(0, 40),
)
def test_what_falls_due_stands_exactly_as_long_as_is_told(
    next_in: int | None, interval: str | None, window: int, at: int
) -> None:
    one = with_funding("0.0001", None if next_in is None else next_in * SECOND, interval)
    one.row = leg("1", "2", funding_interval_h=None).row
    now, span = AT + at * SECOND, window * SECOND
    until, due = stands_until(one, now, span), settlements(one, now, span)
    assert until > now
    for later in range(now, min(until, now + 100 * SECOND), SECOND // 2):
        assert settlements(one, later, span) == due
    if until < NEVER:
        assert settlements(one, until - 1, span) == due
        assert settlements(one, until, span) != due or interval is not None, "one goes as another comes"


def test_the_bought_leg_pays_and_the_sold_one_receives_a_positive_rate() -> None:
    buy, sell = with_funding("0.0010", MINUTE), with_funding("0.0004", MINUTE, venue="beta")
    assert due_bps(buy, sell, AT, 10 * MINUTE) == -6
    assert due_bps(sell, buy, AT, 10 * MINUTE) == 0, "receipts never help"


def test_spot_pays_nothing_and_an_unknown_rate_is_told() -> None:
    spot, perp = leg("1", "2", market="spot"), leg("1", "2", venue="beta")
    assert due_bps(spot, perp, AT, HOUR_NS) == 0
    assert unknown(spot, perp)
    assert not unknown(spot, with_funding("0", None))
