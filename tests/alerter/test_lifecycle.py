"""When readings become alerts."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from services.alerter.lifecycle import LOST_S, LifeCycle, Watch
from services.alerter.picture import Reading
from shared.alerts import Alert, AlertRule, PriceRule, SignalRule, VenueRule
from tests.alerter.parts import T0, S, over, under

RULE = VenueRule(name="away", for_s=5, recover_s=10, cooldown_s=60)


def run(rule: AlertRule, *steps: tuple[float, Reading], cycle: LifeCycle | None = None) -> list[Alert]:
    cycle = cycle or LifeCycle()
    return [alert for after, one in steps for alert in cycle.step(rule, [one], T0 + int(after * S), 7)]


def test_it_fires_once_the_condition_has_held_for_long_enough() -> None:
    assert run(RULE, (0, over()), (4, over())) == []
    (alert,) = run(RULE, (0, over()), (5, over(size=3)), (9, over(size=3)))
    assert (alert.event, alert.rev, alert.severity, alert.value) == ("fire", 1, "warning", "3")
    assert (alert.began_at, alert.fired_at, alert.config_version) == (T0, T0 + 5 * S, 7)


def test_a_condition_that_does_not_hold_throughout_is_none() -> None:
    assert run(RULE, (0, over()), (3, under()), (4, over()), (8, over())) == []
    between = Reading("x", "between", 1.0, "1")
    assert run(RULE, (0, over()), (3, between), (5, over()), (9, over())) == []


def test_it_ends_when_it_first_recovered_with_its_duration_and_its_peak() -> None:
    fire, end = run(RULE, (0, over()), (5, over()), (6, over(size=9)), (8, over(size=4)), (20, under()), (30, under()))
    assert (end.id, end.event, end.rev, end.end_reason) == (fire.id, "end", 2, "recovered")
    assert (end.ended_at, end.at, end.duration_ms) == (T0 + 20 * S, T0 + 30 * S, 20_000)
    assert (end.peak, end.peak_at, end.value) == ("9", T0 + 6 * S, "4")


def test_between_its_limits_it_neither_begins_nor_ends() -> None:
    between = Reading("x", "between", 1.0, "1")
    found = run(
        RULE, (0, over()), (5, over()), (6, under()), (12, between), (17, under()), (26, under()), (27, under())
    )
    assert [(one.event, one.ended_at) for one in found] == [("fire", None), ("end", T0 + 17 * S)]


def test_within_the_cool_down_it_is_counted_and_not_told() -> None:
    cycle = LifeCycle()
    run(RULE, (0, over()), (5, over()), (6, under()), (16, under()), cycle=cycle)
    assert run(RULE, (20, over()), (21, over()), (22, under()), (30, over()), (70, over()), cycle=cycle) == []
    assert cycle.repeated == 2
    (again,) = run(RULE, (76, over()), (81, over()), cycle=cycle)
    assert (again.event, again.repeats) == ("fire", 2)


def test_a_rule_without_delays_tells_at_once() -> None:
    rule = SignalRule(name="any", cooldown_s=0)
    found = run(rule, (0, over()), (1, under()), (2, over()))
    assert [one.event for one in found] == ["fire", "end", "fire"]


def test_what_is_not_known_changes_nothing_until_it_is_lost() -> None:
    unknown = Reading("x", "unknown")
    cycle = LifeCycle()
    assert run(RULE, (0, over()), (4, unknown), cycle=cycle) == []
    assert len(run(RULE, (5, over()), cycle=cycle)) == 1
    assert run(RULE, (100, unknown), (200, unknown), cycle=cycle) == []
    (end,) = run(RULE, (5 + LOST_S, unknown), cycle=cycle)
    assert (end.end_reason, end.ended_at) == ("gone", T0 + 5 * S)


def test_a_coin_without_open_signals_is_known_to_have_none() -> None:
    cycle, rule = LifeCycle(), SignalRule(name="any")
    cycle.step(rule, [over("WIF"), over("PEPE")], T0, 0)
    (end,) = cycle.step(rule, [over("PEPE")], T0 + S, 0)
    assert (end.subject, end.event) == ("WIF", "end")


def test_a_price_level_is_crossed_not_met() -> None:
    rule = PriceRule(name="level", asset="BTC", level=100, cooldown_s=0)
    cycle = LifeCycle()
    assert run(rule, (0, over()), (1, over()), cycle=cycle) == [], "it was there when the rule was made"
    found = run(rule, (2, under()), (3, over()), (4, under()), (5, over()), cycle=cycle)
    assert [one.event for one in found] == ["fire", "end", "fire"]


def test_what_belongs_to_no_rule_any_more_ends() -> None:
    cycle = LifeCycle()
    run(RULE, (0, over()), (5, over()), cycle=cycle)
    assert cycle.retain([RULE], T0 + 6 * S) == []
    off = VenueRule(name="away", enabled=False)
    (end,) = cycle.retain([off], T0 + 65 * S)
    assert (end.end_reason, end.duration_ms, cycle.active) == ("rule", 65_000, [])


def test_subjects_at_rest_are_not_kept() -> None:
    cycle = LifeCycle()
    run(RULE, (0, under()), (1, over()), (2, under()), cycle=cycle)
    assert cycle.watches == {}
    run(RULE, (10, over()), (15, over()), (16, under()), (26, under()), (87, under()), cycle=cycle)
    assert cycle.watches == {}


@given(
    st.lists(st.tuples(st.integers(0, 40), st.sampled_from(["over", "under", "between", "unknown"]))), st.integers(0)
)
def test_a_successor_goes_on_as_if_nothing_had_happened(steps: list[tuple[int, str]], cut: int) -> None:
    """The same readings give the same alerts wherever the process ends in the middle; each fires, then ends."""
    at, timed = T0, []
    for after, level in steps:
        at += after * S
        timed.append((at, Reading("x", level, float(after), str(after))))  # type: ignore[arg-type]
    whole = LifeCycle()
    expected = [alert for at, one in timed for alert in whole.step(RULE, [one], at, 0)]
    first, found = LifeCycle(), []
    cut %= len(timed) + 1
    for at, one in timed[:cut]:
        found += first.step(RULE, [one], at, 0)
    second = LifeCycle(
        [Watch(**{f: getattr(w, f) for f in w.__struct_fields__}) for w in first.watches.values()], first.at
    )
    for at, one in timed[cut:]:
        found += second.step(RULE, [one], at, 0)
    assert found == expected
    assert [one.event for one in found] == [("fire", "end")[i % 2] for i in range(len(found))]
    assert all(one.at <= other.at for one, other in pairwise(found))
