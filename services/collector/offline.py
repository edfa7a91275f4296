"""The decoding tool: recorded frames in, one JSON object per message out, through the decoders of the live path.

    python -m services.collector decode --venue NAME [--market spot|perp] --instruments FILE ... FRAMES... | -

The forms of input are in `capture.py`, the fields of the events in `docs/streams.md`. The users' file of overrides
counts as it does live. Nothing here knows a venue.
"""

import argparse
import os
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import IO, Any, Final, get_args

import msgspec

from services.collector.arguments import Parser, Usage, one_of
from services.collector.books import Books
from services.collector.capture import Captured, elements, read, read_files
from services.collector.messages import (
    Ack,
    Answer,
    BookDelta,
    BookSnapshot,
    Closing,
    Lost,
    Message,
    Pong,
    Refused,
    Relist,
    Replayed,
    Unknown,
)
from services.collector.override_file import OverrideFile
from services.collector.overrides import Override
from services.collector.recorded import NO_MARKET, Listing, Recorded
from services.collector.venue import Unreadable, Venue
from services.collector.venues import VENUES
from shared.config import SettingError, load
from shared.events import KIND
from shared.instruments import Market

#: what decoders call a frame that a client sent
CLIENT_FRAME: Final = "client_frame"
NO_INSTRUMENTS: Final = "No instruments are known: give the venue's own REST listing, --instruments FILE."
NAMES: Final[dict[type, str]] = {
    **KIND,
    Ack: "ack",
    Refused: "refused",
    Pong: "pong",
    Answer: "answer",
    Closing: "closing",
    Lost: "lost",
    Relist: "relist",
    Unknown: "unknown",
    BookSnapshot: "snapshot",
    BookDelta: "delta",
}


def main(arguments: Sequence[str], stdin: IO[bytes], stdout: IO[bytes], stderr: IO[str]) -> int:
    """The exit status: 2 with one sentence on `stderr` where the input cannot be used, else 0."""
    try:
        options = parse(arguments)
        given = OverrideFile(load(), VENUES).of(options.venue)
        decode_files(options, given, stdin, stdout, stderr)
    except (Usage, Unreadable, SettingError) as error:
        print(error, file=stderr)
        return 2
    except OSError as error:
        if isinstance(error, BrokenPipeError):
            _close_quietly()
            return 0
        what = "write" if error.filename is None else f"read {error.filename}"
        print(f"Cannot {what}: {error.strerror}.", file=stderr)
        return 2
    return 0


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    """Raises `Usage`."""
    parser = Parser("decode", "Decode recorded frames of an exchange.")
    parser.add_argument("--venue", required=True, help=", ".join(VENUES))
    parser.add_argument("--market", type=one_of(get_args(Market)), help="where a frame cannot tell")
    parser.add_argument("--instruments", action="append", default=[], metavar="FILE", help="a REST listing body")
    parser.add_argument("frames", nargs="+", metavar="FRAMES", help="files of frames, or - for standard input")
    options = parser.parse_args(arguments)
    if options.venue not in VENUES:
        raise Usage(f"Venue {options.venue!r} does not exist: expected one of {', '.join(VENUES)}.")
    if "-" in options.instruments:
        raise Usage("--instruments takes files: standard input is for frames.")
    if options.frames.count("-") > 1:
        raise Usage("Standard input can be read only once: name - only once.")
    return options


def load_listing(venue: Venue, given: tuple[Override, ...], paths: Sequence[str], stderr: IO[str]) -> Listing:
    """The listing in files of bodies, in any of the forms that frames may have. `given`: the users' overrides.

    Raises `Usage` for a file that holds no JSON, `OSError` for one that cannot be opened, `Unreadable`.
    """
    listing = Listing(venue, given)
    for path in paths:
        found, text = 0, True
        with Path(path).open("rb") as handle:
            for captured in read(handle, path):
                text = text and not captured.frame.startswith((b"{", b"["))
                for one in elements(captured) if captured.alone and not listing.add(captured.frame) else (captured,):
                    found += one.skipped is None and listing.add(one.frame)
        if text:
            raise Usage(f"Cannot read instruments from {path}: it holds no JSON.")
        if not found:
            print(f"{path} holds no instrument listing of this venue.", file=stderr)
    listing.refresh()
    return listing


