"""What waits while Redis does not answer: encoded, un-numbered, bounded in bytes. Pure.

Past the bound, first the streams that carry whole pictures conflate (per symbol the newest event of each kind is
kept), then the oldest piece goes, of the kind that is missed least: DROP_ORDER. States are never let go: the newest of
each symbol survives. Each symbol that lost something is announced, before what is left of its stream goes out, by a
State `gap` with reason `backlog` that carries the receive time of the newest lost event.
"""

from collections import deque
from typing import Final

from shared.codec import decode_events, encode_events
from shared.events import Event, State

#: The first goes first. Kinds that are not named go before all of them.
DROP_ORDER: Final = ("book", "stats", "mark", "quote", "funding", "liquidation", "trade")
CONFLATED: Final = frozenset({"book", "stats", "mark", "quote"})
#: What a piece costs beyond its bytes: list, integers, the bytes object's head.
PIECE_OVERHEAD: Final = 150


class Piece:
    """Some consecutive events of one stream, encoded."""

    __slots__ = ("body", "count", "order")

    def __init__(self, order: int, count: int, body: bytes) -> None:
        self.order, self.count, self.body = order, count, body

    def __len__(self) -> int:
        return len(self.body) + PIECE_OVERHEAD


class Waiting:
    """The pieces of one stream, oldest first, and what it has lost since it last sent."""

    __slots__ = ("bytes", "key", "kind", "lost", "pieces", "states")

    def __init__(self, key: str) -> None:
        self.key, self.kind = key, key.rpartition(":")[2]
        self.pieces: deque[Piece] = deque()
        self.bytes = 0
        self.lost: dict[str | None, int] = {}
        self.states: dict[str | None, State] = {}

    def lose(self, event: Event) -> None:
        self.lost[event.symbol] = event.recv

    def announce(self) -> list[Event]:
        """The gaps, then the states that outlived their piece. Forgets both."""
        gaps: list[Event] = [State(symbol, "gap", "backlog", recv) for symbol, recv in self.lost.items()]
        events = gaps + list(self.states.values())
        self.lost, self.states = {}, {}
        return events


class Backlog:
    """All streams' waiting events. `bytes` never stays above `limit` after an `add`."""

    def __init__(self, limit: int, batch_events: int) -> None:
        self.limit, self.batch_events = limit, batch_events
        self.bytes = 0
        self.conflated = 0
        self.dropped = 0
        self._order = 0
        self._streams: dict[str, Waiting] = {}
        self._turns: deque[Waiting] = deque()
        self._bytes_conflated = 0

    def __bool__(self) -> bool:
        return bool(self._turns)

    def add(self, key: str, events: list[Event]) -> None:
        """Put events of one stream behind those that wait already."""
        stream = self._streams.get(key)
        if stream is None:
            stream = self._streams[key] = Waiting(key)
        if not stream.pieces:
            self._turns.append(stream)
        body, last = encode_events(events), stream.pieces[-1] if stream.pieces else None
        if last is not None and last.count + len(events) <= self.batch_events:
            last.body += body
            last.count += len(events)
            self._account(stream, len(body))
        else:
            self._push(stream, len(events), body)
        if self.bytes > self.limit:
            self._shrink()

    def take(self) -> tuple[str, int, bytes] | None:
        """The next piece to send, stream by stream in turn: (key, events, body). None when nothing waits."""
        if not self._turns:
            return None
        stream = self._turns[0]
        if stream.lost or stream.states:
            self._prepend(stream, stream.announce())
        piece = stream.pieces.popleft()
        self._account(stream, -len(piece))
        self._turns.popleft()
        if stream.pieces:
            self._turns.append(stream)
        return stream.key, piece.count, piece.body

    def _account(self, stream: Waiting, change: int) -> None:
        stream.bytes += change
        self.bytes += change

    def _push(self, stream: Waiting, count: int, body: bytes) -> None:
        self._order += 1
        piece = Piece(self._order, count, body)
        stream.pieces.append(piece)
        self._account(stream, len(piece))

    def _cut(self, events: list[Event]) -> list[list[Event]]:
        return [events[at : at + self.batch_events] for at in range(0, len(events), self.batch_events)]

    def _prepend(self, stream: Waiting, events: list[Event]) -> None:
        for part in reversed(self._cut(events)):
            piece = Piece(stream.pieces[0].order, len(part), encode_events(part))
            stream.pieces.appendleft(piece)
            self._account(stream, len(piece))

    def _shrink(self) -> None:
        whole = [stream for stream in self._turns if stream.kind in CONFLATED]
        waiting = sum(stream.bytes for stream in whole)
        # Conflating costs a decode of all that waits: only when much has come since the last time.
        if waiting - self._bytes_conflated > self.limit // 8:
            for stream in whole:
                self._conflate(stream)
            self._bytes_conflated = sum(stream.bytes for stream in whole)
        while self.bytes > self.limit and self._drop_oldest():
            pass

    def _conflate(self, stream: Waiting) -> None:
        events = [event for piece in stream.pieces for event in decode_events(piece.count, piece.body)]
        newest = {(type(event), event.symbol): index for index, event in enumerate(events)}
        kept: list[Event] = []
        for index, event in enumerate(events):
            if isinstance(event, State) or newest[type(event), event.symbol] == index:
                kept.append(event)
            else:
                stream.lose(event)
        self.conflated += len(events) - len(kept)
        self._account(stream, -stream.bytes)
        stream.pieces.clear()
        for part in self._cut(kept):
            self._push(stream, len(part), encode_events(part))

    def _drop_oldest(self) -> bool:
        """Let one piece go. False where nothing is left but the gaps to tell."""
        stream = min(self._turns, key=_expendable)
        if not stream.pieces[0].body:
            return False
        piece = stream.pieces.popleft()
        self._account(stream, -len(piece))
        for event in decode_events(piece.count, piece.body):
            if isinstance(event, State):
                stream.states[event.symbol] = event
            else:
                stream.lose(event)
                self.dropped += 1
        if not stream.pieces:
            self._push(stream, 0, b"")  # keeps the stream's turn: its gap has still to be told
        return True


def _expendable(stream: Waiting) -> tuple[bool, int, int]:
    """Sorts the stream to lose its oldest piece first: by kind, then by age; one that has no events last."""
    rank = DROP_ORDER.index(stream.kind) if stream.kind in DROP_ORDER else -1
    return (not stream.pieces[0].body, rank, stream.pieces[0].order)
