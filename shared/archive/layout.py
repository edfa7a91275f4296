"""Where things are in an archive, and what its manifests say.

    <archive>/2026-11-21/10/quote-0000000012.parquet     one kind of one segment within one hour of ids, UTC
    <archive>/2026-11-21/10/manifest.json                the files that count, with their sums; the gaps
    <archive>/journal/0000000013.journal                 what is not Parquet yet

A file counts when its hour's manifest names it; what else lies there was left by a kill. Everything is written under
another name first, and is on the disk before it gets its own.
"""

import hashlib
import os
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import msgspec

from shared import decoding
from shared.archive.journal import Damaged
from shared.archive.records import HOUR_MS, SCHEMA, Gap

JOURNAL: Final = "journal"
MANIFEST: Final = "manifest.json"


class File(msgspec.Struct, frozen=True, kw_only=True):
    """One Parquet file. `entries` are stream entries, `rows` events (an entry without events takes one row)."""

    name: str
    kind: str
    segment: int
    rows: int
    entries: int
    first_id: str
    last_id: str
    bytes: int
    sha256: str
    schema: int = SCHEMA


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """One hour. `segments`: those whose part of this hour is complete in `files`."""

    schema: int = SCHEMA
    hour: str
    segments: list[int] = []
    files: list[File] = []
    gaps: list[Gap] = []


class TooNew(ValueError):
    """An archive that a newer version has written."""


_manifest: Final[decoding.Decoder[Manifest]] = decoding.json(Manifest)


def hour_path(root: Path, hour: int) -> Path:
    return root / f"{datetime.fromtimestamp(hour * 3600, UTC):%Y-%m-%d/%H}"


def hour_name(hour: int) -> str:
    return f"{datetime.fromtimestamp(hour * 3600, UTC):%Y-%m-%dT%H:00:00Z}"


def hours(root: Path) -> dict[int, Path]:
    """The hours that have a folder, oldest first."""
    found: dict[int, Path] = {}
    for path in root.glob("[0-9]*-[0-9]*-[0-9]*/[0-9][0-9]"):
        try:
            at = datetime.strptime(f"{path.parent.name} {path.name} +0000", "%Y-%m-%d %H %z")
        except ValueError:
            continue  # somebody else's folder
        found[int(at.timestamp()) * 1000 // HOUR_MS] = path
    return dict(sorted(found.items()))


def journals(root: Path) -> dict[int, Path]:
    """The segments that are in the journal, oldest first."""
    paths = (root / JOURNAL).glob("*.journal")
    return dict(sorted((int(path.stem), path) for path in paths if path.stem.isdecimal()))


def journal_path(root: Path, segment: int) -> Path:
    return root / JOURNAL / f"{segment:010d}.journal"


def file_name(kind: str, segment: int) -> str:
    return f"{kind}-{segment:010d}.parquet"


def read_manifest(folder: Path) -> Manifest | None:
    """The hour's manifest; None where it has none yet. Raises `Damaged`, `TooNew`, `OSError`."""
    path = folder / MANIFEST
    try:
        found = _manifest.decode(path.read_bytes())
    except FileNotFoundError:
        return None
    except msgspec.DecodeError as error:
        raise Damaged(path, f"it is no manifest ({error})") from error
    if found.schema > SCHEMA:
        raise TooNew(f"{path} is of schema {found.schema}, this version reads up to {SCHEMA}: use the newer version")
    return found


def write_manifest(folder: Path, manifest: Manifest) -> None:
    """Raises `OSError`."""
    temporary = folder / f".{MANIFEST}.{os.getpid()}"
    temporary.write_bytes(msgspec.json.format(msgspec.json.encode(manifest), indent=1) + b"\n")
    put(temporary, folder / MANIFEST)


def put(temporary: Path, path: Path) -> None:
    """Give a whole file its name, so that a power cut leaves either of the two. Raises `OSError`."""
    with temporary.open("rb") as file:
        os.fsync(file.fileno())
    temporary.replace(path)
    sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sum_of(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def check(folder: Path, file: File) -> Path:
    """The path of a file that is what its manifest says. Raises `Damaged`, `OSError`."""
    path = folder / file.name
    try:
        size = path.stat().st_size
    except FileNotFoundError:
        raise Damaged(path, "the manifest names it, and it is not there") from None
    if size != file.bytes:
        raise Damaged(path, f"it has {size} bytes, and was written with {file.bytes}")
    if sum_of(path) != file.sha256:
        raise Damaged(path, "its contents are not those that were written (sha256)")
    return path


def sizes(root: Path) -> Iterator[int]:
    """The bytes of every file below."""
    for folder, _, names in os.walk(root):
        for name in names:
            try:
                yield (Path(folder) / name).stat().st_size
            except FileNotFoundError:
                continue  # it was renamed or removed meanwhile
