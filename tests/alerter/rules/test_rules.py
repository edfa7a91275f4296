"""What each kind of rule finds in a picture."""

from typing import Any

import pytest

from services.alerter.picture import Picture, Reading
from services.alerter.rules import change, funding, premium, price, readings, signal, venue
from services.alerter.rules.change import Terms
from shared.alerts import ChangeRule, FundingRule, PremiumRule, PriceRule, SignalRule, VenueRule
from tests.alerter.parts import T0, exchange, leg, row
from tests.alerter.parts import signal as opened


def levels(found: list[Reading]) -> dict[str, str]:
    return {one.subject: one.level for one in found}


def picture(*signals: Any) -> Picture:
    return Picture(T0, signals={one.id: one for one in signals})


def test_signals_of_a_coin_are_one_alert_told_by_the_best() -> None:
    found = signal.readings(
        SignalRule(name="s"), picture(opened("a"), opened("b", net=61.0), opened("c", asset="PEPE"))
    )
    assert [(one.subject, one.value, one.about.get("routes")) for one in found] == [
        ("PEPE", "50", None),
        ("WIF", "61", "2"),
    ]


@pytest.mark.parametrize(
    "fields",
    [
        {"min_edge_bps": 71},
        {"min_net_bps": 51},
        {"min_size_usd": 4_001},
        {"kinds": ("spot-spot",)},
        {"assets": ("BTC",)},
        {"venues": ("alpha", "gamma")},
        {"routes": (("beta", "alpha"),)},
    ],
)
def test_every_filter_of_a_signal_rule_counts(fields: dict[str, Any]) -> None:
    assert signal.readings(SignalRule(name="s", **fields), picture(opened())) == []
    exact = {"min_edge_bps": 70, "min_net_bps": 50, "min_size_usd": 4_000, "routes": (("alpha", "beta"),)}
    both: dict[str, Any] = {"kinds": ("perp-perp",), "assets": ("WIF",), "venues": ("beta", "alpha"), **exact}
    assert len(signal.readings(SignalRule(name="s", **both), picture(opened()))) == 1


def test_funding_is_compared_by_the_year_or_by_eight_hours_whatever_its_interval() -> None:
    rows = [row(leg("alpha"), leg("beta", funding_rate="0.0004", funding_interval_h="1"))]
    apr = funding.readings(FundingRule(name="f", above=100), rows)
    assert [(one.subject, one.value, one.level) for one in apr] == [
        ("alpha BTC/USDT:USDT", "10.95", "under"),
        ("beta BTC/USDT:USDT", "350.4", "over"),
    ]
    eight = funding.readings(FundingRule(name="f", measure="rate_8h_bps", above=40), rows)
    assert [(one.value, one.level) for one in eight] == [("1", "under"), ("32", "between")]


def test_the_differential_is_between_the_two_that_are_furthest_apart() -> None:
    rows = [row(leg("alpha"), leg("beta", funding_rate="-0.0004"), leg("gamma", funding_rate="0.0003"))]
    (one,) = funding.readings(FundingRule(name="f", measure="differential_8h_bps", above=7), rows)
    assert (one.subject, one.value, one.level) == ("BTC", "7", "over")
    assert one.about == {"buy": "beta BTC/USDT:USDT", "sell": "gamma BTC/USDT:USDT"}
    alone = FundingRule(name="f", measure="differential_8h_bps", above=7, venues=("alpha",))
    assert funding.readings(alone, rows) == []


def test_funding_may_matter_on_one_side_only() -> None:
    rows = [row(leg(funding_rate="-0.001"))]
    found = {
        side: funding.readings(FundingRule(name="f", measure="rate_8h_bps", above=5, side=side), rows)[0].level
        for side in ("either", "positive", "negative")
    }
    assert found == {"either": "over", "positive": "under", "negative": "over"}


def test_figures_of_a_feed_that_does_not_stand_are_not_read() -> None:
    rows = [row(leg(state="stale", funding_rate="0.1", mark="150"), leg("beta", state="down", bid="1", ask="1"))]
    assert funding.readings(FundingRule(name="f", above=1), rows) == []
    assert premium.readings(PremiumRule(name="p", above_bps=1), rows) == []
    assert price.readings(PriceRule(name="l", asset="BTC", level=50), rows) == []


def test_the_premium_is_over_the_index_or_over_the_spot_market() -> None:
    rows = [row(leg(mark="100.3", bid="100.4", ask="100.6"), leg(market="spot", bid="99.9", ask="100.1"))]
    (mark,) = premium.readings(PremiumRule(name="p", above_bps=30), rows)
    assert (mark.value, mark.level, mark.measure) == ("30", "between", "premium"), "one rounding below"
    (basis,) = premium.readings(PremiumRule(name="p", measure="basis", above_bps=30), rows)
    assert (basis.value, basis.level, basis.measure) == ("50", "over", "basis")
    (other,) = premium.readings(PremiumRule(name="p", measure="basis", above_bps=30, side="negative"), rows)
    assert other.level == "under"


