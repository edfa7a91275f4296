"""A recorded session through the live path: decoder, books, desk, stream writer, at any speed.

    python -m services.collector replay --venue NAME [--instruments FILE ...] [--speed X | max] FILES...

Receive times are moved so that the first frame is received now; with `--speed 2` the session takes half its time. At
full speed (`max`, or 0) a frame is received when its turn comes. The last line printed is one JSON object: what went
in, what came out, what was unknown and why.
"""

import argparse
import asyncio
import io
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from time import time_ns
from typing import IO, Final, NoReturn

import msgspec

from services.collector import directory
from services.collector.capture import Captured, read_files
from services.collector.listing import filled
from services.collector.offline import Usage, load_listing
from services.collector.player import Player
from services.collector.recorded import Listing, Recorded
from services.collector.venue import Unreadable, Venue
from services.collector.venues import VENUES
from shared.instruments import Instrument
from shared.service import Service, run
from shared.streams import RETENTION_MS
from shared.writer import StreamWriter

SECOND: Final = 1_000_000_000
TICK_S: Final = 0.25
#: so many frames are played before others get their turn
BURST: Final = 64
#: a wait shorter than this is none
SLACK_NS: Final = 2_000_000
#: at full speed the writer is waited for when this much is in its hands
BACKLOG_BYTES: Final = 8 << 20
#: longer than any cap holds an event back
CAPPED_NS: Final = 6 * SECOND
CLOSE_S: Final = 4.0
#: the frames among which the quote channel is looked for
LOOKED_AT: Final = 20_000


class Options(msgspec.Struct, frozen=True):
    """`speed` 0 is as fast as can be."""

    venue: str
    instruments: list[str]
    files: list[str]
    speed: float


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise Usage(message)


def main(arguments: Sequence[str], stdin: IO[bytes], stdout: IO[str], stderr: IO[str]) -> int:
    """The exit status: 2 with one sentence where the input cannot be used, else the service's."""
    try:
        options = parse(arguments)
        session = Session(options, stdin.read() if "-" in options.files else b"", stderr)
    except (Usage, Unreadable) as error:
        print(error, file=stderr)
        return 2
    except OSError as error:
        print(f"Cannot read {error.filename}: {error.strerror}.", file=stderr)
        return 2
    code = run(options.venue, lambda service: play(service, session))
    if session.report:
        print(msgspec.json.encode(session.report).decode(), file=stdout)
    return code


def parse(arguments: Sequence[str]) -> Options:
    """Raises `Usage`."""
    parser = _Parser(prog="python -m services.collector replay", description="Play a recorded session.")
    parser.add_argument("--venue", required=True, help=", ".join(VENUES))
    parser.add_argument("--instruments", action="append", default=[], metavar="FILE", help="a REST listing body")
    parser.add_argument("--speed", default="1", help="1: as recorded, 2: twice as fast, max or 0: as fast as can be")
    parser.add_argument("files", nargs="+", metavar="FILES", help="recorded frames, or - for standard input")
    given = parser.parse_args(arguments)
    if given.venue not in VENUES:
        raise Usage(f"Venue {given.venue!r} does not exist: expected one of {', '.join(VENUES)}.")
    try:
        speed = 0.0 if given.speed == "max" else float(given.speed)
    except ValueError:
        speed = -1.0
    if not 0 <= speed < float("inf"):
        raise Usage(f"Speed {given.speed!r}: expected a number of at least 0, or max.")
    return Options(given.venue, given.instruments, given.files, speed)


class Session:
    """The files of a session, their listing, and in the end its report."""

    def __init__(self, options: Options, stdin: bytes, stderr: IO[str]) -> None:
        self.options, self._stdin = options, stdin
        self.venue: Venue = VENUES[options.venue]
        self.listing = Listing(self.venue)
        load_listing(self.listing, options.instruments, stderr)
        self.recorded = Recorded(self.venue, self.listing, None)
        self.report: dict[str, object] = {}
        self._look()

    def instruments(self) -> list[Instrument]:
        """What is listed, with the venue's fees and the modes of the quote channels that were recorded."""
        return filled(self.venue, self.listing.table, self.recorded.quotes)

    def lines(self) -> Iterator[Captured]:
        for captured in read_files(self.options.files, io.BytesIO(self._stdin)):
            yield from self.recorded.whole(captured)

    def _look(self) -> None:
        """Find out which channel's quotes count, and what is listed, before the first frame is played."""
        head = [one for one in islice(self.lines(), LOOKED_AT) if one.skipped is None]
        for captured in head:
            self.recorded.relist(captured)
        self.recorded.choose_quotes(head)


