"""The registry: one line per venue. Adding a venue is its folder and its line here."""

from typing import Final

from services.collector.venue import Venue
from services.collector.venues import binance, okx

VENUES: Final[dict[str, Venue]] = {
    "binance": binance.VENUE,
    "okx": okx.VENUE,
}
