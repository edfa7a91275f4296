"""An archive read back: its entries in their order, from Parquet and from the journal alike.

Theory of operation. The archiver cuts the order into segments: whatever is in one comes before all that is in the
next. A segment is in the journal, or it is Parquet, in the hours that its ids fall into; while it is being turned from
one into the other, an hour's manifest says which counts; a journal that has gone since an archive was looked at is read
from the hours that it went into. Within a segment and hour each kind is a file in order, so
the kinds are merged: a reader holds a piece of each at a time, however long the range.
"""

import heapq
from collections.abc import Collection, Iterator
from itertools import chain
from pathlib import Path
from typing import Final

import msgspec

from shared.archive import journal, layout, parquet
from shared.archive.journal import Block
from shared.archive.layout import File, Manifest
from shared.archive.records import HOUR_MS, Gap, Snapshot, split_key
from shared.archive.rows import KINDS, SNAPSHOT, Item, item_of, items_of

END_MS: Final = 1 << 62


class Part(msgspec.Struct, frozen=True):
    """A stretch of the order: one segment's part of one hour in Parquet, or a segment in the journal."""

    segment: int
    hour: int
    files: tuple[File, ...] = ()
    journal: Path | None = None


class Archive:
    """The archive that a folder is, or is a day or an hour of, as it stands now. `asked`: the ms that are meant.

    Raises `journal.Damaged`, `layout.TooNew`, `OSError`; so do its methods.
    """

    def __init__(self, folder: Path) -> None:
        self.root, self.asked = _place(folder)
        self.manifests: dict[int, Manifest] = {}
        # journals first: what becomes Parquet while we look is then found twice, and counted once
        found = layout.journals(self.root)
        for hour, path in layout.hours(self.root).items():
            manifest = layout.read_manifest(path)
            if manifest is not None:
                self.manifests[hour] = manifest
        # hours are sealed in order: what is left of a segment in the journal comes behind them
        parts = [Part(segment, END_MS, journal=path) for segment, path in found.items()]
        for hour, manifest in self.manifests.items():
            for segment in manifest.segments:
                files = tuple(file for file in manifest.files if file.segment == segment)
                parts.append(Part(segment, hour, files))
        self.parts = sorted(parts, key=lambda part: (part.segment, part.hour))

    @property
    def span(self) -> tuple[int, int] | None:
        """The ms of the first and the last entry; None where there is none."""
        first = last = None
        for part, blocks in self._parts():
            for file in part.files:
                if file.kind != SNAPSHOT:
                    low, high = int(file.first_id.partition("-")[0]), int(file.last_id.partition("-")[0])
                    first, last = min(first or low, low), max(last or high, high)
            for block in blocks:
                for entry in block.entries:
                    first, last = min(first or entry.ms, entry.ms), max(last or entry.ms, entry.ms)
        return None if first is None or last is None else (first, last)

    def items(self, from_ms: int = 0, to_ms: int = END_MS, kinds: Collection[str] = KINDS) -> Iterator[Item]:
        """The entries with `from_ms` <= ms < `to_ms`, in order."""
        for part, blocks in self._parts():
            for item in self._of(part, blocks, from_ms, to_ms, kinds):
                if from_ms <= item[0] < to_ms:
                    yield item

    def snapshots(self, prefix: str) -> Iterator[Snapshot]:
        """What stood at the keys that begin so, oldest first."""
        for part, blocks in self._parts():
            for file in part.files:
                if file.kind == SNAPSHOT:
                    for chunk in parquet.read(self._checked(part, file)):
                        rows = zip(chunk["key"], chunk["id_ms"], chunk["data"], strict=True)
                        yield from (Snapshot(*row) for row in rows if row[0].startswith(prefix))
            said = chain.from_iterable(block.snapshots for block in blocks)
            found = (one for one in said if one.key.startswith(prefix))
            yield from (one for one in found if not self._sealed(part, one.ms))

    def gaps(self) -> list[Gap]:
        """What is missing, oldest first."""
        found = [gap for manifest in self.manifests.values() for gap in manifest.gaps]
        for part in self.parts:
            if part.journal is not None:
                blocks = _opened(part.journal)
                if blocks is None:
                    return Archive(self.root).gaps()  # an hour's are of all its segments
                said = chain.from_iterable(block.gaps for block in blocks)
                found += [gap for gap in said if not self._sealed(part, gap.at_ms)]
        return sorted(found, key=lambda gap: (gap.at_ms, gap.stream))

    def _parts(self) -> Iterator[tuple[Part, Iterator[Block]]]:
        """The parts in order, each with what the journal says of it."""
        for part in self.parts:
            blocks = iter(()) if part.journal is None else _opened(part.journal)
            if blocks is not None:
                yield part, blocks
            else:
                yield from ((one, iter(())) for one in self._become(part.segment))

    def _become(self, segment: int) -> Iterator[Part]:
        """What a segment has become since we looked, in the hours that did not have it then."""
        for hour, path in layout.hours(self.root).items():
            manifest, before = layout.read_manifest(path), self.manifests.get(hour)
            if manifest is None or segment not in manifest.segments:
                continue
            if before is None or segment not in before.segments:
                yield Part(segment, hour, tuple(file for file in manifest.files if file.segment == segment))

    def _of(
        self, part: Part, blocks: Iterator[Block], from_ms: int, to_ms: int, kinds: Collection[str]
    ) -> Iterator[Item]:
        if part.journal is not None:
            for block in blocks:
                for entry in block.entries:
                    if split_key(entry.key)[2] in kinds and not self._sealed(part, entry.ms):
                        yield item_of(entry)
            return
        if (part.hour + 1) * HOUR_MS <= from_ms or part.hour * HOUR_MS >= to_ms:
            return
        wanted = [file for file in part.files if file.kind in kinds]
        streams = [items_of(file.kind, parquet.read(self._checked(part, file))) for file in wanted]
        yield from heapq.merge(*streams, key=lambda item: item[:3])

    def _checked(self, part: Part, file: File) -> Path:
        return layout.check(layout.hour_path(self.root, part.hour), file)

    def _sealed(self, part: Part, ms: int) -> bool:
        """Whether what a segment says of this moment is Parquet by now."""
        manifest = self.manifests.get(ms // HOUR_MS)
        return manifest is not None and part.segment in manifest.segments


def _opened(path: Path) -> Iterator[Block] | None:
    """The blocks of a journal, which is read to its end whatever becomes of its name; None where it has gone."""
    found = journal.blocks(path)
    try:
        first = next(found, None)
    except FileNotFoundError:
        return None
    return found if first is None else chain((first,), found)


def is_archive(path: Path) -> bool:
    """Whether a path is an archive, or a day or an hour of one."""
    hours = (layout.MANIFEST, f"*/{layout.MANIFEST}", f"*/*/{layout.MANIFEST}")
    return path.is_dir() and any(any(path.glob(name)) for name in (*hours, f"{layout.JOURNAL}/*.journal"))


def _place(folder: Path) -> tuple[Path, tuple[int, int]]:
    """The archive that a folder is (part of), and the ms that it means."""
    folder = folder.resolve()
    for root in (folder.parent.parent, folder.parent):
        inside = [hour for hour, path in layout.hours(root).items() if folder in (path, path.parent)]
        if inside:
            return root, (min(inside) * HOUR_MS, (max(inside) + 1) * HOUR_MS)
    return folder, (0, END_MS)
