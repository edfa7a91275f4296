"""The market as the scanner knows it: legs by asset, and who writes about them.

A leg is one instrument of one venue. Whether it is good is worked out from its own state when somebody asks, never
by a timer: its channel's state, its producer's pulse, the age of its quote, the quote itself, the instrument.
"""

from collections import deque
from decimal import Decimal
from fractions import Fraction
from typing import TYPE_CHECKING, Final

from services.scanner.control import Row
from services.scanner.detectors.price_check import Standing
from shared.config import Runtime
from shared.events import Book, Event, Funding, Mark, Quote, State, Stats
from shared.instruments import Market as MarketName
from shared.routes.costs import Loan
from shared.routes.fx import CONVERTED
from shared.routes.numbers import scaled
from shared.signals import LegState

if TYPE_CHECKING:
    from services.scanner.lifecycle import Route

MS: Final = 1_000_000
SECOND: Final = 1_000_000_000
FOREVER: Final = 1 << 62
#: A quote whose venue time went back is taken all the same when it was received this much later: a clock was set.
CLOCK_SET_NS: Final = 5 * SECOND


class Producer:
    """One run of one collector process on one stream: its numbering, its pulse, and the epoch of its legs.

    A jump in its numbers or a silence puts all its legs in doubt at once: it raises the epoch, and a leg is confirmed
    only while it carries its producer's epoch.
    """

    __slots__ = ("epoch", "high", "last_ms", "lost", "missing", "name")

    #: Missing numbers that may still come; older ones are given up.
    MISSING_MAX: Final = 4096

    def __init__(self, name: str, seq: int, id_ms: int) -> None:
        self.name = name
        self.high = seq
        self.missing: set[int] = set()
        self.lost = 0
        self.last_ms = id_ms
        self.epoch = 0

    def take(self, seq: int) -> bool | None:
        """True: next in order or late, take it. None: take it, and numbers before it are missing. False: drop."""
        if seq == self.high + 1:
            self.high = seq
            return True
        if seq > self.high:
            skipped = seq - self.high - 1
            self.lost += skipped
            self.missing.update(range(max(self.high + 1, seq - self.MISSING_MAX), seq))
            while len(self.missing) > self.MISSING_MAX:
                self.missing.discard(min(self.missing))
            self.high = seq
            return None
        if seq in self.missing:
            self.missing.discard(seq)
            self.lost -= 1
            return True
        return False


