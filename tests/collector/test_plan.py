"""The plan: every topic once, within every limit, and nothing moves that need not."""

from collections.abc import Mapping

from hypothesis import given
from hypothesis import strategies as st

from services.collector.plan import Plan, Topic, TopicKey, framed
from services.collector.venue import Endpoint, Limits
from tests.collector.fakes import PING, asked, subscribe


def endpoint(limits: Limits) -> Endpoint:
    return Endpoint("open", "wss://open.test", None, PING, limits)


def topic(name: str, weight: int = 1) -> Topic:
    return Topic("open", name, "perp", ("quote",), (name,), weight)


def keyed(*topics: Topic) -> dict[TopicKey, Topic]:
    return {one.key: one for one in topics}


def homes(plan: Plan) -> dict[str, tuple[str, int]]:
    return {one.name: slot for slot in plan.slots() for one in plan.topics(slot)}


names = st.lists(st.text("abcdefgh", min_size=1, max_size=12), unique=True, max_size=60)
topics = st.builds(lambda found, weights: keyed(*(topic(n, w) for n, w in zip(found, weights, strict=False))), names,
                   st.lists(st.integers(1, 6), min_size=60, max_size=60))  # fmt: skip
limits = st.builds(
    Limits,
    topics_per_connection=st.integers(1, 20),
    topics_per_frame=st.integers(1, 30),
    frames_per_second=st.just(5.0),
    frame_bytes=st.one_of(st.none(), st.integers(60, 400)),
    topic_chars=st.one_of(st.none(), st.integers(5, 100)),
    connections=st.one_of(st.none(), st.integers(1, 8)),
)


def check(plan: Plan, want: Mapping[TopicKey, Topic], rules: Limits) -> None:
    """Each topic is on one line or, for a reason, on none; no line breaks a limit."""
    placed = [one for slot in plan.slots() for one in plan.topics(slot)]
    assert len(placed) == len({one.key for one in placed})
    assert {one.key for one in placed} | set(plan.unplaced) == set(want)
    assert not {one.key for one in placed} & set(plan.unplaced)
    for slot in plan.slots():
        line = plan.topics(slot)
        assert sum(one.weight for one in line) <= rules.topics_per_connection
        assert rules.topic_chars is None or sum(len(one.name) for one in line) <= rules.topic_chars
    assert rules.connections is None or len(plan.slots()) <= rules.connections
    for one in plan.unplaced.values():
        alone = one.weight <= rules.topics_per_connection
        alone = alone and (rules.topic_chars is None or len(one.name) <= rules.topic_chars)
        assert not alone or rules.connections is not None


@given(topics, topics, limits)
def test_each_topic_is_carried_once_within_every_limit_whatever_came_before(
    before: dict[TopicKey, Topic], after: dict[TopicKey, Topic], rules: Limits
) -> None:
    plan = Plan([endpoint(rules)])
    plan.update(before)
    check(plan, before, rules)
    plan.update(after)
    check(plan, after, rules)


@given(topics, limits)
def test_two_runs_give_the_same_plan(want: dict[TopicKey, Topic], rules: Limits) -> None:
    one, other = Plan([endpoint(rules)]), Plan([endpoint(rules)])
    one.update(want)
    other.update(want)
    assert [(slot, one.topics(slot)) for slot in one.slots()] == [(slot, other.topics(slot)) for slot in other.slots()]


@given(topics, names, limits)
def test_topics_that_come_or_go_move_no_other(want: dict[TopicKey, Topic], new: list[str], rules: Limits) -> None:
    plan = Plan([endpoint(rules)])
    plan.update(want)
    before = homes(plan)
    more = {**keyed(*(topic(name + "!") for name in new)), **want}
    changed = plan.update(more)
    assert {name: slot for name, slot in homes(plan).items() if name in before} == before
    assert {homes(plan)[name + "!"] for name in new if name + "!" in homes(plan)} <= changed
    fewer = dict(list(more.items())[::2])
    plan.update(fewer)
    assert all(before.get(name, slot) == slot for name, slot in homes(plan).items() if (("open", name) in want))


@given(names.filter(bool), limits)
def test_frames_hold_every_topic_in_order_within_the_limits(found: list[str], rules: Limits) -> None:
    left, sent = list(found), []
    while left:
        count, data = framed(left, rules, subscribe, 1)
        assert 1 <= count <= rules.topics_per_frame
        assert count == 1 or rules.frame_bytes is None or len(data) <= rules.frame_bytes
        assert asked(data)[2] == left[:count]
        sent += left[:count]
        left = left[count:]
    assert sent == found


def test_a_topic_that_serves_other_symbols_stays_where_it_is() -> None:
    plan = Plan([endpoint(Limits(2, 2, 5.0))])
    plan.update(keyed(topic("a"), topic("b"), topic("c")))
    joined = Topic("open", "a", "perp", ("quote",), ("a", "other"))
    assert plan.update(keyed(joined, topic("b"), topic("c"))) == {("open", 0)}
    assert plan.topics(("open", 0))[0].symbols == ("a", "other")
