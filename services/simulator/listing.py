"""The instruments of the synthetic exchanges: a row each, with its steps and its current top of book.

A coin is listed on most venues, as spot and as perpetual, some also against USDC or USD. Beside those stand the rows
that a collector must know how to leave alone: quotes in BTC and EUR, dated and inverse contracts, halted, closed and
pre-market instruments, stocks among the perpetuals, a name that is not ASCII. Which of them a venue has, and under
which names, is said in its folder.
"""

from dataclasses import dataclass, field
from math import floor, log10
from typing import TYPE_CHECKING, Literal

from services.simulator.coins import CONTRACT_VALUES, Coin
from services.simulator.noise import key_of, unit

if TYPE_CHECKING:
    from services.simulator.hub import Topic

Market = Literal["spot", "perp", "inverse", "dated"]
Status = Literal["trading", "halted", "pre", "closed", "unlisted"]

#: dollars of one coin of a quote currency
QUOTE_USD = {"USDT": 1.0, "USDC": 1.0, "USD": 1.0, "FDUSD": 1.0, "BTC": 94250.0, "EUR": 1.16, "TRY": 0.024}

#: so many of the most liquid coins are listed wherever coins are
EVERYWHERE = 40

PERPETUAL_END_MS = 4_133_404_800_000
LISTED_MS = 1_600_000_000_000


@dataclass(slots=True, eq=False)
class Listed:
    """One instrument of one venue: its terms, and its current top of book in whole steps.

    `bid`, `ask`, `last` count price steps of 10**-price_decimals; sizes count lots of 10**-size_decimals in the
    venue's own unit: contracts, each of `contract` times what the price is for, which is `multiplier` coins. `u` is the
    book's update number. `number` is the venue's own where it names instruments so; -1: the place in its listing.
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
    number: int = -1

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
        """Coins in one unit that sizes count."""
        return float(self.contract) * self.units

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


def instrument(
    venue: str, market: Market, native: str, coin: Coin, base: str, quote: str, seed: int, *,
    multiplier: int = 1, contract: str = "1", price_places: int | None = None, size_places: int | None = None,
    **terms: object,
) -> Listed:  # fmt: skip
    """A row under the venue's own names, with steps that suit its price where they are not given.

    `terms` are fields of `Listed` that differ from what is usual: `status`, `interval_h`, `category`, `number` …
    """
    price = coin.price * multiplier / QUOTE_USD.get(quote, 1.0)
    places = price_decimals(price) if price_places is None else price_places
    lots = size_decimals(coin.price * multiplier) if size_places is None else size_places
    row = Listed(
        venue, market, native, coin.name, base, quote, price, coin.rank, places, lots, multiplier, contract,
        interval_h=interval(venue, coin, seed),
    )  # fmt: skip
    return amend(row, terms)


def amend(row: Listed, terms: dict[str, object]) -> Listed:
    for name, value in terms.items():
        setattr(row, name, value)
    return row
