"""What GRVT lists: perpetuals against USDT, three of them on thousands of coins, stocks among them, and odd rows."""

from typing import Final

from services.simulator.coins import Coin, coins
from services.simulator.listing import Listed, Market, amend, instrument
from services.simulator.venue import Offer

OFFERS: Final = (Offer("perp", "USDT", below=0.6),)
THOUSANDS: Final = frozenset({"PEPE", "BONK", "SHIB"})
#: trades by request for quotation alone: listed, and has no book
RFQ_ONLY: Final = frozenset({"XPD_USDT_Perp"})


def listing(coin: Coin, market: Market, quote: str, seed: int, **terms: object) -> Listed:
    """A row under GRVT's name; a capital K counts a thousand coins."""
    many = coin.name in THOUSANDS
    base = f"K{coin.name}" if many else coin.name
    row = instrument("grvt", market, f"{base}_{quote}_Perp", coin, base, quote, seed, multiplier=1000 if many else 1)
    return amend(row, terms)


def extras(seed: int) -> list[Listed]:
    """The rows that a collector must know how to leave alone."""
    by_name = {coin.name: coin for coin in coins(60, seed)}
    btc = by_name["BTC"]
    return [
        listing(Coin("NVDA", 184.0, 80), "perp", "USDT", seed, category="equity"),
        listing(btc, "dated", "USDT", seed, native="BTC_USDT_Fut_25Dec26", end_ms=1_798_156_800_000),
        listing(Coin("XPD", 1480.0, 200), "perp", "USDT", seed, category="commodity", collectable=False),
        listing(Coin("OLDCO", 0.07, 402), "perp", "USDT", seed, status="halted"),
    ]
