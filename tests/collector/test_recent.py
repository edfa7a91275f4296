"""The ring of recent ids."""

from hypothesis import given
from hypothesis import strategies as st

from services.collector.recent import KEPT, PART, Ring


@given(st.lists(st.integers(0, 400), max_size=2000))
def test_an_id_of_the_last_ones_is_not_new_and_one_of_long_ago_is(ids: list[int]) -> None:
    ring, order = Ring(), list[int]()
    for one in ids:
        new = ring.new(one)
        if one in order[-KEPT:]:
            assert not new
        elif one not in order[-KEPT - PART :]:
            assert new
        if new:
            order.append(one)
