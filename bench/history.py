"""A market for the recorder whose history is known: what goes to the streams is folded here too, on its own terms.

One exchange, as one producer would write it, and a second producer that repeats some prints, as after a hand-over. In
recorded time half a second passes with each step; in real time the streams are trimmed as the collectors trim them.
"""

import random
import time
from collections import defaultdict
from decimal import Decimal
from typing import Any, Final

import asyncpg
import msgspec

from shared import streams
from shared.bus import Redis
from shared.codec import encode_batch
from shared.events import Event, Funding, Liquidation, Mark, Quote, Trade

VENUE: Final = "alpha"
COINS: Final = 40
SYMBOLS: Final = [f"C{number}/USDT:USDT" for number in range(COINS)]
WATCH: Final = ",".join(f"C{number}" for number in range(COINS))
KINDS: Final = ("quote", "mark", "funding", "trade", "liquidation")
#: events of a kind in each step: 64 together
STEP: Final = {"quote": 40, "mark": 4, "funding": 2, "trade": 16, "liquidation": 2}
STEP_MS: Final = 500
START_MS: Final = 1_900_000_000_000
#: one print in so many comes again from another producer
AGAIN: Final = 20
MINUTE_NS: Final = 60_000_000_000
Key = tuple[str, int]


class Bar(msgspec.Struct):
    """What a minute of an instrument must hold."""

    quotes: int = 0
    mids: list[Decimal] = []
    trades: int = 0
    volume: Decimal = Decimal(0)
    mark: tuple[int, Decimal | None] = (0, None)
    rate: tuple[int, Decimal | None] = (0, None)


class Account(msgspec.Struct, frozen=True):
    """Rows that should be there and are not (or are wrong), and rows that are there twice."""

    bars: int
    trades: int
    lost: int
    doubled: int
    gaps: int


