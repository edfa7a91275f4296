"""Numbers come out exactly as they went in, or exactly converted, or not at all."""

from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.collector import normalise
from services.collector.normalise import BadNumber
from services.collector.table import Listed
from shared.instruments import Instrument

digits = st.text("0123456789", min_size=1, max_size=20)
plain_numbers = st.one_of(digits, st.tuples(digits, digits).map(".".join))
factors = st.sampled_from(["1", "10", "1000", "1000000", "0.1", "0.001", "0.25", "3", "12.5"])


def listed(multiplier: str = "1", contract_size: str = "1") -> Listed:
    return Listed(
        Instrument(
            venue="v",
            market="perp",
            symbol="A/USDT:USDT",
            native="AUSDT",
            base="A",
            quote="USDT",
            multiplier=multiplier,
            contract_size=contract_size,
        )
    )


@given(plain_numbers)
def test_an_unconverted_number_keeps_its_digits(text: str) -> None:
    assert normalise.literal(text) == text
    assert normalise.size(text, listed()) == text


@pytest.mark.parametrize(
    ("text", "written"),
    [("1e-5", "0.00001"), ("2.50E+3", "2500"), (".5", "0.5"), ("5.", "5"), ("+7.10", "7.10"), ("-.5", "-0.5")],
)
def test_an_exponent_and_a_bare_point_are_written_out(text: str, written: str) -> None:
    assert normalise.literal(text) == written


@pytest.mark.parametrize(
    "text",
    ["", " ", "1 ", "1,0", "NaN", "inf", "0x1", "1_0", "١٢", "1.2.3", "--1", "1e", "e5", "1e999", "9" * 65, "1e64"],
)
def test_what_is_no_number_of_a_market_is_refused(text: str) -> None:
    with pytest.raises(BadNumber):
        normalise.literal(text)


@given(plain_numbers, st.integers(-12, 12))
def test_a_shift_is_the_product_with_a_power_of_ten_without_trailing_zeros(text: str, places: int) -> None:
    made = normalise.shifted(text, places)
    assert Fraction(made) == Fraction(text) * Fraction(10) ** places
    assert made == normalise.plain(Decimal(made))
    assert "." not in made or not made.endswith(("0", "."))


@given(plain_numbers, st.sampled_from(["1", "10", "1000", "1000000"]), factors)
def test_prices_are_divided_by_the_multiplier_and_sizes_multiplied_by_both(
    text: str, multiplier: str, contract: str
) -> None:
    at = listed(multiplier, contract)
    price, size = normalise.price(text, at), normalise.size(text, at)
    assert size is not None
    assert Fraction(size) == Fraction(text) * Fraction(multiplier) * Fraction(contract)
    if Decimal(text) == 0:
        assert price is None
    else:
        assert price is not None
        assert Fraction(price) * Fraction(multiplier) == Fraction(text)


@given(plain_numbers, plain_numbers, plain_numbers, plain_numbers, st.sampled_from(["1", "1000"]), factors)
def test_the_quick_way_of_a_quote_is_the_slow_one(
    bid: str, bid_size: str, ask: str, ask_size: str, multiplier: str, contract: str
) -> None:
    at = listed(multiplier, contract)

    def side(price: str, size: str) -> tuple[str | None, str | None]:
        if Decimal(price) == 0 or Decimal(size) == 0:
            return None, None
        return normalise.price(price, at), normalise.size(size, at)

    assert normalise.sides(bid, bid_size, ask, ask_size, at) == (*side(bid, bid_size), *side(ask, ask_size))


@given(st.lists(st.tuples(plain_numbers, plain_numbers), max_size=5), st.sampled_from(["1", "1000"]))
def test_levels_are_converted_one_by_one_and_a_price_of_zero_spoils_them(rows: Any, multiplier: str) -> None:
    at = listed(multiplier)
    if any(Decimal(price) == 0 for price, _ in rows):
        with pytest.raises(BadNumber):
            normalise.levels(rows, at)
    else:
        expected = [(normalise.price(price, at), normalise.size(size, at)) for price, size in rows]
        assert list(normalise.levels(rows, at)) == expected


@pytest.mark.parametrize(("bid", "size"), [("", "1"), ("0", "1"), ("0.00", "1"), ("1", ""), ("1", "0"), ("1", "0.000")])
def test_a_side_without_price_or_size_is_null_on_both(bid: str, size: str) -> None:
    assert normalise.sides(bid, size, "2", "3", listed()) == (None, None, "2", "3")
    with pytest.raises(BadNumber):
        normalise.positive(bid, size, listed())


