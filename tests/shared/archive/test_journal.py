"""What was acknowledged is there, whatever cut the file; what is damaged is said."""

import resource
from collections.abc import Iterator
from pathlib import Path

import pytest

from shared.archive.journal import HEADER, MAGIC, Block, Damaged, Journal, blocks, frame, sound_size
from tests.shared.archive.made import entries

BLOCKS = [Block(entries(rounds=1)), Block(entries(rounds=1, first_ms=5)), Block(head=b"x")]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    made = Journal(tmp_path / "1.journal")
    for block in BLOCKS:
        made.append(block)
    made.close()
    return tmp_path / "1.journal"


def test_blocks_come_back_in_order(path: Path) -> None:
    assert list(blocks(path)) == BLOCKS


def test_a_file_cut_anywhere_keeps_its_whole_blocks_and_goes_on_behind_them(path: Path) -> None:
    whole, ends = path.read_bytes(), [len(MAGIC)]
    for block in BLOCKS:
        ends.append(ends[-1] + len(frame(block)))
    for cut in [*range(ends[0]), *(end + off for end in ends[:-1] for off in (0, 1, HEADER.size, HEADER.size + 9))]:
        path.write_bytes(whole[:cut])
        held = sum(end <= cut for end in ends[1:])
        assert list(blocks(path)) == BLOCKS[:held]
        again = Journal(path)
        again.append(BLOCKS[0])
        again.close()
        assert list(blocks(path)) == [*BLOCKS[:held], BLOCKS[0]]


def test_a_block_of_zeros_at_the_end_is_one_that_was_being_written(path: Path) -> None:
    path.write_bytes(path.read_bytes() + bytes(64))
    assert list(blocks(path)) == BLOCKS


@pytest.mark.parametrize("place", ["magic", "header", "payload"])
def test_damage_before_the_end_is_said(path: Path, place: str) -> None:
    data = bytearray(path.read_bytes())
    data[{"magic": 3, "header": len(MAGIC) + 2, "payload": len(MAGIC) + HEADER.size + 5}[place]] ^= 1
    path.write_bytes(data)
    with pytest.raises(Damaged, match=str(path)):
        list(blocks(path))
    with pytest.raises(Damaged):
        sound_size(path)


@pytest.fixture
def full_disk(path: Path) -> Iterator[None]:
    """No file may grow beyond what this one has, and a little."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (path.stat().st_size + 40, before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.mark.usefixtures("full_disk")
def test_what_cannot_be_written_leaves_the_file_as_it_was(path: Path) -> None:
    size = path.stat().st_size
    made = Journal(path)
    for _ in range(2):
        with pytest.raises(OSError, match="File too large"):
            made.append(BLOCKS[0])
        assert path.stat().st_size == size
    resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    made.append(BLOCKS[0])
    made.close()
    assert list(blocks(path)) == [*BLOCKS, BLOCKS[0]]
