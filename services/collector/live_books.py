"""The books of live connections: each kept in step by `book_sync.py`, published through the desk. Pure.

A book belongs to a connection and dies with it; during a rollover both connections keep one, and the newcomer's is
published from its first picture on. A snapshot that comes by REST serves every book of its symbol that waits for one.
"""

from collections.abc import Callable, Sequence
from typing import Final

from services.collector.book_sync import BookRules, BookSync, Output, Resync
from services.collector.desk import Desk
from services.collector.feeds import Source
from services.collector.messages import BookDelta, BookSnapshot
from services.collector.venue import Venue
from shared.events import Book, State

#: the least time between two depth summaries of a book
DEPTH_NS: Final = 500_000_000
#: how long a snapshot may take
SNAPSHOT_NS: Final = 8_000_000_000


class LiveBooks:
    """`fetch(symbol)` asks for a REST snapshot, `resubscribe(source, symbol)` for one of the stream."""

    def __init__(
        self,
        venue: Venue,
        desk: Desk,
        fetch: Callable[[str], None],
        resubscribe: Callable[[Source, str], None],
    ) -> None:
        self._rules = BookRules(venue.follows, venue.resync, venue.verify, snapshot_levels=venue.snapshot_levels)
        self._desk, self._fetch, self._resubscribe = desk, fetch, resubscribe
        self._syncs: dict[tuple[Source, str], BookSync] = {}
        self._summed: dict[tuple[Source, str], int] = {}
        self._unsteady: dict[tuple[Source, str], int] = {}  # since when a book waits for a snapshot
        self.gaps = 0

    def take(self, source: Source, message: BookSnapshot | BookDelta) -> None:
        """A message of a connection's stream."""
        if not self._desk.serves("book", message.symbol):
            return
        sync = self._syncs.get((source, message.symbol))
        if sync is None:
            sync = self._syncs[source, message.symbol] = BookSync(message.symbol, self._rules)
        self._carry_out(source, sync.take(message))

    def fetched(self, snapshot: BookSnapshot) -> None:
        """A snapshot that was asked for over REST."""
        for (source, symbol), sync in list(self._syncs.items()):
            if symbol == snapshot.symbol:
                self._carry_out(source, sync.take(snapshot))

    def not_fetched(self, symbol: str) -> None:
        """It did not come: the next delta asks again."""
        for (_, of), sync in self._syncs.items():
            if of == symbol:
                sync.asked_in_vain()

    def ended(self, source: Source) -> None:
        """A connection is gone, and its books with it."""
        for key in [key for key in self._syncs if key[0] is source]:
            self._forget(key)

    def _forget(self, key: tuple[Source, str]) -> None:
        del self._syncs[key]
        self._summed.pop(key, None)
        self._unsteady.pop(key, None)

    def tick(self, now: int) -> None:
        """Pictures that waited for their turn, depth twice a second, and books that nobody wants any more."""
        for key, sync in list(self._syncs.items()):
            source, symbol = key
            if not self._desk.serves("book", symbol):
                self._forget(key)
                continue
            self._watch(key, sync, now)
            book = sync.flush(now)
            if book is not None:
                self._desk.take(source, (book,))
            if now - self._summed.get(key, 0) >= DEPTH_NS and (depth := sync.depth()) is not None:
                self._summed[key] = now
                self._desk.take(source, (depth,))

    def _watch(self, key: tuple[Source, str], sync: BookSync, now: int) -> None:
        """A snapshot that was asked for and did not come in time is asked for again by the next delta."""
        if sync.status == "live":
            self._unsteady.pop(key, None)
        elif now - self._unsteady.setdefault(key, now) > SNAPSHOT_NS:
            self._unsteady[key] = now
            sync.asked_in_vain()

    def _carry_out(self, source: Source, outputs: Sequence[Output]) -> None:
        for output in outputs:
            if isinstance(output, Book):
                self._desk.take(source, (output,))
            elif isinstance(output, State) and output.state == "gap":
                self.gaps += 1
                self._desk.gap(source, output.symbol or "", output.reason, output.recv)
            elif isinstance(output, Resync):
                self._again(source, output.symbol)

    def _again(self, source: Source, symbol: str) -> None:
        if self._rules.resync == "rest":
            self._fetch(symbol)
        else:
            self._resubscribe(source, symbol)
