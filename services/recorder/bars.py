"""One-minute bars from quotes, marks and funding: a pure fold.

A bar's minute is the minute of `recv`; a quote that is repeated because it still stands (source `repeat`) counts for
the minute in which it was repeated, so that a quiet market has bars and a dead one has none. A bar is written once
the feed's clock (the streams' entry ids) has passed its end by GRACE_MS, and written again if a quote for it comes
later than that; an event for a bar that has left memory (KEEP_MS after its end) is counted as late. The state is
dumped with the position, so that a recorder that starts again goes on with the bars that were open.

Within a minute the first and last quote are those of lowest and highest (recv, arrival). The mid is exact; a quote
with only one side counts but makes no mid. `spread_bps_mean` is the mean of (ask − bid)/mid over the quotes.
"""

from collections.abc import Iterable, Iterator
from decimal import Decimal
from typing import Final

import msgspec

from shared.events import Event, Funding, Mark, Quote

MINUTE_NS: Final = 60_000_000_000
GRACE_MS: Final = 2_000
KEEP_MS: Final = 120_000


class Bar(msgspec.Struct, array_like=True):
    """One minute of one instrument. Mids are kept doubled (bid + ask) until the bar is rendered."""

    minute: int
    open: Decimal | None = None
    high: Decimal | None = None
    low: Decimal | None = None
    close: Decimal | None = None
    first_recv: int = 0
    last_recv: int = 0
    bid: str | None = None
    ask: str | None = None
    spread_sum: float = 0.0
    two_sided: int = 0
    quotes: int = 0
    mark: str | None = None
    index: str | None = None
    mark_recv: int = 0
    rate: str | None = None
    interval_h: str | None = None
    next_ts: int | None = None
    rate_recv: int = 0
    dirty: bool = True


class Dump(msgspec.Struct, array_like=True):
    """The fold's state: open bars by symbol and the counters that go with them."""

    bars: dict[str, list[Bar]]
    late: int
    oldest: int


class BarFold:
    """Bars of one feed, by symbol. `late` counts the events that came after their bar had left memory."""

    def __init__(self, state: bytes | None = None) -> None:
        dump = msgspec.msgpack.decode(state, type=Dump) if state else Dump({}, 0, 0)
        self._bars: dict[str, list[Bar]] = dump.bars
        self.late = dump.late
        self._oldest = dump.oldest
        self._count = sum(len(bars) for bars in self._bars.values())

    def dump(self) -> bytes:
        return msgspec.msgpack.encode(Dump(self._bars, self.late, self._oldest))

    def __len__(self) -> int:
        return self._count

    def apply(self, event: Event, id_ms: int) -> None:
        """Fold one event of the entry with this id in; events that make no bar are passed over."""
        if type(event) is Quote:
            self._quote(event, id_ms)
        elif type(event) is Mark:
            bar = self._bar(event.symbol, event.recv)
            if bar is not None and event.recv >= bar.mark_recv:
                bar.mark, bar.index, bar.mark_recv, bar.dirty = event.mark, event.index, event.recv, True
        elif type(event) is Funding:
            bar = self._bar(event.symbol, event.recv)
            if bar is not None and event.recv >= bar.rate_recv:
                bar.rate, bar.interval_h, bar.next_ts = event.rate, event.interval_h, event.next_ts
                bar.rate_recv, bar.dirty = event.recv, True

    def _bar(self, symbol: str, recv: int) -> Bar | None:
        minute = recv // MINUTE_NS
        bars = self._bars.get(symbol)
        if bars:
            if bars[-1].minute == minute:
                return bars[-1]
            for bar in bars:
                if bar.minute == minute:
                    return bar
        if minute < self._oldest:
            self.late += 1
            return None
        bar = Bar(minute)
        self._count += 1
        if bars is None:
            self._bars[symbol] = [bar]
        else:
            bars.append(bar)
            bars.sort(key=lambda b: b.minute)
        return bar

    def _quote(self, quote: Quote, id_ms: int) -> None:
        repeated = quote.source == "repeat"
        when = id_ms * 1_000_000 if repeated else quote.recv
        bar = self._bar(quote.symbol, when)
        if bar is None:
            return
        bar.dirty = True
        if not repeated:
            bar.quotes += 1
        if quote.bid is None or quote.ask is None:
            return
        bid, ask = Decimal(quote.bid), Decimal(quote.ask)
        twice = bid + ask
        bar.two_sided += 1
        bar.spread_sum += float((ask - bid) / twice) * 20_000
        if bar.open is None or when < bar.first_recv:
            bar.open, bar.first_recv = twice, when
        if when >= bar.last_recv:
            bar.close, bar.last_recv, bar.bid, bar.ask = twice, when, quote.bid, quote.ask
        if bar.high is None or twice > bar.high:
            bar.high = twice
        if bar.low is None or twice < bar.low:
            bar.low = twice

    def closed(self, clock_ms: int) -> Iterator[tuple[str, Bar]]:
        """The bars to write at this clock: ended, and changed since they were last written."""
        for symbol, bars in self._bars.items():
            for bar in bars:
                if bar.dirty and (bar.minute + 1) * 60_000 + GRACE_MS <= clock_ms:
                    yield symbol, bar

    def mark(self, bars: Iterable[tuple[str, Bar]], *, dirty: bool) -> None:
        """Clean before the dump that commits with these bars, dirty again if that commit failed."""
        for _, bar in bars:
            bar.dirty = dirty

    def bound(self, most: int) -> int:
        """Let whole oldest minutes go until at most `most` bars are held; returns how many bars went."""
        gone = 0
        while self._count - gone > most:
            oldest = min(bars[0].minute for bars in self._bars.values())
            self._oldest = max(self._oldest, oldest + 1)
            gone += self._keep_from(oldest + 1)
        self._count -= gone
        return gone

    def forget(self, clock_ms: int) -> None:
        """Let go of written bars that ended long ago; a later event for them is counted as late."""
        self._oldest = max(self._oldest, (clock_ms - KEEP_MS) // 60_000)
        self._count -= self._keep_from(self._oldest, unwritten=True)

    def _keep_from(self, minute: int, *, unwritten: bool = False) -> int:
        """Keep the bars from this minute on (and, if asked, those not written yet); returns how many went."""
        gone = 0
        for symbol, bars in list(self._bars.items()):
            kept = [bar for bar in bars if bar.minute >= minute or (unwritten and bar.dirty)]
            gone += len(bars) - len(kept)
            if kept:
                self._bars[symbol] = kept
            else:
                del self._bars[symbol]
        return gone
