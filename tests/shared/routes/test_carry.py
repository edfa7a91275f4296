"""Funding differential and break-even against plain sums."""

from fractions import Fraction
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from shared.events import Funding
from shared.routes.carry import HORIZON_NS, Leg, break_even, carry, hourly, leg_of, payments
from shared.routes.funding import HOUR_NS, SECOND
from tests.scanner.legs import AT, leg

MICRO = 1_000_000


def perp(rate: str | None, hours: str | None = "8", due: int | None = AT + HOUR_NS, **over: Any) -> Any:
    one = leg("1", "1.1", **over)
    if rate is not None:
        one.funding = Funding(one.symbol, rate, hours, due, None, None, AT)
    return one


def test_the_sold_side_receives_and_both_are_brought_to_one_interval() -> None:
    found = carry(perp("0.0001", "8"), perp("0.0002", "4", AT + 2 * HOUR_NS), AT)
    assert found is not None
    assert found.eight_hours_bps == 4 - 1
    assert found.apr_percent == Fraction(3, 8 * 10_000) * 8760 * 100
    assert (found.next_ts, found.next_bps) == (AT + HOUR_NS, Fraction(-1))


def test_settlements_at_one_moment_are_paid_together() -> None:
    found = carry(perp("0.0001"), perp("0.0003"), AT)
    assert found is not None
    assert (found.next_ts, found.next_bps) == (AT + HOUR_NS, Fraction(2))


def test_a_settlement_that_has_passed_is_followed_by_the_next() -> None:
    found = carry(perp("0.0001", "8", AT - 9 * HOUR_NS), perp("0", "8", None), AT)
    assert found is not None
    assert (found.next_ts, found.next_bps) == (AT + 7 * HOUR_NS, Fraction(-1))


def test_spot_pays_nothing_and_what_is_unknown_gives_nothing() -> None:
    spot = leg("1", "1.1", market="spot")
    found = carry(spot, perp("0.0001"), AT)
    assert found is not None
    assert found.eight_hours_bps == 1
    assert carry(spot, leg("1", "1.1", market="spot"), AT) is None
    assert carry(spot, perp(None), AT) is None
    assert hourly(perp("0.0001", None, funding_interval_h=None)) is None


def test_one_receipt_of_eight_hours_is_had_whole_by_whoever_holds_through_it() -> None:
    legs = [leg_of(perp("0.001", due=AT + 90 * SECOND), 1, AT, None)]
    found = break_even([one for one in legs if one], Fraction(10), AT)
    assert found is not None
    assert (found.first, found.payments, found.stays) == (AT + 90 * SECOND, 1, AT + 90 * SECOND)


def test_a_receipt_within_the_minute_is_missed_and_a_payment_just_due_is_made() -> None:
    soon = Leg(AT + 30 * SECOND, HOUR_NS, MICRO, MICRO)
    assert next(payments(soon, AT)) == (AT + 30 * SECOND + HOUR_NS, MICRO)
    past = Leg(AT + HOUR_NS - 30 * SECOND, HOUR_NS, -MICRO, -MICRO)
    assert next(payments(past, AT)) == (AT - 30 * SECOND, -MICRO)


def test_later_payments_are_reckoned_at_the_usual_rate() -> None:
    sold = leg_of(perp("0.0010"), 1, AT, Fraction(1, 10_000))
    assert sold is not None
    found = break_even([sold], Fraction(12), AT)
    assert found is not None
    assert (found.payments, found.first) == (3, AT + 17 * HOUR_NS)


def test_what_accrues_counts_by_the_full_hour() -> None:
    sold = leg_of(perp("0.0008", "8", None), 1, AT, None)
    assert sold is not None
    found = break_even([sold], Fraction(25, 10), AT)
    assert found is not None
    assert (found.payments, found.first) == (3, AT + 3 * HOUR_NS)


def test_nothing_to_cover_is_covered_at_once_and_too_much_never() -> None:
    assert break_even([], Fraction(0), AT) == (AT, 0, AT)
    assert break_even([], Fraction(1), AT) is None
    assert break_even([Leg(AT + HOUR_NS, 8 * HOUR_NS, MICRO, MICRO)], Fraction(91), AT) is None


STEPS = st.sampled_from([1, 2, 4, 8])
RATES = st.integers(-30, 60)


@st.composite
def schedules(draw: st.DrawFn) -> list[Leg]:
    found = []
    for _ in range(draw(st.integers(1, 2))):
        step = draw(STEPS)
        first = AT + draw(st.integers(1, step * 3600)) * SECOND
        found.append(Leg(first, step * HOUR_NS, draw(RATES) * MICRO, draw(RATES) * MICRO))
    return found


@given(schedules(), st.integers(1, 400))
def test_break_even_is_where_a_plain_sum_first_and_finally_covers_the_cost(legs: list[Leg], cost: int) -> None:
    every = []
    for one in legs:
        dues = [one.first + k * one.step for k in range(-1, HORIZON_NS // one.step + 1)]
        for due in dues:
            what = one.now if due <= one.first else one.later
            counts = due >= AT - 60 * SECOND if what < 0 else due > AT + 60 * SECOND
            if counts and due <= max(AT + HORIZON_NS, one.first):
                every.append((due, what))
    total, course = 0, []
    for when, what in sorted(every):
        total += what
        course.append((when, total >= cost * MICRO))
    covered = [when for when, enough in course if enough]
    found = break_even(legs, Fraction(cost), AT)
    if not covered:
        assert found is None
        return
    assert found is not None
    assert found.first == covered[0]
    rise = sum(Fraction(one.later, one.step) for one in legs)
    if rise < 0:
        assert found.stays is None
        return
    last_short = max((number for number, (_, enough) in enumerate(course) if not enough), default=-1)
    if last_short + 1 < len(course):
        assert found.stays == course[last_short + 1][0]
