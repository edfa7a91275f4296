"""A simulated venue: one frozen record in the venue's own folder, and one line in the registry (venues.py).

Nothing outside `services/simulator/<venue>/` knows a venue's name, hosts, listings, frames or rules. See
docs/simulator.md, "Adding a venue".
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from services.simulator.coins import Coin, coins
from services.simulator.exchange import Exchange, World
from services.simulator.listing import EVERYWHERE, Listed, Market
from services.simulator.noise import key_of, unit
from services.simulator.recorded import Recorded


class Lister(Protocol):
    """Makes one row of a venue's listing: its name, its steps, its multiplier. `terms` are fields of `Listed`."""

    def __call__(self, coin: Coin, market: Market, quote: str, seed: int, **terms: object) -> Listed:
        """The row."""


@dataclass(frozen=True, slots=True)
class Offer:
    """Which coins a venue lists in a market against a quote.

    `best`: only so many of the most liquid coins. Else the most liquid forty, and of the others those whose number,
    drawn from 0 to 1 for each coin, lies between `above` and `below`.
    """

    market: Market
    quote: str
    best: int | None = None
    above: float = -1.0
    below: float = 2.0

    def holds(self, rank: int, draw: float) -> bool:
        if self.best is not None:
            return rank < self.best
        return rank < EVERYWHERE or self.above < draw < self.below


@dataclass(frozen=True, slots=True, kw_only=True)
class SimulatedVenue:
    """Everything that the simulator asks of a venue.

    `hosts`: the real hosts that are routed to it, of REST and of sockets.
    `make(world)`: its exchange, which speaks its protocol.
    `listing`: makes a row; `offers`: which rows a collector should find, in this order for each coin.
    `extras(seed)`: the odd rows that a collector must know how to leave alone.
    `most`: how many collectable instruments the real venue has, where `--instruments` may ask for more.
    `stable`: the quote against which USDC is listed on spot, empty where it is not.
    `recorded`: how its recorded sessions are read.
    """

    name: str
    hosts: frozenset[str]
    make: Callable[[World], Exchange]
    listing: Lister
    offers: Sequence[Offer]
    recorded: Recorded
    extras: Callable[[int], Sequence[Listed]] = lambda seed: ()
    most: int | None = None
    stable: str = ""

    def rows(self, count: int, seed: int) -> list[Listed]:
        """Every row of the listing: `count` collectable instruments, or all that the venue has, and the odd ones.

        `number` is a row's place in it where the venue has given none.
        """
        rows = self._collectable(count if self.most is None else min(count, self.most), seed)
        taken = {(row.market == "spot", row.native) for row in rows}
        for row in self.extras(seed):
            if (row.market == "spot", row.native) not in taken:
                row.collectable = row.collectable and row.status == "trading" and row.market in ("spot", "perp")
                rows.append(row)
        for place, row in enumerate(rows):
            if row.number < 0:
                row.number = place
        return rows

    def _collectable(self, count: int, seed: int) -> list[Listed]:
        """The first `count` instruments that a collector should find: coins in order of liquidity."""
        rows: list[Listed] = []
        # a venue that lists few of the coins has to look at more of them
        for coin in coins(2 * count + EVERYWHERE, seed):
            draw = unit(seed, key_of("listed", self.name, coin.name))
            for offer in self.offers:
                if offer.holds(coin.rank, draw):
                    rows.append(self.listing(coin, offer.market, offer.quote, seed))
            if coin.rank == 1 and self.stable:
                usdc = Coin("USDC", 1.0, 3)
                rows.append(self.listing(usdc, "spot", self.stable, seed, price_decimals=4, size_decimals=0))
            if len(rows) >= count:
                break
        return rows[:count]
