"""What a session makes of refusals: who is to blame, who is asked for again."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.collector.actions import Publish, Quarantine, Reconnect
from services.collector.messages import Ack, Refused
from services.collector.venue import Limits
from tests.collector.life import Life, topic


def test_a_refused_topic_is_quarantined_and_the_others_live() -> None:
    life = Life()
    life.take(life.session.control(Refused("b", None, "60018", "no such instrument"), life.now))
    assert [(one.topic.name, one.reason) for one in life.of(Quarantine) if isinstance(one, Quarantine)] == [
        ("b", "60018 no such instrument")
    ]
    life.ack_all()
    assert life.session.proven
    assert [one.name for one in life.session.topics] == ["a", "c"]


@pytest.mark.parametrize("named", [True, False])
def test_a_refused_frame_is_retried_singly_and_only_the_bad_topic_goes(named: bool) -> None:
    life = Life()
    life.run(0.5)
    number = life.frames("subscribe")[0][1] if named else None
    life.take(life.session.control(Refused(None, number, "2", "bad request"), life.now))
    for _ in range(40):
        before = len(life.frames("subscribe"))
        life.run(0.1)
        for _, sent, names in life.frames("subscribe")[before:]:
            assert len(names) == 1
            bad = Refused(None, sent if named else None, "2", "bad request")
            life.take(life.session.control(bad if names == ["b"] else Ack(None, sent), life.now))
    assert [one.topic.name for one in life.of(Quarantine) if isinstance(one, Quarantine)] == ["b"]
    assert life.session.proven
    assert life.session.live == 2


def test_the_refusal_of_an_unsubscribe_blames_nobody() -> None:
    life = Life("a", Limits(100, 1, 5.0))
    life.run(0.5)
    assert life.frames("subscribe")
    life.take(life.session.control(Refused(None, 999, "2", "not subscribed"), life.now))
    life.ack_all()
    assert life.session.proven
    assert not life.of(Quarantine)


def test_a_close_right_after_a_subscribe_makes_suspects_of_what_was_unproven() -> None:
    life = Life("abcd", Limits(100, 2, 5.0))
    life.run(0.4)
    life.take(life.session.control(Ack("a"), life.now))
    life.take(life.session.closed(life.now, "1006"))
    assert life.session.suspects == ("b", "c", "d")
    later = Life("abcd", suspects=life.session.suspects)
    assert later.asked_for() == ["a"]
    later.ack_all()
    later.run(0.5)
    assert later.asked_for() == ["a", "b"]
    later.take(later.session.closed(later.now, "1006"))
    assert [one.topic.name for one in later.of(Quarantine) if isinstance(one, Quarantine)] == ["b"]
    assert set(later.session.suspects) == {"c", "d"}


def test_a_topic_that_was_alone_when_a_connection_dropped_is_tried_once_more_before_it_is_left_out() -> None:
    life = Life("a")
    life.run(0.4)
    life.take(life.session.closed(life.now, "connection lost"))
    assert not life.of(Quarantine)
    again = Life("a", suspects=life.session.suspects)
    again.run(0.4)
    assert again.asked_for() == ["a"]
    again.take(again.session.closed(again.now, "connection lost"))
    assert again.of(Quarantine)


def test_a_close_long_after_the_subscribes_accuses_nobody() -> None:
    life = Life()
    life.run(3)
    life.take(life.session.closed(life.now, "1006"))
    assert life.session.suspects == ()
    assert life.done[-1] == Publish(life.session.topics, "down", "1006")


answers = st.lists(
    st.tuples(
        st.sampled_from(["ack", "refuse", "refuse_frame", "refuse_all", "data", "wait", "want", "quiet"]),
        st.integers(0, 30),
    ),
    max_size=40,
)


@settings(deadline=None)
@given(answers)
def test_whatever_the_venue_answers_no_topic_is_lost(script: list[tuple[str, int]]) -> None:
    """A topic that is wanted is live, waiting, under way or quarantined; never forgotten."""
    names = [f"t{i}" for i in range(6)]
    life = Life(names, Limits(100, 2, 5.0))
    wanted = set(names)
    for what, number in script:
        name = names[number % len(names)]
        if what == "ack":
            life.take(life.session.control(Ack(None, number), life.now))
        elif what == "refuse":
            life.take(life.session.control(Refused(name, None, "1", ""), life.now))
        elif what == "refuse_frame":
            life.take(life.session.control(Refused(None, number, "1", ""), life.now))
        elif what == "refuse_all":
            life.take(life.session.control(Refused(None, None, "1", ""), life.now))
        elif what == "data":
            life.session.data("quote", name.upper())
        elif what == "want":
            wanted ^= {name}
            life.session.want([topic(one) for one in names if one in wanted])
        else:
            life.run(number / 10, quiet=what == "quiet")
    refused = {one.topic.name for one in life.of(Quarantine) if isinstance(one, Quarantine)}
    life.session.want([topic(one) for one in names if one in wanted])
    for _ in range(60):
        life.run(0.5)
        if life.of(Reconnect):
            return
        life.ack_all()
    assert life.session.proven
    assert {one.name for one in life.session.topics} == wanted
    assert life.session.live == len(wanted), refused


def test_what_shared_a_frame_with_a_topic_that_the_venue_refuses_is_asked_for_again_at_once() -> None:
    life = Life()
    number = life.frames("subscribe")[0][1]
    for name in ("b", "a"):  # the venue names the first that is to blame; the second one it has already
        if name == "a":
            life.take(life.session.control(Ack("a"), life.now))
        life.take(life.session.control(Refused(name, number, None, "no", whole=True), life.now))
        life.run(0.5)
        _, number, names = life.frames("subscribe")[-1]
        assert set(names) == {"a", "c"} if name == "b" else {"c"}
    life.ack_all()
    assert life.session.proven
    assert [one.name for one in life.session.topics] == ["a", "c"]
    assert len(life.of(Quarantine)) == 1


def test_a_busy_venue_is_asked_again_after_a_pause_and_nobody_is_blamed() -> None:
    life = Life("a", Limits(100, 1, 5.0))
    for _ in range(5):
        life.take(life.session.control(Refused(None, None, "1", "too much", busy=True), life.now))
        before = len(life.asked_for())
        life.run(4.9)
        assert len(life.asked_for()) == before
        life.run(0.2)
        assert len(life.asked_for()) == before + 1
    life.ack_all()
    assert life.session.proven
    assert not life.of(Quarantine)
    assert not life.of(Reconnect)


def test_a_late_refusal_that_names_nothing_does_not_cost_the_topic_that_was_asked_for_last() -> None:
    life = Life("ab", Limits(100, 1, 0.9))
    life.run(1.2)
    assert life.asked_for() == ["a", "b"]
    life.take(life.session.control(Refused(None, None, "30005", "invalid channel"), life.now))
    for _ in range(60):
        before = len(life.frames("subscribe"))
        life.run(0.1)
        for _, _, (name,) in life.frames("subscribe")[before:]:
            life.run(1.5)  # the answer is late again
            life.take(life.session.control(Refused(None, None, "30005", "") if name == "a" else Ack(name), life.now))
    assert [one.topic.name for one in life.of(Quarantine) if isinstance(one, Quarantine)] == ["a"]
    assert life.session.proven
