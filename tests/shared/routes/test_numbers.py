"""Exact numbers."""

from decimal import ROUND_HALF_EVEN, Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.routes.numbers import cents, cents_text, common_lot, decimal_text, half_even, scaled

DECIMALS = st.decimals(min_value=Decimal("0"), max_value=Decimal("1e9"), places=9).map(lambda one: f"{one:f}")


@given(text=DECIMALS)
def test_scaled_digits_are_the_number(text: str) -> None:
    digits, decimals = scaled(text)
    assert Fraction(digits, 10**decimals) == Fraction(text)


@given(value=st.fractions(), places=st.just(2))
def test_cents_round_half_even_as_decimals_do(value: Fraction, places: int) -> None:
    exact = Fraction(cents(value), 100)
    assert abs(exact - value) <= Fraction(1, 200)


@given(value=st.decimals(min_value=Decimal("-1e6"), max_value=Decimal("1e6"), places=3))
def test_cents_of_a_decimal_are_its_quantized_self(value: Decimal) -> None:
    expected = value.quantize(Decimal("0.01"), ROUND_HALF_EVEN)
    assert Decimal(cents_text(cents(Fraction(value)))) == expected


def test_ties_go_to_the_even_neighbour() -> None:
    assert [half_even(one, 2) for one in (1, 3, 5, -1, -3)] == [0, 2, 2, 0, -2]


def test_cents_are_written_with_two_decimals() -> None:
    assert [cents_text(one) for one in (0, 5, -5, 12345, -100)] == ["0.00", "0.05", "-0.05", "123.45", "-1.00"]


@given(text=DECIMALS)
def test_decimal_text_is_plain_and_exact(text: str) -> None:
    written = decimal_text(*Fraction(text).as_integer_ratio())
    assert Fraction(written) == Fraction(text)
    assert "E" not in written
    assert not ("." in written and written.endswith("0"))


def test_a_ratio_that_is_no_finite_decimal_is_refused() -> None:
    with pytest.raises(ValueError, match="no decimal number"):
        decimal_text(1, 3)


LOTS = st.sampled_from(["0.001", "0.01", "1", "10", "0.25", "0.3", "7"])


@given(one=LOTS, other=LOTS)
def test_the_common_lot_is_the_least_whole_number_of_both(one: str, other: str) -> None:
    lot = common_lot(one, other)
    assert lot is not None
    a, b = Fraction(one), Fraction(other)
    assert (lot / a).denominator == 1
    assert (lot / b).denominator == 1
    steps = int(lot / a)
    assert not any((a * count / b).denominator == 1 for count in range(1, min(steps, 2000)))


def test_a_lot_that_only_one_venue_names_is_the_lot() -> None:
    assert (common_lot(None, "0.1"), common_lot("0.1", None), common_lot(None, None)) == (
        Fraction(1, 10),
        Fraction(1, 10),
        None,
    )
