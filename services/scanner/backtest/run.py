"""One backtest: the course is folded once, every set of terms takes its signals, and the account is drawn up."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from services.scanner.backtest.course import Course
from services.scanner.backtest.taker import Taker, Terms, Trade
from services.scanner.fold import Fold
from services.scanner.market import MS
from shared.signals import Signal


@dataclass
class Outcome:
    """What came of it. `signals`: the last record of each signal that opened in the range, in the order of opening."""

    course: Course
    signals: dict[str, Signal] = field(default_factory=dict)
    trades: dict[int, list[Trade]] = field(default_factory=dict)
    #: records made in the range
    made: int = 0


def run(course: Course, terms: Sequence[Terms], progress: Callable[[int], None]) -> Outcome:
    """Raises what reading the archive raises."""
    outcome = Outcome(course)
    takers: dict[int, list[Taker]] = {}
    standing: dict[int, tuple[Fold, int]] = {}
    for step in course.steps():
        fold, now = course.folds[step.partition], step.ms * MS
        mine = takers.setdefault(step.partition, [Taker(one) for one in terms])
        before = standing.get(step.partition)
        if before is not None and before != (fold, fold.fence):
            for taker in mine:  # it began anew: nothing is known of what was held
                taker.end(before[0], before[0].at)
        standing[step.partition] = fold, fold.fence
        if not step.records:
            for taker in mine:
                if taker.busy:
                    taker.look(fold, now, fold.touched)
            fold.touched.clear()
            progress(step.ms)
            continue
        for record in step.records:
            _record(outcome, record)
            if record.event == "open" and record.opened_at >= course.from_ms * MS:
                for taker in mine:
                    taker.take(step.partition, fold, record)
    for partition, (fold, _) in standing.items():
        for taker in takers[partition]:
            taker.end(fold, fold.at)
    for number, one in enumerate(terms):
        found = [trade for mine in takers.values() for trade in mine[number].trades]
        outcome.trades[one.latency_ms] = sorted(found, key=lambda trade: trade.signal.opened_at)
    return outcome


def _record(outcome: Outcome, record: Signal) -> None:
    if record.at >= outcome.course.from_ms * MS:
        outcome.made += 1
        outcome.course.compare(record)
    if record.opened_at >= outcome.course.from_ms * MS:
        outcome.signals[record.id] = record
