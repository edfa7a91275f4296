"""The instruments of the synthetic exchanges: what each lists, under which name, with which steps.

A coin is listed on most venues, as spot and as perpetual, some also against USDC or USD. Beside those stand the rows
that a collector must know how to leave alone: quotes in BTC and EUR, dated and inverse contracts, halted, closed and
pre-market instruments, stocks among the perpetuals, a name that is not ASCII.
"""

from dataclasses import dataclass, field
from math import floor, log10
from typing import TYPE_CHECKING, Literal

from services.simulator.coins import CONTRACT_VALUES, MULTIPLIERS, Coin, coins
from services.simulator.noise import key_of, unit

if TYPE_CHECKING:
    from services.simulator.hub import Topic

Market = Literal["spot", "perp", "inverse", "dated"]
Status = Literal["trading", "halted", "pre", "closed", "unlisted"]

#: dollars of one coin of a quote currency
QUOTE_USD = {"USDT": 1.0, "USDC": 1.0, "USD": 1.0, "FDUSD": 1.0, "BTC": 94250.0, "EUR": 1.16, "TRY": 0.024}

PERPETUAL_END_MS = 4_133_404_800_000
LISTED_MS = 1_600_000_000_000


@dataclass(slots=True, eq=False)
class Listed:
    """One instrument of one venue: its terms, and its current top of book in whole steps.

    `bid`, `ask`, `last` count price steps of 10**-price_decimals; sizes count lots of 10**-size_decimals in the
    venue's own unit (coins of `multiplier`, or contracts of `contract`). `u` is the book's update number.
    """

    venue: str
    market: Market
    native: str
    coin: str
    base: str
    quote: str
    price: float
    rank: int
    price_decimals: int
    size_decimals: int
    multiplier: int = 1
    contract: str = "1"
    status: Status = "trading"
    category: str = "crypto"
    interval_h: int = 8
    listed_ms: int = LISTED_MS
    end_ms: int = PERPETUAL_END_MS
    collectable: bool = True

    bid: int = 0
    ask: int = 0
    bid_size: int = 0
    ask_size: int = 0
    last: int = 0
    last_size: int = 0
    trade_id: int = 0
    u: int = 0
    ms: int = 0
    #: topics of this instrument that somebody has subscribed to, by channel
    topics: "dict[str, Topic]" = field(default_factory=dict)

    @property
    def key(self) -> int:
        return key_of(self.venue, self.market, self.native)

    @property
    def units(self) -> float:
        """Coins in one unit that the price is for."""
        return float(self.multiplier)

    @property
    def size_units(self) -> float:
        """Coins in one unit that sizes count: contracts for swaps, else what the price is for."""
        return float(self.contract) if self.venue == "okx" and self.market != "spot" else self.units

    def price_text(self, steps: int) -> str:
        return f"{steps / 10**self.price_decimals:.{self.price_decimals}f}"

    def size_text(self, lots: int) -> str:
        return f"{lots / 10**self.size_decimals:.{self.size_decimals}f}"


def price_decimals(price: float) -> int:
    """Decimals that leave five significant digits, as venues choose them (none for prices in the ten thousands)."""
    return min(13, max(0, 4 - floor(log10(price)))) if price < 10_000 else 1


def size_decimals(value: float) -> int:
    """Decimals of a lot worth about a cent to a dime when one unit is worth `value` dollars."""
    return min(8, max(0, floor(log10(value)) + 1))


def contract_value(coin: Coin) -> str:
    """Coins in a contract: a power of ten worth one to ten dollars or so."""
    if coin.name in CONTRACT_VALUES:
        return CONTRACT_VALUES[coin.name]
    exponent = -floor(log10(coin.price / 5))
    return str(10**exponent) if exponent >= 0 else f"{10.0**exponent:.{-exponent}f}"


def interval(venue: str, coin: Coin, seed: int) -> int:
    """Hours between fundings: most 8, a quarter 4, a few 1."""
    draw = unit(seed, key_of("interval", venue, coin.name))
    return 8 if coin.rank < 10 or draw < 0.7 else 4 if draw < 0.94 else 1


def binance(coin: Coin, market: Market, quote: str, seed: int, **terms: object) -> Listed:
    base, multiplier = MULTIPLIERS.get(("binance", "perp" if market != "spot" else "spot"), {}).get(
        coin.name, (coin.name, 1)
    )
    price = coin.price * multiplier / QUOTE_USD[quote]
    decimals = min(8, price_decimals(price))
    row = Listed(
        "binance", market, f"{base}{quote}", coin.name, base, quote, price, coin.rank, decimals,
        size_decimals(coin.price * multiplier), multiplier, interval_h=interval("binance", coin, seed),
    )  # fmt: skip
    return amend(row, terms)


def okx(coin: Coin, market: Market, quote: str, seed: int, **terms: object) -> Listed:
    price = coin.price / QUOTE_USD[quote]
    name = f"{coin.name}-{quote}"
    swap = market != "spot"
    row = Listed(
        "okx", market, f"{name}-SWAP" if swap else name, coin.name, coin.name, quote, price, coin.rank,
        price_decimals(price), 2 if swap else size_decimals(coin.price), 1, contract_value(coin) if swap else "1",
        interval_h=interval("okx", coin, seed),
    )  # fmt: skip
    return amend(row, terms)


