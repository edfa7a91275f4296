"""What is done for quotes that are published, again and again: kept as last values, and repeated when they rest. Pure.

The newest quotes become last values at every tick and not one by one: of a busy symbol only one in hundreds is ever
read there. A clock that is set back ends nothing: what is of the future by it counts as long ago.
"""

from collections.abc import Callable, Iterable
from typing import Final

import msgspec

from services.collector.feeds import Feed, QuoteFeed
from shared.events import Event

SECOND: Final = 1_000_000_000
QUOTE_REPEAT: Final = 19 * SECOND
#: feeds are looked at for repeating in this many parts, one a second
SLICES: Final = 10


class Rota:
    """`out` publishes an event on its feed, `put_last(key, symbol, quote)` makes a last value."""

    def __init__(self, out: Callable[[Feed, Event], None], put_last: Callable[[str, str, Event], None]) -> None:
        self._out, self._put_last = out, put_last
        self._feeds: list[QuoteFeed] = []
        self._slice = 0
        self._ticked = self._looked = 0

    def follow(self, feeds: Iterable[QuoteFeed]) -> None:
        """From now on it is these."""
        self._feeds = list(feeds)

    def tick(self, now: int) -> None:
        """To be called a few times a second; a second call at the same time does nothing."""
        if now == self._ticked:
            return
        self._ticked = now
        self.keep()
        if not 0 <= now - self._looked < SECOND:
            self._looked = now
            self._repeat(now)

    def keep(self) -> None:
        """Have the newest quotes as last values."""
        for feed in self._feeds:
            last = feed.last
            if last is not feed.kept and last is not None:
                feed.kept = last
                self._put_last(feed.last_key, feed.symbol, last)

    def _repeat(self, now: int) -> None:
        self._slice = (self._slice + 1) % SLICES
        for feed in self._feeds[self._slice :: SLICES]:
            last = feed.last
            if last is None or feed.owner is None or feed.state != "up":
                continue
            if not 0 <= now - max(last.recv, feed.repeated) < QUOTE_REPEAT:
                feed.repeated = now
                self._out(feed, msgspec.structs.replace(last, source="repeat"))
