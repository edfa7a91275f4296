from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.simulator.__main__ import scenario_path
from services.simulator.options import OptionError
from services.simulator.scenario import Event, Scenario, Timeline, kinds, load

VENUES = ("binance", "okx")
EIGHT = (*VENUES, "bybit", "bitget", "hyperliquid", "lighter", "grvt", "paradex")


def write(path: Path, text: str) -> Path:
    file = path / "scenario.toml"
    file.write_text(text, encoding="utf-8")
    return file


def test_the_demo_scenario_is_good_and_starts_with_a_gap_within_seconds() -> None:
    path = scenario_path("demo")
    assert path is not None
    demo = load(path, VENUES, EIGHT)
    assert demo.loop_s > 0
    assert any(event.kind == "gap" and event.at < 15 and (event.bps or 0) >= 60 for event in demo.event)
    assert max(event.at + (event.for_s or 0) for event in demo.event) <= demo.loop_s


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("loop_s = [", "scenario"),
        ("unknown = 1", "unknown.*expected one of name, about"),
        ('[[event]]\nkind = "storm"', "storm.*expected one of gap, freeze"),
        ('[[event]]\nkind = "gap"\nmarket = "swap"', "swap.*expected one of spot, perp"),
        ('[[event]]\nkind = "gap"\ncoins = "BTC"', "coins.*expected one of kind, at, for, venue"),
        ("[[expect]]\ncoins = 1", "coins.*expected one of coin, buy"),
        ('[[event]]\nkind = "gap"\nvenue = "okx"', "'coin'"),
        ('[[event]]\nkind = "gap"\nvenue = "okx"\ncoin = "BTC"', "'bps'"),
        ('[[event]]\nkind = "freeze"\nvenue = "okx"\nfor = -1', "seconds"),
        ('[[event]]\nkind = "drop"\nshare = 2', "share"),
        ('[[event]]\nkind = "list"\ncoin = "X"\nname = "Y"', "needs kind 'list' or 'delist', and a 'venue'"),
        ('[[event]]\nkind = "halt"\nvenue = "okx"\ncoin = "X"\nname = "Y"', "needs kind 'list'"),
        ('[[event]]\nkind = "list"\nvenue = "okx"\ncoin = "X"\nname = "Y"\nprice = -1', "price above 0"),
        ('[[event]]\nkind = "freeze"\nvenue = "mars"', "'mars' is not simulated"),
        ('[[event]]\nkind = "gap"\nvenue = "okx"\nagainst = "mars"\ncoin = "BTC"\nbps = 9', "'mars'"),
    ],
)
def test_a_bad_scenario_is_refused_with_a_sentence_that_names_it(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(OptionError, match=words):
        load(write(tmp_path, text), VENUES)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(OptionError, match="nowhere"):
        load(tmp_path / "nowhere.toml", VENUES)


def test_events_of_venues_that_are_not_played_are_left_out(tmp_path: Path) -> None:
    text = '[[event]]\nkind = "freeze"\nvenue = "okx"\n[[event]]\nkind = "freeze"\nvenue = "binance"'
    assert [event.venue for event in load(write(tmp_path, text), ("binance",), VENUES).event] == ["binance"]


def test_an_event_is_on_from_its_start_for_its_length_and_again_in_each_loop() -> None:
    event = Event(kind="freeze", venue="okx", at=10, for_s=5)
    timeline = Timeline(Scenario(loop_s=60, event=(event,)))
    on = [t for t in range(180) if timeline.active(t)]
    assert on == [*range(10, 15), *range(70, 75), *range(130, 135)]


def test_without_a_loop_it_is_on_once_and_without_a_length_for_ever() -> None:
    timeline = Timeline(Scenario(event=(Event(kind="freeze", venue="okx", at=10),)))
    assert not timeline.active(9.9)
    assert timeline.active(10)
    assert timeline.active(1e9)


@given(st.floats(0, 50), st.floats(51, 200), st.lists(st.floats(0.01, 120), min_size=1, max_size=60))
def test_a_moment_strikes_exactly_once_a_loop_however_time_is_cut(at: float, loop: float, steps: list[float]) -> None:
    timeline = Timeline(Scenario(loop_s=loop, event=(Event(kind="close", at=at),)))
    now, struck = 0.0, 0
    for step in [min(step, loop * 0.9) for step in steps]:
        struck += len(timeline.moments(now, now + step))
        now += step
    assert struck == sum(0.0 < at + turn * loop <= now for turn in range(int(now / loop) + 2))


@given(st.floats(0, 50), st.floats(51, 200), st.integers(1, 99))
def test_a_moment_strikes_in_the_slice_that_ends_with_it(at: float, loop: float, turn: int) -> None:
    timeline = Timeline(Scenario(loop_s=loop, event=(Event(kind="close", at=at),)))
    moment = at + turn * loop
    assert [len(timeline.moments(*span)) for span in ((moment - 1, moment), (moment, moment + 1))] == [1, 0]


def test_what_is_added_can_be_taken_away_and_what_is_scripted_stays() -> None:
    timeline = Timeline(Scenario(event=(Event(kind="freeze", venue="okx"),)))
    timeline.add(Event(kind="drop", at=5))
    timeline.add(Event(kind="freeze", venue="binance", at=5))
    assert len(timeline.active(6)) == 3
    timeline.remove(["freeze"])
    assert [event.kind for event in timeline.active(6)] == ["freeze", "drop"]


def test_an_instrument_to_be_listed_is_absent_before() -> None:
    timeline = Timeline(Scenario(loop_s=100, event=(Event(kind="list", coin="NEWCO", at=30, for_s=20),)))
    assert [bool(timeline.absent(t)) for t in (0, 29, 30, 49, 50, 110)] == [True, True, False, False, True, True]


def test_all_kinds_are_known_by_name() -> None:
    assert len(set(kinds())) == len(kinds()) >= 25
