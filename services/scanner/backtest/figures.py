"""The account of a backtest in numbers: by all, by route, by pair of venues, by venue, by hour. Pure."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from statistics import mean, median
from typing import Final, TypeVar

import msgspec

from services.scanner.backtest.run import Outcome
from services.scanner.backtest.taker import Trade
from shared.signals import Signal, SignalLeg

HOUR_NS: Final = 3_600_000_000_000
T = TypeVar("T")


class Spread(msgspec.Struct, frozen=True):
    """How values lie: their number, mean, and quantiles."""

    n: int
    mean: float
    p50: float
    p90: float
    most: float


class Takings(msgspec.Struct, frozen=True):
    """What one latency left. Basis points of what the bought leg cost, fees paid; dollars of all together.

    `alive`: the share of signals that were there still, with a net above zero, when the order came in.
    """

    latency_ms: int
    n: int
    missed: dict[str, int]
    alive: float
    in_bps: Spread | None
    kept_bps: Spread | None
    won: float
    kept_usd: float
    turnover_usd: float
    held_s: Spread | None
    out: dict[str, int]


class Group(msgspec.Struct, frozen=True):
    """Some of the signals: a route, a pair of venues, a venue, an hour. `kept_*` by latency."""

    name: str
    n: int
    duration_s: Spread | None
    peak_bps: float
    open_net_bps: float
    kept_usd: dict[int, float]
    kept_bps: dict[int, float | None]


class Row(msgspec.Struct, frozen=True):
    """One signal as the report lists and draws it."""

    opened_ms: int
    asset: str
    buy: str
    sell: str
    kind: str
    duration_s: float | None
    reason: str
    open_bps: float
    net_bps: float
    peak_bps: float
    size_usd: float
    in_bps: dict[int, float | None]
    kept_bps: dict[int, float | None]
    kept_usd: dict[int, float | None]


class Figures(msgspec.Struct, frozen=True):
    """All of it. `still_open`: signals of which the range holds no end; they have no duration."""

    signals: int
    still_open: int
    kinds: dict[str, int]
    reasons: dict[str, int]
    duration_s: Spread | None
    peak_bps: Spread | None
    takings: list[Takings]
    by_kind: list[Group]
    routes: list[Group]
    pairs: list[Group]
    venues: list[Group]
    hours: list[Group]
    rows: list[Row]


def figures(outcome: Outcome) -> Figures:
    signals = list(outcome.signals.values())
    trades = {latency: {one.signal.id: one for one in found} for latency, found in outcome.trades.items()}
    closed = [one for one in signals if one.duration_ms is not None]
    hour = [(f"{one.opened_at // HOUR_NS * 3600}", one) for one in signals]
    both = [(name, one) for one in signals for name in dict.fromkeys((one.buy.venue, one.sell.venue))]
    return Figures(
        signals=len(signals),
        still_open=len(signals) - len(closed),
        kinds=_count(one.kind for one in signals),
        reasons=_count(one.close_reason or "" for one in closed),
        duration_s=spread([(one.duration_ms or 0) / 1000 for one in closed]),
        peak_bps=spread([float(one.peak_edge_bps) for one in signals]),
        takings=[takings(latency, found) for latency, found in outcome.trades.items()],
        by_kind=_groups([(one.kind, one) for one in signals], trades),
        routes=_groups([(route(one), one) for one in signals], trades),
        pairs=_groups([(f"{one.buy.venue} → {one.sell.venue}", one) for one in signals], trades),
        venues=_groups(both, trades),
        hours=sorted(_groups(hour, trades), key=lambda group: group.name),
        rows=[_row(one, trades) for one in signals],
    )


def takings(latency_ms: int, trades: Sequence[Trade]) -> Takings:
    taken = [one for one in trades if one.fate != "missed"]
    left = [one for one in taken if one.fate == "left"]
    return Takings(
        latency_ms=latency_ms,
        n=len(taken),
        missed=_count(one.why for one in trades if one.fate == "missed"),
        alive=sum(one.in_bps > 0 for one in taken) / len(trades) if trades else 0.0,
        in_bps=spread([one.in_bps for one in taken]),
        kept_bps=spread([one.kept_bps for one in taken]),
        won=sum(one.kept_bps > 0 for one in taken) / len(taken) if taken else 0.0,
        kept_usd=sum(one.kept_usd for one in taken),
        turnover_usd=sum(one.usd for one in taken),
        held_s=spread([(one.out_at - one.in_at) / 1e9 for one in left]),
        out=_count(one.out_why for one in left),
    )


def route(signal: Signal) -> str:
    return f"{signal.asset} {leg(signal.buy)} → {leg(signal.sell)}"


def leg(one: SignalLeg) -> str:
    quote = one.symbol.partition("/")[2].partition(":")[0]
    return f"{one.venue} {one.market} {quote}"


def spread(values: Sequence[float]) -> Spread | None:
    """None of no values."""
    if not values:
        return None
    ordered = sorted(values)
    return Spread(len(ordered), mean(ordered), median(ordered), ordered[int(0.9 * (len(ordered) - 1))], ordered[-1])


def _count(names: Iterable[str]) -> dict[str, int]:
    found: dict[str, int] = defaultdict(int)
    for name in names:
        found[name] += 1
    return dict(sorted(found.items(), key=lambda one: (-one[1], one[0])))


def _groups(named: Iterable[tuple[str, Signal]], trades: dict[int, dict[str, Trade]]) -> list[Group]:
    """The most kept at the first latency first."""
    members: dict[str, list[Signal]] = defaultdict(list)
    for name, signal in named:
        members[name].append(signal)
    found = [_group(name, signals, trades) for name, signals in members.items()]
    return sorted(found, key=lambda group: (-next(iter(group.kept_usd.values()), 0.0), -group.n, group.name))


def _group(name: str, signals: list[Signal], trades: dict[int, dict[str, Trade]]) -> Group:
    taken: dict[int, list[Trade]] = {}
    for latency, by_id in trades.items():
        found = [by_id[one.id] for one in signals if one.id in by_id]
        taken[latency] = [one for one in found if one.fate != "missed"]
    return Group(
        name=name,
        n=len(signals),
        duration_s=spread([one.duration_ms / 1000 for one in signals if one.duration_ms is not None]),
        peak_bps=median(float(one.peak_edge_bps) for one in signals),
        open_net_bps=median(float(one.open_net_bps) for one in signals),
        kept_usd={latency: sum(one.kept_usd for one in found) for latency, found in taken.items()},
        kept_bps={latency: _middle(found, lambda one: one.kept_bps) for latency, found in taken.items()},
    )


def _middle(values: Sequence[T], of: Callable[[T], float]) -> float | None:
    return median(map(of, values)) if values else None


def _row(signal: Signal, trades: dict[int, dict[str, Trade]]) -> Row:
    mine = {latency: by_id.get(signal.id) for latency, by_id in trades.items()}
    taken = {latency: one if one is not None and one.fate != "missed" else None for latency, one in mine.items()}
    return Row(
        opened_ms=signal.opened_at // 1_000_000,
        asset=signal.asset,
        buy=leg(signal.buy),
        sell=leg(signal.sell),
        kind=signal.kind,
        duration_s=None if signal.duration_ms is None else signal.duration_ms / 1000,
        reason=signal.close_reason or "",
        open_bps=float(signal.open_edge_bps),
        net_bps=float(signal.open_net_bps),
        peak_bps=float(signal.peak_edge_bps),
        size_usd=float(signal.open_size_usd),
        in_bps={latency: None if one is None else one.in_bps for latency, one in taken.items()},
        kept_bps={latency: None if one is None else one.kept_bps for latency, one in taken.items()},
        kept_usd={latency: None if one is None else one.kept_usd for latency, one in taken.items()},
    )
