"""Where a reader stands in one stream, and what it has missed. Pure.

`ordinal` counts the stream's entries up to the position, as Redis's own `entries-added` does; None while unknown.
Redis is asked (XINFO STREAM) before the same pipeline's XREAD: when reading passes the entry that was the last one
then, the ordinal must equal the `entries-added` of then. What lacks was trimmed before it was read.
"""

from typing import Any, Final, Literal

import msgspec

from shared.seqs import SeqMemory

START: Final = "0-0"
#: The highest number that an id can have within its millisecond.
LAST_SEQ: Final = (1 << 64) - 1
#: A number is given so long, in Redis's time, to come late before it counts as missed.
REPORT_AFTER_MS: Final = 5_000
#: Every live producer writes at least each second: one that is met later than this was not there before.
SETTLED_MS: Final = 3_000


class Loss(msgspec.Struct, frozen=True):
    """What a reader never saw: it lies behind `after_id`, and before `before_id` where that is known. `entries` None:
    nobody can tell how many."""

    key: str
    reason: Literal["missing", "trimmed", "redis_reset"]
    after_id: str
    entries: int | None
    seqs: dict[str, list[int]] = {}
    before_id: str | None = None


class Standing(msgspec.Struct, frozen=True):
    """Redis's account of a stream."""

    added: int
    length: int
    last_id: str
    first_id: str | None


def split_id(text: str) -> tuple[int, int]:
    """An entry id as (milliseconds, number)."""
    ms, _, number = text.partition("-")
    return int(ms), int(number or 0)


class Cursor:
    """One stream of one reader."""

    def __init__(self, key: str, position: str = START) -> None:
        self.key, self.position = key, position
        self.ordinal: int | None = 0 if position == START else None
        self.memory = SeqMemory()
        self.losses: list[Loss] = []
        #: up to here the account of this reader and Redis's were found to agree: what lacks is behind it
        self._whole = position
        self._at = split_id(position)
        self._first_ms: int | None = None
        self._awaited: tuple[tuple[int, int], int] | None = None

    def enter(self, entry_id: str, ms: int, number: int) -> None:
        """Note an entry that was read, before its batch is judged."""
        if self._awaited is not None and (ms, number) > self._awaited[0]:
            self._settle(self.position if self._at >= self._awaited[0] else entry_id)
        if self.ordinal is not None:
            self.ordinal += 1
        self.position, self._at = entry_id, (ms, number)
        if self._first_ms is None:
            self._first_ms = ms
        elif ms - self._first_ms >= SETTLED_MS:
            self.memory.live = True

    def rest(self) -> None:
        """Note that the reply at hand is read: reports what was waited for in vain, by Redis's time."""
        if self._awaited is not None and self._at >= self._awaited[0]:
            self._settle(self.position)
        overdue = self.memory.overdue(self._at[0] - REPORT_AFTER_MS)
        if overdue:
            self.losses.append(Loss(self.key, "missing", self.position, None, overdue))

    def account(self, standing: Standing | None) -> None:
        """Compare with Redis's account, taken before the next read. None: Redis has no such stream."""
        if standing is None or split_id(standing.last_id) < self._at:
            if self.position != START:
                self.reset(wiped=standing is None)
            return
        first, trimmed = standing.first_id, standing.added - standing.length
        ahead = first is None or split_id(first) > self._at  # else it was read past, and is found at the next agreement
        if ahead and self.ordinal is not None and trimmed > self.ordinal:
            self._awaited = None  # an older account would count some of it again
            self._miss(trimmed - self.ordinal, first)
        if self._awaited is None:
            self._awaited = split_id(standing.last_id), standing.added
        if self._at >= self._awaited[0]:
            self._settle(self.position)

    def reset(self, wiped: bool) -> None:
        """Redis lost data: begin again. The memory stays, so that what was seen and still is there is dropped."""
        if self.position != START:
            self.losses.append(Loss(self.key, "redis_reset", self.position, None))
        self.position, self._whole, self._at, self._awaited = START, START, (0, 0), None
        self.ordinal = 0 if wiped else None

    def dump(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {"position": self.position, "ordinal": self.ordinal, "memory": self.memory.dump()}

    @classmethod
    def load(cls, key: str, dump: dict[str, Any]) -> "Cursor":
        cursor = cls(key, dump["position"])
        cursor.ordinal, cursor.memory = dump["ordinal"], SeqMemory.load(dump["memory"])
        return cursor

    def _settle(self, before_id: str) -> None:
        assert self._awaited is not None
        added, self._awaited = self._awaited[1], None
        if self.ordinal is not None and added > self.ordinal:
            self._miss(added - self.ordinal, before_id)
        self.ordinal, self._whole = added, self.position

    def _miss(self, entries: int, before_id: str | None) -> None:
        assert self.ordinal is not None
        self.losses.append(Loss(self.key, "trimmed", self._whole, entries, before_id=before_id))
        self.ordinal, self._whole = self.ordinal + entries, self.position