@pytest.mark.parametrize("row", [("-1", "1"), ("1", "-1"), ("1", "x"), ("-0", "1")])
def test_a_negative_or_broken_number_is_never_taken(row: tuple[str, str]) -> None:
    for make in (
        lambda: normalise.sides(*row, "2", "3", listed()),
        lambda: normalise.sides("2", "3", *row, listed("1000")),
        lambda: normalise.positive(*row, listed()),
        lambda: normalise.levels([row], listed()),
    ):
        with pytest.raises(BadNumber):
            make()


def test_an_amount_is_kept_as_it_is_and_never_negative() -> None:
    assert [normalise.amount(text) for text in (None, "", "0", "1.50", "1e3")] == [None, None, "0", "1.50", "1000"]
    for wrong in ("-1", "-0", "x", " 1"):
        with pytest.raises(BadNumber):
            normalise.amount(wrong)


def test_an_empty_rate_is_none_and_a_negative_one_is_kept() -> None:
    assert normalise.rate("") is None
    assert normalise.rate(None) is None
    assert normalise.rate("-0.00010") == "-0.00010"


@pytest.mark.parametrize(
    ("text", "fraction"),
    [
        ("0.0012", "0.000012"),
        ("-0.0012", "-0.000012"),
        ("150", "1.5"),
        ("-0.0000", "0"),
        ("0", "0"),
        ("1e-2", "0.0001"),
        ("", None),
        (None, None),
    ],
)
def test_a_percentage_becomes_a_fraction_exactly(text: str | None, fraction: str | None) -> None:
    assert normalise.percent(text) == fraction


@given(st.decimals(min_value="-1000", max_value="1000", places=9))
def test_a_hundred_times_the_fraction_is_the_percentage(value: Decimal) -> None:
    fraction = normalise.percent(format(value, "f"))
    assert fraction is not None
    assert Decimal(fraction) * 100 == value


@pytest.mark.parametrize("text", ["x", "0.01%", "--1", "NaN"])
def test_what_is_no_percentage_is_a_bad_number(text: str) -> None:
    with pytest.raises(BadNumber):
        normalise.percent(text)


@pytest.mark.parametrize(
    ("mantissa", "decimals", "text"),
    [
        (4200050000000, 8, "42000.5"),
        (8200000000000, 8, "82000"),
        (1, 8, "0.00000001"),
        (-993, 12, "-0.000000000993"),
        (0, 8, "0"),
        (-1, 0, "-1"),
        (17, -3, "17000"),
    ],
)
def test_a_whole_number_of_steps_is_written_out(mantissa: int, decimals: int, text: str) -> None:
    assert normalise.scaled(mantissa, decimals) == text


@given(st.integers(-(2**63), 2**63 - 1), st.integers(-6, 20))
def test_steps_are_exact_and_plain_whatever_their_size(mantissa: int, decimals: int) -> None:
    text = normalise.scaled(mantissa, decimals)
    assert Fraction(text) == Fraction(mantissa) / Fraction(10) ** decimals
    assert text == normalise.plain(Decimal(text))


@pytest.mark.parametrize(
    ("text", "factor", "product", "above_zero"),
    [
        ("0.10", "1", "0.10", "0.10"),
        ("0.10", "1000", "100", "100"),
        ("1e-5", "0.001", "0.00000001", "0.00000001"),
        ("0.00", "1", "0.00", None),
        ("0.00", "1000", "0", None),
        ("-0.5", "1", "-0.5", None),
        ("-0.5", "10", "-5", None),
        ("", "1", None, None),
        (None, "1", None, None),
    ],
)
def test_a_number_of_a_listing_is_multiplied_and_a_limit_is_above_zero(
    text: str | None, factor: str, product: str | None, above_zero: str | None
) -> None:
    assert normalise.multiplied(text, Decimal(factor)) == product
    assert normalise.stated_limit(text, Decimal(factor)) == above_zero
    assert normalise.limit(text, Decimal(factor)) == above_zero


def test_a_limit_that_is_no_number_is_refused_or_none() -> None:
    with pytest.raises(BadNumber):
        normalise.stated_limit("many", Decimal(1))
    assert normalise.limit("many", Decimal(1)) is None


@pytest.mark.parametrize(
    ("text", "at"),
    [("1700000000000", 1_700_000_000_000_000_000), ("0", None), ("-1", None), ("", None), (None, None), ("soon", None)],
)
def test_a_time_of_a_listing_that_is_none_is_none(text: str | None, at: int | None) -> None:
    assert normalise.moment(text) == at
