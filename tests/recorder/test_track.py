"""What a recorder missed: trimmed entries, lost batches, another Redis."""

from services.recorder.track import REPORT_AFTER_MS, Track

STREAM = "md:{0}:alpha:quote"


def reader(upto: int) -> Track:
    """A recorder that has read entries 1..upto of a stream that has these."""
    track = Track(STREAM, "one")
    track.account(upto, upto, f"{upto}-0", "1-0")
    for number in range(1, upto + 1):
        assert track.take(f"{number}-0", "p", number - 1)
    return track


def test_reading_everything_finds_no_gap() -> None:
    track = reader(10)
    track.account(10, 4, "10-0", "7-0")
    assert track.gaps == []


def test_entries_trimmed_before_they_were_read_are_a_gap_from_the_position_to_the_first_left() -> None:
    track = reader(10)
    track.account(30, 5, "30-0", "26-0")
    gap = track.gaps[0]
    assert (gap.from_id, gap.to_id, gap.missed_entries, gap.reason) == ("10-0", "26-0", 15, "trimmed")


def test_a_trimmed_gap_is_reported_once() -> None:
    track = reader(10)
    track.account(30, 5, "30-0", "26-0")
    for number in range(26, 31):
        track.take(f"{number}-0", "q", number)
    track.account(30, 5, "30-0", "26-0")
    assert len(track.gaps) == 1


def test_entries_that_were_skipped_unnoticed_show_once_the_end_is_reached() -> None:
    track = reader(10)
    track.take("15-0", "q", 0)
    track.account(15, 15, "15-0", "1-0")
    assert [gap.missed_entries for gap in track.gaps] == [4]


def test_a_first_start_counts_nothing_that_was_gone_before_it() -> None:
    track = Track(STREAM, "one")
    track.account(1000, 10, "1000-0", "991-0")
    assert track.gaps == []
    for number in range(991, 1001):
        track.take(f"{number}-0", "p", number)
    track.account(1000, 10, "1000-0", "991-0")
    assert track.gaps == []


def test_a_missing_batch_number_is_reported_after_it_had_time_to_come() -> None:
    track = reader(3)
    track.take("4-0", "p", 5)
    track.report_missing(4 + REPORT_AFTER_MS)
    assert track.gaps == []
    track.report_missing(5 + REPORT_AFTER_MS)
    assert [(gap.missing_seqs, gap.reason) for gap in track.gaps] == [({"p": [3, 4]}, "missing_seq")]
    track.report_missing(2 * REPORT_AFTER_MS)
    assert len(track.gaps) == 1


def test_a_missing_batch_that_comes_late_is_taken_and_not_reported() -> None:
    track = reader(3)
    track.take("4-0", "p", 4)
    assert track.take("5-0", "p", 3)
    track.report_missing(2 * REPORT_AFTER_MS)
    assert track.gaps == []


def test_a_batch_that_was_sent_twice_is_taken_once() -> None:
    track = reader(3)
    assert not track.take("4-0", "p", 2)


def test_a_position_goes_on_where_it_stopped() -> None:
    track = reader(3)
    again = Track(STREAM, "one", track.position())
    assert (again.last_id, again.ordinal) == ("3-0", 3)
    assert not again.take("4-0", "p", 2)
    assert again.gaps == []


def test_another_redis_is_a_gap_and_begins_anew() -> None:
    again = Track(STREAM, "two", reader(3).position())
    assert [(gap.from_id, gap.reason) for gap in again.gaps] == [("3-0", "redis_reset")]
    assert again.last_id == "0-0"


def test_a_stream_that_lost_its_end_is_a_gap_and_begins_anew() -> None:
    track = reader(3)
    track.account(1, 1, "1-0", "1-0")
    assert [gap.reason for gap in track.gaps] == ["redis_reset"]
    assert track.last_id == "0-0"
