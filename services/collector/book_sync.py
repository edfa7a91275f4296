"""One book kept in step with the venue: snapshots and deltas in, whole pictures or "stale" out. Pure.

Theory of operation. A `BookSync` is always in one of three states: *waiting* (no book yet), *live* (the book equals the
venue's at `seq`), *stale* (it was live and was lost, and that was said). Each delta is judged by the venue's `follows`
rule against what was applied last: applied, skipped as old, or a gap.

1. A snapshot becomes the book. The deltas that were buffered while it was fetched are judged against it in order; if
   one does not reach back to it, the snapshot is too old and another one is asked for. A snapshot of the stream itself
   is in order with its deltas: nothing is buffered for it, and where it is cut the venue keeps it at its length.
2. A gap, or a checksum that fails, drops the book at once: one that may be wrong is never released. The delta that
   showed the gap is the first of the new buffer.
3. A full buffer lets its oldest deltas go and counts them. A snapshot that does not cover those will not be followed
   by the first that is left, which asks for another one (1).
4. A snapshot may hold only the best levels: pictures end where it did. When the market has moved so far that little is
   left, a fresh snapshot is asked for while the book goes on (its deltas applied and buffered); when nothing is left
   the book is dropped.

Time is only what messages carry (`recv`), and the caller's `now` in `flush`.
"""

from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Final, Literal

import msgspec

from services.collector.book_side import WIDE, Side
from services.collector.messages import BookDelta, BookSnapshot
from services.collector.venue import Follow
from shared.events import Book, Depth, Level, State

MAX_BUFFERED: Final = 2_000
TOP: Final = 50
#: ask for a fresh snapshot when fewer known levels than this are left of a cut side
THIN: Final = 20
BANDS: Final = (("0.5", Decimal("0.005")), ("2", Decimal("0.02")), ("10", Decimal("0.1")))

Follows = Callable[[BookSnapshot | BookDelta, BookDelta], Follow]
#: (best bids, best asks, both as the venue wrote them, its checksum) -> whether they agree
Verify = Callable[[Sequence[Level], Sequence[Level], int], bool]
Status = Literal["waiting", "live", "stale"]


class Resync(msgspec.Struct, frozen=True, gc=False):
    """What the caller has to do: fetch a snapshot of this book, or subscribe to it again, by the venue's `resync`."""

    symbol: str
    reason: str


Output = Book | State | Resync


@dataclass(frozen=True, slots=True)
class BookRules:
    """What all books of a venue's market have in common.

    `snapshot_levels`: the number of levels at which the venue cuts a side of a snapshot that does not say so itself; a
    shorter side is known whole (None: every such snapshot is the whole book). `min_interval_ns`: the least time between
    two released pictures.
    """

    follows: Follows
    resync: Literal["rest", "resubscribe"]
    verify: Verify | None = None
    snapshot_levels: int | None = None
    top: int = TOP
    min_interval_ns: int = 100_000_000
    max_buffered: int = MAX_BUFFERED


@dataclass(slots=True)
class Counters:
    """What one book went through."""

    applied: int = 0
    skipped: int = 0
    gaps: int = 0
    checksum_failures: int = 0
    outrun: int = 0
    old_snapshots: int = 0
    buffer_dropped: int = 0


