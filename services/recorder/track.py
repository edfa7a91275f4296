"""One stream of a feed: the reader's cursor, as it is stored, and the gaps found and not yet stored. Pure."""

from services.recorder.store import Gap, Position
from shared.cursor import START, Cursor, Loss, Standing, split_id
from shared.seqs import SeqMemory


class Track:
    """Where the recorder stands in one stream of one Redis (`incarnation`)."""

    def __init__(self, stream: str, incarnation: str, position: Position | None = None) -> None:
        self.stream, self.incarnation = stream, incarnation
        self.gaps: list[Gap] = []
        self.cursor = Cursor(stream)
        if position is not None:
            self.cursor = Cursor(stream, position.last_id)
            self.cursor.ordinal, self.cursor.memory = position.ordinal, SeqMemory.load(position.seqs)
            if position.incarnation != incarnation:
                self.cursor.reset(wiped=True)
                self._collect(None)

    @property
    def last_id(self) -> str:
        return self.cursor.position

    @property
    def begun(self) -> bool:
        return self.last_id != START

    def position(self) -> Position:
        return Position(self.last_id, self.cursor.ordinal, self.cursor.memory.dump(), self.incarnation)

    def note(self, entry_id: str) -> None:
        """Note an entry that was read."""
        self.cursor.enter(entry_id, *split_id(entry_id))
        self._collect(entry_id)

    def take(self, entry_id: str, producer: str, seq: int) -> bool:
        """Note a batch that was read. False: its events were seen before (a retry)."""
        self.note(entry_id)
        return self.cursor.memory.take(producer, seq, split_id(entry_id)[0]) != "drop"

    def rest(self) -> None:
        """The reply at hand is read."""
        self.cursor.rest()
        self._collect(None)

    def account(self, standing: Standing | None) -> None:
        """Redis's own account of the stream, taken before the next read. None: there is no such stream."""
        self.cursor.account(standing)
        self._collect(standing.first_id if standing else None)

    def wiped(self, incarnation: str) -> None:
        """This is another Redis than the one that the ids belong to: begin anew."""
        self.incarnation = incarnation
        self.cursor.reset(wiped=True)
        self._collect(None)

    def reject(self, entry_id: str, reason: str) -> None:
        """Note an entry that is no batch of ours: it is not stored, and says so."""
        before = self.last_id
        if before != entry_id:
            self.note(entry_id)
        self.gaps.append(Gap(self.stream, before, entry_id, 1, None, f"rejected: {reason}"[:200]))

    def _collect(self, to_id: str | None) -> None:
        losses, self.cursor.losses = self.cursor.losses, []
        self.gaps += [self._gap(loss, to_id) for loss in losses]

    def _gap(self, loss: Loss, to_id: str | None) -> Gap:
        seqs = loss.seqs or None
        return Gap(loss.key, loss.after_id, None if seqs else to_id, loss.entries, seqs, loss.reason)
