"""What reads Redis into the live state: board, signals, health, listings. One reader of each per process.

A follower starts with a picture (newest id first, then the hash, then the stream from before that id: nothing that
is written meanwhile is missed) and starts over with one whenever Redis was away or was wiped.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Collection, Coroutine, Iterable, Mapping
from functools import partial
from typing import Any, Final

import msgspec

from services.api.hub import Hub
from services.api.state import LiveState, Process
from services.api.symbols import Directory
from shared import bus, decoding, streams
from shared.instruments import Instrument
from shared.signals import BoardRow, Signal

_log = logging.getLogger("api.follow")
BLOCK_MS: Final = 1_000
COUNT: Final = 1_000
#: A server that does not answer for so long is away.
ANSWER_S: Final = 2.0
#: Re-read so much before the newest id: entries that were on their way while the hash was read.
OVERLAP_MS: Final = 2_000
#: The stream of changes is bounded by bytes: who asks later than this may have missed rows and takes the hash.
OVERTAKEN_S: Final = 3.0
RETRY_S: Final = (0.1, 0.2, 0.5, 1.0, 2.0)
#: How often collectors are asked whether a listing changed, and while there is none at all: a start should not wait.
LISTING_POLL_S: Final = 0.5
FIRST_POLL_S: Final = 0.2
#: Every so many polls the sizes of the listings are looked at, and all are read anew, whatever was said.
SIZES_POLLS: Final = 4
LISTING_RELOAD_POLLS: Final = 120
#: How far the signal stream is read back at start: until so many signals are known, or so many entries were read.
SIGNALS_WANTED: Final = 300
SIGNAL_ENTRIES: Final = 20_000

Listings = dict[str, list[Instrument]]

_row = decoding.msgpack(BoardRow)
_rows = decoding.msgpack(list[BoardRow])
_signal = decoding.msgpack(Signal)
_instrument = decoding.msgpack(Instrument)


class Rejected:
    """Counts what another process wrote and this one could not read; each kind is logged once."""

    def __init__(self) -> None:
        self.count = 0
        self._said: set[str] = set()

    def decode(self, decoder: decoding.Decoder[Any], data: bytes, what: str) -> Any:
        try:
            return decoder.decode(data)
        except msgspec.DecodeError as error:
            self.count += 1
            if what not in self._said:
                self._said.add(what)
                _log.warning("a %s that cannot be read: %s", what, error)
            return None


def stepped_back(entry_id: str, by_ms: int) -> str:
    return f"{max(0, int(entry_id.partition('-')[0]) - by_ms)}-0"


def before(left: str, right: str) -> bool:
    """Whether one entry id is lower than another."""
    one, two = ([int(part) for part in entry_id.split("-")] for entry_id in (left, right))
    return one < two


class Wiped(Exception):
    """Redis lost its data: what was known of streams and versions does not hold."""


class Followers:
    """The readers of one process. They end only by cancellation."""

    def __init__(self, client: bus.Redis, partitions: int, state: LiveState, hub: Hub) -> None:
        self._client, self._partitions, self._state, self._hub = client, partitions, state, hub
        self._incarnation = ""
        self.rejected = Rejected()
        self._listed: Listings = {}
        self.directory_listeners: list[Callable[[], Awaitable[None]]] = []

    def readers(self) -> list[Coroutine[Any, Any, None]]:
        """What has to run, side by side, for as long as this process serves."""
        keys = [streams.signals(partition) for partition in range(self._partitions)]
        return [
            self._again("board", self._board),
            self._again("health", self._health),
            self._again("listings", self._listings),
            *(self._again(key, partial(self._signals, key)) for key in keys),
        ]

    async def _again(self, name: str, follow: Callable[[], Awaitable[None]]) -> None:
        """Start over, after a pause, whenever Redis goes away."""
        failures = 0
        while True:
            began = asyncio.get_running_loop().time()
            try:
                await follow()
            except bus.AWAY as error:
                failures = 0 if asyncio.get_running_loop().time() - began > 5 else failures + 1
                if name == "board":
                    self._state.redis_up, self._state.redis_error = False, str(error)
                    _log.warning("the board is not being read: %s", error)
            except Wiped:
                _log.warning("Redis lost its data: everything is read anew")
                self._state.board.forget()
                self._state.signals.forget()
                self._hub.reset()
            await asyncio.sleep(RETRY_S[min(failures, len(RETRY_S) - 1)])

    async def _board(self) -> None:
        self._incarnation = await bus.check_server(self._client, self._partitions)
        newest: Any = await self._client.xrevrange(streams.BOARD_CHANGES, count=1)
        start = newest[0][0].decode() if newest else "0-0"
        await self._picture()
        self._state.redis_up, self._state.redis_error, self._state.board_ready = True, "", True
        position, checked, asked = stepped_back(start, OVERLAP_MS), 0.0, asyncio.get_running_loop().time()
        while True:
            waited, asked = asyncio.get_running_loop().time() - asked, asyncio.get_running_loop().time()
            reply = await self._read(streams.BOARD_CHANGES, position)
            if reply and waited > OVERTAKEN_S:
                await self._picture()
            for _, entries in reply:
                for entry_id, fields in entries:
                    position = entry_id.decode()
                    rows = self.rejected.decode(_rows, fields.get(streams.FIELD, b""), "board change")
                    if rows is not None:
                        self._state.board.put(rows)
            now = asyncio.get_running_loop().time()
            if now - checked > 1:
                checked = now
                await self._check_wiped(start if before(position, start) else position)

    async def _picture(self) -> None:
        """Every coin's row as it stands."""
        stored: Any = await self._client.hgetall(streams.BOARD)
        found = (self.rejected.decode(_row, data, "board row") for data in stored.values())
        self._state.board.put(row for row in found if row is not None)
        self._state.board.keep({name.decode(errors="replace") for name in stored})

    async def _read(self, key: str, position: str) -> Any:
        """What came after the position; nothing within BLOCK_MS is an answer too, silence beyond it is none."""
        async with asyncio.timeout(BLOCK_MS / 1000 + ANSWER_S):
            return await self._client.xread({key: position}, count=COUNT, block=BLOCK_MS) or ()

    async def _check_wiped(self, seen: str) -> None:
        """Raises `Wiped` where the incarnation changed, or ids went backwards."""
        incarnation = await bus.check_server(self._client, self._partitions)
        newest: Any = await self._client.xrevrange(streams.BOARD_CHANGES, count=1)
        backwards = bool(newest) and before(newest[0][0].decode(), seen)
        if incarnation != self._incarnation or backwards:
            raise Wiped

    async def _signals(self, key: str) -> None:
        position = await self._signals_back(key)
        while True:
            reply = await self._read(key, position)
            for _, entries in reply:
                position = entries[-1][0].decode()
                self._state.signals.put(self._signals_in(entries))

    async def _signals_back(self, key: str) -> str:
        """Read the stream backwards, newest first; returns the newest id."""
        first = last = ""
        read, known = 0, dict[str, Signal]()
        while read < SIGNAL_ENTRIES and len(known) < SIGNALS_WANTED:
            entries: Any = await self._client.xrevrange(key, max=f"({last}" if last else "+", count=COUNT)
            if not entries:
                break
            first, last, read = first or entries[0][0].decode(), entries[-1][0].decode(), read + len(entries)
            for record in self._signals_in(entries):
                known.setdefault(record.id, record)
        self._state.signals.put(reversed(known.values()))
        return first or "0-0"

    def _signals_in(self, entries: Iterable[tuple[bytes, Mapping[bytes, bytes]]]) -> Iterable[Signal]:
        for _, fields in entries:
            record = self.rejected.decode(_signal, fields.get(streams.FIELD, b""), "signal")
            if record is not None:
                yield record

    async def _keys(self, pattern: str) -> list[str]:
        return sorted([key.decode(errors="replace") async for key in self._client.scan_iter(match=pattern, count=1000)])

    async def _health(self) -> None:
        while True:
            keys = await self._keys("health:*")
            async with self._client.pipeline(transaction=False) as pipe:
                for key in keys:
                    pipe.hgetall(key)
                hashes = await pipe.execute()
            found = {}
            for key, fields in zip(keys, hashes, strict=True):
                name, _, member = key.removeprefix("health:").partition(":")
                if fields:
                    said = {k.decode(errors="replace"): v.decode(errors="replace") for k, v in fields.items()}
                    process = Process(name, member, said)
                    found[process.id] = process
            self._state.processes = found
            for listener in self._state.process_listeners:
                listener()
            await asyncio.sleep(1)

    async def _listings(self) -> None:
        """Read a listing anew when its collector says so or its size changed, and all of them every minute."""
        seen: dict[str, tuple[int, bytes | None]] = {}
        expected: list[str] = []
        sizes: dict[str, int] = {}
        polls = 0
        while True:
            said: Any = await self._client.hgetall(streams.META_LISTINGS)
            if not sizes or polls % SIZES_POLLS == 0:
                sizes = await self._sizes()
            polls += 1
            before = {} if polls % LISTING_RELOAD_POLLS == 0 else seen
            seen = {venue: (size, said.get(venue.encode())) for venue, size in sizes.items()}
            changed = [venue for venue, stamp in seen.items() if before.get(venue) != stamp]
            collected = sorted({one.name for one in self._state.processes.values() if not one.name.startswith("_")})
            if changed or before.keys() - seen.keys() or collected != expected:
                expected = collected
                await self._load_listings(changed, seen.keys(), collected)
            await asyncio.sleep(LISTING_POLL_S if sizes else FIRST_POLL_S)

    async def _sizes(self) -> dict[str, int]:
        """The number of instruments of each venue."""
        keys = await self._keys("instruments:*")
        async with self._client.pipeline(transaction=False) as pipe:
            for key in keys:
                pipe.hlen(key)
            found = await pipe.execute()
        return {key.removeprefix("instruments:"): size for key, size in zip(keys, found, strict=True)}

    async def _load_listings(self, changed: list[str], venues: Collection[str], expected: list[str]) -> None:
        raw: dict[str, Any] = {}
        for venue in changed:
            raw[venue] = await self._client.hvals(streams.instruments(venue))
        # Thousands of instruments: away from the loop, which has prices to push.
        generation = self._state.directory.generation + 1
        listings = {venue: listed for venue, listed in self._listed.items() if venue in venues}
        self._listed, directory = await asyncio.to_thread(self._directory, listings, raw, generation, expected)
        self._state.directory = directory
        self._hub.directory_changed()
        for listener in self.directory_listeners:
            await listener()

    def _directory(
        self, listings: Listings, raw: Mapping[str, list[bytes]], generation: int, expected: list[str]
    ) -> tuple[Listings, Directory]:
        for venue, values in raw.items():
            found = [self.rejected.decode(_instrument, value, "instrument") for value in values]
            listings[venue] = [instrument for instrument in found if instrument is not None]
        return listings, Directory(listings, generation, expected)
