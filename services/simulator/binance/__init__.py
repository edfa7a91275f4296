"""Binance spot and USD-M futures as the simulator plays them."""

from typing import Final

from services.simulator.binance.exchange import HOSTS, Binance
from services.simulator.binance.listing import OFFERS, extras, listing
from services.simulator.binance.recorded import RECORDED
from services.simulator.venue import SimulatedVenue

SIMULATED: Final = SimulatedVenue(
    name="binance",
    hosts=HOSTS,
    make=Binance,
    listing=listing,
    offers=OFFERS,
    extras=extras,
    recorded=RECORDED,
    stable="USDT",
)
