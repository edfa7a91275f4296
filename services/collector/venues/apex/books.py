"""Books of 25 levels kept whole, for the best of each side: the exchange has no channel of best bids and offers.

Procedure:

1. a snapshot is the whole book (bids come worst first, so nothing is read from the order); `u` is its number;
2. a change has the number after the one before, absolute sizes, and removes what has the size 0, levels that leave
   the 25 among them;
3. a number that is not above the last one is a frame that came twice, unless it is younger: then the count began anew;
4. anything else is a gap, a change that cannot be used makes one, and so does a book whose sides cross: what was known
   is forgotten and said to be lost, and nothing is guessed until the next snapshot.
"""

from typing import Final

from services.collector import normalise
from services.collector.book_side import Side
from services.collector.messages import Lost, Message, Unknown
from services.collector.normalise import BadNumber
from services.collector.table import Listed
from services.collector.venues.apex import times
from services.collector.venues.apex.shapes import BookData, BookFrame
from shared.events import Level, Quote, Source

#: a number of changes that no book reaches
_LAST: Final = 1 << 62


class Kept:
    """One book as it is after the change numbered `seq`."""

    __slots__ = ("asks", "bids", "multiple", "seq", "ts")

    def __init__(self, data: BookData, at: Listed, ts: int | None) -> None:
        """Raises `BadNumber`."""
        self.seq, self.ts, self.multiple = data.u, ts, (at.divide_price, at.times_size)
        self.bids, self.asks = Side(bids=True), Side(bids=False)
        for side, rows in ((self.bids, data.b), (self.asks, data.a)):
            levels = normalise.levels(rows or (), at)
            side.load(levels, levels, None, sliding=False)

    def take(self, data: BookData, at: Listed, ts: int | None) -> None:
        """Apply a change. Raises `BadNumber`, and then nothing has changed."""
        bids, asks = normalise.levels(data.b or (), at), normalise.levels(data.a or (), at)
        self.bids.change(bids, bids)
        self.asks.change(asks, asks)
        self.seq, self.ts = data.u, ts

    @property
    def crossed(self) -> bool:
        bid, ask = self.bids.best(), self.asks.best()
        return bid is not None and ask is not None and bid >= ask


class Books:
    """The books of one connection, by native id."""

    def __init__(self) -> None:
        self._kept: dict[str, Kept] = {}

    def push(self, frame: BookFrame, at: Listed, recv: int) -> list[Message]:
        """What a snapshot or change says of the best of each side."""
        data = frame.data
        native, kept = data.s, self._kept.get(data.s)
        if frame.type not in ("snapshot", "delta"):
            return self.spoiled(at, native, "bad_shape")
        try:
            if not 0 <= data.u < _LAST:
                raise BadNumber(str(data.u)[:40])
            ts = times.of_push(frame.ts)
            if frame.type == "snapshot":
                kept = self._kept[native] = Kept(data, at, ts)
                return [_quote(kept, at, recv)]
            if kept is None:
                return [Unknown("no_snapshot", native)]
            if data.u != kept.seq + 1:
                younger = ts is not None and kept.ts is not None and ts > kept.ts
                if data.u <= kept.seq and not younger:
                    return [Unknown("doubled", native)]
                return [self._lost(at, native, f"gap before {data.u}")]
            if kept.multiple != (at.divide_price, at.times_size):  # users may say so at any time
                return [self._lost(at, native, "another multiple")]
            kept.take(data, at, ts)
        except BadNumber:
            return self.spoiled(at, native, "bad_number")
        return [self._lost(at, native, "sides that cross")] if kept.crossed else [_quote(kept, at, recv)]

    def spoiled(self, at: Listed, native: str, reason: str) -> list[Message]:
        """A frame that cannot be used: with it the book is lost, if there was one."""
        if native not in self._kept:
            return [Unknown(reason, native)]
        return [Unknown(reason, native), self._lost(at, native, "a change that cannot be used")]

    def _lost(self, at: Listed, native: str, reason: str) -> Lost:
        del self._kept[native]
        return Lost(at.symbol, "quote", reason)


def picture(data: BookData, at: Listed, recv: int) -> Quote:
    """The best of a book that came over REST, whose numbers are not those of the stream. Raises `BadNumber`."""
    return _quote(Kept(data, at, None), at, recv, "rest")


def _quote(kept: Kept, at: Listed, recv: int, source: Source = "ws") -> Quote:
    (bid, bid_size), (ask, ask_size) = _best(kept.bids), _best(kept.asks)
    seq = kept.seq if source == "ws" else None
    return Quote(at.symbol, bid, bid_size, ask, ask_size, kept.ts, recv, source, seq)


def _best(side: Side) -> Level | tuple[None, None]:
    """Price and size of the best level; None of an empty side."""
    top = side.top(1)
    return top[0] if top else (None, None)
