"""Which topics ride on which connections: pure, in stable order.

Theory of operation. The topics come from `wants.py`, in stable order. A `Plan` gives each topic of an endpoint the
first of its connections ("lines") with room, and remembers it: an instrument that comes or goes moves no other topic, a
topic that is asked for later goes where room is left. Two runs over the same input give the same plan. Limits are the
endpoint's, per connection (topics by weight, characters) and per address (connections; the caller passes its share).

`framed()` cuts topics into subscribe frames within the limits of one frame. The rate of frames is the session's job.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence

import msgspec

from services.collector.venue import Endpoint, Limits
from shared.instruments import Market

#: (endpoint name, position): one connection of the plan, whatever socket carries it just now
Slot = tuple[str, int]
#: (endpoint name, topic name)
TopicKey = tuple[str, str]
Frame = Callable[[Sequence[str], int], bytes]


class Topic(msgspec.Struct, frozen=True, gc=False):
    """One subscription. `kinds` are the streams it feeds.

    `symbols` is empty where one topic serves a whole market; `seat` then is its bucket.
    """

    endpoint: str
    name: str
    market: Market
    kinds: tuple[str, ...]
    symbols: tuple[str, ...] = ()
    weight: int = 1
    silent_s: float | None = None
    seat: int | None = None
    #: somebody waits for it: it goes before those that are always carried
    urgent: bool = False

    @property
    def key(self) -> TopicKey:
        return self.endpoint, self.name


class _Line:
    """The topics of one connection, and how much of it they take."""

    __slots__ = ("chars", "topics", "weight")

    def __init__(self) -> None:
        self.topics: dict[str, Topic] = {}
        self.weight = 0
        self.chars = 0

    def room(self, topic: Topic, limits: Limits) -> bool:
        return self.weight + topic.weight <= limits.topics_per_connection and (
            limits.topic_chars is None or self.chars + len(topic.name) <= limits.topic_chars
        )

    def add(self, topic: Topic) -> None:
        self.topics[topic.name] = topic
        self.weight += topic.weight
        self.chars += len(topic.name)

    def drop(self, name: str) -> None:
        topic = self.topics.pop(name)
        self.weight -= topic.weight
        self.chars -= len(name)


class Plan:
    """The lines of all endpoints of a venue. `unplaced` holds the topics that no line may take."""

    def __init__(self, endpoints: Iterable[Endpoint]) -> None:
        self._endpoints = {endpoint.name: endpoint for endpoint in endpoints}
        self._lines: dict[str, list[_Line]] = {name: [] for name in self._endpoints}
        self._home: dict[TopicKey, int] = {}
        self._known: dict[TopicKey, Topic] = {}
        self.unplaced: dict[TopicKey, Topic] = {}

    def update(self, topics: Mapping[TopicKey, Topic], share: float = 1.0) -> set[Slot]:
        """Carry exactly these topics. Returns the lines that changed. `share`: our part of an address's connections."""
        changed: set[Slot] = set()
        for key, known in list(self._known.items()):
            topic = topics.get(key)
            if topic is None or topic.weight != known.weight:
                changed.add(self._drop(key))
            elif topic is not known and topic != known:
                changed.add(self._refresh(key, topic))
        self.unplaced = {}
        first: dict[str, int] = {}
        for key, topic in topics.items():
            if key in self._known:
                continue
            position = self._place(topic, share, first)
            if position is None:
                self.unplaced[key] = topic
            else:
                changed.add((topic.endpoint, position))
        return changed

    def topics(self, slot: Slot) -> tuple[Topic, ...]:
        """The topics of one line; none where the line is gone."""
        endpoint, position = slot
        lines = self._lines[endpoint]
        return tuple(lines[position].topics.values()) if position < len(lines) else ()

    def slots(self) -> list[Slot]:
        """The lines that carry anything, in order."""
        return [(name, at) for name, lines in self._lines.items() for at, line in enumerate(lines) if line.topics]

    def _refresh(self, key: TopicKey, topic: Topic) -> Slot:
        """The same subscription that now serves other symbols: it stays where it is."""
        self._known[key] = self._lines[topic.endpoint][self._home[key]].topics[topic.name] = topic
        return topic.endpoint, self._home[key]

    def _drop(self, key: TopicKey) -> Slot:
        endpoint, name = key
        position = self._home.pop(key)
        del self._known[key]
        self._lines[endpoint][position].drop(name)
        return endpoint, position

    def _place(self, topic: Topic, share: float, first: dict[str, int]) -> int | None:
        """The first line with room. `first` remembers which leading lines of an endpoint are full of plain topics."""
        limits, lines = self._endpoints[topic.endpoint].limits, self._lines[topic.endpoint]
        start = first.get(topic.endpoint, 0)
        for position in range(start, len(lines)):
            if lines[position].room(topic, limits):
                break
            if position == first.get(topic.endpoint, 0) and lines[position].weight >= limits.topics_per_connection:
                first[topic.endpoint] = position + 1
        else:
            if not self._may_open(limits, len(lines), share) or not _Line().room(topic, limits):
                return None
            lines.append(_Line())
            position = len(lines) - 1
        lines[position].add(topic)
        self._home[topic.key] = position
        self._known[topic.key] = topic
        return position

    @staticmethod
    def _may_open(limits: Limits, standing: int, share: float) -> bool:
        return limits.connections is None or standing < max(1, int(limits.connections * share))


def framed(topics: Sequence[str], limits: Limits, frame: Frame, number: int) -> tuple[int, bytes]:
    """One frame for as many of the leading `topics` as fit: how many, and its bytes.

    A single topic that is larger than a frame is sent all the same: the venue's refusal then names it.
    """
    count = min(len(topics), limits.topics_per_frame)
    data = frame(topics[:count], number)
    while limits.frame_bytes is not None and len(data) > limits.frame_bytes and count > 1:
        count = max(1, min(count - 1, count * limits.frame_bytes // len(data)))
        data = frame(topics[:count], number)
    return count, data
