"""What Paradex lists: perpetuals and a few spot pairs, all in dollars, and the options among them."""

from typing import Final

from services.simulator.coins import Coin, coins
from services.simulator.listing import Listed, Market, amend, instrument, price_decimals
from services.simulator.venue import Offer

OFFERS: Final = (Offer("perp", "USD", below=0.6), Offer("spot", "USD", best=4))
#: numbers of the binary frames have so many decimals
PLACES: Final = 8
#: coins that are counted in thousands, and how cheap any other must be
THOUSANDS: Final = frozenset({"BONK", "FLOKI", "PEPE", "SHIB"})
CHEAP: Final = 0.000001


def listing(coin: Coin, market: Market, quote: str, seed: int, **terms: object) -> Listed:
    """A row under Paradex's name: `kPEPE-USD-PERP`, `ETH-USD`."""
    thousands = market == "perp" and (coin.name in THOUSANDS or coin.price < CHEAP)
    base, multiplier = (f"k{coin.name}", 1000) if thousands else (coin.name, 1)
    native = f"{base}-{quote}-PERP" if market == "perp" else f"{base}-{quote}"
    places = min(PLACES, price_decimals(coin.price * multiplier))
    row = instrument("paradex", market, native, coin, base, quote, seed, multiplier=multiplier, price_places=places)
    return amend(row, terms)


def extras(seed: int) -> list[Listed]:
    """The rows that a collector must know how to leave alone, and two that are no coins."""
    btc = next(coin for coin in coins(5, seed) if coin.name == "BTC")
    return [
        listing(btc, "dated", "USD", seed, native="BTC-USD-96000-C", price=4000.0, price_decimals=2),
        listing(btc, "dated", "USD", seed, native="BTC-USD-27NOV26-100000-P", price=6000.0, price_decimals=2,
                end_ms=1_795_766_400_000),
        listing(Coin("OLDCO", 0.07, 402), "perp", "USD", seed, status="halted"),
        listing(Coin("GONE", 0.42, 300), "perp", "USD", seed, status="closed"),
        listing(Coin("TSLA", 412.0, 90), "perp", "USD", seed, category="equity"),
        listing(Coin("XAU", 4080.0, 60), "perp", "USD", seed, category="commodity"),
    ]  # fmt: skip
