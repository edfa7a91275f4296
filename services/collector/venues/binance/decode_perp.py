"""Socket frames of the USD-margined futures -> messages.

One typed decode reads the wrapper and the row. Book tickers, most of all frames, have a path of their own; whatever is
unusual about one goes the plain way with all other rows.
"""

import msgspec

from services.collector.messages import Message
from services.collector.normalise import POSITIVE_FOUR
from services.collector.table import Table
from services.collector.venue import Decode, DecoderOptions, Request
from services.collector.venues.binance import frames, rows
from services.collector.venues.binance.decode_rest import rest_decoder
from services.collector.venues.binance.shapes import AggTrade, BookTicker, Combined
from shared.events import Quote


def perp_decoder(table: Table, options: DecoderOptions) -> Decode:
    """Makes the `decode` of one futures connection; REST bodies of any market pass through it too."""
    decoder = rows.RowDecoder(table, options, "perp")
    combined, listing, rest = msgspec.json.Decoder(Combined).decode, table.getter("perp"), rest_decoder(table)
    one, trade, ms, all_tickers = decoder.one, decoder.trade, rows.MS, rows.ALL_BOOK_TICKERS
    explain = frames.Explainer("perp", decoder, rest).explain
    coin_margined = rows.COIN_MARGINED
    quoting = decoder.quotes(rows.BOOK_TICKER)

    def decode(frame: bytes, recv: int, request: Request | None = None) -> list[Message]:
        if request is not None:
            return rest(frame, recv, request)
        try:
            whole = combined(frame)
        except frames.UNREADABLE:
            return explain(frame, recv)
        row = whole.data
        if type(row) is BookTicker:
            listed, bid, bid_size, ask, ask_size = listing(row.s), row.b, row.B, row.a, row.A
            if (
                listed is not None
                and listed.plain
                and POSITIVE_FOUR(f"{bid} {bid_size} {ask} {ask_size}")
                and quoting
                and row.st != coin_margined
                and whole.stream != all_tickers
            ):
                return [Quote(listed.symbol, bid, bid_size, ask, ask_size, row.T * ms, recv, "ws", row.u)]
        elif type(row) is AggTrade:
            return trade(row, recv, "")
        elif type(row) is list:
            made: list[Message] = []
            for part in row:
                made += one(part, recv, whole.stream)
            return made or [frames.NOTHING]
        return one(row, recv, whole.stream)

    return decode
