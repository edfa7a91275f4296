"""The decoder factory: which market's decoder serves a connection."""

from typing import Final

from services.collector.messages import Ack, Closing, Message, Refused, Relist, Unknown
from services.collector.table import Table
from services.collector.venue import Decode, DecoderOptions, Request
from services.collector.venues.binance import frames, rows
from services.collector.venues.binance.decode_perp import perp_decoder
from services.collector.venues.binance.decode_spot import spot_decoder
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
    market = options.market
    if market is None and options.endpoint is not None:
        market = ENDPOINT_MARKET.get(options.endpoint)
    if market == "spot":
        return spot_decoder(table, options)
    if market == "perp":
        return perp_decoder(table, options)
    spot, perp = spot_decoder(table, options), perp_decoder(table, options)

    def decode(frame: bytes, recv: int, request: Request | None = None) -> list[Message]:
        if request is not None:
            return perp(frame, recv, request)
        told = frames.market_of(frame)
        if told is not None:
            return (spot if told == "spot" else perp)(frame, recv)
        # answers and what is not collected read the same on both markets; prices would be a guess
        return [m if _same_on_both(m) else Unknown(rows.NO_MARKET) for m in spot(frame, recv)]

    return decode
