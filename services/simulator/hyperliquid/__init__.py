"""Hyperliquid as the simulator plays it."""

from typing import Final

from services.simulator.hyperliquid.exchange import HOSTS, Hyperliquid
from services.simulator.hyperliquid.listing import MOST, OFFERS, extras, listing
from services.simulator.hyperliquid.recorded import RECORDED
from services.simulator.venue import SimulatedVenue

SIMULATED: Final = SimulatedVenue(
    name="hyperliquid",
    hosts=HOSTS,
    make=Hyperliquid,
    listing=listing,
    offers=OFFERS,
    extras=extras,
    most=MOST,
    recorded=RECORDED,
)
