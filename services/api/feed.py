"""One view of the live state, shared by every subscription that asked for the same: rendered and encoded once.

A feed holds the encoded rows of its view. Changes mark ids as dirty; a flush renders those, compares them with what
was sent last, and hands out what really changed. Flushes keep a distance (the subscription's `rate`): the first
change goes out on the next turn of the loop, those within the distance go together with the latest value of each row.

Feeds whose rows are dear to make take turns, a slice at a time (`Turns`): what one user asks for does not hold up what
others see. Their first picture is sent once it is whole, and what a flush changed may come in several messages.
"""

import asyncio
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, Final, Literal, Protocol

import msgspec
from msgspec import Raw

from services.api.columns import Make
from services.api.numbers import json_bytes, number

Encoding = Literal["json", "msgpack"]
_msgpack = msgspec.msgpack.Encoder()
#: Rows of a slice: a few milliseconds.
SLICE: Final = 32


def as_text(text: str | None) -> str | None:
    return text


#: msgpack has no decimal number: there the digits travel as text.
MAKERS: Final[dict[Encoding, Make]] = {"json": number, "msgpack": as_text}


def encode(value: Any, encoding: Encoding) -> bytes:
    return json_bytes(value) if encoding == "json" else _msgpack.encode(value)


def array(items: Sequence[bytes], encoding: Encoding) -> Raw:
    """An array of items that are already encoded."""
    if encoding == "json":
        return Raw(b"[" + b",".join(items) + b"]")
    count = len(items)
    if count < 16:
        head = bytes([0x90 | count])
    elif count < 1 << 16:
        head = b"\xdc" + count.to_bytes(2, "big")
    else:
        head = b"\xdd" + count.to_bytes(4, "big")
    return Raw(head + b"".join(items))


class Source(Protocol):
    """What a feed shows. Rows carry their `id`."""

    def rows(
        self, dirty: Collection[str] | None, held: Collection[str]
    ) -> Iterable[tuple[str, dict[str, Any] | None] | None]:
        """The rows to look at again: of `dirty` ids, or of all (None). A None row is not, or no longer, in view; None
        instead of (id, row) is a step of work without one.

        `held` are the ids in view so far; a source that ranks answers None for those that fell out.
        """


@dataclass(frozen=True)
class Delta:
    """What changed since the last flush, encoded."""

    changed: dict[str, bytes]
    removed: list[str]


@dataclass(eq=False)
class Subscription:
    """One client's interest in one feed. `seq` counts the messages that it was sent, snapshots included."""

    id: Any
    feed: "Feed"
    #: Takes (type, fields) and says whether there was room.
    offer: Callable[[dict[str, Any]], bool]
    seq: int = 0
    #: Rows that changed while the client had no room, and how many changes of rows were passed over.
    behind: set[str] = field(default_factory=set)
    conflated: int = 0
    owed_snapshot: bool = False

    def send(self, kind: str, fields: dict[str, Any]) -> bool:
        told = {"conflated": self.conflated} if self.conflated else {}
        taken = self.offer({"id": self.id, "type": kind, "seq": self.seq + 1, **fields, **told})
        if taken:
            self.seq += 1
            self.conflated = 0
        return taken

    def snapshot(self) -> None:
        """Send the whole view, as soon as there is one, and room. After it nothing is owed."""
        self.behind.clear()
        self.owed_snapshot = not self.feed.ready
        if self.owed_snapshot:
            return
        rows = array(list(self.feed.view.values()), self.feed.encoding)
        self.owed_snapshot = not self.send("snapshot", {"rows": rows})

    def take(self, delta: Delta, changed: Raw) -> None:
        """Send a flush, or remember which rows this client is owed."""
        if self.owed_snapshot:
            return
        owed = bool(self.behind)
        if not owed and self.send("delta", {"changed": changed, "removed": delta.removed}):
            return
        fresh = {*delta.changed, *delta.removed}
        self.conflated += len(self.behind & fresh)
        self.behind |= fresh

    def catch_up(self) -> None:
        """There is room again: the latest value of each row that was passed over."""
        if self.owed_snapshot:
            self.snapshot()
        if not self.behind or self.owed_snapshot:
            return
        view, encoding = self.feed.view, self.feed.encoding
        changed = [view[name] for name in self.behind if name in view]
        removed = [name for name in self.behind if name not in view]
        if self.send("delta", {"changed": array(changed, encoding), "removed": removed}):
            self.behind.clear()


