"""The journal: entries on disk a second after they were read, before they become Parquet.

Theory of operation. A journal file is a magic line and then frames; a frame is a header (length and crc32 of the
payload, crc32 of these eight bytes) and the payload, a compressed msgpack `Block`. Frames are only ever appended, and
each is on the disk (fsync) before the next one. A position is not written beside the entries: it follows from them, so
the two cannot part. The first block of a file holds the account as it stood before (`head`).

What a kill leaves at the end, a part of a frame, was never acknowledged to anybody: it is cut off, and its entries are
read from Redis again. Anything else that does not fit its sums is damage, which is said.
"""

import os
import struct
import zlib
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import IO, Final

import msgspec

from shared import decoding
from shared.archive.records import Entry, Gap, Snapshot

MAGIC: Final = b"parallax journal 1\n"
HEADER: Final = struct.Struct(">III")
LEVEL: Final = 1
#: No block is larger, so no damaged length makes a reader take more memory.
MAX_FRAME: Final = 1 << 28


class Block(msgspec.Struct, frozen=True, array_like=True):
    """What one frame holds, in order. `head`: only in the first frame of a file."""

    entries: list[Entry] = []
    gaps: list[Gap] = []
    snapshots: list[Snapshot] = []
    head: bytes | None = None


class Damaged(ValueError):
    """A file of the archive does not hold what was written to it."""

    def __init__(self, path: Path, what: str) -> None:
        super().__init__(f"{path} is damaged: {what}")
        self.path, self.what = path, what


_encode: Final = msgspec.msgpack.Encoder().encode
_block: Final[decoding.Decoder[Block]] = decoding.msgpack(Block)


def frame(block: Block) -> bytes:
    payload = zlib.compress(_encode(block), LEVEL)
    start = struct.pack(">II", len(payload), zlib.crc32(payload))
    return start + zlib.crc32(start).to_bytes(4, "big") + payload


class Journal:
    """One file being written. Only one process may have it."""

    def __init__(self, path: Path) -> None:
        """Opens it, new or behind its last whole frame. Raises `Damaged`, `OSError`."""
        self.path = path
        size = sound_size(path) if path.exists() else 0
        self._file = path.open("r+b" if size else "wb")
        self._file.truncate(size)
        self._file.seek(size)
        self.size = size
        if not size:
            self._put(MAGIC)

    def append(self, block: Block) -> None:
        """On the disk when this returns. Raises `OSError`; the file is then as it was before."""
        self._put(frame(block))

    def close(self) -> None:
        self._file.close()

    def _put(self, data: bytes) -> None:
        try:
            self._file.write(data)
            self._file.flush()
            os.fsync(self._file.fileno())
        except OSError:
            self._undo()
            raise
        self.size += len(data)

    def _undo(self) -> None:
        """Forget the part of a frame that was written, and what the file object still holds of it."""
        descriptor = os.dup(self._file.fileno())
        with suppress(OSError):  # it is what could not be written that it complains about once more
            self._file.close()
        os.ftruncate(descriptor, self.size)
        self._file = os.fdopen(descriptor, "r+b")
        self._file.seek(self.size)


def blocks(path: Path) -> Iterator[Block]:
    """The blocks that are whole; what is being written right now is not among them. Raises `Damaged`, `OSError`."""
    for block, _ in _walk(path):
        yield block


def sound_size(path: Path) -> int:
    """Up to where the file holds whole frames. Raises `Damaged`, `OSError`."""
    size = 0
    with path.open("rb") as file:
        if file.read(len(MAGIC)) == MAGIC:
            size = len(MAGIC)
    for _, end in _walk(path):
        size = end
    return size


def _walk(path: Path) -> Iterator[tuple[Block, int]]:
    with path.open("rb") as file:
        whole = os.fstat(file.fileno()).st_size
        magic = file.read(len(MAGIC))
        if not MAGIC.startswith(magic):
            raise Damaged(path, "it does not begin as a journal does")
        at = len(MAGIC)
        while (payload := _payload(file, path, at, whole)) is not None:
            at += HEADER.size + len(payload)
            try:
                yield _block.decode(zlib.decompress(payload)), at
            except (zlib.error, msgspec.DecodeError) as error:
                raise Damaged(path, f"the block that ends at byte {at} cannot be read ({error})") from error


def _payload(file: IO[bytes], path: Path, at: int, whole: int) -> bytes | None:
    """The next frame's payload; None at the end, be it in the middle of a frame."""
    header = file.read(HEADER.size)
    if len(header) < HEADER.size:
        return None
    length, sum_, own = HEADER.unpack(header)
    if zlib.crc32(header[:8]) != own or length > MAX_FRAME:
        if at + HEADER.size == whole or not header.strip(b"\0"):
            return None  # a machine that lost power may leave zeros
        raise Damaged(path, f"no block begins at byte {at}")
    payload = file.read(length)
    if len(payload) < length:
        return None
    if zlib.crc32(payload) != sum_:
        if at + HEADER.size + length == whole:
            return None
        raise Damaged(path, f"the block at byte {at} does not fit its sum")
    return payload
