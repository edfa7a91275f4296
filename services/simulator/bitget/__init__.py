"""Bitget v2 and v3 as the simulator plays them."""

from typing import Final

from services.simulator.bitget.exchange import HOSTS, Bitget
from services.simulator.bitget.listing import OFFERS, extras, listing
from services.simulator.bitget.recorded import RECORDED
from services.simulator.venue import SimulatedVenue

SIMULATED: Final = SimulatedVenue(
    name="bitget",
    hosts=HOSTS,
    make=Bitget,
    listing=listing,
    offers=OFFERS,
    extras=extras,
    recorded=RECORDED,
    stable="USDT",
)
