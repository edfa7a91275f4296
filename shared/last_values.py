"""The hashes of last values: a reference per (key, field), encoded and written at most once a second each. Pure.

A State does not replace the value of its symbol: it is kept beside it, under the field `x:<symbol>`.
"""

from collections import deque
from collections.abc import Callable
from typing import Final

from shared.codec import encode_event
from shared.events import Event, State
from shared.resp import Reply, ReplyError, command

STATE_PREFIX: Final = "x:"
#: Fields of one HSET: a large one would hold up the batches behind it.
CHUNK_FIELDS: Final = 256

Fields = dict[str, Event | None]


class LastValues:
    """What changed and is not yet in Redis, and all that is kept, for the case that Redis loses it."""

    def __init__(self) -> None:
        self.changed: dict[str, Fields] = {}
        self._kept: dict[str, dict[str, Event]] = {}
        self._due: deque[tuple[str, list[tuple[str, Event | None]]]] = deque()
        self._per_tick = 1

    def put(self, key: str, field: str, event: Event) -> None:
        self.fields(key)[STATE_PREFIX + field if event.__class__ is State else field] = event

    def fields(self, key: str) -> Fields:
        """What changed of a hash since it was last due."""
        found = self.changed.get(key)
        if found is None:
            found = self.changed[key] = {}
        return found

    def delete(self, key: str, field: str) -> None:
        """Take the symbol's value and state away."""
        fields = self.fields(key)
        fields[field] = fields[STATE_PREFIX + field] = None

    @property
    def idle(self) -> bool:
        return not any(self.changed.values()) and not self._due

    def schedule(self, ticks: int) -> None:
        """Once a second: what changed is due, spread over the next `ticks`."""
        for key, fields in self.changed.items():
            kept = self._kept.setdefault(key, {})
            for field, event in fields.items():
                if event is None:
                    kept.pop(field, None)
                else:
                    kept[field] = event
            items = list(fields.items())
            fields.clear()
            self._due.extend((key, items[at : at + CHUNK_FIELDS]) for at in range(0, len(items), CHUNK_FIELDS))
        self._per_tick = -(-len(self._due) // ticks)

    def restore(self) -> None:
        """All of it again: Redis may have lost its data."""
        self._due.clear()
        for key, kept in self._kept.items():
            fields = self.fields(key)
            for field, event in kept.items():
                fields.setdefault(field, event)

    def commands(self, everything: bool = False) -> list[tuple[bytes, Callable[[Reply], None]]]:
        """The commands of this tick, each with what takes its answer."""
        out: list[tuple[bytes, Callable[[Reply], None]]] = []
        for _ in range(len(self._due) if everything else min(self._per_tick, len(self._due))):
            key, items = self._due.popleft()
            changed = [(field, event) for field, event in items if event is not None]
            gone = [field for field, event in items if event is None]
            if changed:
                parts = [part for field, event in changed for part in (field, encode_event(event))]
                out.append((command("HSET", key, *parts), self._taken(key, items)))
            if gone:
                out.append((command("HDEL", key, *gone), self._taken(key, items)))
        return out

    def _taken(self, key: str, items: list[tuple[str, Event | None]]) -> Callable[[Reply], None]:
        def answer(reply: Reply) -> None:
            if reply is None or isinstance(reply, ReplyError):
                fields = self.fields(key)
                for field, event in items:
                    fields.setdefault(field, event)

        return answer
