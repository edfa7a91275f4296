"""The faults that are written down: they apply to the code as it is, and some are tried."""

from collections import Counter

import pytest

from services.collector.venues import VENUES
from tests.venues.mutations import ROOT, Mutation, failing, load, run, table

FAULTS = load()


@pytest.mark.parametrize("one", FAULTS, ids=lambda one: f"{one.venue}: {one.fault}")
def test_a_fault_can_be_put_into_the_code_and_names_cases_that_find_it(one: Mutation) -> None:
    found = (ROOT / one.path).read_text(encoding="utf-8").count(one.old)
    assert found == 1, f"{one.path} has changed: say in mutations.jsonl what the fault is now"
    assert one.new != one.old
    assert one.caught
    for case in one.caught:
        assert (ROOT / "tests" / "venues" / one.venue / case / "events.jsonl").is_file()


def test_every_venue_has_faults_of_every_sort() -> None:
    assert min(Counter(one.venue for one in FAULTS).values()) >= 10
    assert {one.venue for one in FAULTS} == set(VENUES)
    for venue in VENUES:
        faults = " ".join(one.fault for one in FAULTS if one.venue == venue)
        assert "swapped" in faults
        assert "dropped" in faults
        assert "percent" in faults


@pytest.mark.parametrize("venue", VENUES)
def test_a_fault_of_each_venue_is_found_by_the_cases_that_are_written_down(venue: str) -> None:
    one = next(fault for fault in FAULTS if fault.venue == venue)
    assert run([one]) == [one]


def test_a_fault_that_changes_nothing_is_found_by_no_case() -> None:
    (found,) = run([Mutation("lighter", "rows.py", "nothing", "MS: Final = 1_000_000\n", "MS: Final = 1000000\n")])
    assert found.caught == []
    assert failing("lighter") == []


def test_a_fault_whose_text_is_gone_is_an_error() -> None:
    with pytest.raises(SystemExit, match="0 times"):
        run([Mutation("lighter", "rows.py", "gone", "no such text", "")])


def test_the_table_names_three_cases_at_the_most() -> None:
    rows = table().split("| --- | --- | --- | --- |\n")[1].splitlines()
    assert len(rows) == len(FAULTS)
    assert all(row.count("`") <= 8 for row in rows)
