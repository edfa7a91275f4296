"""What the desk keeps per symbol and stream: tiny records, made once, so that an event costs one lookup. Pure."""

from collections.abc import Callable
from typing import Final, Generic, Protocol

from services.collector.merge import E, Parts
from services.collector.recent import Ring
from shared.events import Event, FeedState, Liquidation, Quote, Trade
from shared.instruments import asset_of
from shared.streams import LAST_KINDS, last, market_data, partition_of

MERGED_KINDS: Final = ("mark", "funding", "stats")
PRINT_KINDS: Final[dict[str, type]] = {"trade": Trade, "liquidation": Liquidation}


#: stream key -> what puts an event into its lane
Joins = Callable[[str], Callable[[Event], None]]


class Source(Protocol):
    """Where events come from: a connection (a newer one has a higher `generation`), or a REST job (generation 0)."""

    @property
    def generation(self) -> int: ...


class Feed:
    """One symbol on one stream. `owners` are the sources that feed it; `recv` is when one of them last did."""

    __slots__ = ("key", "kind", "last_key", "owners", "recv", "state", "symbol")

    def __init__(self, venue: str, partitions: int, kind: str, symbol: str) -> None:
        partition = partition_of(asset_of(symbol), partitions)
        self.kind, self.symbol = kind, symbol
        self.key = market_data(partition, venue, kind)
        self.last_key = last(partition, venue, kind) if kind in LAST_KINDS else ""
        self.owners: set[Source] = set()
        self.state: FeedState = "down"
        self.recv = 0

    def heard(self, since: int) -> bool:
        return self.recv >= since

    def fed_by(self, source: Source) -> bool:
        return source in self.owners

    def leave(self, source: Source) -> bool:
        """Forget a source; True where nothing feeds this any more."""
        if source not in self.owners:
            return False
        self.owners.discard(source)
        return not self.owners

    def rename(self, old: Source, new: Source) -> None:
        if old in self.owners:
            self.owners.discard(old)
            self.owners.add(new)


class OwnedFeed(Feed):
    """A feed that one source at a time may publish."""

    __slots__ = ("owner",)

    def __init__(self, venue: str, partitions: int, kind: str, symbol: str) -> None:
        super().__init__(venue, partitions, kind, symbol)
        self.owner: Source | None = None

    def fed_by(self, source: Source) -> bool:
        return self.owner is source

    def leave(self, source: Source) -> bool:
        if self.owner is not source:
            return False
        self.owner = None
        return True

    def rename(self, old: Source, new: Source) -> None:
        if self.owner is old:
            self.owner = new


class QuoteFeed(OwnedFeed):
    """`last` is the newest quote published, `kept` the one that is the last value, `repeated` when it was sent again.

    `put` puts one into its lane.
    """

    __slots__ = ("kept", "last", "put", "repeated")

    def __init__(self, venue: str, partitions: int, symbol: str, joins: Joins) -> None:
        super().__init__(venue, partitions, "quote", symbol)
        self.put = joins(self.key)
        self.last: Quote | None = None
        self.kept: Quote | None = None
        self.repeated = 0

    def heard(self, since: int) -> bool:
        return self.last is not None and self.last.source == "ws" and self.last.recv >= since


class BookFeed(OwnedFeed):
    """Pictures and depth of one book."""

    __slots__ = ()

    def __init__(self, venue: str, partitions: int, symbol: str) -> None:
        super().__init__(venue, partitions, "book", symbol)


class PrintFeed(Feed):
    """Trades or liquidations: every source counts, ids tell doubles.

    `live_ts` is the newest live row's time, 0 before the first; `source` the one that was heard last.
    """

    __slots__ = ("live_ts", "new", "put", "source")

    def __init__(self, venue: str, partitions: int, kind: str, symbol: str, joins: Joins) -> None:
        super().__init__(venue, partitions, kind, symbol)
        self.put = joins(self.key)
        self.new = Ring().new
        self.live_ts = 0
        self.source: Source | None = None

    def leave(self, source: Source) -> bool:
        self.source = None
        return super().leave(source)

    def rename(self, old: Source, new: Source) -> None:
        self.source = None
        super().rename(old, new)


class MergedFeed(Feed, Generic[E]):
    """Mark, funding or stats: merged from its sources, published under a cap."""

    __slots__ = ("gone", "kept", "parts", "published", "queued", "sent", "settled")

    def __init__(self, venue: str, partitions: int, kind: str, symbol: str) -> None:
        super().__init__(venue, partitions, kind, symbol)
        self.parts: Parts[E] = Parts()
        self.published: E | None = None
        self.sent = 0  # when it was last published
        self.queued = False  # waits for its cap
        self.kept = False  # waits to be repeated
        self.gone = False  # no longer served
        self.settled: set[int] = set()  # times of the payments published

    def leave(self, source: Source) -> bool:
        self.parts.drop(source)
        return super().leave(source)

    def rename(self, old: Source, new: Source) -> None:
        self.parts.rename(old, new)
        super().rename(old, new)