class Source:
    """One stream of the partition: a venue and a kind."""

    __slots__ = ("joined", "key", "kind", "lags", "legs", "producers", "venue")

    def __init__(self, key: str, venue: str, kind: str, joined: tuple[int, int], legs: "dict[str, Leg]") -> None:
        self.key, self.venue, self.kind = key, venue, kind
        self.joined = joined
        self.legs = legs
        self.producers: dict[str, Producer] = {}
        #: recv - ts of recent batches, for the venue's lag
        self.lags: deque[int] = deque(maxlen=61)

    def lag_ns(self) -> int:
        """The median of recv - ts, not below 0."""
        ordered = sorted(self.lags)
        return max(0, ordered[len(ordered) // 2]) if ordered else 0


class Asset:
    """One coin and all its markets. `refused` counts its candidates that were held back, by reason."""

    __slots__ = ("legs", "name", "refused")

    def __init__(self, name: str) -> None:
        self.name = name
        self.legs: list[Leg] = []
        self.refused: dict[str, int] = {}


class Leg:
    """One market of an asset: what it is, what was last said of it, and what follows from that."""

    __slots__ = (
        "active",
        "ask",
        "asset",
        "at_previous",
        "at_second",
        "bid",
        "book",
        "born",
        "channel",
        "confirmed",
        "converted",
        "epoch",
        "excluded_until",
        "fee",
        "fee_rough",
        "funding",
        "gone",
        "left",
        "loan",
        "mark",
        "market",
        "native",
        "needs_ws",
        "new",
        "parsed",
        "part",
        "periodic",
        "producer",
        "quote",
        "quote_source",
        "renewed",
        "row",
        "second",
        "standing",
        "stats",
        "symbol",
        "turnover",
        "venue",
    )

    def __init__(self, venue: str, row: Row, asset: Asset, *, new: bool) -> None:
        self.venue, self.asset = venue, asset
        self.market: MarketName = row.market
        self.symbol, self.native = row.symbol, row.native
        self.part = f"{venue}|{row.market}|{row.native}"
        self.new = new
        self.gone = False
        self.left = 0
        self.born = 0
        self.excluded_until = 0
        self.standing = Standing()
        self.fee: Fraction | None = None
        self.fee_rough = 0.0
        self.loan: Loan | None = None
        self.set_row(row)
        self.quote: Quote | None = None
        self.quote_source: Source | None = None
        self.producer: Producer | None = None
        self.epoch = 0
        self.confirmed = False
        self.needs_ws = False
        self.channel = "up"
        self.renewed = 0
        self.second = 0
        self.at_second: Quote | None = None
        self.at_previous: Quote | None = None
        self.mark: Mark | None = None
        self.funding: Funding | None = None
        self.stats: Stats | None = None
        #: of 24 hours, in its quote currency, as the stream told it: it decides about signals, other stats do not
        self.turnover: str | None = None
        self.book: Book | None = None
        self.active: list[Route] = []
        self.parsed: Quote | None = None
        self.bid = self.ask = 0.0

    def set_row(self, row: Row) -> None:
        self.row = row
        self.gone = False
        self.periodic = row.quote_mode == "periodic"
        self.converted = row.quote in CONVERTED

    def take_quote(self, quote: Quote, producer: Producer, at: int, second: int) -> bool:
        """The next quote in order, at event time `at` in second `second`; False when it is older than what is known.
        Repeats renew and, after a gap, a stale connection or missed batches, confirm; after `down` only a quote that
        the venue sent anew does."""
        old = self.quote
        recv = quote.recv
        if old is not None:
            ts, old_ts = quote.ts, old.ts
            back = ts < old_ts if ts is not None and old_ts is not None else recv < old.recv
            if back and recv - old.recv < CLOCK_SET_NS:
                return False
        if second != self.second:
            self.at_previous = self.at_second if second == self.second + 1 else old
            self.at_second = old
            self.second = second
        self.quote = quote
        self.producer = producer
        if quote.source == "ws":
            self.channel = "up"
            self.needs_ws = False
        elif quote.source == "repeat":
            self._repeat(quote, producer, at)
            return True
        elif self.channel != "up":
            return True  # for the board alone
        else:
            self.needs_ws = False
        self.confirmed = True
        self.epoch = producer.epoch
        self.renewed = recv if recv < at else at
        if not self.born:
            self.born = at
        return True

    def _repeat(self, quote: Quote, producer: Producer, at: int) -> None:
        if self.channel == "gap":
            self.channel = "up"
        if self.channel == "up" and not self.needs_ws:
            self.confirmed = True
            self.epoch = producer.epoch
            self.renewed = (quote.recv if quote.recv < at else at) if self.periodic else at
            self.born = self.born or at

    def seed_quote(self, quote: Quote) -> bool:
        """A last value from before the stream was joined: for the board alone."""
        if self.quote is not None:
            return False
        self.quote = quote
        return True

    def keep(self, event: Event) -> bool:
        """A mark, funding or statistics: what was received last stays. Whether it is this one."""
        if type(event) is Mark:
            if self.mark is None or event.recv >= self.mark.recv:
                self.mark = event
                return True
        elif type(event) is Funding:
            if self.funding is None or event.recv >= self.funding.recv:
                self.funding = event
                return True
        elif type(event) is Stats:
            return self._take_stats(event)
        return False

    def _take_stats(self, stats: Stats) -> bool:
        """What the stream says of the last 24 hours, True where it is shown. The turnover goes by the stream's order
        alone: what is shown may have come from outside it."""
        if stats.turnover is not None:
            self.turnover = stats.turnover
        elif stats.volume is not None and stats.last is not None:
            self.turnover = format(Decimal(stats.volume) * Decimal(stats.last), "f")
        if self.stats is not None and stats.recv < self.stats.recv:
            return False
        self.stats = stats
        return True

    def recall(self, event: Event) -> None:
        """A mark or statistics from outside the order of the streams: shown where there is none, decides nothing."""
        if type(event) is Mark:
            self.mark = self.mark or event
        elif type(event) is Stats:
            self.stats = self.stats or event

    def take_book(self, event: Event) -> bool:
        """A book, or what makes the one that is held doubtful. Whether something changed."""
        if type(event) is Book:
            if self.book is not None and event.recv < self.book.recv:
                return False
            self.book = event
            return True
        if type(event) is State and event.state != "up" and self.book is not None:
            self.book = None
            return True
        return False

    def take_state(self, state: State, producer: Producer) -> bool:
        """What a producer says of the channel; only the one that quoted last is believed."""
        if self.producer is not None and self.producer is not producer:
            return False
        self.channel = state.state
        self.confirmed = False
        self.needs_ws = self.needs_ws or state.state == "down"
        return True

    def numbers(self) -> None:
        """Make `bid`, `ask` and their scaled integers those of the present quote; 0 where a side is missing."""
        quote = self.quote
        if quote is self.parsed:
            return
        self.parsed = quote
        bid, ask = (None, None) if quote is None else (quote.bid, quote.ask)
        self.bid = float(bid) if bid is not None else 0.0
        self.ask = float(ask) if ask is not None else 0.0

    def state(self, at: int, id_ms: int, runtime: Runtime) -> LegState:
        """How this leg stands at event time `at`; `id_ms` is the order's present entry id, which pulses go by."""
        if self.gone:
            return "delisted"
        if at < self.excluded_until:
            return "excluded"
        status = self.row.status
        if status != "trading":
            return "quarantined" if status == "quarantined" else "delisted" if status == "delisting" else "halted"
        return "quarantined" if self.standing.doubted else self.feed_state(at, id_ms, runtime)

    def feed_state(self, at: int, id_ms: int, runtime: Runtime) -> LegState:
        """How its quotes stand, whatever the instrument is."""
        producer = self.producer
        if self.channel != "up":
            return self.channel  # type: ignore[return-value]
        if producer is None or self.quote is None or not self.confirmed or self.epoch != producer.epoch:
            return "unconfirmed"
        if id_ms - producer.last_ms > runtime.alive_ms:
            return "down"
        age = at - self.renewed
        if age > (runtime.max_age_ms if self.periodic else runtime.quiet_max_ms) * MS:
            return "stale"
        self.numbers()
        if not self.bid or not self.ask:
            return "one_sided"
        if self.bid >= self.ask and crossed(self.quote):
            return "crossed"
        return "quiet" if age > runtime.max_age_ms * MS else "ok"

    def reason(self) -> str | None:
        """Why it is quarantined, None where it is not."""
        if self.row.status == "quarantined":
            return self.standing.note or self.row.reason
        return self.standing.note if self.standing.doubted else None

    def age_ms(self, at: int) -> int:
        """How long ago the quote was received, in ms of event time, not below 0."""
        return max(0, at - self.quote.recv) // MS if self.quote is not None else 0

    def moved(self, at: int) -> bool:
        """Whether the mid moved by more than 10 bps within the present and the previous second of event time."""
        apart = at // SECOND - self.second
        if apart > 1 or self.quote is None:
            return False
        earlier = (self.at_second,) if apart else (self.at_second, self.at_previous)
        return any(quote is not None and apart_bps(self.quote, quote) > 10 for quote in earlier)


def crossed(quote: Quote) -> bool:
    """Bid at or above ask, exactly."""
    if quote.bid is None or quote.ask is None:
        return False
    (bid, b), (ask, a) = scaled(quote.bid), scaled(quote.ask)
    return bool(bid * 10**a >= ask * 10**b)


def apart_bps(one: Quote, other: Quote) -> float:
    """How far two mids lie apart; 0 where a side is missing."""
    first, second = mid(one), mid(other)
    return abs(first / second - 1) * 10_000 if first and second else 0.0


def mid(quote: Quote) -> float:
    """The mid as a float; 0 where a side is missing."""
    return (float(quote.bid) + float(quote.ask)) / 2 if quote.bid is not None and quote.ask is not None else 0.0
