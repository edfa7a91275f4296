"""Which topics ride on which connections: pure, in stable order.

Theory of operation. `wanted()` turns a venue's channels, the selected instruments and what is asked for on demand into
topics, in an order that depends on nothing but the arguments. A `Plan` gives each topic of an endpoint the first of its
connections ("lines") with room, and remembers it: an instrument that comes or goes moves no other topic, a topic that
is asked for later goes where room is left. Two runs over the same input give the same plan. Limits are the endpoint's,
per connection (topics by weight, characters) and per address (connections; the caller passes its share of them).

`framed()` cuts topics into subscribe frames within the limits of one frame. The rate of frames is the session's job.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import msgspec

from services.collector.naming import UNCONFIRMED
from services.collector.venue import Channel, Endpoint, Limits, Venue
from shared.instruments import COLLECTED_QUOTES, Instrument, Market
from shared.streams import bucket_of

#: (endpoint name, position): one connection of the plan, whatever socket carries it just now
Slot = tuple[str, int]
#: (endpoint name, topic name)
TopicKey = tuple[str, str]
Frame = Callable[[Sequence[str], int], bytes]


class Topic(msgspec.Struct, frozen=True, gc=False):
    """One subscription. `symbols` is empty where one topic serves a whole market; `kinds` are the streams it feeds."""

    endpoint: str
    name: str
    market: Market
    kinds: tuple[str, ...]
    symbols: tuple[str, ...] = ()
    weight: int = 1
    silent_s: float | None = None

    @property
    def key(self) -> TopicKey:
        return self.endpoint, self.name


@dataclass(frozen=True, slots=True)
class Selection:
    """What this process serves: its buckets, the kinds that are wanted at all, and who asked for what on demand."""

    buckets: Collection[int]
    demand: Mapping[str, Collection[str]] = field(default_factory=dict)
    assets: Collection[str] = ()
    refused: Collection[TopicKey] = ()


def quote_channels(venue: Venue) -> dict[Market, str]:
    """The one channel of each market whose frames make quotes: the best ranked of those that could."""
    best: dict[Market, Channel] = {}
    for channel in venue.channels:
        if "quote" in channel.makes and (channel.market not in best or channel.rank < best[channel.market].rank):
            best[channel.market] = channel
    return {market: channel.name for market, channel in best.items()}


def kinds_of(venue: Venue, channel: Channel) -> tuple[str, ...]:
    """The kinds that a channel feeds in this plan: `quote` only where it is the best of its market."""
    best = quote_channels(venue).get(channel.market) == channel.name
    return tuple(kind for kind in channel.makes if kind != "quote" or best)


def selected(instruments: Iterable[Instrument], assets: Collection[str] = ()) -> list[Instrument]:
    """The instruments that are collected, by market and symbol.

    One whose multiplier waits for a price check is collected too: without its prices nothing could be checked.
    """
    chosen = [i for i in instruments if (i.collected or _unchecked(i)) and (not assets or i.asset in assets)]
    return sorted(chosen, key=lambda instrument: (instrument.market, instrument.symbol, instrument.native))


def _unchecked(instrument: Instrument) -> bool:
    return (
        instrument.status == "quarantined"
        and instrument.quarantine_reason == UNCONFIRMED
        and instrument.quote in COLLECTED_QUOTES
    )


def wanted(venue: Venue, instruments: Sequence[Instrument], selection: Selection) -> dict[TopicKey, Topic]:
    """Every topic that this process should carry, in stable order. `instruments` as `selected()` gives them."""
    topics: dict[TopicKey, Topic] = {}
    for channel in venue.channels:
        kinds = kinds_of(venue, channel)
        if channel.makes and not kinds:
            continue  # it could only have made quotes that a better channel makes
        rows = [i for i in instruments if i.market == channel.market]
        if channel.scope == "market":
            found = [_topic(venue, channel, kinds, None)] if rows else []
            found = [topic for topic in found if bucket_of(topic.name) in selection.buckets]
        else:
            asked = _asked(channel, selection)
            found = [
                _topic(venue, channel, kinds, instrument)
                for instrument in rows
                if (asked is None or instrument.symbol in asked) and bucket_of(instrument.symbol) in selection.buckets
            ]
        for topic in found:
            if topic.key not in selection.refused:
                topics[topic.key] = _join(topics.get(topic.key), topic)
    return topics


def served(venue: Venue, instruments: Sequence[Instrument], selection: Selection) -> list[tuple[str, str]]:
    """Every (kind, symbol) that this process publishes.

    A kind that a market-wide topic makes belongs to that topic's owner for all symbols, polls of the same kind
    included, so that one process merges what makes one event; every other to its symbol's owner.
    """
    makers = [(channel.market, kinds_of(venue, channel), _asked(channel, selection)) for channel in venue.channels]
    polls = [(call.market, call.makes, None) for call in venue.calls if call.job == "poll"]
    places: dict[tuple[str, str], None] = {}
    for market, kinds, asked in (*makers, *polls):
        for kind in kinds:
            home = _home(venue, market, kind)
            for instrument in instruments:
                bucket = bucket_of(instrument.symbol) if home is None else home
                wanted = asked is None or instrument.symbol in asked
                if instrument.market == market and wanted and bucket in selection.buckets:
                    places[kind, instrument.symbol] = None
    return list(places)


def _home(venue: Venue, market: Market | None, kind: str) -> int | None:
    """The bucket of the market-wide topic that makes a kind; None where there is none."""
    for channel in venue.channels:
        if channel.scope == "market" and channel.market == market and kind in kinds_of(venue, channel):
            return bucket_of(venue.topic(channel, None))
    return None


def _asked(channel: Channel, selection: Selection) -> set[str] | None:
    """The symbols that somebody wants of an on-demand channel; None: all."""
    if not channel.on_demand:
        return None
    return {symbol for kind in channel.makes for symbol in selection.demand.get(kind, ())}


def _topic(venue: Venue, channel: Channel, kinds: tuple[str, ...], instrument: Instrument | None) -> Topic:
    return Topic(
        endpoint=channel.endpoint,
        name=venue.topic(channel, instrument),
        market=channel.market,
        kinds=kinds,
        symbols=() if instrument is None else (instrument.symbol,),
        weight=channel.weight,
        silent_s=channel.silent_s,
    )


def _join(known: Topic | None, topic: Topic) -> Topic:
    """One topic may serve several instruments (an index that two perpetuals share)."""
    if known is None:
        return topic
    symbols = known.symbols + tuple(symbol for symbol in topic.symbols if symbol not in known.symbols)
    kinds = known.kinds + tuple(kind for kind in topic.kinds if kind not in known.kinds)
    return msgspec.structs.replace(known, symbols=symbols, kinds=kinds)


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
            elif topic != known:
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