class Market:
    """Writes steps and remembers them. `events` counts what was written."""

    def __init__(self, client: Redis, *, seed: int = 7, real_time: bool = False) -> None:
        self._client, self._rng, self._real = client, random.Random(seed), real_time
        self._seqs: dict[tuple[str, str], int] = defaultdict(int)
        self._trimmed_ms = 0
        self._stamps: set[int] = set()
        self.ms = 0 if real_time else START_MS
        self.events = self.trades = self.liquidations = 0
        self.bars: dict[Key, Bar] = defaultdict(Bar)

    @staticmethod
    async def list_venue(client: Redis) -> None:
        """The recorder looks for exchanges by their listings."""
        await client.hset(streams.instruments(VENUE), "perp:X", b"\x80")

    async def step(self) -> None:
        """One batch of each kind, all under one id."""
        self._stamps = set()
        self.ms = max(time.time_ns() // 1_000_000, self.ms + 1) if self._real else self.ms + STEP_MS
        async with self._client.pipeline(transaction=False) as pipe:
            for kind, count in STEP.items():
                events = [self._event(kind) for _ in range(count)]
                self._add(pipe, "one", kind, events, 0)
                repeated = [event for event in events if kind == "trade" and self._rng.randrange(AGAIN) == 0]
                if repeated:
                    self._add(pipe, "two", kind, repeated, 1)
            if self._real and self.ms - self._trimmed_ms > 1000:
                self._trimmed_ms = self.ms
                for kind in KINDS:
                    oldest = self.ms - streams.RETENTION_MS[kind]
                    pipe.xtrim(self._key(kind), minid=f"{oldest}-0", approximate=True)
            await pipe.execute()

    def _key(self, kind: str) -> str:
        return streams.market_data(0, VENUE, kind)

    def _add(self, pipe: Any, producer: str, kind: str, events: list[Event], number: int) -> None:
        seq = self._seqs[producer, kind]
        self._seqs[producer, kind] += 1
        self.events += len(events)
        body = encode_batch(producer, seq, events)
        pipe.xadd(self._key(kind), {streams.FIELD: body}, id=f"{self.ms}-{number}")

    def _event(self, kind: str) -> Event:
        symbol, recv = self._rng.choice(SYMBOLS), self.ms * 1_000_000 - self._rng.randrange(300_000_000)
        while recv in self._stamps:  # of two of one moment nobody could tell which came last
            recv += 1
        self._stamps.add(recv)
        price = Decimal(self._rng.randrange(10_000, 20_000)) / 100
        bar = self.bars[symbol, recv // MINUTE_NS]
        if kind == "quote":
            bar.quotes += 1
            bar.mids.append(price + Decimal("0.005"))
            return Quote(symbol, str(price), "1", str(price + Decimal("0.01")), "2", None, recv)
        if kind == "trade":
            self.trades += 1
            bar.trades += 1
            bar.volume += price
            return Trade(symbol, str(price), str(price), "buy", str(self.trades), recv, recv)
        if kind == "mark":
            bar.mark = max(bar.mark, (recv, price))
            return Mark(symbol, str(price), str(price + 1), None, recv)
        if kind == "funding":
            bar.rate = max(bar.rate, (recv, price / 1_000_000))
            return Funding(symbol, f"{price / 1_000_000:f}", "8", None, None, None, recv)
        self.liquidations += 1
        return Liquidation(symbol, "sell", str(price), "1", None, recv, str(self.liquidations), "fill")


async def stored(connection: asyncpg.Connection, market: Market) -> bool:
    """Whether the positions have reached the last step."""
    ids = await connection.fetch("SELECT last_id FROM stream_position WHERE stream LIKE 'md:%'")
    return len(ids) == len(KINDS) and all(row["last_id"].startswith((f"{market.ms}-", "0-0")) for row in ids)


async def account(connection: asyncpg.Connection, market: Market) -> Account:
    """Compare what is stored with what was written, over all minutes that have ended."""
    last = market.ms // 60_000 - 1
    rows = await connection.fetch("SELECT *, extract(epoch FROM start)::bigint / 60 AS minute FROM bars")
    held = {(row["symbol"], row["minute"]): row for row in rows}
    wanted = {key: bar for key, bar in market.bars.items() if key[1] < last}
    wrong = sum(1 for key, bar in wanted.items() if key not in held or not _same(bar, held[key]))
    prints = await connection.fetchrow(
        "SELECT (SELECT count(*) FROM trades) AS trades, (SELECT count(DISTINCT id) FROM trades) AS ids,"
        " (SELECT count(*) FROM liquidations) AS liquidations,"
        " (SELECT count(DISTINCT id) FROM liquidations) AS liquidation_ids, (SELECT count(*) FROM gaps) AS gaps,"
        " (SELECT count(*) FROM rejected) AS rejected"
    )
    assert prints is not None
    unknown = len([key for key in held if key[1] < last and key not in wanted])
    counted = await connection.fetch(
        "SELECT symbol, extract(epoch FROM start)::bigint / 60 AS minute, sum(quotes) AS quotes, sum(trades) AS trades"
        " FROM bars_1s GROUP BY 1, 2"
    )
    seconds = {(row["symbol"], row["minute"]): (row["quotes"], row["trades"] or 0) for row in counted}
    wrong += sum(1 for key, bar in wanted.items() if seconds.get(key) != (bar.quotes, bar.trades))
    return Account(
        bars=len(wanted),
        trades=market.trades,
        lost=wrong + market.trades - prints["ids"] + market.liquidations - prints["liquidation_ids"],
        doubled=unknown
        + prints["trades"]
        - prints["ids"]
        + prints["liquidations"]
        - prints["liquidation_ids"]
        + prints["rejected"],
        gaps=prints["gaps"],
    )


def _same(bar: Bar, row: Any) -> bool:
    prices = (max(bar.mids), min(bar.mids)) if bar.mids else (None, None)
    traded = (bar.trades, bar.volume) if bar.trades else (None, None)
    wanted = (bar.quotes, *prices, *traded, bar.mark[1], bar.rate[1])
    names = ("quotes", "mid_high", "mid_low", "trades", "volume", "mark_close", "funding_rate")
    return wanted == tuple(row[name] for name in names)