class Clock:
    """Receive times of the past at a speed, from now on."""

    def __init__(self, speed: float, now: Callable[[], int] = time_ns) -> None:
        self._speed, self._now = speed, now
        self._start = self._first = self._last = 0

    def at(self, recorded: int | None) -> int:
        """When a line that was recorded then is received now; a line without a time goes with the one before."""
        if not self._start:
            self._start = self._last = self._now()
            self._first = recorded or 0
        if self._speed == 0:
            self._last = max(self._last, self._now())
        elif recorded is not None:
            self._first = self._first or recorded
            self._last = max(self._last, self._start + int((recorded - self._first) / self._speed))
        return self._last


async def play(service: Service, session: Session) -> None:
    """Play the session until its end or the service's."""
    fatal: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    writer = StreamWriter(
        service.settings.redis, service.member, retention_ms=RETENTION_MS, on_fatal=fatal.set_exception
    )
    await writer.start()
    player = Player(session.recorded, session.listing.table, service.settings.partitions, writer)
    service.state, service.detail = "live", "A recorded session is played."
    service.health(lambda: _health(player, writer))
    await directory.write(service.redis, session.venue.name, session.instruments())
    player.serve(time_ns())
    ticking = service.spawn(_tick(player), "tick")
    playing = asyncio.create_task(_feed(service, session, player, writer))
    try:
        await asyncio.wait([playing, fatal], return_when=asyncio.FIRST_COMPLETED)
        if fatal.done():
            fatal.result()
        playing.result()
    finally:
        ticking.cancel()
        playing.cancel()
        player.tick(time_ns() + CAPPED_NS)
        player.desk.announce("down", "stop", time_ns())
        await writer.close(CLOSE_S)
        session.report = report(session, player, writer)


async def _feed(service: Service, session: Session, player: Player, writer: StreamWriter) -> None:
    clock = Clock(session.options.speed)
    for number, captured in enumerate(session.lines(), 1):
        recv = clock.at(captured.recv)
        ahead_ns = recv - time_ns()
        if ahead_ns > SLACK_NS:
            if not await service.pause(ahead_ns / SECOND):
                return
        elif number % BURST == 0:
            await asyncio.sleep(0)
            while writer.counters.backlog_bytes > BACKLOG_BYTES:
                if not await service.pause(0.01):
                    return
        if player.play(captured, recv):
            player.serve(recv)
            await directory.write(service.redis, session.venue.name, session.instruments())


async def _tick(player: Player) -> None:
    turn = 0
    while True:
        await asyncio.sleep(TICK_S)
        turn += 1
        player.tick(time_ns())
        if turn % 4 == 0:
            player.desk.repeat_quotes(time_ns())


def _health(player: Player, writer: StreamWriter) -> dict[str, str | int | float]:
    account, written = player.account, writer.counters
    return {
        "instruments": len({feed.symbol for feed in player.desk.feeds()}),
        "frames_total": account.frames,
        "events_total": player.desk.events,
        "gaps_total": player.books.gaps,
        "dropped_total": written.dropped + written.conflated + written.capped,
        "unknown_total": account.unknown.total(),
        "backlog_bytes": written.backlog_bytes,
    }


def report(session: Session, player: Player, writer: StreamWriter) -> dict[str, object]:
    """The account of a session, for people and checks."""
    account, written = player.account, writer.counters
    let_go = written.dropped + written.conflated
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
        "written": written.sent_events,
        "let_go": let_go,
        "conserved": account.conserved and account.published.total() == written.sent_events + let_go,
    }
