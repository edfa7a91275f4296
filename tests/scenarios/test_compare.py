"""What was found against what was expected."""

from scenarios.compare import Found, compare, found, line, summary
from services.simulator.expected import Expected
from services.simulator.scenario import Scenario
from tests.scanner.tape import MS, T0, Tape, hold, row

EXPECTED = Expected(coin="WIF", buy=("a perp", "a spot"), sell="b perp", opens=(3, 5), reason=("converged", "net"))
SCENARIO = Scenario(name="one", seconds=20, expect=(EXPECTED,), held_back=("stale",))


def signal(market: str = "perp", opened_s: float = 4.0, reason: str | None = "net") -> Found:
    return Found("WIF", ("a", market), ("b", "perp"), opened_s, 9.0, reason, 80.0, ("WIF/USDC", "WIF/USDT:USDT"))


def test_every_expected_signal_found_and_nothing_else_passes() -> None:
    outcome = compare(SCENARIO, [signal(), signal("spot")], {"stale": 2})
    assert (outcome.passed, outcome.hits, outcome.expected, outcome.found) == (True, 2, 2, 2)
    assert line(outcome).startswith("ok   one ")


def test_what_is_missing_too_late_for_another_reason_or_too_much_is_told() -> None:
    outcome = compare(SCENARIO, [signal(opened_s=5.1), signal("spot", reason="feed"), signal()], {})
    assert (outcome.passed, outcome.hits, outcome.expected, outcome.found) == (False, 1, 2, 3)
    assert outcome.faults == (
        "missing: WIF a spot -> b perp opening in 3 to 5 s, as converged or net",
        "not expected: WIF: a perp WIF/USDC -> b perp WIF/USDT:USDT 80.0 bps, 5.1 s to 9.0 s net",
        "not expected: WIF: a spot WIF/USDC -> b perp WIF/USDT:USDT 80.0 bps, 4.0 s to 9.0 s feed",
        "nothing was held back as stale",
    )
    assert len(line(outcome).splitlines()) == 5


def test_what_opens_after_the_scenario_is_over_is_not_looked_at() -> None:
    outcome = compare(SCENARIO, [signal(), signal("spot"), signal(opened_s=20.5)], {"stale": 1})
    assert (outcome.passed, outcome.found) == (True, 2)


def test_one_found_signal_is_not_counted_twice() -> None:
    twice = Scenario(
        name="two", seconds=20, expect=(Expected(coin="WIF", buy="a perp", sell="b perp", opens=(3, 5)),) * 2
    )
    assert compare(twice, [signal()], {}).hits == 1


def test_precision_and_recall_are_over_all_scenarios() -> None:
    good = compare(SCENARIO, [signal(), signal("spot")], {"stale": 2})
    bad = compare(SCENARIO, [signal(), signal(), signal()], {"stale": 2})
    assert summary([good, bad]) == (
        "1 of 2 scenarios passed; precision 60.0 % (3 of 5 signals were expected), "
        "recall 75.0 % (3 of 4 expected signals were given)"
    )
    assert "precision 100.0 % (0 of 0" in summary([compare(Scenario(name="none"), [], {})])


def test_records_become_signals_on_the_scenarios_clock() -> None:
    symbol = "WIF/USDT:USDT"
    tape = Tape().begin({"a": [row("WIF")], "b": [row("WIF")]})
    tape.quote("a", symbol, "1.9990", "2.0000", "1000").quote("b", symbol, "2.0200", "2.0220", "1000")
    _, records = hold(tape, ("a", "b"), 9000).fold()
    assert len(records) == 2
    (one,) = found(records, T0 * MS)
    assert (one.opened_s, one.closed_s, one.edge_bps, one.buy, one.sell) == (
        3.0,
        None,
        100.0,
        ("a", "perp"),
        ("b", "perp"),
    )
    assert str(one) == "WIF: a perp WIF/USDT:USDT -> b perp WIF/USDT:USDT 100.0 bps, 3.0 s to open at the end"
