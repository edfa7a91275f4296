"""The report as one HTML file that needs nothing beside itself. Pure."""

from datetime import UTC, datetime
from html import escape
from itertools import accumulate
from typing import Final

from services.scanner.backtest.figures import Figures
from services.scanner.backtest.plots import Plot, linear, logarithmic, timed
from services.scanner.backtest.tables import Table, latency, listed, tables
from services.scanner.backtest.words import Language, text

#: Signals that are listed and drawn as points; a longer report says how many it leaves out.
LISTED: Final = 2000
BINS: Final = 24

_STYLE: Final = """
:root{--bg:#fbfbfa;--card:#fff;--ink:#1c1e21;--dim:#6b7077;--rule:#e3e4e6;--good:#0a7d4f;--bad:#b3261e;
--c0:#2563a8;--c1:#c2601d;--c2:#3d8b40;--c3:#8a4f9e}
@media (prefers-color-scheme:dark){:root{--bg:#14161a;--card:#1c1f24;--ink:#e6e7e9;--dim:#9aa0a8;--rule:#2d3138;
--good:#4cc38a;--bad:#f2776d;--c0:#6aa7e8;--c1:#e8995a;--c2:#7ec27f;--c3:#c493d6}}
*{box-sizing:border-box}
body{margin:0 auto;max-width:1240px;padding:28px 20px 60px;background:var(--bg);color:var(--ink);
font:14px/1.5 system-ui,-apple-system,"Segoe UI","Noto Sans SC","PingFang SC",sans-serif}
h1{font-size:24px;margin:0}h2{font-size:16px;margin:34px 0 8px}p{margin:6px 0;max-width:90ch}
.dim{color:var(--dim)}.warn{border-left:3px solid var(--bad);padding-left:10px}
.plots{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,480px),1fr));gap:16px;margin-top:20px}
figure{margin:0;background:var(--card);border:1px solid var(--rule);border-radius:6px;padding:12px}
figcaption{font-weight:600;margin-bottom:4px}svg{width:100%;height:auto;display:block}
.scroll{overflow-x:auto;background:var(--card);border:1px solid var(--rule);border-radius:6px}
table{border-collapse:collapse;width:100%;font-variant-numeric:tabular-nums;white-space:nowrap}
th,td{padding:5px 10px;text-align:right;border-bottom:1px solid var(--rule)}
th{color:var(--dim);font-weight:500;font-size:12px}tr:last-child td{border-bottom:0}.l{text-align:left}
.neg{color:var(--bad)}
.grid{stroke:var(--rule)}.zero{stroke:var(--dim)}.tick,.legend{fill:var(--dim);font-size:11px}
.line{fill:none;stroke-width:1.8}.dot{opacity:.75}.bar{opacity:.85}
.s0{stroke:var(--c0)}.s1{stroke:var(--c1)}.s2{stroke:var(--c2)}.s3{stroke:var(--c3)}
.f0{fill:var(--c0)}.f1{fill:var(--c1)}.f2{fill:var(--c2)}.f3{fill:var(--c3)}
"""


def page(found: Figures, notes: list[str], warnings: list[str], lang: Language) -> str:
    """`notes`: what was tested and how, the range first. `warnings`: what to know before believing it."""
    title = f"{text('title', lang)} · {notes[0]}"
    parts = [f"<h1>{escape(text('title', lang))}</h1>"]
    parts += [f'<p class="dim">{escape(note)}</p>' for note in notes]
    parts += [f'<p class="warn">{escape(warning)}</p>' for warning in warnings]
    if found.signals:
        made = tables(found, lang)
        parts += [_table(table) for table in made[:2]]
        parts.append(f'<div class="plots">{"".join(_plots(found, lang))}</div>')
        parts += [_table(table) for table in made[2:]]
        parts.append(_table(listed(found, lang), LISTED))
        if found.signals > LISTED:
            parts.append(f'<p class="dim">{escape(text("more", lang, n=found.signals - LISTED))}</p>')
    else:
        parts.append(f"<p>{escape(text('none', lang))}</p>")
    body = "\n".join(parts)
    return (
        f'<!doctype html>\n<html lang="{lang}"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        f'<link rel="icon" href="data:,"><title>{escape(title)}</title><style>{_STYLE}</style></head>\n'
        f"<body>\n{body}\n</body></html>\n"
    )


