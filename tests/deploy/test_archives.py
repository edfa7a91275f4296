"""What `make replay` makes of a folder."""

from pathlib import Path

import pytest

from deploy.local.archives import replay_request
from deploy.local.process import CannotRun
from shared.archive.records import Snapshot
from tests.shared.archive.made import T0, entries, sealed


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    """Of one exchange, over two partitions."""
    keys = ("instruments:alpha", "scan:{0}", "scan:{1}")
    sealed(tmp_path, 1, entries(), snapshots=[Snapshot(key, T0, b"") for key in keys])
    return tmp_path


def test_an_archive_is_played_for_the_exchanges_that_it_lists(archive: Path) -> None:
    request = replay_request(archive, {"SPEED": "max", "TO": "2026-01-01T00:10"}, 2)
    assert (list(request.files), request.archive) == (["alpha"], archive)
    assert request.options == ("--speed", "max", "--to", "2026-01-01T00:10")


@pytest.mark.parametrize("here", [1, 3])
def test_an_archive_of_another_number_of_partitions_is_refused(archive: Path, here: int) -> None:
    with pytest.raises(CannotRun, match="PARTITIONS=2"):
        replay_request(archive, {}, here)


@pytest.mark.parametrize("name", ["FROM", "TO"])
def test_what_is_no_time_is_refused_before_anything_starts(archive: Path, name: str) -> None:
    with pytest.raises(CannotRun, match=f"^{name}: 'noon' is no time: expected one like"):
        replay_request(archive, {name: "noon"}, 2)


def test_a_folder_that_is_no_archive_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CannotRun, match=str(tmp_path)):
        replay_request(tmp_path, {}, 1)
