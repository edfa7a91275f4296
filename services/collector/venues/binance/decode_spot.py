"""Socket frames of the spot market -> messages.

A book ticker does not name its type, so the end of the frame hints at it: of the collected rows only a book ticker
ends with a text. A hint that is wrong costs time, nothing else: the slow way reads every frame.
"""

import msgspec

from services.collector.messages import Message
from services.collector.normalise import POSITIVE_FOUR
from services.collector.table import Table
from services.collector.venue import Decode, DecoderOptions, Request
from services.collector.venues.binance import frames, rows
from services.collector.venues.binance.decode_rest import rest_decoder
from services.collector.venues.binance.shapes import AggTrade, Combined, CombinedBookTicker
from shared.events import Quote


def spot_decoder(table: Table, options: DecoderOptions) -> Decode:
    """Makes the `decode` of one spot connection; REST bodies of any market pass through it too."""
    decoder = rows.RowDecoder(table, options, "spot")
    combined, tickers = msgspec.json.Decoder(Combined).decode, msgspec.json.Decoder(CombinedBookTicker).decode
    listing, rest = table.getter("spot"), rest_decoder(table)
    one, trade = decoder.one, decoder.trade
    explain = frames.Explainer("spot", decoder, rest).explain
    quoting = decoder.quotes(rows.BOOK_TICKER)

    def decode(frame: bytes, recv: int, request: Request | None = None) -> list[Message]:
        if request is not None:
            return rest(frame, recv, request)
        try:
            if frame.endswith(b'"}}'):
                ticker = tickers(frame)
                row = ticker.data
                listed, bid, bid_size, ask, ask_size = listing(row.s), row.b, row.B, row.a, row.A
                if (
                    listed is not None
                    and listed.plain
                    and POSITIVE_FOUR(f"{bid} {bid_size} {ask} {ask_size}")
                    and quoting
                ):
                    return [Quote(listed.symbol, bid, bid_size, ask, ask_size, None, recv, "ws", row.u)]
                return one(row, recv, ticker.stream)
            whole = combined(frame)
        except frames.UNREADABLE:
            return explain(frame, recv)
        if type(whole.data) is AggTrade:
            return trade(whole.data, recv, "")
        if type(whole.data) is not list:
            return one(whole.data, recv, whole.stream)
        made: list[Message] = []
        for part in whole.data:
            made += one(part, recv, whole.stream)
        return made or [frames.NOTHING]

    return decode
