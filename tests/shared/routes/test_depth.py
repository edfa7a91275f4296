"""Walks over two books against a plain one in fractions."""

from decimal import Decimal
from fractions import Fraction
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.events import Level
from shared.routes.depth import Taken, Terms, fixed, largest, matched, of_usd

FREE = Terms(Fraction(0), Fraction(0))
SIZES = st.decimals("0.0001", "500", places=4)


@st.composite
def books(draw: st.DrawFn) -> tuple[list[Level], list[Level]]:
    def side(start: Decimal, sign: int) -> list[Level]:
        price, levels = start, []
        for _ in range(draw(st.integers(0, 6))):
            price += sign * draw(st.decimals("0.01", "3", places=2))
            levels.append((str(price), str(draw(SIZES))))
        return levels

    return side(draw(st.decimals("90", "110", places=2)), 1), side(draw(st.decimals("95", "115", places=2)), -1)


@st.composite
def terms(draw: st.DrawFn) -> Terms:
    fee = st.fractions(-5, 30, max_denominator=10)
    rate = st.sampled_from([Fraction(1), Fraction(9997, 10_000), Fraction(10_004, 10_000)])
    return Terms(draw(fee), draw(fee), draw(rate), draw(rate))


def walked(levels: list[Level], size: Fraction) -> Fraction | None:
    """What so much costs, or brings; None where the book is smaller."""
    total = Fraction(0)
    for price, there in levels:
        piece = min(size, Fraction(there))
        total, size = total + piece * Fraction(price), size - piece
    return total if size == 0 else None


def steps(asks: list[Level], bids: list[Level]) -> list[Fraction]:
    """The sizes at which either side comes to another level."""
    found = {Fraction(0)}
    for levels in (asks, bids):
        total = Fraction(0)
        for _, size in levels:
            total += Fraction(size)
            found.add(total)
    return sorted(found)


def price_at(levels: list[Level], size: Fraction) -> Fraction | None:
    """The price of the last unit of this size."""
    for price, there in levels:
        size -= Fraction(there)
        if size <= 0:
            return Fraction(price)
    return None


@settings(max_examples=50, deadline=None)
@given(books(), terms(), st.sampled_from([Fraction(0), Fraction(5), Fraction(-20)]))
def test_the_largest_size_is_where_the_last_unit_still_pays(
    both: tuple[list[Level], list[Level]], given_terms: Terms, least: Fraction
) -> None:
    asks, bids = both
    expected = Fraction(0)
    for before, after in pairwise(steps(asks, bids)):
        ask, bid = price_at(asks, after), price_at(bids, after)
        if ask is None or bid is None:
            break
        got = bid * given_terms.q_sell * (1 - given_terms.fee_sell / 10_000)
        paid = ask * given_terms.q_buy * (1 + given_terms.fee_buy / 10_000)
        if got / paid - 1 < least / 10_000:
            break
        assert before == expected
        expected = after
    found = largest(asks, bids, given_terms, least)
    assert found.size == expected
    assert (found.cost, found.proceeds) == (walked(asks, expected), walked(bids, expected))
    whole = min(sum((Fraction(size) for _, size in levels), Fraction(0)) for levels in (asks, bids))
    assert found.ended == (expected > 0 and expected == whole)
    profit = found.proceeds * given_terms.q_sell * (1 - given_terms.fee_sell / 10_000)
    assert found.profit_usd(given_terms) == profit - found.cost * given_terms.q_buy * (1 + given_terms.fee_buy / 10_000)


@settings(max_examples=50, deadline=None)
@given(books(), terms(), st.fractions(1, 100_000, max_denominator=100))
def test_so_many_dollars_buy_a_size_whose_cost_they_are(
    both: tuple[list[Level], list[Level]], given_terms: Terms, usd: Fraction
) -> None:
    asks, bids = both
    found = of_usd(asks, bids, given_terms, usd)
    assert walked(asks, found.size) == found.cost
    assert walked(bids, found.size) == found.proceeds
    if found.ended:
        assert found.usd(given_terms) < usd
    else:
        assert found.usd(given_terms) == usd
    if found.size:
        edge = found.proceeds * given_terms.q_sell / (found.cost * given_terms.q_buy) - 1
        net = (1 + edge) * (1 - given_terms.fee_sell / 10_000) / (1 + given_terms.fee_buy / 10_000) - 1
        assert found.edge_bps(given_terms) == edge * 10_000
        assert found.net_bps(given_terms) == net * 10_000
    else:
        assert found.edge_bps(given_terms) is found.net_bps(given_terms) is None


def test_a_last_unit_that_nets_exactly_the_least_is_taken() -> None:
    asks, bids = [("100", "1"), ("100.01", "5")], [("100.10", "9")]
    assert largest(asks, bids, FREE, Fraction(10)).size == 1
    assert largest(asks, bids, FREE, Fraction(10) + Fraction(1, 10**30)).size == 0


def test_an_empty_book_gives_nothing_and_says_so() -> None:
    nothing = Fraction(0), Fraction(0), Fraction(0)
    assert of_usd([], [("1", "1")], FREE, Fraction(5)) == Taken(*nothing, ended=True)
    assert largest([], [], FREE, Fraction(0)) == Taken(*nothing, ended=False)
    assert list(matched([("1", "0")], [("1", "2")])) == []


@settings(max_examples=50, deadline=None)
@given(st.decimals("0", "1000000", places=12))
def test_text_becomes_the_integer_it_stands_for(value: Decimal) -> None:
    assert Fraction(fixed(f"{value:f}"), 10**36) == Fraction(value)


def test_more_decimals_than_any_venue_writes_are_refused() -> None:
    with pytest.raises(ValueError, match="at most 36 decimals"):
        fixed("0." + "1" * 37)
