"""`make backtest FROM=… TO=…`: the live scanner's own fold over the archive, with these settings or others.

    python -m services.scanner.backtest [--from TIME] [--to TIME] [--archive DIR] [--set NAME=VALUE …]
        [--fees VENUE[.MARKET]=BPS …] [--latency MS …] [--hold S] [--exit BPS] [--out FILE] [--json]

Prints tables and writes a page with plots. Exit codes: 0, 1 for a damaged archive, 2 for an input that cannot be used.
"""

import argparse
import os
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, NoReturn

import msgspec

from services.scanner.backtest.course import Course
from services.scanner.backtest.figures import Figures, figures
from services.scanner.backtest.page import page
from services.scanner.backtest.run import Outcome, run
from services.scanner.backtest.tables import latency, lines, tables
from services.scanner.backtest.taker import Terms
from services.scanner.backtest.words import Language, text
from shared.archive.journal import Damaged
from shared.archive.layout import TooNew
from shared.archive.reading import Archive, is_archive
from shared.archive.times import BadTime, moment
from shared.archive.times import parse as parse_time
from shared.config import Fees, SettingError, Settings, load
from shared.settings_store import checked
from shared.streams import instruments

LATENCIES: Final = (100, 500, 2000)
HOLD_S: Final = 3600.0
PROGRESS_S: Final = 0.5


class Usage(ValueError):
    """An input that cannot be used; says which, and what was expected."""


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise Usage(message)


class Request(msgspec.Struct, frozen=True):
    """What is to be tested. `overrides` are settings that are put over the live ones."""

    archive: Archive
    from_ms: int
    to_ms: int
    overrides: dict[str, Any]
    terms: list[Terms]
    out: Path
    as_json: bool


def parse(arguments: Sequence[str], settings: Settings) -> Request:
    """Raises `Usage`, `BadTime`, `SettingError`, and what reading an archive does."""
    parser = _Parser(prog="python -m services.scanner.backtest", description="The scanner over the archive.")
    parser.add_argument("--from", dest="begin", default="", metavar="TIME", help="as 2026-11-21T10:00, UTC")
    parser.add_argument("--to", dest="end", default="", metavar="TIME")
    parser.add_argument("--archive", type=Path, default=settings.archive_path, help="or a day or an hour of one")
    parser.add_argument("--set", dest="changes", nargs="*", default=[], metavar="NAME=VALUE", help="a runtime setting")
    parser.add_argument("--fees", nargs="*", default=[], metavar="VENUE[.MARKET]=BPS", help="taker fees")
    parser.add_argument("--latency", nargs="*", default=[], metavar="MS", help="from signal to fill; several")
    parser.add_argument("--hold", default=str(HOLD_S), metavar="S", help="longest time a position is held")
    parser.add_argument("--exit", default="0", metavar="BPS", help="edge at which a position is left")
    parser.add_argument("--out", type=Path, help="the page to write")
    parser.add_argument("--json", dest="as_json", action="store_true", help="the figures as one JSON object instead")
    given = parser.parse_args(list(arguments))
    overrides = _changes(given.changes)
    if given.fees:
        overrides["fees"] = _fees(given.fees)
    hold_s, exit_bps = _number("--hold", given.hold, 0, 1e7), _number("--exit", given.exit, -1e4, 1e4)
    waits = sorted({_whole("--latency", text, 0, 600_000) for text in given.latency}) or list(LATENCIES)
    if len(waits) > 4:
        raise Usage(f"--latency: expected at most 4 values, not {len(waits)}")
    archive, from_ms, to_ms = _range(given.archive, given.begin, given.end)
    _check_venues(archive, overrides.get("fees", {}))
    name = f"backtest-{moment(from_ms)}-{moment(to_ms)}.html".replace(" ", "T").replace(":", "")
    out = given.out or settings.data_path / "backtests" / name
    if not given.as_json:
        _make_folder(out)
    return Request(
        archive=archive,
        from_ms=from_ms,
        to_ms=to_ms,
        overrides=overrides,
        terms=[Terms(wait, hold_s, exit_bps) for wait in waits],
        out=out,
        as_json=given.as_json,
    )


