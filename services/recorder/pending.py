"""Lines that wait for their commit, and what is kept aside with its reason."""

from typing import Final

import msgspec

from services.recorder.store import Rejected, Rows
from services.recorder.tables import Lines
from shared.events import Event

#: so many lines are stored at once rather than at the next tick
FULL: Final = 20_000
#: rows kept aside that may wait for Postgres; those beyond it are counted in a row of their own
MAX_REJECTED: Final = 10_000


class Pending:
    """What a folder holds between two commits."""

    def __init__(self) -> None:
        self._lines: Lines = {}
        self._rejected: list[Rejected] = []
        self._count = self._let_go = 0

    @property
    def full(self) -> bool:
        return self._count >= FULL

    def add(self, table: str, line: str) -> None:
        held = self._lines.get(table)
        if held is None:
            held = self._lines[table] = []
        held.append(line)
        self._count += 1

    def reject_event(self, event: Event, error: Exception) -> None:
        """Keep an event aside that makes no row."""
        self.reject("event", msgspec.json.encode(event).decode(), str(error))

    def reject(self, target: str, payload: str, reason: str) -> None:
        if len(self._rejected) < MAX_REJECTED:
            self._rejected.append(Rejected(target, payload, reason))
        else:
            self._let_go += 1

    def collect(self) -> Rows:
        """Everything, which counts as stored unless `restore` follows."""
        if self._let_go:
            more = f"{self._let_go} more were refused than could be kept aside"
            self._rejected.append(Rejected("event", "", more))
        rows = Rows(lines=self._lines, rejected=self._rejected)
        self._lines, self._rejected, self._count, self._let_go = {}, [], 0, 0
        return rows

    def restore(self, rows: Rows) -> None:
        """These were not stored: they come before what came since."""
        for table, held in rows.lines.items():
            self._lines[table] = [*held, *self._lines.get(table, ())]
        self._rejected = [*rows.rejected, *self._rejected]
        self._count = sum(map(len, self._lines.values()))

    def bound(self, table: str, most: int) -> int:
        """Let the oldest lines of a table go beyond so many; returns how many went."""
        held = self._lines.get(table, [])
        gone = max(0, len(held) - most)
        del held[:gone]
        self._count -= gone
        return gone
