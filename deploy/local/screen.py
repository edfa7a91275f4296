"""The one screen: pure, from what is known to lines. rich draws it in a terminal; elsewhere the lines are printed."""

import re
from dataclasses import dataclass, field
from pathlib import Path

from rich.text import Text

from deploy.local.status import RowHead, Snapshot, VenueStatus
from deploy.local.words import Language, size, text_in
from shared.config import Mode

_TITLES: dict[Mode, str] = {"live": "LIVE", "demo": "DEMO", "replay": "REPLAY"}
_COLOURS = {"live": "green", "blocked": "red", "degraded": "yellow", "down": "red"}


@dataclass(frozen=True)
class Facts:
    """What the launcher itself knows. `ready_s` is None until everything is up."""

    version: str
    mode: Mode
    url: str
    data: Path
    data_bytes: int
    free_bytes: int
    retention_days: int
    max_disk_gb: float
    elapsed_s: int = 0
    ready_s: int | None = None
    detached: bool = False
    notices: tuple[str, ...] = ()
    addresses: tuple[tuple[str, str], ...] = field(default_factory=tuple)


def lines(facts: Facts, snapshot: Snapshot, lang: Language) -> list[Text]:
    """The screen from top to bottom."""
    shown = [title(facts, lang), address(facts, lang)]
    shown.append(row("CryExc", f"{facts.url.replace('http', 'ws', 1)}/ws      API  /docs"))
    shown.append(row(text_in(lang, "data"), data_line(facts, lang)))
    shown += [row(name, value) for name, value in facts.addresses]
    width = max((len(venue.name) for venue in snapshot.venues), default=0)
    shown += [venue_line(venue, max(width, 9), lang) for venue in snapshot.venues]
    shown.append(best_line(snapshot, lang))
    shown += [Text(f"  ! {sentence}", style="yellow") for sentence in notices(facts, snapshot, lang)]
    shown.append(Text(text_in(lang, "foot_detached" if facts.detached else "foot"), style="dim"))
    return shown


def notices(facts: Facts, snapshot: Snapshot, lang: Language) -> list[str]:
    """What a person should know and perhaps mend, a sentence each."""
    found = list(facts.notices)
    for name, state in snapshot.services.items():
        # The api complains of what the lines of the exchanges show already.
        if name != "_api" and state in ("degraded", "blocked") and snapshot.details.get(name):
            found.append(f"{name.removeprefix('_')}: {snapshot.details[name]}")
    if snapshot.error:
        found.append(text_in(lang, "redis_away", reason=snapshot.error))
    if snapshot.unreachable and facts.mode == "live":
        found.append(text_in(lang, "unreachable"))
    return found


def title(facts: Facts, lang: Language) -> Text:
    line = Text(f"Parallax {facts.version}", style="bold")
    line.append(f" · {_TITLES[facts.mode]}", style="bold green" if facts.mode == "live" else "bold yellow")
    if facts.mode != "live":
        line.append(f" · {text_in(lang, facts.mode)}", style="yellow")
    if facts.ready_s is None:
        line.append(" · " + text_in(lang, "starting", seconds=facts.elapsed_s), style="dim")
    elif facts.elapsed_s - facts.ready_s < 60:
        line.append(" · " + text_in(lang, "ready", seconds=facts.ready_s), style="not bold")
    else:
        line.append(" · " + text_in(lang, "up", time=duration(facts.elapsed_s)), style="not bold")
    return line


def duration(seconds: int) -> str:
    days, rest = divmod(seconds, 86_400)
    clock = f"{rest // 3600:d}:{rest // 60 % 60:02d}:{rest % 60:02d}"
    return f"{days} d {clock}" if days else clock


def address(facts: Facts, lang: Language) -> Text:
    line = row(text_in(lang, "open"), "")
    return line.append(facts.url, style=f"bold cyan link {facts.url}")


def data_line(facts: Facts, lang: Language) -> str:
    here = Path.cwd()
    path = f"./{facts.data.relative_to(here)}" if facts.data.is_relative_to(here) else str(facts.data)
    values = {"path": path, "size": size(facts.data_bytes), "free": size(facts.free_bytes)}
    return text_in(lang, "data_line", days=facts.retention_days, cap=f"{facts.max_disk_gb:g}", **values)


def row(name: str, value: str) -> Text:
    """Two columns; a Chinese character takes two cells."""
    label = Text(name, style="dim")
    label.pad_right(max(1, 10 - label.cell_len))
    return Text("  ").append_text(label).append(value)


def venue_line(venue: VenueStatus, width: int, lang: Language) -> Text:
    known = {"starting": "starting_state"}.get(venue.state, venue.state)
    state = Text(text_in(lang, known) if known in _KNOWN else venue.state, style=_COLOURS.get(venue.state, "yellow"))
    state.pad_right(max(1, 9 - state.cell_len))
    line = Text("  ").append(f"{venue.name:<{width}} ").append_text(state)
    cells = [explain(venue.detail, lang)] if venue.state != "live" and venue.detail else []
    if venue.state == "live":
        cells.append(text_in(lang, "instruments", count=venue.instruments))
    if venue.state == "live" or (venue.state == "starting" and venue.rate):
        cells.append(text_in(lang, "rate", count=venue.rate))
    if venue.state == "live" and venue.lag_ms is not None:
        cells.append(f"{venue.lag_ms:.0f} ms")
    return line.append("   ".join(cells))


_KNOWN = ("live", "starting_state", "connecting", "blocked", "degraded", "down")


def explain(detail: str, lang: Language) -> str:
    """How far a start is; a refusal by its HTTP status, with what to do about it and what else the collector says."""
    topics = re.fullmatch(r"(\d+) of (\d+) topics(?: are live)?\.", detail)
    if topics is not None:
        return text_in(lang, "topics", live=topics[1], count=topics[2])
    status = re.search(r"HTTP (451|403)\b", detail)
    if status is None:
        return detail
    retry = re.search(r"(?i)retry in (\d+)", detail)
    again = text_in(lang, "retry", seconds=retry[1]) if retry else ""
    return " ".join(filter(None, (text_in(lang, f"http_{status[1]}"), again)))


def best_line(snapshot: Snapshot, lang: Language) -> Text:
    best = snapshot.best
    line = row(text_in(lang, "best"), "" if best else text_in(lang, "best_none"))
    if best is not None:
        line.append(route(best, lang), style="bold")
    return line.append("      " + text_in(lang, "signals", count=snapshot.signals_open))


def route(found: RowHead, lang: Language) -> str:
    best = found.best
    if best is None:
        return ""
    return text_in(
        lang,
        "best_line",
        asset=found.asset,
        buy=place(best.buy),
        buy_price=best.buy_price,
        sell=place(best.sell),
        sell_price=best.sell_price,
        gross=percent(best.edge_bps),
        net=percent(best.net_in_out_bps),
        size=f"${float(best.size_usd):,.0f}",
    )


def place(leg: tuple[str, str, str]) -> str:
    """The exchange, and the market where it is not the perpetual."""
    return leg[0] if leg[1] == "perp" else f"{leg[0]} {leg[1]}"


def percent(bps: str) -> str:
    return f"{float(bps) / 100:+.2f}%".replace("-", "−")
