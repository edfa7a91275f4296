"""An engine against the simulator, in the test's own loop, with a bus that keeps what it is given."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from random import Random
from time import time
from typing import Any, TypeVar

import msgspec

from services.collector.around import Surroundings
from services.collector.engine import Engine
from services.collector.members import alone
from services.collector.pulse import Pulse
from services.collector.venue import Venue
from services.collector.venues import VENUES
from services.simulator.listing import Listed
from services.simulator.options import Options, Rules
from services.simulator.scenario import Event as Fault
from services.simulator.server import Simulator
from shared.events import Event, Quote, State

E = TypeVar("E")

#: what is waited for comes, on the slowest machine too
LIMIT_S = 60.0
#: a moment that no clock reaches
NEVER = 1 << 62


class Kept:
    """Everything that was published, in order, and the last values."""

    def __init__(self) -> None:
        self.events: list[tuple[str, Event]] = []
        self.last: dict[tuple[str, str], Event] = {}

    def append(self, key: str, event: Event) -> None:
        self.events.append((key, event))

    def outlet(self, key: str) -> Callable[[list[Event]], None]:
        def put(events: list[Event]) -> None:
            for event in events:
                self.append(key, event)

        return put

    def put_last(self, key: str, field: str, event: Event) -> None:
        if not isinstance(event, State):
            self.last[key, field] = event

    def delete_last(self, key: str, field: str) -> None:
        self.last.pop((key, field), None)

    def of(self, kind: type[E], symbol: str | None = None) -> list[E]:
        found = [event for _, event in self.events if isinstance(event, kind)]
        return [event for event in found if symbol is None or getattr(event, "symbol", None) == symbol]

    def states(self, stream: str, symbol: str | None = None) -> list[str]:
        """The states said on a stream kind, of one symbol or of all."""
        return [
            event.state
            for key, event in self.events
            if isinstance(event, State) and key.endswith(f":{stream}") and (symbol is None or event.symbol == symbol)
        ]


class Stage:
    """A venue's engine, the simulator it talks to, and what came out."""

    def __init__(self, engine: Engine, sim: Simulator, kept: Kept, task: "asyncio.Task[None]") -> None:
        self.engine, self.sim, self.kept, self.task = engine, sim, kept, task

    @property
    def feed(self) -> Any:
        return self.sim.exchanges[self.engine.venue.name].feed

    async def until(self, condition: Callable[[], object], seconds: float = LIMIT_S, what: str = "") -> None:
        """Wait for a condition; fails with what was waited for, or with the engine's own failure."""
        try:
            async with asyncio.timeout(seconds):
                while not condition():
                    if self.task.done():
                        self.task.result()
                    await asyncio.sleep(0.02)
        except TimeoutError:
            raise AssertionError(f"not within {seconds} s: {what or condition}") from None

    async def all_live(self, seconds: float = LIMIT_S) -> None:
        """Every topic of every line is acknowledged."""

        def live() -> bool:
            lines = self.engine.lines.values()
            return bool(lines) and all(line.topics and all(map(line.proves, line.topics)) for line in lines)

        await self.until(live, seconds, "all topics acknowledged")

    def rows(self) -> dict[str, Listed]:
        """The exchange's own row of every chosen instrument, by symbol."""
        chosen = {(one.market, one.native): one.symbol for one in self.engine.selected}
        found = {(row.market, row.native): row for row in self.sim.market.listed}
        return {symbol: found[key] for key, symbol in chosen.items()}

    async def quotes_equal(self, seconds: float = LIMIT_S) -> None:
        """The last quote of every chosen instrument becomes the exchange's own, in coins."""
        rows = self.rows()
        assert rows

        def equal() -> bool:
            last = {field: quote for (key, field), quote in self.kept.last.items() if key.endswith(":quote")}
            return all(isinstance(one := last.get(symbol), Quote) and says(one, row) for symbol, row in rows.items())

        await self.until(equal, seconds, "last quotes equal to the exchange's")

    def strike(self, kind: str, **fields: Any) -> None:
        """A fault from now on, as the simulator's own endpoint takes it."""
        fault = msgspec.convert({"kind": kind, "venue": self.engine.venue.name, **fields}, Fault)
        now = time()
        self.sim.driver.timeline.add(msgspec.structs.replace(fault, at=now - self.sim.driver.started + fault.at))
        self.sim.driver.play(now)
        self.feed.flush(now)

    def clear(self, *kinds: str) -> None:
        self.sim.driver.timeline.remove(list(kinds))
        self.sim.driver.play(time())


def says(quote: Quote, row: Listed) -> bool:
    """Whether a quote is what the exchange's row says: its prices are of many coins, its sizes are of many units."""
    many, unit = Decimal(row.multiplier), Decimal(row.contract) * row.multiplier
    sides = ((quote.bid, quote.bid_size, row.bid, row.bid_size), (quote.ask, quote.ask_size, row.ask, row.ask_size))
    return all(
        Decimal(price or 0) * many == Decimal(row.price_text(steps))
        and Decimal(size or 0) == Decimal(row.size_text(lots)) * unit
        for price, size, steps, lots in sides
    )


def hurried(venue: Venue, **limits: Any) -> Venue:
    """The venue with other limits on all of its endpoints."""
    return replace(
        venue, endpoints=tuple(replace(one, limits=replace(one.limits, **limits)) for one in venue.endpoints)
    )


def steady(engine: Engine) -> None:
    """Have an engine that does not run yet bear with a machine that lets this process stand still."""
    engine.pulse = Pulse(lambda seconds: None, now=lambda: NEVER)


@contextlib.asynccontextmanager
async def stage(
    name: str,
    tmp_path: Path,
    *,
    venue: Venue | None = None,
    instruments: int = 24,
    rate: float = 300.0,
    rules: Rules | None = None,
    watch: frozenset[str] = frozenset(),
    before: Callable[[Simulator], None] | None = None,
    assets: frozenset[str] = frozenset(),
    proxy: str | None = None,
    scenario: Path | None = None,
    stands_still: bool = False,
) -> AsyncIterator[Stage]:
    """Start both; end both. `stands_still`: the test is about a process that did."""
    options = Options(
        venues=(name,), instruments=instruments, rate=rate, keep=200_000, rules=rules or Rules(), scenario=scenario
    )
    async with Simulator(options) as sim:
        if before is not None:
            before(sim)
        kept = Kept()
        around = Surroundings(1, tmp_path, gateway=sim.url, proxy=proxy, watch=watch, assets=assets)
        engine = Engine(venue or VENUES[name], "one", kept, around, Random(7))
        if not stands_still:
            steady(engine)
        task = asyncio.create_task(engine.run())
        beats = asyncio.create_task(alone(engine))
        try:
            yield Stage(engine, sim, kept, task)
        finally:
            task.cancel()
            beats.cancel()
            await asyncio.wait([task, beats])
            if not task.cancelled():
                task.result()
