"""Paradex as the simulator plays it."""

from typing import Final

from services.simulator.paradex.exchange import HOSTS, Paradex
from services.simulator.paradex.listing import OFFERS, extras, listing
from services.simulator.paradex.recorded import RECORDED
from services.simulator.venue import SimulatedVenue

SIMULATED: Final = SimulatedVenue(
    name="paradex",
    hosts=HOSTS,
    make=Paradex,
    listing=listing,
    offers=OFFERS,
    extras=extras,
    recorded=RECORDED,
    # some 190 perpetuals and a handful of spot pairs, late in 2026
    most=200,
)
