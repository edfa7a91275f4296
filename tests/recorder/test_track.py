"""How a stream's cursor is stored and what its losses become."""

from services.recorder.track import Track
from shared.cursor import REPORT_AFTER_MS, Standing

STREAM = "md:{0}:alpha:quote"


def reader(upto: int) -> Track:
    """A recorder that has read entries 1..upto of a stream that has these."""
    track = Track(STREAM, "one")
    track.account(Standing(upto, upto, f"{upto}-0", "1-0"))
    for number in range(1, upto + 1):
        assert track.take(f"{number}-0", "p", number - 1)
    track.rest()
    return track


def test_reading_everything_finds_no_gap() -> None:
    track = reader(10)
    track.account(Standing(10, 4, "10-0", "7-0"))
    assert track.gaps == []


def test_entries_trimmed_before_they_were_read_are_a_gap_from_the_position_to_the_first_left() -> None:
    track = reader(10)
    track.account(Standing(30, 5, "30-0", "26-0"))
    gap = track.gaps[0]
    assert (gap.from_id, gap.to_id, gap.missed_entries, gap.reason) == ("10-0", "26-0", 15, "trimmed")


def test_missing_batches_are_a_gap_with_their_numbers() -> None:
    track = reader(3)
    track.take("4-0", "p", 5)
    track.take(f"{5 + REPORT_AFTER_MS}-0", "p", 6)
    track.rest()
    (gap,) = track.gaps
    assert (gap.missing_seqs, gap.from_id, gap.to_id, gap.reason) == ({"p": [3, 4]}, "3-0", "4-0", "missing")


def test_of_a_gap_that_a_recorder_learned_of_before_it_started_nobody_knows_where_it_ends() -> None:
    track = reader(3)
    track.take("4-0", "p", 5)
    again = Track(STREAM, "one", track.position())
    again.take(f"{5 + REPORT_AFTER_MS}-0", "p", 6)
    again.rest()
    assert [(gap.missing_seqs, gap.to_id) for gap in again.gaps] == [({"p": [3, 4]}, None)]


def test_a_gap_that_was_read_past_lies_between_what_was_found_whole_and_where_it_was_found() -> None:
    track = reader(10)
    track.account(Standing(10, 10, "10-0", "1-0"))
    track.take("18-0", "p", 17)
    track.account(Standing(18, 1, "18-0", "18-0"))
    (gap,) = track.gaps
    assert (gap.from_id, gap.to_id, gap.missed_entries) == ("10-0", "18-0", 7)


def test_a_position_goes_on_where_it_stopped() -> None:
    again = Track(STREAM, "one", reader(3).position())
    assert (again.last_id, again.cursor.ordinal) == ("3-0", 3)
    assert not again.take("4-0", "p", 2)
    assert again.gaps == []


def test_another_redis_is_a_gap_and_begins_anew() -> None:
    again = Track(STREAM, "two", reader(3).position())
    assert [(gap.from_id, gap.reason) for gap in again.gaps] == [("3-0", "redis_reset")]
    assert not again.begun


def test_an_entry_that_is_no_batch_is_passed_with_a_gap() -> None:
    track = reader(3)
    track.reject("4-0", "nonsense")
    assert track.last_id == "4-0"
    assert [(gap.from_id, gap.to_id, gap.reason) for gap in track.gaps] == [("3-0", "4-0", "rejected: nonsense")]
