"""What to do about a signal: sizes, worst prices, costs and conditions, all of which its record carries."""

from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from shared.config import BorrowRate, Runtime
from shared.routes.fx import Fx
from shared.signals import Plan, Signal
from tests.scanner.tape import T0, Tape, hold, row

SYMBOL = "WIF/USDT:USDT"
VENUES = ("alpha", "beta")


def opened(ask: str = "2.0000", bid: str = "2.0200", fees: tuple[str, str] = ("5", "5"), **setting: float) -> Signal:
    """The first record of WIF bought on alpha and sold on beta; ticks of 0.0001 and 0.0005."""
    rows = {
        "alpha": [row("WIF", taker_fee_bps=fees[0], tick_size="0.0001", lot_size="0.5")],
        "beta": [row("WIF", taker_fee_bps=fees[1], tick_size="0.0005", lot_size="0.3")],
    }
    tape = Tape().begin(rows, Runtime(version=1, **{"max_edge_bps": 1e5, **setting}))  # type: ignore[arg-type]
    tape.quote("alpha", SYMBOL, str(Fraction(ask) / 2).partition("/")[0] or "1", ask, "1000.2")
    tape.quote("beta", SYMBOL, bid, f"{float(bid) * 2:.4f}", "1500")
    return hold(tape, VENUES, 3500).fold()[1][0]


def plan_of(record: Signal) -> Plan:
    assert record.plan is not None
    return record.plan


def test_the_plan_names_both_orders_their_worst_prices_and_what_they_cost() -> None:
    record = opened()
    plan = plan_of(record)
    buy, sell = plan.orders
    assert (buy.side, buy.venue, buy.native, buy.size) == ("buy", "alpha", "WIFUSDTP", "999")
    assert (sell.side, sell.venue, sell.native, sell.size) == ("sell", "beta", "WIFUSDTP", "999")
    # 100 bps less 10 of fees and 5 to keep: 85 to give away, half of it on each side
    assert (buy.worst_price, sell.worst_price) == ("2.0084", "2.0115")
    assert (buy.fee_bps, buy.fee_usd, sell.fee_usd) == ("5", "1.00", "1.01")
    assert (plan.size_usd, plan.fees_usd, plan.exit_fees_usd) == ("1998.00", "2.01", "2.01")
    assert (plan.gain_usd, plan.least_gain_usd) == ("17.97", "1.09")
    holds = {one.name: (one.least, one.most, one.now) for one in plan.holds}
    assert holds["edge_bps"] == ("48", None, "100.00")
    assert holds["net_cash_bps"] == ("5", None, "90.00")
    assert holds["size_usd"] == ("500", None, "1998.00")
    assert holds["quote_age_ms"] == (None, "60000", None)
    assert "usdc_usdt" not in holds


@given(
    bid=st.integers(20_130, 26_000),
    buy_fee=st.sampled_from(("0", "1.5", "5", "10", "-0.5")),
    sell_fee=st.sampled_from(("0", "2.8", "4.5", "7")),
    keep=st.sampled_from((-5, 0, 5, 20)),
)
def test_both_orders_at_their_worst_still_keep_the_least_net(bid: int, buy_fee: str, sell_fee: str, keep: int) -> None:
    record = opened(bid=f"{bid / 10_000:.4f}", fees=(buy_fee, sell_fee), min_net_bps=keep)
    buy, sell = plan_of(record).orders
    worst = (
        (Fraction(sell.worst_price) / Fraction(buy.worst_price) - 1) * 10_000 - Fraction(buy_fee) - Fraction(sell_fee)
    )
    assert worst >= keep
    assert Fraction(buy.worst_price) >= Fraction("2.0000")
    assert Fraction(sell.worst_price) <= Fraction(bid, 10_000)
    assert Fraction(sell.worst_price) == Fraction(bid, 10_000) or Fraction(sell.worst_price) % Fraction("0.0005") == 0
    assert Fraction(buy.worst_price) % Fraction("0.0001") == 0


def test_spot_against_spot_has_no_exit_and_across_dollars_the_rate_must_hold() -> None:
    tape = Tape().begin({"alpha": [row("WIF", "spot")], "beta": [row("WIF", "spot", "USDC")]})
    tape.ctl(Fx("0.9990", "0.9992", "0.9991", 2))
    tape.quote("alpha", "WIF/USDT", "1.9990", "2.0000", "1000").quote("beta", "WIF/USDC", "2.0300", "2.0320", "1000")
    plan = plan_of(hold(tape, VENUES, 3500).fold()[1][0])
    assert plan.exit_fees_usd == "0.00"
    assert {one.name: (one.least, one.most, one.now) for one in plan.holds}["usdc_usdt"] == ("0.995", "1.005", "0.9991")
    # sold for 2.0300 USDC at 0.9990
    assert plan.gain_usd == "25.96"


def test_a_payment_that_falls_due_is_named() -> None:
    tape = Tape().begin({"alpha": [row("WIF")], "beta": [row("WIF")]})
    tape.funding("beta", SYMBOL, "-0.001", T0 + 90_000)
    tape.quote("alpha", SYMBOL, "1.9990", "2.0000", "1000").quote("beta", SYMBOL, "2.0200", "2.0220", "1000")
    plan = plan_of(hold(tape, VENUES, 3500).fold()[1][0])
    assert {one.name: one.now for one in plan.holds}["funding_due_ts"] == str((T0 + 90_000) * 1_000_000)
    assert {one.name: one.now for one in plan.holds}["net_cash_bps"] == "80.00"


def test_a_payment_that_was_not_reckoned_with_is_not_named_beside_a_loan_that_was() -> None:
    runtime = Runtime(version=1, borrow_rates=(BorrowRate(asset="WIF", apr_percent=36.5),))
    tape = Tape().begin({"alpha": [row("WIF")], "beta": [row("WIF", "spot")]}, runtime)
    tape.funding("alpha", SYMBOL, "0.0001", T0 + 3_600_000)
    tape.quote("alpha", SYMBOL, "1.9990", "2.0000", "1000").quote("beta", "WIF/USDT", "2.0200", "2.0220", "1000")
    holds = {one.name: one for one in plan_of(hold(tape, VENUES, 3500).fold()[1][0]).holds}
    assert holds["net_cash_bps"].now == "89.93"  # ten minutes of 36.5 % a year
    assert holds["borrow_apr_percent"].most == "36.5"
    assert "funding_due_ts" not in holds


def test_an_update_brings_the_plan_of_its_own_moment_and_a_close_keeps_the_last() -> None:
    tape = Tape().begin({"alpha": [row("WIF")], "beta": [row("WIF")]})
    for bid, ms in (("2.0200", 3500), ("2.0260", 1500), ("2.0000", 4000)):
        tape.quote("alpha", SYMBOL, "1.9990", "2.0000", "1000").quote("beta", SYMBOL, bid, f"{bid[:-1]}5", "1000")
        hold(tape, VENUES, ms)
    opened, update, closed = tape.fold()[1]
    assert plan_of(opened).orders[1].worst_price != plan_of(update).orders[1].worst_price
    assert closed.plan == update.plan
    assert (opened.samples, update.samples, closed.samples) == (3, 4, 5)
