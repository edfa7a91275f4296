"""Socket frames of the spot market -> messages.

A book ticker does not name its type, so the end of the frame hints at it: of the collected rows only a book ticker
ends with a text. A hint that is wrong costs time, nothing else: the slow way reads every frame.
"""

import msgspec

from services.collector.messages import Message, Unknown
from services.collector.normalise import BadNumber, sides
from services.collector.table import Table
from services.collector.venue import Decode, DecoderOptions, Request
from services.collector.venues.binance import frames, rows
from services.collector.venues.binance.decode_rest import rest_decoder
from services.collector.venues.binance.shapes import Combined, CombinedBookTicker
from shared.events import Quote


def spot_decoder(table: Table, options: DecoderOptions) -> Decode:
    """Makes the `decode` of one spot connection; REST bodies of any market pass through it too."""
    decoder = rows.RowDecoder(table, options, "spot")
    combined, tickers = msgspec.json.Decoder(Combined).decode, msgspec.json.Decoder(CombinedBookTicker).decode
    listing, rest = table.spot.get, rest_decoder(table)
    quoting = decoder.quotes(rows.BOOK_TICKER)

    def decode(frame: bytes, recv: int, request: Request | None = None) -> list[Message]:
        if request is not None:
            return rest(frame, recv, request)
        try:
            if frame.endswith(b'"}}'):
                return quote(tickers(frame), recv)
            whole = combined(frame)
        except frames.UNREADABLE:
            return frames.explain(frame, recv, "spot", decoder)
        row = whole.data
        if type(row) is not list:
            return decoder.one(row, recv, whole.stream)
        made: list[Message] = []
        for one in row:
            made += decoder.one(one, recv, whole.stream)
        return made

    def quote(whole: CombinedBookTicker, recv: int) -> list[Message]:
        row = whole.data
        listed = listing(row.s)
        if listed is None or not quoting or whole.stream == rows.ALL_BOOK_TICKERS:
            return decoder.one(row, recv, whole.stream)
        try:
            bid, bid_size, ask, ask_size = sides(row.b, row.B, row.a, row.A, listed)
        except BadNumber:
            return [Unknown(rows.BAD_NUMBER, row.s)]
        return [Quote(listed.symbol, bid, bid_size, ask, ask_size, None, recv, "ws", row.u)]

    return decode
