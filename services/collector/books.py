"""Every book of a recorded session, kept in step by `book_sync.py`. Pure.

A book is told by its symbol and by what feeds it: a channel that carries its own snapshots feeds a book alone; on a
venue whose snapshots come by REST those belong to the one book that the deltas of the symbol feed.
"""

from collections.abc import Iterator, Sequence
from typing import Final

from services.collector.book_sync import BookRules, BookSync
from services.collector.messages import BookDelta, BookSnapshot
from services.collector.venue import Venue
from shared.events import Book, Depth, State

#: the least time between two depth summaries of a book
DEPTH_NS: Final = 500_000_000


class Books:
    """Books by symbol and feed. `min_interval_ns`: the least time between two pictures of one."""

    def __init__(self, venue: Venue, min_interval_ns: int) -> None:
        self._by_rest = venue.resync == "rest"
        self._rules = BookRules(
            venue.follows,
            venue.resync,
            venue.verify,
            snapshot_levels=venue.snapshot_levels,
            min_interval_ns=min_interval_ns,
        )
        self._syncs: dict[tuple[str, str], BookSync] = {}
        self._conns: dict[tuple[str, str], str | None] = {}
        self._summed: dict[tuple[str, str], int] = {}

    def take(
        self, message: BookSnapshot | BookDelta, channel: str | None, conn: str | None
    ) -> Iterator[Book | Depth | State]:
        """What one message releases, in order. `conn`: the connection it came by, whose end is the book's."""
        key = (message.symbol, self._feed(message, channel or ""))
        sync = self._syncs.get(key)
        pushed = isinstance(message, BookDelta) or message.source == "ws"
        if sync is not None and pushed and self._conns.setdefault(key, conn) != conn:
            if sync.status == "live":
                yield State(message.symbol, "gap", "book: reconnect", message.recv)
            sync = None
        if sync is None:
            sync = self._syncs[key] = BookSync(message.symbol, self._rules)
        if pushed:
            self._conns[key] = conn
        yield from _published(sync.take(message))
        if message.recv - self._summed.get(key, 0) >= DEPTH_NS and (depth := sync.depth()) is not None:
            self._summed[key] = message.recv
            yield depth

    def _feed(self, message: BookSnapshot | BookDelta, channel: str) -> str:
        if not self._by_rest:
            return channel
        return channel if isinstance(message, BookSnapshot) and message.source == "ws" else ""


def _published(outputs: Sequence[object]) -> Iterator[Book | State]:
    return (one for one in outputs if isinstance(one, Book | State))
