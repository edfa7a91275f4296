"""Whose books are asked for."""

from collections import Counter

from hypothesis import given, settings
from hypothesis import strategies as st

from services.scanner.detectors.interest import HELD, HOLD_NS, LINGER_NS, LOOK_NS, Interest, Near
from services.scanner.market import Asset, Leg
from tests.scanner.legs import AT
from tests.scanner.tape import row

VENUES = ("alpha", "beta", "gamma")


def legs(coin: str) -> list[Leg]:
    asset = Asset(coin)
    asset.legs = [Leg(venue, row(coin), asset, new=False) for venue in VENUES]
    return asset.legs


A, B, C = legs("AAA"), legs("BBB"), legs("CCC")


def near(of: list[Leg], edge: float, one: int = 0, other: int = 1) -> Near:
    return Near(of[one], of[other], edge)


def test_the_books_of_both_legs_are_asked_for_while_the_pair_is_near_and_a_minute_longer() -> None:
    interest = Interest()
    interest.look([near(A, 40)], AT, 5)
    assert interest.books() == {"alpha": ["AAA/USDT:USDT"], "beta": ["AAA/USDT:USDT"]}
    interest.look([], AT + LINGER_NS, 5)
    assert interest.books() != {}
    interest.look([], AT + LINGER_NS + LOOK_NS, 5)
    assert interest.books() == {}


def test_the_budget_goes_to_the_largest_edges_and_the_rest_is_counted() -> None:
    interest = Interest()
    interest.look([near(A, 40), near(B, 70), near(C, 50)], AT, 2)
    assert interest.books()["alpha"] == ["BBB/USDT:USDT", "CCC/USDT:USDT"]
    assert interest.unserved == 1


def test_a_book_that_serves_two_pairs_is_paid_for_once() -> None:
    interest = Interest()
    interest.look([near(A, 40), near(A, 41, 0, 2)], AT, 1)
    assert interest.books() == {venue: ["AAA/USDT:USDT"] for venue in VENUES}


def test_who_is_served_is_not_displaced_by_a_little_more() -> None:
    interest = Interest()
    interest.look([near(A, 40)], AT, 1)
    interest.look([near(A, 40), near(B, 400)], AT + LOOK_NS, 1)
    assert interest.books()["alpha"] == ["AAA/USDT:USDT"]
    later = AT + HOLD_NS + LOOK_NS
    interest.look([near(A, 40), near(B, 40 * HELD)], later, 1)
    assert interest.books()["alpha"] == ["AAA/USDT:USDT"]
    interest.look([near(A, 40), near(B, 40 * HELD + 1)], later + LOOK_NS, 1)
    assert interest.books()["alpha"] == ["BBB/USDT:USDT"]


def test_an_edge_that_swings_around_the_line_does_not_flap() -> None:
    interest, seen = Interest(), set()
    for number in range(100):
        interest.look([near(A, 31)] if number % 5 == 0 else [], AT + number * LOOK_NS, 1)
        seen.add(tuple(interest.books()))
    assert seen == {("alpha", "beta")}


def test_a_market_that_is_gone_asks_for_nothing() -> None:
    mine = legs("DDD")
    interest = Interest()
    interest.look([near(mine, 40)], AT, 1)
    mine[0].asset.legs = mine[1:]
    interest.look([], AT + LOOK_NS, 1)
    assert interest.books() == {}


def test_without_a_budget_nothing_is_asked_for() -> None:
    interest = Interest()
    interest.look([near(A, 40)], AT, 0)
    assert interest.books() == {}


PAIRS = st.tuples(st.sampled_from([A, B, C]), st.floats(30, 400), st.sampled_from([(0, 1), (0, 2), (1, 2)]))


@settings(max_examples=50, deadline=None)
@given(st.lists(st.lists(PAIRS, max_size=9), max_size=20), st.integers(0, 3))
def test_no_venue_is_ever_asked_for_more_than_the_budget(
    course: list[list[tuple[list[Leg], float, tuple[int, int]]]], budget: int
) -> None:
    interest = Interest()
    for number, found in enumerate(course):
        interest.look([Near(of[i], of[j], edge) for of, edge, (i, j) in found], AT + number * LOOK_NS, budget)
        counted = Counter({venue: len(symbols) for venue, symbols in interest.books().items()})
        assert all(count <= budget for count in counted.values())
        served = sum(want.since is not None for want in interest.wants.values())
        assert served + interest.unserved == len(interest.wants)
