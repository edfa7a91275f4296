"""Quotes compared with what REST says."""

from services.collector.quotes import APART_NS, SILENT_NS, CrossCheck
from shared.events import Quote

START = 1_795_000_000_000_000_000


def quote(bid: str | None, after_ns: int = 0, ask: str | None = "101") -> Quote:
    return Quote("BTC/USDT", bid, "1", ask, "1", None, START + after_ns, "ws")


def test_a_quote_is_frozen_when_rest_says_otherwise_twice() -> None:
    check, last = CrossCheck(), quote("100")
    assert not check.frozen(last, quote("99", SILENT_NS))
    assert not check.frozen(last, quote("99", SILENT_NS + APART_NS - 1))
    assert check.frozen(last, quote("98", SILENT_NS + APART_NS))
    assert not check.frozen(last, quote("98", SILENT_NS + 2 * APART_NS))


def test_a_young_quote_is_not_doubted() -> None:
    check, last = CrossCheck(), quote("100")
    assert not check.frozen(last, quote("99", SILENT_NS - 1))
    assert not check.frozen(last, quote("99", SILENT_NS + APART_NS))
    assert check.frozen(last, quote("99", SILENT_NS + 2 * APART_NS))


def test_a_quote_that_agrees_or_moved_in_between_begins_anew() -> None:
    check, last = CrossCheck(), quote("100")
    assert not check.frozen(last, quote("99", SILENT_NS))
    assert not check.frozen(last, quote("100.01", SILENT_NS + APART_NS))
    assert not check.frozen(last, quote("99", SILENT_NS + 2 * APART_NS))
    moved = quote("100")
    assert not check.frozen(moved, quote("99", SILENT_NS + 3 * APART_NS))


def test_a_side_that_only_one_of_them_has_is_a_difference() -> None:
    check, last = CrossCheck(), quote(None)
    assert not check.frozen(last, quote(None, SILENT_NS))
    assert not check.frozen(last, quote("99", SILENT_NS))
    assert check.frozen(last, quote("99", SILENT_NS + APART_NS))
