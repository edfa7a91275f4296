"""What holds a candidate back, one guard at a time, and that each is counted by its reason."""

import pytest

from services.scanner.checkpoint import dump, load
from services.scanner.control import Config, Listing
from services.scanner.why import why
from shared.config import BorrowRate, Exclusion, Runtime, Transfer
from shared.events import Stats
from shared.routes.fx import Fx
from shared.signals import Signal
from tests.scanner.tape import MS, T0, Tape, hold, row

SYMBOL = "WIF/USDT:USDT"
VENUES = ("alpha", "beta")


def tape(runtime: Runtime | None = None, quote: str = "USDT") -> Tape:
    return Tape().begin({"alpha": [row("WIF")], "beta": [row("WIF", quote=quote)]}, runtime)


def apart(one: Tape, bps: int = 100, size: str = "1000", symbol: str = SYMBOL) -> Tape:
    bid = 2.0 * (1 + bps / 10_000)
    one.quote("alpha", SYMBOL, "1.9990", "2.0000", size)
    return one.quote("beta", symbol, f"{bid:.6f}", f"{bid + 0.002:.6f}", size)


def held_back(one: Tape, ms: int = 3500) -> tuple[int, dict[str, int]]:
    """(signals, candidates held back by reason) after so long."""
    fold, records = hold(one, VENUES, ms).fold()
    assert fold.assets["WIF"].refused == dict(fold.cycle.refused)
    return len(records), dict(fold.cycle.refused)


def barred(**rule: object) -> Runtime:
    return Runtime(version=1, exclusions=(Exclusion(reason="test", **rule),))  # type: ignore[arg-type]


def test_a_good_route_is_held_back_by_nothing() -> None:
    assert held_back(apart(tape())) == (1, {})


@pytest.mark.parametrize(
    ("one", "why"),
    [
        (apart(tape(), 700), "max_edge"),
        (apart(tape(), size="100"), "size"),
        (apart(tape(), size="0.0001"), "lot"),
        (apart(tape(Runtime(version=1, min_net_bps=95))), "net"),
        (apart(tape(barred(asset="WIF"))), "excluded"),
        (apart(tape(barred(venue="beta"))), "excluded"),
        (apart(tape(barred(asset="WIF", venue="alpha"))), "excluded"),
        (apart(tape(barred(venue="beta", against="alpha"))), "excluded"),
        (apart(tape(barred(asset="WIF", venue="alpha", against="beta"))), "excluded"),
        (apart(tape()).ctl(Listing("beta", [row("WIF", status="halted")], [])), "halted"),
        (apart(tape()).ctl(Listing("beta", [row("WIF", status="quarantined")], [])), "quarantined"),
        (apart(tape()).ctl(Listing("beta", [row("WIF", taker_fee_bps=None)], [])), "fee_unknown"),
        (apart(tape()).state("beta", SYMBOL, "stale"), "stale"),
        (apart(tape()).state("beta", SYMBOL, "gap"), "feed"),
        (apart(tape()).quote("beta", SYMBOL, "2.0300", "2.0200", "1000"), "crossed"),
        (apart(tape(Runtime(version=1, min_volume_usd=1))), "volume"),
        (apart(tape(quote="USDC"), symbol="WIF/USDC:USDC"), "fx_stale"),
        (apart(tape(quote="USDC").ctl(Fx("0.9920", "0.9922", "0.9921", 1)), 180, symbol="WIF/USDC:USDC"), "depeg"),
    ],
)
def test_each_guard_holds_a_candidate_back_and_counts_it_by_its_reason_at_every_instant(one: Tape, why: str) -> None:
    assert held_back(one) == (0, {why: 3})


def test_an_exclusion_of_other_venues_or_another_coin_or_one_that_is_over_holds_nothing_back() -> None:
    for rule in (
        {"venue": "beta", "against": "gamma"},
        {"venue": "alpha", "against": "alpha"},
        {"asset": "DOGE", "venue": "alpha", "against": "beta"},
        {"venue": "alpha", "against": "beta", "until_ms": T0},
    ):
        assert held_back(apart(tape(barred(**rule)))) == (1, {})


def test_an_exclusion_of_a_pair_closes_its_open_signal_at_once_and_ends_with_its_expiry() -> None:
    one = hold(apart(tape(Runtime(version=1, cooldown_ms=0))), VENUES, 3500)
    rule = Exclusion(venue="alpha", against="beta", reason="test", until_ms=T0 + 6500)
    one.ctl(Config(Runtime(version=2, cooldown_ms=0, exclusions=(rule,))))
    fold, records = hold(one, VENUES, 6000).fold()
    assert [(record.event, record.close_reason) for record in records] == [
        ("open", None),
        ("close", "excluded"),
        ("open", None),
    ]
    assert records[2].first_at == (T0 + 7000) * MS
    assert fold.cycle.refused == {"excluded": 3}


def test_a_route_that_cools_down_is_a_candidate_held_back() -> None:
    one = hold(apart(hold(apart(tape()), VENUES, 3500), 0), VENUES, 3000)
    _, counted = held_back(apart(one), 4000)
    assert counted == {"cooldown": 4}


