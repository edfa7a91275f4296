"""The registry: one line per venue. Adding a venue is its folder and its line here."""

from typing import Final

from services.collector.venue import Venue
from services.collector.venues import binance, bybit, okx

VENUES: Final[dict[str, Venue]] = {
    "binance": binance.VENUE,
    "bybit": bybit.VENUE,
    "okx": okx.VENUE,
}
