"""`instrumentInfo` -> mark, funding and 24 h figures: changes kept whole, field by field.

What a change leaves out is as it was, a null says that there is none. Each field is true by itself, so an event is made
of what is known so far; what has not been said is None in it. Nowhere is it said how often a rate is paid: the interval
is the spacing of the next payment's time, known once that has moved on while we watched, and unknown until then.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final

from services.collector import normalise
from services.collector.messages import Message, Unknown
from services.collector.normalise import BadNumber
from services.collector.table import Listed
from services.collector.venues.apex import times
from shared.events import Funding, Mark, Source, Stats

MARK: Final = frozenset({"markPrice", "oraclePrice", "indexPrice"})
FUNDING: Final = frozenset({"predictedFundingRate", "nextFundingTime"})
STATS: Final = frozenset({"lastPrice", "volume24h", "turnover24h"})
USED: Final = MARK | FUNDING | STATS

Fields = Mapping[str, Any]


class Known:
    """What has been said of one instrument."""

    __slots__ = ("due", "fields", "interval_h")

    def __init__(self) -> None:
        self.fields: dict[str, Any] = {}
        #: when the next payment is, and how long after the one before that is
        self.due: int | None = None
        self.interval_h: str | None = None

    def take(self, said: Fields, native: str, at: Listed, ts: int | None, recv: int, source: Source) -> list[Message]:
        """The events of the groups that `said` touches. One that touches none says that the mark stands."""
        self.fields.update({name: said[name] for name in USED & said.keys()})
        made: list[Message] = []
        untouched = USED.isdisjoint(said)
        if untouched or not MARK.isdisjoint(said):
            made += self._made(MARK, said, native, lambda: self._mark(at, ts, recv, source))
        if not FUNDING.isdisjoint(said):
            made += self._made(FUNDING, said, native, lambda: self._funding(said, at, ts, recv, source))
        if not STATS.isdisjoint(said):
            made += self._made(STATS, said, native, lambda: self._stats(at, ts, recv, source))
        return made or [Unknown("empty", native)]

    def _made(
        self, group: frozenset[str], said: Fields, native: str, make: Callable[[], Message | None]
    ) -> list[Message]:
        """A group in which a field is no number loses what was said of it: it does not stay as it was."""
        try:
            made = make()
        except BadNumber:
            for name in group & said.keys():
                self.fields.pop(name, None)
            if "nextFundingTime" in group & said.keys():
                self.due = self.interval_h = None
            return [Unknown("bad_number", native)]
        return [] if made is None else [made]

    def _text(self, name: str) -> str | None:
        value = self.fields.get(name)
        if value is not None and not isinstance(value, str):
            raise BadNumber(name)
        return value

    def _mark(self, at: Listed, ts: int | None, recv: int, source: Source) -> Mark | None:
        """Over the socket the price that positions are marked at is called the oracle's."""
        mark = normalise.price(self._text("markPrice"), at) or normalise.price(self._text("oraclePrice"), at)
        index = normalise.price(self._text("indexPrice"), at)
        return None if mark is None and index is None else Mark(at.symbol, mark, index, ts, recv, source)

    def _funding(self, said: Fields, at: Listed, ts: int | None, recv: int, source: Source) -> Funding | None:
        if "nextFundingTime" in said:
            self._moved(times.due(self._text("nextFundingTime")))
        rate = normalise.rate(self._text("predictedFundingRate"))
        return None if rate is None else Funding(at.symbol, rate, self.interval_h, self.due, None, ts, recv, source)

    def _moved(self, due: int | None) -> None:
        """The next payment is told: what lies between it and the one before is the interval."""
        if due is None or self.due is None or due < self.due:
            self.interval_h = None
        elif due > self.due:
            self.interval_h = times.hours(due - self.due)
        self.due = due

    def _stats(self, at: Listed, ts: int | None, recv: int, source: Source) -> Stats | None:
        """The unit of the open interest is not known, so it is left out."""
        last = normalise.price(self._text("lastPrice"), at)
        volume, turnover = normalise.size(self._text("volume24h"), at), normalise.amount(self._text("turnover24h"))
        if last is None and volume is None and turnover is None:
            return None
        return Stats(at.symbol, last, volume, turnover, None, ts, recv, source=source)
