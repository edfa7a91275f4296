"""OKX v5 as the simulator plays it."""

from typing import Final

from services.simulator.okx.exchange import HOSTS, Okx
from services.simulator.okx.listing import OFFERS, extras, listing
from services.simulator.okx.recorded import RECORDED
from services.simulator.venue import SimulatedVenue

SIMULATED: Final = SimulatedVenue(
    name="okx",
    hosts=HOSTS,
    make=Okx,
    listing=listing,
    offers=OFFERS,
    extras=extras,
    recorded=RECORDED,
    stable="USDT",
)
