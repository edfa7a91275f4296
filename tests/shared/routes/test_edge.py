"""The edge, its net and its round trip, against the formulas in exact fractions."""

from decimal import Decimal
from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from shared.routes.costs import Loan
from shared.routes.edge import Measure, exact_bps, kind_of, rough_bps
from shared.routes.numbers import cents
from tests.scanner.legs import AT, NO_RATE, RATE, leg

PRICES = st.decimals(min_value=Decimal("0.00001"), max_value=Decimal("100000"), places=5).map(lambda one: f"{one:f}")


@given(bid=PRICES, ask=PRICES)
def test_the_edge_is_exact_and_the_rough_one_near_it(bid: str, ask: str) -> None:
    buy, sell = leg("0.00001", ask), leg(bid, "200000", venue="beta")
    exact = exact_bps(buy, sell, NO_RATE)
    assert exact == (Fraction(bid) - Fraction(ask)) / Fraction(ask) * 10_000
    assert abs(rough_bps(buy, sell, NO_RATE) - float(exact)) <= 1e-9 * max(1.0, abs(float(exact)))


@given(
    prices=st.tuples(PRICES, PRICES, PRICES, PRICES), fees=st.tuples(*[st.sampled_from(["0", "2.8", "4.5", "10"])] * 2)
)
def test_net_and_round_trip_follow_their_formulas(prices: tuple[str, str, str, str], fees: tuple[str, str]) -> None:
    buy = leg(prices[0], prices[1], fee=fees[0])
    sell = leg(prices[2], prices[3], venue="beta", fee=fees[1], quote="USDC")
    measure = Measure(buy, sell, RATE, AT, 600_000_000_000)
    there, back = exact_bps(buy, sell, RATE), exact_bps(sell, buy, RATE)
    paid = Fraction(fees[0]) + Fraction(fees[1])
    assert measure.edge == cents(there)
    assert measure.net == cents(there - paid)
    assert measure.in_out == cents(there - 2 * paid)
    assert measure.now == cents(there + back - 2 * paid)
    assert measure.cash == measure.net


def test_thirty_gross_and_ten_each_of_fees_are_ten_net() -> None:
    measure = Measure(leg("99", "100.00", fee="10"), leg("100.30", "101", venue="beta", fee="10"), NO_RATE, AT, 0)
    assert (measure.edge, measure.net) == (3000, 1000)


def test_spot_pays_the_rate_as_the_money_flows_and_a_perpetual_the_mid() -> None:
    dollars = leg("0.9", "1.00", venue="beta", quote="USDC", market="spot")
    perp = leg("0.9", "1.00", venue="beta", quote="USDC")
    tether = leg("1.00", "1.1")
    assert exact_bps(dollars, tether, RATE) == (1 / Fraction("0.9998") - 1) * 10_000
    assert exact_bps(perp, tether, RATE) == (1 / Fraction("0.9997") - 1) * 10_000


def test_two_markets_in_the_same_dollars_need_no_rate() -> None:
    one, other = leg("1.0", "1.1", quote="USDC"), leg("1.2", "1.3", quote="USDC", venue="beta")
    assert exact_bps(one, other, NO_RATE) == exact_bps(one, other, RATE)


def test_usd_counts_as_usdc_and_is_flagged() -> None:
    measure = Measure(leg("1.0", "1.1", quote="USD"), leg("1.2", "1.3", quote="USDC", venue="beta"), NO_RATE, AT, 0)
    assert "usd_as_usdc" in measure.flags


def test_spot_is_bought_and_a_perpetual_sold_and_never_the_other_way_round() -> None:
    spot, perp, other = leg("1", "2", market="spot"), leg("1", "2"), leg("1", "2", venue="beta", market="spot")
    assert kind_of(spot, perp) == "spot-perp"
    assert kind_of(perp, spot) is None
    assert kind_of(spot, other) == "spot-spot"
    assert kind_of(spot, spot) is None


def test_borrowed_spot_is_sold_against_a_perpetual() -> None:
    spot, perp, equity = leg("1", "2", market="spot"), leg("1", "2"), leg("1", "2", category="equity")
    spot.loan = Loan.at(5)
    assert kind_of(perp, spot) == "perp-spot"
    assert kind_of(equity, spot) is None


def test_moving_coins_between_spot_markets_is_taken_off_the_net_once() -> None:
    buy, sell = leg("99", "100", market="spot"), leg("101", "102", market="spot", venue="beta", quote="USDC")
    plain, moved = (Measure(buy, sell, RATE, AT, 0, Fraction(cost)) for cost in ("0", "12.5"))
    assert plain.net - moved.net == 1250
    assert moved.in_out == moved.now == moved.cash == moved.net
    assert moved.edge == plain.edge
    assert plain.pays(Fraction(80))
    assert not moved.pays(Fraction(80))


def test_a_stock_never_pairs_with_a_coin_of_its_ticker() -> None:
    assert kind_of(leg("1", "2", category="equity"), leg("1", "2", venue="beta")) is None
    assert kind_of(leg("1", "2", category="unknown"), leg("1", "2", venue="beta")) == "perp-perp"


def test_spot_against_spot_has_no_way_back() -> None:
    measure = Measure(leg("1.0", "1.1", market="spot"), leg("1.2", "1.3", market="spot", venue="beta"), NO_RATE, AT, 0)
    assert measure.in_out == measure.now == measure.net
