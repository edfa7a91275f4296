"""All streams of a partition as one sequence of entries, in one order: (id ms, key, id seq).

Theory of operation. `TIME` and then `XREAD` go out together. An entry written after that TIME carries an id at or
above it, so all entries below it are at hand, and whoever reads them, in whatever pieces, gets the same sequence. A
key that filled its COUNT may hold more, so the sequence ends below the last id read from it. What lies above is kept
until a later turn, and keys that are ahead of such a one wait for it, so that what is held stays bounded.
"""

import asyncio
from bisect import bisect_left
from typing import Final

import msgspec

from services.scanner.control import ControlBatch, Join
from services.scanner.control import decode as decode_control
from services.scanner.wire import Wire
from shared.codec import Batch, decode_batch
from shared.cursor import LAST_SEQ
from shared.resp import Reply, ReplyError, command
from shared.streams import FIELD

COUNT: Final = 200

Entry = tuple[int, str, int, Batch | ControlBatch]


def before(ms: int, seq: int = 0) -> str:
    """The position just before an id: reading from it starts with that id."""
    return f"{ms}-{seq - 1}" if seq else f"{ms - 1}-{LAST_SEQ}"


def parse_id(text: bytes) -> tuple[int, int]:
    ms, _, seq = text.partition(b"-")
    return int(ms), int(seq)


class Feed:
    """The streams being read and how far. `recorded`: they are a replay's; `archived`: the control stream too."""

    def __init__(
        self,
        wire: Wire,
        control_key: str,
        positions: dict[str, str],
        *,
        recorded: bool = False,
        archived: bool = False,
    ) -> None:
        self._wire, self._control, self._recorded, self._archived = wire, control_key, recorded, archived
        self._read = dict(positions)
        #: the last entry given out, by key: where a successor goes on
        self.positions = dict(positions)
        self._held: list[Entry] = []
        #: the last turn brought something: the next one need not wait for the first to come
        self._flowing = False
        #: keys read beyond what a busier one allows, not read on until it has caught up, and their last ms
        self._ahead: dict[str, int] = {}
        #: of a replay: what the owner said and is not given out, and the highest ms read and given out
        self._said: list[Entry] = []
        self._newest_ms = self._given_ms = 0
        #: of a replay: the last turn ended before the highest ms, so there may be more though nothing new comes
        self._cut = False
        self.unreadable = 0
        self.redis_ms = 0

    @property
    def head_ms(self) -> int:
        """How far time is where the entries come from: lag is counted from here."""
        return self._newest_ms if self._recorded else self.redis_ms

    def add(self, key: str, position: str) -> None:
        """Read this stream too, from `position`."""
        if key not in self._read:
            self._read[key] = self.positions[key] = position

    def _xread(self, block_ms: int | None) -> bytes:
        keys = [key for key in self._read if key not in self._ahead]
        block = () if block_ms is None else ("BLOCK", block_ms)
        return command("XREAD", *block, "COUNT", COUNT, "STREAMS", *keys, *(self._read[key] for key in keys))

    async def turn(self, block_ms: int) -> list[Entry]:
        """The next entries in order; waits up to `block_ms` for the first one. Raises what `Wire.call` does, or
        `ReplyError`."""
        if self._recorded or not (self._held or self._flowing):
            (reply,) = await self._wire.call(self._xread(max(1, block_ms)), timeout_s=5 + block_ms / 1000)
            if not self._take(reply)[0] and not self._cut:
                return []
            if not self._recorded:
                await asyncio.sleep(0.0006)  # the millisecond of what has come must pass
        time, reply = await self._wire.call(command("TIME"), self._xread(None))
        self.redis_ms = self._clock(time)
        full = self._take(reply)[1]
        self._cut = self._recorded and (full is not None or bool(self._ahead))
        limit = min([self.head_ms, *self._ahead.values()])
        if full is not None:
            limit = min(limit, full)
        last = {key: parse_id(self._read[key].encode())[0] for key in self._read} if full is not None else {}
        self._ahead = {key: ms for key, ms in last.items() if ms > limit and not self._apart(key)}
        ready = [*self._spoken(), *self._release(limit)]
        self._flowing = bool(ready)
        if not ready:
            await asyncio.sleep(0.0005)
        return ready

    def _apart(self, key: str) -> bool:
        """Whether a key's ids are of another clock than the others'."""
        return self._recorded and key == self._control and not self._archived

    def _clock(self, time: Reply) -> int:
        if isinstance(time, ReplyError):
            raise time
        assert isinstance(time, list)
        seconds, micros = time
        assert isinstance(seconds, bytes)
        assert isinstance(micros, bytes)
        return int(seconds) * 1000 + int(micros) // 1000

    def _take(self, reply: Reply) -> tuple[int, int | None]:
        """Hold what was read. Returns how many entries, and the lowest last ms of a key that filled its COUNT."""
        if isinstance(reply, ReplyError):
            raise reply
        taken, full = 0, None
        for key_bytes, entries in reply or ():  # type: ignore[union-attr, misc]
            key = key_bytes.decode()  # type: ignore[union-attr]
            for entry_id, fields in entries:  # type: ignore[union-attr, misc]
                ms, seq = parse_id(entry_id)  # type: ignore[arg-type]
                batch = self._decode(key, fields)  # type: ignore[arg-type]
                if batch is not None:
                    (self._said if self._apart(key) else self._held).append((ms, key, seq, batch))
            taken += len(entries)  # type: ignore[arg-type]
            self._read[key] = entry_id.decode()  # type: ignore[union-attr]
            if self._apart(key):
                ms = 0  # more may have been said: nothing else goes out before it
            else:
                self._newest_ms = max(self._newest_ms, ms)
            if len(entries) >= COUNT:  # type: ignore[arg-type]
                full = ms if full is None else min(full, ms)
        return taken, full

    def _decode(self, key: str, fields: list[bytes]) -> Batch | ControlBatch | None:
        try:
            data = fields[fields.index(FIELD) + 1]
            return decode_control(data) if key == self._control else decode_batch(data)
        except (ValueError, msgspec.DecodeError):
            self.unreadable += 1
            return None

    def _spoken(self) -> list[Entry]:
        """What the owner of a replay's partition said, in its order, at the time that was reached."""
        said, self._said = self._said, []
        for ms, key, seq, _ in said:
            self.positions[key] = f"{ms}-{seq}"
        return [(self._given_ms, key, seq, batch) for _, key, seq, batch in said]

    def _join(self, cut: int) -> int:
        """Of an archive: read the streams that its owner joined here, before anything later is given out."""
        for at, (ms, key, _, batch) in enumerate(self._held[:cut]):
            if key == self._control and isinstance(batch, ControlBatch):
                fresh = [event.key for event in batch.events if isinstance(event, Join) and event.key not in self._read]
                for name in fresh:
                    self.add(name, before(ms))
                if fresh:
                    self._cut = True
                    return at + 1
        return cut

    def _release(self, limit: int) -> list[Entry]:
        held = self._held
        held.sort(key=_order)
        cut = bisect_left(held, limit, key=_ms)
        if self._archived:
            cut = self._join(cut)
        ready, self._held = held[:cut], held[cut:]
        positions = self.positions
        for ms, key, seq, _ in ready:
            positions[key] = f"{ms}-{seq}"
        if ready:
            self._given_ms = max(self._given_ms, ready[-1][0])
        return ready


def _order(entry: Entry) -> tuple[int, str, int]:
    return entry[:3]


def _ms(entry: Entry) -> int:
    return entry[0]
