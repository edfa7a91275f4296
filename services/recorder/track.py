"""One stream of a feed: the reader's cursor, as it is stored, and the gaps found and not yet stored. Pure."""

from services.recorder.store import Gap, Position
from shared.cursor import REPORT_AFTER_MS, START, Cursor, Loss, Standing, split_id
from shared.seqs import SeqMemory


class Track:
    """Where the recorder stands in one stream of one Redis (`incarnation`)."""

    def __init__(self, stream: str, incarnation: str, position: Position | None = None) -> None:
        self.stream, self.incarnation = stream, incarnation
        self.gaps: list[Gap] = []
        #: where numbers of a producer were found missing of late: the entries before and after
        self._jumps: dict[str, list[tuple[str, str]]] = {}
        self.cursor = Cursor(stream)
        if position is not None:
            self.cursor = Cursor(stream, position.last_id)
            self.cursor.ordinal, self.cursor.memory = position.ordinal, SeqMemory.load(position.seqs)
            if position.incarnation != incarnation:
                self.cursor.reset(wiped=True)
                self._collect()

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
        self._collect()

    def take(self, entry_id: str, producer: str, seq: int) -> bool:
        """Note a batch that was read. False: its events were seen before (a retry)."""
        before, memory = self.last_id, self.cursor.memory
        self.note(entry_id)
        jumps = memory.jumps
        taken = memory.take(producer, seq, split_id(entry_id)[0])
        if memory.jumps > jumps:
            self._jumps.setdefault(producer, []).append((before, entry_id))
        return taken != "drop"

    def rest(self) -> None:
        """The reply at hand is read."""
        self.cursor.rest()
        self._collect()
        overdue = split_id(self.last_id)[0] - REPORT_AFTER_MS
        for producer, jumps in list(self._jumps.items()):
            self._jumps[producer] = [jump for jump in jumps if split_id(jump[1])[0] >= overdue]
            if not self._jumps[producer]:
                del self._jumps[producer]

    def account(self, standing: Standing | None) -> None:
        """Redis's own account of the stream, taken before the next read. None: there is no such stream."""
        self.cursor.account(standing)
        self._collect()

    def wiped(self, incarnation: str) -> None:
        """This is another Redis than the one that the ids belong to: begin anew."""
        self.incarnation = incarnation
        self.cursor.reset(wiped=True)
        self._collect()

    def reject(self, entry_id: str, reason: str) -> None:
        """Note an entry that is no batch of ours: it is not stored, and says so."""
        before = self.last_id
        if before != entry_id:
            self.note(entry_id)
        self.gaps.append(Gap(self.stream, before, entry_id, 1, None, f"rejected: {reason}"[:200]))

    def _collect(self) -> None:
        losses, self.cursor.losses = self.cursor.losses, []
        self.gaps += map(self._gap, losses)

    def _gap(self, loss: Loss) -> Gap:
        after, before = loss.after_id, loss.before_id
        jumps = [jump for producer in loss.seqs for jump in self._jumps.get(producer, ())]
        if jumps:
            after, before = min(jumps, key=_first)[0], max(jumps, key=_first)[1]
        return Gap(loss.key, after, before, loss.entries, loss.seqs or None, loss.reason)


def _first(jump: tuple[str, str]) -> tuple[int, int]:
    return split_id(jump[0])
