"""The registry: one line per venue. Adding a venue is its folder and its line here."""

from typing import Final

from services.collector.venue import Venue
from services.collector.venues import okx

VENUES: Final[dict[str, Venue]] = {
    "okx": okx.VENUE,
}
