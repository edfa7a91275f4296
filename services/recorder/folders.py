"""What each kind of feed makes of its entries."""

from typing import Final

from services.recorder.bars import Bar, BarFold
from services.recorder.store import Gap, Rows
from services.recorder.track import Track
from shared import decoding
from shared.codec import decode_batch
from shared.events import Settlement
from shared.reader import split_id
from shared.signals import Signal

#: the kinds that a market feed folds into bars and funding rows
MARKET_KINDS: Final = ("quote", "mark", "funding")
#: bars that may wait for Postgres; past it the oldest are let go, counted, and a gap is written
MAX_BARS: Final = 300_000
MAX_SETTLEMENTS: Final = 200_000

_signal: Final[decoding.Decoder[Signal]] = decoding.msgpack(Signal)


class MarketFolder:
    """Quotes, marks and funding of one venue. Its streams are short: it goes on folding while Postgres is away."""

    patient = False

    def __init__(self) -> None:
        self._fold, self._clock_ms = BarFold(), 0
        self._settlements: list[Settlement] = []
        self.dropped = 0

    @property
    def late(self) -> int:
        return self._fold.late

    @property
    def open_bars(self) -> int:
        return len(self._fold)

    def load(self, state: bytes | None) -> None:
        self._fold, self._settlements = BarFold(state), []

    def take(self, track: Track, entry_id: str, data: bytes) -> int:
        batch = decode_batch(data)
        id_ms, _ = split_id(entry_id)
        if not track.take(entry_id, batch.producer, batch.seq):
            return 0
        for event in batch.events:
            if type(event) is Settlement:
                self._settlements.append(event)
            else:
                self._fold.apply(event, id_ms)
        self._bound(track, entry_id)
        return len(batch.events)

    def tick(self, clock_ms: int) -> None:
        self._clock_ms = max(self._clock_ms, clock_ms)

    def collect(self) -> Rows:
        self._fold.forget(self._clock_ms)  # what is clean now was committed
        bars: list[tuple[str, Bar]] = list(self._fold.closed(self._clock_ms))
        settlements, self._settlements = self._settlements, []
        self._fold.mark(bars, dirty=False)
        return Rows(bars=bars, settlements=settlements)

    def dump(self) -> bytes | None:
        return self._fold.dump()

    def restore(self, rows: Rows) -> None:
        self._fold.mark(rows.bars, dirty=True)
        self._settlements = [*rows.settlements, *self._settlements]

    def _bound(self, track: Track, entry_id: str) -> None:
        dropped = self._fold.bound(MAX_BARS)
        if len(self._settlements) > MAX_SETTLEMENTS:
            dropped += len(self._settlements) - MAX_SETTLEMENTS
            del self._settlements[: len(self._settlements) - MAX_SETTLEMENTS]
        if dropped:
            self.dropped += dropped
            track.gaps.append(Gap(track.stream, entry_id, None, None, None, f"memory: {dropped} rows let go"))


class SignalFolder:
    """Life-cycle records of one partition. The stream keeps them for days: it waits for Postgres."""

    patient = True

    def __init__(self) -> None:
        self._signals: list[Signal] = []

    def load(self, state: bytes | None) -> None:
        self._signals = []

    def take(self, track: Track, entry_id: str, data: bytes) -> int:
        signal = _signal.decode(data)
        track.note(entry_id)
        self._signals.append(signal)
        return 1

    def tick(self, clock_ms: int) -> None:
        """A signal is stored as it is; no clock closes it."""

    def collect(self) -> Rows:
        signals, self._signals = self._signals, []
        return Rows(signals=signals)

    def dump(self) -> bytes | None:
        return None

    def restore(self, rows: Rows) -> None:
        self._signals = [*rows.signals, *self._signals]
