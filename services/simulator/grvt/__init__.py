"""GRVT as the simulator plays it."""

from typing import Final

from services.simulator.grvt.exchange import HOSTS, Grvt
from services.simulator.grvt.listing import OFFERS, extras, listing
from services.simulator.grvt.recorded import RECORDED
from services.simulator.venue import SimulatedVenue

SIMULATED: Final = SimulatedVenue(
    name="grvt",
    hosts=HOSTS,
    make=Grvt,
    listing=listing,
    offers=OFFERS,
    extras=extras,
    recorded=RECORDED,
    most=170,
)
