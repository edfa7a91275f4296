"""Taking a partition over: from the checkpoint where that is possible, else cold. See docs/signals.md.

The successor reads on from the checkpoint's positions and makes the same records again; those that are out already
answer DONE. Where the streams no longer hold what follows the checkpoint, nothing is known of the time between: every
open signal is closed with `restart`, and a `Start` in the control stream tells every later reader of the archive.
"""

import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Final, TypeVar

import msgspec

from services.scanner import lease
from services.scanner.checkpoint import Unusable, dump, load
from services.scanner.control import Config, ControlEvent, Join, Start, decode, encode
from services.scanner.feed import Feed, before, parse_id
from services.scanner.fold import Fold
from services.scanner.market import MS, Source
from services.scanner.wire import Wire
from shared import decoding, streams
from shared.bus import Redis
from shared.codec import decode_event, decode_head
from shared.config import Runtime
from shared.cursor import START
from shared.resp import Reply, ReplyError, command
from shared.signals import Signal

LOG: Final = logging.getLogger(__name__)
T = TypeVar("T")
#: What stands in `open:{P}`.
RECORD: Final[decoding.Decoder[Signal]] = decoding.json(Signal)
#: Live producers write each second: a stream that begins later than this after the position has lost entries.
HOLE_MS: Final = 2500
#: Why a partition is cold that nobody has owned before.
FIRST: Final = "first start"


@dataclass
class Hold:
    """A partition that is ours: the fence, the state, and the streams from where the state stands.

    `unknown` are coins of it that stand on the board and that the state does not know.
    """

    partition: int
    fence: int
    fold: Fold
    feed: Feed
    unknown: frozenset[str] = frozenset()


async def take_over(
    client: Redis, wire: Wire, partition: int, fence: int, runtime: Runtime, *, recorded: bool = False
) -> Hold:
    """`recorded`: a replay is read. Raises `lease.Fenced`, and what `Wire.call` does."""
    hold = await _hold(client, wire, partition, fence, runtime, recorded)
    hold.unknown = await on_the_board(client, partition) - hold.fold.assets.keys()
    return hold


async def _hold(client: Redis, wire: Wire, partition: int, fence: int, runtime: Runtime, recorded: bool) -> Hold:
    saved, past = await wire.one("HMGET", streams.scan(partition), "ckpt", "past")  # type: ignore[misc]
    at, why = 0, FIRST
    if isinstance(saved, bytes):
        try:
            fold, positions = load(saved, past if isinstance(past, bytes) else None)
        except Unusable as error:
            why = f"the checkpoint cannot be used: {error}"
        else:
            hole = await _hole(wire, fold, positions)
            if hole is None:
                return await _warm(wire, partition, fence, fold, positions, recorded)
            at, why = fold.at, f"{hole} no longer holds what follows the checkpoint"
    return await _cold(client, wire, partition, fence, runtime, at, why, recorded)


async def on_the_board(client: Redis, partition: int) -> frozenset[str]:
    """The coins of a partition that have a row."""
    partitions = int(await client.get(streams.META_PARTITIONS) or 1)
    keys: list[Any] = list(await client.hkeys(streams.BOARD))
    names = (key.decode(errors="replace") for key in keys)
    return frozenset(name for name in names if streams.partition_of(name, partitions) == partition)


async def _hole(wire: Wire, fold: Fold, positions: dict[str, str]) -> str | None:
    """The first stream that decides about signals and lost entries behind its position.

    All are asked at once: on a busy machine each answer that is waited for is a time in which nobody serves.
    """
    deciding = [source for source in fold.sources.values() if source.kind in ("quote", "funding")]
    control = next(key for key in positions if key not in fold.sources)
    firsts = [command("XRANGE", source.key, "-", "+", "COUNT", 1) for source in deciding]
    *begun, held = await wire.every(*firsts, command("XRANGE", control, positions[control], "+", "COUNT", 1))
    for source, first in zip(deciding, begun, strict=True):
        late = bool(first) and _ms_of(first) - parse_id(positions[source.key].encode())[0] > HOLE_MS
        if late and await _lost(wire, source, positions[source.key]):
            return source.key
    # the owner writes to it at least every 10 s and trims it after an hour: what was folded last is in it, or was lost
    return None if held else control


def _ms_of(entries: Any) -> int:
    """Of the first of them."""
    return parse_id(entries[0][0])[0]


