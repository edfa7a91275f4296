"""What Binance lists: spot and USD-M perpetuals, some of them in thousands of coins, and the odd rows."""

from collections.abc import Mapping
from typing import Final

from services.simulator.coins import Coin, coins
from services.simulator.listing import QUOTE_USD, Listed, Market, amend, instrument, price_decimals
from services.simulator.venue import Offer

OFFERS: Final = (
    Offer("perp", "USDT", below=0.9),
    Offer("spot", "USDT", above=0.12),
    Offer("spot", "USDC", best=30),
    Offer("perp", "USDC", best=12),
)

_THOUSANDS = ("PEPE", "SHIB", "BONK", "FLOKI", "SATS", "RATS", "LUNC", "XEC", "CAT", "CHEEMS", "WHY", "X")
#: prefixed base names: coin -> (native base, units of the coin in one native unit)
PERP_MULTIPLIERS: Mapping[str, tuple[str, int]] = {
    **{coin: (f"1000{coin}", 1000) for coin in _THOUSANDS},
    "MOG": ("1000000MOG", 1_000_000),
    "BABYDOGE": ("1MBABYDOGE", 1_000_000),
}
SPOT_MULTIPLIERS: Mapping[str, tuple[str, int]] = {
    **{coin: (f"1000{coin}", 1000) for coin in ("SATS", "CAT", "CHEEMS", "WHY")},
    "MOG": ("1000000MOG", 1_000_000),
    "BABYDOGE": ("1MBABYDOGE", 1_000_000),
}


def listing(coin: Coin, market: Market, quote: str, seed: int, **terms: object) -> Listed:
    """A row under Binance's name, with at most eight decimals."""
    base, multiplier = (SPOT_MULTIPLIERS if market == "spot" else PERP_MULTIPLIERS).get(coin.name, (coin.name, 1))
    places = min(8, price_decimals(coin.price * multiplier / QUOTE_USD[quote]))
    row = instrument(
        "binance", market, f"{base}{quote}", coin, base, quote, seed, multiplier=multiplier, price_places=places
    )
    return amend(row, terms)


def extras(seed: int) -> list[Listed]:
    """The rows that a collector must know how to leave alone."""
    by_name = {coin.name: coin for coin in coins(60, seed)}
    btc, eth, sol, xrp, ltc, dot = (by_name[name] for name in ("BTC", "ETH", "SOL", "XRP", "LTC", "DOT"))
    stock = Coin("TSLA", 412.0, 90)
    gold = Coin("XAU", 4080.0, 60)
    return [
        listing(eth, "spot", "BTC", seed, collectable=False),
        listing(sol, "spot", "BTC", seed, collectable=False),
        listing(btc, "spot", "EUR", seed, collectable=False),
        listing(eth, "spot", "EUR", seed, collectable=False),
        listing(xrp, "spot", "TRY", seed, collectable=False),
        listing(btc, "spot", "FDUSD", seed, collectable=False),
        listing(Coin("LOOM", 0.021, 400), "spot", "USDT", seed, native="LOOMXUSDT", base="LOOMX", status="halted"),
        listing(Coin("BNX", 1.21, 401), "spot", "USDT", seed, status="closed"),
        listing(Coin("币安人生", 0.118, 120), "spot", "USDT", seed),
        listing(Coin("币安人生", 0.118, 120), "perp", "USDT", seed),
        listing(btc, "dated", "USDT", seed, native="BTCUSDT_270326", end_ms=1_806_048_000_000),
        listing(eth, "dated", "USDT", seed, native="ETHUSDT_270326", end_ms=1_806_048_000_000),
        listing(btc, "inverse", "USD", seed, native="BTCUSD_PERP"),
        listing(eth, "inverse", "USD", seed, native="ETHUSD_PERP"),
        listing(ltc, "inverse", "USD", seed, native="LTCUSD_PERP"),
        listing(stock, "perp", "USDT", seed, category="equity"),
        listing(gold, "perp", "USDT", seed, category="commodity"),
        listing(Coin("NEWCO", 0.42, 300), "perp", "USDT", seed, status="pre"),
        listing(Coin("OLDCO", 0.07, 402), "perp", "USDT", seed, status="closed"),
        listing(dot, "perp", "FDUSD", seed, status="halted", collectable=False),
    ]
