"""The collector's way into Redis: events appended one by one, written as numbered batches over one connection.

Theory of operation:

1. `append` puts the event into its key's list and, with the turn's first, asks for a flush on the next turn of the
   loop. No task, queue or await per event. A full list is packed and numbered at once, the rest by the flush, which
   writes (`shared/outbox.py`).
2. A break (connection gone, or no answer for `answer_timeout_s`): connect again with backoff, greet, wait for PONG,
   then send all unanswered batches again, in order, under the same numbers; events wait (`shared/backlog.py`).
   Without the PONG a stopped server, whose kernel still takes connections, would get the window once per attempt.
3. An error is no acceptance. On one that passes: stop sending, collect all answers, on OOM trim our own streams, then
   send the refused batches again. On one that does not (wrong type, no permission): `on_fatal`, and nothing more.
4. Each tick (50 ms): last values that are due, and the watch over unanswered commands. Each beat (1 s): empty batches
   on quiet keys, trimming by Redis's own clock (a quiet stream is not trimmed by XADD), the memory cap.
"""

import asyncio
import logging
import random
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Final

import msgspec

from shared.events import Event
from shared.last_values import LastValues
from shared.link import Link, open_link, parse_url
from shared.outbox import BATCH_EVENTS, Outbox, Sent, Stream
from shared.resp import Reply, ReplyError, command

log = logging.getLogger("bus.writer")

#: Errors that pass: the batch is kept and sent again.
PASSING: Final = frozenset(
    {"OOM", "LOADING", "READONLY", "MISCONF", "CLUSTERDOWN", "MASTERDOWN", "TRYAGAIN", "NOREPLICAS", "BUSY"}
)
TICK_S: Final = 0.05
TICKS_PER_BEAT: Final = 20
MEMORY_BYTES: Final = 256 << 20
#: Entries that a stream keeps however short memory is: a shorter one is not what fills it.
LEAST_KEPT: Final = 1_000


class BusRefusal(RuntimeError):
    """Redis refuses this writer for good: wrong type of key, no permission, wrong password."""


class WriterCounters(msgspec.Struct):
    """Since the writer's start; the last three are of now."""

    sent_batches: int = 0
    sent_events: int = 0
    resent: int = 0
    refused: int = 0
    conflated: int = 0
    dropped: int = 0
    capped: int = 0
    breaks: int = 0
    in_flight: int = 0
    backlog_bytes: int = 0
    connected: bool = False


