"""Which channel is told what, and when."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from services.alerter.quiet import is_quiet
from services.alerter.routing import HELD, NAMED, Delivery, Routing
from shared.alerts import Alert, ChannelManners, VenueRule
from tests.alerter.parts import T0, S, alert

OPS = {"ops": ChannelManners(per_minute=2)}


def give(
    routing: Routing, *alerts: Alert, at: float = 0, channels: Any = None, behind: Any = (), rules: Any = None
) -> list[Delivery]:
    return routing.route(alerts, rules or {}, channels or OPS, behind, T0 + int(at * S))


def names(found: list[Delivery]) -> list[tuple[str, str]]:
    return [(one.id, one.event) for delivery in found for one in delivery.alerts]


def test_a_channel_takes_what_is_grave_enough() -> None:
    assert names(give(Routing(), alert("a", "info"), alert("b", "warning"))) == [("b", "fire")]


def test_a_rule_that_names_its_channels_goes_to_them_alone() -> None:
    rules = {"exchange-away": VenueRule(name="exchange-away", channels=("phone",))}
    channels = {"ops": ChannelManners(), "phone": ChannelManners(min_severity="critical")}
    (found,) = give(Routing(), alert("a", "info"), channels=channels, rules=rules)
    assert found.channel == "phone"


def test_what_exceeds_the_pace_comes_together_in_one_digest() -> None:
    routing = Routing()
    direct = give(routing, *(alert(name) for name in "abcde"))
    assert [one.digest for one in direct] == [False, False]
    assert routing.held["pace"] == 3
    assert give(routing, at=59) == [], "both of this minute are spent"
    (digest,) = give(routing, at=60)
    assert digest.digest
    assert names([digest]) == [("c", "fire"), ("d", "fire"), ("e", "fire")]
    assert give(routing, at=300) == []


def test_an_end_is_told_where_the_beginning_was() -> None:
    routing = Routing()
    give(routing, alert("a"))
    assert names(give(routing, alert("a", event="end"), alert("z", event="end"), at=40)) == [("a", "end")]
    assert give(routing, alert("a", event="end"), at=80) == []


def test_an_alert_that_ended_while_it_was_held_is_told_once() -> None:
    routing = Routing()
    give(routing, *(alert(name) for name in "abc"))
    assert give(routing, alert("c", event="end"), at=1) == []
    (late,) = give(routing, at=60)
    assert names([late]) == [("c", "end")]


def test_a_channel_may_be_spared_the_ends() -> None:
    routing, channels = Routing(), {"ops": ChannelManners(ends=False)}
    give(routing, alert("a"), channels=channels)
    assert give(routing, alert("a", event="end"), channels=channels) == []


def test_quiet_hours_hold_all_but_what_is_let_through() -> None:
    # T0 is 08:00 UTC, 16:00 in Shanghai
    quiet = ChannelManners(quiet_from="15:30", quiet_to="16:30", time_zone="Asia/Shanghai")
    routing, channels = Routing(), {"ops": quiet}
    found = give(routing, alert("a"), alert("b", "critical"), channels=channels)
    assert names(found) == [("b", "fire")]
    assert routing.held["quiet"] == 1
    assert give(routing, at=29 * 60, channels=channels) == []
    assert names(give(routing, at=31 * 60, channels=channels)) == [("a", "fire")]


def test_quiet_hours_may_let_nothing_through() -> None:
    manners = ChannelManners(quiet_from="07:00", quiet_to="09:00", quiet_lets=None)
    assert is_quiet(manners, "critical", T0)
    assert not is_quiet(manners, "critical", T0 + 3600 * S)


def test_quiet_hours_may_go_over_midnight_and_follow_the_clocks_of_the_place() -> None:
    manners = ChannelManners(quiet_from="23:00", quiet_to="07:00", time_zone="Europe/Berlin")
    assert not is_quiet(manners, "warning", T0), "09:00 in winter"
    assert is_quiet(manners, "warning", T0 - 3 * 3600 * S), "06:00"
    july = T0 - 143 * 86_400 * S
    assert not is_quiet(manners, "warning", july - 3 * 3600 * S), "07:00 in summer"


def test_a_channel_that_is_behind_gets_a_digest_once_it_is_not() -> None:
    routing = Routing()
    assert give(routing, alert("a"), alert("b"), behind={"ops"}) == []
    assert give(routing, at=60, behind={"ops"}) == []
    (digest,) = give(routing, at=61)
    assert (digest.digest, names([digest])) == (True, [("a", "fire"), ("b", "fire")])
    assert routing.held["behind"] == 2


def test_what_was_raised_long_before_anybody_looked_is_counted_and_not_sent() -> None:
    routing = Routing()
    assert give(routing, alert("old"), at=3_601) == []
    give(routing, *(alert(name, at=T0 + 3_700 * S) for name in "abcd"), at=3_700)
    (digest,) = give(routing, at=3_760)
    assert (names([digest]), digest.more, routing.merged) == ([("c", "fire"), ("d", "fire")], 1, 1)


def test_a_digest_names_so_many_and_counts_the_others() -> None:
    routing = Routing()
    give(routing, *(alert(f"n{i}") for i in range(NAMED + 12)))
    (digest,) = give(routing, at=60)
    assert (len(digest.alerts), digest.more, routing.merged) == (NAMED, 10, 10)


def test_a_digest_names_the_gravest_first_and_what_stands_before_what_is_over() -> None:
    routing = Routing()
    give(routing, alert("x"), alert("y"), alert("a"), alert("b"), alert("c", "critical"))
    give(routing, alert("a", event="end"))
    (digest,) = give(routing, at=60)
    assert names([digest]) == [("c", "fire"), ("b", "fire"), ("a", "end")]


def test_what_is_held_is_bounded_and_counted() -> None:
    routing = Routing()
    give(routing, *(alert(f"n{i}") for i in range(HELD + 50)))
    assert len(routing.lanes["ops"].held) == HELD
    (digest,) = give(routing, at=60)
    assert digest.more + len(digest.alerts) == HELD + 48


@given(st.lists(st.tuples(st.integers(0, 90), st.integers(0, 6), st.booleans()), max_size=60))
def test_every_alert_is_told_held_or_counted_and_no_minute_has_more_messages_than_agreed(
    steps: list[tuple[int, int, bool]],
) -> None:
    routing, at, raised, out = Routing(), 0, 0, []
    for number, (after, many, behind) in enumerate(steps):
        at += after
        batch = [alert(f"{number}-{i}") for i in range(many)]
        raised += len(batch)
        out += [(at, one) for one in give(routing, *batch, at=at, behind={"ops"} if behind else ())]
    lane = routing.lanes.get("ops")
    held = 0 if lane is None else len(lane.held) + lane.more
    assert sum(len(one.alerts) + one.more for _, one in out) + held == raised
    assert len({one.id for _, one in out}) == len(out)
    for start, _ in out:
        assert sum(start <= when < start + 60 for when, _ in out) <= OPS["ops"].per_minute
