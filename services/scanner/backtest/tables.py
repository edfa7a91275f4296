"""The account as tables: rows of text, for the terminal and for the page alike. Pure."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final
from unicodedata import east_asian_width

import msgspec

from services.scanner.backtest.figures import Figures, Group, Spread, Takings
from services.scanner.backtest.words import Language, text

#: Rows of a table in the terminal; the page has them all.
SHOWN: Final = 12


class Table(msgspec.Struct, frozen=True):
    """`left`: how many columns hold words; the others are numbers."""

    title: str
    head: list[str]
    rows: list[list[str]]
    left: int = 1


def number(value: float | None, digits: int = 1) -> str:
    return "–" if value is None else f"{value:,.{digits}f}"


def percent(share: float) -> str:
    return f"{share * 100:.0f} %"


def latency(ms: int) -> str:
    return f"{ms} ms"


def counts(found: dict[str, int]) -> str:
    return " · ".join(f"{name} {n}" for name, n in found.items()) or "–"


def tables(found: Figures, lang: Language) -> list[Table]:
    """All but the list of signals."""

    def say(name: str) -> str:
        return text(name, lang)

    made = [_summary(found, lang), _takings(found.takings, lang)]
    for name, head, groups in (
        ("kinds", "kind", found.by_kind),
        ("pairs", "pair", found.pairs),
        ("venues", "venue", found.venues),
        ("routes", "route", found.routes),
        ("hours", "hour", found.hours),
    ):
        named = [_hour(group) if name == "hours" else group for group in groups]
        made.append(_grouped(say(name), say(head), named, lang))
    return made


def _summary(found: Figures, lang: Language) -> Table:
    def row(name: str, value: str) -> list[str]:
        return [text(name, lang), value]

    def spread(one: Spread | None) -> str:
        if one is None:
            return "–"
        words = ((text("median", lang), one.p50), ("p90", one.p90), (text("most", lang), one.most))
        return " · ".join(f"{word} {number(value)}" for word, value in words)

    rows = [
        row("signals", f"{found.signals}"),
        row("still_open", f"{found.still_open}"),
        row("kind", counts(found.kinds)),
        row("reason", counts(found.reasons)),
        row("duration", spread(found.duration_s)),
        row("peak", spread(found.peak_bps)),
    ]
    return Table(text("signals", lang), [], rows, left=2)


def _takings(found: Sequence[Takings], lang: Language) -> Table:
    words = ("latency", "taken", "missed", "alive", "in", "kept_bps", "won", "kept_usd", "turnover", "held", "out")
    rows = [
        [
            latency(one.latency_ms),
            f"{one.n}",
            f"{sum(one.missed.values())}",
            percent(one.alive),
            number(one.in_bps.p50 if one.in_bps else None),
            number(one.kept_bps.p50 if one.kept_bps else None),
            percent(one.won),
            number(one.kept_usd, 2),
            number(one.turnover_usd, 0),
            number(one.held_s.p50 if one.held_s else None),
            counts(one.out),
        ]
        for one in found
    ]
    return Table(text("taker", lang), [text(word, lang) for word in words], rows)


def _grouped(title: str, first: str, groups: Sequence[Group], lang: Language) -> Table:
    latencies = list(groups[0].kept_usd) if groups else []
    head = [first, *(text(word, lang) for word in ("n", "duration", "peak", "open_net"))]
    head += [f"{text('kept_bps', lang)} ({latency(ms)})" for ms in latencies]
    head += [f"{text('kept_usd', lang)} ({latency(ms)})" for ms in latencies]
    rows = [
        [
            one.name,
            f"{one.n}",
            number(one.duration_s.p50 if one.duration_s else None),
            number(one.peak_bps),
            number(one.open_net_bps),
            *(number(one.kept_bps[ms]) for ms in latencies),
            *(number(one.kept_usd[ms], 2) for ms in latencies),
        ]
        for one in groups
    ]
    return Table(title, head, rows)


def _hour(group: Group) -> Group:
    at = datetime.fromtimestamp(int(group.name), UTC)
    return msgspec.structs.replace(group, name=f"{at:%m-%d %H:00}")


def listed(found: Figures, lang: Language) -> Table:
    """Every signal, newest last."""
    latencies = [one.latency_ms for one in found.takings]
    words = ("opened", "asset", "buy", "sell", "duration", "reason", "open_edge", "open_net", "peak", "size")
    head = [text(word, lang) for word in words]
    head += [f"{text('in', lang)} ({latency(ms)})" for ms in latencies]
    head += [f"{text('kept_bps', lang)} ({latency(ms)})" for ms in latencies]
    rows = [
        [
            f"{datetime.fromtimestamp(one.opened_ms / 1000, UTC):%m-%d %H:%M:%S}",
            one.asset,
            one.buy,
            one.sell,
            number(one.duration_s),
            one.reason or text("still_open", lang),
            number(one.open_bps),
            number(one.net_bps),
            number(one.peak_bps),
            number(one.size_usd, 0),
            *(number(one.in_bps[ms]) for ms in latencies),
            *(number(one.kept_bps[ms]) for ms in latencies),
        ]
        for one in found.rows
    ]
    return Table(text("list", lang), head, rows, left=4)


def lines(table: Table, lang: Language, shown: int = SHOWN) -> list[str]:
    """The table for a terminal; the longest ones cut, and how many rows are missing said."""
    rows = [table.head, *table.rows[:shown]] if table.head else table.rows[:shown]
    if not rows:
        return []
    widths = [max(_width(row[at]) for row in rows) for at in range(len(rows[0]))]
    found = [table.title, "─" * _width(table.title)]
    for row in rows:
        cells = [
            _pad(cell, width, left=at < table.left) for at, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        found.append("  ".join(cells).rstrip())
    if len(table.rows) > shown:
        found.append(text("more", lang, n=len(table.rows) - shown))
    return [*found, ""]


def _width(cell: str) -> int:
    """Columns of the terminal: Chinese characters take two."""
    return sum(1 + (east_asian_width(one) in "WF") for one in cell)


def _pad(cell: str, width: int, *, left: bool) -> str:
    blank = " " * (width - _width(cell))
    return cell + blank if left else blank + cell
