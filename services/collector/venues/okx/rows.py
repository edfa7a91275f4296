"""OKX's rows and what each means: the same row comes over the socket, in a push's `data`, and in a REST answer.

Every function here takes one row, the instrument it was looked up as, and when and how it came. Numbers that are no
numbers raise `BadNumber`; the callers turn that into one `Unknown`. Sizes of swaps are contracts and leave in base.
"""

from typing import Annotated, Final

import msgspec

from services.collector import normalise
from services.collector.messages import BookDelta, BookSnapshot
from services.collector.normalise import BadNumber, nanoseconds
from services.collector.table import Listed
from services.collector.venues.okx.instruments import HOUR_NS, interval_h
from shared.events import Funding, Level, Liquidation, Mark, Quote, Settlement, Side, Source, Stats, Trade

SIDES: Final[dict[str, Side]] = {"buy": "buy", "sell": "sell"}
MINUTE_NS: Final = 60_000_000_000
#: the intervals at which the exchange pays funding, in hours
INTERVALS: Final = frozenset({1, 2, 4, 6, 8})


#: what the bus can carry
Number = Annotated[int, msgspec.Meta(ge=-(1 << 63), le=(1 << 63) - 1)]


class BookLevel(msgspec.Struct, array_like=True, gc=False):
    """`[price, size, ...]`: what follows (number of orders, size without retail orders) is not used."""

    px: str
    sz: str


class BookRow(msgspec.Struct, gc=False, rename="camel"):
    asks: list[BookLevel]
    bids: list[BookLevel]
    ts: str | None = None
    seq_id: Number | None = None
    prev_seq_id: Number | None = None
    checksum: Number | None = None


class TickerRow(msgspec.Struct, gc=False, rename="camel"):
    inst_id: str
    inst_type: str | None = None
    last: str | None = None
    ask_px: str | None = None
    ask_sz: str | None = None
    bid_px: str | None = None
    bid_sz: str | None = None
    vol24h: str | None = None
    vol_ccy24h: str | None = msgspec.field(default=None, name="volCcy24h")
    ts: str | None = None


class TradeRow(msgspec.Struct, gc=False, rename="camel"):
    inst_id: str
    trade_id: str
    px: str
    sz: str
    side: str
    ts: str | None = None


class MarkRow(msgspec.Struct, gc=False, rename="camel"):
    inst_id: str
    mark_px: str
    inst_type: str | None = None
    ts: str | None = None


class IndexRow(msgspec.Struct, gc=False, rename="camel"):
    inst_id: str
    idx_px: str
    ts: str | None = None


class FundingRow(msgspec.Struct, gc=False, rename="camel"):
    inst_id: str
    funding_rate: str
    inst_type: str | None = None
    funding_time: str | None = None
    next_funding_time: str | None = None
    ts: str | None = None


class SettledRow(msgspec.Struct, gc=False, rename="camel"):
    inst_id: str
    realized_rate: str
    funding_time: str
    inst_type: str | None = None


class InterestRow(msgspec.Struct, gc=False, rename="camel"):
    inst_id: str
    oi_ccy: str | None = None
    oi_usd: str | None = None
    inst_type: str | None = None
    ts: str | None = None


class ForcedRow(msgspec.Struct, gc=False, rename="camel"):
    """One instrument's forced orders, each in `details`."""

    inst_id: str
    details: list[msgspec.Raw]
    inst_type: str | None = None


class ForcedOrder(msgspec.Struct, gc=False, rename="camel"):
    side: str
    bk_px: str
    sz: str
    ts: str | None = None


def time_of(text: str | None) -> int | None:
    """Milliseconds in text; None where there are none, or zero."""
    return nanoseconds(text) or None if text else None


def quote(row: TickerRow, at: Listed, recv: int, source: Source) -> Quote:
    bid, bid_size, ask, ask_size = normalise.sides(
        row.bid_px or "", row.bid_sz or "", row.ask_px or "", row.ask_sz or "", at
    )
    return Quote(at.symbol, bid, bid_size, ask, ask_size, time_of(row.ts), recv, source)


def top(row: BookRow, at: Listed, recv: int) -> Quote:
    """The best bid and offer of a one-level picture; `ts` is the matching engine's. The hot path."""
    if row.bids and row.asks:
        bid, ask = row.bids[0], row.asks[0]
        b, bs, a, as_ = normalise.sides(bid.px, bid.sz, ask.px, ask.sz, at)
    else:
        none = BookLevel("", "")
        bid, ask = (row.bids or (none,))[0], (row.asks or (none,))[0]
        b, bs, a, as_ = normalise.sides(bid.px, bid.sz, ask.px, ask.sz, at)
    return Quote(at.symbol, b, bs, a, as_, nanoseconds(row.ts) or None if row.ts else None, recv, "ws", row.seq_id)


