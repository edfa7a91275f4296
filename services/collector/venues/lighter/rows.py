"""Lighter's rows and what each means.

Every function takes one row, the instrument that it was looked up as, and when it came.
Numbers that are no numbers raise `BadNumber`; the callers turn that into one `Unknown`.
"""

from collections.abc import Iterable, Sequence
from decimal import Decimal, Inexact, InvalidOperation
from typing import Final

import msgspec

from services.collector import normalise
from services.collector.messages import BookDelta, BookSnapshot, Message, Unknown
from services.collector.normalise import EXACT, BadNumber, literal, plain
from services.collector.table import Listed
from services.collector.venues.lighter.instruments import HOUR
from services.collector.venues.lighter.shapes import (
    BulkRate,
    Details,
    Level,
    MarketStats,
    Order,
    OrderBook,
    Paid,
    Print,
    Ticker,
)
from shared.events import Funding, Liquidation, Mark, Quote, Settlement, Side, Stats, Trade, TradeFlag

US: Final = 1_000
MS: Final = 1_000_000
MINUTE_NS: Final = 60_000_000_000
HOUR_NS: Final = 3_600_000_000_000
SECOND_NS: Final = 1_000_000_000

#: what a trade's `type` says; a market's final settlement is no trade that anybody made
FLAGS: Final[dict[str, TradeFlag | None]] = {"trade": None, "liquidation": "liquidation", "deleverage": "adl"}
OFF_BOOK: Final = "market-settlement"
#: who paid, and the sign of the rate: positive when longs pay
SIGNS: Final = {"long": "", "short": "-"}
#: the table of rates speaks of 8 hours
EIGHT: Final = Decimal(8)

NOBODY: Final = Level()


def quote(row: Ticker, at: Listed, ts: int | None, recv: int, seq: int | None) -> Quote:
    """The best bid and offer; a side that is left out is an empty one."""
    bid, ask = row.b or NOBODY, row.a or NOBODY
    sides = normalise.sides(bid.price or "", bid.size or "", ask.price or "", ask.size or "", at)
    return Quote(at.symbol, *sides, ts, recv, "ws", seq)


def snapshot(row: OrderBook, at: Listed, ts: int | None, recv: int) -> BookSnapshot:
    return BookSnapshot(at.symbol, levels(row.bids, at), levels(row.asks, at), row.nonce, ts, recv)


def delta(row: OrderBook, at: Listed, ts: int | None, recv: int) -> BookDelta:
    bids, asks = levels(row.bids, at), levels(row.asks, at)
    return BookDelta(at.symbol, bids, asks, None, row.nonce, row.begin_nonce, ts, recv)


def levels(side: Sequence[Level] | None, at: Listed) -> tuple[tuple[str, str], ...]:
    return normalise.levels([(level.price or "", level.size or "") for level in side or ()], at)


def prints(row: Print, at: Listed, recv: int) -> list[Trade | Liquidation]:
    """A trade; a forced one is a liquidation as well, of the side that took."""
    if row.type not in FLAGS:
        raise BadNumber(row.type)
    price, size = normalise.positive(row.price, row.size, at)
    side: Side = "buy" if row.is_maker_ask else "sell"
    ts, flag, name = time_of(row), FLAGS[row.type], str(row.trade_id)
    made: list[Trade | Liquidation] = [Trade(at.symbol, price, size, side, name, ts, recv, flag)]
    if flag is not None:
        made.append(Liquidation(at.symbol, side, price, size, ts, recv, name, "fill"))
    return made


def time_of(row: Print) -> int | None:
    if row.transaction_time is not None:
        return row.transaction_time * US
    return None if row.timestamp is None else row.timestamp * MS


def mark(row: MarketStats, at: Listed, ts: int | None, recv: int) -> Mark | None:
    price, index = normalise.price(row.mark_price, at), normalise.price(row.index_price, at)
    return None if price is None and index is None else Mark(at.symbol, price, index, ts, recv)


def funding(row: MarketStats, at: Listed, ts: int | None, recv: int) -> Funding | None:
    """`current_funding_rate` is what would be paid at the end of this hour, in percent."""
    rate = normalise.percent(row.current_funding_rate)
    return None if rate is None else Funding(at.symbol, rate, HOUR, next_hour(ts, recv), None, ts, recv)


