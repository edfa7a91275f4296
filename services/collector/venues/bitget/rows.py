"""Bitget's rows and what each means: v2 and v3, socket and REST, differ in names only.

Every function here takes one row, the instrument it was looked up as, and when and how it came. Numbers that are no
numbers raise `BadNumber`; the callers turn that into one `Unknown`. Sizes are in base units, everywhere but in the
liquidations.
"""

from decimal import ROUND_HALF_EVEN, Context, Decimal
from typing import Final

import msgspec

from services.collector import normalise
from services.collector.messages import BookDelta, BookSnapshot, Message
from services.collector.normalise import POSITIVE_FOUR, BadNumber, literal, nanoseconds, plain
from services.collector.table import Listed
from services.collector.venues.bitget.shapes import (
    AnyTicker,
    AnyTrade,
    BookRow,
    ForcedRow,
    InterestRow,
    Level,
    PaidRow,
    PriceRow,
    RateRow,
    RestBook,
    UnifiedBookRow,
    UnifiedRestBook,
)
from shared.events import Funding, Liquidation, Mark, Quote, Settlement, Side, Source, Stats, Trade
from shared.events import Level as Priced

SIDES: Final[dict[str, Side]] = {"buy": "buy", "sell": "sell"}
#: the side of the position that was liquidated -> the side of the order that closed it
FORCED: Final[dict[str, Side]] = {"buy": "sell", "sell": "buy"}
MINUTE_NS: Final = 60_000_000_000
HOUR_NS: Final = 3_600_000_000_000
#: of a liquidation's size where the lot is not known
SIZE_UNIT: Final = Decimal("0.00000001")
_WIDE: Final = Context(prec=100)
_MAX_NUMBER: Final = (1 << 63) - 1

#: what `nextFundingTime` is where a contract pays none
NO_TIME: Final = frozenset({None, "", "0"})


def time_of(text: str | None) -> int | None:
    return nanoseconds(text) if text else None


def sequence(number: int | str | None) -> int | None:
    """A book's number, of which v3 makes a text now and then."""
    if not isinstance(number, str):
        return number
    count = int(number)
    if count > _MAX_NUMBER:
        raise BadNumber(number)
    return count


def top(row: BookRow | UnifiedBookRow, at: Listed, recv: int) -> Quote:
    """The best bid and offer of a one-level picture; `ts` is the matching engine's. The hot path."""
    bids, asks, ts = row.bids, row.asks, row.ts
    seq = row.seq if type(row.seq) is int else sequence(row.seq)
    if bids and asks:
        bid, ask = bids[0], asks[0]
        if at.plain and POSITIVE_FOUR(f"{bid.px} {bid.sz} {ask.px} {ask.sz}"):
            when = nanoseconds(ts) if ts else None
            return Quote(at.symbol, bid.px, bid.sz, ask.px, ask.sz, when, recv, "ws", seq)
    else:
        none = Level("", "")
        bid, ask = (bids or (none,))[0], (asks or (none,))[0]
    sides = normalise.sides(bid.px, bid.sz, ask.px, ask.sz, at)
    return Quote(at.symbol, *sides, nanoseconds(ts) if ts else None, recv, "ws", seq)


def ticker(row: AnyTicker, at: Listed, recv: int, source: Source, *, quotes: bool) -> list[Message]:
    """Everything a ticker says: the quote where this is its channel, the mark, the funding, the figures of the day.

    An empty side is none; of one that is not there nothing is known, and so there is no quote.
    """
    ts = time_of(row.ts)
    made: list[Message] = []
    bid, bid_size, ask, ask_size = row.bid_pr, row.bid_sz, row.ask_pr, row.ask_sz
    if quotes and bid is not None and bid_size is not None and ask is not None and ask_size is not None:
        made.append(Quote(at.symbol, *normalise.sides(bid, bid_size, ask, ask_size, at), ts, recv, source))
    if at.instrument.market == "perp":
        mark, index = normalise.price(row.mark_price, at), normalise.price(row.index_price, at)
        if mark is not None or index is not None:
            made.append(Mark(at.symbol, mark, index, ts, recv, source))
        rate, due = normalise.rate(row.funding_rate), row.next_funding_time
        if rate is not None and due is not None and due not in NO_TIME:
            hours = at.instrument.funding_interval_h
            made.append(Funding(at.symbol, rate, hours, nanoseconds(due), None, ts, recv, source))
    made.append(
        Stats(
            at.symbol,
            normalise.price(row.last_pr, at),
            normalise.size(row.base_volume, at),
            normalise.amount(row.quote_volume),
            normalise.size(row.holding_amount, at) if at.instrument.market == "perp" else None,
            ts,
            recv,
            source=source,
        )
    )
    return made


def trade(row: AnyTrade, at: Listed, recv: int) -> Trade:
    """`side` is the taker's; REST has it with a capital letter in the older call."""
    (price, size), side = normalise.positive(row.price, row.size, at), SIDES.get(row.side.lower())
    if side is None or not row.trade_id:
        raise BadNumber(f"{row.side} {row.trade_id}")
    return Trade(at.symbol, price, size, side, row.trade_id, time_of(row.ts), recv)


