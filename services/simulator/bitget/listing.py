"""What Bitget lists: spot and linear perpetuals under the same names, some perpetuals in thousands of coins, and the
odd rows. Perpetuals in USDC are called PERP.
"""

from collections.abc import Mapping
from typing import Final

from services.simulator.coins import Coin, coins
from services.simulator.listing import Listed, Market, amend, instrument
from services.simulator.venue import Offer

OFFERS: Final = (
    Offer("spot", "USDT", above=0.08),
    Offer("perp", "USDT", below=0.85),
    Offer("spot", "USDC", best=40),
    Offer("perp", "USDC", best=20),
)

_THOUSANDS = ("BONK", "RATS", "SATS", "LUNC", "XEC", "CAT", "CHEEMS", "WHY", "X")
#: coin -> (native base, units of the coin in one native unit)
PERP_MULTIPLIERS: Final[Mapping[str, tuple[str, int]]] = {
    **{coin: (f"1000{coin}", 1000) for coin in _THOUSANDS},
    "MOG": ("1000000MOG", 1_000_000),
    "BABYDOGE": ("1MBABYDOGE", 1_000_000),
}


def listing(coin: Coin, market: Market, quote: str, seed: int, **terms: object) -> Listed:
    """A row under Bitget's name."""
    base, multiplier = (coin.name, 1) if market == "spot" else PERP_MULTIPLIERS.get(coin.name, (coin.name, 1))
    name = f"{base}PERP" if market == "perp" and quote == "USDC" else f"{base}{quote}"
    return amend(instrument("bitget", market, name, coin, base, quote, seed, multiplier=multiplier), terms)


def extras(seed: int) -> list[Listed]:
    """The rows that a collector must know how to leave alone."""
    by_name = {coin.name: coin for coin in coins(60, seed)}
    btc, eth, sol = by_name["BTC"], by_name["ETH"], by_name["SOL"]
    return [
        listing(eth, "spot", "BTC", seed, collectable=False),
        listing(sol, "spot", "BTC", seed, collectable=False),
        listing(btc, "spot", "EUR", seed, collectable=False),
        listing(btc, "inverse", "USD", seed),
        listing(eth, "inverse", "USD", seed),
        listing(btc, "dated", "USDT", seed, native="BTCUSDT260925", end_ms=1_790_323_200_000),
        listing(btc, "dated", "USD", seed, native="BTCUSDZ26", end_ms=1_798_185_600_000),
        listing(Coin("TSLA", 412.0, 90), "perp", "USDT", seed, category="equity"),
        listing(Coin("XAU", 4080.0, 60), "perp", "USDT", seed, category="commodity"),
        listing(Coin("OLDCO", 0.07, 402), "spot", "USDT", seed, status="halted"),
        listing(Coin("GONECO", 0.03, 403), "perp", "USDT", seed, status="closed"),
        listing(Coin("HALTCO", 0.12, 404), "perp", "USDT", seed, status="halted"),
        listing(Coin("NEWCO", 0.42, 300), "spot", "USDT", seed, status="pre"),
    ]
