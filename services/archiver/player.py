"""An archive into Redis as it was: the same entries under the same ids, the control stream among them.

    python -m services.archiver replay ARCHIVE [--speed X] [--from TIME] [--to TIME]

The scanner of such a replay (`python -m services.scanner archived`) decides nothing by itself: it begins with the
owner's checkpoint and folds what the owner folded, so it makes the same signals, byte for byte, at any speed. Entries
are written in their order over one connection, so whoever sees one can see all that came before it. Ids are whole and
our own, so a piece that is sent again after a break doubles nothing.

The player waits for the scanner: streams are trimmed behind what it has taken, and never hold more than AHEAD entries
before it.
"""

import argparse
import asyncio
import sys
from collections import deque
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final, NoReturn

import msgspec

from shared import streams
from shared.archive.beginning import begin, partitions, reach
from shared.archive.journal import Damaged
from shared.archive.layout import TooNew
from shared.archive.reading import Archive, is_archive
from shared.archive.records import split_key
from shared.archive.rows import Item
from shared.archive.times import BadTime, moment
from shared.archive.times import parse as parse_time
from shared.bus import AWAY, FULL, REFUSED, Redis
from shared.codec import encode_batch
from shared.service import CannotServeError, Service, run

PIECE: Final = 512
#: Entries that may be written and not yet taken by the scanner: some hundred MB. It says every few seconds.
AHEAD: Final = 200_000
#: Other readers keep up as they do with the live streams; they get so long, by the player's own clock.
KEPT_S: Final = 30.0
LOOK_S: Final = 0.25
PATIENCE_S: Final = 30.0
RETRY_S: Final = 0.2
#: A hole in the recording takes no time.
HOLE_S: Final = 60.0
#: The kinds that a scanner's checkpoint is followed by; signals are made anew.
PLAYED: Final = (*streams.RETENTION_MS, "control")
_THERE_ALREADY: Final = "equal or smaller"


class Usage(ValueError):
    """An input that cannot be used; says which."""


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise Usage(message)


def main(arguments: list[str]) -> int:
    try:
        player = Player(*parse(arguments))
    except (Usage, BadTime, TooNew, Damaged, OSError) as error:
        print(error, file=sys.stderr)
        return 2
    code = run("_player", player.play)
    said = {"entries": player.written, "from": moment(player.begins), "to": moment(player.last_ms)}
    print(msgspec.json.encode(said).decode())
    return code


def parse(arguments: list[str]) -> tuple[Archive, int, int, float]:
    """The archive, from and to in ms, the speed (0: as fast as can be). Raises `Usage`, `BadTime`."""
    parser = _Parser(prog="python -m services.archiver replay", description="Play an archive.")
    parser.add_argument("archive", type=Path, help="an archive, or a day or an hour of one")
    parser.add_argument("--speed", default="1", help="1: as recorded, 2: twice as fast, max or 0: as fast as can be")
    parser.add_argument("--from", dest="begin", default="", help="a time, as 2026-11-21T10:00")
    parser.add_argument("--to", dest="end", default="", help="a time")
    given = parser.parse_args(arguments)
    if not is_archive(given.archive):
        raise Usage(f"{given.archive} is no archive.")
    try:
        speed = 0.0 if given.speed == "max" else float(given.speed)
    except ValueError:
        speed = -1.0
    if not 0 <= speed < float("inf"):
        raise Usage(f"Speed {given.speed!r}: expected a number of at least 0, or max.")
    archive = Archive(given.archive)
    low, high = archive.asked
    from_ms, to_ms = parse_time(given.begin, low), parse_time(given.end, high)
    span = archive.span
    if span is None or span[1] < from_ms or span[0] >= to_ms:
        held = "nothing" if span is None else f"{moment(span[0])} to {moment(span[1])}"
        raise Usage(f"Nothing is archived in that range: {given.archive} holds {held}.")
    return archive, from_ms, to_ms, speed


