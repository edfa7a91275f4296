"""What the decoders make of recordings, and what proves them: writes `docs/coverage.md`.

    python -m tests.venues.coverage --captures DIR [--write docs/coverage.md]
    python -m tests.venues.coverage                    all but the recordings' part anew, from what stands there

`DIR` has a folder for each exchange. Every file is decoded alone by the code of the decoding tool, with the listings of
`tests/venues/<venue>/listing`; the parts of one session (`NAME.ws.1.0`, `NAME.http.0.0`) once more together. Where
frames do not tell their market, both are tried: the one that leaves less unknown counts, spot where they are equal.
"""

import argparse
import re
import sys
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import msgspec

from services.collector import offline
from services.collector.recorded import MARKETS, NO_MARKET
from services.collector.venues import VENUES
from shared.events import KIND
from shared.instruments import Market
from tests.venues import mutations
from tests.venues.recordings import HERE, lines, read, recorded

DOCUMENT: Final = HERE.parents[1] / "docs" / "coverage.md"
EVENTS: Final = (*KIND.values(), "snapshot", "delta")
CONTROLS: Final = tuple(name for name in offline.NAMES.values() if name not in (*EVENTS, "unknown"))
_SESSION: Final = re.compile(r"(.+)\.(ws|http)\.\d+\.\d+")
_TABLE: Final = "| file | frames | market | events | controls | unknown |\n| --- | --- | --- | --- | --- | --- |\n"

INTRODUCTION: Final = """# Coverage

What the decoders make of recorded frames, which cases prove them, and which faults the cases find. Made by
`make coverage CAPTURES=DIR`; do not edit. `DIR` holds the recordings, a folder for each exchange; they are not part of
the repository, and without them the command renews all but their chapter.
"""
READING: Final = """
## Recordings

Every file is decoded alone, as `python -m services.collector decode` does it, with the instruments of
`tests/venues/<venue>/listing`; the parts of one session are decoded together once more (`A` + `B`), which is when
changes of a book meet the book that they change. Lines that are no frames (blank ones, headers, opened connections,
what a client sent) are not counted as frames.

- *market*: where frames do not tell theirs, both are tried; the one that leaves less unknown counts, spot where they
  are equal.
- *events*: what is published, by kind; a `snapshot` or `delta` is what a `book` and a `depth` are made of.
- *controls*: answers, refusals, and listings (`relist`).
- *unknown*: frames and rows that make no event, by reason. Each exchange's README in `services/collector/venues`
  explains its reasons.
"""
CASES: Final = """
## Golden cases

Folders of `tests/venues/<venue>`, each with frames and exactly what becomes of them. A channel that stands in several
cases counts in each; `–` are answers and frames that name no channel.

| exchange | cases | frames | messages |
| --- | --- | --- | --- |
"""


@dataclass
class Row:
    """What a file becomes."""

    name: str
    frames: int
    market: Market | None
    messages: Counter[str] = field(default_factory=Counter)
    unknown: Counter[str] = field(default_factory=Counter)

    def text(self) -> str:
        events, controls = _counts(self.messages, EVENTS), _counts(self.messages, CONTROLS)
        market = "" if self.market is None else f"`--market {self.market}`"
        unknown = _counts(self.unknown, sorted(self.unknown))
        return f"| {self.name} | {self.frames:,} | {market} | {events} | {controls} | {unknown} |\n"


def rows(venue: str, folder: Path) -> list[Row]:
    """A row for each file of a folder, in the order of their names, and one for each session in parts."""
    files = sorted(path for path in folder.iterdir() if path.is_file())
    made = [decode(venue, f"`{path.name}`", [path]) for path in files]
    for parts in _sessions(files):
        made.append(decode(venue, " + ".join(f"`{path.name}`" for path in parts), parts))
    return made


def decode(venue: str, name: str, paths: Sequence[Path]) -> Row:
    """What files become, of the market that they need to be told."""
    row = _decode(venue, name, paths, None)
    if NO_MARKET not in row.unknown:
        return row
    return min((_decode(venue, name, paths, market) for market in MARKETS), key=lambda tried: tried.unknown.total())


def _decode(venue: str, name: str, paths: Sequence[Path], market: Market | None) -> Row:
    of = recorded(venue, market)
    found = lines(paths[0], of) if len(paths) == 1 else list(read(paths, of))
    made, skipped = offline.decoded(of, found)
    row = Row(name, len(found) - skipped.total(), market)
    for fields in made:
        if fields["kind"] == "unknown":
            row.unknown[fields["reason"]] += 1
        else:
            row.messages[fields["kind"]] += 1
    return row


