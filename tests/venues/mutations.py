"""Faults that the golden cases must find: each is put into a copy of the code, and the cases of its exchange run there.

    python -m tests.venues.mutations [--venue NAME] [--write]

`mutations.jsonl` holds them, a line each: the file, the text and what it is replaced by, what that means, and the cases
that fail with it. `--write` writes the last anew. The exit status is 1 where a fault is found by no case, or by others
than are written down.
"""

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final

import msgspec

from services.collector.venues import VENUES
from tests.venues.recordings import HERE
from tests.venues.test_golden_cases import CASES, events_of

ROOT: Final = HERE.parents[1]
FILE: Final = HERE / "mutations.jsonl"
#: what a copy needs
PARTS: Final = ("services/collector", "services/__init__.py", "shared", "tests/__init__.py", "tests/venues")
SHOWN: Final = 3

HEAD: Final = """
## Faults that the cases find

Each fault was put into the decoder alone (`python -m tests.venues.mutations` does it again): these cases fail with it.

| exchange | fault | file | cases that fail |
| --- | --- | --- | --- |
"""


class Mutation(msgspec.Struct):
    """One fault. `old` stands once in `file`: a path below the venue's folder, after a slash below the collector's."""

    venue: str
    file: str
    fault: str
    old: str
    new: str
    caught: list[str] = []

    @property
    def path(self) -> str:
        folder = "services/collector"
        return f"{folder}{self.file}" if self.file.startswith("/") else f"{folder}/venues/{self.venue}/{self.file}"


def load() -> list[Mutation]:
    return [msgspec.json.decode(line, type=Mutation) for line in FILE.read_bytes().splitlines()]


def table() -> str:
    """The part of docs/coverage.md that says what was tried."""
    text = HEAD
    for one in load():
        cases = ", ".join(f"`{name}`" for name in one.caught[:SHOWN])
        more = f" and {len(one.caught) - SHOWN} more" if len(one.caught) > SHOWN else ""
        text += f"| {VENUES[one.venue].display_name} | {one.fault} | `{one.file.removeprefix('/')}` | {cases}{more} |\n"
    return text


def run(found: Iterable[Mutation]) -> list[Mutation]:
    """The same faults, each with the cases that fail with it. Raises `SystemExit` for one that does not apply."""
    tried = []
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder)
        _copy(copy)
        for one in found:
            path = copy / one.path
            before = path.read_text(encoding="utf-8")
            if before.count(one.old) != 1:
                raise SystemExit(f"{one.path}: {one.old!r} stands there {before.count(one.old)} times, not once.")
            path.write_text(before.replace(one.old, one.new), encoding="utf-8")
            tried.append(msgspec.structs.replace(one, caught=_failing(copy, one)))
            path.write_text(before, encoding="utf-8")
    return tried


def _copy(to: Path) -> None:
    for part in PARTS:
        source, target = ROOT / part, to / part
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, target)


def _failing(copy: Path, one: Mutation) -> list[str]:
    command = [sys.executable, "-B", "-m", "tests.venues.mutations", "--failing", one.venue]
    done = subprocess.run(command, cwd=copy, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise SystemExit(f"{one.fault}: the cases do not run with it:\n{done.stderr}")
    failing: list[str] = json.loads(done.stdout)
    return failing


def failing(venue: str) -> list[str]:
    """The cases of a venue that do not decode to exactly their events, with the code as it stands."""
    folders = [case for case in CASES if case.parent.name == venue]
    return [case.name for case in folders if events_of(case) != _expected(case)]


def _expected(case: Path) -> list[object]:
    return [msgspec.json.decode(line) for line in (case / "events.jsonl").read_bytes().splitlines()]


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.venues.mutations", description="Try faults in decoders.")
    parser.add_argument("--venue", choices=VENUES, help="those of one exchange alone")
    parser.add_argument("--write", action="store_true", help="write down which cases fail")
    parser.add_argument("--failing", choices=VENUES, help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.failing is not None:
        print(json.dumps(failing(options.failing)))
        return 0
    known = load()
    tried = {id(old): new for old in known if options.venue in (None, old.venue) for new in run([old])}
    wrong = 0
    for old in known:
        new = tried.get(id(old))
        if new is None:
            continue
        verdict = "found by " + ", ".join(new.caught) if new.caught else "FOUND BY NO CASE"
        print(f"{new.venue}: {new.fault}: {verdict}", flush=True)
        wrong += not new.caught or (not options.write and new.caught != old.caught)
    if options.write:
        FILE.write_bytes(b"".join(msgspec.json.encode(tried.get(id(old), old)) + b"\n" for old in known))
    print(f"{len(tried)} faults tried, {len(tried) - wrong} found as written down.")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
