"""One connection's life, on a clock of the tests' own."""

from math import ceil

from hypothesis import given, settings
from hypothesis import strategies as st

from services.collector.actions import Count, Ping, Publish, Quarantine, Reconnect, Rollover, Send
from services.collector.messages import Ack, Answer, Closing, Refused
from services.collector.pacing import SECOND, Window
from services.collector.venue import Limits
from services.collector.venue import Ping as PingRule
from tests.collector.life import START, Life, topic


def test_topics_are_asked_for_in_order_in_frames_at_the_venues_pace() -> None:
    life = Life("abcdefg", Limits(100, 3, 5.0))
    assert [names for _, _, names in life.frames("subscribe")] == [["a", "b", "c"]]
    life.run(0.15)
    assert len(life.frames("subscribe")) == 1
    life.run(1)
    assert [names for _, _, names in life.frames("subscribe")] == [["a", "b", "c"], ["d", "e", "f"], ["g"]]


@settings(deadline=None, max_examples=20)
@given(st.integers(1, 40), st.floats(1.0, 20.0), st.integers(1, 5))
def test_no_second_holds_more_frames_than_the_venue_allows(count: int, per_second: float, per_frame: int) -> None:
    life = Life([f"t{i}" for i in range(count)], Limits(100, per_frame, per_second))
    times: list[int] = [START] if life.frames("subscribe") else []
    for _ in range(1000):
        before = len(life.frames("subscribe"))
        life.run(0.05)
        times += [life.now] * (len(life.frames("subscribe")) - before)
        life.ack_all()
    assert len(life.asked_for()) == count
    for at in times:
        assert sum(at <= other < at + SECOND for other in times) <= ceil(per_second)


def test_the_hours_budget_holds_frames_back_until_the_hour_is_over() -> None:
    life = Life("abcde", Limits(100, 1, 10.0, frames_per_hour=3))
    life.run(5)
    life.ack_all()
    assert life.asked_for() == ["a", "b", "c"]
    life.now += 3600 * SECOND
    life.run(1)
    assert life.asked_for() == ["a", "b", "c", "d", "e"]


def test_an_ack_by_id_proves_its_frame_and_an_ack_by_topic_proves_one() -> None:
    life = Life("abcd", Limits(100, 3, 5.0))
    life.run(1)
    life.take(life.session.control(Ack(None, life.frames("subscribe")[0][1]), life.now))
    assert life.session.live == 3
    life.take(life.session.control(Ack("d"), life.now))
    assert life.session.proven
    assert not life.session.expecting


def test_first_data_proves_a_topic_that_alone_could_have_brought_it() -> None:
    life = Life("ab")
    assert life.session.expecting
    life.session.data("quote", "A")
    life.session.data("trade", "B")
    assert life.session.proves("a")
    assert not life.session.proves("b")


def test_the_answer_to_an_unsubscribe_proves_nothing() -> None:
    life = Life("ab", Limits(100, 1, 5.0))
    life.run(1)
    life.ack_all()
    life.session.want([topic("b")])
    life.run(1)
    (_, number, names), *_ = life.frames("unsubscribe")
    assert names == ["a"]
    life.session.want([topic("a"), topic("b")])
    life.run(1)
    life.take(life.session.control(Ack("a", number), life.now))
    assert not life.session.proves("a")


def test_a_slow_ack_within_the_deadline_is_waited_for() -> None:
    life = Life()
    life.run(9)
    life.ack_all()
    life.run(10)
    assert life.session.proven
    assert len(life.frames("subscribe")) == 1


def test_topics_without_ack_are_asked_for_again_and_then_the_connection_is_replaced() -> None:
    life = Life()
    life.run(21)
    assert life.asked_for() == ["a", "b", "c"] * 3
    assert not life.of(Reconnect)
    life.run(10)
    assert life.of(Reconnect) == [Reconnect("subscriptions not acknowledged")]


def test_where_refusals_alone_are_answered_a_second_without_one_is_the_proof() -> None:
    life = Life("abcd", Limits(100, 3, 5.0), acks=False)
    life.run(0.5)
    assert len(life.frames("subscribe")) == 2
    assert life.session.live == 0
    life.take(life.session.control(Refused(None, life.frames("subscribe")[1][1], "4002", "no such stream"), life.now))
    life.run(2)
    assert [one.topic.name for one in life.done if isinstance(one, Quarantine)] == ["d"]
    assert life.session.live == 3


def test_what_the_address_says_needs_no_frame() -> None:
    life = Life("a", acks=False, silent=True)
    life.run(2)
    assert not [one for one in life.done if isinstance(one, Send)]
    assert life.session.proven


