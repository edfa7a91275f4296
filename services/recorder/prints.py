"""Trades and liquidations of one venue: rows of their own, and what was traded in each bar."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Final

from services.recorder import lines
from services.recorder.bars import SECOND_MS
from services.recorder.choice import WatchList
from services.recorder.copytext import NotExactError, exact
from services.recorder.folders import KEEP_SECONDS_MS, check_clock
from services.recorder.pending import Pending
from services.recorder.recent import WINDOW_MS, RecentIds
from services.recorder.store import Rows
from services.recorder.track import Track
from services.recorder.volumes import Volume, VolumeFold
from shared.codec import decode_batch
from shared.config import Recorded
from shared.events import Event, Liquidation, Trade
from shared.reader import split_id

#: the kinds that a feed of prints reads
PRINT_KINDS: Final = ("trade", "liquidation")
Written = list[tuple[str, Volume]]


class PrintFolder:
    """Its streams are kept for an hour: it leaves what it cannot store in them."""

    patient = True
    #: the prints of two generations of `RecentIds`
    look_back_ms = 2 * WINDOW_MS
    states: tuple[str, ...] = ("", "/1s")

    def __init__(self, venue: str, watch: WatchList, trades: Recorded, liquidations: Recorded) -> None:
        self._venue, self._watch, self._trades, self._liquidations = venue, watch, trades, liquidations
        self._minutes, self._seconds = VolumeFold(), VolumeFold(SECOND_MS, KEEP_SECONDS_MS)
        self._recent: dict[str, RecentIds] = {}
        self._collected: list[Written] = []
        self.pending = Pending()
        self._clock_ms = 0

    @property
    def full(self) -> bool:
        return self.pending.full

    @property
    def late(self) -> int:
        return self._minutes.late + self._seconds.late

    def load(self, states: Mapping[str, bytes]) -> None:
        minutes, seconds = (states.get(name) for name in self.states)
        self._minutes, self._seconds = VolumeFold(state=minutes), VolumeFold(SECOND_MS, KEEP_SECONDS_MS, seconds)
        self._recent, self.pending, self._collected, self._clock_ms = {}, Pending(), [], 0

    def seen(self, stream: str, entry_id: str, data: bytes) -> None:
        """Remember the prints of an entry that was stored before."""
        id_ms, _ = split_id(entry_id)
        for event in decode_batch(data).events:
            self._fresh(stream, event, id_ms)

    def take(self, track: Track, entry_id: str, data: bytes) -> int:
        batch = decode_batch(data)
        id_ms, _ = split_id(entry_id)
        if not track.take(entry_id, batch.producer, batch.seq):
            return 0
        for event in batch.events:
            if self._fresh(track.stream, event, id_ms):
                try:
                    check_clock(event, id_ms)
                    self._apply(event)
                except NotExactError as error:
                    self.pending.reject_event(event, error)
        return len(batch.events)

    def _fresh(self, stream: str, event: Event, id_ms: int) -> bool:
        recent = self._recent.get(stream)
        if recent is None:
            recent = self._recent[stream] = RecentIds()
        if type(event) is Trade:
            return recent.fresh(id_ms, event.symbol, event.id)
        if type(event) is Liquidation:
            # where the venue gives no id, all that it says of it
            known = (event.id,) if event.id is not None else (event.side, event.price, event.size, event.ts)
            return recent.fresh(id_ms, event.symbol, *known)
        return False

    def _apply(self, event: Event) -> None:
        if type(event) is Trade and self._watch.takes(self._trades, event.symbol):
            self._trade(event, exact(event.price), exact(event.size))
        elif type(event) is Liquidation and self._watch.takes(self._liquidations, event.symbol):
            self.pending.add("liquidations", lines.liquidation(self._venue, event))

    def _trade(self, trade: Trade, price: Decimal, size: Decimal) -> None:
        self.pending.add("trades", lines.trade(self._venue, trade))
        self._minutes.add(trade, price, size)
        if self._watch.has(trade.symbol):
            self._seconds.add(trade, price, size)

    def tick(self, clock_ms: int) -> None:
        self._clock_ms = max(self._clock_ms, clock_ms)

    def collect(self) -> Rows:
        rows = self.pending.collect()
        made = dict(rows.lines)
        for fold, table in ((self._minutes, "bars:traded"), (self._seconds, "bars_1s:traded")):
            fold.forget(self._clock_ms)  # what is clean now was committed
            closed = list(fold.closed(self._clock_ms))
            for _, volume in closed:
                volume.dirty = False
            self._collected.append(closed)
            made[table] = [lines.volume(self._venue, symbol, fold.step_ms, one) for symbol, one in closed]
        return Rows(lines=made, rejected=rows.rejected)

    def dump(self) -> dict[str, bytes]:
        return dict(zip(self.states, (self._minutes.dump(), self._seconds.dump()), strict=True))

    def stored(self) -> None:
        self._collected = []

    def restore(self, rows: Rows) -> None:
        for closed in self._collected:
            for _, volume in closed:
                volume.dirty = True
        self._collected = []
        kept = {table: held for table, held in rows.lines.items() if table in ("trades", "liquidations")}
        self.pending.restore(Rows(lines=kept, rejected=rows.rejected))
