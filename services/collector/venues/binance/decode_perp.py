"""Socket frames of the USD-margined futures -> messages.

One typed decode reads the wrapper and the row; book tickers, most of all frames, have a path of their own.
"""

import msgspec

from services.collector.messages import Message, Unknown
from services.collector.normalise import BadNumber, sides
from services.collector.table import Table
from services.collector.venue import Decode, DecoderOptions, Request
from services.collector.venues.binance import frames, rows
from services.collector.venues.binance.decode_rest import rest_decoder
from services.collector.venues.binance.shapes import BookTicker, Combined
from shared.events import Quote


def perp_decoder(table: Table, options: DecoderOptions) -> Decode:
    """Makes the `decode` of one futures connection; REST bodies of any market pass through it too."""
    decoder = rows.RowDecoder(table, options, "perp")
    combined, listing, rest = msgspec.json.Decoder(Combined).decode, table.perp.get, rest_decoder(table)
    quoting = decoder.quotes(rows.BOOK_TICKER)

    def decode(frame: bytes, recv: int, request: Request | None = None) -> list[Message]:
        if request is not None:
            return rest(frame, recv, request)
        try:
            whole = combined(frame)
        except frames.UNREADABLE:
            return frames.explain(frame, recv, "perp", decoder)
        row = whole.data
        if type(row) is BookTicker:
            listed = listing(row.s)
            if quoting and listed is not None and whole.stream != rows.ALL_BOOK_TICKERS:
                try:
                    bid, bid_size, ask, ask_size = sides(row.b, row.B, row.a, row.A, listed)
                except BadNumber:
                    return [Unknown(rows.BAD_NUMBER, row.s)]
                ts = row.T * rows.MS
                return [Quote(listed.symbol, bid, bid_size, ask, ask_size, ts, recv, "ws", row.u)]
        elif type(row) is list:
            made: list[Message] = []
            for one in row:
                made += decoder.one(one, recv, whole.stream)
            return made
        return decoder.one(row, recv, whole.stream)

    return decode
