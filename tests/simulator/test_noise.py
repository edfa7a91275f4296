from hypothesis import given
from hypothesis import strategies as st

from services.simulator.noise import Wave, Waves, key_of, unit

TIMES = st.floats(min_value=0, max_value=4e9, allow_nan=False)


@given(st.integers(0, 2**31), st.integers(0, 2**31), st.integers(0, 2**40))
def test_a_draw_is_in_the_unit_interval_and_always_the_same(seed: int, key: int, index: int) -> None:
    assert 0.0 <= unit(seed, key, index) < 1.0
    assert unit(seed, key, index) == unit(seed, key, index)


@given(st.integers(0, 1000), TIMES, TIMES)
def test_a_wave_says_the_same_about_an_instant_in_whatever_order_it_is_asked(
    seed: int, first: float, then: float
) -> None:
    wandering, fresh = Wave(seed, 5, 60.0, 0.5), Wave(seed, 5, 60.0, 0.5)
    wandering.at(first)
    wandering.at(then)
    assert wandering.at(first) == fresh.at(first)
    assert abs(fresh.at(then)) <= 0.5


def test_waves_are_smooth_and_add_up() -> None:
    waves = Waves(3, key_of("BTC"), ((3600.0, 0.02), (10.0, 0.001)))
    steps = [abs(waves.at(1e9 + n * 0.01) - waves.at(1e9 + (n + 1) * 0.01)) for n in range(5000)]
    assert max(steps) < 1e-5


def test_seeds_and_keys_make_different_noise() -> None:
    assert len({unit(seed, key) for seed in range(20) for key in range(20)}) == 400
    assert key_of("a", 1) != key_of("a1")
