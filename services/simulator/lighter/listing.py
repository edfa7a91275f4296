"""What Lighter lists: perpetuals and a few spot pairs by number, everything against USDC, and the odd rows.

A row's `native` and `number` are its market's number, its `base` the name that the venue gives it.
"""

from typing import Final

from services.simulator.coins import Coin
from services.simulator.listing import Listed, Market, amend, instrument
from services.simulator.venue import Offer

#: as many as the venue had in September 2026
MOST: Final = 220
OFFERS: Final = (Offer("perp", "USDC", below=0.6), Offer("spot", "USDC", best=12))
QUOTE: Final = "USDC"
#: coins that come by the thousand
THOUSANDS: Final = frozenset({"PEPE", "SHIB", "BONK", "FLOKI"})
FIRST_SPOT: Final = 2048


def listing(coin: Coin, market: Market, quote: str, seed: int, **terms: object) -> Listed:
    """A row under the venue's number; payments are hourly."""
    many = 1000 if coin.name in THOUSANDS else 1
    name = f"{many}{coin.name}" if many > 1 else coin.name
    # ether is the first market, bitcoin the second
    place = {0: 1, 1: 0}.get(coin.rank, coin.rank)
    number = FIRST_SPOT + place if market == "spot" else place
    base = f"{name}/{quote}" if market == "spot" else name
    row = instrument(
        "lighter", market, str(number), coin, base, quote, seed, multiplier=many, interval_h=1, number=number
    )
    amend(row, terms)
    row.native = str(row.number)
    return row


def extras(seed: int) -> list[Listed]:
    """Stocks and currencies among the coins, and rows that a collector must know how to leave alone."""
    return [
        listing(Coin("GOOGL", 332.0, 60), "perp", QUOTE, seed, number=1116, category="equity"),
        listing(Coin("EURUSD", 1.159, 40), "perp", QUOTE, seed, number=1096, category="fx"),
        listing(Coin("HYUNDAI", 210.0, 500), "perp", QUOTE, seed, number=1141, status="halted"),
        listing(Coin("SOON", 0.4, 300), "perp", QUOTE, seed, number=1150, status="pre"),
        listing(Coin("GONE", 0.02, 600), "perp", QUOTE, seed, number=1151, status="closed"),
        listing(Coin("WILLITRAIN", 0.51, 700), "dated", QUOTE, seed, number=1200, collectable=False),
        listing(Coin("SKYLIKE", 0.07, 400), "spot", QUOTE, seed, number=3000, status="halted"),
    ]