def _range(folder: Path, begin: str, end: str) -> tuple[Archive, int, int]:
    """The archive and the part of it that is meant. Raises `Usage` where it holds nothing of that."""
    if not is_archive(folder):
        raise Usage(f"{folder} holds no archive. ARCHIVE_DAYS=… starts one; --archive names another.")
    archive = Archive(folder)
    low, high = archive.asked
    from_ms, to_ms = parse_time(begin, low), parse_time(end, high)
    if from_ms >= to_ms:
        raise Usage(f"FROM {moment(from_ms)} is not before TO {moment(to_ms)}.")
    span = archive.span
    if span is None or span[1] < from_ms or span[0] >= to_ms:
        held = "is empty" if span is None else f"holds {moment(span[0])} to {moment(span[1])}"
        raise Usage(f"Nothing is archived in that range: {folder} {held}.")
    return archive, max(from_ms, span[0]), min(to_ms, span[1] + 1)


def _changes(pairs: Sequence[str]) -> dict[str, Any]:
    """Runtime settings as they are written. Raises `SettingError`, `Usage`."""
    found: dict[str, Any] = {}
    for pair in pairs:
        name, equals, value = pair.partition("=")
        if not equals:
            raise Usage(f"--set {pair!r}: expected NAME=VALUE")
        try:
            found[name] = msgspec.json.decode(value)
        except msgspec.DecodeError:
            found[name] = value
    return checked(found)


def _fees(pairs: Sequence[str]) -> dict[str, Fees]:
    """`venue=5` is for both markets, `venue.spot=8` for one. Raises `Usage`, `SettingError`."""
    found: dict[str, dict[str, float]] = {}
    for pair in pairs:
        place, equals, value = pair.partition("=")
        venue, _, market = place.partition(".")
        if not equals or not venue or market not in ("", "spot", "perp"):
            raise Usage(f"--fees {pair!r}: expected VENUE=BPS, VENUE.spot=BPS or VENUE.perp=BPS")
        fee = _number("--fees", value, -10, 1000)
        for one in (market,) if market else ("spot", "perp"):
            found.setdefault(venue, {})[one] = fee
    fees: dict[str, Fees] = checked({"fees": found})["fees"]
    return fees


def _check_venues(archive: Archive, fees: Mapping[str, object]) -> None:
    """A misspelt exchange would leave the fees as they were, without a word. Raises `Usage`."""
    unknown, known, prefix = set(fees), set(), instruments("")
    for listing in archive.snapshots(prefix) if fees else ():
        known.add(listing.key.removeprefix(prefix))
        if not (unknown := unknown - known):
            return
    if known and unknown:
        raise Usage(f"--fees {min(unknown)!r}: expected an exchange of the archive: {', '.join(sorted(known))}")


def _make_folder(out: Path) -> None:
    """What cannot be written is said before the work, not after it. Raises `Usage`."""
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise Usage(f"--out {out}: its folder cannot be made ({error.strerror})") from error
    if out.is_dir():
        raise Usage(f"--out {out}: expected a file to write, this is a folder")
    if not os.access(out if out.exists() else out.parent, os.W_OK):
        raise Usage(f"--out {out}: it cannot be written (permission denied)")


def _whole(name: str, given: str, low: int, high: int) -> int:
    value = _number(name, given, low, high)
    if value != int(value):
        raise Usage(f"{name} {given!r}: expected a whole number, at least {low}, at most {high}")
    return int(value)


def _number(name: str, given: str, low: float, high: float) -> float:
    try:
        value = float(given)
    except ValueError:
        value = high + 1
    if not low <= value <= high:
        raise Usage(f"{name} {given!r}: expected a number, at least {low:g}, at most {high:g}")
    return value


