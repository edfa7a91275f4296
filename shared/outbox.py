"""What a writer has numbered and what Redis has answered. Pure: commands out, replies in, no socket and no clock.

Events of one turn of the loop are packed into batches of at most `batch_events`, numbered per key from 0, and sent as
`XADD key MINID ~ <ms> * v1 <batch>`. At most `max_in_flight` batches are unanswered; what comes behind them waits in
the backlog, un-numbered, so that what has to be let go leaves no hole in the numbers. A batch is kept until Redis has
accepted it. An error is no acceptance: the refused batches are sent again, in order, under the same numbers.
"""

from collections import deque
from collections.abc import Callable, Iterable, Mapping
from typing import Final, TypeAlias

from shared.backlog import Backlog
from shared.codec import encode_batch, join_batch
from shared.events import Event
from shared.resp import Reply, command
from shared.streams import FIELD

#: Measured with quotes in bursts of 256, writer and Redis in CPU microseconds an event: 16 took 0.67 + 0.41, 32 took
#: 0.45 + 0.25, 64 took 0.33 + 0.18; at up to 16 events a turn all are alike. Readers are promised at most 64.
BATCH_EVENTS: Final = 32


class Stream:
    """One key: the events of this turn, its next number, and the head of its XADD."""

    __slots__ = ("dirty", "head", "key", "next_seq", "pending", "retention_ms", "used")

    def __init__(self, key: str, retention_ms: int) -> None:
        self.key, self.retention_ms = key, retention_ms
        self.pending: list[Event] = []
        self.next_seq = 0
        self.dirty = False
        self.used = True
        self.head = b""
        self.set_clock(0)

    def set_clock(self, redis_ms: int) -> None:
        """Trim from now on to `redis_ms` - retention; not at all while Redis's clock is unknown (0)."""
        trim: tuple[bytes | str | int, ...] = ("MINID", "~", redis_ms - self.retention_ms) if redis_ms else ()
        head = command("XADD", self.key, *trim, "*", FIELD)
        self.head = b"*%d%b" % (5 + len(trim), head[head.index(b"\r\n") :])


class Sent:
    """A numbered batch that Redis has not accepted yet."""

    __slots__ = ("count", "payload", "seq", "stream")

    def __init__(self, stream: Stream, seq: int, count: int, payload: bytes) -> None:
        self.stream, self.seq, self.count, self.payload = stream, seq, count, payload

    def wire(self) -> bytes:
        return b"%b$%d\r\n%b\r\n" % (self.stream.head, len(self.payload), self.payload)


#: Takes the answer to a command that is no batch.
Callback: TypeAlias = Callable[[Reply], None]


