"""A segment of the journal becomes Parquet, by hour and kind. A process of its own, gone when it is done.

    python -m services.archiver.seal ARCHIVE SEGMENT

Done again after a kill it makes the same files under the same names; an hour's manifest names them once all of that
hour are on the disk, and the journal goes last. So a reader finds each entry once at any moment.
"""

import fcntl
import os
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import msgspec

from shared.archive import journal, layout, parquet
from shared.archive.journal import Block, Damaged
from shared.archive.layout import File, Manifest
from shared.archive.records import HOUR_MS, Entry, Gap, Snapshot, split_key
from shared.archive.rows import SNAPSHOT, Columns, Unfit, columns_of, rows_of

CHUNK_ROWS: Final = 16_384
LOCK: Final = "seal.lock"


def seal(root: Path, segment: int) -> list[File]:
    """Turn one segment into Parquet and remove it from the journal; returns the files. Raises `OSError`, `TooNew`.

    Damage ends the segment where it begins, and becomes a gap of every stream.
    """
    with _alone(root):
        path = layout.journal_path(root, segment)
        if not path.exists():
            return []
        reading = Reading(path)
        hours, kinds = reading.survey()
        made: list[File] = []
        for hour in sorted(hours):
            made += _seal_hour(root, segment, hour, sorted(kinds), reading)
        path.unlink()
        layout.sync_folder(path.parent)
        return made


class Reading:
    """A segment, read as often as there are kinds: a kind at a time is held, never the whole."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.damage: Damaged | None = None
        self.gaps: list[Gap] = []
        self.snapshots: list[Snapshot] = []

    def survey(self) -> tuple[set[int], set[str]]:
        """The hours and kinds that it holds; collects the gaps and snapshots on the way."""
        hours: set[int] = set()
        keys: set[str] = set()
        last = 0
        for block in self.blocks():
            self.gaps += block.gaps
            self.snapshots += block.snapshots
            for entry in block.entries:
                keys.add(entry.key)
                last = max(last, entry.ms)
                hours.add(entry.ms // HOUR_MS)
        hours |= {gap.at_ms // HOUR_MS for gap in self.gaps} | {one.ms // HOUR_MS for one in self.snapshots}
        if self.damage is not None:
            self.gaps.append(Gap("*", f"{last}-0", last, None, f"damaged: {self.damage.what}"[:200]))
        return hours, {split_key(key)[2] for key in keys}

    def blocks(self) -> Iterator[Block]:
        try:
            yield from journal.blocks(self.path)
        except Damaged as error:
            self.damage = error


def _seal_hour(root: Path, segment: int, hour: int, kinds: Iterable[str], reading: Reading) -> list[File]:
    folder = layout.hour_path(root, hour)
    folder.mkdir(parents=True, exist_ok=True)
    layout.sync_folder(folder.parent)
    manifest = layout.read_manifest(folder) or Manifest(hour=layout.hour_name(hour))
    if segment in manifest.segments:
        return []
    found, gaps = [], [gap for gap in reading.gaps if gap.at_ms // HOUR_MS == hour]
    for kind in kinds:
        count = Count()
        entries = (entry for block in reading.blocks() for entry in block.entries)
        chunks = count.chunks(kind, (entry for entry in entries if entry.ms // HOUR_MS == hour))
        found += _written(folder, kind, segment, chunks, count)
        gaps += count.rejected
    found += _snapshots(folder, segment, [one for one in reading.snapshots if one.ms // HOUR_MS == hour])
    layout.write_manifest(
        folder,
        msgspec.structs.replace(
            manifest,
            segments=[*manifest.segments, segment],
            files=[*manifest.files, *found],
            gaps=[*manifest.gaps, *gaps],
        ),
    )
    return found


class Count:
    """What passes on its way into a file."""

    def __init__(self) -> None:
        self.rows = self.entries = 0
        self.first = self.last = ""
        self.rejected: list[Gap] = []

    def chunks(self, kind: str, entries: Iterable[Entry]) -> Iterator[Columns]:
        held: list[tuple[Any, ...]] = []
        for entry in entries:
            if split_key(entry.key)[2] != kind:
                continue
            try:
                rows = rows_of(entry)
            except (msgspec.DecodeError, Unfit) as error:
                name = f"{entry.ms}-{entry.seq}"
                self.rejected.append(Gap(entry.key, name, entry.ms, 1, f"rejected: {error}"[:200]))
                continue
            held += rows
            self.entries += 1
            self.last = f"{entry.ms}-{entry.seq}"
            self.first = self.first or self.last
            if len(held) >= CHUNK_ROWS:
                self.rows += len(held)
                yield columns_of(kind, held)
                held = []
        if held:
            self.rows += len(held)
            yield columns_of(kind, held)


def _written(folder: Path, kind: str, segment: int, chunks: Iterable[Columns], count: Count) -> list[File]:
    """The file of one kind, if there is anything to put into it."""
    name = layout.file_name(kind, segment)
    temporary = folder / f".{name}.{os.getpid()}"
    parquet.write(temporary, kind, chunks)
    if not count.rows:
        temporary.unlink()
        return []
    digest, size = layout.sum_of(temporary), temporary.stat().st_size
    layout.put(temporary, folder / name)
    return [
        File(
            name=name,
            kind=kind,
            segment=segment,
            rows=count.rows,
            entries=count.entries,
            first_id=count.first,
            last_id=count.last,
            bytes=size,
            sha256=digest,
        )
    ]


def _snapshots(folder: Path, segment: int, snapshots: list[Snapshot]) -> list[File]:
    count = Count()
    count.rows = count.entries = len(snapshots)
    if snapshots:
        count.first, count.last = f"{snapshots[0].ms}-0", f"{snapshots[-1].ms}-0"
    rows = [(one.ms, one.key, one.data) for one in snapshots]
    return _written(folder, SNAPSHOT, segment, [columns_of(SNAPSHOT, rows)] if rows else [], count)


@contextmanager
def _alone(root: Path) -> Iterator[None]:
    """One at a time writes manifests; a sealer may outlive its archiver."""
    with (root / layout.JOURNAL / LOCK).open("ab") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        for left in root.glob("*/*/.*.parquet.*"):
            left.unlink()  # of one that was killed
        for left in root.glob(f"*/*/.{layout.MANIFEST}.*"):
            left.unlink()
        yield


def main(root: str, segment: str) -> int:
    os.nice(10)  # whoever follows the streams goes first
    seal(Path(root), int(segment))
    return 0


if __name__ == "__main__":
    raise SystemExit(main(*sys.argv[1:]))
