"""The plan: every topic once, within every limit, and nothing moves that need not."""

from collections.abc import Mapping

from hypothesis import given
from hypothesis import strategies as st

from services.collector.plan import Plan, Selection, Topic, TopicKey, framed, selected, served, wanted
from services.collector.venue import Endpoint, Limits
from shared.streams import BUCKETS, bucket_of
from tests.collector.fakes import PING, asked, instrument, subscribe, venue

ALL = frozenset(range(BUCKETS))
COINS = [instrument(base, market) for base in ("BTC", "ETH", "SOL", "XRP", "PEPE") for market in ("spot", "perp")]


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


def test_quotes_come_from_the_best_channel_and_others_ride_for_what_else_they_make() -> None:
    found = wanted(venue(), selected(COINS), Selection(ALL))
    assert found["open", "best:BTC-USDT-perp"].kinds == ("quote",)
    assert found["open", "ticker:BTC-USDT-perp"].kinds == ("stats",)
    assert not any(name.startswith("slow") for _, name in found)
    assert found["wide", "marks:perp"].symbols == ()
    assert ("wide", "news:perp") in found


def test_demand_adds_topics_of_the_symbols_asked_for_and_no_others() -> None:
    demand = {"trade": frozenset({"BTC/USDT:USDT", "NO/USDT:USDT"}), "book": frozenset({"ETH/USDT:USDT"})}
    found = wanted(venue(), selected(COINS), Selection(ALL, demand))
    on_demand = {name for _, name in found if name.startswith(("trades", "books"))}
    assert on_demand == {"trades:BTC-USDT-perp", "books:ETH-USDT-perp"}


def test_members_share_topics_and_places_by_bucket_without_loss_or_doubles() -> None:
    half = frozenset(range(0, BUCKETS, 2))
    whole = wanted(venue(), selected(COINS), Selection(ALL))
    parts = [wanted(venue(), selected(COINS), Selection(buckets)) for buckets in (half, ALL - half)]
    assert set(parts[0]) | set(parts[1]) == set(whole)
    assert not set(parts[0]) & set(parts[1])
    places = [served(venue(), selected(COINS), Selection(buckets)) for buckets in (half, ALL - half)]
    assert not set(places[0]) & set(places[1])
    marks = [part for part in places if ("mark", "BTC/USDT:USDT") in part]
    assert len(marks) == 1
    assert {symbol for kind, symbol in marks[0] if kind == "mark"} == {
        one.symbol for one in COINS if one.settle or ":" in one.symbol
    }
    assert (marks[0] is places[0]) == (bucket_of("marks:perp") in half)


def test_what_is_not_collected_is_not_subscribed_but_an_unconfirmed_multiplier_is() -> None:
    rows = [
        instrument("BTC", status="halted"),
        instrument("ETH", quote="EUR"),
        instrument("TWIN", status="quarantined", quarantine_reason="collision"),
        instrument("NEW", status="quarantined", quarantine_reason="multiplier_unconfirmed"),
        instrument("SOL"),
    ]
    assert [one.base for one in selected(rows)] == ["NEW", "SOL"]
    assert [one.base for one in selected(rows, {"NEW"})] == ["NEW"]


def test_a_refused_topic_is_left_out() -> None:
    found = wanted(venue(), selected(COINS), Selection(ALL, refused={("open", "best:BTC-USDT-perp")}))
    assert ("open", "best:BTC-USDT-perp") not in found
    assert ("open", "best:ETH-USDT-perp") in found


def test_one_topic_of_two_instruments_is_asked_for_once_and_serves_both() -> None:
    twins = [instrument("BTC"), instrument("BTC", symbol="BTC/USDC:USDC", quote="USDC")]
    found = wanted(venue(), selected(twins), Selection(ALL))
    assert set(found["open", "best:BTC-USDT-perp"].symbols) == {"BTC/USDT:USDT", "BTC/USDC:USDC"}


def test_a_topic_that_serves_other_symbols_stays_where_it_is() -> None:
    plan = Plan([endpoint(Limits(2, 2, 5.0))])
    plan.update(keyed(topic("a"), topic("b"), topic("c")))
    joined = Topic("open", "a", "perp", ("quote",), ("a", "other"))
    assert plan.update(keyed(joined, topic("b"), topic("c"))) == {("open", 0)}
    assert plan.topics(("open", 0))[0].symbols == ("a", "other")
