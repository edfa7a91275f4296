"""Synthetic order books: a picture that depends on nothing but the instrument's current quote.

Levels below the best stand on a fixed grid of prices, so that a moving quote changes few of them, and two pictures
differ by a handful of levels, as on a real exchange.
"""

from dataclasses import dataclass, field
from zlib import crc32

from services.simulator.listing import Listed

Levels = dict[int, int]


@dataclass(slots=True)
class Picture:
    """Both sides as price steps -> size lots, best first, and the update number they belong to."""

    bids: Levels = field(default_factory=dict)
    asks: Levels = field(default_factory=dict)
    u: int = 0
    ms: int = 0


def picture(row: Listed, levels: int) -> Picture:
    """The book of an instrument as of its last quote."""
    grid = max(1, int(row.price * 10**row.price_decimals * 0.0001))
    bids, asks = {row.bid: row.bid_size}, {row.ask: row.ask_size}
    below, above = (row.bid - 1) // grid * grid, (row.ask // grid + 1) * grid
    for n in range(levels - 1):
        low, high = below - n * grid, above + n * grid
        if low > 0:
            bids[low] = size(row, low)
        asks[high] = size(row, high)
    return Picture(bids, asks, row.u, row.ms)


def size(row: Listed, price: int) -> int:
    """The size resting at a grid price: fixed for some updates, then another, staggered over the prices."""
    epoch = (row.u + price * 7) >> 6
    draw = crc32(b"%d:%d" % (price, epoch), row.rank) % 1000
    return max(1, int(base_size(row) * (0.3 + draw / 500)))


def base_size(row: Listed) -> float:
    """Lots of a typical level: some 30,000 dollars for the first coins, less down the list."""
    worth = row.price * row.size_units / row.units
    return 30_000.0 / (1.0 + row.rank / 10) / worth * 10.0**row.size_decimals


def changes(old: Levels, new: Levels) -> Levels:
    """Levels that differ; 0 for those that are gone."""
    changed = {price: lots for price, lots in new.items() if old.get(price) != lots}
    changed.update((price, 0) for price in old if price not in new)
    return changed