class Turns:
    """Feeds with work to do: a slice of one of them each turn of the loop, in rotation, half of the time at most."""

    def __init__(self) -> None:
        self._waiting: dict[Feed, None] = {}
        self._timer: asyncio.Handle | None = None

    def add(self, feed: "Feed") -> None:
        self._waiting[feed] = None
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_soon(self._next)

    def _next(self) -> None:
        loop = asyncio.get_running_loop()
        began, feed = loop.time(), next(iter(self._waiting))
        del self._waiting[feed]
        if feed.work(SLICE):
            self._waiting[feed] = None
        rest = loop.time() - began
        self._timer = loop.call_later(rest, self._next) if self._waiting else None


class Look:
    """A look at rows that is under way. `seen`: those looked at, where all are."""

    def __init__(self, rows: Iterator[tuple[str, dict[str, Any] | None] | None], *, every: bool) -> None:
        self.rows, self.every = rows, every
        self.seen: set[str] = set()


class Feed:
    """The rows of one view, encoded, and who follows them. With `turns`, its rows are made in slices.

    `ready`: the view has been whole once.
    """

    def __init__(self, source: Source, encoding: Encoding, gap_s: float, turns: Turns | None = None) -> None:
        self.source, self.encoding, self._gap_s, self._turns = source, encoding, gap_s, turns
        self.view: dict[str, bytes] = {}
        self.subscriptions: set[Subscription] = set()
        self.ready = False
        self._dirty: set[str] = set()
        self._look: Look | None = None
        self._timer: asyncio.Handle | None = None
        self._flushed_at = -1e9
        self._begin(None)

    @property
    def busy(self) -> bool:
        """Whether rows wait to be looked at."""
        return self._look is not None or bool(self._dirty)

    def touch(self, ids: Iterable[str]) -> None:
        """These rows may look different now."""
        self._dirty.update(ids)
        self._schedule()

    def _schedule(self) -> None:
        if self._timer is None and self._dirty and self._look is None:
            loop = asyncio.get_running_loop()
            wait = self._flushed_at + self._gap_s - loop.time()
            self._timer = loop.call_soon(self.flush) if wait <= 0 else loop.call_later(wait, self.flush)

    def flush(self) -> None:
        """Bring the view up to date and tell the subscriptions."""
        self._stop_timer()
        if not self._dirty or self._look is not None:
            return
        dirty, self._dirty = self._dirty, set()
        self._flushed_at = asyncio.get_running_loop().time()
        self._begin(dirty)

    def reset(self) -> None:
        """Look at every row again (the state was wiped) and send the difference."""
        self._stop_timer()
        self._dirty.clear()
        self._begin(None)

    def _begin(self, dirty: set[str] | None) -> None:
        """Look at these rows, or at all; a look that was under way is given up for one at all."""
        self._look = Look(iter(self.source.rows(dirty, self.view.keys())), every=dirty is None)
        if self._turns is not None:
            self._turns.add(self)
        else:
            self.work(None)

    def work(self, most: int | None) -> bool:
        """So many steps of the look that is under way (None: all of them). Whether any are left."""
        look = self._look
        if look is None:
            return False
        delta = self._update(look, most)
        left = self._look is not None
        if self.ready:
            self._hand_out(delta)
        elif not left:
            self.ready = True
            for subscription in tuple(self.subscriptions):
                subscription.snapshot()
        if not left:
            self._schedule()
        return left

    def _hand_out(self, delta: Delta) -> None:
        if not delta.changed and not delta.removed:
            return
        changed = array(list(delta.changed.values()), self.encoding)
        for subscription in tuple(self.subscriptions):
            subscription.take(delta, changed)

    def close(self) -> None:
        self._stop_timer()
        self._dirty.clear()
        self._look = None

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _update(self, look: Look, most: int | None) -> Delta:
        """So many steps of a look; it is over when they were fewer."""
        changed: dict[str, bytes] = {}
        removed: list[str] = []
        steps = 0
        for step in look.rows if most is None else islice(look.rows, most):
            steps += 1
            if step is None:
                continue
            name, row = step
            if look.every:
                look.seen.add(name)
            if row is None:
                if self.view.pop(name, None) is not None:
                    removed.append(name)
                continue
            data = encode(row, self.encoding)
            if self.view.get(name) != data:
                self.view[name] = changed[name] = data
        if most is None or steps < most:
            self._look = None
            for name in [held for held in self.view if held not in look.seen] if look.every else ():
                del self.view[name]
                removed.append(name)
        return Delta(changed, removed)