def payment(row: MarketStats, at: Listed, ts: int | None, recv: int) -> Settlement | None:
    """`funding_rate` is what was paid at `funding_timestamp`, in percent; what lies ahead was not paid."""
    rate, paid_at, now = normalise.percent(row.funding_rate), (row.funding_timestamp or 0) * MS, max(ts or 0, recv)
    if rate is None or paid_at < MINUTE_NS or 0 < now < paid_at:
        return None
    return Settlement(at.symbol, rate, HOUR, to_minute(paid_at), None, recv)


def stats(row: MarketStats, at: Listed, ts: int | None, recv: int) -> Stats | None:
    """Figures of the day; open interest is in quote here. None where the row has none of them."""
    last, volume, turnover = figures(row, at)
    value = normalise.amount(row.open_interest)
    if last is volume is turnover is value is None:
        return None
    return Stats(at.symbol, last, volume, turnover, None, ts, recv, value)


def details(row: Details, at: Listed, recv: int) -> Stats | None:
    """The same over REST; open interest is in base here."""
    last, volume, turnover = figures(row, at)
    interest = normalise.size(text_of(row.open_interest), at)
    if last is volume is turnover is interest is None:
        return None
    return Stats(at.symbol, last, volume, turnover, interest, None, recv, source="rest")


def figures(row: MarketStats | Details, at: Listed) -> tuple[str | None, str | None, str | None]:
    """(last price, volume in base, turnover) of the day."""
    last, volume = text_of(row.last_trade_price), text_of(row.daily_base_token_volume)
    turnover = normalise.amount(text_of(row.daily_quote_token_volume))
    return normalise.price(last, at), normalise.size(volume, at), turnover


def paid(row: Paid, at: Listed, recv: int) -> Settlement:
    rate, sign = normalise.percent(row.rate), SIGNS.get(row.direction)
    if rate is None or sign is None or rate.startswith("-") or row.timestamp * SECOND_NS < MINUTE_NS:
        raise BadNumber(f"{row.rate} {row.direction} {row.timestamp}")
    signed = rate if rate == "0" else sign + rate
    return Settlement(at.symbol, signed, HOUR, to_minute(row.timestamp * SECOND_NS), None, recv)


def bulk_rate(row: BulkRate, at: Listed, recv: int) -> Funding:
    text = text_of(row.rate)
    if text is None:
        raise BadNumber("no rate")
    try:
        rate = plain(EXACT.divide(Decimal(literal(text)), EIGHT))
    except (Inexact, InvalidOperation):
        raise BadNumber(text) from None
    return Funding(at.symbol, rate, HOUR, next_hour(None, recv), None, None, recv, "rest")


def best_of(bids: Iterable[Order], asks: Iterable[Order], at: Listed, recv: int) -> Quote:
    """The top of a list of resting orders: those at the best price, best first, added up."""
    numbers = normalise.sides(*_top(bids), *_top(asks), at)
    return Quote(at.symbol, *numbers, None, recv, "rest")


def _top(orders: Iterable[Order]) -> tuple[str, str]:
    price, total = "", Decimal(0)
    for order in orders:
        price = price or order.price
        if order.price != price:
            break
        total = EXACT.add(total, Decimal(literal(order.remaining_base_amount)))
    return price, format(total, "f")


def next_hour(ts: int | None, recv: int) -> int | None:
    """The next full hour, by the venue's clock or ours; None where a recording has neither."""
    now = max(ts or 0, recv)
    return now - now % HOUR_NS + HOUR_NS if now else None


def to_minute(at: int) -> int:
    return at - at % MINUTE_NS


def text_of(raw: msgspec.Raw) -> str | None:
    """A JSON number's own digits, or a text's; None where there is none."""
    text = bytes(raw).decode(errors="replace")
    if text in ("", "null", '""'):
        return None
    return text[1:-1] if text.startswith('"') and text.endswith('"') else text


def without_none(made: Iterable[Message | None], native: str) -> list[Message]:
    return [one for one in made if one is not None] or [Unknown("empty", native)]