def rate(row: RateRow, at: Listed, recv: int, source: Source) -> Funding:
    """The rate and its terms. Answers of before 2025 have no terms: then the listing's interval, and the clock's."""
    digits = normalise.rate(row.funding_rate)
    if digits is None:
        raise BadNumber("no fundingRate")
    hours = literal(row.funding_rate_interval) if row.funding_rate_interval else at.instrument.funding_interval_h
    due = time_of(row.next_update) if row.next_update not in NO_TIME else next_due(recv, hours)
    return Funding(at.symbol, digits, hours, due, None, None, recv, source)


def next_due(recv: int, hours: str | None) -> int | None:
    """The next multiple of the interval after `recv`: payments keep to the clock, in UTC."""
    if not hours or not hours.isdigit() or int(hours) == 0 or recv <= 0:
        return None
    step = int(hours) * HOUR_NS
    return recv - recv % step + step


def settlement(row: PaidRow, at: Listed, recv: int) -> Settlement:
    digits = normalise.rate(row.funding_rate)
    if digits is None:
        raise BadNumber("no fundingRate")
    paid_ns = nanoseconds(row.funding_time or row.funding_rate_timestamp)
    return Settlement(at.symbol, digits, None, paid_ns - paid_ns % MINUTE_NS, None, recv)


def prices(row: PriceRow, at: Listed, recv: int, source: Source) -> Mark:
    mark, index = normalise.price(row.mark_price, at), normalise.price(row.index_price, at)
    if mark is None and index is None:
        raise BadNumber("no price")
    return Mark(at.symbol, mark, index, time_of(row.ts), recv, source)


def interest(row: InterestRow, at: Listed, ts: int | None, recv: int, source: Source) -> Stats:
    amount = normalise.size(row.size if row.size is not None else row.open_interest, at)
    return Stats(at.symbol, None, None, None, amount, ts, recv, source=source)


def forced(row: ForcedRow, at: Listed, recv: int) -> Liquidation:
    """`amount` is price times size, cut after 12 decimals: the size is the nearest whole number of lots."""
    price, side = normalise.price(row.price, at), FORCED.get(row.side.lower())
    amount = normalise.amount(row.amount)
    if price is None or amount is None or side is None:
        raise BadNumber(f"{row.side} {row.price} {row.amount}")
    lot = at.instrument.lot_size
    unit = SIZE_UNIT if lot is None else Decimal(lot)
    value, at_price = Decimal(amount), Decimal(price)
    lots = _WIDE.divide(value, _WIDE.multiply(at_price, unit)).to_integral_value(ROUND_HALF_EVEN)
    if not lots:
        raise BadNumber(f"{row.amount} at {row.price} is less than half a lot")
    size = plain(_WIDE.multiply(lots, unit))
    return Liquidation(at.symbol, side, price, size, time_of(row.ts), recv, None, "bankruptcy")


def snapshot(row: BookRow | UnifiedBookRow, at: Listed, recv: int, limit: int | None) -> BookSnapshot:
    bids, asks = levels(row.bids, at), levels(row.asks, at)
    seq, ts = sequence(row.seq), time_of(row.ts)
    return BookSnapshot(at.symbol, bids, asks, seq, ts, recv, "ws", *_proof(row, at), limit)


def delta(row: BookRow | UnifiedBookRow, at: Listed, recv: int) -> BookDelta:
    bids, asks = levels(row.bids, at), levels(row.asks, at)
    seq, before, ts = sequence(row.seq), sequence(row.pseq), time_of(row.ts)
    return BookDelta(at.symbol, bids, asks, None, seq, before, ts, recv, *_proof(row, at))


def levels(side: list[Level], at: Listed) -> tuple[Priced, ...]:
    return normalise.levels([(level.px, level.sz) for level in side], at)


def picture(row: RestBook | UnifiedRestBook, at: Listed, recv: int, limit: int | None) -> BookSnapshot:
    """A book by REST: it has no number, and its levels are texts or JSON numbers, by the call."""
    bids, asks = (
        normalise.levels([(_text(level.px), _text(level.sz)) for level in side], at) for side in (row.bids, row.asks)
    )
    return BookSnapshot(at.symbol, bids, asks, None, time_of(row.ts), recv, "rest", limit=limit)


def _text(raw: msgspec.Raw) -> str:
    return bytes(raw).decode().strip().strip('"')


def _proof(
    row: BookRow | UnifiedBookRow, at: Listed
) -> tuple[int | None, tuple[tuple[Priced, ...], tuple[Priced, ...]] | None]:
    """(checksum, the venue's digits): 0 means that the venue computed none, as in every snapshot.

    The digits of a snapshot are needed all the same: later checksums are over them.
    """
    if at.plain:
        return row.checksum or None, None
    return row.checksum or None, (tuple((x.px, x.sz) for x in row.bids), tuple((x.px, x.sz) for x in row.asks))
