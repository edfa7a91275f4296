"""Where the fold of signals can begin in an archive: at a checkpoint of a partition's owner, or at a cold start."""

from typing import Final

import msgspec

from shared import decoding
from shared.archive.reading import END_MS, Archive
from shared.archive.records import Snapshot, split_key

#: How the control stream's packed word of a cold start begins (docs/signals.md).
_START: Final = b"\x93\xa5start"


class Checkpoint(msgspec.Struct, frozen=True):
    """The part of a checkpoint that says how far its owner had read."""

    positions: dict[str, str]


class Place(msgspec.Struct, frozen=True):
    """A place to begin: entries with ms <= `after_ms` are passed over. `checkpoint` None: a cold start follows."""

    partition: int
    after_ms: int
    checkpoint: bytes | None


_checkpoint: Final[decoding.Decoder[Checkpoint]] = decoding.msgpack(Checkpoint)


def reach(checkpoint: bytes) -> int | None:
    """The ms up to which its owner had taken every entry; None where it does not tell."""
    try:
        return max(int(at.partition("-")[0]) for at in _checkpoint.decode(checkpoint).positions.values())
    except (msgspec.DecodeError, ValueError):
        return None


def place_of(one: Snapshot) -> Place | None:
    """The place that a checkpoint is; None where it cannot be used."""
    after = reach(one.data)
    return None if after is None else Place(int(one.key.partition(":")[2][1:-1]), after, one.data)


def places(archive: Archive) -> list[Place]:
    """All checkpoints, oldest first."""
    return [place for one in archive.snapshots("scan:") if (place := place_of(one)) is not None]


def partitions(archive: Archive) -> int:
    """Over how many partitions its streams were spread; 0 where no owner of one has said."""
    keys = {one.key for one in archive.snapshots("scan:")}
    return max((int(key.partition(":")[2][1:-1]) + 1 for key in keys), default=0)


def begin(archive: Archive, from_ms: int) -> dict[int, Place]:
    """By partition the best place for a range: the last checkpoint before it, else the first place there is."""
    found: dict[int, Place] = {}
    later: dict[int, Place] = {}
    for one in archive.snapshots("scan:"):
        place = place_of(one)
        if place is not None and place.after_ms <= from_ms:
            found[place.partition] = place
        elif place is not None:
            later.setdefault(place.partition, place)
    limit = max((place.after_ms for place in later.values()), default=END_MS)
    if found.keys() >= later.keys() and found:
        return found
    for ms, key, _, what in archive.items(0, limit, ("control",)):
        partition = split_key(key)[0]
        cold = isinstance(what, bytes) and _START in what
        if cold and partition not in found and (partition not in later or ms <= later[partition].after_ms):
            found[partition] = Place(partition, ms - 1, None)
    return {**later, **found}
