"""A rich market by seed: several venues, coins that part and meet, and everything that can go wrong with a stream."""

import random
from dataclasses import dataclass, field
from typing import Any

from services.scanner.control import Config, Listing, Row, Tick
from shared.config import BorrowRate, Exclusion, Fees, Runtime, Transfer
from shared.events import Event, FeedState, Funding, Quote, State, Stats
from shared.routes.fx import Fx
from tests.scanner.tape import MS, Tape, row

VENUES = ("alpha", "beta", "gamma", "delta")
COINS = ("AAA", "BBB", "CCC", "DDD", "EEE")
SETTINGS = Runtime(
    version=1,
    samples=3,
    hold_ms=400,
    sample_ms=200,
    linger_ms=600,
    cooldown_ms=1500,
    alive_ms=1500,
    min_volume_usd=1e6,
    borrow_rates=(BorrowRate(venue="alpha", apr_percent=12.5),),
    transfers=(Transfer(asset="AAA", bps=15.0), Transfer(venue="beta", bps=3.0)),
)


@dataclass
class Script:
    """Writes the tape. Prices walk; each coin's markets part from time to time."""

    seed: int
    #: the quote currency of gamma; how often a market parts in a second; how often something goes wrong, of 1
    dollars: str = "USDC"
    parting: float = 0.1
    trouble: float = 1.0
    tape: Tape = field(default_factory=Tape)

    def __post_init__(self) -> None:
        self.dice, self.day = random.Random(self.seed), random.Random(-self.seed)
        self.rows = {venue: self._rows(venue) for venue in VENUES}
        self.price = {coin: self.dice.uniform(0.5, 500) for coin in COINS}
        self.shift = {(venue, one.native): 0.0 for venue in VENUES for one in self.rows[venue]}
        self.dead: dict[str, int] = {}
        self.run = dict.fromkeys(VENUES, 1)
        self.last: dict[tuple[str, str], Quote] = {}
        self.version = 1

    def _rows(self, venue: str) -> list[Row]:
        mode = "periodic" if venue == "delta" else "on_change"
        rows = [row(coin, quote=self.dollars if venue == "gamma" else "USDT", quote_mode=mode) for coin in COINS]
        if venue in ("alpha", "beta"):
            rows += [row(coin, "spot", taker_fee_bps="10") for coin in COINS]
        return rows

    def write(self, seconds: float) -> Tape:
        """So many seconds of market, 50 ms a step."""
        self.tape.begin(self.rows, SETTINGS)
        self.tape.ctl(Fx("0.9996", "0.9998", "0.9997", 2))
        for step in range(int(seconds * 20)):
            self.tape.wait(50 if self.dice.random() < 0.97 else 0)
            self.step(step)
            self._rule(step)
        return self.tape

    def step(self, number: int) -> None:
        """What the venues write in one step."""
        for coin in COINS:
            self.price[coin] *= 1 + self.dice.gauss(0, 0.0001)
        if number % 20 == 0:
            self._part()
        if number % 60 == 0:
            self._turnovers()
        for venue in VENUES:
            if self.tape.now >= self.dead.get(venue, 0):
                self._quotes(venue)
        self._mishap()

    def _part(self) -> None:
        for key in self.shift:
            if self.dice.random() < self.parting:
                self.shift[key] = self.dice.choice((0.0, 0.0, 0.004, 0.0075, 0.012, -0.011, 0.015, -0.02, 0.08))

    def _turnovers(self) -> None:
        """What was traded in 24 hours, seldom too little; one venue tells coins alone."""
        for venue in VENUES:
            events: list[Event] = []
            for one in self.rows[venue]:
                price, usd = self.price[one.base], self.day.choice((9e5, *(5e6, 4e7) * 6))
                coins, turnover = f"{usd / price:.4f}", None if venue == "gamma" else f"{usd:.2f}"
                events.append(Stats(one.symbol, f"{price:.6f}", coins, turnover, None, None, self.tape.now * MS))
            self.tape.put(venue, "stats", events, f"{venue}-{self.run[venue]}")

    def _quotes(self, venue: str) -> None:
        events = []
        for one in self.rows[venue]:
            if self.dice.random() < (0.9 if venue == "delta" else 0.35):
                events.append(self._quote(venue, one))
        if self.dice.random() < 0.05:
            events += [self._repeat(venue, one) for one in self.rows[venue] if (venue, one.native) in self.last]
        self.tape.put(venue, "quote", list(events), f"{venue}-{self.run[venue]}")

    def _quote(self, venue: str, one: Row) -> Quote:
        mid = self.price[one.base] * (1 + self.shift[venue, one.native])
        half = mid * self.dice.choice((*(0.0001, 0.0002, 0.0002, 0.0005) * 12, -0.0001))
        at = (self.tape.now - self.dice.choice((0, 1, 3, 8, 40))) * MS + self.dice.randrange(MS)
        bid, ask = f"{mid - half:.6f}", f"{mid + half:.6f}"
        size = f"{self.dice.choice((0.5, 3, 40, 900)) * 100 / mid:.4f}"
        missing = self.dice.random() < 0.01
        ts = None if venue == "gamma" else at - self.dice.randrange(30) * MS
        found = Quote(one.symbol, None if missing else bid, None if missing else size, ask, size, ts, at)
        self.last[venue, one.native] = found
        return found

    def _repeat(self, venue: str, one: Row) -> Quote:
        old = self.last[venue, one.native]
        return Quote(old.symbol, old.bid, old.bid_size, old.ask, old.ask_size, old.ts, old.recv, "repeat")

    def _mishap(self) -> None:
        venue, kind = self.dice.choice(VENUES), self.dice.random() / self.trouble
        producer, now = f"{venue}-{self.run[venue]}", self.tape.now
        symbol = self.dice.choice(self.rows[venue]).symbol
        if kind < 0.01:
            state: FeedState = self.dice.choice(("down", "stale", "gap"))
            self.tape.put(venue, "quote", [State(symbol, state, "mishap", now * MS)], producer)
        elif kind < 0.03:
            self.tape.put(venue, "quote", [State(symbol, "up", "mended", now * MS)], producer)
        elif kind < 0.034:
            self.tape.put(venue, "quote", [], producer, skip=self.dice.randrange(1, 4))
        elif kind < 0.037:
            self.dead[venue] = now + self.dice.choice((900, 2500, 4000))
        elif kind < 0.039:
            self.tape.put(venue, "quote", [State(None, "down", "stop", now * MS)], producer)
            self.run[venue] += 1
        elif kind < 0.045:
            self.tape.again()
        elif kind < 0.06:
            rate = f"{self.dice.uniform(-0.009, 0.009):.6f}"
            due = (now + self.dice.choice((60_000, 3_600_000))) * MS
            funding = Funding(symbol, rate, "8", due, None, None, now * MS)
            self.tape.put(venue, "funding", [funding], producer)

    def _rule(self, step: int) -> None:
        kind = self.dice.random()
        if step % 40 == 0:
            rate = self.dice.choice(("0.9995", "0.9997", "1.0003", "0.9990", "0.9920"))
            self.tape.ctl(Fx(rate, rate, rate, 1))
        if kind < 0.008:
            asset, until_ms = self.dice.choice(COINS), self.tape.now + 5000
            excluded = Exclusion(asset=asset, reason="test", until_ms=until_ms)
            if self.day.random() < 0.4:
                excluded = Exclusion(venue="alpha", against="beta", reason="test", until_ms=until_ms)
            self.tape.ctl(Config(self._settings(exclusions=(excluded,))))
        elif kind < 0.010:
            self.tape.ctl(Config(self._settings(enter_bps=self.dice.choice((60.0, 40.0, 90.0)))))
        elif kind < 0.011:
            self.tape.ctl(Config(self._settings(fees={"alpha": Fees(perp=2.5)}, borrow_rates=(), transfers=())))
        elif kind < 0.025:
            venue = self.dice.choice(VENUES)
            one = self.dice.choice(self.rows[venue])
            status = self.dice.choice(("halted", "trading", "trading"))
            changed = row(one.base, one.market, one.quote, quote_mode=one.quote_mode, status=status)
            self.tape.ctl(Listing(venue, [changed], []))
        elif kind < 0.05:
            self.tape.ctl(Tick(self.tape.now * MS))

    def _settings(self, **over: object) -> Runtime:
        self.version += 1
        base: dict[str, Any] = {name: getattr(SETTINGS, name) for name in SETTINGS.__struct_fields__}
        return Runtime(**{**base, "version": self.version, **over})
