"""Trades on demand: what terminals watch is asked of the collectors, read from their streams and handed out.

The bus keeps sixty minutes of trades of a venue in one stream per partition. A watched symbol is demanded
(`demand:<venue>:trade`, renewed, expiring by itself), its stream is read from the newest entry on, and for cvd its past
is read once: prints that come meanwhile wait, so that each is counted once and in order.
"""

import asyncio
import contextlib
import logging
import time
from collections import deque
from collections.abc import Callable, Iterable
from decimal import Decimal, InvalidOperation
from typing import Any, Final

from services.api.cryexc.cvd import KEEP_S, Tally
from services.api.cryexc.trade import notional_of, trade_ms
from services.api.errors import away
from shared import bus, streams
from shared.events import Trade
from shared.instruments import asset_of
from shared.reader import START, Entry, SeqMemory, StreamReader, entries_of, newest_id

Key = tuple[str, str]
Listener = Callable[[Key, Trade, Decimal], None]

_log = logging.getLogger("api.tail")
KIND: Final = "trade"
BLOCK_MS: Final = 500
#: A server that does not answer for so long is away.
ANSWER_S: Final = 2.0
DEMAND_MS: Final = 20_000
RENEW_S: Final = 5.0
#: Ids kept of each instrument: a hand-over between collectors sends some prints twice.
RING: Final = 512
HISTORY_COUNT: Final = 500
#: Prints that wait while a past is being read; beyond it the oldest go, counted.
MAX_WAITING: Final = 50_000
RETRY_S: Final = 0.5


class Tape:
    """One watched instrument: who listens, which prints were seen, what is summed."""

    def __init__(self, key: Key) -> None:
        self.key = key
        self.listeners: set[Listener] = set()
        self.tally: Tally | None = None
        #: Prints that came while the past is being read; None when none is.
        self.waiting: deque[Trade] | None = None
        self.let_go = 0
        self._ids: set[str] = set()
        self._ring: deque[str] = deque()

    def fresh(self, trade_id: str) -> bool:
        """Whether this id is new among the latest."""
        if trade_id in self._ids:
            return False
        self._ids.add(trade_id)
        self._ring.append(trade_id)
        if len(self._ring) > RING:
            self._ids.discard(self._ring.popleft())
        return True

    def take(self, trade: Trade) -> bool:
        """Hand a live print on; False for one that is no print or was seen."""
        notional = worth(trade)
        if notional is None or not self.fresh(trade.id):
            return False
        if self.tally is not None:
            self.tally.add(trade_ms(trade), trade.side, notional)
        for listener in tuple(self.listeners):
            listener(self.key, trade, notional)
        return True


def worth(trade: Trade) -> Decimal | None:
    """Price times size; None for what is no print: a price or size that is not above zero, or no number."""
    try:
        notional = notional_of(trade)
    except InvalidOperation:
        return None
    return notional if notional.is_finite() and notional > 0 and not trade.size.startswith("-") else None


class Stream:
    """One venue's trades of one partition, read while anything on it is watched."""

    def __init__(self, client: bus.Redis, key: str) -> None:
        self.key = key
        self.tapes: dict[str, Tape] = {}
        #: Reading ends at the next turn once nobody wants it.
        self.wanted = True
        self.reader: StreamReader | None = None
        self._client = client
        self._placed = asyncio.Event()

    async def placed(self) -> str:
        """Where reading goes on from, once it is known. Raises `TimeoutError`, which is one of AWAY's."""
        async with asyncio.timeout(ANSWER_S + 2):
            await self._placed.wait()
        assert self.reader is not None
        return self.reader.positions[self.key]

    async def run(self) -> None:
        position: str | None = None
        while self.wanted:
            try:
                async with asyncio.timeout(ANSWER_S):
                    position = position or await newest_id(self._client, self.key)
                self.reader = StreamReader(self._client, [self.key], {self.key: position})
                self._placed.set()
                while self.wanted:
                    async with asyncio.timeout(BLOCK_MS / 1000 + ANSWER_S):
                        entries = await self.reader.read(BLOCK_MS)
                    position = self.reader.positions[self.key]
                    self._hand_out(entries)
            except bus.AWAY as error:
                _log.warning("%s is not being read: %s", self.key, error)
                await asyncio.sleep(RETRY_S)

    def _hand_out(self, entries: Iterable[Entry]) -> None:
        for entry in entries:
            for event in entry.batch.events if entry.batch is not None else ():
                if type(event) is Trade and (tape := self.tapes.get(event.symbol)) is not None:
                    if tape.waiting is not None:
                        tape.let_go += len(tape.waiting) == MAX_WAITING
                        tape.waiting.append(event)
                    else:
                        tape.take(event)

    async def past(self, symbol: str, since_ms: int, until: str) -> list[Trade]:
        """The prints of one instrument from a time to an entry id, each once, oldest first."""
        memory, found, start = SeqMemory(), [], f"{since_ms}-0"
        while True:
            async with asyncio.timeout(ANSWER_S):
                rows: Any = await self._client.xrange(self.key, min=start, max=until, count=HISTORY_COUNT)
            for entry in entries_of([(self.key.encode(), rows)]):
                if entry.batch is None or memory.take(entry.batch.producer, entry.batch.seq) == "drop":
                    continue
                found += [event for event in entry.batch.events if type(event) is Trade and event.symbol == symbol]
            if len(rows) < HISTORY_COUNT:
                return found
            start = f"({rows[-1][0].decode()}"


