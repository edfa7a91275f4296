"""Events on their way out, gathered while the messages of a read are looked at, handed to the bus together. Pure."""

from collections.abc import Callable
from typing import Final

from shared.events import Event

#: `outlet(key)` of the bus
Outlet = Callable[[str], Callable[[list[Event]], None]]


class Lanes:
    """A lane a stream. `joins(key)` gives what puts an event into its lane; `send` empties all of them."""

    __slots__ = ("_lanes", "_outlet")

    def __init__(self, outlet: Outlet) -> None:
        self._outlet: Final = outlet
        self._lanes: dict[str, tuple[list[Event], Callable[[list[Event]], None]]] = {}

    def joins(self, key: str) -> Callable[[Event], None]:
        lane = self._lanes.get(key)
        if lane is None:
            lane = self._lanes[key] = [], self._outlet(key)
        return lane[0].append

    def send(self) -> int:
        """Hand everything to the bus; how much it was."""
        sent = 0
        for events, put in self._lanes.values():
            if events:
                sent += len(events)
                put(events)
                events.clear()
        return sent
