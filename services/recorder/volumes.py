"""What was traded in each bar, from prints: a pure fold.

A print belongs to the slot of the matching engine's time, as exchanges' own candles have it; of `recv` where there is
none, or where the two differ by more than a minute. A bar is written like those of quotes: GRACE_MS after its end by
the streams' clock, and again for what comes later, as long as it is in memory.
"""

from collections.abc import Iterator
from decimal import Context, Decimal
from typing import Final

import msgspec

from services.recorder.bars import GRACE_MS, MINUTE_MS
from shared.events import Trade

_WIDEST_NS: Final = 60_000_000_000
#: sums and products of decimal text in all their digits
_EXACT: Final = Context(prec=200)


class Volume(msgspec.Struct, array_like=True):
    """One slot of one instrument: assets, quote currency, assets bought by the aggressor, prints."""

    slot: int
    volume: Decimal = Decimal(0)
    turnover: Decimal = Decimal(0)
    bought: Decimal = Decimal(0)
    trades: int = 0
    dirty: bool = True


class Dump(msgspec.Struct, array_like=True):
    """The fold's state."""

    volumes: dict[str, list[Volume]]
    late: int
    oldest: int


class VolumeFold:
    """Volumes of one feed, by symbol. `late` counts the prints that came after their bar had left memory."""

    def __init__(self, step_ms: int = MINUTE_MS, keep_ms: int = 120_000, state: bytes | None = None) -> None:
        dump = msgspec.msgpack.decode(state, type=Dump) if state else Dump({}, 0, 0)
        self.step_ms, self._keep_ms = step_ms, keep_ms
        self._step_ns = step_ms * 1_000_000
        self._held: dict[str, list[Volume]] = dump.volumes
        self.late, self._oldest = dump.late, dump.oldest

    def dump(self) -> bytes:
        return msgspec.msgpack.encode(Dump(self._held, self.late, self._oldest))

    def __len__(self) -> int:
        return sum(map(len, self._held.values()))

    def add(self, trade: Trade, price: Decimal, size: Decimal) -> None:
        """Count one print in."""
        when = trade.recv if trade.ts is None or abs(trade.ts - trade.recv) > _WIDEST_NS else trade.ts
        slot = when // self._step_ns
        held = self._held.get(trade.symbol)
        if held is None:
            held = self._held[trade.symbol] = []
        volume = self._find(held, slot)
        if volume is None:
            return
        volume.volume = _EXACT.add(volume.volume, size)
        volume.turnover = _EXACT.add(volume.turnover, _EXACT.multiply(price, size))
        if trade.side == "buy":
            volume.bought = _EXACT.add(volume.bought, size)
        volume.trades += 1
        volume.dirty = True

    def _find(self, held: list[Volume], slot: int) -> Volume | None:
        place = len(held)  # they are sorted, and nearly everything is for the last one
        while place and held[place - 1].slot > slot:
            place -= 1
        if place and held[place - 1].slot == slot:
            return held[place - 1]
        if slot < self._oldest:
            self.late += 1
            return None
        volume = Volume(slot)
        held.insert(place, volume)
        return volume

    def closed(self, clock_ms: int) -> Iterator[tuple[str, Volume]]:
        """The volumes to write at this clock: ended, and changed since they were last written."""
        ended = (clock_ms - GRACE_MS) // self.step_ms
        for symbol, held in self._held.items():
            for volume in held:
                if volume.dirty and volume.slot < ended:
                    yield symbol, volume

    def forget(self, clock_ms: int) -> None:
        """Let go of what is written and ended long ago; a later print for it is counted as late."""
        self._oldest = max(self._oldest, (clock_ms - self._keep_ms) // self.step_ms)
        for symbol, held in list(self._held.items()):
            kept = [volume for volume in held if volume.dirty or volume.slot >= self._oldest]
            if kept:
                self._held[symbol] = kept
            else:
                del self._held[symbol]
