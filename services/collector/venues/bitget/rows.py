"""Bitget's rows and what each means: v2 and v3, socket and REST, differ in names only.

Every function here takes one row, the instrument it was looked up as, and when and how it came. Numbers that are no
numbers raise `BadNumber`; the callers turn that into one `Unknown`. Sizes are in base units, everywhere but in the
liquidations.
"""

import re
from decimal import ROUND_HALF_EVEN, Context, Decimal
from typing import Final

import msgspec

from services.collector import normalise
from services.collector.messages import BookDelta, BookSnapshot, Message, Unknown
from services.collector.normalise import POSITIVE_FOUR, BadNumber, nanoseconds, plain
from services.collector.table import Listed
from services.collector.venues.bitget.shapes import (
    AnyTicker,
    AnyTrade,
    BestRow,
    BookRow,
    ForcedRow,
    InterestRow,
    Level,
    PaidRow,
    PriceRow,
    RateRow,
    RestBook,
    UnifiedBestRow,
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
#: the last decimal of its value
VALUE_UNIT: Final = Decimal("0.000000000001")
_WIDE: Final = Context(prec=100)
_MAX_NUMBER: Final = (1 << 63) - 1

#: what `nextFundingTime` is where a contract pays none
NO_TIME: Final = frozenset({"", "0"})
UNTOLD: Final = NO_TIME | {None}
#: an interval: a whole number of hours
HOURS: Final = re.compile("[1-9][0-9]{0,2}").fullmatch


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


def top(row: BestRow | UnifiedBestRow, at: Listed, recv: int) -> Quote:
    """The best bid and offer of a one-level picture; `ts` is the matching engine's. The hot path."""
    bids, asks, ts = row.bids, row.asks, row.ts
    seq = row.seq if type(row.seq) is int else sequence(row.seq)
    if bids and asks:
        bid, ask = bids[0], asks[0]
        if at.plain and POSITIVE_FOUR(f"{bid.px} {bid.sz} {ask.px} {ask.sz}"):
            when = nanoseconds(ts) if ts else None
            return Quote(at.symbol, bid.px, bid.sz, ask.px, ask.sz, when, recv, "ws", seq)
    elif bids is None and asks is None:
        raise BadNumber("no side")
    else:
        none = Level("", "")
        bid, ask = (bids or (none,))[0], (asks or (none,))[0]
    sides = normalise.sides(bid.px, bid.sz, ask.px, ask.sz, at)
    return Quote(at.symbol, *sides, nanoseconds(ts) if ts else None, recv, "ws", seq)


def ticker(row: AnyTicker, at: Listed, recv: int, source: Source, *, quotes: bool) -> list[Message]:
    """Everything a ticker says: the quote where this is its channel, the mark, the funding, the figures of the day.

    A side that is empty or not there is none; where neither is there nothing is said of them.
    """
    ts = time_of(row.ts)
    made: list[Message] = []
    bid, ask = row.bid_pr, row.ask_pr
    if quotes and not (bid is None and ask is None):
        sides = normalise.sides(bid or "", row.bid_sz or "", ask or "", row.ask_sz or "", at)
        made.append(Quote(at.symbol, *sides, ts, recv, source))
    perp = at.instrument.market == "perp"
    if perp:
        mark, index = normalise.price(row.mark_price, at), normalise.price(row.index_price, at)
        if mark is not None or index is not None:
            made.append(Mark(at.symbol, mark, index, ts, recv, source))
        made += _funding(row, at, ts, recv, source)
    last, volume = normalise.price(row.last_pr, at), normalise.size(row.base_volume, at)
    turnover = normalise.amount(row.quote_volume)
    interest = normalise.size(row.holding_amount, at) if perp else None
    if not (last is volume is turnover is interest is None):
        made.append(Stats(at.symbol, last, volume, turnover, interest, ts, recv, source=source))
    return made or [Unknown("empty", at.instrument.native)]


def two_sided(row: AnyTicker) -> bool:
    """Whether it says both sides, be it that one is empty."""
    return None not in (row.bid_pr, row.bid_sz, row.ask_pr, row.ask_sz)


def _funding(row: AnyTicker, at: Listed, ts: int | None, recv: int, source: Source) -> list[Message]:
    """None where the next time is empty: then nothing is paid. Where it is not told the clock says it."""
    rate, due, hours = normalise.rate(row.funding_rate), row.next_funding_time, at.instrument.funding_interval_h
    if rate is None or due in NO_TIME:
        return []
    next_ts = next_due(recv or ts or 0, hours) if due is None else nanoseconds(due)
    return [Funding(at.symbol, rate, hours, next_ts, None, ts, recv, source)]


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
    hours = row.funding_rate_interval or at.instrument.funding_interval_h
    if hours is not None and not HOURS(hours):
        raise BadNumber(hours[:64])
    due = next_due(recv, hours) if row.next_update in UNTOLD else time_of(row.next_update)
    return Funding(at.symbol, digits, hours, due, None, None, recv, source)


def next_due(recv: int, hours: str | None) -> int | None:
    """The next multiple of the interval after `recv`: payments keep to the clock, in UTC."""
    if hours is None or not HOURS(hours) or recv <= 0:
        return None
    step = int(hours) * HOUR_NS
    return recv - recv % step + step


def settlement(row: PaidRow, at: Listed, recv: int) -> Settlement:
    digits = normalise.rate(row.funding_rate)
    if digits is None:
        raise BadNumber("no fundingRate")
    told_ns = nanoseconds(row.funding_time or row.funding_rate_timestamp or "")
    paid_ns = told_ns - told_ns % MINUTE_NS
    if not paid_ns:
        raise BadNumber("no fundingTime")
    return Settlement(at.symbol, digits, None, paid_ns, None, recv)


def prices(row: PriceRow, at: Listed, recv: int, source: Source) -> Mark:
    mark, index = normalise.price(row.mark_price, at), normalise.price(row.index_price, at)
    if mark is None and index is None:
        raise BadNumber("no price")
    return Mark(at.symbol, mark, index, time_of(row.ts), recv, source)


def interest(row: InterestRow, at: Listed, ts: int | None, recv: int, source: Source) -> Stats:
    amount = normalise.size(row.size if row.size is not None else row.open_interest, at)
    if amount is None:
        raise BadNumber("no size")
    return Stats(at.symbol, None, None, None, amount, ts, recv, source=source)


def forced(row: ForcedRow, at: Listed, recv: int) -> Liquidation:
    """`amount` is price times size, cut after 12 decimals: the size is the nearest whole number of lots.

    The lot may have changed since: where no number of lots is worth the amount, it is to eight decimals.
    """
    price, side = normalise.price(row.price, at), FORCED.get(row.side.lower())
    amount = normalise.amount(row.amount)
    if price is None or amount is None or side is None:
        raise BadNumber(f"{row.side} {row.price} {row.amount}")
    lot = at.instrument.lot_size
    size = None if lot is None else _worth(Decimal(amount), Decimal(price), Decimal(lot), exact=True)
    if size is None:
        size = _worth(Decimal(amount), Decimal(price), SIZE_UNIT, exact=False)
    if size is None:
        raise BadNumber(f"{row.amount} at {row.price} is worth nothing")
    return Liquidation(at.symbol, side, price, size, time_of(row.ts), recv, None, "bankruptcy")


def _worth(value: Decimal, price: Decimal, unit: Decimal, *, exact: bool) -> str | None:
    """The whole number of units that is worth `value`, as a size; None where there is none."""
    units = _WIDE.divide(value, _WIDE.multiply(price, unit)).to_integral_value(ROUND_HALF_EVEN)
    size = _WIDE.multiply(units, unit)
    if not units or (exact and abs(_WIDE.multiply(size, price) - value) > VALUE_UNIT):
        return None
    return plain(size)


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
