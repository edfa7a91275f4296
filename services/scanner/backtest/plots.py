"""Plots as SVG text, without a library: lines, points and bars on two axes. Pure.

Colours are CSS variables of the page (`--c0`, `--c1`, …), so a plot fits light and dark.
"""

from collections.abc import Callable, Sequence
from html import escape
from math import ceil, floor, log10
from typing import Final

import msgspec

WIDTH, HEIGHT = 560, 300
LEFT, RIGHT, TOP, BOTTOM = 64, 48, 14, 40
COLOURS: Final = 4

Points = Sequence[tuple[float, float]]


class Axis(msgspec.Struct, frozen=True):
    """One axis: from low to high; `ticks` are its values with their labels. `log`: by powers of ten."""

    low: float
    high: float
    ticks: tuple[tuple[float, str], ...]
    log: bool = False
    label: str = ""

    def share(self, value: float) -> float:
        """Where a value lies, 0 to 1."""
        if self.log:
            return (log10(value) - log10(self.low)) / (log10(self.high) - log10(self.low))
        return (value - self.low) / (self.high - self.low)


def linear(values: Sequence[float], label: str = "", *, zero: bool = True) -> Axis:
    """An axis of round ticks that holds all values."""
    low, high = (min(values), max(values)) if values else (0.0, 1.0)
    if zero:
        low, high = min(low, 0.0), max(high, 0.0)
    if high - low < 1e-9:
        high = low + 1.0
    step = _step((high - low) / 5)
    first, last = floor(low / step), ceil(high / step)
    ticks = tuple((at * step, _short(at * step)) for at in range(first, last + 1))
    return Axis(first * step, last * step, ticks, label=label)


def logarithmic(values: Sequence[float], label: str = "") -> Axis:
    """An axis of powers of ten that holds all values, which are above zero."""
    low, high = (min(values), max(values)) if values else (1.0, 10.0)
    first, last = floor(log10(low)), max(ceil(log10(high)), floor(log10(low)) + 1)
    ticks = tuple((10.0**at, _short(10.0**at)) for at in range(first, last + 1))
    return Axis(10.0**first, 10.0**last, ticks, log=True, label=label)


def timed(values: Sequence[float], clock: Callable[[float], str]) -> Axis:
    """An axis of moments in seconds."""
    low, high = (min(values), max(values)) if values else (0.0, 1.0)
    high = high if high - low >= 1 else low + 1
    ticks = tuple((low + (high - low) * at / 4, clock(low + (high - low) * at / 4)) for at in range(5))
    return Axis(low, high, ticks)


def _step(rough: float) -> float:
    power = 10.0 ** floor(log10(rough))
    return next(power * of for of in (1, 2, 5, 10) if power * of >= rough)


def _short(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 10 or value == 0 else f"{value:.3g}"


class Plot:
    """Collects marks; `svg` is the picture."""

    def __init__(self, x: Axis, y: Axis) -> None:
        self._x, self._y = x, y
        self._marks: list[str] = []
        self._names: list[tuple[str, int]] = []

    def line(self, points: Points, name: str, colour: int) -> None:
        path = " ".join(f"{self._at_x(x):.1f},{self._at_y(y):.1f}" for x, y in points)
        self._marks.append(f'<polyline class="line s{colour % COLOURS}" points="{path}"/>')
        self._name(name, colour)

    def dots(self, points: Sequence[tuple[float, float, str]], name: str, colour: int) -> None:
        """(x, y, what it is)."""
        for x, y, what in points:
            at = f'cx="{self._at_x(x):.1f}" cy="{self._at_y(y):.1f}"'
            self._marks.append(
                f'<circle class="dot f{colour % COLOURS}" {at} r="3"><title>{escape(what)}</title></circle>'
            )
        self._name(name, colour)

    def bars(self, edges: Sequence[float], counts: Sequence[int], name: str, colour: int) -> None:
        """`counts[i]` lie between `edges[i]` and `edges[i + 1]`."""
        for low, high, n in zip(edges, edges[1:], counts, strict=False):
            left, right, top = self._at_x(low), self._at_x(high), self._at_y(n)
            size = f'x="{left + 1:.1f}" y="{top:.1f}" width="{max(1.0, right - left - 2):.1f}"'
            tall = f'height="{self._at_y(0) - top:.1f}"'
            title = f"{_short(low)} … {_short(high)}: {n}"
            self._marks.append(f'<rect class="bar f{colour % COLOURS}" {size} {tall}><title>{title}</title></rect>')
        self._name(name, colour)

    def svg(self) -> str:
        parts = [f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img">', *self._axes(), *self._marks]
        for number, (name, colour) in enumerate(self._names):
            x = LEFT + 8 + number * 110
            parts.append(f'<rect class="f{colour % COLOURS}" x="{x}" y="{TOP}" width="10" height="10"/>')
            parts.append(f'<text class="legend" x="{x + 14}" y="{TOP + 9}">{escape(name)}</text>')
        return "".join([*parts, "</svg>"])

    def _name(self, name: str, colour: int) -> None:
        if name:
            self._names.append((name, colour))

    def _at_x(self, value: float) -> float:
        return LEFT + self._x.share(value) * (WIDTH - LEFT - RIGHT)

    def _at_y(self, value: float) -> float:
        return HEIGHT - BOTTOM - self._y.share(value) * (HEIGHT - TOP - BOTTOM)

    def _axes(self) -> list[str]:
        parts = []
        for value, label in self._y.ticks:
            y = self._at_y(value)
            kind = "zero" if value == 0 else "grid"
            parts.append(f'<line class="{kind}" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>')
            parts.append(f'<text class="tick" text-anchor="end" x="{LEFT - 6}" y="{y + 4:.1f}">{escape(label)}</text>')
        for value, label in self._x.ticks:
            x, base = self._at_x(value), HEIGHT - BOTTOM
            parts.append(f'<line class="grid" x1="{x:.1f}" x2="{x:.1f}" y1="{base}" y2="{base + 4}"/>')
            parts.append(f'<text class="tick" text-anchor="middle" x="{x:.1f}" y="{base + 17}">{escape(label)}</text>')
        if self._x.label:
            middle = (LEFT + WIDTH - RIGHT) / 2
            parts.append(
                f'<text class="tick" text-anchor="middle" x="{middle}" y="{HEIGHT - 6}">{escape(self._x.label)}</text>'
            )
        return parts