class Player:
    """One replay. `begins` is where the fold begins: at the last checkpoint before the range, or at a cold start."""

    def __init__(self, archive: Archive, from_ms: int, to_ms: int, speed: float) -> None:
        self.archive, self.to_ms, self.speed = archive, to_ms, speed
        self.places = begin(archive, from_ms)
        self.begins = min((place.after_ms + 1 for place in self.places.values()), default=from_ms)
        self.written = self.last_ms = self._taken = 0
        #: (the ms reached, entries written by then), as far as the scanner has not taken it
        self._flow: deque[tuple[int, int]] = deque()
        #: (by the player's clock, the ms that the scanner had taken then)
        self._kept: deque[tuple[float, int]] = deque()

    async def play(self, service: Service) -> None:
        spread, here = partitions(self.archive), service.settings.partitions
        if spread not in (0, here):
            raise CannotServeError(f"The archive is spread over {spread} partitions, and PARTITIONS is {here}.")
        service.state, service.detail = "live", "An archive is played."
        listings = self._listings()
        for key in listings:
            venue = service.beside(key.partition(":")[2])
            venue.state, venue.detail = "live", "An archive is played."
        await self._prepare(service.redis, listings)
        await self._play(service)

    def _listings(self) -> Mapping[str, Mapping[bytes, bytes]]:
        """The last listing of each venue before the beginning, else its first one."""
        found: dict[str, bytes] = {}
        for one in self.archive.snapshots("instruments:"):
            if one.ms <= self.begins or one.key not in found:
                found[one.key] = one.data
        return {key: msgspec.msgpack.decode(data, type=dict[bytes, bytes]) for key, data in found.items()}

    async def _prepare(self, redis: Redis, listings: Mapping[str, Mapping[bytes, bytes]]) -> None:
        """What readers find before the first entry: who is listed, and where the scanner begins."""
        for key, listing in listings.items():
            if listing:
                fields: dict[Any, Any] = {**listing}
                await redis.hset(key, mapping=fields)
        for partition, place in self.places.items():
            if place.checkpoint is not None:
                await redis.hset(streams.scan(partition), "ckpt", place.checkpoint)

    async def _play(self, service: Service) -> None:
        loop = asyncio.get_running_loop()
        piece: list[Item] = []
        due = last_s = 0.0
        for item in self._items():
            at_s = item[0] / 1000
            if self.speed and at_s != last_s:
                due = (due or loop.time()) + (min(at_s - last_s, HOLE_S) if last_s else 0.0) / self.speed
                last_s = at_s
                if (wait_s := due - loop.time()) > 0.02:
                    await self._send(service, piece)
                    piece = []
                    if not await service.pause(wait_s):
                        return
            piece.append(item)
            if len(piece) >= PIECE:
                await self._send(service, piece)
                piece = []
                if service.stop.is_set():
                    return
        await self._send(service, piece)
        await self._end(service)

    def _items(self) -> Iterator[Item]:
        for item in self.archive.items(self.begins, self.to_ms, PLAYED):
            place = self.places.get(split_key(item[1])[0])
            if place is None or item[0] > place.after_ms:
                yield item

    async def _send(self, service: Service, piece: list[Item]) -> None:
        if not piece:
            return
        await self._await_scanner(service)
        oldest = self._oldest()
        trim = ("MINID", "~", oldest) if oldest else ()
        commands = []
        for ms, key, seq, what in piece:
            data = what if isinstance(what, bytes) else encode_batch(what.producer, what.seq, what.events)
            commands.append(("XADD", key, *trim, f"{ms}-{seq}", streams.FIELD, data))
        await self._sent(service, commands)
        self.written += len(piece)
        self.last_ms = piece[-1][0]
        self._flow.append((self.last_ms, self.written))

    async def _sent(self, service: Service, commands: list[tuple[Any, ...]]) -> None:
        """One piece, whole: Redis takes all of it or nothing. Tried again for a while where Redis is away."""
        loop = asyncio.get_running_loop()
        deadline, again = loop.time() + PATIENCE_S, False
        while True:
            try:
                async with service.redis.pipeline(transaction=True) as pipe:
                    for line in commands:
                        pipe.execute_command(*line)
                    replies = await pipe.execute(raise_on_error=False)
                break
            except FULL as error:
                raise CannotServeError(f"Redis has no memory for the replay: {error}") from error
            except AWAY as error:
                if loop.time() > deadline:
                    raise CannotServeError(f"Redis went away during the replay: {error}") from error
                again = True
                await asyncio.sleep(RETRY_S)
        for reply in replies:
            if isinstance(reply, REFUSED) and not (again and _THERE_ALREADY in str(reply)):
                raise CannotServeError(f"Redis does not take the replay (it needs a Redis of its own): {reply}")

    def _oldest(self) -> int:
        """Before which ms everybody has read: what the scanner had taken KEPT_S ago."""
        limit, oldest = asyncio.get_running_loop().time() - KEPT_S, 0
        while self._kept and self._kept[0][0] < limit:
            oldest = self._kept.popleft()[1]
        return oldest

    async def _await_scanner(self, service: Service) -> None:
        """Return when the scanner is near enough; it says by its checkpoints how far it is."""
        while self.written - self._taken >= AHEAD:
            reached = min([await _position(service.redis, p) for p in range(service.settings.partitions)])
            while self._flow and self._flow[0][0] < reached:
                ms, self._taken = self._flow.popleft()
                self._kept.append((asyncio.get_running_loop().time(), ms))
            if self.written - self._taken >= AHEAD and not await service.pause(LOOK_S):
                return

    async def _end(self, service: Service) -> None:
        """An empty entry behind the last ones: only what has a later one is known to be complete."""
        if self.last_ms:
            for partition in range(service.settings.partitions):
                key = streams.control(partition)
                line = ("XADD", key, f"{self.last_ms + 1}-0", streams.FIELD, encode_batch("player", 0, []))
                await self._sent(service, [line])


async def _position(redis: Redis, partition: int) -> int:
    data: Any = await redis.hget(streams.scan(partition), "ckpt")
    return (reach(data) if data else None) or 0