def stats(row: TickerRow, at: Listed, recv: int, source: Source) -> Stats:
    """24 h figures: `vol24h` is base for spot, contracts for swaps; `volCcy24h` quote for spot, base for swaps."""
    spot = at.instrument.market == "spot"
    volume, turnover = (row.vol24h, row.vol_ccy24h) if spot else (row.vol_ccy24h, None)
    return Stats(
        at.symbol,
        normalise.price(row.last, at),
        normalise.amount(volume),
        normalise.amount(turnover),
        None,
        time_of(row.ts),
        recv,
        source=source,
    )


def trade(row: TradeRow, at: Listed, recv: int) -> Trade:
    (price, size), side = normalise.positive(row.px, row.sz, at), SIDES.get(row.side)
    if side is None or not row.trade_id:
        raise BadNumber(f"{row.side} {row.trade_id}")
    return Trade(at.symbol, price, size, side, row.trade_id, time_of(row.ts), recv)


def mark(row: MarkRow, at: Listed, recv: int, source: Source) -> Mark:
    return Mark(at.symbol, _price(row.mark_px, at), None, time_of(row.ts), recv, source)


def index(row: IndexRow, at: Listed, recv: int, source: Source) -> Mark:
    return Mark(at.symbol, None, _price(row.idx_px, at), time_of(row.ts), recv, source)


def funding(row: FundingRow, at: Listed, recv: int, source: Source) -> Funding:
    """`fundingTime` is the settlement that the rate is for, `nextFundingTime` the one after it."""
    rate = normalise.rate(row.funding_rate)
    if rate is None:
        raise BadNumber("no fundingRate")
    interval = interval_h(row.funding_time, row.next_funding_time) or at.instrument.funding_interval_h
    return Funding(at.symbol, rate, interval, time_of(row.funding_time), None, time_of(row.ts), recv, source)


def settlement(row: SettledRow, below: object, at: Listed, recv: int) -> Settlement:
    """`realizedRate` is what was paid, `fundingRate` of the same row what had been predicted.

    `below`: the row of the payment before, which tells the interval.
    """
    rate = normalise.rate(row.realized_rate)
    if rate is None:
        raise BadNumber("no realizedRate")
    paid_ns, interval = _paid_ns(row), at.instrument.funding_interval_h
    if isinstance(below, SettledRow) and below.inst_id == row.inst_id:
        interval = _step(paid_ns, below) or interval
    return Settlement(at.symbol, rate, interval, paid_ns, None, recv)


def _paid_ns(row: SettledRow) -> int:
    """When a payment was made, to the minute. Raises `BadNumber`."""
    at_ns = nanoseconds(row.funding_time)
    return at_ns - at_ns % MINUTE_NS


def _step(paid_ns: int, below: SettledRow) -> str | None:
    """Hours since the payment before, None where that is no interval of the exchange's."""
    try:
        hours, rest = divmod(paid_ns - _paid_ns(below), HOUR_NS)
    except BadNumber:
        return None
    return str(hours) if hours in INTERVALS and not rest else None


def interest(row: InterestRow, at: Listed, recv: int, source: Source) -> Stats:
    return Stats(
        at.symbol,
        None,
        None,
        None,
        normalise.amount(row.oi_ccy),
        time_of(row.ts),
        recv,
        normalise.amount(row.oi_usd),
        source=source,
    )


def forced(order: ForcedOrder, at: Listed, recv: int) -> Liquidation:
    """`side` is the forced order's; the price is the bankruptcy price, not a fill."""
    (price, size), side = normalise.positive(order.bk_px, order.sz, at), SIDES.get(order.side)
    if side is None:
        raise BadNumber(order.side)
    return Liquidation(at.symbol, side, price, size, time_of(order.ts), recv, None, "bankruptcy")


def snapshot(row: BookRow, at: Listed, recv: int, source: Source, limit: int | None) -> BookSnapshot:
    bids, asks, ts = levels(row.bids, at), levels(row.asks, at), time_of(row.ts)
    return BookSnapshot(at.symbol, bids, asks, row.seq_id, ts, recv, source, *_proof(row, at), limit)


def delta(row: BookRow, at: Listed, recv: int) -> BookDelta:
    bids, asks = levels(row.bids, at), levels(row.asks, at)
    return BookDelta(at.symbol, bids, asks, None, row.seq_id, row.prev_seq_id, time_of(row.ts), recv, *_proof(row, at))


def levels(side: list[BookLevel], at: Listed) -> tuple[Level, ...]:
    return normalise.levels([(level.px, level.sz) for level in side], at)


def _proof(row: BookRow, at: Listed) -> tuple[int | None, tuple[tuple[Level, ...], tuple[Level, ...]] | None]:
    """(checksum, the venue's digits): 0 means that the venue computed none, as it does today."""
    if not row.checksum:
        return None, None
    if at.times_size is None:
        return row.checksum, None
    return row.checksum, (tuple((x.px, x.sz) for x in row.bids), tuple((x.px, x.sz) for x in row.asks))


def _price(text: str, at: Listed) -> str:
    price = normalise.price(text, at)
    if price is None:
        raise BadNumber(text)
    return price
