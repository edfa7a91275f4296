"""Book tickers and trades, nearly all frames of a busy connection, many at a time.

Beside its typed decode a frame costs mostly the check of its numbers: here the numbers of all frames of a read are
checked in one go. Whatever is unusual about a frame leaves it to `decode`, which makes the same events.
(`type(row) is`: to be no instance of a msgspec class costs four times as much, a sixth of the decode.)
"""

from collections.abc import Sequence

import msgspec

from services.collector.messages import Message
from services.collector.normalise import POSITIVE_MANY
from services.collector.table import Table
from services.collector.venue import DecoderOptions, Quick
from services.collector.venues.binance import rows
from services.collector.venues.binance.frames import UNREADABLE
from services.collector.venues.binance.rows import SIDE
from services.collector.venues.binance.shapes import (
    AggTrade,
    BookTicker,
    CombinedBookTicker,
    CombinedTrade,
    SpotBookTicker,
    TickerOrTrade,
)
from shared.events import Event, Quote, Trade


def perp_quick(table: Table, options: DecoderOptions) -> Quick:
    """Makes the `quick` of one futures connection."""
    typed, plain = msgspec.json.Decoder(TickerOrTrade).decode, table.plain("perp")
    quoting, one = rows.quote_channel(options, "perp") == rows.BOOK_TICKER, rows.RowDecoder(table, options, "perp").one
    ms, coin_margined, all_tickers = rows.MS, rows.COIN_MARGINED, rows.ALL_BOOK_TICKERS

    def quick(frames: Sequence[bytes], recv: int) -> tuple[list[Event], Sequence[bytes]]:
        events: list[Event] = []
        left: list[bytes] = []
        numbers: list[str] = []
        for frame in frames:
            try:
                whole = typed(frame)
            except UNREADABLE:
                left.append(frame)
                continue
            row = whole.data
            if type(row) is BookTicker:
                symbol = plain(row.s)
                if symbol is None or row.st == coin_margined or not quoting or whole.stream == all_tickers:
                    _singly(one(row, recv, whole.stream), frame, events, left)
                    continue
                bid, bid_size, ask, ask_size = row.b, row.B, row.a, row.A
                numbers += bid, bid_size, ask, ask_size
                events.append(Quote(symbol, bid, bid_size, ask, ask_size, row.T * ms, recv, "ws", row.u))
            elif type(row) is AggTrade:
                symbol = plain(row.s)
                if symbol is None or row.st == coin_margined:
                    _singly(one(row, recv, whole.stream), frame, events, left)
                    continue
                price, size, side = row.p, row.q, SIDE[row.m]
                numbers += price, size
                events.append(Trade(symbol, price, size, side, str(row.a), row.T * ms, recv))
        return (events, left) if _all_positive(numbers) else ([], frames)

    return quick


def spot_quick(table: Table, options: DecoderOptions) -> Quick:
    """Makes the `quick` of one spot connection.

    A book ticker does not name its type, so the end of the frame hints at it: of the collected rows only a book ticker
    ends with a text. A hint that is wrong costs time, nothing else.
    """
    ticker, trade = msgspec.json.Decoder(CombinedBookTicker).decode, msgspec.json.Decoder(CombinedTrade).decode
    plain, one = table.plain("spot"), rows.RowDecoder(table, options, "spot").one
    quoting = rows.quote_channel(options, "spot") == rows.BOOK_TICKER
    ms, coin_margined = rows.MS, rows.COIN_MARGINED

    def quick(frames: Sequence[bytes], recv: int) -> tuple[list[Event], Sequence[bytes]]:
        events: list[Event] = []
        left: list[bytes] = []
        numbers: list[str] = []
        for frame in frames:
            try:
                row = (ticker if frame.endswith(b'"}}') else trade)(frame).data
            except UNREADABLE:
                left.append(frame)
                continue
            if type(row) is SpotBookTicker:
                symbol = plain(row.s)
                if symbol is None or not quoting:
                    _singly(one(row, recv, ""), frame, events, left)
                    continue
                bid, bid_size, ask, ask_size = row.b, row.B, row.a, row.A
                numbers += bid, bid_size, ask, ask_size
                events.append(Quote(symbol, bid, bid_size, ask, ask_size, None, recv, "ws", row.u))
            elif type(row) is AggTrade:
                symbol = plain(row.s)
                if symbol is None or row.st == coin_margined:
                    _singly(one(row, recv, ""), frame, events, left)
                    continue
                price, size, side = row.p, row.q, SIDE[row.m]
                numbers += price, size
                events.append(Trade(symbol, price, size, side, str(row.a), row.T * ms, recv))
        return (events, left) if _all_positive(numbers) else ([], frames)

    return quick


def _singly(made: list[Message], frame: bytes, events: list[Event], left: list[bytes]) -> None:
    """What the plain way makes of one row: an event, or the frame is left to `decode`, which says why there is none."""
    if isinstance(made[0], Quote | Trade):
        events.append(made[0])
    else:
        left.append(frame)


def _all_positive(numbers: list[str]) -> bool:
    """Whether each of these texts is one plain number above zero (and none of them two, with a space between)."""
    numbers.append("")
    joined = " ".join(numbers)
    return POSITIVE_MANY(joined) is not None and joined.count(" ") == len(numbers) - 1
