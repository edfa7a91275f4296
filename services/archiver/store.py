"""The archive's writing side: the journal with its segments, what a start finds there, what is let go.

A segment ends with ten minutes of Redis's clock, or when it is large. The next one begins with the account as it
stands, on the disk before the old one is touched again, so that any kill leaves a newest segment to go on from.
"""

import fcntl
import logging
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any, Final

import msgspec

from services.archiver.stream import Stream
from shared.archive import journal, layout
from shared.archive.journal import Block, Damaged, Journal
from shared.archive.records import Entry
from shared.cursor import LAST_SEQ, START, Cursor, split_id

LOG: Final = logging.getLogger(__name__)
SEGMENT_MS: Final = 600_000
SEGMENT_BYTES: Final = 128 << 20
LOCK: Final = "archiver.lock"
GONE: Final = ".gone"


class Head(msgspec.Struct, frozen=True):
    """The account with which a segment begins: whose entries they are, how far each stream is archived, and where
    streams begin that are not among them."""

    incarnation: str
    floor: str
    streams: dict[str, dict[str, Any]]


def take_lock(root: Path) -> IO[bytes] | None:
    """The held lock of an archive, or None where another process writes to it. Raises `OSError`."""
    (root / layout.JOURNAL).mkdir(parents=True, exist_ok=True)
    handle = (root / layout.JOURNAL / LOCK).open("ab")
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        handle.close()
        return None
    return handle


class Store:
    """An archive of which this process holds the lock. Methods raise `OSError`; what they were to write is not lost
    by that, the caller has it still."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.incarnation = ""
        self.accounts: dict[str, Stream] = {}
        #: where streams begin that no account knows; START: nothing was ever archived here
        self.floor = START
        self._journal: Journal | None = None
        self._due = 0
        self.segment = self._recover()

    def stream(self, key: str, after: str = START) -> Stream:
        """The account of a stream, as it was left; of one that nobody knew, from `after` on."""
        found = self.accounts.get(key)
        if found is None:
            found = self.accounts[key] = Stream(key, max(self.floor, after, key=split_id))
        return found

    @property
    def reached(self) -> str:
        """The id behind which whatever comes next is put."""
        return max((stream.kept.position for stream in self.accounts.values()), key=split_id, default=START)

    @property
    def is_open(self) -> bool:
        """Whether there is a segment to append to; `roll` begins one."""
        return self._journal is not None

    @property
    def is_new(self) -> bool:
        """Whether nothing was ever archived here."""
        return self.floor == START

    def is_due(self, now_ms: int) -> bool:
        """Whether the present segment ends here."""
        if self._journal is None:
            return False
        self._due = self._due or now_ms // SEGMENT_MS
        return now_ms // SEGMENT_MS != self._due or self._journal.size > SEGMENT_BYTES

    def append(self, block: Block) -> None:
        assert self._journal is not None  # `roll` begins one
        self._journal.append(block)

    def roll(self, incarnation: str, now_ms: int, block: Block) -> None:
        """End the present segment and begin the next one, with this block."""
        head = Head(incarnation, self.floor, {key: stream.dump() for key, stream in self.accounts.items()})
        path = layout.journal_path(self.root, self.segment + 1)
        path.unlink(missing_ok=True)  # of an attempt that failed
        begun = Journal(path)
        try:
            begun.append(msgspec.structs.replace(block, head=msgspec.json.encode(head)))
            layout.sync_folder(path.parent)
        except OSError:
            begun.close()
            path.unlink(missing_ok=True)
            raise
        self.close()
        self._journal, self.segment, self.incarnation = begun, self.segment + 1, incarnation
        self._due = now_ms // SEGMENT_MS

    def close(self) -> None:
        if self._journal is not None:
            self._journal.close()
            self._journal = None

    def unsealed(self) -> list[int]:
        """The segments that have ended and are not Parquet yet."""
        present = self.segment if self._journal is not None else None
        return [segment for segment in layout.journals(self.root) if segment != present]

    def _recover(self) -> int:
        """Take up the accounts of the newest segment. Returns its number."""
        found = layout.journals(self.root)
        for segment, path in reversed(found.items()):
            try:
                first = next(journal.blocks(path), None)
            except Damaged as error:
                LOG.error("%s: it becomes a gap", error)
                first = None
            if first is None or first.head is None:
                path.unlink()  # killed as it began, when nothing had been read into it
                continue
            self._recall(path, first.head)
            return segment
        sealed = [file for folder in layout.hours(self.root).values() for file in _files(folder)]
        if sealed:
            last_ms = max(int(file.last_id.partition("-")[0]) for file in sealed)
            self.floor = f"{last_ms}-{LAST_SEQ}"
            LOG.warning("The archive's journal is gone: the streams are read on from %s", self.floor)
        return max((file.segment for file in sealed), default=0)

    def _recall(self, path: Path, head: bytes) -> None:
        stood = msgspec.json.decode(head, type=Head)
        self.incarnation, self.floor = stood.incarnation, stood.floor
        self.accounts = {key: Stream(key, self.floor, Cursor.load(key, dump)) for key, dump in stood.streams.items()}
        damaged = False
        try:
            for block in journal.blocks(path):
                for entry in block.entries:
                    self.stream(entry.key).recall(entry)
                for gap in block.gaps:
                    if gap.stream in self.accounts:
                        self.accounts[gap.stream].told(gap)
        except Damaged as error:
            LOG.error("%s: what follows is read again, as far as Redis still has it", error)
            damaged = True
        for key, stream in self.accounts.items():
            stream.gaps.clear()  # they were told when they were found
            self.accounts[key] = Stream(key, self.floor, stream.kept)
        if not damaged:
            self._journal = Journal(path)


def _files(folder: Path) -> list[layout.File]:
    manifest = layout.read_manifest(folder)
    return [] if manifest is None else manifest.files


def size(root: Path) -> int:
    """The bytes that an archive takes."""
    return sum(layout.sizes(root))


def retain(root: Path, first_hour: int, limit: float) -> int:
    """Remove hours before `first_hour`, and the oldest ones while the archive is larger than `limit`. Returns its
    size then. The newest hour stays. Raises `OSError`."""
    for left in root.glob(f"*/*{GONE}"):
        shutil.rmtree(left)
    hours: Mapping[int, Path] = layout.hours(root)
    held, newest = size(root), max(hours, default=0)
    for hour, path in hours.items():
        if hour == newest or (hour >= first_hour and held <= limit):
            break
        held -= size(path)
        gone = path.with_name(path.name + GONE)
        path.rename(gone)  # at once for whoever reads
        shutil.rmtree(gone)
        LOG.info("archive of %s removed", layout.hour_name(hour))
        if not any(path.parent.iterdir()):
            path.parent.rmdir()
    return held


def kept_entries(entries: list[Entry], accounts: Mapping[str, Stream]) -> list[Entry]:
    """Those that are archived, all of them accounted for."""
    return [entry for entry in entries if accounts[entry.key].keep(entry)]
