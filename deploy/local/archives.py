"""`make replay` of an archive: what is asked for, and whose data it holds. Loaded for that alone: it reads Parquet."""

from collections.abc import Mapping
from pathlib import Path

from deploy.local import words
from deploy.local.process import CannotRun
from deploy.local.programs import ReplayRequest
from shared.archive.beginning import partitions
from shared.archive.journal import Damaged
from shared.archive.layout import TooNew
from shared.archive.reading import Archive, is_archive
from shared.archive.times import BadTime, parse


def replay_request(folder: Path, asked: Mapping[str, str], here: int) -> ReplayRequest:
    """The replay of an archive, or of a day or an hour of one, on so many partitions. Raises `CannotRun`."""
    if not is_archive(folder):
        raise CannotRun(words.text("no_archive", name=folder))
    try:
        archive = Archive(folder)
        keys, spread = {one.key for one in archive.snapshots("instruments:")}, partitions(archive)
    except (Damaged, TooNew, OSError) as error:
        raise CannotRun(str(error)) from error
    for name in ("FROM", "TO"):
        try:
            parse(asked.get(name, ""), 0)
        except BadTime as error:
            raise CannotRun(f"{name}: {error}") from error
    if spread not in (0, here):
        raise CannotRun(words.text("other_partitions", name=folder, spread=spread, here=here))
    options = [
        word for name in ("SPEED", "FROM", "TO") if asked.get(name) for word in (f"--{name.lower()}", asked[name])
    ]
    venues = sorted(key.partition(":")[2] for key in keys)
    return ReplayRequest({venue: [] for venue in venues}, {}, tuple(options), folder.resolve())
