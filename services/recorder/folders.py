"""What each kind of feed makes of its entries."""

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from services.recorder import lines
from services.recorder.bars import SECOND_MS, Bar, BarFold
from services.recorder.choice import WatchList
from services.recorder.copytext import NotExactError
from services.recorder.pending import Pending
from services.recorder.store import Gap, Rows
from services.recorder.track import Track
from shared import decoding
from shared.alerts import Alert
from shared.codec import decode_batch
from shared.events import Event, Settlement
from shared.reader import split_id
from shared.signals import Signal

#: the kinds that a market feed folds into bars and funding rows
MARKET_KINDS: Final = ("quote", "mark", "funding", "stats")
#: bars that may wait for Postgres; past it the oldest are let go, counted, and a gap is written
MAX_BARS: Final = 100_000
MAX_SECONDS: Final = 50_000
MAX_SETTLEMENTS: Final = 200_000
#: how long bars of a second stay in memory for what comes late
KEEP_SECONDS_MS: Final = 30_000
#: a clock of a collector that is wrong by more than this makes no history
DAY_NS: Final = 86_400_000_000_000

_signal: Final[decoding.Decoder[Signal]] = decoding.msgpack(Signal)
_alert: Final[decoding.Decoder[Alert]] = decoding.msgpack(Alert)
_change: Final[decoding.Decoder[dict[str, Any]]] = decoding.json(dict[str, Any])


class MarketFolder:
    """Quotes, marks, funding and statistics of one venue. Their streams are short: it folds on while Postgres is away.

    Every instrument has bars of a minute, those on the watch list also of a second.
    """

    patient = False
    look_back_ms = 0
    states: tuple[str, ...] = ("", "/1s")

    def __init__(self, venue: str, watch: WatchList) -> None:
        self._venue, self._watch = venue, watch
        self._minutes, self._seconds = BarFold(), BarFold(SECOND_MS, KEEP_SECONDS_MS)
        self._collected: list[tuple[BarFold, list[tuple[str, Bar]]]] = []
        self.pending = Pending()
        self._clock_ms = 0
        self.dropped = 0

    @property
    def full(self) -> bool:
        return self.pending.full or len(self._minutes) > MAX_BARS // 2 or len(self._seconds) > MAX_SECONDS // 2

    @property
    def late(self) -> int:
        return self._minutes.late + self._seconds.late

    @property
    def open_bars(self) -> int:
        return len(self._minutes) + len(self._seconds)

    def load(self, states: Mapping[str, bytes]) -> None:
        minutes, seconds = (states.get(name) for name in self.states)
        self._minutes, self._seconds = BarFold(state=minutes), BarFold(SECOND_MS, KEEP_SECONDS_MS, seconds)
        self.pending, self._collected, self._clock_ms = Pending(), [], 0

    def seen(self, stream: str, entry_id: str, data: bytes) -> None:
        """Quotes are told apart by their batches' numbers: nothing is read back."""

    def take(self, track: Track, entry_id: str, data: bytes) -> int:
        batch = decode_batch(data)
        id_ms, _ = split_id(entry_id)
        if not track.take(entry_id, batch.producer, batch.seq):
            return 0
        for event in batch.events:
            try:
                check_clock(event, id_ms)
                self._apply(event, id_ms)
            except NotExactError as error:
                self.pending.reject_event(event, error)
        self._bound(track, entry_id)
        return len(batch.events)

    def _apply(self, event: Event, id_ms: int) -> None:
        if type(event) is Settlement:
            self.pending.add("settlements", lines.settlement(self._venue, event))
            return
        self._minutes.apply(event, id_ms)
        if event.symbol is not None and self._watch.has(event.symbol):
            self._seconds.apply(event, id_ms)

    def tick(self, clock_ms: int) -> None:
        self._clock_ms = max(self._clock_ms, clock_ms)

    def collect(self) -> Rows:
        for fold in (self._minutes, self._seconds):
            fold.forget(self._clock_ms)  # what is clean now was committed
            bars = list(fold.closed(self._clock_ms))
            fold.mark(bars, dirty=False)
            self._collected.append((fold, bars))
        rows = self.pending.collect()
        minutes, seconds = (bars for _, bars in self._collected)
        made = {
            "bars": [lines.bar(self._venue, symbol, self._minutes.step_ms, bar) for symbol, bar in minutes],
            "bars_1s": [lines.bar(self._venue, symbol, SECOND_MS, bar) for symbol, bar in seconds],
            "funding": [lines.funding(self._venue, symbol, bar) for symbol, bar in minutes if bar.rate is not None],
        }
        return Rows(lines={**rows.lines, **made}, rejected=rows.rejected)

    def dump(self) -> dict[str, bytes]:
        return dict(zip(self.states, (self._minutes.dump(), self._seconds.dump()), strict=True))

    def stored(self) -> None:
        self._collected = []

    def restore(self, rows: Rows) -> None:
        for fold, bars in self._collected:
            fold.mark(bars, dirty=True)
        self._collected = []
        settlements = rows.lines.get("settlements", [])
        self.pending.restore(Rows(lines={"settlements": settlements}, rejected=rows.rejected))

    def _bound(self, track: Track, entry_id: str) -> None:
        dropped = self._minutes.bound(MAX_BARS) + self._seconds.bound(MAX_SECONDS)
        dropped += self.pending.bound("settlements", MAX_SETTLEMENTS)
        if dropped:
            self.dropped += dropped
            track.gaps.append(Gap(track.stream, entry_id, None, None, None, f"memory: {dropped} rows let go"))


