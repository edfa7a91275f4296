"""What Hyperliquid lists: perpetuals of its own and of builders' exchanges, spot pairs by number, and the odd rows.

A row's `native` is the name that sockets want. `Listed.base` of a spot row is its token's name, which may be another
than the coin's. Prices of 10,000 and more are whole numbers; every coin cheaper than `THOUSANDS` comes by the thousand.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from services.simulator.coins import Coin, coins
from services.simulator.listing import Listed, Market, amend, instrument, price_decimals, size_decimals
from services.simulator.venue import Offer

#: as many instruments as the exchange had in September 2026: 326 perpetuals, and pairs with a market
MOST: Final = 620
OFFERS: Final = (
    Offer("perp", "USDC", below=0.7),
    Offer("spot", "USDC", above=0.3),
    Offer("spot", "USDT", best=4),
)
THOUSANDS: Final = 0.0005
#: coins whose token has another name
TOKENS: Final[Mapping[str, str]] = MappingProxyType(
    {"BTC": "UBTC", "ETH": "UETH", "SOL": "USOL", "BONK": "UBONK", "FARTCOIN": "UFART", "PUMP": "UPUMP"}
    | {"PENGU": "HPENGU", "USDT": "USDT0"}
)
#: the first pair of each quote token, by number
FIRST: Final = {"USDC": 100, "USDT": 20_000, "USDH": 30_000}
#: builders' exchanges, in the venue's order, and the token that each settles in
DEXES: Final = ("", "xyz", "flx", "km")
COLLATERAL: Final = {"": "USDC", "xyz": "USDC", "flx": "USDC", "km": "USDH"}


def listing(coin: Coin, market: Market, quote: str, seed: int, **terms: object) -> Listed:
    """A row under the venue's name; payments are hourly."""
    many = 1000 if market == "perp" and coin.price < THOUSANDS else 1
    price = coin.price * many
    places = 0 if price >= 10_000 else price_decimals(price)
    if market == "perp":
        base, native = coin.name, f"k{coin.name}" if many > 1 else coin.name
    else:
        base, native = TOKENS.get(coin.name, coin.name), f"@{FIRST[quote] + coin.rank}"
    row = instrument(
        "hyperliquid", market, native, coin, base, quote, seed,
        multiplier=many, price_places=places, size_places=min(5, size_decimals(price)), interval_h=1,
    )  # fmt: skip
    return amend(row, terms)


def built(dex: str, coin: Coin, seed: int, **terms: object) -> Listed:
    """A perpetual on a builder's exchange."""
    return listing(coin, "perp", COLLATERAL[dex], seed, native=f"{dex}:{coin.name}", **terms)


def dex_of(row: Listed) -> str:
    """The exchange that lists a perpetual, empty for the venue's own."""
    dex, colon, _ = row.native.partition(":")
    return dex if colon else ""


def extras(seed: int) -> list[Listed]:
    """Stocks and metals of builders, and rows that a collector must know how to leave alone."""
    by_name = {coin.name: coin for coin in coins(60, seed)}
    stock, gold = Coin("TSLA", 412.0, 90), Coin("GOLD", 4_120.0, 95)
    return [
        built("xyz", stock, seed, category="equity"),
        built("xyz", Coin("SP500", 6_810.0, 60), seed, category="index"),
        built("xyz", gold, seed, category="commodity"),
        built("xyz", by_name["BTC"], seed, collectable=False),  # the first exchange has its symbol
        built("flx", gold, seed, status="closed"),  # delisted there, alive elsewhere
        built("km", Coin("NVDA", 181.0, 70), seed, category="equity", collectable=False),  # settles in another token
        listing(Coin("OLDPERP", 0.5, 500), "perp", "USDC", seed, status="closed"),
        listing(Coin("PURR", 0.17, 150), "spot", "USDC", seed, native="PURR/USDC"),
        listing(Coin("USDT", 1.0, 3), "spot", "USDC", seed, native="@166", price_decimals=5, size_decimals=2),
        listing(Coin("OLDCO", 0.07, 402), "spot", "USDC", seed, status="halted"),
        listing(by_name["ETH"], "spot", "USDH", seed, collectable=False),
    ]
