"""Tickers -> quote, mark, funding and 24 h figures.

A perpetual's ticker begins with a snapshot, then says only what changed: what a delta leaves out is as it was. The
whole picture is kept per symbol and connection; a delta without a snapshot before it cannot be read. An event is made
of the whole picture when the delta touches one of its fields. A field that is no number is forgotten, it does not stay
as it was.

A spot ticker is always whole, and over the socket it has no bid and no ask; over REST both have them.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final

import msgspec

from services.collector import normalise
from services.collector.messages import Message, Unknown
from services.collector.normalise import BadNumber, nanoseconds
from services.collector.table import Listed
from services.collector.venues.bybit.rows import MS, Reader
from services.collector.venues.bybit.shapes import TickerFrame
from shared.events import Funding, Mark, Quote, Source, Stats

QUOTE: Final = frozenset({"bid1Price", "bid1Size", "ask1Price", "ask1Size"})
MARK: Final = frozenset({"markPrice", "indexPrice"})
FUNDING: Final = frozenset({"fundingRate", "nextFundingTime", "fundingIntervalHour"})
#: what a ticker of a perpetual has and that of a spot pair has not
PERPS_ONLY: Final = frozenset({"markPrice", "openInterest", "fundingRate", "nextFundingTime"})
STATS: Final = frozenset({"lastPrice", "volume24h", "turnover24h", "singleOpenInterest", "singleOpenInterestValue"})

Fields = Mapping[str, Any]


class Known:
    """One symbol's ticker as it is now."""

    __slots__ = ("fields", "stats")

    def __init__(self, fields: dict[str, Any]) -> None:
        self.fields = fields
        self.stats: Stats | None = None


class Tickers:
    """The tickers of one connection."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self._known: dict[str, Known] = {}

    def read(self, frame: TickerFrame, recv: int) -> list[Message]:
        """The messages of one push."""
        data = frame.data
        native = data.get("symbol")
        if not isinstance(native, str) or frame.type not in ("snapshot", "delta"):
            return [Unknown("bad_shape", native if isinstance(native, str) else None)]
        at = self._reader.find(native)
        if at is None:
            return [self._reader.miss(native)]
        snapshot, known = frame.type == "snapshot", self._known.get(native)
        if (snapshot and PERPS_ONLY.isdisjoint(data)) != (self._reader.market == "spot"):
            return [Unknown("other_market", native)]
        if snapshot:
            known = self._known[native] = Known(data)
        elif known is None:
            return [Unknown("no_snapshot", native)]
        else:
            known.fields.update(data)
        ts = None if frame.ts is None else frame.ts * MS
        return self._touched(known, data, native, at, ts, recv, frame.cs)

    def _touched(
        self, known: Known, data: Fields, native: str, at: Listed, ts: int | None, recv: int, seq: int | None
    ) -> list[Message]:
        """The events whose fields `data` has. One that has none of any kind renews the 24 h figures."""
        keys, fields, made = data.keys(), known.fields, list[Message]()
        quotes = self._reader.ticker_quotes and "bid1Price" in fields and not keys.isdisjoint(QUOTE)
        if quotes:
            made += _made(known, data, native, QUOTE, lambda: quote(fields, at, ts, recv, "ws", seq))
        if at.instrument.market == "perp":
            if not keys.isdisjoint(MARK):
                made += _made(known, data, native, MARK, lambda: mark(fields, at, ts, recv))
            if not keys.isdisjoint(FUNDING):
                made += _made(known, data, native, FUNDING, lambda: funding(fields, at, ts, recv))
        if not keys.isdisjoint(STATS):
            known.stats = None
        if made and known.stats is not None:
            return made
        return made + self._stats(known, data, native, at, ts, recv)

    @staticmethod
    def _stats(known: Known, data: Fields, native: str, at: Listed, ts: int | None, recv: int) -> list[Message]:
        if known.stats is not None:
            return [msgspec.structs.replace(known.stats, ts=ts, recv=recv)]
        made = _made(known, data, native, STATS, lambda: stats(known.fields, at, ts, recv))
        if made and isinstance(made[0], Stats):
            known.stats = made[0]
        return made


def _made(
    known: Known, data: Fields, native: str, group: frozenset[str], make: Callable[[], Message | None]
) -> list[Message]:
    try:
        made = make()
    except BadNumber:
        for key in group & data.keys():
            known.fields.pop(key, None)
        return [Unknown("bad_number", native)]
    return [] if made is None else [made]


def whole(fields: Fields, native: str, at: Listed, ts: int | None, recv: int) -> list[Message]:
    """All events of a ticker that came over REST."""
    known = Known(dict(fields))
    made = _made(known, fields, native, QUOTE, lambda: quote(fields, at, ts, recv, "rest", None))
    if at.instrument.market == "perp":
        made += _made(known, fields, native, MARK, lambda: mark(fields, at, ts, recv, "rest"))
        made += _made(known, fields, native, FUNDING, lambda: funding(fields, at, ts, recv, "rest"))
    return made + _made(known, fields, native, STATS, lambda: stats(fields, at, ts, recv, "rest"))


def quote(fields: Fields, at: Listed, ts: int | None, recv: int, source: Source, seq: int | None) -> Quote:
    texts = [_text(fields, key) or "" for key in ("bid1Price", "bid1Size", "ask1Price", "ask1Size")]
    return Quote(at.symbol, *normalise.sides(texts[0], texts[1], texts[2], texts[3], at), ts, recv, source, seq)


def mark(fields: Fields, at: Listed, ts: int | None, recv: int, source: Source = "ws") -> Mark | None:
    price, index = (normalise.price(_text(fields, key), at) for key in ("markPrice", "indexPrice"))
    return None if price is None and index is None else Mark(at.symbol, price, index, ts, recv, source)


def funding(fields: Fields, at: Listed, ts: int | None, recv: int, source: Source = "ws") -> Funding | None:
    """The rate that would settle next; dated contracts and those before launch have none."""
    rate = normalise.rate(_text(fields, "fundingRate"))
    if rate is None:
        return None
    due = _text(fields, "nextFundingTime")
    interval = normalise.amount(_text(fields, "fundingIntervalHour"))
    if interval is None or not interval.strip("0."):
        interval = at.instrument.funding_interval_h
    return Funding(at.symbol, rate, interval, (nanoseconds(due) or None) if due else None, None, ts, recv, source)


def stats(fields: Fields, at: Listed, ts: int | None, recv: int, source: Source = "ws") -> Stats:
    """`openInterest` counts both sides of each contract; only `singleOpenInterest` is what we mean by it."""
    return Stats(
        at.symbol,
        normalise.price(_text(fields, "lastPrice"), at),
        normalise.size(_text(fields, "volume24h"), at),
        normalise.amount(_text(fields, "turnover24h")),
        normalise.size(_text(fields, "singleOpenInterest"), at),
        ts,
        recv,
        normalise.amount(_text(fields, "singleOpenInterestValue")),
        source,
    )


def _text(fields: Fields, key: str) -> str | None:
    value = fields.get(key)
    if value is not None and not isinstance(value, str):
        raise BadNumber(key)
    return value
