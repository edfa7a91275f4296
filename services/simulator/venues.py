"""The venues that can be simulated: a folder each, and here a line each."""

from collections.abc import Mapping
from types import MappingProxyType

from services.simulator import binance, bitget, bybit, grvt, hyperliquid, lighter, okx, paradex
from services.simulator.listing import Listed
from services.simulator.venue import SimulatedVenue

VENUES: Mapping[str, SimulatedVenue] = MappingProxyType(
    {
        "binance": binance.SIMULATED,
        "okx": okx.SIMULATED,
        "bybit": bybit.SIMULATED,
        "bitget": bitget.SIMULATED,
        "paradex": paradex.SIMULATED,
        "hyperliquid": hyperliquid.SIMULATED,
        "grvt": grvt.SIMULATED,
        "lighter": lighter.SIMULATED,
    }
)


def build(venue: str, count: int, seed: int) -> list[Listed]:
    """Every row of a venue: `count` collectable instruments (fewer where it has fewer) and the odd ones."""
    return VENUES[venue].rows(count, seed)
