"""Coins and exchanges that settings name and nobody lists."""

from services.api.symbols import Directory
from services.api.unlisted import warnings
from shared.alerts import PriceRule, SignalRule, VenueRule
from shared.config import BorrowRate, Exclusion, Runtime, Transfer
from tests.api.market import instrument

LISTED = Directory({"okx": [instrument("okx", base="WIF")]})
RULES = (
    SignalRule(name="any"),
    SignalRule(
        name="some", assets=("WIF", "WFI"), venues=("okx", "bybit"), routes=(("okx", "bybit"), ("bybit", "okx"))
    ),
    PriceRule(name="level", asset="WIFUSDT", venue="gate", level=1),
    VenueRule(name="health"),
)


def told(runtime: Runtime, directory: Directory = LISTED) -> list[tuple[str, str, str | None]]:
    found = warnings(runtime, directory, {"SHOWN"}, ["okx"])
    return [(one["field"], one["value"], one["rule"]) for one in found]


def test_rules_that_name_what_nobody_lists_are_told_with_place_and_name() -> None:
    assert told(Runtime(alert_rules=RULES)) == [
        ("alert_rules[1].assets", "WFI", "some"),
        ("alert_rules[2].asset", "WIFUSDT", "level"),
        ("alert_rules[1].venues", "bybit", "some"),
        ("alert_rules[1].routes", "bybit", "some"),
        ("alert_rules[2].venue", "gate", "level"),
    ]


def test_what_may_have_been_meant_is_told() -> None:
    found = warnings(Runtime(alert_rules=RULES[2:3]), LISTED, (), ["okx", "gate"])
    assert found[0]["message"] == "No exchange lists a coin 'WIFUSDT' (WIF is meant?)."


def test_so_are_the_coins_of_other_settings() -> None:
    runtime = Runtime(
        exclusions=(
            Exclusion(asset="WIF", reason="r"),
            Exclusion(asset="A", reason="r"),
            Exclusion(venue="x", reason="r"),
        ),
        borrow_rates=(BorrowRate(asset="B", apr_percent=1),),
        transfers=(Transfer(bps=1), Transfer(asset="C", bps=1)),
        pins=("SHOWN", "D"),
        watch=("E",),
    )
    assert [field for field, _, _ in told(runtime)] == [
        "exclusions[1].asset",
        "borrow_rates[0].asset",
        "transfers[1].asset",
        "pins",
        "watch",
    ]


def test_while_listings_are_still_to_come_nothing_is_unknown() -> None:
    runtime = Runtime(alert_rules=RULES)
    assert told(runtime, Directory()) == []
    assert told(runtime, Directory({"okx": [instrument("okx", base="WIF")]}, expected=["okx", "bybit"])) == []