def _table(table: Table, shown: int | None = None) -> str:
    def cells(row: list[str], tag: str) -> str:
        made = []
        for at, cell in enumerate(row):
            kinds = "l" if at < table.left else "neg" if cell.startswith("-") else ""
            made.append(f'<{tag} class="{kinds}">{escape(cell)}</{tag}>')
        return f"<tr>{''.join(made)}</tr>"

    head = f"<thead>{cells(table.head, 'th')}</thead>" if table.head else ""
    rows = "".join(cells(row, "td") for row in table.rows[:shown])
    return f'<h2>{escape(table.title)}</h2><div class="scroll"><table>{head}<tbody>{rows}</tbody></table></div>'


def _plots(found: Figures, lang: Language) -> list[str]:
    drawn = {
        "plot_time": _over_time(found),
        "plot_lasted": _lasted(found, lang),
        "plot_decay": _decay(found, lang),
        "plot_kept": _kept(found),
    }
    return [f"<figure><figcaption>{escape(text(name, lang))}</figcaption>{svg}</figure>" for name, svg in drawn.items()]


def _over_time(found: Figures) -> str:
    """A line for each latency: what all takings up to then had kept."""
    lines: dict[int, list[tuple[float, float]]] = {}
    for one in found.takings:
        rows = [row for row in found.rows if row.kept_usd[one.latency_ms] is not None]
        sums = accumulate(row.kept_usd[one.latency_ms] or 0.0 for row in rows)
        lines[one.latency_ms] = [(row.opened_ms / 1000, total) for row, total in zip(rows, sums, strict=True)]
    points = [point for line in lines.values() for point in line]
    plot = Plot(timed([x for x, _ in points], _clock), linear([y for _, y in points]))
    for number, (ms, line) in enumerate(lines.items()):
        plot.line(line, latency(ms), number)
    return plot.svg()


def _lasted(found: Figures, lang: Language) -> str:
    """The share of signals that lasted longer, over time on a scale of powers of ten."""
    lasted = sorted(max(row.duration_s, 0.1) for row in found.rows if row.duration_s is not None)
    plot = Plot(logarithmic(lasted, text("x_seconds", lang)), linear([0.0, 100.0]))
    n = len(lasted)
    points: list[tuple[float, float]] = []
    for at, seconds in enumerate(lasted):
        points += [(seconds, 100 * (n - at) / n), (seconds, 100 * (n - at - 1) / n)]
    plot.line(points, "", 0)
    return plot.svg()


def _decay(found: Figures, lang: Language) -> str:
    """What was promised against what was there."""
    rows = found.rows[-LISTED:]
    points = {
        one.latency_ms: [
            (row.net_bps, value, f"{row.asset} {row.buy} → {row.sell}: {row.net_bps:.1f} → {value:.1f}")
            for row in rows
            if (value := row.in_bps[one.latency_ms]) is not None
        ]
        for one in found.takings
    }
    every = [point for found_ in points.values() for point in found_]
    plot = Plot(linear([x for x, _, _ in every], text("x_open", lang)), linear([y for _, y, _ in every]))
    for number, (ms, some) in enumerate(points.items()):
        plot.dots(some, latency(ms), number)
    return plot.svg()


def _kept(found: Figures) -> str:
    """How often how much was kept, at the first latency."""
    first = found.takings[0].latency_ms
    values = [value for row in found.rows if (value := row.kept_bps[first]) is not None]
    x = linear(values)
    width = (x.high - x.low) / BINS
    edges = [x.low + at * width for at in range(BINS + 1)]
    n = [0] * BINS
    for value in values:
        n[min(BINS - 1, int((value - x.low) / width))] += 1
    plot = Plot(x, linear([float(one) for one in n]))
    plot.bars(edges, n, latency(first), 0)
    return plot.svg()


def _clock(seconds: float) -> str:
    return f"{datetime.fromtimestamp(seconds, UTC):%m-%d %H:%M:%S}"
