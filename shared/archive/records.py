"""What the archive holds, as values. Pure.

Everything has one order, the one in which whoever folds the streams takes them: (id ms, key, id seq).
"""

from functools import lru_cache
from typing import Final

import msgspec

#: The version of files and manifests; readers refuse a higher one.
SCHEMA: Final = 1
HOUR_MS: Final = 3_600_000

Order = tuple[int, str, int]


class Entry(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One stream entry as Redis has it: its key, its id, the bytes of its field `v1`."""

    key: str
    ms: int
    seq: int
    data: bytes

    @property
    def order(self) -> Order:
        return self.ms, self.key, self.seq


class Gap(msgspec.Struct, frozen=True):
    """Entries of a stream that the archive does not hold, and why. `entries` None: nobody can tell how many.

    `at_ms`: where in the order it was found. `reason`: trimmed, redis_reset (both: what follows does not continue what
    came before), missing (batches that were never seen, by producer in `seqs`), rejected, damaged, unlisted (those of a
    stream from before it was found: it is archived from there on).
    """

    stream: str
    after_id: str
    at_ms: int
    entries: int | None
    reason: str
    seqs: dict[str, list[int]] = {}

    @property
    def breaks(self) -> bool:
        """Whether whoever folds the entries must begin anew behind it."""
        return self.reason.partition(":")[0] in ("trimmed", "redis_reset", "damaged")


class Snapshot(msgspec.Struct, frozen=True):
    """What stood at another key at some moment: `scan:{P}` the checkpoint of the partition's owner (a place to begin
    folding from), `instruments:<venue>` the whole listing as a msgpack map of the hash."""

    key: str
    ms: int
    data: bytes


@lru_cache(maxsize=4096)
def split_key(key: str) -> tuple[int, str, str]:
    """(partition, venue, kind) of a stream that is archived; kinds `control` and `signal` have no venue."""
    parts = key.split(":")
    partition = int(parts[1][1:-1])
    if parts[0] == "signals":
        return partition, "", "signal"
    venue, kind = parts[2:]
    return (partition, "", "control") if venue == "_ctl" else (partition, venue, kind)
