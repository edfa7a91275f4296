"""Bybit v5 as the simulator plays it."""

from typing import Final

from services.simulator.bybit.exchange import HOSTS, Bybit
from services.simulator.bybit.listing import OFFERS, extras, listing
from services.simulator.bybit.recorded import RECORDED
from services.simulator.venue import SimulatedVenue

SIMULATED: Final = SimulatedVenue(
    name="bybit",
    hosts=HOSTS,
    make=Bybit,
    listing=listing,
    offers=OFFERS,
    extras=extras,
    recorded=RECORDED,
    stable="USDT",
)
