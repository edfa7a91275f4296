"""What was found against what was expected. Pure: seconds are those of the scenario's clock."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from services.simulator.expected import Expected, Range
from services.simulator.scenario import Scenario
from shared.signals import Signal

SECOND = 1e9


@dataclass(frozen=True)
class Found:
    """One signal as its records tell it."""

    coin: str
    buy: tuple[str, str]
    sell: tuple[str, str]
    opened_s: float
    closed_s: float | None
    reason: str | None
    edge_bps: float
    symbols: tuple[str, str]

    def __str__(self) -> str:
        end = "open at the end" if self.closed_s is None else f"{self.closed_s:.1f} s {self.reason}"
        route = f"{' '.join(self.buy)} {self.symbols[0]} -> {' '.join(self.sell)} {self.symbols[1]}"
        return f"{self.coin}: {route} {self.edge_bps:.1f} bps, {self.opened_s:.1f} s to {end}"


@dataclass(frozen=True)
class Outcome:
    """How one scenario went. `hits` signals were expected and found. `slow`: the machine did not keep up, by so many
    seconds at once; what takes a second too long looks stale to the scanner, and is."""

    name: str
    hits: int
    expected: int
    found: int
    faults: tuple[str, ...] = ()
    seconds: float = 0.0
    held_back: dict[str, int] = field(default_factory=dict)
    slow: float = 0.0

    @property
    def passed(self) -> bool:
        return not self.faults


def found(records: Iterable[Signal], began_ns: int) -> list[Found]:
    """The signals in the order of their opening, each by its newest record."""
    newest: dict[str, Signal] = {}
    for record in records:
        held = newest.get(record.id)
        if held is None or record.rev > held.rev:
            newest[record.id] = record
    signals = [
        Found(
            coin=one.asset,
            buy=(one.buy.venue, one.buy.market),
            sell=(one.sell.venue, one.sell.market),
            opened_s=(one.opened_at - began_ns) / SECOND,
            closed_s=None if one.closed_at is None else (one.closed_at - began_ns) / SECOND,
            reason=one.close_reason,
            edge_bps=float(one.open_edge_bps),
            symbols=(one.buy.symbol, one.sell.symbol),
        )
        for one in newest.values()
    ]
    return sorted(signals, key=lambda one: (one.opened_s, one.coin, one.buy, one.sell))


def compare(scenario: Scenario, signals: Sequence[Found], held_back: dict[str, int], seconds: float = 0.0) -> Outcome:
    """Each expected signal takes the first found one that fits it; what is left on either side is a fault."""
    given = [one for one in signals if one.opened_s <= scenario.seconds]  # a slow machine stops later
    left, faults, wanted, hits = list(given), [], 0, 0
    for expected in scenario.expect:
        for buy, sell in expected.routes():
            wanted += 1
            fits = next((one for one in left if _fits(one, expected, buy, sell)), None)
            if fits is None:
                faults.append(f"missing: {expected.coin} {' '.join(buy)} -> {' '.join(sell)} {_words(expected)}")
            else:
                left.remove(fits)
                hits += 1
    faults += [f"not expected: {one}" for one in left]
    faults += [
        f"nothing was held back as {' or '.join(several(why))}"
        for why in scenario.held_back
        if not any(held_back.get(word) for word in several(why))
    ]
    return Outcome(scenario.name, hits, wanted, len(given), tuple(faults), seconds, held_back)


def _fits(one: Found, expected: Expected, buy: tuple[str, str], sell: tuple[str, str]) -> bool:
    return (
        (one.coin, one.buy, one.sell) == (expected.coin, buy, sell)
        and _within(one.opened_s, expected.opens)
        and (expected.closes is None or (one.closed_s is not None and _within(one.closed_s, expected.closes)))
        and (expected.reason is None or one.reason in several(expected.reason))
        and (expected.edge_bps is None or _within(one.edge_bps, expected.edge_bps))
    )


def _within(value: float, bounds: Range) -> bool:
    return bounds[0] <= value <= bounds[1]


def several(given: str | tuple[str, ...]) -> tuple[str, ...]:
    """One word, or the words of which any will do."""
    return (given,) if isinstance(given, str) else given


def _words(expected: Expected) -> str:
    told = [f"opening in {expected.opens[0]:g} to {expected.opens[1]:g} s"]
    if expected.closes is not None:
        told.append(f"closing in {expected.closes[0]:g} to {expected.closes[1]:g} s")
    if expected.reason is not None:
        told.append(f"as {' or '.join(several(expected.reason))}")
    if expected.edge_bps is not None:
        told.append(f"at {expected.edge_bps[0]:g} to {expected.edge_bps[1]:g} bps")
    return ", ".join(told)


def line(one: Outcome) -> str:
    """One scenario for a person, its faults on lines of their own."""
    held = ", ".join(f"{why} {count}" for why, count in sorted(one.held_back.items())) or "nothing"
    verdict = "ok  " if one.passed else "FAIL"
    told = f"{verdict} {one.name:<18} {one.hits} of {one.expected} expected, {one.found} found; held back: {held}"
    slow = f", the machine stood still for {one.slow:.1f} s" if one.slow else ""
    return "\n".join([f"{told} ({one.seconds:.0f} s{slow})", *(f"       {fault}" for fault in one.faults)])


def summary(outcomes: Sequence[Outcome]) -> str:
    """Precision and recall over all of them: of the signals that were given, and of those that were expected."""
    hits, given, wanted = (sum(getattr(one, name) for one in outcomes) for name in ("hits", "found", "expected"))
    passed = sum(one.passed for one in outcomes)
    return (
        f"{passed} of {len(outcomes)} scenarios passed; "
        f"precision {_percent(hits, given)} ({hits} of {given} signals were expected), "
        f"recall {_percent(hits, wanted)} ({hits} of {wanted} expected signals were given)"
    )


def _percent(part: int, whole: int) -> str:
    return f"{100 * part / whole:.1f} %" if whole else "100.0 %"