def amend(row: Listed, terms: dict[str, object]) -> Listed:
    for name, value in terms.items():
        setattr(row, name, value)
    return row


MAKERS = {"binance": binance, "okx": okx}


def collectable(venue: str, count: int, seed: int) -> list[Listed]:
    """The first `count` instruments that a collector should find: coins in order of liquidity."""
    rows: list[Listed] = []
    make = MAKERS[venue]
    for coin in coins(count, seed):
        draw = unit(seed, key_of("listed", venue, coin.name))
        everywhere = coin.rank < 40
        if everywhere or draw < 0.9:
            rows.append(make(coin, "perp", "USDT", seed))
        if everywhere or draw > 0.12:
            rows.append(make(coin, "spot", "USDT", seed))
        if coin.rank < 30:
            rows.append(make(coin, "spot", "USDC", seed))
        if coin.rank < 12:
            rows.append(make(coin, "perp", "USDC", seed))
        if venue == "okx" and coin.rank < 8:
            rows.append(make(coin, "spot", "USD", seed))
        if coin.rank == 1:
            stable = Coin("USDC", 1.0, 3)
            rows.append(make(stable, "spot", "USDT", seed, price_decimals=4, size_decimals=0))
        if len(rows) >= count:
            break
    return rows[:count]


def binance_extras(seed: int) -> list[Listed]:
    by_name = {coin.name: coin for coin in coins(60, seed)}
    btc, eth, sol, xrp, ltc, dot = (by_name[name] for name in ("BTC", "ETH", "SOL", "XRP", "LTC", "DOT"))
    stock = Coin("TSLA", 412.0, 90)
    gold = Coin("XAU", 4080.0, 60)
    return [
        binance(eth, "spot", "BTC", seed, collectable=False),
        binance(sol, "spot", "BTC", seed, collectable=False),
        binance(btc, "spot", "EUR", seed, collectable=False),
        binance(eth, "spot", "EUR", seed, collectable=False),
        binance(xrp, "spot", "TRY", seed, collectable=False),
        binance(btc, "spot", "FDUSD", seed, collectable=False),
        binance(Coin("LOOM", 0.021, 400), "spot", "USDT", seed, native="LOOMXUSDT", base="LOOMX", status="halted"),
        binance(Coin("BNX", 1.21, 401), "spot", "USDT", seed, status="closed"),
        binance(Coin("币安人生", 0.118, 120), "spot", "USDT", seed),
        binance(Coin("币安人生", 0.118, 120), "perp", "USDT", seed),
        binance(btc, "dated", "USDT", seed, native="BTCUSDT_270326", end_ms=1_806_048_000_000),
        binance(eth, "dated", "USDT", seed, native="ETHUSDT_270326", end_ms=1_806_048_000_000),
        binance(btc, "inverse", "USD", seed, native="BTCUSD_PERP"),
        binance(eth, "inverse", "USD", seed, native="ETHUSD_PERP"),
        binance(ltc, "inverse", "USD", seed, native="LTCUSD_PERP"),
        binance(stock, "perp", "USDT", seed, category="equity"),
        binance(gold, "perp", "USDT", seed, category="commodity"),
        binance(Coin("NEWCO", 0.42, 300), "perp", "USDT", seed, status="pre"),
        binance(Coin("OLDCO", 0.07, 402), "perp", "USDT", seed, status="closed"),
        binance(dot, "perp", "FDUSD", seed, status="halted", collectable=False),
    ]


def okx_extras(seed: int) -> list[Listed]:
    by_name = {coin.name: coin for coin in coins(60, seed)}
    btc, eth, sol = by_name["BTC"], by_name["ETH"], by_name["SOL"]
    stock = Coin("TSLA", 412.0, 90)
    return [
        okx(eth, "spot", "BTC", seed, collectable=False),
        okx(sol, "spot", "BTC", seed, collectable=False),
        okx(btc, "spot", "EUR", seed, collectable=False),
        okx(eth, "spot", "EUR", seed, collectable=False),
        okx(btc, "inverse", "USD", seed, contract="100", size_decimals=0),
        okx(eth, "inverse", "USD", seed, contract="10", size_decimals=0),
        okx(btc, "dated", "USDT", seed, native="BTC-USDT-270326", end_ms=1_806_048_000_000),
        okx(stock, "perp", "USDT", seed, category="equity"),
        okx(Coin("OLDCO", 0.07, 402), "spot", "USDT", seed, status="halted"),
        okx(Coin("NEWCO", 0.42, 300), "perp", "USDT", seed, status="pre"),
        okx(Coin("币安人生", 0.118, 120), "spot", "USDT", seed),
    ]


EXTRAS = {"binance": binance_extras, "okx": okx_extras}


def build(venue: str, count: int, seed: int) -> list[Listed]:
    """Every row of a venue: `count` collectable instruments and the odd ones."""
    rows = collectable(venue, count, seed)
    taken = {(row.market == "spot", row.native) for row in rows}
    for row in EXTRAS[venue](seed):
        if (row.market == "spot", row.native) not in taken:
            row.collectable = row.collectable and row.status == "trading" and row.market in ("spot", "perp")
            rows.append(row)
    return rows
