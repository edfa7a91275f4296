"""What somebody waits for goes before what is always carried, and some of a shared allowance is kept for it."""

from services.collector.pacing import SPARED, Window
from services.collector.venue import Limits
from services.collector.waiting import Waiting
from tests.collector.life import Life, topic

LIMITS = Limits(100, 2, 20.0)


def test_the_urgent_come_first_in_their_order_and_alone() -> None:
    waiting = Waiting()
    for name, urgent in (("a", False), ("b", True), ("c", False), ("d", True)):
        waiting.add(name, urgent=urgent)
    assert waiting.urgent
    assert waiting.first() == ("b", "d")
    assert {"a", "b", "c", "d"} == {name for name in "abcdx" if name in waiting}
    waiting.drop("b")
    assert waiting.first() == ("d",)


def test_what_nobody_waits_for_any_more_goes_to_the_end() -> None:
    waiting = Waiting()
    waiting.add("a", urgent=True)
    waiting.add("b", urgent=False)
    waiting.add("a", urgent=False)
    assert waiting.first() == ("b", "a")
    for name in "ab":
        waiting.drop(name)
    assert not waiting


def test_a_topic_that_is_asked_for_overtakes_those_that_wait() -> None:
    life = Life("abcdef", LIMITS)
    life.session.want([topic(name) for name in "abcdef"] + [topic("now", urgent=True)])
    life.run(1)
    assert life.asked_for() == ["a", "b", "now", "c", "d", "e", "f"]


def test_a_topic_that_waits_and_is_asked_for_overtakes_the_others() -> None:
    life = Life("abcdef", LIMITS)
    life.session.want([topic(name, urgent=name == "f") for name in "abcdef"])
    life.run(1)
    assert life.asked_for() == ["a", "b", "f", "c", "d", "e"]


def test_a_part_of_what_connections_share_is_kept_for_topics_that_are_asked_for() -> None:
    shared = Window(40, 60.0)
    standing = [f"t{number}" for number in range(60)]
    life = Life(standing, Limits(100, 1, 20.0), shared=shared)
    life.run(5)
    assert len(life.asked_for()) == 40 - int(40 * SPARED)
    life.session.want([topic(name) for name in standing] + [topic("now", urgent=True)])
    life.run(0.2)
    assert life.asked_for()[-1] == "now"
