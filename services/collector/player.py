"""A recorded session on its way to the bus: decoder, books and desk as live, and an account of it all. Pure.

Frames are decoded with the receive times they were recorded with, since a decoder may judge by them; what comes out
leaves with the receive time that the caller gives.
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import msgspec

from services.collector.capture import Captured
from services.collector.desk import Bus, Desk
from services.collector.live_books import LiveBooks
from services.collector.messages import BookDelta, BookSnapshot, Lost, Message, Replayed, Unknown
from services.collector.plan import Topic
from services.collector.recorded import Recorded
from services.collector.table import Table
from services.collector.wants import selected
from shared.events import KIND, Event
from shared.instruments import Market


@dataclass(frozen=True, slots=True, eq=False)
class Origin:
    """A recorded connection, as the desk sees it."""

    name: str
    generation: int


@dataclass(slots=True)
class Account:
    """What became of everything that was read. `decoded` and `published` count events by kind."""

    lines: int = 0
    skipped: Counter[str] = field(default_factory=Counter)
    frames: int = 0
    with_events: int = 0
    with_controls: int = 0
    unknown_only: int = 0
    without_messages: int = 0
    decoded: Counter[str] = field(default_factory=Counter)
    controls: Counter[str] = field(default_factory=Counter)
    unknown: Counter[str] = field(default_factory=Counter)
    published: Counter[str] = field(default_factory=Counter)

    @property
    def conserved(self) -> bool:
        """Every line was skipped for a reason or was a frame, and every frame became something."""
        became = self.with_events + self.with_controls + self.unknown_only
        return self.lines == self.frames + self.skipped.total() and self.frames == became and not self.without_messages


class CountingBus:
    """Counts events by kind on their way to the bus."""

    def __init__(self, bus: Bus, published: Counter[str]) -> None:
        self._bus, self._published = bus, published

    def append(self, key: str, event: Event) -> None:
        self._published[KIND[type(event)]] += 1
        self._bus.append(key, event)

    def outlet(self, key: str) -> Callable[[list[Event]], None]:
        put = self._bus.outlet(key)

        def counted(events: list[Event]) -> None:
            self._published.update(KIND[type(event)] for event in events)
            put(events)

        return counted

    def put_last(self, key: str, field: str, event: Event) -> None:
        self._bus.put_last(key, field, event)

    def delete_last(self, key: str, field: str) -> None:
        self._bus.delete_last(key, field)


class Player:
    """Plays captured lines to a desk. `serve` first, and again when `listed` says so."""

    def __init__(self, recorded: Recorded, table: Table, partitions: int, bus: Bus) -> None:
        self.account = Account()
        self.recorded, self.table = recorded, table
        self.desk = Desk(recorded.venue.name, partitions, CountingBus(bus, self.account.published))
        self.books = LiveBooks(recorded.venue, self.desk, lambda symbol: None, lambda source, symbol: None)
        self._origins: dict[tuple[str, str], Origin] = {}
        self._rest = Origin("rest", 0)

    def serve(self, now: int) -> None:
        """Have a feed for every kind of every instrument that would be collected."""
        chosen = selected(self.table)
        makers = [(channel.market, channel.makes) for channel in self.recorded.venue.channels]
        makers += [(call.market, call.makes) for call in self.recorded.venue.calls if call.market is not None]
        members: dict[Market, frozenset[str]] = {
            market: frozenset(one.symbol for one in chosen if one.market == market) for market in ("spot", "perp")
        }
        places = {(kind, symbol): None for market, kinds in makers for kind in kinds for symbol in members[market]}
        first = not self.desk.keys()
        self.desk.serve(list(places), members)
        if first and places:
            self.desk.announce("down", "start", now)

    def play(self, captured: Captured, recv: int) -> bool:
        """Play one line; whether the listing changed with it."""
        account = self.account
        account.lines += 1
        if captured.skipped is not None:
            account.skipped[captured.skipped] += 1
            return False
        account.frames += 1
        messages = self.recorded.decode(captured)
        self._count(messages)
        origin = self._origin(captured)
        for message in self.desk.take(origin, [received_at(message, recv) for message in messages]):
            if isinstance(message, BookSnapshot) and message.source == "rest":
                self.books.fetched(message)
            elif isinstance(message, BookSnapshot | BookDelta):
                self.books.take(self._book_origin(captured, message), message)
            elif isinstance(message, Lost):
                self._lost(origin, captured, message, recv)
        return self.recorded.relist(captured)

    def _lost(self, origin: Origin, captured: Captured, lost: Lost, recv: int) -> None:
        """A change is missing: what its channel gives of the symbol is down until it is known again."""
        name, venue = self.recorded.channel(captured, lost), self.recorded.venue
        kinds = next((channel.makes for channel in venue.channels if channel.name == name), (lost.stream,))
        self.books.gaps += 1
        self.desk.state(origin, (Topic("", name or "", "perp", kinds, (lost.symbol,)),), "down", lost.reason, recv)

    def tick(self, now: int) -> None:
        """What caps and pictures held back. To be called a few times a second."""
        self.desk.tick(now)
        self.books.tick(now)

    def _origin(self, captured: Captured) -> Origin:
        return self._rest if captured.request is not None else self._named(captured.conn or "", "")

    def _book_origin(self, captured: Captured, message: Message) -> Origin:
        """Books of two channels are two books, as they would be on two connections."""
        return self._named(captured.conn or "", self.recorded.channel(captured, message) or "")

    def _named(self, conn: str, channel: str) -> Origin:
        known = self._origins.get((conn, channel))
        if known is None:
            known = self._origins[conn, channel] = Origin(f"{conn} {channel}".strip(), len(self._origins) + 1)
        return known

    def _count(self, messages: list[Message]) -> None:
        account = self.account
        events = controls = 0
        for message in messages:
            kind = KIND.get(type(message.event if isinstance(message, Replayed) else message))
            if kind is not None:
                account.decoded[kind] += 1
                events += 1
            elif isinstance(message, Unknown):
                account.unknown[message.reason] += 1
            else:
                account.controls[type(message).__name__.lower()] += 1
                controls += 1
        if events:
            account.with_events += 1
        elif controls:
            account.with_controls += 1
        elif messages:
            account.unknown_only += 1
        else:
            account.without_messages += 1


def received_at(message: Any, recv: int) -> Message:
    """The same message with another receive time, where it has one."""
    if isinstance(message, Replayed):
        return Replayed(msgspec.structs.replace(message.event, recv=recv))
    if hasattr(message, "recv"):
        return msgspec.structs.replace(message, recv=recv)  # type: ignore[no-any-return]
    return message  # type: ignore[no-any-return]