def notes(request: Request, outcome: Outcome, seconds: float, lang: Language) -> list[str]:
    """What was tested, the range first."""
    course, terms = outcome.course, request.terms[0]
    waits = ", ".join(latency(one.latency_ms) for one in request.terms)
    found = [
        text("range", lang, begin=moment(request.from_ms), end=moment(request.to_ms)),
        text("read", lang, entries=f"{course.entries:,}", events=f"{course.events:,}", seconds=seconds),
        text("terms", lang, latencies=waits, exit=terms.exit_bps, hold=terms.hold_s),
        text("flags", lang),
    ]
    if request.overrides:
        over = ", ".join(f"{name} = {msgspec.json.encode(value).decode()}" for name, value in request.overrides.items())
        found.append(text("over", lang, over=over))
    else:
        found.append(text("same", lang, sent=course.sent, same=course.same))
    return found


def warnings(request: Request, outcome: Outcome, lang: Language) -> list[str]:
    """What is missing in the range."""
    gaps = [gap for gap in request.archive.gaps() if request.from_ms <= gap.at_ms < request.to_ms]
    found = []
    if gaps:
        some = "; ".join(f"{moment(gap.at_ms)} {gap.stream} ({gap.reason})" for gap in gaps[:5])
        found.append(f"{text('gaps', lang, n=len(gaps))} {some}{' …' if len(gaps) > 5 else ''}")
    if outcome.course.breaks:
        found.append(text("breaks", lang, n=outcome.course.breaks))
    return found


def progress(request: Request) -> Callable[[int], None]:
    """Shows how far the range is read, where somebody looks on."""
    if not sys.stderr.isatty():
        return lambda ms: None
    shown = 0.0

    def show(ms: int) -> None:
        nonlocal shown
        now = time.monotonic()
        if now - shown >= PROGRESS_S:
            shown = now
            share = (ms - request.from_ms) / max(1, request.to_ms - request.from_ms)
            print(f"\r{moment(ms)}  {max(0, min(1, share)) * 100:3.0f} % ", end="", file=sys.stderr, flush=True)

    return show


def report(request: Request, found: Figures, said: list[str], warned: list[str], lang: Language) -> None:
    """The page to its file, the tables to the terminal. Raises `Usage` where the file cannot be written."""
    try:
        request.out.write_text(page(found, said, warned, lang), encoding="utf-8")
    except OSError as error:
        raise Usage(f"{request.out} cannot be written: {error.strerror}") from error
    print("\n".join([text("title", lang), *said, *warned, ""]))
    if not found.signals:
        print(text("none", lang))
    else:
        for table in tables(found, lang):
            print("\n".join(lines(table, lang)))
    print(text("written", lang, path=request.out))


def language(settings: Settings) -> Language:
    chosen = settings.ui_lang or os.environ.get("LC_ALL") or os.environ.get("LANG") or ""
    return "zh" if chosen.startswith("zh") else "en"


def main(arguments: Sequence[str]) -> int:
    try:
        settings = load()
        request = parse(arguments, settings)
    except (Usage, BadTime, SettingError, TooNew) as error:
        print(error, file=sys.stderr)
        return 2
    except (Damaged, OSError) as error:
        print(error, file=sys.stderr)
        return 1
    lang, began = language(settings), time.monotonic()
    try:
        course = Course(request.archive, request.from_ms, request.to_ms, request.overrides)
        outcome = run(course, request.terms, progress(request))
    except SettingError as error:
        print(f"--set {error}", file=sys.stderr)
        return 2
    except Damaged as error:
        print(error, file=sys.stderr)
        return 1
    found = figures(outcome)
    if request.as_json:
        print(msgspec.json.encode(found).decode())
        return 0
    seconds = time.monotonic() - began
    try:
        report(request, found, notes(request, outcome, seconds, lang), warnings(request, outcome, lang), lang)
    except Usage as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