def test_both_markets_must_have_been_traded_enough_and_the_turnover_survives_a_restart() -> None:
    def stats(turnover: str | None, volume: str | None = None) -> Stats:
        return Stats(SYMBOL, "2.0", volume, turnover, None, None, T0 * MS)

    def run(*second: Stats) -> tuple[int, dict[str, int]]:
        one = tape(Runtime(version=1, min_volume_usd=1_000_000)).put("alpha", "stats", [stats("1000000")])
        return held_back(apart(one.put("beta", "stats", list(second))))

    assert run() == (0, {"volume": 3})
    assert run(stats("999999.99")) == (0, {"volume": 3})
    assert run(stats("1000000.00")) == (1, {})
    assert run(stats(None, "500000")) == (1, {})
    fold, _ = tape().put("alpha", "stats", [stats("77.5")]).fold()
    assert load(dump(fold, {}))[0].assets["WIF"].legs[0].turnover == "77.5"


def spots(bought: str, sold: str, **settings: object) -> Tape:
    """A coin 100 bps dearer on beta's spot market than on alpha's."""
    one, other = row("WIF", bought), row("WIF", sold)
    runtime = Runtime(version=1, cooldown_ms=1000, **settings)  # type: ignore[arg-type]
    tape = Tape().begin({"alpha": [one], "beta": [other]}, runtime)
    tape.quote("alpha", one.symbol, "1.9990", "2.0000", "1000")
    return tape.quote("beta", other.symbol, "2.0200", "2.0220", "1000")


def told(records: list[Signal]) -> list[tuple[str, str, str | None]]:
    return [(record.event, record.kind, record.close_reason) for record in records]


LENT = (BorrowRate(asset="WIF", apr_percent=36.5),)


def test_a_rate_of_borrowing_makes_the_reverse_of_cash_and_carry_a_signal() -> None:
    assert held_back(spots("perp", "spot")) == (0, {"inventory": 3})
    assert held_back(spots("perp", "spot", borrow_rates=(BorrowRate(asset="PEPE", apr_percent=1),)))[0] == 0
    one = spots("perp", "spot", borrow_rates=LENT).funding("alpha", SYMBOL, "0.0001", None)
    fold, records = hold(one, VENUES, 3500).fold()
    assert told(records) == [("open", "perp-spot", None)]
    opened = records[0]
    # ten minutes of 0.01 % per 8 h and of 36.5 % a year
    assert (opened.net_open_bps, opened.net_cash_bps) == ("90.00", "89.91")
    assert opened.plan is not None
    assert [(one.name, one.most) for one in opened.plan.holds if one.name == "borrow_apr_percent"] == [
        ("borrow_apr_percent", "36.5")
    ]
    assert not fold.cycle.refused
    best = why(fold, "WIF").routes[0]
    assert (best.kind, best.verdict, best.stage) == ("perp-spot", "good", "open")
    assert [step.value for step in best.steps if step.name == "loan of the coins sold"] == ["36.5 % a year"]


def test_a_rate_that_is_taken_back_ends_the_signal_and_none_opens_again() -> None:
    one = hold(spots("perp", "spot", borrow_rates=LENT), VENUES, 3500)
    one.ctl(Config(Runtime(version=2, cooldown_ms=1000)))
    fold, records = hold(one, VENUES, 6000).fold()
    assert told(records) == [("open", "perp-spot", None), ("close", "perp-spot", "config")]
    assert set(fold.cycle.refused) == {"inventory", "cooldown"} or set(fold.cycle.refused) == {"inventory"}


def test_what_a_loan_costs_survives_a_restart() -> None:
    fold, _ = hold(spots("perp", "spot", borrow_rates=LENT), VENUES, 3500).fold()
    again, _ = load(dump(fold, {}))
    lent = [leg.loan for leg in again.assets["WIF"].legs]
    assert [None if loan is None else loan.apr_percent for loan in lent] == [None, 36.5]


def test_moving_the_coins_is_taken_off_the_net_of_spot_against_spot() -> None:
    assert held_back(spots("spot", "spot", transfers=(Transfer(bps=86),))) == (0, {"net": 3})
    assert held_back(spots("spot", "perp", transfers=(Transfer(bps=86),)))[0] == 1
    fold, records = hold(spots("spot", "spot", transfers=(Transfer(bps=40),)), VENUES, 3500).fold()
    assert told(records) == [("open", "spot-spot", None)]
    opened = records[0]
    assert (opened.edge_bps, opened.net_open_bps, opened.net_cash_bps) == ("100.00", "50.00", "50.00")
    assert opened.plan is not None
    assert (opened.plan.gain_usd, opened.plan.exit_fees_usd) == ("17.99", "8.00")
    best = why(fold, "WIF").routes[0]
    assert [step.value for step in best.steps if step.name == "moving the coins"] == ["40 bps"]


def test_a_cost_of_moving_that_takes_all_the_net_ends_an_open_signal() -> None:
    one = hold(spots("spot", "spot"), VENUES, 3500)
    one.ctl(Config(Runtime(version=2, transfers=(Transfer(venue="alpha", bps=90),))))
    _, records = hold(one, VENUES, 4000).fold()
    assert told(records) == [("open", "spot-spot", None), ("close", "spot-spot", "config")]