def test_a_price_level_has_two_directions_and_a_band() -> None:
    rule = PriceRule(name="l", asset="BTC", level=100, hysteresis_bps=100)
    found = {
        mid: levels(price.readings(rule, [row(leg(bid=str(mid), ask=str(mid)))]))
        for mid in (98.9, 99.5, 100, 100.5, 101.1)
    }
    up, down = "BTC above 100", "BTC below 100"
    assert found == {
        98.9: {up: "under", down: "over"},
        99.5: {up: "between", down: "over"},
        100: {up: "over", down: "over"},
        100.5: {up: "over", down: "between"},
        101.1: {up: "over", down: "under"},
    }


def test_a_price_is_the_median_of_the_venues_or_that_of_one() -> None:
    rows = [row(*(leg(name, bid=mid, ask=mid) for name, mid in (("alpha", "90"), ("beta", "100"), ("gamma", "101"))))]
    (middle,) = price.readings(PriceRule(name="l", asset="BTC", level=95, crosses="above"), rows)
    (one,) = price.readings(PriceRule(name="l", asset="BTC", level=95, crosses="above", venue="alpha"), rows)
    assert ((middle.value, middle.level), (one.value, one.level)) == (("100", "over"), ("90", "under"))


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({}, {}),
        ({"beat_age_s": 31.0}, {"silent": "over"}),
        ({"beat_age_s": 31.0, "connected": None, "rate": None}, {"silent": "over"}),
        ({"connected": False, "rate": 0.0, "quote_age_s": 90.0}, {"down": "over"}),
        ({"connected": None}, {}),
        ({"quote_age_s": 10.1}, {"quote": "over"}),
        ({"rate": 0.05}, {"rate": "over"}),
        ({"stale": ("A", "B", "C", "D", "E", "F")}, {"stale": "over"}),
        ({"latency_ms": 201.0}, {"latency": "over"}),
        ({"latency_ms": 500.0, "usual_ms": 300.0}, {}),
        ({"latency_ms": 901.0, "usual_ms": 300.0}, {"latency": "over"}),
        ({"latency_ms": 901.0, "usual_ms": None}, {}),
    ],
)
def test_an_exchange_is_judged_by_its_own_habits_and_one_cause_is_one_alert(
    fields: dict[str, Any], expected: dict[str, str]
) -> None:
    found = venue.readings(VenueRule(name="v"), [exchange(**fields)])
    assert {one.measure: one.level for one in found if one.level == "over"} == expected
    assert len(found) == 6
    assert venue.readings(VenueRule(name="v", venues=("beta",)), [exchange(**fields)]) == []


def test_stale_markets_are_named() -> None:
    (found,) = venue.readings(VenueRule(name="v", checks=("stale",)), [exchange(stale=tuple("ABCDEFG"))])
    assert (found.value, found.about) == ("7", {"markets": "A, B, C, D, E …"})


def test_a_rule_with_coins_watches_their_markets_one_by_one() -> None:
    rule = VenueRule(name="v", checks=("stale",), assets=("BTC",))
    (found,) = venue.readings(rule, [exchange(stale=("ETH/USDT", "BTC/USDT", "BTC/USDT:USDT"))])
    assert (found.level, found.value, found.about) == ("over", "2", {"markets": "BTC/USDT, BTC/USDT:USDT"})
    assert venue.readings(rule, [exchange(stale=("ETH/USDT",))])[0].level == "under"
    assert venue.readings(rule, [exchange(connected=False, stale=("BTC/USDT",))])[0].level == "unknown"


def test_changed_terms_are_told_as_numbers_differ() -> None:
    before = {"A": Terms("A", "8", "0.02", "-0.02"), "B": Terms("B", "8", None, None), "C": Terms("C", "8", None, None)}
    after = {
        "A": Terms("A", "8.0", "0.020", "-0.03"),
        "B": Terms("B", "4", None, None),
        "D": Terms("D", "1", None, None),
    }
    found = change.changes("alpha", before, after)
    assert [(one.symbol, one.term, one.before, one.after) for one in found] == [
        ("A", "cap", "-2 % … 2 %", "-3 % … 2 %"),
        ("B", "interval", "8 h", "4 h"),
    ]
    assert [change.wanted(ChangeRule(name="c", of=("cap",)), one) for one in found] == [True, False]
    assert [change.wanted(ChangeRule(name="c", assets=("B",)), one) for one in found] == [False, True]


def test_what_an_exchange_ceases_to_tell_is_no_change_and_is_remembered() -> None:
    before, silent = {"A": Terms("A", "8", "0.02", None)}, {"A": Terms("A", None, None, None)}
    assert change.changes("alpha", before, silent) == []
    assert change.merged(before, silent) == before


def test_a_picture_without_the_board_says_nothing_of_it() -> None:
    rule = FundingRule(name="f", above=1)
    assert readings(rule, Picture(T0)) is None
    assert readings(rule, Picture(T0, rows=[row(leg())])) is not None