class Outbox:
    """Batches of every key of one producer, in flight over one connection."""

    def __init__(
        self,
        producer: str,
        retention_ms: Mapping[str, int],
        *,
        max_in_flight: int = 256,
        backlog_bytes: int = 32 << 20,
        batch_events: int = BATCH_EVENTS,
    ) -> None:
        self.producer = producer
        #: called when there is something to `collect`
        self.wake: Callable[[], object] = lambda: None
        self.retention_ms = retention_ms
        self.max_in_flight, self.batch_events = max_in_flight, batch_events
        self.streams: dict[str, Stream] = {}
        self.dirty: list[Stream] = []
        self.packed: list[bytes] = []
        self.backlog = Backlog(backlog_bytes, batch_events)
        self.expected: deque[Sent | Callback] = deque()
        self.refused: list[Sent] = []
        self.open = False
        #: nothing will be sent any more, and nothing is kept
        self.closed = False
        self.in_flight = 0
        self.redis_ms = 0
        self.accepted_batches = self.accepted_events = self.resent = self.refusals = 0

    def stream(self, key: str) -> Stream:
        """The stream of a key. Raises `KeyError` where no retention is known for its kind."""
        found = self.streams.get(key)
        if found is None:
            found = self.streams[key] = Stream(key, self.retention_ms[key.rpartition(":")[2]])
            found.set_clock(self.redis_ms)
        return found

    @property
    def idle(self) -> bool:
        """Nothing pending, waiting or unanswered."""
        return not (self.dirty or self.backlog or self.expected or self.refused)

    def append(self, stream: Stream, event: Event) -> None:
        """Put an event behind the others of its stream."""
        self.extend(stream, (event,))

    def extend(self, stream: Stream, events: Iterable[Event]) -> None:
        """Put events behind the others of their stream.

        A batch is packed as soon as it is full: its events are still in the processor's caches then.
        """
        pending = stream.pending
        pending += events
        if not stream.dirty:
            stream.dirty = True
            if not self.dirty:
                self.wake()
            self.dirty.append(stream)
        while len(pending) >= self.batch_events:
            self._pack(stream, pending[: self.batch_events])
            del pending[: self.batch_events]

    def _pack(self, stream: Stream, events: list[Event]) -> None:
        """Turn events into a batch, which leaves with the next write."""
        if not self.closed:
            self._place(stream, events, self.packed)

    def collect(self) -> list[bytes]:
        """Turn all that was appended into batches. Returns the commands to write now."""
        for stream in self.dirty:
            stream.dirty = False
            if stream.pending:
                events, stream.pending = stream.pending, []
                self._pack(stream, events)
        self.dirty.clear()
        return self.take_packed()

    def take_packed(self) -> list[bytes]:
        """The commands that come before anything else that is written."""
        out, self.packed = self.packed, []
        return out

    def pump(self) -> list[bytes]:
        """Number what waits as far as the window allows. Returns the commands to write now."""
        out: list[bytes] = []
        while self.open and self.in_flight < self.max_in_flight:
            piece = self.backlog.take()
            if piece is None:
                break
            key, count, body = piece
            stream = self.streams[key]
            out.append(self._number(stream, count, join_batch(self.producer, stream.next_seq, count, body)))
        return out

    def beat(self) -> list[bytes]:
        """An empty batch for each key that was quiet since the last beat; heads brought to Redis's clock."""
        out: list[bytes] = []
        for stream in self.streams.values():
            stream.set_clock(self.redis_ms)
            if self.open and not stream.used and self.in_flight < self.max_in_flight:
                out.append(self._number(stream, 0, encode_batch(self.producer, stream.next_seq, [])))
            stream.used = False
        return out

    def accepted(self, sent: Sent) -> None:
        self.in_flight -= 1
        self.accepted_batches += 1
        self.accepted_events += sent.count

    def refuse(self, sent: Sent) -> None:
        """Redis did not take this batch: it is kept, and nothing is sent until `resend`."""
        self.open = False
        self.refusals += 1
        self.refused.append(sent)

    def broken(self) -> list[Callback]:
        """The connection is gone: all that is unanswered counts as refused. Returns the callbacks never answered."""
        self.open = False
        self.packed = []
        lost: list[Callback] = []
        for record in self.expected:
            if isinstance(record, Sent):
                self.refused.append(record)
            else:
                lost.append(record)
        self.expected.clear()
        return lost

    def resend(self) -> list[bytes]:
        """Open again: every batch without acceptance, in order, same numbers, then what waits."""
        self.open = True
        again, self.refused = self.refused, []
        self.resent += len(again)
        self.expected.extend(again)
        return [sent.wire() for sent in again] + self.pump()

    def heard(self, entry_id: bytes) -> None:
        """An id that Redis answered: the only clock that trimming goes by."""
        ms = int(entry_id.partition(b"-")[0])
        if ms > self.redis_ms:
            first, self.redis_ms = not self.redis_ms, ms
            if first:
                for stream in self.streams.values():
                    stream.set_clock(ms)

    def _place(self, stream: Stream, events: list[Event], out: list[bytes]) -> None:
        if self.open and self.in_flight < self.max_in_flight and not self.backlog:
            out.append(self._number(stream, len(events), encode_batch(self.producer, stream.next_seq, events)))
        else:
            self.backlog.add(stream.key, events)

    def _number(self, stream: Stream, count: int, payload: bytes) -> bytes:
        sent = Sent(stream, stream.next_seq, count, payload)
        stream.next_seq += 1
        stream.used = True
        self.in_flight += 1
        self.expected.append(sent)
        return sent.wire()
