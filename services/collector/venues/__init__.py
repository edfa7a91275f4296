"""The registry: one line per venue. Adding a venue is its folder and its line here."""

from typing import Final

from services.collector.venue import Venue
from services.collector.venues import binance, bitget, bybit, grvt, hyperliquid, lighter, okx, paradex

VENUES: Final[dict[str, Venue]] = {
    "binance": binance.VENUE,
    "bitget": bitget.VENUE,
    "bybit": bybit.VENUE,
    "grvt": grvt.VENUE,
    "hyperliquid": hyperliquid.VENUE,
    "lighter": lighter.VENUE,
    "okx": okx.VENUE,
    "paradex": paradex.VENUE,
}