class TradeTail:
    """All watched instruments of this process."""

    def __init__(self, client: bus.Redis, partitions: int, now_ns: Callable[[], int] = time.time_ns) -> None:
        """`now_ns`: the moment that a past is counted back from."""
        self._client, self._partitions, self._now_ns = client, partitions, now_ns
        self._streams: dict[str, Stream] = {}
        self._renew = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()
        self._locks: dict[Key, asyncio.Lock] = {}

    def now_s(self) -> int:
        return self._now_ns() // 1_000_000_000

    @property
    def watched(self) -> list[Key]:
        return sorted(tape.key for stream in self._streams.values() for tape in stream.tapes.values())

    @property
    def reading(self) -> bool:
        """Whether every stream in use is being read from a known entry on."""
        return bool(self._streams) and all(stream.reader is not None for stream in self._streams.values())

    async def run(self) -> None:
        """Renew what is demanded, at once when something new is. Ends by cancellation."""
        while True:
            self._renew.clear()
            try:
                async with asyncio.timeout(ANSWER_S):
                    await self._demand()
            except bus.AWAY as error:
                _log.warning("demand cannot be renewed: %s", error)
                await asyncio.sleep(RETRY_S)
                continue
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(RENEW_S):
                    await self._renew.wait()

    def tasks(self) -> list[asyncio.Task[None]]:
        """What reads at the moment, or has been told to stop."""
        return list(self._tasks)

    async def watch(self, key: Key, listener: Listener) -> None:
        stream = self._stream(key)
        tape = stream.tapes.get(key[1])
        if tape is None:
            tape = stream.tapes[key[1]] = Tape(key)
            self._renew.set()
        tape.listeners.add(listener)

    def unwatch(self, key: Key, listener: Listener) -> None:
        stream = self._streams.get(self._key(key))
        tape = stream.tapes.get(key[1]) if stream is not None else None
        if stream is None or tape is None:
            return
        tape.listeners.discard(listener)
        if not tape.listeners:
            del stream.tapes[key[1]]
            self._locks.pop(key, None)
        if not stream.tapes:
            stream.wanted = False
            del self._streams[stream.key]

    async def tally(self, key: Key) -> Tally:
        """What is known of the last hour of a watched instrument. Raises `ApiError` while Redis is away."""
        stream = self._stream(key)
        tape = stream.tapes[key[1]]
        async with self._locks.setdefault(key, asyncio.Lock()):
            if tape.tally is None:
                try:
                    tape.tally = await self._summed(stream, tape)
                except bus.AWAY:
                    raise away("redis") from None
        tape.tally.trim(self.now_s() - KEEP_S - 60)
        return tape.tally

    async def _summed(self, stream: Stream, tape: Tape) -> Tally:
        now = self.now_s()
        tally = Tally(now - KEEP_S)
        until = await stream.placed()
        tape.waiting = deque(maxlen=MAX_WAITING)
        try:
            past = await stream.past(tape.key[1], (now - KEEP_S) * 1000, until) if until != START else []
            tally.since_s = self._since(past, tally.since_s, now)
            summed: set[str] = set()
            for print_ in past:
                notional = worth(print_)
                # Remembered, not asked: one that went out live before this past was read counts all the same.
                tape.fresh(print_.id)
                if notional is not None and print_.id not in summed:
                    summed.add(print_.id)
                    tally.add(trade_ms(print_), print_.side, notional)
        finally:
            waiting, tape.waiting = tape.waiting or (), None
        tape.tally = tally
        for print_ in waiting:
            tape.take(print_)
        return tally

    @staticmethod
    def _since(past: list[Trade], floor_s: int, now_s: int) -> int:
        """From when on the sums are complete: the first print that the bus still has, or now."""
        return max(floor_s, trade_ms(past[0]) // 1000) if past else now_s

    def _key(self, key: Key) -> str:
        partition = streams.partition_of(asset_of(key[1]), self._partitions)
        return streams.market_data(partition, key[0], KIND)

    def _stream(self, key: Key) -> Stream:
        name = self._key(key)
        stream = self._streams.get(name)
        if stream is None:
            stream = self._streams[name] = Stream(self._client, name)
            task = asyncio.get_running_loop().create_task(stream.run(), name=f"tail {name}")
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        return stream

    async def _demand(self) -> None:
        watched = self.watched
        if not watched:
            return
        seconds, micros = await self._client.time()
        until = seconds * 1000 + micros // 1000 + DEMAND_MS
        async with self._client.pipeline(transaction=False) as pipe:
            for venue, symbol in watched:
                # GT: another process may want it for longer.
                pipe.zadd(streams.demand(venue, KIND), {symbol: until}, gt=True)
            await pipe.execute()
