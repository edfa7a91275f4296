"""`python -m services.collector record`: an exchange's raw frames into a file, as they come; no Redis needed."""

import asyncio
import logging
import signal
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

import msgspec
import uvloop

from services.collector.arguments import Parser, Usage, number, one_of
from services.collector.capture import Unrecorded, Writer
from services.collector.engine import Engine
from services.collector.members import alone
from services.collector.process import of_deployment, surroundings
from services.collector.rest import Body
from services.collector.runner import Connection
from services.collector.standing import Standing
from services.collector.venue import Venue
from services.collector.venues import VENUES
from shared.codec import SCHEMA
from shared.config import Settings, load
from shared.events import Event
from shared.logs import set_up_logging

SAY_S: Final = 10.0


class Nowhere:
    """A bus that carries nothing."""

    def append(self, key: str, event: Event) -> None: ...
    def outlet(self, key: str) -> Callable[[list[Event]], None]:
        return lambda events: None

    def put_last(self, key: str, field: str, event: Event) -> None: ...
    def delete_last(self, key: str, field: str) -> None: ...


class Head(msgspec.Struct):
    """The first line of a recording."""

    venue: str = ""


class Tape:
    """Frames and bodies into the file; `full` is set when it has reached its limit."""

    def __init__(self, writer: Writer) -> None:
        self._writer = writer
        self.full = asyncio.Event()

    def frame(self, connection: Connection, frame: bytes, recv: int) -> None:
        try:
            self._writer.frame(recv, f"{connection.slot[0]}/{connection.generation}", frame)
        except Unrecorded:
            self.full.set()

    def body(self, body: Body) -> None:
        try:
            self._writer.rest(body.recv, body.request, body.data)
        except Unrecorded:
            self.full.set()


def main(arguments: Sequence[str]) -> int:
    """Record until a signal, the time or the size given. Returns the exit code. Raises `Usage`, `SettingError`."""
    parser = Parser("record", __doc__ or "")
    parser.add_argument("--venue", required=True, type=one_of(VENUES), help=", ".join(VENUES))
    parser.add_argument("--out", required=True, type=Path, help="the file; an existing one is continued")
    parser.add_argument("--seconds", type=number(1, 10_000_000), help="stop after so long")
    parser.add_argument(
        "--max-mb", type=number(1, 1_000_000, int), default=1024, help="stop when the file is this large (default 1024)"
    )
    given = parser.parse_args(arguments)
    settings = load()
    venue = of_deployment(VENUES[given.venue], settings)
    _refuse_another(given.out, given.venue)
    set_up_logging(settings.log_level)
    try:
        writer = Writer(given.out, given.venue, SCHEMA, given.max_mb << 20)
    except OSError as error:
        print(f"record: {given.out} cannot be written: {error.strerror}", file=sys.stderr)
        return 2
    try:
        uvloop.run(_record(venue, settings, writer, given.seconds))
    finally:
        writer.close()
    print(f"record: {writer.frames} frames in {given.out}", file=sys.stderr)
    return 0


def _refuse_another(path: Path, venue: str) -> None:
    """Raises `Usage` where the file is there and is no recording of this exchange."""
    if not path.is_file() or not path.stat().st_size:
        return
    with path.open("rb") as file:
        head = file.readline(1000)
    try:
        found = msgspec.json.decode(head, type=Head)
    except msgspec.DecodeError:
        found = Head()
    if found.venue != venue:
        what = f"a recording of {found.venue}" if found.venue else "no recording"
        raise Usage(f"--out: {str(path)!r}: expected a new file or a recording of {venue}, it is {what}")


async def _record(venue: Venue, settings: Settings, writer: Writer, seconds: float | None) -> None:
    loop, stop = asyncio.get_running_loop(), asyncio.Event()
    for sign in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(sign, stop.set)
    tape = Tape(writer)
    engine = Engine(venue, "record", Nowhere(), surroundings(settings), tap=tape)
    running = asyncio.create_task(engine.run())
    ends = [running, asyncio.create_task(stop.wait()), asyncio.create_task(tape.full.wait())]
    beside = [asyncio.create_task(alone(engine)), asyncio.create_task(_say(engine, writer))]
    await asyncio.wait(ends, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
    failed = running.done()
    for task in (*ends, *beside):
        task.cancel()
    await asyncio.wait([*ends, *beside])
    if failed:
        running.result()


async def _say(engine: Engine, writer: Writer) -> None:
    standing = Standing(engine)
    while True:
        await asyncio.sleep(SAY_S)
        writer.flush()
        logging.getLogger("record").info("%s is %s. %s %d frames", engine.venue.name, *standing.now(), writer.frames)
