"""The synthetic market: one fair price per coin, and every venue's quotes, trades, marks and funding around it.

Theory of operation. `fair(coin, t)` is seeded noise over time (see noise.py), the same for all venues. An instrument's
mid is that price with a small noise of its own; half a spread on either side, rounded outwards to the price step,
makes its quote. What a scenario changes enters as a `Mod` per instrument. Who quotes when is drawn per slice of
time from the seed, so the same second of the same seed holds the same quotes. Nothing here reads a clock.
"""

from dataclasses import dataclass
from itertools import accumulate
from math import ceil, floor
from random import Random

from services.simulator.listing import QUOTE_USD, Listed
from services.simulator.noise import Wave, Waves, key_of, unit
from services.simulator.scenario import Event

#: lattice seconds and size of a coin's price moves, from hours down to the single second
FAIR = ((21_600.0, 0.03), (1_800.0, 0.008), (120.0, 0.0015), (9.0, 0.0004), (1.3, 0.0001))
#: an instrument's own noise around the fair price
OWN = ((47.0, 0.00015), (3.7, 0.00005))
HOUR_MS = 3_600_000


@dataclass(slots=True)
class Mod:
    """What a scenario does to an instrument. `shift` moves the mid, `calm` takes the own noise away."""

    shift: float = 0.0
    calm: bool = False
    crossed: float = 0.0
    thin: float = 1.0
    funding: float | None = None
    every_s: float | None = None


PLAIN = Mod()


