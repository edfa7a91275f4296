"""Recorded sessions through the live path: decoder, books, desk, streams, at any speed.

    python -m services.collector replay --venue NAME [--instruments FILE ...] FILES... [--venue NAME ...] [--speed X]

Sessions of several exchanges are played as one, in the order of their receive times. Events and entries carry the
recorded times, so the streams, and what is made of them, are the same at any speed; `--speed 2` plays in half the
time, `max` (or 0) as fast as can be. A hole of more than a minute in all recordings is passed over. The users' file of
overrides counts as it is at the start. The last lines printed are one JSON object per exchange: what went in, what came
out, what was unknown and why.
"""

import asyncio
import heapq
import io
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice, pairwise
from time import time_ns
from typing import IO, Final

import msgspec

from services.collector import directory
from services.collector.arguments import Parser, Usage
from services.collector.capture import Captured, read_files
from services.collector.listing import filled
from services.collector.offline import load_listing, say_unused
from services.collector.override_file import OverrideFile
from services.collector.overrides import Override
from services.collector.player import Player
from services.collector.recorded import Recorded
from services.collector.replay_writer import HOLE_NS, ReplayWriter, seconds_after
from services.collector.venue import Unreadable, Venue
from services.collector.venues import VENUES
from shared.config import SettingError, load
from shared.instruments import Instrument
from shared.service import Service, run
from shared.streams import RETENTION_MS

SECOND: Final = 1_000_000_000
MINUTE: Final = 60 * SECOND
#: caps and pictures are looked at so often, in recorded time, and quotes for repeating every fourth time
TICK_NS: Final = SECOND // 4
#: so many frames or commands go before others get their turn
BURST: Final = 64
#: a wait shorter than this is none
SLACK_S: Final = 0.002
#: longer than any cap holds an event back
CAPPED_NS: Final = 6 * SECOND
#: how long time goes on after the end, at least: what is open then closes
AFTER_NS: Final = 15 * SECOND
#: the frames among which the quote channel is looked for
LOOKED_AT: Final = 20_000


class Options(msgspec.Struct, frozen=True):
    """One exchange's part of a replay. `speed` 0 is as fast as can be."""

    venue: str
    instruments: list[str]
    files: list[str]
    speed: float


def main(arguments: Sequence[str], stdin: IO[bytes], stdout: IO[str], stderr: IO[str]) -> int:
    """The exit status: 2 with one sentence where the input cannot be used, else the service's."""
    try:
        asked = parse(arguments)
        given = stdin.read() if any("-" in options.files for options in asked) else b""
        settings = load()
        file = OverrideFile(settings, VENUES)
        sessions = [Session(options, file.of(options.venue), given, stderr) for options in asked]
    except (Usage, Unreadable, SettingError) as error:
        print(error, file=stderr)
        return 2
    except OSError as error:
        print(f"Cannot read {error.filename}: {error.strerror}.", file=stderr)
        return 2
    code = run(asked[0].venue, lambda service: play(service, sessions), settings)
    for session in sessions:
        if session.report:
            print(msgspec.json.encode(session.report).decode(), file=stdout)
    return code


def parse(arguments: Sequence[str]) -> list[Options]:
    """One exchange's options each; the speed is everybody's. Raises `Usage`."""
    parser = Parser("replay", "Play recorded sessions.")
    parser.add_argument("--venue", required=True, help=", ".join(VENUES))
    parser.add_argument("--instruments", action="append", default=[], metavar="FILE", help="a REST listing body")
    parser.add_argument("--speed", help="1: as recorded, 2: twice as fast, max or 0: as fast as can be")
    parser.add_argument("files", nargs="+", metavar="FILES", help="recorded frames, or - for standard input")
    found = [parser.parse_args(part) for part in _parts(arguments)]
    speed = _speed(next((given.speed for given in found if given.speed is not None), "1"))
    for given in found:
        if given.venue not in VENUES:
            raise Usage(f"Venue {given.venue!r} does not exist: expected one of {', '.join(VENUES)}.")
        if "-" in given.instruments:
            raise Usage("--instruments takes files: standard input is for frames.")
    if sum(given.files.count("-") for given in found) > 1:
        raise Usage("Standard input can be read only once: name - only once.")
    if len({given.venue for given in found}) < len(found):
        raise Usage("Each venue is named once, with all of its files behind it.")
    return [Options(given.venue, given.instruments, given.files, speed) for given in found]


