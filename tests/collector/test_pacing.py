"""Rates: frames, connection attempts, REST weight."""

from hypothesis import given
from hypothesis import strategies as st

from services.collector.pacing import SECOND, Pace, Window

calls = st.lists(st.tuples(st.integers(0, 3 * SECOND), st.integers(1, 10)), max_size=60)


@given(calls, st.integers(10, 40))
def test_no_window_ever_holds_more_than_it_may(asked: list[tuple[int, int]], count: int) -> None:
    window = Window(count, 2.0)
    now, taken = 0, []
    for wait, weight in asked:
        now += wait
        at = window.ready_at(now, weight)
        assert at >= now
        window.took(at, weight)
        taken.append((at, weight))
        now = at
    for start, _ in taken:
        assert sum(weight for at, weight in taken if start <= at < start + 2 * SECOND) <= count


def test_what_the_other_side_counts_is_believed_where_it_is_more() -> None:
    window = Window(100, 60.0)
    window.took(0, 10)
    window.told(SECOND, 95)
    assert window.ready_at(SECOND, 5) == SECOND
    assert window.ready_at(SECOND, 6) > SECOND
    window.told(2 * SECOND, 20)
    assert window.used(2 * SECOND) == 95


def test_nothing_goes_before_a_block_is_over() -> None:
    window = Window(100, 60.0)
    window.block(30 * SECOND)
    assert window.ready_at(SECOND) == 30 * SECOND
    assert window.ready_at(40 * SECOND) == 40 * SECOND


def test_a_weight_above_the_whole_count_waits_for_an_empty_window_and_goes() -> None:
    window = Window(10, 1.0)
    assert window.ready_at(0, 50) == 0
    window.took(0, 5)
    assert window.ready_at(0, 50) == SECOND


def test_a_pace_waits_for_the_window_that_it_shares_and_for_a_block() -> None:
    shared = Window(1, 60.0)
    pace, other = Pace(10.0, None, shared), Pace(10.0, None, shared)
    pace.took(0)
    assert other.ready_at(SECOND) == 60 * SECOND
    other.block(90 * SECOND)
    assert pace.ready_at(SECOND) == 90 * SECOND
