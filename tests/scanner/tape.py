"""Writing streams by hand: a tape of entries in the order of their ids, with a clock of its own."""

from dataclasses import dataclass, field
from typing import Any

from services.scanner.control import Config, ControlBatch, ControlEvent, Join, Listing, Row, Start, Tick
from services.scanner.fold import Fold
from shared.codec import Batch
from shared.config import Runtime
from shared.events import Event, Funding, Quote, State
from shared.signals import Signal
from shared.streams import control, market_data

MS = 1_000_000
#: 2026-01-01T00:00:00Z in ms: a whole second, so instants are easy to count
T0 = 1_767_225_600_000
CTL = control(0)
Entry = tuple[int, str, int, Batch | ControlBatch]


def row(base: str, market: str = "perp", quote: str = "USDT", **over: Any) -> Row:
    """An instrument whose symbol and native follow from its base, market and quote."""
    settle = f":{quote}" if market == "perp" else ""
    given: dict[str, Any] = {
        "market": market,
        "symbol": f"{base}/{quote}{settle}",
        "native": f"{base}{quote}" + ("P" if market == "perp" else ""),
        "base": base,
        "quote": quote,
        "category": "crypto",
        "status": "trading",
        "quote_mode": "on_change",
        "lot_size": "0.001",
        "min_size": "0.001",
        "min_notional": "5",
        "taker_fee_bps": "5",
        "funding_interval_h": "8" if market == "perp" else None,
    }
    return Row(**{**given, **over})


@dataclass
class Tape:
    """Entries as the collectors and the owner would have written them; `now` is Redis's clock in ms."""

    now: int = T0
    entries: list[Entry] = field(default_factory=list)
    seqs: dict[tuple[str, str], int] = field(default_factory=dict)
    ids: dict[str, tuple[int, int]] = field(default_factory=dict)

    def wait(self, ms: int) -> "Tape":
        self.now += ms
        return self

    def put(self, venue: str, kind: str, events: list[Event], producer: str | None = None, skip: int = 0) -> "Tape":
        """One batch on a venue's stream; `skip` batches before it are lost."""
        key, name = market_data(0, venue, kind), producer or f"{venue}-1"
        seq = self.seqs.get((key, name), -1) + 1 + skip
        self.seqs[key, name] = seq
        self._append(key, Batch(name, seq, events))
        return self

    def ctl(self, *events: ControlEvent) -> "Tape":
        seq = self.seqs[CTL, "owner"] = self.seqs.get((CTL, "owner"), -1) + 1
        self._append(CTL, ControlBatch("owner", seq, list(events)))
        return self

    def again(self) -> "Tape":
        """A retry that the writer did not know to have succeeded: the last data batch once more."""
        _, key, _, batch = next(one for one in reversed(self.entries) if one[1] != CTL)
        self._append(key, batch)
        return self

    def _append(self, key: str, batch: Batch | ControlBatch) -> None:
        ms, seq = self.ids.get(key, (0, 0))
        self.ids[key] = (ms, seq + 1) if ms >= self.now else (self.now, 0)
        ms, seq = self.ids[key]
        self.entries.append((ms, key, seq, batch))

    def begin(self, venues: dict[str, list[Row]], runtime: Runtime | None = None) -> "Tape":
        """A cold start with these venues listed and joined."""
        self.ctl(Start(1, "test"), Config(runtime or Runtime(version=1)))
        for venue, rows in venues.items():
            self.ctl(
                *(Join(market_data(0, venue, kind), venue, kind) for kind in ("quote", "mark", "funding", "stats"))
            )
            self.ctl(Listing(venue, rows, []))
        return self.wait(1)

    def quote(
        self,
        venue: str,
        symbol: str,
        bid: str | None,
        ask: str | None,
        size: str = "100",
        *,
        source: str = "ws",
        **over: Any,
    ) -> "Tape":
        at = self.now * MS
        given: dict[str, Any] = {"ts": at, "recv": at, "source": source}
        event = Quote(symbol, bid, size if bid else None, ask, size if ask else None, **{**given, **over})
        return self.put(venue, "quote", [event])

    def state(self, venue: str, symbol: str | None, state: Any, reason: str = "test") -> "Tape":
        return self.put(venue, "quote", [State(symbol, state, reason, self.now * MS)])

    def funding(self, venue: str, symbol: str, rate: str, next_ms: int | None, interval_h: str | None = "8") -> "Tape":
        next_ts = None if next_ms is None else next_ms * MS
        return self.put(venue, "funding", [Funding(symbol, rate, interval_h, next_ts, None, None, self.now * MS)])

    def beat(self, *venues: str) -> "Tape":
        for venue in venues:
            self.put(venue, "quote", [])
        return self

    def tick(self) -> "Tape":
        return self.ctl(Tick(self.now * MS))

    def ordered(self) -> list[Entry]:
        return sorted(self.entries, key=lambda one: one[:3])

    def fold(self) -> tuple[Fold, list[Signal]]:
        fold = Fold()
        return fold, feed(fold, self.ordered())


def feed(fold: Fold, entries: list[Entry]) -> list[Signal]:
    for ms, key, seq, batch in entries:
        fold.take(key, ms, seq, batch)
    return fold.drain()


def hold(tape: Tape, venues: tuple[str, ...], ms: int, step: int = 250) -> Tape:
    """Let time pass on live feeds: a beat of each venue and a tick every `step`."""
    end = tape.now + ms
    while tape.now < end:
        tape.wait(min(step, end - tape.now)).beat(*venues).tick()
    return tape
