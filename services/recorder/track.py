"""Where a recorder stands in one stream, and what it has missed: pure.

`ordinal` counts the entries of the stream up to the position, as Redis's own `entries-added` does, so that two simple
comparisons find every entry that was trimmed before it was read (`account`). Batch numbers find what a producer's
jump lost on the way (`SeqMemory`); a number is given REPORT_AFTER_MS to come late before it counts as missing.
"""

from typing import Final

from services.recorder.store import Gap, Position
from shared.reader import START, SeqMemory, split_id

REPORT_AFTER_MS: Final = 5_000


class Track:
    """One stream: position, ordinal, memory of batch numbers, and the gaps found and not yet stored."""

    def __init__(self, stream: str, incarnation: str, position: Position | None = None) -> None:
        self.stream, self.incarnation = stream, incarnation
        self.gaps: list[Gap] = []
        self.last_id, self.ordinal = START, 0
        self.memory = SeqMemory()
        self.fresh = position is None
        if position is not None:
            self.last_id, self.ordinal = position.last_id, position.ordinal
            self.memory = SeqMemory.load(position.seqs)
            if position.incarnation != incarnation:
                self._reset(None)

    def position(self) -> Position:
        return Position(self.last_id, self.ordinal, self.memory.dump(), self.incarnation)

    def take(self, entry_id: str, producer: str, seq: int) -> bool:
        """Note a batch that was read. False: its events were seen before (a retry)."""
        self.note(entry_id)
        return self.memory.take(producer, seq, split_id(entry_id)[0]) != "drop"

    def note(self, entry_id: str) -> None:
        """Note an entry that was read and carries no batch number."""
        self.last_id = entry_id
        self.ordinal += 1

    def account(self, entries_added: int, length: int, last_id: str, first_id: str | None) -> None:
        """Compare with the stream's own counters, read after our last entry."""
        if split_id(last_id) < split_id(self.last_id):
            self._reset(first_id)
        trimmed = entries_added - length  # the ordinal of the last entry that is gone
        if self.fresh:
            self.fresh, self.ordinal = False, max(self.ordinal, trimmed)
        # caught up, the ordinals must be equal; else only what was trimmed ahead of us can be told
        missed = (entries_added if last_id == self.last_id else trimmed) - self.ordinal
        if missed > 0:
            self.gaps.append(Gap(self.stream, self.last_id, first_id, missed, None, "trimmed"))
            self.ordinal += missed

    def report_missing(self, now_ms: int) -> None:
        """A gap for each batch number that has been missing long enough."""
        overdue = self.memory.overdue(now_ms - REPORT_AFTER_MS)
        if overdue:
            self.gaps.append(Gap(self.stream, self.last_id, None, None, overdue, "missing_seq"))

    def _reset(self, first_id: str | None) -> None:
        """The Redis that our ids belong to is gone: begin with what the new one holds."""
        self.gaps.append(Gap(self.stream, self.last_id, first_id, None, None, "redis_reset"))
        self.last_id, self.ordinal, self.memory, self.fresh = START, 0, SeqMemory(), True
