"""From decoded events to the bus: who may publish what, how often, and what is said when a source is lost. Pure.

Theory of operation. A `Feed` stands for one symbol on one stream; `serve` makes and removes them. Sources (connections,
REST jobs) bring events with `take`; the clock is the events' own `recv` and the `now` of `tick`.

1. *Quotes* have one owner. A newer connection takes over with its first quote that is not older than the last; from
   then on the older one is not heard. A REST quote goes out only while the feed is not up, never older than the last;
   while it is up, REST quotes tell topics that have frozen (`quotes.py`).
2. *Trades and liquidations* are taken from every source; the ring of ids, which outlives connections, drops doubles.
   Replayed rows go out only if newer than the last live row.
3. *Mark, funding, stats* are merged over their sources and published under a cap (`capped.py`). A REST poll adds its
   part but never makes a feed `up`.
4. *States* travel on the stream of what they speak of, in order with it: `up` before the first event of a source,
   `stale` and `down` when the session says so. What a lost source said is forgotten in merged events.
5. An unchanged quote is repeated within 30 s, with its first `recv`, while its feed is up.
"""

import sys
from collections import Counter
from collections.abc import Callable, Collection, Iterable
from typing import Any, Final, Protocol

from services.collector.capped import Capped
from services.collector.feeds import (
    MERGED_KINDS,
    PRINT_KINDS,
    BookFeed,
    Feed,
    MergedFeed,
    PrintFeed,
    QuoteFeed,
    Source,
)
from services.collector.lanes import Lanes
from services.collector.messages import Control, Message, Replayed
from services.collector.plan import Topic
from services.collector.quotes import CrossCheck, behind, same
from services.collector.rota import Rota
from shared.events import (
    KIND,
    Book,
    Depth,
    Event,
    FeedState,
    Funding,
    Liquidation,
    Mark,
    Quote,
    Settlement,
    State,
    Stats,
    Trade,
)
from shared.instruments import Market

SECOND: Final = 1_000_000_000
#: how far back funding payments are published
SETTLED_KEPT: Final = 7 * 86_400 * SECOND

#: (kind, symbol)
Place = tuple[str, str]
#: why a feed of (kind, symbol) is no longer served
Why = Callable[[str, str], str | None]


class Bus(Protocol):
    """The part of the writer that the desk needs."""

    def append(self, key: str, event: Event) -> None: ...
    def outlet(self, key: str) -> Callable[[list[Event]], None]: ...
    def put_last(self, key: str, field: str, event: Event) -> None: ...
    def delete_last(self, key: str, field: str) -> None: ...


