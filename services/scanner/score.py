"""One number for a signal, out of terms that are all told: points gained and points lost add up to it. Pure.

| term | of | full at |
| --- | --- | --- |
| net | 40 | net_open of 100 bps |
| size | 20 | 100,000 USD, none at 100 USD, by its logarithm |
| freshness | 15 | both quotes of now, none where one is 10 s old |
| persistence | 10 | the route's earlier signals lasted a minute, by their median |
| carry | 10 | 20 bps of funding earned in 8 h, half where nothing is, none where 20 are paid |
| stability | 5 | the edge stands at its peak |

Lost: `near_max` 10 (the edge is above half of max_edge), `young` 10 (a market known for less than the warm-up),
`other_dollar` 5 (USDT against USDC or USD), `funding_unknown` 10, `slow_venue` 5 (quotes of one come more than a second
late). The score lies between 0 and 100. What an exchange is worth to its user is not in it.
"""

from collections.abc import Iterator, Sequence
from fractions import Fraction
from math import log10
from statistics import median
from typing import Final

from services.scanner.judge import Judge
from services.scanner.market import MS, SECOND, Leg
from shared.routes.carry import carry
from shared.routes.costs import owing
from shared.routes.edge import Measure
from shared.routes.fx import crosses
from shared.signals import Score, ScoreTerm

CARRY_BPS: Final = 20
OLD_MS: Final = 10_000
LONG_MS: Final = 60_000


def score(judge: Judge, buy: Leg, sell: Leg, measure: Measure, at: int, peak: int, durations: Sequence[int]) -> Score:
    """`peak`: the highest edge so far, in hundredths of a basis point; `durations`: ms of the route's earlier ones."""
    terms = (*_gained(buy, sell, measure, at, peak, durations), *_lost(judge, buy, sell, measure, at))
    total = sum((Fraction(term.points) for term in terms), Fraction(0))
    return Score(points=_text(float(min(max(total, Fraction(0)), Fraction(100)))), terms=terms)


def _gained(buy: Leg, sell: Leg, measure: Measure, at: int, peak: int, durations: Sequence[int]) -> Iterator[ScoreTerm]:
    dollars, age = measure.size_usd / 100, max(buy.age_ms(at), sell.age_ms(at))
    lasted = int(median(durations)) if durations else None
    earned = carry(buy, owing(buy, sell), at)
    eight = None if earned is None else float(earned.eight_hours_bps)
    yield _term("net", 40, measure.net / 10_000, f"{measure.net / 100:.2f} bps")
    yield _term("size", 20, (log10(dollars) - 2) / 3 if dollars > 0 else 0.0, f"{dollars:.2f} USD")
    yield _term("freshness", 15, 1 - age / OLD_MS, f"{age} ms")
    yield _term("persistence", 10, (lasted or 0) / LONG_MS, "no earlier one" if lasted is None else f"{lasted} ms")
    half = 0.5 if eight is None else 0.5 + eight / (2 * CARRY_BPS)
    yield _term("carry", 10, half, "none known" if eight is None else f"{eight:.2f} bps in 8 h")
    yield _term("stability", 5, measure.edge / peak if peak > 0 else 1.0, f"peak {peak / 100:.2f} bps")


def _term(name: str, most: int, share: float, value: str) -> ScoreTerm:
    return ScoreTerm(name=name, points=_text(most * min(max(share, 0.0), 1.0)), of=most, value=value)


def _lost(judge: Judge, buy: Leg, sell: Leg, measure: Measure, at: int) -> Iterator[ScoreTerm]:
    born, lag = at - max(buy.born, sell.born), max(_lag(buy), _lag(sell))
    lost = (
        ("near_max", 10, measure.edge * 2 > judge.max_edge * 100, f"{measure.edge / 100:.2f} bps"),
        ("young", 10, born < judge.runtime.pair_warmup_ms * MS, f"known for {born // SECOND} s"),
        ("other_dollar", 5, crosses(buy, sell), f"{buy.row.quote} and {sell.row.quote}"),
        ("funding_unknown", 10, "funding_unknown" in measure.flags, "no rate"),
        ("slow_venue", 5, lag > SECOND, f"{lag // MS} ms late"),
    )
    for name, points, applies, value in lost:
        if applies:
            yield ScoreTerm(name=name, points=f"-{points}.0", of=0, value=value)


def _lag(leg: Leg) -> int:
    return 0 if leg.quote_source is None else leg.quote_source.lag_ns()


def _text(points: float) -> str:
    return f"{points:.1f}"
