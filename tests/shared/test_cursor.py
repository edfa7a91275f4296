"""What a reader missed, by Redis's own account."""

import json

from hypothesis import given
from hypothesis import strategies as st

from shared.cursor import START, Cursor, Standing, split_id


def read(cursor: Cursor, *ids: str) -> None:
    for entry_id in ids:
        cursor.enter(entry_id, *split_id(entry_id))
    cursor.rest()


def test_reading_everything_misses_nothing() -> None:
    cursor = Cursor("key")
    cursor.account(Standing(3, 3, "3-0", "1-0"))
    read(cursor, "1-0", "2-0", "3-0", "4-0")
    assert cursor.losses == []
    assert cursor.ordinal == 4


def test_entries_trimmed_ahead_of_the_reader_are_counted_at_once() -> None:
    cursor = Cursor("key")
    read(cursor, "1-0", "2-0")
    cursor.account(Standing(2, 2, "2-0", "1-0"))
    cursor.account(Standing(10, 3, "10-0", "8-0"))
    (loss,) = cursor.losses
    assert (loss.reason, loss.entries, loss.after_id, loss.before_id) == ("trimmed", 5, "2-0", "8-0")


def test_entries_trimmed_between_two_accounts_are_found_when_reading_has_passed_them() -> None:
    cursor = Cursor("key")
    read(cursor, "1-0")
    cursor.account(Standing(9, 9, "9-0", "1-0"))
    read(cursor, "7-0", "8-0")
    assert cursor.losses == []
    read(cursor, "9-0", "10-0")
    (loss,) = cursor.losses
    # nothing says where between what was found whole and where that was found out
    assert (loss.entries, loss.after_id, loss.before_id) == (5, "0-0", "9-0")
    cursor.account(Standing(10, 4, "10-0", "7-0"))
    assert len(cursor.losses) == 1
    cursor.account(Standing(15, 5, "15-0", "11-0"))
    read(cursor, "14-0", "15-0")
    assert [(one.entries, one.after_id, one.before_id) for one in cursor.losses[1:]] == [(3, "10-0", "15-0")]


def test_what_was_trimmed_while_an_older_account_was_awaited_is_counted_once() -> None:
    cursor = Cursor("key")
    read(cursor, "1-0", "2-0", "3-0")
    cursor.account(Standing(5, 5, "5-0", "1-0"))
    cursor.account(Standing(20, 1, "20-0", "20-0"))
    read(cursor, "20-0", "21-0")
    cursor.account(Standing(21, 2, "21-0", "20-0"))
    assert [(one.entries, one.before_id) for one in cursor.losses] == [(16, "20-0")]


def test_a_reader_that_joined_in_the_middle_learns_its_ordinal_and_then_counts() -> None:
    cursor = Cursor("key", "5-0")
    cursor.account(Standing(7, 3, "7-0", "5-0"))
    read(cursor, "6-0", "7-0")
    assert (cursor.losses, cursor.ordinal) == ([], 7)
    cursor.account(Standing(30, 2, "30-0", "29-0"))
    assert [loss.entries for loss in cursor.losses] == [21]


def test_a_stream_that_is_younger_than_the_position_is_read_from_its_start() -> None:
    cursor = Cursor("key", "50-0")
    cursor.account(Standing(2, 2, "20-0", "10-0"))
    assert [loss.reason for loss in cursor.losses] == ["redis_reset"]
    assert cursor.position == START


def test_a_stream_that_is_gone_is_read_from_its_start() -> None:
    cursor = Cursor("key", "50-0")
    cursor.account(None)
    assert [loss.reason for loss in cursor.losses] == ["redis_reset"]
    assert (cursor.position, cursor.ordinal) == (START, 0)


def test_a_stream_that_is_not_there_yet_is_no_loss() -> None:
    cursor = Cursor("key")
    cursor.account(None)
    read(cursor, "1-0")
    assert cursor.losses == []


def test_what_is_read_again_after_a_reset_is_dropped() -> None:
    cursor = Cursor("key")
    read(cursor, "1-0")
    assert cursor.memory.take("a", 0) == "new"
    cursor.reset(wiped=False)
    assert cursor.memory.take("a", 0) == "drop"
    assert cursor.memory.take("a", 1) == "new"


def test_missing_numbers_are_reported_after_five_seconds_of_the_stream() -> None:
    cursor = Cursor("key")
    for entry_id, seq in (("1000-0", 0), ("2000-0", 2)):
        read(cursor, entry_id)
        cursor.memory.take("a", seq, split_id(entry_id)[0])
    read(cursor, "7000-0")
    assert cursor.losses == []
    read(cursor, "7001-0")
    assert [loss.seqs for loss in cursor.losses] == [{"a": [1]}]


def test_a_reader_is_live_once_every_producer_must_have_been_heard() -> None:
    cursor = Cursor("key")
    read(cursor, "1000-0")
    read(cursor, "3999-0")
    assert not cursor.memory.live
    read(cursor, "4000-0")
    assert cursor.memory.live


def test_a_cursor_goes_on_from_what_it_dumped() -> None:
    cursor = Cursor("key")
    read(cursor, "1-0", "2-0")
    cursor.memory.take("a", 4)
    again = Cursor.load("key", json.loads(json.dumps(cursor.dump())))
    again.account(Standing(10, 3, "10-0", "8-0"))
    assert [loss.entries for loss in again.losses] == [5]
    assert again.memory.take("a", 4) == "drop"


@given(st.lists(st.tuples(st.sampled_from(["write", "trim", "read", "account"]), st.integers(1, 6)), max_size=60))
def test_what_was_trimmed_unread_is_counted_once_and_lies_where_the_loss_says(steps: list[tuple[str, int]]) -> None:
    cursor, stream, unread, lost, added = Cursor("key"), list[int](), set[int](), set[int](), 0
    for what, n in [*steps, ("write", 1), ("account", 1), ("read", 400), ("account", 1)]:
        if what == "write":
            fresh = range(added + 1, added + n + 1)
            added += n
            stream += fresh
            unread.update(fresh)
        elif what == "trim":
            lost |= unread.intersection(stream[:n])
            del stream[:n]
        elif what == "read":
            after = split_id(cursor.position)[0]
            found = [one for one in stream if one > after][:n]
            unread -= set(found)
            read(cursor, *(f"{one}-0" for one in found))
        elif added:
            cursor.account(Standing(added, len(stream), f"{added}-0", f"{stream[0]}-0" if stream else None))
    assert sum(loss.entries or 0 for loss in cursor.losses) == len(lost)
    for loss in cursor.losses:
        after, before = split_id(loss.after_id)[0], split_id(loss.before_id)[0] if loss.before_id else added
        assert len([one for one in lost if after < one <= before]) >= (loss.entries or 0)
