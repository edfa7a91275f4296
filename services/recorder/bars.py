"""Bars of one length from quotes, marks, funding and statistics: a pure fold.

A bar's slot (`recv` divided by the bars' length) is that of `recv`; a quote or funding rate that is repeated because it
still stands (source `repeat`) counts for the slot in which it was repeated, so that a quiet market has bars and samples
of its rate, and a dead one has none.
A bar is written once the feed's clock (the streams' entry ids) has passed its end by GRACE_MS, and written again if
something for it comes later than that; an event for a bar that has left memory (`keep_ms` after its end) is counted as
late. The state is dumped with the position, so that a recorder that starts again goes on with the bars that were open.

Within a bar the first and last quote are those of lowest and highest (recv, arrival). Prices are exact; a quote with
only one side counts but makes no prices. `spread_bps_mean` is the mean of (ask − bid)/mid over the quotes.
"""

from collections.abc import Iterable, Iterator
from decimal import Decimal
from typing import Final

import msgspec

from services.recorder.copytext import exact
from shared.events import Event, Funding, Mark, Quote, Stats

SECOND_MS: Final = 1_000
MINUTE_MS: Final = 60_000
GRACE_MS: Final = 2_000


class Bar(msgspec.Struct, array_like=True):
    """One slot of one instrument. Mids are kept doubled (bid + ask) until the bar is rendered.

    The order of the fields is that of the states in existing databases: new ones are appended.
    """

    slot: int
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
    bid_open: str | None = None
    bid_high: Decimal | None = None
    bid_low: Decimal | None = None
    ask_open: str | None = None
    ask_high: Decimal | None = None
    ask_low: Decimal | None = None
    funding_index: str | None = None
    last: str | None = None
    volume_24h: str | None = None
    turnover_24h: str | None = None
    open_interest: str | None = None
    open_interest_value: str | None = None
    stats_recv: int = 0


class Dump(msgspec.Struct, array_like=True):
    """The fold's state: open bars by symbol and the counters that go with them."""

    bars: dict[str, list[Bar]]
    late: int
    oldest: int


