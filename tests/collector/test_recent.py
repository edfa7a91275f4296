"""The ring of recent ids."""

from hypothesis import given
from hypothesis import strategies as st

from services.collector.recent import KEPT, Ring


@given(st.lists(st.integers(0, 400), max_size=2000))
def test_an_id_is_new_unless_it_is_among_the_last_ones(ids: list[int]) -> None:
    ring, order = Ring(), list[int]()
    for one in ids:
        assert ring.new(one) == (one not in order[-KEPT:])
        if one not in order[-KEPT:]:
            order.append(one)
