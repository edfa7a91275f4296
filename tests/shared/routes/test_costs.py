"""What the user says of loans and of moving coins, and what it comes to."""

from fractions import Fraction

import pytest

from shared.config import BorrowRate, Transfer
from shared.events import Funding
from shared.routes import told
from shared.routes.carry import carry
from shared.routes.costs import Loan, Transfers, loan_of, owing
from shared.routes.edge import Measure
from shared.routes.funding import HOUR_NS, due_bps
from tests.scanner.legs import AT, NO_RATE, leg

RULES = (
    BorrowRate(venue="beta", apr_percent=9),
    BorrowRate(asset="WIF", apr_percent=20),
    BorrowRate(asset="WIF", venue="beta", apr_percent=36.5),
)
MOVES = (
    Transfer(bps=1),
    Transfer(asset="WIF", bps=2),
    Transfer(venue="alpha", bps=3),
    Transfer(venue="alpha", to="beta", bps=4),
    Transfer(asset="WIF", venue="alpha", to="beta", bps=5),
)


@pytest.mark.parametrize(
    ("asset", "venue", "percent"),
    [("WIF", "beta", 36.5), ("WIF", "alpha", 20), ("PEPE", "beta", 9), ("PEPE", "alpha", None)],
)
def test_the_rate_that_names_most_counts(asset: str, venue: str, percent: float | None) -> None:
    found = loan_of(RULES, asset, venue, "spot")
    assert (None if found is None else found.apr_percent) == percent
    assert loan_of(RULES, asset, venue, "perp") is None


@pytest.mark.parametrize(
    ("asset", "buy", "sell", "bps"),
    [
        ("WIF", "alpha", "beta", 5),
        ("PEPE", "alpha", "beta", 4),
        ("WIF", "alpha", "gamma", 2),
        ("PEPE", "alpha", "gamma", 3),
        ("WIF", "beta", "alpha", 2),
        ("PEPE", "beta", "alpha", 1),
        ("WIF", "alpha", "alpha", 0),
    ],
)
def test_of_costs_that_fit_the_one_that_names_most_counts_and_the_first_of_these(
    asset: str, buy: str, sell: str, bps: int
) -> None:
    moves = Transfers(MOVES)
    one, other = leg("1", "1.1", venue=buy, market="spot"), leg("1", "1.1", venue=sell, market="spot")
    assert [moves.bps(asset, one, other) for _ in range(2)] == [bps, bps]
    assert moves.bps(asset, one, leg("1", "1.1", venue=sell)) == 0
    assert Transfers(()).bps(asset, one, other) == 0


def test_a_loan_is_owed_by_who_sells_spot_against_a_perpetual_alone() -> None:
    perp, spot = leg("1", "1.1"), leg("1", "1.1", venue="beta", market="spot")
    assert owing(perp, spot) is spot
    spot.loan = Loan.at(36.5)
    assert owing(perp, spot) is spot.loan
    assert owing(leg("1", "1.1", market="spot"), spot) is spot


def test_a_loan_lessens_the_carry_and_falls_due_all_the_time() -> None:
    perp, spot = leg("1.9990", "2.0000"), leg("2.02", "2.03", venue="beta", market="spot")
    perp.funding = Funding(perp.symbol, "-0.0004", "8", AT + 4 * HOUR_NS, None, None, AT)
    spot.loan = Loan.at(36.5)
    found = carry(perp, owing(perp, spot), AT)
    assert found is not None
    assert found.eight_hours_bps == 4 - Fraction(365_000, 365 * 3) / 100
    assert found.apr_percent == Fraction(438, 10) - Fraction(365, 10)
    assert (found.next_ts, found.next_bps) == (AT + 4 * HOUR_NS, Fraction(4))
    assert due_bps(perp, spot, AT, HOUR_NS) == -Fraction(3650, 8760)
    assert due_bps(perp, spot, AT, 4 * HOUR_NS) == 0  # the receipt is larger by then, and helps no signal
    measure = Measure(perp, spot, NO_RATE, AT, HOUR_NS)
    assert (measure.net, measure.cash) == (9000, 8958)


def test_what_a_route_with_a_loan_brings_is_told_with_the_loan_taken_off() -> None:
    perp, spot = leg("1.9990", "2.0000"), leg("2.02", "2.03", venue="beta", market="spot")
    perp.funding = Funding(perp.symbol, "-0.0004", "8", AT + 4 * HOUR_NS, None, None, AT)
    spot.loan = Loan.at(21.9)
    paid = told.funding(perp, spot, 600, AT, None, None)
    assert paid is not None
    assert (paid.carry_8h_bps, paid.apr_percent, paid.apr_equity_percent) == ("2.00", "21.90", "10.95")
    assert paid.even_ts == AT + 20 * HOUR_NS  # three receipts of 4 bps, less 0.25 an hour
    spot.loan = Loan.at(50)
    costs = told.funding(perp, spot, 600, AT, None, None)
    assert costs is not None
    assert (costs.carry_8h_bps, costs.even_ts) == ("-0.57", None)
