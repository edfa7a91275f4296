"""Premium, basis, deviation against fractions by hand."""

from fractions import Fraction
from statistics import median

from hypothesis import given
from hypothesis import strategies as st

from shared.routes.premium import basis_bps, deviations_bps, mark_premium_bps, mid

PRICES = st.decimals("0.000001", "100000", allow_nan=False, places=8)


def test_a_mark_above_its_index_is_a_positive_premium() -> None:
    assert mark_premium_bps("100.10", "100") == 10
    assert mark_premium_bps("99.5", "100") == -50


def test_a_dearer_perpetual_is_a_positive_basis() -> None:
    assert basis_bps(mid("101", "103"), mid("99", "101")) == 200


def test_what_is_missing_or_nothing_gives_nothing() -> None:
    assert mark_premium_bps(None, "1") is None
    assert mark_premium_bps("1", None) is None
    assert mark_premium_bps("1", "0") is None
    assert mid("1", None) is None
    assert basis_bps(None, Fraction(1)) is None
    assert deviations_bps([None, None]) == [None, None]


@given(st.lists(st.one_of(st.none(), PRICES), max_size=9))
def test_deviations_are_from_the_median_of_what_is_there(prices: list[object]) -> None:
    mids = [None if one is None else Fraction(str(one)) for one in prices]
    known = [one for one in mids if one is not None]
    found = deviations_bps(mids)
    assert len(found) == len(mids)
    for one, off in zip(mids, found, strict=True):
        if one is None:
            assert off is None
        else:
            assert off is not None
            assert one == median(known) * (1 + off / 10_000)
