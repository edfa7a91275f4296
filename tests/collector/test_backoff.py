"""Waits between attempts."""

from itertools import islice
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from services.collector.backoff import CAP_S, FIRST_S, delays


@given(st.integers())
def test_waits_grow_to_a_cap_and_are_spread(seed: int) -> None:
    waits = list(islice(delays(Random(seed)), 20))
    assert FIRST_S / 2 <= waits[0] <= FIRST_S
    assert all(CAP_S / 2 <= wait <= CAP_S for wait in waits[8:])
    assert len(set(waits)) == 20
