"""Book tickers and trades, nearly all frames of a busy connection, many at a time.

Beside its typed decode a frame costs mostly the check of its numbers: here the numbers of all frames of a read are
checked in one go. Whatever is unusual about a frame leaves it to `decode`, which makes the same events.
"""

from collections.abc import Sequence

import msgspec

from services.collector.messages import Message
from services.collector.normalise import POSITIVE_MANY
from services.collector.table import Listed, Table
from services.collector.venue import DecoderOptions, Quick
from services.collector.venues.binance import rows
from services.collector.venues.binance.frames import UNREADABLE
from services.collector.venues.binance.shapes import AggTrade, CombinedBookTicker, CombinedTrade, TickerOrTrade
from shared.events import Event, Quote, Trade


def perp_quick(table: Table, options: DecoderOptions) -> Quick:
    """Makes the `quick` of one futures connection."""
    typed, listing = msgspec.json.Decoder(TickerOrTrade).decode, table.getter("perp")
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
            listed = listing(row.s)
            if listed is None or row.st == coin_margined:
                left.append(frame)
            elif not listed.plain:
                _converted(one(row, recv, whole.stream), frame, events, left)
            elif isinstance(row, AggTrade):
                numbers.append(f"{row.p} {row.q} ")
                events.append(_trade(row, listed, recv))
            elif quoting and whole.stream != all_tickers:
                bid, bid_size, ask, ask_size = row.b, row.B, row.a, row.A
                numbers.append(f"{bid} {bid_size} {ask} {ask_size} ")
                events.append(Quote(listed.symbol, bid, bid_size, ask, ask_size, row.T * ms, recv, "ws", row.u))
            else:
                left.append(frame)
        return (events, left) if POSITIVE_MANY("".join(numbers)) else ([], frames)

    return quick


def spot_quick(table: Table, options: DecoderOptions) -> Quick:
    """Makes the `quick` of one spot connection.

    A book ticker does not name its type, so the end of the frame hints at it: of the collected rows only a book ticker
    ends with a text. A hint that is wrong costs time, nothing else.
    """
    ticker, trade = msgspec.json.Decoder(CombinedBookTicker).decode, msgspec.json.Decoder(CombinedTrade).decode
    listing, one = table.getter("spot"), rows.RowDecoder(table, options, "spot").one
    quoting = rows.quote_channel(options, "spot") == rows.BOOK_TICKER

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
            listed = listing(row.s)
            if listed is None:
                left.append(frame)
            elif not listed.plain:
                _converted(one(row, recv, ""), frame, events, left)
            elif isinstance(row, AggTrade):
                numbers.append(f"{row.p} {row.q} ")
                events.append(_trade(row, listed, recv))
            elif quoting:
                bid, bid_size, ask, ask_size = row.b, row.B, row.a, row.A
                numbers.append(f"{bid} {bid_size} {ask} {ask_size} ")
                events.append(Quote(listed.symbol, bid, bid_size, ask, ask_size, None, recv, "ws", row.u))
            else:
                left.append(frame)
        return (events, left) if POSITIVE_MANY("".join(numbers)) else ([], frames)

    return quick


def _converted(made: list[Message], frame: bytes, events: list[Event], left: list[bytes]) -> None:
    """One message of a row whose numbers had to be converted, which checked them: an event, or left to `decode`."""
    if isinstance(made[0], Quote | Trade):
        events.append(made[0])
    else:
        left.append(frame)


def _trade(row: AggTrade, listed: Listed, recv: int) -> Trade:
    # m: the buyer was the maker, so the aggressor sold
    return Trade(listed.symbol, row.p, row.q, "sell" if row.m else "buy", str(row.a), row.T * rows.MS, recv)