class SignalFolder:
    """Life-cycle records of one partition. The stream keeps them for days: it waits for Postgres."""

    patient = True
    look_back_ms = 0
    states: tuple[str, ...] = ()

    def __init__(self) -> None:
        self.pending = Pending()

    @property
    def full(self) -> bool:
        return self.pending.full

    def load(self, states: Mapping[str, bytes]) -> None:
        self.pending = Pending()

    def seen(self, stream: str, entry_id: str, data: bytes) -> None:
        """A record carries its revision: nothing is read back."""

    def take(self, track: Track, entry_id: str, data: bytes) -> int:
        self._record(entry_id, data)
        track.note(entry_id)
        return 1

    def _record(self, entry_id: str, data: bytes) -> None:
        signal = _signal.decode(data)
        self.pending.add("signals", lines.signal(signal))
        self.pending.add("signal_events", lines.signal_event(signal))

    def tick(self, clock_ms: int) -> None:
        """What comes is stored as it is; no clock closes it."""

    def collect(self) -> Rows:
        return self.pending.collect()

    def dump(self) -> dict[str, bytes]:
        return {}

    def stored(self) -> None: ...

    def restore(self, rows: Rows) -> None:
        self.pending.restore(rows)


class AlertFolder(SignalFolder):
    """Alerts, raised and over."""

    def _record(self, entry_id: str, data: bytes) -> None:
        self.pending.add("alerts", lines.alert(_alert.decode(data)))


class ConfigFolder(SignalFolder):
    """Who changed which settings when."""

    def _record(self, entry_id: str, data: bytes) -> None:
        change = _change.decode(data)
        version = change.pop("version", None)
        if not isinstance(version, int):
            raise msgspec.DecodeError("a change of settings without a version")
        self.pending.add("config_changes", lines.config_change(entry_id, split_id(entry_id)[0], version, change))


def check_clock(event: Event, id_ms: int) -> None:
    """Raises `NotExactError` for an event that a clock far from Redis's own has stamped.

    What is repeated because it still stands may have been read long ago.
    """
    ahead = event.recv - id_ms * 1_000_000
    if ahead > DAY_NS or (ahead < -DAY_NS and getattr(event, "source", None) != "repeat"):
        raise NotExactError(f"recv {event.recv} is more than a day from the entry's time, {id_ms} ms")
