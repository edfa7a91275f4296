"""The archived entries through the live fold, partition by partition. No rule of a signal is here.

Theory of operation. A fold begins where its partition's owner left a checkpoint, or where one started cold (`Start` in
the control stream), whatever comes first behind a gap; until then the partition is blind and its entries are passed
over. From there it takes every entry as the owner did, so it makes the same records, byte for byte. Where settings are
to be other ones, each change of settings in the control stream is read with these put over it.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final, NamedTuple

import msgspec

from services.scanner.checkpoint import Unusable, load
from services.scanner.control import Config, ControlBatch, Start, decode
from services.scanner.fold import Fold
from shared import decoding
from shared.archive.beginning import Place, begin, places
from shared.archive.reading import Archive
from shared.archive.records import split_key
from shared.config import Runtime, consistent
from shared.signals import Signal
from shared.streams import control

#: What folds and what is compared; the rest of an archive decides about no signal.
KINDS: Final = ("quote", "book", "mark", "funding", "stats", "control", "signal")


class Step(NamedTuple):
    """One entry taken. `before` it the fold stood at the state that whoever acted by then could see."""

    partition: int
    ms: int
    records: list[Signal]


_signal: Final[decoding.Decoder[Signal]] = decoding.msgpack(Signal)


class Course:
    """One pass over a range of the archive. `folds` are the partitions that can be seen at the moment."""

    def __init__(self, archive: Archive, from_ms: int, to_ms: int, overrides: Mapping[str, Any]) -> None:
        self.archive, self.from_ms, self.to_ms, self.overrides = archive, from_ms, to_ms, overrides
        self.folds: dict[int, Fold] = {}
        self.runtime = Runtime()
        #: records of the range: sent live, and how many of those the fold makes to the byte
        self.sent = self.same = 0
        self._unmatched: dict[tuple[str, int], bytes] = {}
        self.entries = self.events = self.unreadable = 0
        #: how often a partition had to begin anew within the range; the ms of the first entry taken and of the last
        self.breaks = 0
        self.first_ms = self.last_ms = 0
        self._gaps = [gap for gap in archive.gaps() if gap.breaks]
        places = begin(archive, from_ms)
        self._begins = min((place.after_ms + 1 for place in places.values()), default=from_ms)
        self._places = sorted([*places.values(), *self._behind_gaps()], key=lambda place: place.after_ms)

    def _behind_gaps(self) -> list[Place]:
        """The first checkpoint of each partition behind each gap."""
        found: list[Place] = []
        needs: dict[int, list[int]] = {}
        for place in places(self.archive) if self._gaps else ():
            wanted = needs.setdefault(place.partition, [gap.at_ms for gap in self._gaps])
            if any(at < place.after_ms for at in wanted):
                needs[place.partition] = [at for at in wanted if at >= place.after_ms]
                found.append(place)
        return found

    def steps(self) -> Iterator[Step]:
        """Fold on, entry by entry. Between two steps the folds stand still."""
        for ms, key, seq, what in self.archive.items(self._begins, self.to_ms, KINDS):
            self._pass(ms)
            partition, _, kind = split_key(key)
            if kind == "signal":
                self._note(what)  # type: ignore[arg-type]
                continue
            batch = self._read(what, partition) if isinstance(what, bytes) else what
            fold = self.folds.get(partition)
            if batch is None or fold is None:
                continue
            yield Step(partition, ms, [])  # what is due by now acts on what was known before
            fold.take(key, ms, seq, batch)
            self.entries += 1
            self.events += len(batch.events)
            self.first_ms, self.last_ms = self.first_ms or ms, ms
            if records := fold.drain():
                yield Step(partition, ms, records)

    def _pass(self, ms: int) -> None:
        """Before an entry of this time: gaps that blind, checkpoints that open the eyes again."""
        while self._gaps and self._gaps[0].at_ms < ms:
            gap = self._gaps.pop(0)
            blinded = list(self.folds) if gap.stream == "*" else [split_key(gap.stream)[0]]
            for partition in blinded:
                if self.folds.pop(partition, None) is not None:
                    self.breaks += 1
        while self._places and self._places[0].after_ms < ms:
            place = self._places.pop(0)
            if place.partition not in self.folds and place.checkpoint is not None:
                self._begin(place.partition, place.checkpoint)

    def _begin(self, partition: int, checkpoint: bytes) -> None:
        try:
            fold, _ = load(checkpoint)
        except Unusable:
            return  # of another version: the next one, or a cold start, may serve
        self.folds[partition] = fold
        self.runtime = fold.judge.runtime
        if self.overrides:
            changed = Config(self._over(fold.judge.runtime))
            fold.take(control(partition), fold.judge.id_ms, 0, ControlBatch("backtest", 0, [changed]))
        fold.drain()

    def _read(self, data: bytes, partition: int) -> ControlBatch | None:
        try:
            batch = decode(data)
        except msgspec.DecodeError:
            self.unreadable += 1
            return None
        if any(isinstance(event, Start) for event in batch.events):
            self.folds.setdefault(partition, Fold())
        if self.overrides and any(isinstance(event, Config) for event in batch.events):
            events = [Config(self._over(one.runtime)) if isinstance(one, Config) else one for one in batch.events]
            batch = ControlBatch(batch.producer, batch.seq, events)
        return batch

    def _over(self, runtime: Runtime) -> Runtime:
        """These settings over those of then. Raises `SettingError` where the two contradict each other."""
        self.runtime = consistent(msgspec.structs.replace(runtime, **self.overrides))
        return self.runtime

    def compare(self, record: Signal) -> None:
        """A record was made; the one that was sent live stands in the archive a little later."""
        self._match((record.id, record.rev), msgspec.msgpack.encode(record))

    def _note(self, data: bytes) -> None:
        signal = _signal.decode(data)
        if signal.at >= self.from_ms * 1_000_000:
            self.sent += 1
            self._match((signal.id, signal.rev), data)

    def _match(self, name: tuple[str, int], data: bytes) -> None:
        other = self._unmatched.pop(name, None)
        if other is None:
            self._unmatched[name] = data
        else:
            self.same += other == data
