"""Mark, funding and stats of all symbols, merged and published under a cap. Pure; the cost grows with events alone.

What may not go out yet waits in a heap by the time it may. Funding goes out on change, and again, as a `repeat`, before
a minute is over while its feed is up.
"""

import sys
from collections.abc import Callable
from heapq import heappop, heappush
from typing import Any, Final

import msgspec

from services.collector.feeds import Feed, MergedFeed, Source
from services.collector.merge import changed
from shared.events import Event, Funding, Mark, Stats

SECOND: Final = 1_000_000_000
#: the least distance of two events of a symbol
CAP_NS: Final = {"mark": SECOND, "funding": 5 * SECOND, "stats": 5 * SECOND}
FUNDING_REPEAT: Final = 50 * SECOND


class Capped:
    """`out` publishes an event on its feed."""

    def __init__(self, out: Callable[[Feed, Event], None]) -> None:
        self._out = out
        self._due: list[tuple[int, int, MergedFeed[Any], bool]] = []
        self._numbers = 0

    def put(self, feed: MergedFeed[Any], source: Source, event: Mark | Funding | Stats) -> None:
        """Take in what a source said; publish now or when the cap allows."""
        feed.parts.put(source, event)
        if feed.queued:
            return
        due = feed.sent + CAP_NS[feed.kind]
        if due <= event.recv:
            self._publish(feed, event.recv)
        else:
            feed.queued = True
            self._push(due, feed, repeat=False)

    def tick(self, now: int, at_most: int = sys.maxsize) -> bool:
        """Publish what waited and may go; whether there is more of it than `at_most`."""
        for _ in range(at_most):
            if not self._due or self._due[0][0] > now:
                return False
            _, _, feed, repeat = heappop(self._due)
            if repeat:
                self._repeat(feed, now)
            elif not feed.gone:
                feed.queued = False
                self._publish(feed, now)
        return True

    def _publish(self, feed: MergedFeed[Any], now: int) -> None:
        whole = feed.parts.whole()
        if whole is None:
            return
        if feed.kind == "funding":
            if not changed(feed.published, whole) and now - feed.sent < FUNDING_REPEAT:
                return
            if not feed.kept:
                feed.kept = True
                self._push(now + FUNDING_REPEAT, feed, repeat=True)
        feed.sent, feed.published = now, whole
        self._out(feed, whole)

    def _repeat(self, feed: MergedFeed[Any], now: int) -> None:
        """Funding that was not published for long: once more, unless nothing feeds it any more."""
        feed.kept = False
        if feed.published is None or feed.state != "up" or feed.gone:
            return
        if now - feed.sent >= FUNDING_REPEAT:
            feed.sent = now
            self._out(feed, msgspec.structs.replace(feed.published, source="repeat"))
        feed.kept = True
        self._push(feed.sent + FUNDING_REPEAT, feed, repeat=True)

    def _push(self, due: int, feed: MergedFeed[Any], *, repeat: bool) -> None:
        self._numbers += 1
        heappush(self._due, (due, self._numbers, feed, repeat))