def test_a_quiet_connection_is_pinged_then_stale_then_up_again_with_the_next_frame() -> None:
    life = Life()
    life.ack_all()
    life.run(1.4, quiet=True)
    assert not life.of(Ping)
    life.run(0.2, quiet=True)
    assert life.of(Ping) == [Ping(b"ping")]
    life.run(1.6, quiet=True)
    states = [one.state for one in life.of(Publish) if isinstance(one, Publish)]
    assert states == ["stale"]
    life.frame()
    states = [one.state for one in life.of(Publish) if isinstance(one, Publish)]
    assert states == ["stale", "up"]


def test_pings_that_are_answered_keep_a_quiet_connection_proven() -> None:
    life = Life()
    life.ack_all()
    for _ in range(100):
        before = len(life.of(Ping))
        life.run(0.25, quiet=True)
        if len(life.of(Ping)) > before:
            life.frame()
    assert not life.of(Publish)
    assert not life.of(Reconnect)
    assert len(life.of(Ping)) <= 25 / 1.5


def test_a_dead_connection_is_replaced_by_the_venues_own_rule() -> None:
    life = Life(rule=PingRule(None, 20.0, 8.0))
    life.run(7.9, quiet=True)
    assert not life.of(Reconnect)
    assert Ping(None) in life.of(Ping)
    life.run(0.2, quiet=True)
    assert life.of(Reconnect)[0] == Reconnect("no frame for 8 s")


def test_a_venue_that_wants_regular_pings_gets_them_while_data_flows() -> None:
    life = Life(rule=PingRule(b'{"op":"ping"}', 5.0, 30.0, always=True))
    life.run(21)
    assert len(life.of(Ping)) == 5


def test_a_ping_may_tell_the_time_of_its_sending() -> None:
    life = Life(rule=PingRule(b'{"ping":"{ms}"}', 5.0, 30.0, always=True))
    life.run(6)
    assert life.of(Ping) == [Ping(b'{"ping":"1700000000000"}'), Ping(b'{"ping":"1700000005000"}')]


def test_a_silent_topic_is_subscribed_again_and_then_the_connection_is_replaced() -> None:
    life = Life(silent_s=5.0)
    life.ack_all()
    life.heard = {"a", "b"}
    life.run(6.5)
    assert life.frames("unsubscribe")[0][2] == ["c"]
    assert life.asked_for() == ["a", "b", "c", "c"]
    life.ack_all()
    life.run(6.5)
    assert isinstance(life.of(Reconnect)[0], Reconnect)
    assert life.session.silent


def test_a_patient_session_bears_with_a_topic_that_stays_silent() -> None:
    life = Life(silent_s=5.0, patient=True)
    life.ack_all()
    for _ in range(10):
        life.run(2)
        life.ack_all()
    assert not life.of(Reconnect)


def test_a_silent_topic_that_speaks_again_is_forgiven() -> None:
    life = Life(silent_s=5.0)
    life.ack_all()
    life.run(6.5)
    life.ack_all()
    life.heard = {"a", "b", "c"}
    life.run(20)
    assert not life.of(Reconnect)
    assert Count("resubscribed", 1, "a silent for 5 s, subscribed again") in life.of(Count)


def test_a_topic_that_lost_a_change_is_left_and_asked_for_anew_alone() -> None:
    life = Life()
    life.ack_all()
    assert [one.name for one in life.session.renew("quote", "B")] == ["b"]
    assert life.session.renew("trade", "B") == life.session.renew("quote", "Z") == []
    life.run(1)
    assert [names for _, _, names in life.frames("unsubscribe")] == [["b"]]
    assert life.asked_for() == ["a", "b", "c", "b"]


def test_a_connection_near_its_end_and_one_that_is_told_so_are_rolled_over_once() -> None:
    life = Life(limits=Limits(100, 3, 5.0, lifetime_s=40.0))
    life.ack_all()
    life.run(29)
    assert not life.of(Rollover)
    life.run(5)
    assert len(life.of(Rollover)) == 1
    told = Life()
    told.take(told.session.control(Closing("upgrade"), told.now))
    told.take(told.session.control(Closing("upgrade"), told.now))
    assert told.of(Rollover) == [Rollover("upgrade")]


def test_what_the_venue_asks_to_be_answered_is_answered_at_once() -> None:
    life = Life()
    assert life.session.control(Answer("here"), life.now) == [Send(b"here")]


def test_no_more_frames_are_under_way_than_the_venue_allows() -> None:
    life = Life([f"t{i}" for i in range(20)], Limits(100, 1, 20.0, unanswered=3))
    life.run(2)
    assert len(life.asked_for()) == 3
    life.ack_all()
    life.run(2)
    assert len(life.asked_for()) == 6


def test_connections_of_an_address_share_its_frames() -> None:
    shared = Window(5, 60.0)
    lives = [Life("abcd", Limits(100, 1, 20.0), shared=shared) for _ in range(2)]
    for life in lives:
        life.run(1)
    assert sum(len(life.asked_for()) for life in lives) == 5