def _parts(arguments: Sequence[str]) -> Iterator[Sequence[str]]:
    """The arguments cut before each `--venue` but the first."""
    starts = [at for at, word in enumerate(arguments) if word == "--venue" or word.startswith("--venue=")]
    cuts = [0, *starts[1:], len(arguments)]
    return (arguments[start:end] for start, end in pairwise(cuts))


def _speed(text: str) -> float:
    try:
        speed = 0.0 if text == "max" else float(text)
    except ValueError:
        speed = -1.0
    if not 0 <= speed < float("inf"):
        raise Usage(f"Speed {text!r}: expected a number of at least 0, or max.")
    return speed


class Session:
    """The files of an exchange's session, their listing, and in the end its report."""

    def __init__(self, options: Options, given: tuple[Override, ...], stdin: bytes, stderr: IO[str]) -> None:
        self.options, self._stdin = options, stdin
        self.venue: Venue = VENUES[options.venue]
        self.listing = load_listing(self.venue, given, options.instruments, stderr)
        self.recorded = Recorded(self.venue, self.listing, None)
        self.report: dict[str, object] = {}
        #: when it begins, as recorded; now where no line has a time
        self.begins = time_ns()
        self._look()
        say_unused(self.listing, stderr)

    def instruments(self) -> list[Instrument]:
        """What is listed, with the venue's fees and the modes of the quote channels that were recorded."""
        return filled(self.venue, self.listing.table, self.recorded.quotes)

    def lines(self) -> Iterator[Captured]:
        for captured in read_files(self.options.files, io.BytesIO(self._stdin)):
            yield from self.recorded.whole(captured)

    def timed(self) -> Iterator[tuple[int, Captured]]:
        """The lines with the times they were recorded at."""
        clock = Clock(self.begins)
        return ((clock.at(captured.recv), captured) for captured in self.lines())

    def _look(self) -> None:
        """Find out when it begins, which channel's quotes count, and what is listed, before anything is played."""
        head = list(islice(self.lines(), LOOKED_AT))
        self.begins = next((one.recv for one in head if one.recv is not None), self.begins)
        frames = [one for one in head if one.skipped is None]
        for captured in frames:
            self.recorded.relist(captured)
        self.recorded.choose_quotes(frames)


class Clock:
    """Recorded times: they never go back, and a line without one goes with the one before."""

    def __init__(self, begins: int) -> None:
        self._last = begins

    def at(self, recorded: int | None) -> int:
        self._last = max(self._last, recorded or 0)
        return self._last


class Pace:
    """When a recorded moment is due at a speed, in seconds of the loop's clock. Holes take no time."""

    def __init__(self, speed: float, now: Callable[[], float]) -> None:
        self._speed, self._now = speed, now
        self._due = self._last = 0.0

    def wait_s(self, at_ns: int) -> float:
        """How long to wait for it from now on; at full speed not at all."""
        at = at_ns / SECOND
        if self._speed == 0:
            return 0.0
        if not self._last:
            self._due = self._now()
        elif at - self._last <= HOLE_NS / SECOND:
            self._due += (at - self._last) / self._speed
        self._last = at
        return self._due - self._now()


@dataclass(frozen=True, slots=True)
class Part:
    """One exchange of the replay."""

    session: Session
    player: Player


async def play(service: Service, sessions: Sequence[Session]) -> None:
    """Play the sessions until their end or the service's."""
    writer = ReplayWriter(service.redis, service.member, RETENTION_MS)
    parts = [
        Part(one, Player(one.recorded, one.listing.table, service.settings.partitions, writer)) for one in sessions
    ]
    for at, part in enumerate(parts):
        of = service if at == 0 else service.beside(part.session.venue.name)
        of.state, of.detail = "live", "A recorded session is played."
        of.health(_health_of(part))
    # whoever finds anything in a stream finds all listings
    for part in parts:
        await directory.write(service.redis, part.session.venue.name, part.session.instruments())
    timeline = Timeline(parts, writer, min(one.begins for one in sessions))
    try:
        await _feed(service, timeline, sessions[0].options.speed)
    finally:
        timeline.end()
        await writer.send()
        for part in parts:
            part.session.report = report(part.session, part.player, writer)