async def _lost(wire: Wire, source: Source, position: str) -> bool:
    """Whether entries after the position were trimmed, of a stream that begins clearly later: the numbering of the
    producers that it begins with does not follow from what was seen of them, or those that wrote last are gone."""
    entries: Any = await wire.one("XRANGE", source.key, "-", "+", "COUNT", 200)
    met: set[str] = set()
    for _, fields in entries:
        try:
            head = decode_head(fields[1])
        except msgspec.DecodeError:
            continue
        known = source.producers.get(head.producer)
        if head.producer not in met and head.seq > (0 if known is None else known.high + 1):
            return True
        met.add(head.producer)
    since = parse_id(position.encode())[0] - HOLE_MS
    return any(one.last_ms >= since and one.name not in met for one in source.producers.values())


async def _warm(wire: Wire, partition: int, fence: int, fold: Fold, positions: dict[str, str], recorded: bool) -> Hold:
    feed = Feed(wire, streams.control(partition), positions, recorded=recorded)
    control = streams.control(partition)
    last = f"({positions[control]}"
    while entries := await wire.one("XRANGE", control, last, "+", "COUNT", 1000):
        for entry_id, fields in entries:  # type: ignore[union-attr, misc]
            last = f"({entry_id.decode()}"  # type: ignore[union-attr]
            for event in _said(fields[1]):  # type: ignore[index, arg-type]
                if isinstance(event, Join):
                    joined = START if recorded else before(parse_id(entry_id)[0])  # type: ignore[arg-type]
                    feed.add(event.key, joined)
    shown = [source for source in fold.sources.values() if source.kind in ("mark", "stats")]
    values = await wire.every(*(command("HGETALL", streams.last(partition, one.venue, one.kind)) for one in shown))
    for source, found in zip(shown, values, strict=True):
        fold.recall(source.venue, readable(pairs(found).values(), decode_event))
    LOG.info("partition %d taken over as %d, from a checkpoint at %d", partition, fence, fold.at // MS)
    return Hold(partition, fence, fold, feed)


async def _cold(
    client: Redis, wire: Wire, partition: int, fence: int, runtime: Runtime, at: int, why: str, recorded: bool
) -> Hold:
    closed = await _close_open(wire, partition, fence, at)
    started = encode(f"scanner-{fence}", 0, [Start(fence, why), Config(runtime)])
    entry_id = await lease.write_control(client, partition, fence, started)
    fold, positions = Fold(), {streams.control(partition): before(*parse_id(entry_id))}
    await send(wire, [lease.commit_checkpoint(partition, fence, dump(fold, positions))])
    level = logging.INFO if why == FIRST else logging.WARNING
    LOG.log(level, "partition %d taken over as %d, cold: %s; %d signals closed", partition, fence, why, closed)
    return Hold(partition, fence, fold, Feed(wire, streams.control(partition), positions, recorded=recorded))


def _said(data: bytes) -> list[ControlEvent]:
    """What an entry of the control stream says; nothing where it cannot be read, as for whoever folds it."""
    return [event for batch in readable([data], decode) for event in batch.events]


async def _close_open(wire: Wire, partition: int, fence: int, at: int) -> int:
    """Close what is open, where our knowledge ends."""
    found = pairs(await wire.one("HGETALL", streams.open_signals(partition)))
    commands: list[bytes] = []
    for record in readable(found.values(), RECORD.decode):
        if record.event != "close":
            ended = max(at, record.at)
            closed = msgspec.structs.replace(
                record,
                event="close",
                rev=record.rev + 1,
                at=ended,
                ended_at=ended,
                closed_at=ended,
                close_reason="restart",
                duration_ms=(ended - record.first_at) // MS,
            )
            commands.append(commit_of(partition, fence, closed))
    await send(wire, commands)
    return len(commands)


def commit_of(partition: int, fence: int, record: Signal) -> bytes:
    """The command that writes this transition."""
    data, event = msgspec.json.encode(record), msgspec.msgpack.encode(record)
    return lease.commit(partition, fence, record.id, record.rev - 1, data, event)


async def send(wire: Wire, commands: list[bytes]) -> None:
    """Fenced commands in order. Raises `lease.Fenced`, `ReplyError`."""
    if not commands:
        return
    for reply in await wire.call(*commands):
        if isinstance(reply, ReplyError):
            if "FENCED" in str(reply) or "STALE" in str(reply):  # Redis puts its own ERR before a script's word
                raise lease.Fenced(str(reply))
            raise reply


def readable(values: Iterable[bytes], decoded: Callable[[bytes], T]) -> list[T]:
    """Those of the values that can be read; what cannot is logged and left out."""
    found: list[T] = []
    for value in values:
        try:
            found.append(decoded(value))
        except msgspec.DecodeError as error:
            LOG.warning("passed over, it cannot be read: %s", error)
    return found


def pairs(reply: Reply) -> dict[bytes, bytes]:
    """What HGETALL answers."""
    flat: list[bytes] = reply or []  # type: ignore[assignment]
    return dict(zip(flat[::2], flat[1::2], strict=True))
