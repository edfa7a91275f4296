"""Frames and bodies -> messages: which market's rows a connection carries, and every frame of it.

One typed decode reads the wrapper and the row; what it cannot read goes the slow way.
"""

from typing import Final

import msgspec

from services.collector.messages import Ack, Closing, Message, Refused, Relist, Unknown
from services.collector.table import Table
from services.collector.venue import Decode, DecoderOptions, Quick, Request, nothing_quick
from services.collector.venues.binance import frames, rows
from services.collector.venues.binance.decode_rest import rest_decoder
from services.collector.venues.binance.quick import perp_quick, spot_quick
from services.collector.venues.binance.shapes import Combined
from shared.instruments import Market

#: the socket endpoints and what they carry; since 2026-04-23 the futures market has two
ENDPOINT_MARKET: Final[dict[str, Market]] = {"spot": "spot", "perp_public": "perp", "perp_market": "perp"}


#: what is said of a symbol says it of one market's listing
OF_A_MARKET: Final = frozenset({rows.UNKNOWN_SYMBOL, rows.OUT_OF_SCOPE, rows.QUARANTINED})


def _same_on_both(message: Message) -> bool:
    if isinstance(message, Unknown):
        return message.reason not in OF_A_MARKET
    return isinstance(message, Ack | Refused | Closing | Relist)


def decoder(table: Table, options: DecoderOptions) -> Decode:
    """Makes the `decode` of one connection. With neither endpoint nor market each frame is asked for its market."""
    market = _market(options)
    if market is not None:
        return _of_market(table, options, market)
    spot, perp = _of_market(table, options, "spot"), _of_market(table, options, "perp")

    def decode(frame: bytes, recv: int, request: Request | None = None) -> list[Message]:
        if request is not None:
            return perp(frame, recv, request)
        told = frames.market_of(frame)
        if told is not None:
            return (spot if told == "spot" else perp)(frame, recv)
        # answers and what is not collected read the same on both markets; prices would be a guess
        return [m if _same_on_both(m) else Unknown(rows.NO_MARKET) for m in spot(frame, recv)]

    return decode


def quick(table: Table, options: DecoderOptions) -> Quick:
    """Makes the `quick` of one connection."""
    make = {"spot": spot_quick, "perp": perp_quick}.get(_market(options) or "", nothing_quick)
    return make(table, options)


def _market(options: DecoderOptions) -> Market | None:
    return options.market or ENDPOINT_MARKET.get(options.endpoint or "")


def _of_market(table: Table, options: DecoderOptions, market: Market) -> Decode:
    """REST bodies of any market pass through it too."""
    decoder = rows.RowDecoder(table, options, market)
    combined, rest = msgspec.json.Decoder(Combined).decode, rest_decoder(table)
    explain = frames.Explainer(market, decoder, rest).explain

    def decode(frame: bytes, recv: int, request: Request | None = None) -> list[Message]:
        if request is not None:
            return rest(frame, recv, request)
        try:
            whole = combined(frame)
        except frames.UNREADABLE:
            return explain(frame, recv)
        return decoder.all(whole.data, recv, whole.stream)

    return decode
