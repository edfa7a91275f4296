"""How a change goes on from a book and how a book is proved, where several venues do it alike. Pure."""

from collections.abc import Sequence
from itertools import zip_longest
from typing import Final
from zlib import crc32

from services.collector.messages import BookDelta, BookSnapshot
from services.collector.venue import Follow
from shared.events import Level

#: levels of each side that a checksum is over
CHECKED_LEVELS: Final = 25


def nothing_follows(_previous: BookSnapshot | BookDelta, _delta: BookDelta) -> Follow:
    """There are no changes: no book is collected, or every frame is a whole one."""
    return "gap"


def names_the_one_before(previous: BookSnapshot | BookDelta, delta: BookDelta) -> Follow:
    """Each change names the number before it. Numbers are compared for equality only: they may fall, or repeat.

    Where neither has a number the checksums prove the book.
    """
    if delta.seq is None and delta.prev_seq is None:
        return "apply" if previous.seq is None else "gap"
    if delta.prev_seq == previous.seq:
        return "apply"
    return "skip" if delta.seq == previous.seq else "gap"


def best_levels_agree(bids: Sequence[Level], asks: Sequence[Level], checksum: int) -> bool:
    """CRC32, signed, over `bid:size:ask:size:...` of the best levels of each side, in the venue's own digits."""
    parts: list[str] = []
    for bid, ask in zip_longest(bids[:CHECKED_LEVELS], asks[:CHECKED_LEVELS], fillvalue=()):
        parts += (*bid, *ask)
    return crc32(":".join(parts).encode()) == checksum & 0xFFFFFFFF