def say_unused(listing: Listing, stderr: IO[str]) -> None:
    """Name the overrides that concern nothing of what is listed."""
    if unused := listing.unused():
        natives = ", ".join(repr(one.native) for one in unused)
        print(f"Overrides of what is not listed here: {natives}.", file=stderr)


def decode_files(
    options: argparse.Namespace,
    given: tuple[Override, ...],
    stdin: IO[bytes],
    stdout: IO[bytes],
    stderr: IO[str],
) -> None:
    """Decode and print. Raises `Usage`, `Unreadable`, `OSError`."""
    venue = VENUES[options.venue]
    listing = load_listing(venue, given, options.instruments, stderr)
    recorded = Recorded(venue, listing, options.market)
    lines = [one for captured in read_files(options.frames, stdin) for one in recorded.whole(captured)]
    made, skipped = decoded(recorded, lines)
    if options.market is None:
        _refuse_undecidable(made)
    several = len(options.frames) > 1
    for fields in made:
        file = fields.pop("file")
        stdout.write(msgspec.json.encode({**fields, "file": file} if several else fields) + b"\n")
    stdout.flush()
    unknown = Counter(fields["reason"] for fields in made if fields["kind"] == "unknown")
    say_unused(listing, stderr)
    if unknown["unknown_symbol"] and not listing.table.by_symbol:
        print(NO_INSTRUMENTS, file=stderr)
    if unknown:
        print(f"{unknown.total()} unknown ({_counts(unknown)}).", file=stderr)
    print(_summary(lines, skipped), file=stderr)


def decoded(recorded: Recorded, lines: Sequence[Captured]) -> tuple[list[dict[str, Any]], Counter[str]]:
    """What becomes of all lines, listings among them taken first; and those skipped, by reason."""
    frames = [line for line in lines if line.skipped is None]
    for captured in frames:
        recorded.relist(captured)
    recorded.choose_quotes(frames)
    skipped: Counter[str] = Counter(line.skipped for line in lines if line.skipped is not None)
    return list(objects(recorded, frames, skipped)), skipped


def objects(recorded: Recorded, frames: Iterable[Captured], skipped: Counter[str]) -> Iterator[dict[str, Any]]:
    """What becomes of each frame, in order; frames that a client sent are counted in `skipped`."""
    books = Books(recorded.venue, min_interval_ns=0)
    for captured in frames:
        for message in recorded.decode(captured):
            if isinstance(message, Unknown) and message.reason == CLIENT_FRAME:
                skipped["client"] += 1
                continue
            made = as_object(recorded, captured, message)
            yield made
            if isinstance(message, BookSnapshot | BookDelta):
                for released in books.take(message, made["channel"], captured.conn):
                    yield as_object(recorded, captured, released)


def as_object(recorded: Recorded, captured: Captured, message: Message) -> dict[str, Any]:
    """One message as users read it: its kind, its fields, the channel it came by and the line it came from."""
    one = message.event if isinstance(message, Replayed) else message
    fields: dict[str, Any] = {"kind": NAMES[type(one)], **msgspec.structs.asdict(one)}
    for inner in ("raw", "limit"):
        fields.pop(inner, None)
    for flag in ("busy", "whole"):  # said only where it is so
        if fields.get(flag) is False:
            del fields[flag]
    if "recv" in fields and captured.recv is None:
        fields["recv"] = None
    if one is not message:
        fields["replayed"] = True
    fields["channel"] = recorded.channel(captured, one)
    fields["frame"] = captured.line
    fields["file"] = captured.file
    return fields


def _refuse_undecidable(made: Sequence[dict[str, Any]]) -> None:
    """Raises `Usage` where a frame needs `--market`."""
    for fields in made:
        if fields.get("reason") == NO_MARKET and fields["kind"] == "unknown":
            file = "standard input" if fields["file"] == "-" else fields["file"]
            place = f"line {fields['frame']} of {file}"
            raise Usage(f"The frame on {place} does not tell its market: give --market spot or --market perp.")


def _summary(lines: Sequence[Captured], skipped: Counter[str]) -> str:
    total, parts = skipped.total(), _counts(skipped)
    return f"{len(lines) - total} frames decoded, {total} lines skipped{f' ({parts})' if parts else ''}."


def _counts(counted: Counter[str]) -> str:
    return ", ".join(f"{count} {reason}" for reason, count in sorted(counted.items()))


def _close_quietly() -> None:
    """The reader of our output has gone: give the interpreter nothing left to flush."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
