"""Cumulative volume delta: taker buys minus taker sells in quote currency, summed from a stated start. Pure.

A `Tally` holds one instrument's prints by the second. A `CvdView` is one subscription's reading of some tallies: its
bars start at multiples of the interval, its sum is 0 at the start of its look-back and then never re-based, so that
history and live bars are one series.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Final

from services.api.cryexc.protocol import CvdShape
from services.api.numbers import EXACT, json_bytes, raw
from services.api.symbols import Target

ZERO: Final = Decimal(0)
#: Seconds of prints that are held: the bus keeps sixty minutes of trades.
KEEP_S: Final = 3_600
#: Bars a series may hold; beyond it the older half is folded into one sum.
MAX_BARS: Final = 7_200


@dataclass
class Volumes:
    """Taker volume in quote currency."""

    buy: Decimal = ZERO
    sell: Decimal = ZERO

    def add(self, other: "Volumes") -> None:
        self.buy, self.sell = EXACT.add(self.buy, other.buy), EXACT.add(self.sell, other.sell)

    @property
    def delta(self) -> Decimal:
        return EXACT.subtract(self.buy, self.sell)


@dataclass
class Tally:
    """One instrument's prints by the second. `since_s`: complete from there on."""

    since_s: int
    seconds: dict[int, Volumes] = field(default_factory=dict)

    def add(self, at_ms: int, side: str, notional: Decimal) -> None:
        volumes = self.seconds.setdefault(at_ms // 1000, Volumes())
        if side == "buy":
            volumes.buy = EXACT.add(volumes.buy, notional)
        else:
            volumes.sell = EXACT.add(volumes.sell, notional)

    def trim(self, before_s: int) -> None:
        """Let go of what no view can ask for any more."""
        for second in [held for held in self.seconds if held < before_s]:
            del self.seconds[second]
        self.since_s = max(self.since_s, before_s)

    def bars(self, start_s: int, interval_s: int) -> dict[int, Volumes]:
        """Bars from a second on, by their start, oldest first; those without a print are absent."""
        found: dict[int, Volumes] = {}
        for second in sorted(held for held in self.seconds if held >= start_s):
            found.setdefault(second // interval_s * interval_s, Volumes()).add(self.seconds[second])
        return found


@dataclass
class Series:
    """One instrument within a view: its bars, those changed since they were sent, and the sum of bars let go."""

    target: Target
    tally: Tally
    bars: dict[int, Volumes] = field(default_factory=dict)
    dirty: set[int] = field(default_factory=set)
    base: Decimal = ZERO
    floor_s: int = 0

    def add(self, start: int, added: Volumes) -> None:
        if start < self.floor_s:
            self.base = EXACT.add(self.base, added.delta)
            return
        self.bars.setdefault(start, Volumes()).add(added)
        self.dirty.add(start)
        if len(self.bars) > MAX_BARS:
            self._fold()

    def _fold(self) -> None:
        for start in sorted(self.bars)[: MAX_BARS // 2]:
            self.base = EXACT.add(self.base, self.bars.pop(start).delta)
            self.dirty.discard(start)
        self.floor_s = min(self.bars)

    def running(self) -> Iterator[tuple[int, Decimal, Volumes]]:
        """(start, sum up to and with it, volumes) of each bar, oldest first."""
        total = self.base
        for start in sorted(self.bars):
            total = EXACT.add(total, self.bars[start].delta)
            yield start, total, self.bars[start]


class CvdView:
    """One subscription's bars and running sums."""

    def __init__(self, shape: CvdShape, start_s: int) -> None:
        self.shape = shape
        #: The look-back starts on a bar's start, so that no bar is half a bar.
        self.start_s = start_s // shape.interval_s * shape.interval_s
        self.series: dict[tuple[str, str], Series] = {}
        self._told = False

    def follow(self, target: Target, tally: Tally) -> None:
        """Take an instrument's history into the view."""
        self.series[target.key] = Series(target, tally, tally.bars(self.start_s, self.shape.interval_s))

    def add(self, key: tuple[str, str], at_ms: int, side: str, notional: Decimal) -> None:
        """One more print; a print of a bar shown before makes that bar dirty, and so it is sent again."""
        series = self.series.get(key)
        second = at_ms // 1000
        if series is None or second < self.start_s:
            return
        start = second // self.shape.interval_s * self.shape.interval_s
        series.add(start, Volumes(notional, ZERO) if side == "buy" else Volumes(ZERO, notional))

    def history(self) -> Iterator[dict[str, Any]]:
        """Every bar, oldest first, one instrument after the other. What comes after it is live."""
        self._told = True
        for series in self.series.values():
            series.dirty.clear()
            for start, total, volumes in series.running():
                yield self._point(series.target, start, total, volumes)

    def live(self) -> list[dict[str, Any]]:
        """The bars that changed since the last call, each whole; it replaces the one of the same timestamp."""
        found: list[dict[str, Any]] = []
        for series in self.series.values():
            if series.dirty and self._told:
                dirty, series.dirty = series.dirty, set()
                rows = [row for row in series.running() if row[0] in dirty]
                found += [self._live_point(series.target, *row) for row in rows]
        return found

    def coverage_start_ms(self) -> int:
        """From when on every series is complete."""
        return max([self.start_s, *(series.tally.since_s for series in self.series.values())]) * 1000

    def _point(self, target: Target, start: int, total: Decimal, volumes: Volumes) -> dict[str, Any]:
        volume = {"buyVolume": raw(volumes.buy), "sellVolume": raw(volumes.sell)}
        if self.shape.pointwise:
            return {"timestamp": start * 1000, "cvd": raw(total), "delta": raw(volumes.delta), **volume, **_of(target)}
        return {"exchange": target.exchange, "timestamp": start * 1000, "value": raw(total), **volume}

    def _live_point(self, target: Target, start: int, total: Decimal, volumes: Volumes) -> dict[str, Any]:
        buy, sell, sum_ = raw(volumes.buy), raw(volumes.sell), raw(total)
        return {
            **_of(target),
            "timestamp": start * 1000,
            "value": sum_,
            "cvd": sum_,
            "delta": raw(volumes.delta),
            "buyVolume": buy,
            "sellVolume": sell,
            "buy_volume": buy,
            "sell_volume": sell,
            "interval_seconds": self.shape.interval_s,
        }


def _of(target: Target) -> dict[str, Any]:
    return {"exchange": target.exchange, "symbol": target.name}


def history_frames(view: CvdView, symbol: str, instance: str | None) -> Iterator[str]:
    """One frame with every point; in the older form one frame a point."""
    named = {} if instance is None else {"instanceId": instance}
    told = {"symbol": symbol, "coverageStart": view.coverage_start_ms()}
    if view.shape.pointwise:
        for point in view.history():
            yield _encoded({"type": "cvd_historical", "data": point, **told, **named})
        return
    yield _encoded({"type": "cvd_historical", "data": list(view.history()), **told, **named})


def live_frames(points: Iterable[dict[str, Any]], instance: str | None) -> Iterator[str]:
    named = {} if instance is None else {"instanceId": instance}
    for point in points:
        yield _encoded({"type": "cvd", "data": point, **named})


def _encoded(message: dict[str, Any]) -> str:
    return json_bytes(message).decode()
