"""Who serves which bucket."""

from hypothesis import given
from hypothesis import strategies as st

from services.collector.ownership import PATIENCE_NS, Ownership, assigned
from shared.streams import BUCKETS

members = st.lists(st.text("abcdef0123456789", min_size=4, max_size=8), min_size=1, max_size=6, unique=True)


@given(members)
def test_each_bucket_has_one_member_wherever_it_is_worked_out(names: list[str]) -> None:
    table = assigned(names)
    assert set(table) == set(range(BUCKETS))
    assert table == assigned(reversed(names))


@given(members, st.text("xyz", min_size=4, max_size=8))
def test_a_member_that_comes_moves_only_the_buckets_it_takes(names: list[str], new: str) -> None:
    before, after = assigned(names), assigned([*names, new])
    assert all(after[bucket] in (before[bucket], new) for bucket in range(BUCKETS))


def test_shares_are_roughly_equal() -> None:
    table = assigned(["first", "second", "third"])
    counts = [list(table.values()).count(name) for name in ("first", "second", "third")]
    assert min(counts) >= 12


def test_the_old_owner_serves_a_bucket_until_the_new_one_says_that_it_does() -> None:
    one = Ownership("one")
    assert one.update(["one"], {}, 0)
    assert one.held == frozenset(range(BUCKETS))
    assert not one.update(["one", "two"], {}, 1)
    leaving = one.held - one.mine
    assert leaving
    taken = min(leaving)
    assert one.update(["one", "two"], {taken: "two"}, 2)
    assert one.held == frozenset(range(BUCKETS)) - {taken}
    assert one.update(["one", "two"], {taken: "two"}, 2 + PATIENCE_NS)
    assert one.held == one.mine


def test_a_dead_members_buckets_are_served_at_once() -> None:
    one = Ownership("one")
    one.update(["one", "two"], {}, 0)
    mine = one.mine
    assert one.update(["one"], dict.fromkeys(range(BUCKETS), "two"), 1)
    assert one.held == frozenset(range(BUCKETS)) > mine


def test_buckets_are_announced_once_proven_and_only_while_others_stand_in_the_hash() -> None:
    one = Ownership("one")
    one.update(["one"], {}, 0)
    assert one.unannounced({}, {1, 2}) == [1, 2]
    assert one.unannounced({1: "one", 2: "two"}, {1, 2}) == [2]


def test_a_lost_standing_holds_nothing_until_the_next_look() -> None:
    one = Ownership("one")
    one.update(["one"], {}, 0)
    one.reset()
    assert not one.held
    assert one.update(["one"], {}, 1)
