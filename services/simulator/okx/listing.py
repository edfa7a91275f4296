"""What OKX lists: spot and swaps, which are counted in contracts, and the odd rows."""

from typing import Final

from services.simulator.coins import Coin, coins
from services.simulator.listing import Listed, Market, amend, contract_value, instrument
from services.simulator.venue import Offer

OFFERS: Final = (
    Offer("perp", "USDT", below=0.9),
    Offer("spot", "USDT", above=0.12),
    Offer("spot", "USDC", best=30),
    Offer("perp", "USDC", best=12),
    Offer("spot", "USD", best=8),
)


def listing(coin: Coin, market: Market, quote: str, seed: int, **terms: object) -> Listed:
    """A row under OKX's name; all but spot counts contracts."""
    name = f"{coin.name}-{quote}"
    if market == "spot":
        return amend(instrument("okx", market, name, coin, coin.name, quote, seed), terms)
    row = instrument(
        "okx", market, f"{name}-SWAP", coin, coin.name, quote, seed, contract=contract_value(coin), size_places=2
    )
    return amend(row, terms)


def extras(seed: int) -> list[Listed]:
    """The rows that a collector must know how to leave alone."""
    by_name = {coin.name: coin for coin in coins(60, seed)}
    btc, eth, sol = by_name["BTC"], by_name["ETH"], by_name["SOL"]
    stock = Coin("TSLA", 412.0, 90)
    return [
        listing(eth, "spot", "BTC", seed, collectable=False),
        listing(sol, "spot", "BTC", seed, collectable=False),
        listing(btc, "spot", "EUR", seed, collectable=False),
        listing(eth, "spot", "EUR", seed, collectable=False),
        listing(btc, "inverse", "USD", seed, contract="100", size_decimals=0),
        listing(eth, "inverse", "USD", seed, contract="10", size_decimals=0),
        listing(btc, "dated", "USDT", seed, native="BTC-USDT-270326", end_ms=1_806_048_000_000),
        listing(stock, "perp", "USDT", seed, category="equity"),
        listing(Coin("OLDCO", 0.07, 402), "spot", "USDT", seed, status="halted"),
        listing(Coin("NEWCO", 0.42, 300), "perp", "USDT", seed, status="pre"),
        listing(Coin("币安人生", 0.118, 120), "spot", "USDT", seed),
    ]
