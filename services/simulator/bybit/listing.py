"""What Bybit lists: spot and linear perpetuals under the same names, some of them in thousands of coins, and the odd
rows. Perpetuals in USDC are called PERP.
"""

from collections.abc import Mapping
from typing import Final

from services.simulator.coins import Coin, coins
from services.simulator.listing import Listed, Market, amend, instrument
from services.simulator.venue import Offer

OFFERS: Final = (
    Offer("perp", "USDT", below=0.95),
    Offer("spot", "USDT", above=0.15),
    Offer("spot", "USDC", best=40),
    Offer("perp", "USDC", best=20),
)

_THOUSANDS = ("PEPE", "BONK", "FLOKI", "RATS", "LUNC", "XEC", "CAT", "TURBO", "X")
#: coin -> (native base, units of the coin in one native unit); one name has its thousand behind the coin
PERP_MULTIPLIERS: Mapping[str, tuple[str, int]] = {
    **{coin: (f"1000{coin}", 1000) for coin in _THOUSANDS},
    "SHIB": ("SHIB1000", 1000),
    "SATS": ("10000SATS", 10_000),
    "WHY": ("10000WHY", 10_000),
    "MOG": ("1000000MOG", 1_000_000),
    "CHEEMS": ("1000000CHEEMS", 1_000_000),
    "BABYDOGE": ("1000000BABYDOGE", 1_000_000),
}


def listing(coin: Coin, market: Market, quote: str, seed: int, **terms: object) -> Listed:
    """A row under Bybit's name."""
    base, multiplier = (coin.name, 1) if market == "spot" else PERP_MULTIPLIERS.get(coin.name, (coin.name, 1))
    name = f"{base}PERP" if market == "perp" and quote == "USDC" else f"{base}{quote}"
    return amend(instrument("bybit", market, name, coin, base, quote, seed, multiplier=multiplier), terms)


def extras(seed: int) -> list[Listed]:
    """The rows that a collector must know how to leave alone."""
    by_name = {coin.name: coin for coin in coins(60, seed)}
    btc, eth, sol = by_name["BTC"], by_name["ETH"], by_name["SOL"]
    return [
        listing(eth, "spot", "BTC", seed, collectable=False),
        listing(sol, "spot", "BTC", seed, collectable=False),
        listing(btc, "spot", "EUR", seed, collectable=False),
        listing(eth, "spot", "EUR", seed, collectable=False),
        listing(btc, "inverse", "USD", seed),
        listing(eth, "inverse", "USD", seed),
        listing(btc, "dated", "USDT", seed, native="BTCUSDT-26MAR27", end_ms=1_806_048_000_000),
        listing(btc, "dated", "USDC", seed, native="BTC-26MAR27", end_ms=1_806_048_000_000),
        listing(Coin("TSLA", 412.0, 90), "perp", "USDT", seed, category="equity"),
        listing(Coin("XAU", 4080.0, 60), "perp", "USDT", seed, category="commodity"),
        listing(Coin("OLDCO", 0.07, 402), "perp", "USDT", seed, status="closed"),
        listing(Coin("NEWCO", 0.42, 300), "perp", "USDT", seed, status="pre"),
    ]
