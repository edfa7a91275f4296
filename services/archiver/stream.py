"""One stream that is archived: how far it was read, and how far it is on the disk. Pure.

Two accounts are kept. `read` compares what was read with what Redis says it has had: what was trimmed unread, a Redis
that lost its data. `kept` follows the entries that go into the journal: the numbers of their batches, and from where a
successor reads on. Between the two lie the entries that wait for their place in the order.
"""

from typing import Any

import msgspec

from shared.archive.records import Entry, Gap, split_key
from shared.archive.rows import RAW_KINDS
from shared.codec import decode_batch
from shared.cursor import START, Cursor, Loss, Standing, split_id
from shared.seqs import SeqMemory


class Stream:
    """The account of one key. `gaps` grows by what is found missing, until it is taken. `floor`: where streams begin
    of which nothing was read, a time rather than an entry."""

    def __init__(self, key: str, floor: str, kept: Cursor | None = None) -> None:
        self.key, self.floor = key, floor
        self.partition, _, kind = split_key(key)
        self._raw = kind in RAW_KINDS
        self.kept = kept or Cursor(key, floor)
        self._highest = split_id(self.kept.position)
        self.read = Cursor.load(key, self.kept.dump())
        self.read.memory = SeqMemory()  # `kept` follows the numbers
        self.waiting = 0
        self.gaps: list[Gap] = []

    def hold(self, entry: Entry) -> None:
        """An entry was read, and waits."""
        self.read.enter(f"{entry.ms}-{entry.seq}", entry.ms, entry.seq)
        self.waiting += 1

    def keep(self, entry: Entry) -> bool:
        """An entry's turn has come. False: it is not archived: a batch sent twice, or (with a gap) none of ours."""
        self.waiting -= 1
        return self.recall(entry)

    def recall(self, entry: Entry) -> bool:
        """Note an entry as archived, as `keep` does; from the journal, after a start."""
        self.kept.enter(f"{entry.ms}-{entry.seq}", entry.ms, entry.seq)
        if self._raw:  # no numbers to tell what was sent twice, nor does anybody send it twice
            new, self._highest = (entry.ms, entry.seq) > self._highest, max(self._highest, (entry.ms, entry.seq))
            return new
        try:
            batch = decode_batch(entry.data)
        except msgspec.DecodeError as error:
            name = f"{entry.ms}-{entry.seq}"
            self.gaps.append(Gap(self.key, name, entry.ms, 1, f"rejected: {error}"[:200]))
            return False
        return self.kept.memory.take(batch.producer, batch.seq, entry.ms) != "drop"

    def miss_before(self, standing: Standing | None) -> None:
        """It is new to an archive that goes on already: what it had until then is missing."""
        if standing is not None and standing.first_id is not None and split_id(standing.first_id) < self._highest:
            self.gaps.append(Gap(self.key, START, 0, None, "unlisted"))

    def account(self, standing: Standing | None) -> None:
        """Redis's own account of the stream, taken before the next read."""
        if self.read.position == self.floor:
            if standing is None:  # it does not exist yet: all of it is to come
                self.kept, self.read = Cursor(self.key), Cursor(self.key)
                return
            if split_id(standing.last_id) < split_id(self.floor):  # quiet since then: go on from what is its last
                self.kept = Cursor(self.key, standing.last_id)
                self.read = Cursor(self.key, standing.last_id)
        self.read.account(standing)
        self._collect(self.read)

    def rest(self) -> None:
        """What could be kept is kept: numbers of batches that were waited for in vain are gaps now."""
        self.read.rest()
        self.kept.rest()
        self._collect(self.read)
        self._collect(self.kept)

    def begin_anew(self) -> None:
        """This Redis has lost its data: read from the start of what it has. Nothing may wait."""
        if self.read.position != START:
            self.read.reset(wiped=True)
        self._collect(self.read)
        self.kept.reset(wiped=True)
        self.kept.losses.clear()  # it is one loss

    def told(self, gap: Gap) -> None:
        """A gap that the journal names: it is not found again."""
        self.kept.memory.told(gap.seqs)
        if gap.reason == "trimmed" and gap.entries is not None and self.kept.ordinal is not None:
            self.kept.ordinal += gap.entries

    def dump(self) -> dict[str, Any]:
        """The account of what is kept, as plain values."""
        found = self.kept.dump()
        ordinal = self.read.ordinal
        return {**found, "ordinal": None if ordinal is None else ordinal - self.waiting}

    def _collect(self, cursor: Cursor) -> None:
        losses, cursor.losses = cursor.losses, []
        self.gaps += [self._gap(loss) for loss in losses]

    def _gap(self, loss: Loss) -> Gap:
        at = int(loss.after_id.partition("-")[0])
        return Gap(self.key, loss.after_id, at, loss.entries, loss.reason, loss.seqs)
