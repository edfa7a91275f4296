"""Were the signals right? The records sent live against a fold of the archive from its first entry on.

The fold knows nothing of who owned which partition and when: it takes every archived entry of a partition in their one
order. A record is named by its signal's id and its revision, and both sides must hold the same bytes in the same order.
"""

from collections.abc import Iterator, Sequence
from typing import Final

import msgspec

from services.scanner.control import Start
from services.scanner.control import decode as decode_control
from services.scanner.fold import Fold
from shared.archive.reading import Archive
from shared.archive.records import split_key
from shared.signals import Signal

#: What decides about signals, and the signals.
KINDS: Final = ("quote", "mark", "funding", "stats", "control", "signal")
#: How many deviations are told.
TOLD: Final = 10
Name = tuple[str, int]


class Folded(msgspec.Struct):
    """What an archive says of one partition: records that must have been sent, and those that were archived."""

    records: list[bytes] = []
    archived: list[bytes] = []
    entries: int = 0
    events: int = 0
    cold: list[str] = []


class Verdict(msgspec.Struct):
    """Records sent; of them doubled, not in the fold (`false`), of other bytes (`altered`) or out of order; and those
    that are in the fold alone (`lost`). `told`: the first of them in words."""

    records: int = 0
    doubled: int = 0
    lost: int = 0
    false: int = 0
    altered: int = 0
    misplaced: int = 0
    told: list[str] = []

    @property
    def wrong(self) -> int:
        return self.doubled + self.lost + self.false + self.altered + self.misplaced

    def add(self, other: "Verdict") -> None:
        """Sum up over partitions."""
        for name in ("records", "doubled", "lost", "false", "altered", "misplaced"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.told = (self.told + other.told)[:TOLD]


def fold(archive: Archive) -> dict[int, Folded]:
    """Every partition of an archive, folded from the start."""
    folds: dict[int, Fold] = {}
    found: dict[int, Folded] = {}
    for ms, key, seq, what in archive.items(kinds=KINDS):
        partition, _, kind = split_key(key)
        one = found.setdefault(partition, Folded())
        if kind == "signal":
            assert isinstance(what, bytes)
            one.archived.append(what)
            continue
        batch = decode_control(what) if isinstance(what, bytes) else what
        one.cold += [event.reason for event in batch.events if isinstance(event, Start)]
        one.entries, one.events = one.entries + 1, one.events + len(batch.events)
        folding = folds.setdefault(partition, Fold())
        folding.take(key, ms, seq, batch)
        one.records += [msgspec.msgpack.encode(record) for record in folding.drain()]
    return found


def compare(live: Sequence[bytes], expected: Sequence[bytes]) -> Verdict:
    """The records of one partition as they were sent, against those that had to be."""
    sent, owed = list(_named(live)), list(_named(expected))
    by_name, wanted = dict(reversed(sent)), dict(owed)
    found = Verdict(records=len(sent), doubled=len(sent) - len(by_name))
    lost = [name for name, _ in owed if name not in by_name]
    false = [name for name in by_name if name not in wanted]
    altered = [name for name in by_name if name in wanted and by_name[name] != wanted[name]]
    found.lost, found.false, found.altered = len(lost), len(false), len(altered)
    both = [name for name in by_name if name in wanted]
    ours = sorted(both, key={name: at for at, (name, _) in reversed(list(enumerate(sent)))}.__getitem__)
    theirs = [name for name, _ in owed if name in by_name]
    found.misplaced = sum(one != other for one, other in zip(ours, theirs, strict=True))
    found.told = [f"lost: {_words(wanted[name])}" for name in lost[:TOLD]]
    found.told += [f"false: {_words(by_name[name])}" for name in false[:TOLD]]
    found.told += [f"altered: {_words(by_name[name])}, expected {_words(wanted[name])}" for name in altered[:TOLD]]
    return found


def _named(records: Sequence[bytes]) -> Iterator[tuple[Name, bytes]]:
    for data in records:
        signal = msgspec.msgpack.decode(data, type=Signal)
        yield (signal.id, signal.rev), data


def _words(data: bytes) -> str:
    signal = msgspec.msgpack.decode(data, type=Signal)
    return f"{signal.key} {signal.event} {signal.rev} at {signal.at} ({signal.close_reason or signal.edge_bps})"
