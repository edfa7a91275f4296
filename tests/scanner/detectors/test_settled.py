"""Settled rates of a week."""

from statistics import median

from hypothesis import given
from hypothesis import strategies as st

from services.scanner.detectors.settled import KEPT_MIN, MINUTE, Settled
from shared.events import Settlement

PAID = st.lists(st.tuples(st.integers(0, 3 * KEPT_MIN), st.integers(-99, 99)), max_size=60)


@given(PAID)
def test_the_usual_rate_is_the_median_of_the_last_week_whatever_the_order(paid: list[tuple[int, int]]) -> None:
    one = Settled()
    for minute, rate in paid:
        one.put(Settlement("A", f"{rate / 10_000:.4f}", "8", minute * MINUTE, None, 0))
    kept: dict[int, float] = {}
    for minute, rate in paid:
        kept[minute] = float(f"{rate / 10_000:.4f}")
        kept = {when: what for when, what in kept.items() if when >= max(kept) - KEPT_MIN}
    assert list(one.minutes) == sorted(kept)
    assert one.usual() == (median(kept.values()) if kept else None)
    again = Settled(one.minutes.tobytes(), one.rates.tobytes())
    assert (again.minutes, again.rates) == (one.minutes, one.rates)
