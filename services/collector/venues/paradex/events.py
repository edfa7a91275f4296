"""From binary messages to events. Every function takes one message, the instrument it was looked up as, and `recv`.

Numbers are whole there (sbe.py); a multiplier only moves the decimal point of the text they become. What cannot be a
price, a size or a time raises `BadNumber`; the callers turn that into one `Unknown`.
"""

from typing import Final

from services.collector import normalise
from services.collector.messages import BookDelta, BookSnapshot, Message
from services.collector.normalise import BadNumber, scaled
from services.collector.table import Listed
from services.collector.venues.paradex import sbe
from services.collector.venues.paradex.sbe import DECIMALS, NULL, PRECISE_DECIMALS, SATURATED
from shared.events import Funding, Level, Liquidation, Mark, Quote, Side, Stats, Trade, TradeFlag

SIDES: Final[dict[int, Side]] = {1: "buy", 2: "sell"}
LIQUIDATION: Final = 2
#: how a trade came about -> its flag; an ordinary fill, and one against a retail-only order, have none
FLAGS: Final[dict[int, TradeFlag | None]] = {1: None, LIQUIDATION: "liquidation", 5: None, 6: "block"}
#: transfers of positions and settlements of a closed market: nobody traded, and the price is no market price
OFF_BOOK: Final = frozenset({3, 4})
#: levels of a side where a whole picture was cut
PICTURE_LEVELS: Final = 15
_US: Final = 1000
LATEST_US: Final = SATURATED // _US

Half = tuple[str | None, str | None]


def time_of(us: int) -> int | None:
    """Microseconds to nanoseconds; None where not given."""
    if us in (0, NULL):
        return None
    if not 0 < us <= LATEST_US:
        raise BadNumber(str(us))
    return us * _US


def number_of(seq: int) -> int | None:
    return None if seq == NULL else seq


def price(mantissa: int, at: Listed) -> str | None:
    """A price per one asset; None where there is none or zero."""
    if mantissa in (0, NULL):
        return None
    if mantissa < 0:
        raise BadNumber(str(mantissa))
    if at.price_shift is None:
        return normalise.price(scaled(mantissa, DECIMALS), at)
    return scaled(mantissa, DECIMALS - at.price_shift)


def size(mantissa: int, at: Listed) -> str:
    """A size in assets; zero stays zero (it removes a level)."""
    if mantissa < 0:
        raise BadNumber(str(mantissa))
    if at.size_shift is None:
        return normalise.size(scaled(mantissa, DECIMALS), at) or "0"
    return scaled(mantissa, DECIMALS - at.size_shift)


def half(at_price: int, at_size: int, at: Listed) -> Half:
    """One side of a quote: None on both where either is missing or zero."""
    if at_price == NULL or at_size == NULL:
        return None, None
    text, amount = price(at_price, at), size(at_size, at)
    return (None, None) if text is None or not at_size else (text, amount)


def amount(mantissa: int) -> str | None:
    """A sum of money; None where not given, or where it is too large for the frame to hold."""
    if mantissa in (NULL, SATURATED):
        return None
    if mantissa < 0:
        raise BadNumber(str(mantissa))
    return scaled(mantissa, DECIMALS)


def quote(one: sbe.Best | sbe.Summary, at: Listed, recv: int) -> Quote:
    """Best bid and offer."""
    bid, bid_size = half(one.bid, one.bid_size, at)
    ask, ask_size = half(one.ask, one.ask_size, at)
    return Quote(at.symbol, bid, bid_size, ask, ask_size, time_of(one.ts), recv, "ws", number_of(one.seq))


def trade(one: sbe.Trade, at: Listed, recv: int) -> Trade:
    text, amount_text, side = price(one.price, at), size(one.size, at), SIDES.get(one.side)
    if text is None or not one.size or side is None:
        raise BadNumber(f"{one.side} {one.price} {one.size}")
    return Trade(at.symbol, text, amount_text, side, trade_id(one), time_of(one.created), recv, FLAGS[one.kind])