class Desk:
    """See the module's theory of operation."""

    def __init__(self, venue: str, partitions: int, bus: Bus) -> None:
        self._venue, self._partitions = venue, partitions
        self._append, self._put_last, self._delete_last = bus.append, bus.put_last, bus.delete_last
        self._lanes = Lanes(bus.outlet)
        self._quotes: dict[str, QuoteFeed] = {}
        self._prints: dict[type, dict[str, PrintFeed]] = {Trade: {}, Liquidation: {}}
        self._merged: dict[Place, MergedFeed[Any]] = {}
        self._books: dict[str, BookFeed] = {}
        self._places: set[Place] = set()
        self._members: dict[Market, frozenset[str]] = {}
        self._capped = Capped(self._out)
        self._cross_check = CrossCheck()
        self._rota = Rota(self._out, self._put_last)
        self._handlers: dict[type, Callable[[Source, Any], None]] = {
            Trade: self._print,
            Liquidation: self._print,
            Replayed: self._replayed,
            Mark: self._merge,
            Funding: self._merge,
            Stats: self._merge,
            Book: self._book,
            Depth: self._book,
            Settlement: self._settlement,
        }
        #: events given to the bus
        self.events = 0
        #: symbols whose quotes were found frozen; the caller takes them out and asks for their topics anew
        self.frozen: list[str] = []
        #: events that were not published, by reason
        self.held: Counter[str] = Counter()

    # ---- what is served

    def serve(
        self, places: Iterable[Place], members: dict[Market, frozenset[str]], why: Why | None = None, now: int = 0
    ) -> None:
        """Have a feed for exactly these places. `members`: the selected symbols of each market, for market-wide topics.

        Of a feed that goes, `why(kind, symbol)` tells the reason: it says `down`, at `now` (ns), and its last value is
        deleted. None: another process has it now, not a word.
        """
        self._members = members
        self._rota.keep()
        wanted = set(places)
        for kind, symbol in self._places - wanted:
            feed = self._feed(kind, symbol)
            if feed is not None:
                self._remove(feed, None if why is None else why(kind, symbol), now)
        for kind, symbol in wanted - self._places:
            self._ensure(kind, symbol)
        self._places = wanted
        self._rota.follow(self._quotes.values())

    def withdraw(self, symbols: Collection[str], reason: str, now: int) -> None:
        """Let go of all feeds of some symbols; `serve` makes them anew."""
        gone = {place for place in self._places if place[1] in symbols}
        self.serve(self._places - gone, self._members, lambda kind, symbol: reason, now)

    def feeds(self) -> list[Feed]:
        prints = (feed for feeds in self._prints.values() for feed in feeds.values())
        return [*self._quotes.values(), *prints, *self._merged.values(), *self._books.values()]

    def keys(self) -> set[str]:
        """Every stream this process writes to."""
        return {feed.key for feed in self.feeds()}

    def _ensure(self, kind: str, symbol: str) -> None:
        place, make = (kind, symbol), (self._venue, self._partitions)
        if kind == "quote":
            if symbol not in self._quotes:
                self._quotes[symbol] = QuoteFeed(*make, symbol, self._lanes.joins)
        elif kind in PRINT_KINDS:
            feeds = self._prints[PRINT_KINDS[kind]]
            if symbol not in feeds:
                feeds[symbol] = PrintFeed(*make, kind, symbol, self._lanes.joins)
        elif kind in MERGED_KINDS:
            if place not in self._merged:
                self._merged[place] = MergedFeed(*make, kind, symbol)
        elif kind == "book" and symbol not in self._books:
            self._books[symbol] = BookFeed(*make, symbol)

    def _remove(self, feed: Feed, reason: str | None, now: int) -> None:
        if isinstance(feed, QuoteFeed):
            del self._quotes[feed.symbol]
        elif isinstance(feed, BookFeed):
            del self._books[feed.symbol]
        elif isinstance(feed, PrintFeed):
            del self._prints[PRINT_KINDS[feed.kind]][feed.symbol]
        elif isinstance(feed, MergedFeed):
            del self._merged[feed.kind, feed.symbol]
            feed.gone = True
        if reason is not None:
            self._say(feed, "down", reason, now)
            if feed.last_key:
                self._delete_last(feed.last_key, feed.symbol)

    def _feed(self, kind: str, symbol: str) -> Feed | None:
        if kind == "quote":
            return self._quotes.get(symbol)
        if kind == "book":
            return self._books.get(symbol)
        if kind in PRINT_KINDS:
            return self._prints[PRINT_KINDS[kind]].get(symbol)
        return self._merged.get((kind, symbol))

    def of(self, topics: Iterable[Topic]) -> Iterable[Feed]:
        """The feeds of some topics."""
        for topic in topics:
            for symbol in topic.symbols or self._members.get(topic.market, ()):
                for kind in topic.kinds:
                    feed = self._feed(kind, symbol)
                    if feed is not None:
                        yield feed

    def serves(self, kind: str, symbol: str) -> bool:
        return self._feed(kind, symbol) is not None

    def quotes_down(self, symbols: Iterable[str]) -> bool:
        """Whether any quote served here is not up."""
        feeds = (self._quotes.get(symbol) for symbol in symbols)
        return any(feed is not None and feed.state != "up" for feed in feeds)

    def heard(self, topic: Topic, since: int) -> bool:
        """Whether any data of a topic came at or after `since`."""
        return any(feed.heard(since) for feed in self.of((topic,)))

    # ---- 1: the hot path

    def take(self, source: Source, messages: Iterable[Message]) -> list[Control]:
        """Publish the events of one frame or of several. Returns, in order, what is not for the desk."""
        rest: list[Control] = []
        quotes = self._quotes
        for message in messages:
            if type(message) is Quote:  # quicker than isinstance where it is not
                feed = quotes.get(message.symbol)
                if feed is None:
                    self.held["not_served"] += 1
                    continue
                if feed.owner is not source and not self._takes_over(feed, source, message):
                    continue
                feed.last = message
                feed.put(message)
            elif (handler := self._handlers.get(type(message))) is not None:
                handler(source, message)
            else:
                rest.append(message)  # type: ignore[arg-type]
        self.events += self._lanes.send()
        return rest

    def _takes_over(self, feed: QuoteFeed, source: Source, quote: Quote) -> bool:
        """Whether a quote of another source than the owner is published; settles who owns the feed."""
        last, owner = feed.last, feed.owner
        if quote.source == "rest":
            return self._fills_in(feed, quote)
        if owner is not None and last is not None:
            if source.generation < owner.generation or behind(quote, last):
                self.held["overlap"] += 1
                return False
            feed.owner = source
            self._up(feed, quote.recv)
            if same(quote, last):
                self.held["overlap"] += 1
                return False
            return True
        feed.owner = source
        self._up(feed, quote.recv)
        return True

    def _fills_in(self, feed: QuoteFeed, quote: Quote) -> bool:
        """A REST quote: only while the feed is not up, and never older than the last; else it is compared with it."""
        if feed.state == "up" and feed.last is not None and self._cross_check.frozen(feed.last, quote):
            feed.owner = None  # the next quote of any connection says `up`
            self._say(feed, "stale", "frozen: REST says otherwise", quote.recv)
            self.frozen.append(feed.symbol)
        if feed.state == "up" or (feed.last is not None and behind(quote, feed.last)):
            self.held["rest_not_needed"] += 1
            return False
        return True

    # ---- 2: prints

    def _print(self, source: Source, event: Trade | Liquidation) -> None:
        feed = self._prints[type(event)].get(event.symbol)
        if feed is None:
            self.held["not_served"] += 1
            return
        feed.recv = event.recv
        if source is not feed.source:
            if source not in feed.owners:
                self._join(feed, source, event.recv)
            feed.source = source
        name, ts = event.id, event.ts
        if not feed.new((ts, event.side, event.price, event.size) if name is None else name):
            self.held["doubled"] += 1
            return
        if ts is not None and ts > feed.live_ts:
            feed.live_ts = ts
        feed.put(event)

    def _replayed(self, source: Source, message: Replayed) -> None:
        event = message.event
        feed = self._prints[type(event)].get(event.symbol)
        if feed is None or not feed.live_ts or event.ts is None or event.ts <= feed.live_ts:
            self.held["replayed"] += 1
            return
        self._print(source, event)

    # ---- 3: merged events

    def _merge(self, source: Source, event: Mark | Funding | Stats) -> None:
        feed = self._merged.get((KIND[type(event)], event.symbol))
        if feed is None:
            self.held["not_served"] += 1
            return
        feed.recv = event.recv
        if source.generation and source not in feed.owners:
            self._join(feed, source, event.recv)
        self._capped.put(feed, source, event)

    def tick(self, now: int, at_most: int = sys.maxsize) -> bool:
        """Publish what a cap held back, and see to the quotes that rest.

        To be called a few times a second, and again where there was more.
        """
        self._rota.tick(now)
        return self._capped.tick(now, at_most)

    # ---- books

    def _book(self, source: Source, event: Book | Depth) -> None:
        """One owner, as for quotes: a newer connection takes over with its first picture, once it is in step."""
        feed = self._books.get(event.symbol)
        if feed is None:
            self.held["not_served"] += 1
            return
        if feed.owner is not source:
            if feed.owner is not None and source.generation < feed.owner.generation:
                self.held["overlap"] += 1
                return
            feed.owner = source
        feed.recv = event.recv
        self._up(feed, event.recv)
        self._out(feed, event)

    def gap(self, source: Source, symbol: str, reason: str, now: int) -> None:
        """A book fell out of step; the next picture says `up`."""
        feed = self._books.get(symbol)
        if feed is not None and feed.owner is source and feed.state != "gap":
            self._say(feed, "gap", reason, now)

    # ---- settlements

    def _settlement(self, source: Source, event: Settlement) -> None:
        """A payment of the last week, once."""
        feed = self._merged.get(("funding", event.symbol))
        if feed is None:
            self.held["not_served"] += 1
        elif event.settle_ts < event.recv - SETTLED_KEPT or event.settle_ts in feed.settled:
            self.held["settled_before"] += 1
        else:
            feed.settled = {at for at in feed.settled if at >= event.recv - SETTLED_KEPT} | {event.settle_ts}
            self._out(feed, event)

    def next_payment(self, symbol: str) -> int | None:
        """When a perpetual's next funding payment is due, as far as was published."""
        feed = self._merged.get(("funding", symbol))
        return feed.published.next_ts if feed is not None and feed.published is not None else None

    # ---- 4: states

    def state(self, source: Source, topics: Iterable[Topic], state: FeedState, reason: str, now: int) -> None:
        """Say what became of a source's topics; feeds that another source serves as well stay as they are."""
        for feed in self.of(topics):
            if not feed.fed_by(source):
                continue
            if state == "down":
                if feed.leave(source):
                    self._say(feed, "down", reason, now)
            elif feed.state != state:
                self._say(feed, state, reason, now)

    def hand_over(self, old: Source, new: Source, topics: Iterable[Topic]) -> None:
        """The old connection goes: what it still owned is the new one's, without a word to the readers."""
        for feed in self.of(topics):
            feed.rename(old, new)

    def announce(self, state: FeedState, reason: str, now: int) -> None:
        """A producer's start and stop: one state for all of its symbols, on every stream."""
        self._rota.keep()
        for key in sorted(self.keys()):
            self._append(key, State(None, state, reason, now))

    def _join(self, feed: Feed, source: Source, now: int) -> None:
        feed.owners.add(source)
        self._up(feed, now)

    def _up(self, feed: Feed, now: int) -> None:
        if feed.state != "up":
            self._say(feed, "up", "data", now)

    def _say(self, feed: Feed, state: FeedState, reason: str, now: int) -> None:
        self.events += self._lanes.send()  # a state stands behind what was said before it
        feed.state = state
        event = State(feed.symbol, state, reason, now)
        self._append(feed.key, event)
        if feed.last_key:
            self._put_last(feed.last_key, feed.symbol, event)

    def _out(self, feed: Feed, event: Event) -> None:
        self.events += 1
        self._append(feed.key, event)
        if feed.last_key and not isinstance(event, Settlement):
            self._put_last(feed.last_key, feed.symbol, event)