class StreamWriter:
    """Writes the streams and last values of one producer. All methods belong to the loop that called `start`."""

    def __init__(
        self,
        url: str,
        producer: str,
        *,
        retention_ms: Mapping[str, int],
        on_fatal: Callable[[BaseException], None],
        max_in_flight: int = 256,
        backlog_bytes: int = 32 << 20,
        batch_events: int = BATCH_EVENTS,
        memory_bytes: int | Mapping[str, int] = MEMORY_BYTES,
        answer_timeout_s: float = 2.0,
    ) -> None:
        """`retention_ms` and `memory_bytes` are by stream kind. Raises `SettingError` on a bad URL."""
        self._address = parse_url(url)
        self._outbox = Outbox(
            producer,
            retention_ms,
            max_in_flight=max_in_flight,
            backlog_bytes=backlog_bytes,
            batch_events=batch_events,
        )
        self._last = LastValues()
        self._memory_bytes = memory_bytes
        self._answer_timeout_s = answer_timeout_s
        self._on_fatal = on_fatal
        self._streams = self._outbox.streams
        self._link: Link | None = None
        self._keeper: asyncio.Task[None] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._closed = False
        self._ticks = 0
        self._tick_due = self._progress_at = 0.0
        self._hold_code = ""
        self._hold_rounds = 0
        self._trimmed_all: Callable[[], None] | None = None
        self._freed = self._capped = self._breaks = 0

    @property
    def counters(self) -> WriterCounters:
        outbox = self._outbox
        return WriterCounters(
            sent_batches=outbox.accepted_batches,
            sent_events=outbox.accepted_events,
            resent=outbox.resent,
            refused=outbox.refusals,
            conflated=outbox.backlog.conflated,
            dropped=outbox.backlog.dropped,
            capped=self._capped,
            breaks=self._breaks,
            in_flight=outbox.in_flight,
            backlog_bytes=outbox.backlog.bytes,
            connected=self._link is not None,
        )

    async def start(self) -> None:
        """Begin to connect, and return at once: events may be appended whether Redis is there or not."""
        self._loop = asyncio.get_running_loop()
        self._outbox.wake = lambda: self._loop.call_soon(self._flush)
        self._keeper = self._loop.create_task(self._keep_connected())
        self._tick_due = self._loop.time()
        self._tick()
        self._flush()

    async def close(self, timeout_s: float) -> None:
        """Write what is left, at most for `timeout_s`, and close. What Redis did not take is logged."""
        deadline = self._loop.time() + timeout_s
        while not (self._outbox.idle and self._last.idle) and not self._closed and self._loop.time() < deadline:
            self._last.schedule(1)
            self._write_last()
            await asyncio.sleep(0.01)
        self._stop()
        if self._keeper is not None:
            self._keeper.cancel()
            await asyncio.wait([self._keeper])
        if self._outbox.in_flight or self._outbox.backlog:
            log.warning(
                "Closed with events that Redis did not take: %d batches unanswered, %d bytes waiting",
                self._outbox.in_flight,
                self._outbox.backlog.bytes,
            )

    def append(self, key: str, event: Event) -> None:
        """Send the event on the stream `key`. Never blocks and never raises for load."""
        stream = self._streams.get(key)
        if stream is None:
            stream = self._outbox.stream(key)
        self._outbox.append(stream, event)

    def outlet(self, key: str) -> Callable[[list[Event]], None]:
        """`append` of many events at once, for what comes most. The list is the caller's again after the call."""
        return partial(self._outbox.extend, self._outbox.stream(key))

    def put_last(self, key: str, field: str, event: Event) -> None:
        """Keep the event as the newest of its symbol; a State is kept beside the value. Written once a second."""
        self._last.put(key, field, event)

    def delete_last(self, key: str, field: str) -> None:
        """Take a symbol out of the last values."""
        self._last.delete(key, field)

    def _flush(self) -> None:
        self._write(self._outbox.collect())

    def _write(self, commands: list[bytes]) -> None:
        if self._outbox.packed:
            commands = self._outbox.take_packed() + commands
        if commands and self._link is not None:
            self._link.write(commands)

    def _ask(self, question: bytes, callback: Callable[[Reply], None]) -> None:
        self._outbox.expected.append(callback)
        self._write([question])

    # --- the connection ---

    async def _keep_connected(self) -> None:
        pauses, silent = backoff(), False
        while not self._closed:
            try:
                link = await open_link(self._address, self._answer_timeout_s)
            except ReplyError as error:
                if error.code not in PASSING and "max number of clients" not in str(error):
                    self._fatal(error)
                    return
                reason = str(error)
            except OSError as error:
                reason = str(error) or type(error).__name__
            else:
                log.info("Connected to Redis at %s", self._address)
                pauses, silent = backoff(), False
                self._connected(link)
                reason = await link.lost
                self._disconnected(reason)
                continue
            if not silent:
                log.warning("No connection to Redis at %s, trying again: %s", self._address, reason)
                silent = True
            await asyncio.sleep(next(pauses))

    def _connected(self, link: Link) -> None:
        self._link = link
        self._progress_at = self._loop.time()
        link.on_replies = self._on_replies
        self._last.restore()
        self._hold_code = ""
        self._resend()

    def _disconnected(self, reason: str) -> None:
        self._link = None
        self._breaks += 1
        for callback in self._outbox.broken():
            callback(None)
        if not self._closed:
            log.warning("Lost Redis at %s: %s; events wait", self._address, reason)

    def _on_replies(self, replies: list[Reply]) -> None:
        outbox = self._outbox
        self._progress_at = self._loop.time()
        newest = b""
        for reply in replies:
            record = outbox.expected.popleft()
            if not isinstance(record, Sent):
                record(reply)
            elif isinstance(reply, bytes):
                outbox.accepted(record)
                newest = reply
            else:
                self._refuse(record, reply)
        if newest:
            outbox.heard(newest)
        if outbox.backlog and outbox.open:
            self._write(outbox.pump())
        if self._hold_code and not outbox.expected:
            self._loop.call_later(self._hold_pause(), self._relieve, self._link)
        elif self._trimmed_all is not None and not outbox.expected:
            self._trimmed_all()

    # --- refusals ---

    def _refuse(self, sent: Sent, reply: Reply) -> None:
        error = reply if isinstance(reply, ReplyError) else ReplyError(f"ERR not an entry id: {reply!r}")
        self._outbox.refuse(sent)
        if error.code not in PASSING:
            self._fatal(error)
        elif not self._hold_code:
            if not self._hold_rounds:
                log.warning("Redis refuses batches, which are kept: %s", error)
            self._hold_code = error.code

    def _hold_pause(self) -> float:
        """An OOM is answered at once as long as trimming helps; all else waits for Redis."""
        if self._hold_code == "OOM" and (not self._hold_rounds or self._freed):
            return 0.0
        return min(1.0, 0.05 * 2.0 ** min(self._hold_rounds, 8))

    def _relieve(self, link: Link | None) -> None:
        """All answers are in: trim our own streams where memory is short, then send the refused batches again."""
        if link is not self._link or self._link is None or self._closed:
            return
        out_of_memory = self._hold_code == "OOM"
        self._hold_code, self._hold_rounds = "", self._hold_rounds + 1
        self._trimmed_all, self._freed = self._resend, 0
        if out_of_memory:
            for stream in self._streams.values():
                self._relieve_stream(stream)
        if not self._outbox.expected:
            self._resend()

    def _relieve_stream(self, stream: Stream) -> None:
        """First what is older than its time, then, as long as memory stays short, a quarter at a time."""
        if self._hold_rounds == 1 and self._outbox.redis_ms:
            least = self._outbox.redis_ms - stream.retention_ms
            self._ask(command("XTRIM", stream.key, "MINID", least), self._trimmed)
            return

        def length(reply: Reply) -> None:
            if isinstance(reply, int) and reply > LEAST_KEPT:
                self._ask(command("XTRIM", stream.key, "MAXLEN", reply * 3 // 4), self._trimmed)

        self._ask(command("XLEN", stream.key), length)

    def _resend(self) -> None:
        self._trimmed_all = None
        self._write(self._outbox.resend())

    def _trimmed(self, reply: Reply) -> None:
        if isinstance(reply, int):
            self._capped += reply
            self._freed += reply
        elif isinstance(reply, ReplyError) and reply.code not in PASSING:
            self._fatal(reply)

    def _fatal(self, error: ReplyError) -> None:
        if not self._closed:
            self._stop()
            self._on_fatal(BusRefusal(f"Redis at {self._address} refuses for good: {error}"))

    def _stop(self) -> None:
        self._closed = self._outbox.closed = True
        self._outbox.open = False
        if self._timer is not None:
            self._timer.cancel()
        if self._link is not None:
            self._link.abort("closed")

    # --- ticks and beats ---

    def _tick(self) -> None:
        now = self._loop.time()
        stalled = now - self._tick_due > 0.5
        self._tick_due = now + TICK_S
        self._timer = self._loop.call_later(TICK_S, self._tick)
        if self._link is None:
            return
        if not self._outbox.expected or stalled:  # after a stall of ours the answers may lie unread in the socket
            self._progress_at = now
        elif now - self._progress_at > self._answer_timeout_s:
            self._link.abort(f"no answer for {self._answer_timeout_s:g} s")
            return
        self._ticks += 1
        if self._ticks % TICKS_PER_BEAT == 0:
            self._beat()
        self._write_last()

    def _write_last(self) -> None:
        if self._outbox.open:
            for question, callback in self._last.commands():
                self._ask(question, callback)

    def _beat(self) -> None:
        self._write(self._outbox.beat())
        self._last.schedule(TICKS_PER_BEAT - 1)
        if not self._outbox.open or not self._outbox.redis_ms:
            return
        self._hold_rounds = 0
        for stream in self._streams.values():
            least = self._outbox.redis_ms - stream.retention_ms
            self._ask(command("XTRIM", stream.key, "MINID", "~", least), _ignore)
            self._cap(stream.key)

    def _cap(self, key: str) -> None:
        budget = self._memory_bytes
        if not isinstance(budget, int):
            budget = budget.get(key.rpartition(":")[2], MEMORY_BYTES)
        limit, usage = budget, 0

        def used(reply: Reply) -> None:
            nonlocal usage
            usage = reply if isinstance(reply, int) else 0

        def length(reply: Reply) -> None:
            if isinstance(reply, int) and usage > limit:
                log.warning("%s holds %d bytes, more than its %d: its oldest entries go", key, usage, limit)
                self._ask(command("XTRIM", key, "MAXLEN", "~", reply * limit // usage, "LIMIT", 0), self._trimmed)

        self._ask(command("MEMORY", "USAGE", key), used)
        self._ask(command("XLEN", key), length)


def _ignore(reply: Reply) -> None:
    """The answer makes no difference: the next beat asks again."""


def backoff(least_s: float = 0.05, most_s: float = 1.0) -> Iterator[float]:
    """Pauses that double up to a cap, each with jitter."""
    pause = least_s
    while True:
        yield pause * random.uniform(0.5, 1.0)
        pause = min(most_s, pause * 2)
