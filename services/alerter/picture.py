"""What the rules look at: the state of markets, exchanges, signals and terms at one instant of event time. Pure."""

from collections.abc import Mapping, Sequence
from typing import Literal

import msgspec

from shared.signals import Kind

#: Leg states of the board whose prices may be believed.
GOOD = frozenset({"ok", "quiet"})
#: Leg states of a market that should deliver; the others say nothing of its feed.
FED = GOOD | {"stale", "gap", "unconfirmed", "crossed", "one_sided"}

Level = Literal["over", "between", "under", "unknown"]


class Leg(msgspec.Struct, frozen=True, gc=False):
    """The part of a board row's leg that rules read."""

    venue: str
    market: str
    symbol: str
    state: str
    bid: str | None = None
    ask: str | None = None
    recv: int | None = None
    mark: str | None = None
    index: str | None = None
    funding_rate: str | None = None
    funding_interval_h: str | None = None
    next_funding_ts: int | None = None

    @property
    def good(self) -> bool:
        return self.state in GOOD

    @property
    def mid(self) -> float | None:
        """Of a believable two-sided quote."""
        if not self.good or self.bid is None or self.ask is None:
            return None
        return (float(self.bid) + float(self.ask)) / 2


class Row(msgspec.Struct, frozen=True):
    """A coin of the board."""

    asset: str
    legs: tuple[Leg, ...] = ()


class OpenSignal(msgspec.Struct, frozen=True):
    """What rules need of an open signal. Figures as in the record, edges in basis points, size in dollars."""

    id: str
    asset: str
    kind: Kind
    buy: str
    sell: str
    edge: float
    net: float
    size_usd: float
    text: str


class Exchange(msgspec.Struct, frozen=True):
    """One exchange over all of its collectors. None: not known, or not measured yet."""

    venue: str
    beat_age_s: float
    connected: bool | None
    detail: str = ""
    rate: float | None = None
    latency_ms: float | None = None
    usual_ms: float | None = None
    quote_age_s: float | None = None
    markets: int = 0
    stale: tuple[str, ...] = ()


class Change(msgspec.Struct, frozen=True):
    """A term of a market that is not what it was."""

    venue: str
    symbol: str
    asset: str
    term: Literal["interval", "cap"]
    before: str
    after: str


class Picture(msgspec.Struct, frozen=True):
    """`rows` None: the board was not looked at this time, or nobody keeps it up to date."""

    at: int
    rows: Sequence[Row] | None = None
    exchanges: Sequence[Exchange] | None = None
    signals: Mapping[str, OpenSignal] = {}


class Reading(msgspec.Struct, frozen=True):
    """What a rule finds of one subject: `level` against its limit, `size` by which the worst is told (larger is
    worse), `value` as it is shown."""

    subject: str
    level: Level
    size: float = 0.0
    value: str | None = None
    measure: str = ""
    unit: str = ""
    limit: str | None = None
    asset: str | None = None
    venue: str | None = None
    about: dict[str, str] = {}


def level(size: float, limit: float, hysteresis: float) -> Level:
    """Against a limit that ends lower than it begins, by the share `hysteresis`."""
    if size >= limit:
        return "over"
    return "under" if size < limit * (1 - hysteresis) else "between"


def plain(number: float, digits: int = 2) -> str:
    """A number as people read it, without a tail of zeros."""
    text = f"{number:.{digits}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
