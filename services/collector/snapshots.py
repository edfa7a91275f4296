"""Snapshots of books over REST, one at a time for a symbol."""

import asyncio
from collections.abc import Callable, Coroutine, Mapping
from random import Random
from typing import Any, Final

from services.collector.jobs import Jobs
from shared.instruments import Instrument

#: after a snapshot that did not come
AGAIN_S: Final = (1.0, 3.0)


class Snapshots:
    """`failed(symbol)` is told, after a pause, of one that did not come; one that came goes the way of all bodies."""

    def __init__(
        self, jobs: Jobs, by_symbol: Mapping[str, Instrument], rng: Random, failed: Callable[[str], None]
    ) -> None:
        self._jobs, self._by_symbol, self._rng, self._failed = jobs, by_symbol, rng, failed
        self._under_way: set[str] = set()

    def ask(self, symbol: str, spawn: Callable[[Coroutine[Any, Any, None]], object]) -> None:
        instrument = self._by_symbol.get(symbol)
        if instrument is not None and symbol not in self._under_way:
            self._under_way.add(symbol)
            spawn(self._fetch(instrument))

    async def _fetch(self, instrument: Instrument) -> None:
        try:
            if not await self._jobs.book(instrument):
                await asyncio.sleep(self._rng.uniform(*AGAIN_S))
                self._failed(instrument.symbol)
        finally:
            self._under_way.discard(instrument.symbol)