class BarFold:
    """Bars of one feed, by symbol. `late` counts the events that came after their bar had left memory."""

    def __init__(self, step_ms: int = MINUTE_MS, keep_ms: int = 120_000, state: bytes | None = None) -> None:
        dump = msgspec.msgpack.decode(state, type=Dump) if state else Dump({}, 0, 0)
        self.step_ms, self._keep_ms = step_ms, keep_ms
        self._step_ns = step_ms * 1_000_000
        self._bars: dict[str, list[Bar]] = dump.bars
        self.late = dump.late
        self._oldest = dump.oldest
        self._count = sum(len(bars) for bars in self._bars.values())

    def dump(self) -> bytes:
        return msgspec.msgpack.encode(Dump(self._bars, self.late, self._oldest))

    def __len__(self) -> int:
        return self._count

    def apply(self, event: Event, id_ms: int) -> None:
        """Fold one event of the entry with this id in; events that make no bar are passed over.

        Raises `NotExactError` where a figure is no number; the fold is then as it was.
        """
        if type(event) is Quote:
            self._quote(event, id_ms)
        elif type(event) is Mark:
            _check(event.mark, event.index)
            bar = self._bar(event.symbol, event.recv)
            if bar is not None and event.recv >= bar.mark_recv:
                bar.mark, bar.index, bar.mark_recv, bar.dirty = event.mark, event.index, event.recv, True
        elif type(event) is Funding:
            _check(event.rate, event.interval_h, event.funding_index)
            # what was read last counts: a repeat says what stands in its slot, unless the slot knows of a newer rate
            bar = self._bar(event.symbol, id_ms * 1_000_000 if event.source == "repeat" else event.recv)
            if bar is not None and event.recv >= bar.rate_recv:
                bar.rate, bar.interval_h, bar.next_ts = event.rate, event.interval_h, event.next_ts
                bar.funding_index, bar.rate_recv, bar.dirty = event.funding_index, event.recv, True
        elif type(event) is Stats:
            self._stats(event)

    def _bar(self, symbol: str, when: int) -> Bar | None:
        slot = when // self._step_ns
        bars = self._bars.get(symbol)
        if bars is None:
            bars = self._bars[symbol] = []
        place = len(bars)  # they are sorted, and nearly everything is for the last one
        while place and bars[place - 1].slot > slot:
            place -= 1
        if place and bars[place - 1].slot == slot:
            return bars[place - 1]
        if slot < self._oldest:
            self.late += 1
            return None
        bar = Bar(slot)
        self._count += 1
        bars.insert(place, bar)
        return bar

    def _quote(self, quote: Quote, id_ms: int) -> None:
        sides = None if quote.bid is None or quote.ask is None else (exact(quote.bid), exact(quote.ask))
        repeated = quote.source == "repeat"
        when = id_ms * 1_000_000 if repeated else quote.recv
        bar = self._bar(quote.symbol, when)
        if bar is None:
            return
        bar.dirty = True
        if not repeated:
            bar.quotes += 1
        if sides is not None:
            _price(bar, quote, when, *sides)

    def _stats(self, stats: Stats) -> None:
        _check(stats.last, stats.volume, stats.turnover, stats.open_interest, stats.open_interest_value)
        bar = self._bar(stats.symbol, stats.recv)
        if bar is None or stats.recv < bar.stats_recv:
            return
        bar.last, bar.volume_24h, bar.turnover_24h = stats.last, stats.volume, stats.turnover
        bar.open_interest, bar.open_interest_value = stats.open_interest, stats.open_interest_value
        bar.stats_recv, bar.dirty = stats.recv, True

    def closed(self, clock_ms: int) -> Iterator[tuple[str, Bar]]:
        """The bars to write at this clock: ended, and changed since they were last written."""
        ended = (clock_ms - GRACE_MS) // self.step_ms
        for symbol, bars in self._bars.items():
            for bar in bars:
                if bar.dirty and bar.slot < ended:
                    yield symbol, bar

    def mark(self, bars: Iterable[tuple[str, Bar]], *, dirty: bool) -> None:
        """Clean before the dump that commits with these bars, dirty again if that commit failed."""
        for _, bar in bars:
            bar.dirty = dirty

    def bound(self, most: int) -> int:
        """Let whole oldest slots go until at most `most` bars are held; returns how many bars went."""
        gone = 0
        while self._count - gone > most:
            oldest = min(bars[0].slot for bars in self._bars.values() if bars)
            self._oldest = max(self._oldest, oldest + 1)
            gone += self._keep_from(oldest + 1)
        self._count -= gone
        return gone

    def forget(self, clock_ms: int) -> None:
        """Let go of written bars that ended long ago; a later event for them is counted as late."""
        self._oldest = max(self._oldest, (clock_ms - self._keep_ms) // self.step_ms)
        self._count -= self._keep_from(self._oldest, unwritten=True)

    def _keep_from(self, slot: int, *, unwritten: bool = False) -> int:
        """Keep the bars from this slot on (and, if asked, those not written yet); returns how many went."""
        gone = 0
        for symbol, bars in list(self._bars.items()):
            kept = [bar for bar in bars if bar.slot >= slot or (unwritten and bar.dirty)]
            gone += len(bars) - len(kept)
            if kept:
                self._bars[symbol] = kept
            else:
                del self._bars[symbol]
        return gone


def _check(*figures: str | None) -> None:
    for figure in figures:
        if figure is not None:
            exact(figure)


def _price(bar: Bar, quote: Quote, when: int, bid: Decimal, ask: Decimal) -> None:
    """Fold a two-sided quote into the prices of its bar."""
    twice = bid + ask
    bar.two_sided += 1
    if twice:
        bar.spread_sum += float((ask - bid) / twice) * 20_000
    if bar.open is None or when < bar.first_recv:
        bar.open, bar.bid_open, bar.ask_open, bar.first_recv = twice, quote.bid, quote.ask, when
    if when >= bar.last_recv:
        bar.close, bar.bid, bar.ask, bar.last_recv = twice, quote.bid, quote.ask, when
    if bar.high is None or twice > bar.high:
        bar.high = twice
    if bar.low is None or twice < bar.low:
        bar.low = twice
    if bar.bid_high is None or bid > bar.bid_high:
        bar.bid_high = bid
    if bar.bid_low is None or bid < bar.bid_low:
        bar.bid_low = bid
    if bar.ask_high is None or ask > bar.ask_high:
        bar.ask_high = ask
    if bar.ask_low is None or ask < bar.ask_low:
        bar.ask_low = ask
