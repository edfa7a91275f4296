"""What a process should carry and publish: a venue's channels, the selected instruments, demand -> topics. Pure."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import msgspec

from services.collector.plan import Topic, TopicKey
from services.collector.venue import Channel, Venue
from shared.instruments import COLLECTED_QUOTES, UNCONFIRMED, Instrument, Market
from shared.streams import bucket_of

#: (kind, symbol)
Place = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Selection:
    """What this process serves: its buckets, what is asked for on demand, topics that the venue refused."""

    buckets: Collection[int]
    demand: Mapping[str, Collection[str]] = field(default_factory=dict)
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

    One whose multiplier waits for a price check is collected too: without its prices nothing could be checked. So are
    the spot markets between the quote currencies, whatever `assets` says: they give the rate across quotes.
    """
    chosen = [
        one
        for one in instruments
        if (one.collected or _unchecked(one)) and (not assets or one.asset in assets or _gives_rate(one))
    ]
    return sorted(chosen, key=lambda instrument: (instrument.market, instrument.symbol, instrument.native))


def _gives_rate(instrument: Instrument) -> bool:
    return instrument.market == "spot" and instrument.base in COLLECTED_QUOTES


def _unchecked(instrument: Instrument) -> bool:
    return (
        instrument.status == "quarantined"
        and instrument.quarantine_reason == UNCONFIRMED
        and instrument.quote in COLLECTED_QUOTES
    )


class Wants:
    """What a venue's process should carry and publish. The part that asks nobody is worked out once per listing."""

    def __init__(self, venue: Venue) -> None:
        self._venue = venue
        self._key: tuple[object, ...] = ()
        self._instruments: Sequence[Instrument] = ()
        self._rows: dict[Market, list[Instrument]] = {}
        self._topics: dict[TopicKey, Topic] = {}
        self._places: dict[Place, None] = {}

    def of(self, instruments: Sequence[Instrument], selection: Selection) -> tuple[dict[TopicKey, Topic], list[Place]]:
        """(topics, places) in stable order: every topic to carry, every (kind, symbol) to publish.

        `instruments` as `selected()` gives them. A kind that a market-wide topic makes belongs to that topic's owner
        for all symbols, polls of the same kind included, so that one process merges what makes one event; every other
        to its symbol's owner.
        """
        key = (frozenset(selection.buckets), frozenset(selection.refused))
        if key != self._key or instruments is not self._instruments:
            self._key, self._instruments = key, instruments
            self._rows = {market: [one for one in instruments if one.market == market] for market in ("spot", "perp")}
            self._topics, self._places = self._standing(selection)
        topics, places = dict(self._topics), dict(self._places)
        for channel in self._venue.channels:
            if channel.on_demand:
                asked = {symbol for kind in channel.makes for symbol in selection.demand.get(kind, ())}
                rows = [one for one in self._rows[channel.market] if one.symbol in asked]
                self._carry(channel, rows, selection, topics)
                self._publish(channel.market, kinds_of(self._venue, channel), rows, selection, places)
        return topics, list(places)

    def _standing(self, selection: Selection) -> tuple[dict[TopicKey, Topic], dict[Place, None]]:
        topics: dict[TopicKey, Topic] = {}
        places: dict[Place, None] = {}
        for channel in self._venue.channels:
            if not channel.on_demand:
                rows = self._rows[channel.market]
                self._carry(channel, rows, selection, topics)
                self._publish(channel.market, kinds_of(self._venue, channel), rows, selection, places)
        for call in self._venue.calls:
            if call.job == "poll" and call.market is not None:
                self._publish(call.market, call.makes, self._rows[call.market], selection, places)
        return topics, places

    def _carry(
        self, channel: Channel, rows: list[Instrument], selection: Selection, topics: dict[TopicKey, Topic]
    ) -> None:
        kinds = kinds_of(self._venue, channel)
        if not rows or (channel.makes and not kinds):
            return  # nothing to serve, or only quotes that a better channel makes
        wide = channel.scope == "market"
        for one in [None] if wide else rows:
            seat = self._seat(channel) if one is None else None
            topic = _topic(self._venue, channel, kinds, one, seat)
            mine = (bucket_of(one.symbol) if one is not None else seat) in selection.buckets
            if mine and topic.key not in selection.refused:
                topics[topic.key] = _join(topics.get(topic.key), topic)

    def _publish(
        self,
        market: Market,
        kinds: Iterable[str],
        rows: list[Instrument],
        selection: Selection,
        places: dict[Place, None],
    ) -> None:
        own = [one.symbol for one in rows if bucket_of(one.symbol) in selection.buckets]
        for kind in kinds:
            home = self._home(market, kind)
            if home is None:
                places.update(dict.fromkeys((kind, symbol) for symbol in own))
            elif home in selection.buckets:
                places.update(dict.fromkeys((kind, one.symbol) for one in rows))

    def _home(self, market: Market, kind: str) -> int | None:
        """The bucket of the market-wide topics that make a kind; None where there are none."""
        for channel in self._wide(market):
            if kind in kinds_of(self._venue, channel):
                return self._seat(channel)
        return None

    def _seat(self, channel: Channel) -> int:
        """The bucket of a market-wide topic. Those that make one kind together share the first one's."""
        kinds = set(kinds_of(self._venue, channel))
        for first in self._wide(channel.market):
            if first is channel:
                break
            if kinds & set(kinds_of(self._venue, first)):
                return self._seat(first)
        return bucket_of(self._venue.topic(channel, None))

    def _wide(self, market: Market) -> list[Channel]:
        return [one for one in self._venue.channels if one.scope == "market" and one.market == market]


def _topic(
    venue: Venue, channel: Channel, kinds: tuple[str, ...], instrument: Instrument | None, seat: int | None
) -> Topic:
    return Topic(
        endpoint=channel.endpoint,
        name=venue.topic(channel, instrument),
        market=channel.market,
        kinds=kinds,
        symbols=() if instrument is None else (instrument.symbol,),
        weight=channel.weight,
        silent_s=channel.silent_s,
        seat=seat,
        urgent=channel.on_demand,
    )


def _join(known: Topic | None, topic: Topic) -> Topic:
    """One topic may serve several instruments (an index that two perpetuals share)."""
    if known is None:
        return topic
    symbols = known.symbols + tuple(symbol for symbol in topic.symbols if symbol not in known.symbols)
    kinds = known.kinds + tuple(kind for kind in topic.kinds if kind not in known.kinds)
    return msgspec.structs.replace(known, symbols=symbols, kinds=kinds, urgent=known.urgent or topic.urgent)