class Market:
    """Prices of all instruments of all venues as a function of (seed, time), plus the state of their last quotes."""

    def __init__(self, listed: list[Listed], seed: int) -> None:
        self.listed = listed
        self.seed = seed
        self._fair: dict[str, Waves] = {}
        self._base: dict[str, float] = {}
        self._own: dict[Listed, Waves] = {}
        self._rates: dict[tuple[str, str], Wave] = {}
        self._mods: dict[Listed, Mod] = {}
        self._depeg = 0.0
        self.by_coin: dict[str, list[Listed]] = {}
        for row in listed:
            self._base.setdefault(row.coin, row.price * QUOTE_USD.get(row.quote, 1.0) / row.units)
            self.by_coin.setdefault(row.coin, []).append(row)
        self._moving = [row for row in listed if row.status == "trading"]
        self._chances = list(accumulate(1.0 / (row.rank + 8) for row in self._moving))

    # -- prices ----------------------------------------------------------------------------------------------------

    def fair(self, coin: str, t: float) -> float:
        """Dollars of one coin at `t` epoch seconds."""
        if coin in QUOTE_USD and coin != "BTC":
            return self.quote_usd(coin, t)
        waves = self._fair.get(coin)
        if waves is None:
            waves = self._fair[coin] = Waves(self.seed, key_of("fair", coin), FAIR)
        return self._base[coin] * (1.0 + waves.at(t))

    def quote_usd(self, quote: str, t: float) -> float:
        """Dollars of one unit of a quote currency."""
        if quote == "BTC":
            return self.fair("BTC", t)
        return QUOTE_USD.get(quote, 1.0) + (self._depeg if quote == "USDC" else 0.0)

    def index(self, row: Listed, t: float) -> float:
        """The index price in the instrument's quote, for one of its units."""
        return self.fair(row.coin, t) * row.units / self.quote_usd(row.quote, t)

    def mid(self, row: Listed, t: float) -> float:
        mod = self.mod(row)
        return self.index(row, t) * (1.0 + mod.shift + (0.0 if mod.calm else self._noise(row, t)))

    def mark(self, row: Listed, t: float) -> float:
        """The mark price: the index with a third of the venue's own deviation."""
        mod = self.mod(row)
        return self.index(row, t) * (1.0 + mod.shift / 3 + self._noise(row, t) / 3)

    def _noise(self, row: Listed, t: float) -> float:
        waves = self._own.get(row)
        if waves is None:
            waves = self._own[row] = Waves(self.seed, row.key, OWN)
        return waves.at(t)

    # -- funding ---------------------------------------------------------------------------------------------------

    def funding_rate(self, row: Listed, t: float) -> float:
        """The rate that would settle next, a fraction per interval."""
        mod = self.mod(row)
        if mod.funding is not None:
            return mod.funding
        wave = self._rates.get((row.venue, row.native))
        if wave is None:
            wave = self._rates[row.venue, row.native] = Wave(self.seed, row.key, 5_400.0, 0.0004)
        return (0.0001 + wave.at(t)) * row.interval_h / 8

    def next_funding_ms(self, row: Listed, t: float) -> int:
        every_s = self.mod(row).every_s
        span = row.interval_h * HOUR_MS if every_s is None else int(every_s * 1000)
        return (int(t * 1000) // span + 1) * span

    # -- quotes ----------------------------------------------------------------------------------------------------

    def half_spread(self, row: Listed) -> float:
        return min(0.0008, 0.00003 + 0.000004 * row.rank)

    def requote(self, row: Listed, t: float, rng: Random, extra: float = 0.0) -> None:
        """Sets the instrument's top of book as of `t`; `extra` is a passing shift of its mid."""
        mod = self.mod(row)
        half = self.half_spread(row)
        scale = 10**row.price_decimals
        mid = self.mid(row, t) * (1.0 + extra) * scale
        bid = floor(mid * (1.0 - half))
        ask = max(bid + 1, ceil(mid * (1.0 + half)))
        if mod.crossed:
            bid = max(ask + 1, ceil(ask * (1.0 + mod.crossed)))
        row.bid, row.ask = max(1, bid), max(2, ask)
        dollars = 200_000.0 / (1.0 + row.rank / 10) * mod.thin
        lots = dollars / (self._base[row.coin] * row.size_units) * 10**row.size_decimals
        row.bid_size = max(1, int(lots * (0.2 + rng.random())))
        row.ask_size = max(1, int(lots * (0.2 + rng.random())))
        row.u += 1
        row.ms = int(t * 1000)
        if not row.last:
            row.last, row.last_size = row.bid, row.bid_size

    def trade(self, row: Listed, rng: Random) -> bool:
        """A trade against the current quote; True where the aggressor bought."""
        buys = rng.random() < 0.5
        row.last = row.ask if buys else row.bid
        row.last_size = max(1, int((row.ask_size if buys else row.bid_size) * rng.random() * 0.2))
        row.trade_id += 1
        return buys

    def start(self, t: float) -> None:
        """First quotes of everything, with book and trade numbers that grow from run to run."""
        for row in self.listed:
            row.u = int(t * 1000) * 10 + row.key % 1000
            row.trade_id = int(t) + row.key % 100_000
            self.requote(row, t, Random(row.key ^ self.seed))

    def draw(self, rng: Random, count: int) -> list[Listed]:
        """`count` instruments that quote now, liquid ones more often; a halted one stays silent."""
        if not count:
            return []
        picked = rng.choices(self._moving, cum_weights=self._chances, k=count)
        return [row for row in picked if row.status == "trading"]

    # -- statistics ------------------------------------------------------------------------------------------------

    def open_interest(self, row: Listed) -> float:
        """Coins outstanding."""
        draw = 0.5 + unit(self.seed, row.key, 1)
        return 3e8 / (1 + row.rank) * draw / self._base[row.coin]

    def volume(self, row: Listed) -> float:
        """Coins traded in 24 hours."""
        draw = 0.5 + unit(self.seed, row.key, 2)
        return 2e9 / (1 + row.rank) * draw / self._base[row.coin]

    # -- scenario --------------------------------------------------------------------------------------------------

    def mod(self, row: Listed) -> Mod:
        if not self._mods:
            return PLAIN
        return self._mods.get(row, PLAIN)

    def apply(self, events: list[Event]) -> list[Listed]:
        """Takes on what a scenario asks for; returns the instruments that it touches."""
        self._mods = {}
        self._depeg = sum((event.bps or 0.0) / 1e4 for event in events if event.kind == "depeg")
        touched: list[Listed] = []
        for event in events:
            touched += self._take(event)
        return touched

    def _take(self, event: Event) -> list[Listed]:
        if event.kind == "depeg":
            return self.by_coin.get("USDC", [])
        if event.kind not in ("gap", "funding", "crossed", "thin"):
            return []
        rows = [row for row in self.by_coin.get(event.coin, ()) if event.covers(row.venue, row.coin, row.market)]
        if event.kind == "gap" and rows:
            rows += self._gap(event, rows)
        for row in rows:
            mod = self._mod_of(row)
            if event.kind == "funding":
                mod.funding, mod.every_s = event.rate, event.every_s
            elif event.kind == "crossed":
                mod.crossed = (event.bps or 10.0) / 1e4
            elif event.kind == "thin":
                mod.thin = event.factor if event.factor is not None else 1.0
        return rows

    def _gap(self, event: Event, rich: list[Listed]) -> list[Listed]:
        """The dear venue's bid stands `bps` above the cheap one's ask: both lose their noise, one moves up."""
        cheap = [row for row in self.by_coin[event.coin] if row.venue != event.venue]
        if event.against:
            cheap = [row for row in cheap if row.venue == event.against]
        half = self.half_spread(rich[0])
        for row in rich:
            mod = self._mod_of(row)
            mod.calm = True
            mod.shift += (1.0 + half) / (1.0 - half) * (1.0 + (event.bps or 0.0) / 1e4) - 1.0
        for row in cheap:
            self._mod_of(row).calm = True
        return cheap

    def _mod_of(self, row: Listed) -> Mod:
        return self._mods.setdefault(row, Mod())