def trade_id(one: sbe.Trade) -> str:
    """The venue's id: the text where the frame has it, else the number.

    Ids are longer than 64 bits hold: the number is what is left of one, may be negative, and differs from trade to
    trade all the same. Without it the match and its number in the book tell a trade.
    """
    if one.id is not None:
        return one.id
    return f"{one.created}-{one.seq}" if one.trade_id in (0, NULL) else str(one.trade_id)


def forced(one: Trade) -> Liquidation:
    """The forced order took: its side is the trade's."""
    return Liquidation(one.symbol, one.side, one.price, one.size, one.ts, one.recv, one.id, "fill")


def snapshot(one: sbe.Book, at: Listed, recv: int) -> BookSnapshot:
    """A book; one of as many levels as the pictures of the other channels have may be cut there."""
    cut = PICTURE_LEVELS if max(len(one.bids), len(one.asks)) == PICTURE_LEVELS else None
    bids, asks, ts = levels(one.bids, at), levels(one.asks, at), time_of(one.ts)
    return BookSnapshot(at.symbol, bids, asks, number_of(one.seq), ts, recv, limit=cut)


def delta(one: sbe.Book, at: Listed, recv: int) -> BookDelta:
    seq = number_of(one.seq)
    return BookDelta(at.symbol, levels(one.bids, at), levels(one.asks, at), seq, seq, None, time_of(one.ts), recv)


def levels(side: sbe.Levels, at: Listed) -> tuple[Level, ...]:
    return tuple([_level(text, amount_of, at) for text, amount_of in side])


def _level(mantissa: int, amount_of: int, at: Listed) -> Level:
    text = price(mantissa, at)
    if text is None:
        raise BadNumber(str(mantissa))
    return text, size(amount_of, at)


def stats(one: sbe.Summary, at: Listed, recv: int) -> Stats:
    """24 h turnover in dollars, and open interest in base; the venue counts no volume in base."""
    interest = None if one.open_interest in (NULL, SATURATED) else size(one.open_interest, at)
    perp = at.instrument.market == "perp"
    last, turnover = price(one.last, at), amount(one.turnover)
    return Stats(at.symbol, last, None, turnover, interest if perp else None, time_of(one.ts), recv)


def mark(one: sbe.Summary, at: Listed, recv: int) -> Mark | None:
    """Mark and index; None where the summary has neither."""
    marked, indexed = price(one.mark, at), price(one.index, at)
    if marked is None and indexed is None:
        return None
    return Mark(at.symbol, marked, indexed, time_of(one.ts), recv)


def rate_of_summary(one: sbe.Summary, at: Listed, recv: int) -> Funding | None:
    """The rate for the market's own period, with all the digits that the frame has."""
    if one.precise != NULL:
        rate = scaled(one.precise, PRECISE_DECIMALS)
    elif one.rate != NULL:
        rate = scaled(one.rate, DECIMALS)
    else:
        return None
    return Funding(at.symbol, rate, at.instrument.funding_interval_h, None, None, time_of(one.ts), recv)


def funding(one: sbe.Funding, at: Listed, recv: int) -> Funding:
    """The rate for `period_h` hours. There is no next payment: it accrues all the time, and the index adds it up."""
    if one.rate == NULL:
        raise BadNumber("no rate")
    hours = str(one.period_h) if one.period_h > 0 else at.instrument.funding_interval_h
    ts = time_of(one.created) or time_of(one.ts)
    return Funding(at.symbol, scaled(one.rate, DECIMALS), hours, None, index_of(one.index, at), ts, recv)


def index_of(mantissa: int, at: Listed) -> str | None:
    """The funding index is money per unit of base, so a multiplier divides it as it does a price; it has a sign."""
    if mantissa == NULL:
        return None
    if at.price_shift is not None:
        return scaled(mantissa, DECIMALS - at.price_shift)
    text = normalise.price(scaled(abs(mantissa), DECIMALS), at) or "0"
    return f"-{text}" if mantissa < 0 else text


def of_trade(one: sbe.Trade, at: Listed, recv: int) -> list[Message]:
    """A trade, and what was forced of it once more as a liquidation."""
    made = trade(one, at, recv)
    return [made, forced(made)] if one.kind == LIQUIDATION else [made]
