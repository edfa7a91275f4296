"""Hyperliquid's rows and what each means: the same row comes over the socket and in a REST answer.

Numbers that are no numbers raise `BadNumber`; the callers turn that into one `Unknown`. Prices and sizes are per unit
of the named coin, which is a thousand coins where the name begins with a small k.
"""

from typing import Annotated, Final

import msgspec

from services.collector import normalise
from services.collector.messages import BookSnapshot
from services.collector.normalise import BadNumber
from services.collector.table import Listed
from shared.events import Event, Funding, Mark, Quote, Settlement, Side, Source, Stats, Trade

#: the aggressor: B bought, A sold
SIDES: Final[dict[str, Side]] = {"B": "buy", "A": "sell"}
MS: Final = 1_000_000
MINUTE_NS: Final = 60_000_000_000
HOUR_NS: Final = 3_600_000_000_000
#: until then, in milliseconds, payments were made each eight hours
HOURLY_SINCE: Final = 1_686_186_000_000
#: levels of a side: of a book that was asked for quickly, and of any other
FAST_LEVELS: Final = 5
LEVELS: Final = 20

#: milliseconds whose nanoseconds the bus can carry
Milliseconds = Annotated[int, msgspec.Meta(ge=0, le=(1 << 63) // MS)]


class Level(msgspec.Struct, gc=False):
    """How many orders it is made of (`n`) is not used. One without a price or a size is none."""

    px: str | None = None
    sz: str | None = None


_NONE: Final = Level()


class BboRow(msgspec.Struct, gc=False):
    """A missing side is null, or (once seen) missing altogether."""

    coin: str
    time: Milliseconds
    bbo: Annotated[list[Level | None], msgspec.Meta(max_length=2)]


class BookRow(msgspec.Struct):
    coin: str
    time: Milliseconds
    levels: tuple[list[Level] | None, list[Level] | None]


class TradeRow(msgspec.Struct, gc=False):
    coin: str
    side: str
    px: str
    sz: str
    time: Milliseconds
    tid: int


class Context(msgspec.Struct, gc=False, rename="camel"):
    """What a perpetual or pair is at: every field may be missing or null."""

    coin: str | None = None
    funding: str | None = None
    open_interest: str | None = None
    oracle_px: str | None = None
    mark_px: str | None = None
    day_ntl_vlm: str | None = None
    day_base_vlm: str | None = None


class FastContext(msgspec.Struct, gc=False, rename="camel"):
    """What changed; a mid price is no quote and is not used."""

    mark_px: str | None = None


class PaidRow(msgspec.Struct, gc=False, rename="camel"):
    coin: str
    funding_rate: str
    time: Milliseconds


def quote(row: BboRow, at: Listed, recv: int) -> Quote:
    sides = row.bbo
    bid = sides[0] if sides else None
    ask = sides[1] if len(sides) > 1 else None
    return _quote(bid, ask, row.time, at, recv, "ws")


def top(row: BookRow, at: Listed, recv: int) -> Quote:
    """The best levels of a book that was asked for: what a quote would have said."""
    bids, asks = row.levels
    return _quote(bids[0] if bids else None, asks[0] if asks else None, row.time, at, recv, "rest")


def _quote(bid: Level | None, ask: Level | None, time: int, at: Listed, recv: int, source: Source) -> Quote:
    bid, ask = bid or _NONE, ask or _NONE
    sides = normalise.sides(bid.px or "", bid.sz or "", ask.px or "", ask.sz or "", at)
    return Quote(at.symbol, *sides, time * MS, recv, source)


def snapshot(row: BookRow, at: Listed, recv: int, source: Source) -> BookSnapshot:
    """A whole book, as every frame is. A side of the greatest length was cut there."""
    bids, asks = (normalise.levels([(x.px or "", x.sz or "") for x in side or ()], at) for side in row.levels)
    deep = source == "rest" or max(len(bids), len(asks)) > FAST_LEVELS
    return BookSnapshot(at.symbol, bids, asks, None, row.time * MS, recv, source, limit=LEVELS if deep else FAST_LEVELS)


def trade(row: TradeRow, at: Listed, recv: int) -> Trade:
    (price, size), side = normalise.positive(row.px, row.sz, at), SIDES.get(row.side)
    if side is None:
        raise BadNumber(row.side)
    return Trade(at.symbol, price, size, side, f"{row.time}-{row.tid}", row.time * MS, recv)


def context(row: Context, at: Listed, recv: int, source: Source) -> list[Event]:
    """The events of one context: of a perpetual three, of a spot pair the 24 h figures."""
    interest = normalise.size(row.open_interest, at)
    stats = Stats(
        at.symbol,
        None,
        normalise.size(row.day_base_vlm, at),
        normalise.amount(row.day_ntl_vlm),
        interest,
        None,
        recv,
        source=source,
    )
    if at.instrument.market == "spot":
        return [stats] if stats.volume is not None or stats.turnover is not None else []
    made: list[Event] = []
    price, index = normalise.price(row.mark_px, at), normalise.price(row.oracle_px, at)
    if price is not None or index is not None:
        made.append(Mark(at.symbol, price, index, None, recv, source))
    if row.funding:
        made.append(funding(row.funding, at, recv, source))
    if stats.volume is not None or stats.turnover is not None or interest is not None:
        made.append(stats)
    return made


def funding(text: str, at: Listed, recv: int, source: Source) -> Funding:
    """The rate of the hour that runs, as a fraction."""
    rate = normalise.rate(text)
    if rate is None:
        raise BadNumber("no rate")
    return Funding(at.symbol, rate, at.instrument.funding_interval_h, next_hour(recv), None, None, recv, source)


def mark(row: FastContext, at: Listed, recv: int) -> Mark | None:
    price = normalise.price(row.mark_px, at)
    return None if price is None else Mark(at.symbol, price, None, None, recv)


def settlement(row: PaidRow, at: Listed, recv: int) -> Settlement:
    """A payment; its time is some milliseconds after the hour."""
    rate = normalise.rate(row.funding_rate)
    if rate is None:
        raise BadNumber("no fundingRate")
    told = row.time * MS
    paid = told - told % MINUTE_NS
    if not paid:
        raise BadNumber("no time")
    return Settlement(at.symbol, rate, "1" if row.time >= HOURLY_SINCE else "8", paid, None, recv)


def next_hour(recv: int) -> int | None:
    """Payments fall on the full hour. None where it is not known when the frame came."""
    return (recv // HOUR_NS + 1) * HOUR_NS if recv else None
