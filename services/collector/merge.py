"""One picture from several sources, pure: mark and index, funding, 24 h figures.

Fields of one event may come from several channels, connections and polls. A `Parts` keeps what each source said last,
so that a source's field is never overwritten with another's silence, and what a lost source said goes with it.
"""

from typing import Any, Final, Generic, TypeVar

import msgspec

from shared.events import Funding, Mark, Stats

E = TypeVar("E", Mark, Funding, Stats)


#: what may come from several sources; all else is the newest event's own
_SHARED: Final[dict[type, tuple[str, ...]]] = {
    Mark: ("mark", "index"),
    Funding: ("rate", "interval_h", "next_ts", "funding_index"),
    Stats: ("last", "volume", "turnover", "open_interest", "open_interest_value"),
}


def overlay(older: E, newer: E) -> E:
    """`newer`, with what it leaves out taken from `older`. Times, source and symbol are the newer's."""
    missing: dict[str, Any] | None = None
    for name in _SHARED[type(newer)]:
        if getattr(newer, name) is None and (value := getattr(older, name)) is not None:
            missing = missing or {}
            missing[name] = value
    return newer if missing is None else msgspec.structs.replace(newer, **missing)


class Parts(Generic[E]):
    """What each source said last about one symbol."""

    __slots__ = ("_by_source",)

    def __init__(self) -> None:
        self._by_source: dict[object, E] = {}

    def put(self, source: object, event: E) -> None:
        known = self._by_source.get(source)
        self._by_source[source] = event if known is None else overlay(known, event)

    def drop(self, source: object) -> bool:
        """Forget a source; True where it was the last one."""
        return self._by_source.pop(source, None) is not None and not self._by_source

    def rename(self, old: object, new: object) -> None:
        """What `old` said counts as said by `new`, unless that one has spoken itself."""
        event = self._by_source.pop(old, None)
        if event is not None:
            self._by_source.setdefault(new, event)

    def whole(self) -> E | None:
        """The merged event, newest parts on top; None where there is no source."""
        if len(self._by_source) == 1:
            return next(iter(self._by_source.values()))
        merged: E | None = None
        for event in sorted(self._by_source.values(), key=_recv):
            merged = event if merged is None else overlay(merged, event)
        return merged


def _recv(event: Mark | Funding | Stats) -> int:
    return event.recv


def changed(old: Funding | None, new: Funding) -> bool:
    """Whether a funding event says anything new."""
    return old is None or (
        (old.rate, old.interval_h, old.next_ts, old.funding_index)
        != (new.rate, new.interval_h, new.next_ts, new.funding_index)
    )
