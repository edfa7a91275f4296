"""Lighter as the simulator plays it."""

from typing import Final

from services.simulator.lighter.exchange import HOSTS, Lighter
from services.simulator.lighter.listing import MOST, OFFERS, extras, listing
from services.simulator.lighter.recorded import RECORDED
from services.simulator.venue import SimulatedVenue

SIMULATED: Final = SimulatedVenue(
    name="lighter",
    hosts=HOSTS,
    make=Lighter,
    listing=listing,
    offers=OFFERS,
    extras=extras,
    most=MOST,
    recorded=RECORDED,
)
