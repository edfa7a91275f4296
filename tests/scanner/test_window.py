"""A stream of large entries is bounded by time and by bytes."""

from hypothesis import given
from hypothesis import strategies as st

from services.scanner.window import Window


def test_small_entries_are_kept_for_their_time() -> None:
    window = Window(kept_ms=1000, kept_bytes=10_000)
    assert [window.oldest(ms, 10) for ms in (5000, 5500, 6400)] == [4000, 4500, 5400]
    assert window.held == 20


def test_large_entries_are_kept_as_long_as_there_is_room() -> None:
    window = Window(kept_ms=1000, kept_bytes=100)
    assert window.oldest(5000, 60) == 4000
    assert window.oldest(5010, 60) == 5001, "the older one goes"
    assert window.oldest(5020, 30) == 4020, "both fit"


def test_an_entry_beyond_all_room_stays_until_the_next_one() -> None:
    window = Window(kept_ms=1000, kept_bytes=100)
    assert window.oldest(5000, 500) == 4000
    assert window.oldest(5001, 10) == 5001


def test_a_young_redis_is_not_cut_below_nothing() -> None:
    assert Window(kept_ms=1000, kept_bytes=100).oldest(0, 10) == 0


@given(st.lists(st.tuples(st.integers(0, 500), st.integers(1, 80)), min_size=1, max_size=60))
def test_what_stands_is_within_both_bounds(steps: list[tuple[int, int]]) -> None:
    window, now, standing = Window(kept_ms=1000, kept_bytes=200), 10_000, list[tuple[int, int]]()
    for wait, size in steps:
        now += wait
        cut = window.oldest(now, size)
        standing = [one for one in [*standing, (now, size)] if one[0] >= cut]
        assert all(ms >= now - 1000 for ms, _ in standing)
        earlier = [one for one in standing if one[0] < now]
        assert not earlier or sum(size for _, size in standing) <= 200
        assert standing[-1] == (now, size)
