"""An archive gives every entry once and in order: in Parquet, in the journal, on the way from one to the other."""

import shutil
from pathlib import Path

import duckdb
import msgspec
import pytest

from services.archiver.seal import seal
from shared.archive import layout
from shared.archive.journal import Damaged
from shared.archive.layout import MANIFEST, TooNew
from shared.archive.reading import Archive, is_archive
from shared.archive.records import HOUR_MS, Gap, Snapshot
from shared.archive.rows import item_of
from tests.shared.archive.made import EVENTS, T0, entries, journal, sealed

FIRST = entries(T0 + HOUR_MS - 500, rounds=4)
SECOND = entries(T0 + HOUR_MS + 1000, rounds=3)
ITEMS = [item_of(entry) for entry in [*FIRST, *SECOND]]
GAP = Gap("md:{0}:alpha:quote", "1-0", T0 + HOUR_MS + 400, 3, "trimmed")
SNAPSHOT = Snapshot("scan:{0}", T0 + HOUR_MS - 1, b"state")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Two segments, the first over an hour's end; the first is Parquet."""
    sealed(tmp_path, 1, FIRST, gaps=[GAP], snapshots=[SNAPSHOT])
    journal(tmp_path, 2, SECOND)
    return tmp_path


def test_parquet_and_journal_are_one_sequence(root: Path) -> None:
    archive = Archive(root)
    assert list(archive.items()) == ITEMS
    assert archive.span == (FIRST[0].ms, SECOND[-1].ms)
    assert archive.gaps() == [GAP]
    assert list(archive.snapshots("scan:")) == [SNAPSHOT]
    assert list(archive.snapshots("instruments:")) == []


def test_a_range_and_kinds_are_a_part_of_it(root: Path) -> None:
    found = list(Archive(root).items(T0 + HOUR_MS, T0 + HOUR_MS + 1250, ("mark", "signal")))
    wanted = [one for one in ITEMS if T0 + HOUR_MS <= one[0] < T0 + HOUR_MS + 1250]
    assert found == [one for one in wanted if one[1].endswith(":mark") or one[1].startswith("signals")]


def test_an_hours_folder_means_that_hour_of_the_whole(root: Path) -> None:
    hour = layout.hour_path(root, T0 // HOUR_MS)
    assert is_archive(hour)
    assert Archive(hour).root == root
    assert Archive(hour).asked == (T0, T0 + HOUR_MS)
    assert Archive(hour.parent).asked == (T0, T0 + 2 * HOUR_MS)
    assert not is_archive(root.parent / "nothing")


@pytest.mark.parametrize("half_done", [False, True])
def test_what_becomes_parquet_after_one_looked_is_read_from_there(tmp_path: Path, half_done: bool) -> None:
    path = journal(tmp_path, 1, FIRST, gaps=[GAP], snapshots=[SNAPSHOT])
    journal(tmp_path, 2, SECOND)
    if half_done:  # its first hour is sealed when one looks, its second one is not
        kept = shutil.copy(path, tmp_path / "kept")
        seal(tmp_path, 1)
        shutil.rmtree(layout.hour_path(tmp_path, T0 // HOUR_MS + 1))
        shutil.copy(kept, path)
    assert list(Archive(tmp_path).items()) == ITEMS
    looked = [Archive(tmp_path) for _ in range(4)]
    for segment in (1, 2):
        seal(tmp_path, segment)
    assert list(looked[0].items()) == ITEMS
    assert list(looked[1].snapshots("scan:")) == [SNAPSHOT]
    assert looked[2].gaps() == [GAP]
    assert looked[3].span == (FIRST[0].ms, SECOND[-1].ms)


def test_a_kill_anywhere_in_sealing_doubles_and_loses_nothing(root: Path) -> None:
    path = layout.journal_path(root, 2)
    kept = root / "kept"
    shutil.copy(path, kept)
    seal(root, 2)
    assert list(Archive(root).items()) == ITEMS
    shutil.copy(kept, path)  # killed before the journal went
    assert list(Archive(root).items()) == ITEMS
    folder = layout.hour_path(root, T0 // HOUR_MS + 1)
    manifest = layout.read_manifest(folder)
    assert manifest is not None
    earlier = [file for file in manifest.files if file.segment == 1]
    layout.write_manifest(folder, msgspec.structs.replace(manifest, segments=[1], files=earlier))
    assert list(Archive(root).items()) == ITEMS  # killed before the manifest named its files
    (folder / ".quote-0000000002.parquet.1").write_bytes(b"half")
    seal(root, 2)
    assert list(Archive(root).items()) == ITEMS
    assert not layout.journals(root)
    assert not list(folder.glob(".*"))


def test_an_independent_reader_finds_the_same_rows(root: Path) -> None:
    quotes = duckdb.read_parquet(f"{root}/*/*/quote-*.parquet").order("id_ms, venue, n")
    columns = "id_ms, id_seq, venue, producer, batch, n, event, symbol, bid, ask_size, recv, state"
    found = [row for row in quotes.select(columns).fetchall() if row[2] == "alpha" and row[0] == FIRST[0].ms]
    start = (FIRST[0].ms, 0, "alpha", "alpha-1", 0)
    assert found == [
        (*start, 0, "q", "BTC/USDT:USDT", "43250.10", "0.3", 18, None),
        (*start, 1, "q", "BTC/USDT:USDT", None, "2", 19, None),
        (*start, 2, "x", None, None, None, 20, "down"),
    ]
    rows = duckdb.read_parquet(f"{root}/*/*/quote-*.parquet").aggregate("count(*)").fetchall()
    assert rows == [(2 * (2 * len(EVENTS["quote"]) + 2),)]


@pytest.mark.parametrize("harm", ["half", "changed", "gone"])
def test_a_file_that_is_not_what_was_written_is_noticed(root: Path, harm: str) -> None:
    path = next(root.glob("*/*/quote-*.parquet"))
    data = path.read_bytes()
    if harm == "gone":
        path.unlink()
    else:
        changed = data[: len(data) // 2] if harm == "half" else data[:-20] + bytes([data[-20] ^ 1]) + data[-19:]
        path.write_bytes(changed)
    with pytest.raises(Damaged, match=r"quote-0000000001\.parquet is damaged"):
        list(Archive(root).items())


def test_a_manifest_that_is_none_or_too_new_is_refused(root: Path) -> None:
    path = next(root.glob(f"*/*/{MANIFEST}"))
    data = path.read_bytes()
    path.write_bytes(data[:100])
    with pytest.raises(Damaged, match="it is no manifest"):
        Archive(root)
    path.write_bytes(data.replace(b'"schema": 1', b'"schema": 2', 1))
    with pytest.raises(TooNew, match="use the newer version"):
        Archive(root)


def test_damage_in_the_journal_ends_the_segment_with_a_gap(root: Path) -> None:
    path = layout.journal_path(root, 2)
    data = bytearray(path.read_bytes())
    data[len(data) * 2 // 3] ^= 1
    path.write_bytes(data)
    with pytest.raises(Damaged):
        list(Archive(root).items())
    seal(root, 2)
    found = list(Archive(root).items())
    assert found == ITEMS[: len(found)]
    assert len(FIRST) < len(found) < len(ITEMS)
    assert [(gap.stream, gap.reason.partition(":")[0]) for gap in Archive(root).gaps()][-1] == ("*", "damaged")