class Timeline:
    """Recorded time as it passes: what is due by it alone goes out in its place."""

    def __init__(self, parts: Sequence[Part], writer: ReplayWriter, begins: int) -> None:
        self.parts, self.writer = parts, writer
        self._at, self._turn = begins, begins // TICK_NS
        writer.now(begins)
        for part in parts:
            part.player.serve(begins)

    def lines(self) -> Iterator[tuple[int, int, Captured]]:
        """All lines, in the order of their times, each with the number of its part."""
        return heapq.merge(*(self._of(number) for number in range(len(self.parts))), key=lambda line: line[:2])

    def _of(self, number: int) -> Iterable[tuple[int, int, Captured]]:
        return ((at, number, captured) for at, captured in self.parts[number].session.timed())

    def now(self, at: int) -> None:
        """Go on to this time."""
        if at - self._at > HOLE_NS:
            self._pass(self._at + CAPPED_NS)
            self._turn = at // TICK_NS
        self._pass(at)
        self._at = max(self._at, at)
        self.writer.now(self._at)

    def _pass(self, at: int) -> None:
        while (self._turn + 1) * TICK_NS <= at:
            self._turn += 1
            now = self._turn * TICK_NS
            self.writer.now(now)
            for part in self.parts:
                part.player.tick(now)

    def end(self) -> None:
        """The producers stop; time goes on until the last minute is over for everybody."""
        ends = self._at
        for part in self.parts:
            part.player.tick(ends + CAPPED_NS)
            part.player.desk.announce("down", "stop", ends)
        until = (ends // MINUTE + 1) * MINUTE + AFTER_NS
        for second in seconds_after(ends, until):
            self.writer.now(second)


async def _feed(service: Service, timeline: Timeline, speed: float) -> None:
    pace, writer = Pace(speed, asyncio.get_running_loop().time), timeline.writer
    for number, (at, index, captured) in enumerate(timeline.lines(), 1):
        wait_s = pace.wait_s(at)
        if wait_s > SLACK_S or number % BURST == 0:
            await writer.send()
            if not await service.pause(max(0.0, wait_s)):
                return
        timeline.now(at)
        part = timeline.parts[index]
        if part.player.play(captured, at):
            part.player.serve(at)
            await directory.write(service.redis, part.session.venue.name, part.session.instruments())


def _health_of(part: Part) -> Callable[[], dict[str, str | int | float]]:
    player, account = part.player, part.player.account

    def fields() -> dict[str, str | int | float]:
        return {
            "instruments": len({feed.symbol for feed in player.desk.feeds()}),
            "frames_total": account.frames,
            "events_total": player.desk.events,
            "gaps_total": player.books.gaps,
            "unknown_total": account.unknown.total(),
        }

    return fields


def report(session: Session, player: Player, writer: ReplayWriter) -> dict[str, object]:
    """The account of a session, for people and checks."""
    account, written = player.account, writer.written[session.venue.name]
    return {
        "venue": session.venue.name,
        "files": session.options.files,
        "lines": account.lines,
        "skipped": dict(account.skipped),
        "frames": account.frames,
        "frames_with": {
            "events": account.with_events,
            "controls": account.with_controls,
            "unknown": account.unknown_only,
            "nothing": account.without_messages,
        },
        "quote_channels": dict(session.recorded.quotes),
        "decoded": dict(account.decoded),
        "controls": dict(account.controls),
        "unknown": dict(account.unknown),
        "book_gaps": player.books.gaps,
        "held": dict(player.desk.held),
        "published": dict(account.published),
        "written": written,
        "let_go": 0,
        "conserved": account.conserved and account.published.total() == written,
    }