def _sessions(files: Iterable[Path]) -> Iterator[list[Path]]:
    """The files of each session that has frames and answers in files of their own."""
    parts: dict[str, dict[Path, str]] = defaultdict(dict)
    for path in files:
        if found := _SESSION.fullmatch(path.name):
            parts[found[1]][path] = found[2]
    for kinds in parts.values():
        if len(set(kinds.values())) > 1:
            yield list(kinds)


def _counts(counted: Mapping[str, int], names: Iterable[str]) -> str:
    return ", ".join(f"{name} {counted[name]:,}" for name in names if counted.get(name))


def recordings(captures: Path) -> str:
    """The part of the document that needs the recordings."""
    of_venue = {venue: rows(venue, captures / venue) for venue in VENUES if (captures / venue).is_dir()}
    text = (
        READING
        + "\n| exchange | files | frames | events | controls | unknown |\n| --- | --- | --- | --- | --- | --- |\n"
    )
    for venue, made in of_venue.items():
        alone = [row for row in made if " + " not in row.name]
        messages = sum((row.messages for row in alone), Counter[str]())
        events, controls = (sum(messages[name] for name in names) for names in (EVENTS, CONTROLS))
        unknown = sum(row.unknown.total() for row in alone)
        frames = sum(row.frames for row in alone)
        name = VENUES[venue].display_name
        text += f"| {name} | {len(alone)} | {frames:,} | {events:,} | {controls:,} | {unknown:,} |\n"
    for venue, made in of_venue.items():
        text += f"\n### {VENUES[venue].display_name}\n\n" + _TABLE + "".join(row.text() for row in made)
    return text


def reasons(captures: Path) -> dict[str, set[str]]:
    """The reasons of unknown frames in the recordings of each exchange."""
    return {
        venue: {reason for row in rows(venue, captures / venue) for reason in row.unknown}
        for venue in VENUES
        if (captures / venue).is_dir()
    }


def cases() -> str:
    """The part of the document that counts the golden cases."""
    text, details = CASES, ""
    for venue in VENUES:
        folders = sorted(path.parent for path in (HERE / venue).glob("*/events.jsonl"))
        seen: dict[str, set[str]] = defaultdict(set)
        made: dict[str, Counter[str]] = defaultdict(Counter)
        frames = 0
        for folder in folders:
            frames += sum(1 for line in (folder / "frames.jsonl").read_bytes().splitlines() if line.strip())
            for line in (folder / "events.jsonl").read_bytes().splitlines():
                fields = msgspec.json.decode(line)
                channel = fields["channel"] or "–"
                seen[channel].add(folder.name)
                made[channel][fields["kind"]] += 1
        name, total = VENUES[venue].display_name, sum(kinds.total() for kinds in made.values())
        text += f"| {name} | {len(folders)} | {frames:,} | {total:,} |\n"
        details += f"\n### Cases of {name}\n\n| channel | cases | messages |\n| --- | --- | --- |\n"
        for channel in sorted(made):
            kinds = _counts(made[channel], (*EVENTS, *CONTROLS, "unknown"))
            details += f"| {channel if channel == '–' else f'`{channel}`'} | {len(seen[channel])} | {kinds} |\n"
    return text + details


def document(captures: Path | None) -> str:
    """The whole document; without recordings their part stays as it stands. Raises `ValueError` where it does not."""
    kept = recordings(captures) if captures is not None else standing(DOCUMENT.read_text(encoding="utf-8"))
    return INTRODUCTION + kept + cases() + mutations.table()


def standing(text: str) -> str:
    """The part of a document that needs the recordings."""
    _, first, rest = text.partition("\n## Recordings\n")
    kept, last, _ = rest.partition("\n## Golden cases\n")
    if not first or not last:
        raise ValueError(f"{DOCUMENT} has no chapter of recordings: say where they are, --captures DIR")
    return first + kept


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.venues.coverage", description="Make docs/coverage.md.")
    parser.add_argument("--captures", type=Path, metavar="DIR", help="recordings, a folder for each exchange")
    parser.add_argument("--write", type=Path, metavar="FILE", help="where to; without it to standard output")
    options = parser.parse_args(arguments)
    captures: Path | None = options.captures
    if captures is not None and not any((captures / venue).is_dir() for venue in VENUES):
        parser.error(f"{captures} has no folder of any exchange: expected one of {', '.join(VENUES)}")
    try:
        text = document(captures)
    except ValueError as error:
        parser.error(str(error))
    if options.write is None:
        sys.stdout.write(text)
    else:
        options.write.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
