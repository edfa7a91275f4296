import json
from decimal import Decimal
from fractions import Fraction

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from services.api.numbers import json_bytes, mid, number, percent_of_bps, plain, premium_percent, product, token

DECIMALS = st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**12), max_value=10**12, places=10)


@given(DECIMALS)
def test_decimal_text_becomes_the_same_digits_in_json(value: Decimal) -> None:
    text = plain(value)
    assert json.loads(json_bytes({"x": number(text)}), parse_float=str, parse_int=str)["x"] == text


@given(st.text(max_size=20))
def test_any_text_becomes_a_json_number_of_its_value_or_null(text: str) -> None:
    found = msgspec.json.decode(json_bytes(number(text)))
    assert found is None or isinstance(found, int | float)
    said = token(text)
    assert said is None or Decimal(said) == Decimal(text)


def test_other_spellings_are_rewritten_without_changing_the_value() -> None:
    assert [token(text) for text in (".5", "+1", "007", "1e-7", "1.50")] == ["0.5", "1", "7", "0.0000001", "1.50"]
    assert [token(text) for text in ("", "NaN", "Infinity", "0x10", "1_0x")] == [None] * 5
    assert [token(text) for text in ("1e99999999999", "-1e99999999999", "1e-99999999999")] == [None] * 3


@given(DECIMALS, DECIMALS)
def test_the_mid_is_exact(bid: Decimal, ask: Decimal) -> None:
    found = mid(plain(bid), plain(ask))
    assert found is not None
    assert Decimal(found) * 2 == bid + ask


def test_a_one_sided_quote_has_no_mid() -> None:
    assert mid(None, "1") is None
    assert mid("1", None) is None


def test_premium_is_the_perpetual_over_the_spot_in_percent() -> None:
    assert premium_percent("101", "100") == Decimal("1.000000")
    assert premium_percent("99.5", "100") == Decimal("-0.500000")
    assert premium_percent("1", "0") is None
    assert premium_percent(None, "1") is None


def test_basis_points_become_percent_two_places_further() -> None:
    assert percent_of_bps("71.80") == "0.7180"
    assert percent_of_bps(None) is None


@given(DECIMALS, DECIMALS)
def test_products_are_exact(left: Decimal, right: Decimal) -> None:
    found = product(plain(left), plain(right))
    assert found is not None
    assert Fraction(found) == Fraction(plain(left)) * Fraction(plain(right))
