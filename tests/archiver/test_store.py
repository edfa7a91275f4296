"""What a start finds, and what is let go when there is too much."""

from pathlib import Path

import pytest

from services.archiver.store import Store, retain, take_lock
from services.archiver.stream import Stream
from shared.archive import layout
from shared.archive.journal import Block
from shared.archive.reading import Archive
from shared.archive.records import HOUR_MS, Entry, Gap
from shared.codec import encode_batch
from shared.cursor import REPORT_AFTER_MS, START, Standing
from shared.streams import market_data
from tests.shared.archive.made import EVENTS, T0, entries, sealed

KEY = market_data(0, "alpha", "quote")


def entry(ms: int, seq: int) -> Entry:
    return Entry(KEY, ms, 0, encode_batch("alpha-1", seq, EVENTS["quote"]))


def test_an_account_goes_on_where_the_last_whole_block_ended(tmp_path: Path) -> None:
    (tmp_path / layout.JOURNAL).mkdir()
    first = Store(tmp_path)
    assert first.is_new
    first.floor = f"{T0}-0"
    first.roll("redis-1", T0, Block())
    for number in range(3):
        one = entry(T0 + number, number)
        assert first.stream(KEY).recall(one)
        first.append(Block([one]))
    first.close()
    path = layout.journal_path(tmp_path, 1)
    path.write_bytes(path.read_bytes()[:-3])
    second = Store(tmp_path)
    assert (second.incarnation, second.segment) == ("redis-1", 1)
    assert second.stream(KEY).kept.position == f"{T0 + 1}-0"
    assert second.stream(KEY).recall(entry(T0 + 2, 2))
    assert not second.stream(KEY).recall(entry(T0 + 3, 2)), "a number that was seen is a batch sent twice"
    second.close()


def killed_after(root: Path, *blocks: Block) -> Stream:
    """The account of the stream that the next archiver finds; the first one had read it from its first entry on."""
    (root / layout.JOURNAL).mkdir()
    first = Store(root)
    first.floor = f"{T0}-0"
    first.stream(KEY).account(None)
    first.roll("redis-1", T0, Block())
    for block in blocks:
        first.append(block)
    first.close()
    second = Store(root)
    second.close()
    return second.stream(KEY)


@pytest.mark.parametrize("told", [True, False])
def test_batches_that_never_came_are_told_once_whoever_is_killed(tmp_path: Path, told: bool) -> None:
    gaps = [Gap(KEY, f"{T0}-0", T0, None, "missing", {"alpha-1": [1, 2]})] if told else []
    late = entry(T0 + 2 * REPORT_AFTER_MS, 4)
    stream = killed_after(tmp_path, Block([entry(T0, 0), entry(T0 + 1, 3)]), Block([late], gaps))
    stream.rest()
    assert [gap.seqs for gap in stream.gaps] == ([] if told else [{"alpha-1": [1, 2]}])


def test_what_was_trimmed_is_told_once_whoever_is_killed(tmp_path: Path) -> None:
    gap = Gap(KEY, f"{T0}-0", T0, 8, "trimmed")
    stream = killed_after(tmp_path, Block([entry(T0, 0)]), Block([entry(T0 + 9, 9)], [gap]))
    stream.account(Standing(10, 1, f"{T0 + 9}-0", f"{T0 + 9}-0"))
    assert stream.gaps == []
    stream.account(Standing(13, 1, f"{T0 + 12}-0", f"{T0 + 12}-0"))
    assert [one.entries for one in stream.gaps] == [2]


def test_that_redis_lost_its_data_is_told_once_of_a_stream_that_has_been_silent_since(tmp_path: Path) -> None:
    (tmp_path / layout.JOURNAL).mkdir()
    first = Store(tmp_path)
    first.floor = f"{T0}-0"
    stream = first.stream(KEY)
    stream.account(None)
    one = entry(T0 + 1, 0)
    stream.hold(one)
    assert stream.keep(one)
    stream.begin_anew()
    assert [gap.reason for gap in stream.gaps] == ["redis_reset"]
    first.roll("redis-2", T0 + 2, Block())
    first.close()
    second = Store(tmp_path)
    second.close()
    again = second.stream(KEY)
    again.account(None)
    again.rest()
    assert again.gaps == []


def test_a_segment_that_was_killed_as_it_began_is_passed_over(tmp_path: Path) -> None:
    (tmp_path / layout.JOURNAL).mkdir()
    first = Store(tmp_path)
    first.floor = f"{T0}-0"
    first.roll("redis-1", T0, Block())
    first.append(Block([entry(T0, 0)]))
    first.close()
    layout.journal_path(tmp_path, 2).write_bytes(b"parallax jou")
    again = Store(tmp_path)
    assert again.segment == 1
    assert list(layout.journals(tmp_path)) == [1]
    again.close()


def test_without_its_journal_an_archive_goes_on_behind_its_last_entry(tmp_path: Path) -> None:
    sealed(tmp_path, 4, entries())
    store = Store(tmp_path)
    assert store.segment == 4
    assert not store.is_new
    assert store.floor.startswith(f"{entries()[-1].ms}-")


def test_only_one_process_writes(tmp_path: Path) -> None:
    held = take_lock(tmp_path)
    assert held is not None
    assert take_lock(tmp_path) is None
    held.close()
    again = take_lock(tmp_path)
    assert again is not None
    again.close()


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Four hours."""
    for number in range(4):
        sealed(tmp_path, number + 1, entries(T0 + number * HOUR_MS))
    return tmp_path


def kept(root: Path) -> list[int]:
    return [hour - T0 // HOUR_MS for hour in layout.hours(root)]


def test_hours_go_by_their_age(root: Path) -> None:
    retain(root, T0 // HOUR_MS + 2, 1 << 40)
    assert kept(root) == [2, 3]
    assert len(list(Archive(root).items())) == 2 * len(entries())


def test_the_oldest_hours_go_while_there_is_too_much_and_the_newest_stays(root: Path) -> None:
    one = retain(root, 0, 1 << 40) // 4
    assert retain(root, 0, one * 2.5) <= one * 2.5
    assert kept(root) == [2, 3]
    assert retain(root, 0, 0) > 0
    assert kept(root) == [3]


def test_an_hour_whose_removal_was_cut_off_is_removed(root: Path) -> None:
    hour = layout.hour_path(root, T0 // HOUR_MS)
    hour.rename(hour.with_name("00.gone"))
    retain(root, 0, 1 << 40)
    assert not hour.with_name("00.gone").exists()


def test_a_lost_position_is_no_position_of_redis(tmp_path: Path) -> None:
    (tmp_path / layout.JOURNAL).mkdir()
    assert Store(tmp_path).floor == START
