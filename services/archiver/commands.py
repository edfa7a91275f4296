"""The archive's commands for people: what is in it, and Parquet of all of it.

Exit codes: 0, 1 for damage, 2 for an input that cannot be used.
"""

import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final, TypeVar

from rich.console import Console
from rich.progress import track

from services.archiver import player
from services.archiver.seal import seal
from services.archiver.store import Store, take_lock
from shared.archive import layout
from shared.archive.journal import Block, Damaged, blocks
from shared.archive.layout import TooNew
from shared.archive.reading import Archive, is_archive
from shared.archive.times import moment
from shared.config import SettingError, load

T = TypeVar("T")

USAGE: Final = "expected no argument, or: check [ARCHIVE] | seal [ARCHIVE] | replay ARCHIVE …"


def main(arguments: list[str]) -> int:
    command, *rest = arguments
    if command == "replay":
        return player.main(rest)
    if command not in ("check", "seal") or len(rest) > 1:
        print(f"_archiver: {USAGE}", file=sys.stderr)
        return 2
    try:
        folder = Path(rest[0]) if rest else load().archive_path
        if not is_archive(folder):
            print(f"{folder} is no archive: nothing is archived there.", file=sys.stderr)
            return 2
        return check(folder) if command == "check" else seal_all(folder)
    except (SettingError, TooNew) as error:
        print(error, file=sys.stderr)
        return 2
    except (Damaged, OSError) as error:
        print(error, file=sys.stderr)
        return 1


def _shown(work: Sequence[T], what: str) -> Iterable[T]:
    """The work, with a bar where somebody looks on."""
    return track(work, what, console=Console(stderr=True), transient=True, disable=not sys.stderr.isatty())


def check(folder: Path) -> int:
    """Read every file and say what there is. Prints each damage; 1 if there is any."""
    archive = Archive(folder)
    wrong: list[str] = []
    rows = entries = size = 0
    files = [(hour, file) for hour, manifest in archive.manifests.items() for file in manifest.files]
    for hour, file in _shown(files, "files"):
        rows, entries, size = rows + file.rows, entries + file.entries, size + file.bytes
        try:
            layout.check(layout.hour_path(archive.root, hour), file)
        except Damaged as error:
            wrong.append(str(error))
    waiting = 0
    for part in archive.parts:
        if part.journal is not None:
            try:
                waiting += sum(len(block.entries) for block in blocks(part.journal))
            except Damaged as error:
                wrong.append(str(error))
    print(f"{folder}: {entries} entries in {rows} rows, {size} bytes of Parquet; {waiting} entries in the journal")
    if not wrong and (span := archive.span) is not None:
        print(f"from {moment(span[0])} to {moment(span[1])}")
        for gap in archive.gaps():
            lost = "" if gap.entries is None else f", {gap.entries} entries"
            print(f"missing at {moment(gap.at_ms)}: {gap.stream} after {gap.after_id} ({gap.reason}{lost})")
    for line in wrong:
        print(line, file=sys.stderr)
    return 1 if wrong else 0


def seal_all(folder: Path) -> int:
    """Parquet of everything, also of the segment that a next run would have gone on with."""
    root = Archive(folder).root
    lock = take_lock(root)
    if lock is None:
        print(f"{root} is being written: what has ended becomes Parquet by itself.", file=sys.stderr)
        return 2
    with lock:
        store = Store(root)
        if store.is_open:
            store.roll(store.incarnation, 0, Block())  # with the account to go on from
        for segment in _shown(store.unsealed(), "segments"):
            for file in seal(root, segment):
                print(f"{file.name}: {file.rows} rows, {file.bytes} bytes")
        store.close()
    return 0
