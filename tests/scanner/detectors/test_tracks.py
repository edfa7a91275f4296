"""Followed pairs: samples, minutes, and when they are let go."""

from math import log

from hypothesis import given
from hypothesis import strategies as st

from services.scanner.detectors.spread import BP, MISSING
from services.scanner.detectors.tracks import (
    DAY,
    MINUTE,
    PAIRS_MAX,
    QUIET_NS,
    SECOND,
    SLACK,
    Series,
    Tracks,
    pair_of,
    route_key,
    settles,
    spread_of,
)
from services.scanner.judge import Judge
from services.scanner.lifecycle import key_of
from services.scanner.market import Asset, Leg
from shared.events import Funding
from tests.scanner.legs import AT, NO_RATE, RATE, leg
from tests.scanner.tape import MS, row


@given(st.lists(st.tuples(st.integers(1, 30), st.integers(-9, 9)), max_size=60), st.integers(5, 40))
def test_a_series_is_the_last_minutes_with_holes_where_there_was_nothing(
    steps: list[tuple[int, int]], keep: int
) -> None:
    series, known, minute = Series(keep), dict[int, int](), 1000
    for step, value in steps:
        minute += step
        series.put(minute, value)
        known[minute] = value
    assert len(series.values) <= keep + SLACK
    for count in (1, keep // 2, keep):
        expected = [known.get(at, MISSING) for at in range(minute + 1 - count, minute + 1)] if known else []
        found = list(series.last(count, minute + 1))
        assert [MISSING] * (len(expected) - len(found)) + found == expected
    again = Series(keep, series.first, series.values.tobytes())
    assert (again.first, again.values) == (series.first, series.values)


def two() -> tuple[Leg, Leg]:
    asset = Asset("WIF")
    one = leg("99", "101", asset=asset, venue="alpha")
    other = leg("109", "111", asset=asset, venue="beta")
    asset.legs = [one, other]
    return one, other


def judge_at(at: int) -> Judge:
    judge = Judge()
    judge.id_ms = at // MS
    return judge


def test_the_spread_is_the_log_of_the_mids_in_common_dollars() -> None:
    one, other = two()
    assert spread_of((one, other), NO_RATE) == round(log(1.1) * 10_000 * BP)
    other.converted = True
    assert spread_of((one, other), RATE) == round(log(1.1 * 0.9997) * 10_000 * BP)
    one.converted, other.converted = True, False
    assert spread_of((one, other), RATE) == round(log(1.1 / 0.9997) * 10_000 * BP)
    assert spread_of((one, other), NO_RATE) is None
    other.bid = 0.0
    assert spread_of((one, other), RATE) is None


def test_around_a_settlement_a_perpetual_is_left_out() -> None:
    one, _ = two()
    assert not settles(one, AT)
    for due, hours, near in (
        (60, "8", True), (61, "8", False), (-60, None, True), (8 * 3600 - 60, "8", True), (8 * 3600 - 61, "8", False),
        (-30, "8", True), (-3600, "1", True), (-3600, None, False),
    ):  # fmt: skip
        one.funding = Funding(one.symbol, "0.1", hours, AT + due * SECOND, None, None, AT)
        one.row = row("WIF", funding_interval_h=None)
        assert settles(one, AT) is near, (due, hours)
    one.funding = Funding(one.symbol, "0.1", "8", None, None, None, AT)
    assert not settles(one, AT)


def test_each_second_gives_one_sample_and_each_minute_its_medians() -> None:
    pair, tracks = pair_of(*two()), Tracks()
    tracks.near(pair, AT)
    for number in range(59):
        for part in (0, 300 * MS):
            at = AT + number * SECOND + part
            tracks.sample(at, judge_at(AT), ())
    track = tracks.of(*pair)
    assert track is not None
    assert [len(values) for values in track.samples] == [59, 59, 59]
    tracks.close(AT // MINUTE + 1, AT + MINUTE)
    assert list(track.spread.values) == [round(log(1.1) * 10_000 * BP)]
    # leaving the route alpha -> beta: buy beta at 111, sell alpha at 99
    assert list(track.exit_of(pair[0]).values) == [round((99 / 111 - 1) * 1_000_000)]
    assert list(track.exit_of(pair[1]).values) == [round((109 / 101 - 1) * 1_000_000)]
    assert track.samples == ([], [], [])


def test_the_minutes_in_which_a_route_was_open_do_not_tell_of_its_exit() -> None:
    one, other = two()
    pair, tracks = pair_of(one, other), Tracks()
    tracks.near(pair, AT)
    assert route_key(one, other) == key_of(one, other)
    for number in range(3):
        opened = {route_key(one, other)} if number == 1 else set()
        tracks.sample(AT + number * SECOND, judge_at(AT), opened)
    tracks.close(AT // MINUTE + 1, AT + MINUTE)
    track = tracks.of(one, other)
    assert track is not None
    assert list(track.exit_of(one).values) == [MISSING]
    assert MISSING not in [*track.exit_of(other).values, *track.spread.values]


def test_legs_that_are_not_good_give_no_sample() -> None:
    pair, tracks = pair_of(*two()), Tracks()
    tracks.near(pair, AT)
    pair[0].channel = "down"
    tracks.sample(AT, judge_at(AT), ())
    pair[0].channel = "up"
    pair[1].converted = True
    tracks.sample(AT + SECOND, judge_at(AT), ())
    track = tracks.of(*pair)
    assert track is not None
    assert track.samples == ([], [], [])


def test_a_pair_is_let_go_a_day_after_it_was_near_or_with_its_market() -> None:
    pair, tracks = pair_of(*two()), Tracks()
    tracks.near(pair, AT)
    tracks.near(pair, AT + SECOND)
    tracks.close(0, AT + DAY)
    assert tracks.pairs
    tracks.close(0, AT + DAY + SECOND)
    assert not tracks.pairs
    tracks.near(pair, AT)
    pair[0].asset.legs = []
    tracks.close(0, AT)
    assert not tracks.pairs


def test_when_there_is_no_room_the_one_that_has_been_quiet_longest_goes_after_an_hour() -> None:
    tracks = Tracks()
    every = [leg("1", "2", venue=f"v{number:04}") for number in range(PAIRS_MAX + 3)]
    for number in range(PAIRS_MAX):
        tracks.near((every[number], every[number + 1]), AT + number)
    new = (every[-2], every[-1])
    tracks.near(new, AT + QUIET_NS - 1)
    assert (tracks.of(*new), tracks.refused) == (None, 1)
    tracks.near(new, AT + QUIET_NS)
    assert tracks.of(*new) is not None
    assert tracks.of(every[0], every[1]) is None
    assert len(tracks.pairs) == PAIRS_MAX