class BookSync:
    """See the module's theory of operation. One per book and connection; it dies with the connection."""

    def __init__(self, symbol: str, rules: BookRules) -> None:
        self.symbol = symbol
        self.status: Status = "waiting"
        self.counters = Counters()
        self._rules = rules
        self._bids, self._asks = Side(bids=True), Side(bids=False)
        self._last: BookSnapshot | BookDelta | None = None
        #: deltas since a snapshot was asked for, None while none is
        self._buffer: deque[BookDelta] | None = deque()
        self._asked = rules.resync == "resubscribe"  # the subscription asks for the first one
        self._released = 0
        self._dirty = False
        self._thin = 0  # fewer known levels than this are too few

    @property
    def seq(self) -> int | None:
        """The venue's number of the last change in the live book."""
        return self._last.seq if self.status == "live" and self._last is not None else None

    def take(self, message: BookSnapshot | BookDelta) -> list[Output]:
        """Feed one message; what is to be published or done, in order."""
        return self._snapshot(message) if isinstance(message, BookSnapshot) else self._delta(message)

    def start(self) -> list[Output]:
        """Ask for the first snapshot without waiting for a delta (the subscription is acknowledged)."""
        return self._ask("no book yet")

    def lost(self, reason: str, recv: int) -> list[Output]:
        """The stream broke and goes on elsewhere: the book is no longer known, nor what was buffered for it."""
        self._buffer = None
        return self._drop(reason, recv)

    def asked_in_vain(self) -> None:
        """The snapshot that was asked for will not come (refused, timed out): the next delta asks again."""
        self._asked = False

    def flush(self, now: int) -> Book | None:
        """The picture that waited for its turn, if its time has come."""
        if not self._dirty or 0 <= now - self._released < self._rules.min_interval_ns:
            return None
        self._released, self._dirty = now, False
        return self.picture()

    def picture(self) -> Book | None:
        """The top of the book as it is now, None unless live."""
        last = self._last
        if self.status != "live" or last is None:
            return None
        bids, asks = self._bids.top(self._rules.top), self._asks.top(self._rules.top)
        source: Literal["ws", "rest"] = "rest" if isinstance(last, BookSnapshot) and last.source == "rest" else "ws"
        return Book(self.symbol, bids, asks, last.seq, last.ts, last.recv, source)

    def depth(self) -> Depth | None:
        """Resting size around the mid; None unless live and two-sided."""
        last, bid, ask = self._last, self._bids.best(), self._asks.best()
        if self.status != "live" or last is None or bid is None or ask is None:
            return None
        mid = WIDE.divide(WIDE.add(bid, ask), Decimal(2))
        bands = [
            (name, self._bids.size_to(WIDE.multiply(mid, 1 - part)), self._asks.size_to(WIDE.multiply(mid, 1 + part)))
            for name, part in BANDS
        ]
        whole = self._bids.size_to(None), self._asks.size_to(None)
        return Depth(self.symbol, tuple(bands), *whole, last.ts, last.recv)

    # ---- snapshots

    def _snapshot(self, snapshot: BookSnapshot) -> list[Output]:
        if snapshot.source == "rest" and self._buffer is None:
            return []  # not asked for, and the deltas since it was taken are gone
        bids, asks = self._sides(snapshot)
        if not self._agrees(snapshot, bids, asks):
            self.counters.checksum_failures += 1
            return self._drop("checksum", snapshot.recv)
        last = self._catch_up(snapshot, self._buffer or (), bids, asks) if snapshot.source == "rest" else snapshot
        if last is None:
            self.counters.old_snapshots += 1
            self._asked = False
            return self._ask("snapshot older than the first change")
        back = self.status == "stale"
        self._bids, self._asks, self._last = bids, asks, last
        self._thin = 0 if snapshot.source == "ws" else min(THIN, self._rules.top, bids.known() // 2, asks.known() // 2)
        if self.status != "live":
            self._released = 0  # what was waited for goes out at once
        self.status, self._buffer, self._asked, self._dirty = "live", None, False, True
        up: list[Output] = [State(self.symbol, "up", "book in step", snapshot.recv)] if back else []
        return up + self._after(snapshot.recv)

    def _sides(self, snapshot: BookSnapshot) -> tuple[Side, Side]:
        raw_bids, raw_asks = snapshot.raw or (snapshot.bids, snapshot.asks)
        bids, asks = Side(bids=True), Side(bids=False)
        cut_at, sliding = snapshot.limit or self._rules.snapshot_levels, snapshot.source == "ws"
        bids.load(snapshot.bids, raw_bids, cut_at, sliding=sliding)
        asks.load(snapshot.asks, raw_asks, cut_at, sliding=sliding)
        return bids, asks

    def _catch_up(
        self, snapshot: BookSnapshot, waiting: Iterable[BookDelta], bids: Side, asks: Side
    ) -> BookSnapshot | BookDelta | None:
        """Apply what was buffered; what was applied last, None where the snapshot is too old."""
        last: BookSnapshot | BookDelta = snapshot
        for delta in waiting:
            verdict = self._rules.follows(last, delta)
            if verdict == "gap":
                return None
            if verdict == "apply":
                self.counters.applied += 1
                _change(bids, asks, delta)
                last = delta
        return last

    # ---- deltas

    def _delta(self, delta: BookDelta) -> list[Output]:
        self._keep(delta)
        if self.status != "live" or self._last is None:
            return self._ask("no book yet" if self.status == "waiting" else "book lost")
        verdict = self._rules.follows(self._last, delta)
        if verdict == "skip":
            self.counters.skipped += 1
            return []
        if verdict == "gap":
            self.counters.gaps += 1
            self._buffer, self._asked = deque([delta]), False
            return self._drop("gap", delta.recv)
        self.counters.applied += 1
        _change(self._bids, self._asks, delta)
        self._last, self._dirty = delta, True
        if not self._agrees(delta, self._bids, self._asks):
            self.counters.checksum_failures += 1
            self._buffer = None
            return self._drop("checksum", delta.recv)
        return self._after(delta.recv)

    def _keep(self, delta: BookDelta) -> None:
        if self._buffer is None or self._rules.resync != "rest":
            return
        if len(self._buffer) >= self._rules.max_buffered:
            self._buffer.popleft()
            self.counters.buffer_dropped += 1
        self._buffer.append(delta)

    # ---- what follows from a change

    def _after(self, recv: int) -> list[Output]:
        """A picture if one is due; theory 4 where little is left of a cut side."""
        left = min((side.known() for side in (self._bids, self._asks) if side.reach is not None), default=None)
        if left == 0:
            self.counters.outrun += 1
            return self._drop("the market left the known levels", recv)
        book = self.flush(recv)
        made: list[Output] = [] if book is None else [book]
        if left is not None and left < self._thin:
            if self._buffer is None:
                self._buffer = deque()
            made += self._ask("few known levels left")
        return made

    def _drop(self, reason: str, recv: int) -> list[Output]:
        """The book is not known any more; a buffer that is being filled goes on."""
        said: list[Output] = []
        if self.status == "live":
            self.status = "stale"
            said.append(State(self.symbol, "gap", f"book: {reason}", recv))
        self._bids, self._asks, self._last, self._dirty = Side(bids=True), Side(bids=False), None, False
        if self._buffer is None:
            self._buffer, self._asked = deque(), False
        return said + self._ask(reason)

    def _ask(self, reason: str) -> list[Output]:
        if self._asked:
            return []
        self._asked = True
        return [Resync(self.symbol, reason)]

    def _agrees(self, message: BookSnapshot | BookDelta, bids: Side, asks: Side) -> bool:
        verify = self._rules.verify
        if verify is None or not message.checksum:  # a venue that stopped checking sends 0
            return True
        return verify(bids.raw(self._rules.top), asks.raw(self._rules.top), message.checksum)


def _change(bids: Side, asks: Side, delta: BookDelta) -> None:
    raw_bids, raw_asks = delta.raw or (delta.bids, delta.asks)
    bids.change(delta.bids, raw_bids)
    asks.change(delta.asks, raw_asks)
