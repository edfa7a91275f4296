"""Statistics of a spread against the standard library and against processes whose truth is known."""

import random
from fractions import Fraction
from itertools import pairwise
from math import isclose, log
from statistics import linear_regression, mean, median, stdev

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.scanner.detectors.spread import (
    BP,
    LEAST,
    MISSING,
    adf,
    convergences,
    half_life_min,
    percentile,
    window,
)

VALUES = st.lists(st.integers(-2_000_000, 2_000_000), min_size=LEAST, max_size=200)


@settings(max_examples=50, deadline=None)
@given(VALUES, st.integers(-3_000_000, 3_000_000))
def test_a_window_is_what_the_library_says_of_what_is_known(values: list[int], now: int) -> None:
    gappy = [MISSING, *values[:5], MISSING, *values[5:]]
    found = window(gappy)
    assert found is not None
    middle = median(values)
    spread = 1.4826 * median(abs(value - middle) for value in values)
    assert isclose(found.mean, mean(values), rel_tol=1e-12, abs_tol=1e-6)
    assert isclose(found.deviation, max(stdev(values), BP / 2), rel_tol=1e-9)
    assert found.middle == middle
    assert isclose(found.spread, max(spread, BP / 2))
    assert isclose(found.z(now), (now - found.mean) / found.deviation)
    assert isclose(found.robust(now), (now - middle) / found.spread)


def test_too_few_minutes_say_nothing() -> None:
    assert window([1] * (LEAST - 1) + [MISSING] * 50) is None
    assert percentile([1] * (LEAST - 1), 1) is None
    assert convergences([1] * (LEAST - 1), 1) is None


def test_a_spread_that_never_moved_is_not_divided_by_nothing() -> None:
    found = window([5 * BP] * LEAST)
    assert found is not None
    assert found.z(6 * BP) == found.robust(6 * BP) == 2


@settings(max_examples=50, deadline=None)
@given(st.lists(st.integers(-50, 50), min_size=LEAST, max_size=120), st.integers(-60, 60))
def test_the_percentile_is_the_share_at_or_below(values: list[int], now: int) -> None:
    assert percentile(sorted(values), now) == 100 * sum(value <= now for value in values) / len(values)


def test_a_convergence_is_a_leave_that_came_back() -> None:
    calm = [0] * LEAST
    assert convergences([*calm, 70, 80, 10, -1, 0, -70, -5, 3, 70, *calm], 60) == 3
    assert convergences([*calm, 70, 80, 60], 60) == 0
    assert convergences([*calm, 59, -59], 60) == 0


def reverting(seed: int, half_life: float, minutes: int, step: float = 2 * BP) -> list[int]:
    dice, value, kept = random.Random(seed), 0.0, 0.5 ** (1 / half_life)
    found = []
    for _ in range(minutes):
        value = value * kept + dice.gauss(0, step)
        found.append(round(value))
    return found


def test_a_half_life_is_found_near_the_truth() -> None:
    found = [half_life_min(reverting(seed, 15, 720)) for seed in range(20)]
    known = [one for one in found if one is not None]
    assert len(known) > 15
    assert 10 < median(known) < 20


def test_a_random_walk_seldom_seems_to_come_back() -> None:
    found = []
    for seed in range(100):
        dice, value, walk = random.Random(seed), 0, []
        for _ in range(400):
            value += round(dice.gauss(0, 2 * BP))
            walk.append(value)
        found.append(half_life_min(walk))
    assert sum(one is not None for one in found) <= 12


def test_a_half_life_goes_by_the_slope_of_the_change_upon_the_level() -> None:
    values = reverting(3, 10, 400)
    slope = linear_regression(values[:-1], [b - a for a, b in pairwise(values)]).slope
    found = half_life_min(values)
    assert found is not None
    assert found == pytest.approx(-log(2) / log(1 + slope), rel=1e-9)


def test_gaps_and_short_pasts_are_left_out() -> None:
    values = reverting(3, 10, 400)
    assert half_life_min(values[:100]) is None
    gappy = [MISSING if number % 40 == 0 else value for number, value in enumerate(values)]
    assert half_life_min(gappy) is not None
    assert half_life_min([7] * 400) is None


def exact_adf(rows: list[tuple[int, int, int]]) -> float | None:
    """Normal equations of (level, change before, 1), solved in fractions."""
    xs = [(Fraction(level), Fraction(before), Fraction(1)) for level, before, _ in rows]
    ys = [Fraction(change) for _, _, change in rows]
    left = [[sum((x[i] * x[j] for x in xs), Fraction(0)) for j in range(3)] for i in range(3)]
    right = [sum((x[i] * y for x, y in zip(xs, ys, strict=True)), Fraction(0)) for i in range(3)]

    def det(m: list[list[Fraction]]) -> Fraction:
        (a, b, c), (d, e, f), (g, h, i) = m
        return a * (e * i - f * h) - b * (d * i - f * g) + c * (d * h - e * g)

    whole = det(left)
    if not whole:
        return None

    def solved(column: int) -> Fraction:
        return det([[right[i] if j == column else left[i][j] for j in range(3)] for i in range(3)]) / whole

    b = [solved(column) for column in range(3)]
    rest = sum((y - sum(p * q for p, q in zip(b, x, strict=True))) ** 2 for x, y in zip(xs, ys, strict=True))
    (_, _, _), (_, e, f), (_, h, i) = left
    variance = rest / (len(rows) - 3) * (e * i - f * h) / whole
    return float(b[0]) / float(variance) ** 0.5 if variance else None


@settings(max_examples=50, deadline=None)
@given(st.lists(st.tuples(*[st.integers(-9, 9)] * 3), min_size=6, max_size=40))
def test_the_test_statistic_is_that_of_the_normal_equations(rows: list[tuple[int, int, int]]) -> None:
    expected = exact_adf(rows)
    if expected is not None and abs(expected) < 1e6:
        found = adf(rows)
        assert found is not None
        assert found == pytest.approx(expected, rel=1e-6, abs=1e-6)
