"""Statistics of a spread over its own past: how unusual it is, whether it comes back, and how soon.

    s        = ln(mid_B / mid_A), sampled each second, medians by the minute
    z        = (s - mean) / deviation                  over 1 h, 12 h, 7 d; the deviation not below half a basis point
    robust z = (s - median) / (1.4826 * MAD)           the same floor
    half-life: ds = l * s_before + c, -ln 2 / ln(1 + l) minutes     where l < 0 and the ADF test rejects at 5 %
    convergences = how often s went `enter` away from the median and came back to it
    percentile   = the share of the minutes that lie at or below s

Values are integers of a thousandth of a basis point of log price, one a minute; MISSING where a minute has none.
Estimates in floats: nothing is decided by them.
"""

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from itertools import pairwise
from math import log, sqrt
from statistics import median
from typing import Final, NamedTuple

MISSING: Final = -(1 << 31)
#: Values of one basis point.
BP: Final = 1000
FLOOR: Final = 0.5 * BP
#: A window says nothing before so many of its minutes are known; a half-life asks for more.
LEAST: Final = 30
LEAST_HALF_LIFE: Final = 120
#: MacKinnon's surface of the Dickey-Fuller test with a constant, 5 %: b0 + b1/n + b2/n^2 + b3/n^3.
CRITICAL: Final = (-2.86154, -2.8903, -4.234, -40.04)


class Window(NamedTuple):
    """What a window of minutes says; deviations are floored."""

    mean: float
    deviation: float
    middle: float
    spread: float

    def z(self, value: float) -> float:
        return (value - self.mean) / self.deviation

    def robust(self, value: float) -> float:
        return (value - self.middle) / self.spread


def window(values: Iterable[int]) -> Window | None:
    """None while too few minutes are known."""
    known = sorted(value for value in values if value != MISSING)
    count = len(known)
    if count < LEAST:
        return None
    total = sum(known)
    squares = sum(value * value for value in known)
    variance = (squares * count - total * total) / (count * (count - 1))
    middle = _middle(known)
    off = sorted(abs(value - middle) for value in known)
    return Window(total / count, max(sqrt(variance), FLOOR), middle, max(1.4826 * _middle(off), FLOOR))


def _middle(ordered: Sequence[float]) -> float:
    half = len(ordered) >> 1
    return float(ordered[half]) if len(ordered) & 1 else (ordered[half - 1] + ordered[half]) / 2


def percentile(ascending: Sequence[int], value: float) -> float | None:
    """0 to 100, of known minutes."""
    return 100 * bisect_right(ascending, value) / len(ascending) if len(ascending) >= LEAST else None


def convergences(values: Sequence[int], away: float) -> int | None:
    """Leaves of the median by `away` that came back to it."""
    known = [one for one in values if one != MISSING]
    if len(known) < LEAST:
        return None
    middle, side, count = median(known), 0, 0
    for value in known:
        off = value - middle
        if side and off * side <= 0:
            side, count = 0, count + 1
        if not side and abs(off) >= away:
            side = 1 if off > 0 else -1
    return count


def half_life_min(values: Sequence[int]) -> float | None:
    """Minutes in which a departure halves; None where it does not come back, or that is not sure."""
    steps = [(before, after - before) for before, after in pairwise(values) if MISSING not in (before, after)]
    if len(steps) < LEAST_HALF_LIFE or not _comes_back(values):
        return None
    slope = _slope(steps)
    if slope is None or slope >= 0:
        return None
    return 0.0 if slope <= -1 else -log(2) / log(1 + slope)


def _slope(steps: Sequence[tuple[int, int]]) -> float | None:
    """Least squares of the change upon the level before."""
    count = len(steps)
    sx = sum(x for x, _ in steps)
    sy = sum(y for _, y in steps)
    sxx = sum(x * x for x, _ in steps) * count - sx * sx
    return (sum(x * y for x, y in steps) * count - sx * sy) / sxx if sxx else None


def _comes_back(values: Sequence[int]) -> bool:
    """The augmented Dickey-Fuller test, constant and one lag, rejects a random walk at 5 %."""
    rows = [
        (second, second - first, third - second)
        for first, second, third in zip(values, values[1:], values[2:], strict=False)
        if MISSING not in (first, second, third)
    ]
    statistic = adf(rows)
    if statistic is None:
        return False
    count = len(rows)
    return statistic < sum(b / float(count) ** power for power, b in enumerate(CRITICAL))


def adf(rows: Sequence[tuple[int, int, int]]) -> float | None:
    """The t statistic of l in: change = l * level + g * change before + c. Rows are (level, change before, change)."""
    count = len(rows)
    if count < 4:
        return None
    mx, mw, my = (sum(row[i] for row in rows) / count for i in range(3))
    xx = xw = ww = xy = wy = yy = 0.0
    for level, before, change in rows:
        x, w, y = level - mx, before - mw, change - my
        xx, xw, ww, xy, wy, yy = xx + x * x, xw + x * w, ww + w * w, xy + x * y, wy + w * y, yy + y * y
    scale = xx * ww - xw * xw
    if ww <= 0 or scale <= 0:
        return None
    slope = (xy * ww - wy * xw) / scale
    lagged = (wy * xx - xy * xw) / scale
    rest = yy - slope * xy - lagged * wy
    error = sqrt(max(rest, 0.0) / (count - 3) * ww / scale) if count > 3 else 0.0
    if not error:
        return float("-inf") if slope < 0 else None
    return slope / error
