"""GRVT's rows and what each means: the same row comes over the socket, as a push's `feed`, and in a REST answer.

Numbers that are no numbers raise `BadNumber`; the callers turn that into one `Unknown`. Times are nanoseconds in text.
"""

from decimal import Decimal
from typing import Final

from services.collector import normalise
from services.collector.messages import BookDelta, BookSnapshot
from services.collector.normalise import EXACT, BadNumber, nanoseconds, plain
from services.collector.table import Listed
from services.collector.venues.grvt import shapes
from services.collector.venues.grvt.instruments import ORDERBOOK, fraction, hours
from shared.events import Funding, Level, Mark, Quote, Settlement, Side, Source, Stats, Trade, TradeFlag

MINUTE_NS: Final = 60_000_000_000
NS_DIGITS: Final = 9
#: where a trade was cleared -> its flag; rows of the old API do not say
FLAGS: Final[dict[str, TradeFlag | None]] = {"": None, ORDERBOOK: None, "RFQ": "rfq"}
#: more digits than any running number of a stream has, and it still fits into 63 bits
_NUMBER_DIGITS: Final = 18


def time_of(text: str | None) -> int | None:
    """Nanoseconds in text; None where there are none, or zero."""
    return nanoseconds(text, NS_DIGITS) or None if text else None


def number(text: str) -> int:
    """A sequence number."""
    if not text.isascii() or not text.isdigit() or len(text) > _NUMBER_DIGITS:
        raise BadNumber(text[:40])
    return int(text)


def quote(row: shapes.Ticker, at: Listed, recv: int, source: Source, seq: int | None = None) -> Quote:
    sides = normalise.sides(
        row.best_bid_price or "", row.best_bid_size or "", row.best_ask_price or "", row.best_ask_size or "", at
    )
    return Quote(at.symbol, *sides, time_of(row.event_time), recv, source, seq)


def mark(row: shapes.Ticker, at: Listed, recv: int, source: Source) -> Mark | None:
    prices = normalise.price(row.mark_price, at), normalise.price(row.index_price, at)
    return None if prices == (None, None) else Mark(at.symbol, *prices, time_of(row.event_time), recv, source)


def funding(row: shapes.Ticker, at: Listed, recv: int, source: Source) -> Funding | None:
    """`funding_rate` is percentage points per the instrument's own interval."""
    rate = fraction(row.funding_rate)
    if rate is None:
        return None
    interval = hours(row.funding_interval_hours) or at.instrument.funding_interval_h
    due = time_of(row.next_funding_time)
    return Funding(at.symbol, rate, interval, due, None, time_of(row.event_time), recv, source)


def stats(row: shapes.Ticker, at: Listed, recv: int, source: Source) -> Stats:
    """24 h volume is what takers bought and what they sold, in base and in quote."""
    return Stats(
        at.symbol,
        normalise.price(row.last_price, at),
        _sum(normalise.size(row.buy_volume_24h_b, at), normalise.size(row.sell_volume_24h_b, at)),
        _sum(normalise.amount(row.buy_volume_24h_q), normalise.amount(row.sell_volume_24h_q)),
        normalise.size(row.open_interest, at),
        time_of(row.event_time),
        recv,
        source=source,
    )


def trade(row: shapes.Trade, at: Listed, recv: int) -> Trade:
    price, size = normalise.positive(row.price, row.size, at)
    if not row.trade_id:
        raise BadNumber("no trade_id")
    side: Side = "buy" if row.is_taker_buyer else "sell"
    return Trade(at.symbol, price, size, side, row.trade_id, time_of(row.event_time), recv, FLAGS[row.venue])


def settlement(row: shapes.Paid, at: Listed, recv: int) -> Settlement | None:
    """A payment; None for a row of the minutes between, which has no interval."""
    rate, interval = fraction(row.funding_rate), hours(row.funding_interval_hours)
    if rate is None:
        raise BadNumber("no funding_rate")
    if interval is None:
        return None
    paid_ns = nanoseconds(row.funding_time, NS_DIGITS)
    price = normalise.price(row.mark_price, at)
    return Settlement(at.symbol, rate, interval, paid_ns - paid_ns % MINUTE_NS, price, recv)


def snapshot(
    row: shapes.Book, at: Listed, recv: int, source: Source, seq: int | None, limit: int | None
) -> BookSnapshot:
    """A whole book. Levels of no size, which snapshots hold now and then, are not there."""
    bids, asks = ([level for level in levels(side, at) if level[1].strip("0.")] for side in (row.bids, row.asks))
    return BookSnapshot(at.symbol, tuple(bids), tuple(asks), seq, time_of(row.event_time), recv, source, limit=limit)


def delta(row: shapes.Book, at: Listed, recv: int, seq: int, before: int | None) -> BookDelta:
    bids, asks = levels(row.bids, at), levels(row.asks, at)
    return BookDelta(at.symbol, bids, asks, None, seq, before, time_of(row.event_time), recv)


def levels(side: list[shapes.Level] | None, at: Listed) -> tuple[Level, ...]:
    return normalise.levels([(level.price, level.size) for level in side or ()], at)


def _sum(bought: str | None, sold: str | None) -> str | None:
    if bought is None or sold is None:
        return None
    return plain(EXACT.add(Decimal(bought), Decimal(sold)))
