"""Whether a market prices the coin that it is named after: against the other venues' markets of that name.

    mid(leg)    = (bid + ask) / 2, in USDT
    near(a, b)  = |a / b - 1| <= 5 %
    on(leg)     = at least half of the other venues have a market near it
    on(leg)     = it is near the median of the other venues          where its multiplier is unconfirmed

A leg that has been on for `pair_warmup_ms` is known. One that is off on end for as long (for a tenth of it where it is
not known yet) is in doubt: quarantined, until it has been on for `pair_warmup_ms` on end. Two venues that part are both
in doubt: none is the judge of the other. A leg whose multiplier is unconfirmed is quarantined anyway; on for
`pair_warmup_ms` confirms it. It never judges others, and what is in doubt does not judge it.

Only what is seen counts: a leg without a good quote, or without anybody to compare with, stays as it is. Each coin is
looked at every ten seconds or so of event time, so nothing here is on the way of an event.
"""

from collections.abc import Iterable
from decimal import Decimal
from itertools import islice
from math import log10
from statistics import median
from typing import TYPE_CHECKING, Final

from shared.config import Runtime
from shared.instruments import UNCONFIRMED

if TYPE_CHECKING:
    from services.scanner.market import Asset, Leg

MS: Final = 1_000_000
SECOND: Final = 1000 * MS
#: Each coin is looked at when its part of all coins comes.
PARTS: Final = 10
WITHIN: Final = 0.05
#: Looks further apart say nothing about what lay between.
APART_NS: Final = 30_000 * MS
#: A market that was never seen to agree is in doubt after this part of the time that a known one has.
SOONER: Final = 10
DOUBT: Final = "other_coin"


class Standing:
    """What the looks at a leg have found. `span` (ns) is how long it has been on, or off, on end; `looked` the last
    look of that span, 0 where it was not seen then. `note` says why it is quarantined."""

    __slots__ = ("confirmed", "doubted", "known", "looked", "note", "on", "span")

    def __init__(self) -> None:
        self.on: bool | None = None
        self.span = self.looked = 0
        self.known = self.doubted = self.confirmed = False
        self.note: str | None = None

    def saved(self) -> "Saved":
        return (self.on, self.span, self.looked, self.known, self.doubted, self.confirmed, self.note)

    @classmethod
    def restored(cls, saved: "Saved") -> "Standing":
        one = cls()
        one.on, one.span, one.looked, one.known, one.doubted, one.confirmed, one.note = saved
        return one

    def see(self, on: bool | None, at: int) -> None:
        """One look; None: it was not seen, or there was nobody to compare with."""
        if on is None:
            self.looked = 0
            return
        if on is not self.on:
            self.on, self.span = on, 0
        elif self.looked and at - self.looked <= APART_NS:
            self.span += at - self.looked
        self.looked = at

    def conclude(self, warmup: int, *, unconfirmed: bool, trusted: bool) -> None:
        """What follows from the span, `warmup` in ns."""
        if self.on and self.span >= warmup:
            self.known, self.doubted = True, False
            self.confirmed = self.confirmed or unconfirmed
        elif self.on is False and not unconfirmed and self.span >= (warmup if self.known else warmup // SOONER):
            self.known, self.doubted = False, True
        if trusted:
            self.doubted = False


Saved = tuple[bool | None, int, int, bool, bool, bool, str | None]
Seen = tuple["Leg", float]


def unconfirmed(leg: "Leg") -> bool:
    return leg.row.status == "quarantined" and leg.row.reason == UNCONFIRMED


class Rounds:
    """A tenth of the coins, each second, or at each instant where those lie further apart. `due`: event time, ns."""

    def __init__(self) -> None:
        self.due = self.turn = 0

    def look(self, assets: Iterable["Asset"], at: int, id_ms: int, runtime: Runtime, usdc: float | None) -> list["Leg"]:
        """The legs of which something was concluded at this instant. `usdc`: its price in USDT."""
        if at < self.due:
            return []
        part, self.turn = self.turn % PARTS, self.turn + 1
        self.due = at - at % SECOND + SECOND
        chosen = islice(assets, part, None, PARTS)
        return [leg for asset in chosen for leg in look(asset.legs, at, id_ms, runtime, usdc)]


def look(legs: Iterable["Leg"], at: int, id_ms: int, runtime: Runtime, usdc: float | None) -> list["Leg"]:
    """Look at all markets of one coin. Returns those of which something was concluded. `usdc`: its price in USDT."""
    every = [leg for leg in legs if not leg.gone]
    seen = [(leg, mid) for leg in every if (mid := _mid(leg, at, id_ms, runtime, usdc))]
    judges = [(leg, mid) for leg, mid in seen if not unconfirmed(leg)]
    mids, venues = [mid for _, mid in judges], {leg.venue for leg, _ in judges}
    alike = len(venues) > 1 and max(mids) <= min(mids) * (1 + WITHIN)
    found = dict(seen)
    changed: list[Leg] = []
    for leg in every:
        standing, mid, asked = leg.standing, found.get(leg), unconfirmed(leg)
        if alike and mid and not asked:
            standing.see(True, at)
            ratio: float | None = 1.0
        else:
            ratio, on = _compared(leg, mid, judges, strict=asked) if mid else (None, None)
            standing.see(on, at)
        before = standing.doubted, standing.confirmed, standing.note
        trusted = leg.row.trusted or leg.asset.name in runtime.pins
        standing.conclude(runtime.pair_warmup_ms * MS, unconfirmed=asked, trusted=trusted)
        if asked or standing.doubted:
            standing.note = _note(leg, ratio, asked=asked) if mid and ratio else standing.note or _first(asked=asked)
        else:
            standing.note = None
        if (standing.doubted, standing.confirmed, standing.note) != before:
            changed.append(leg)
    return changed


def _mid(leg: "Leg", at: int, id_ms: int, runtime: Runtime, usdc: float | None) -> float | None:
    """The mid in USDT of a leg that has a good quote."""
    if leg.row.status != "trading" and not unconfirmed(leg):
        return None
    if leg.feed_state(at, id_ms, runtime) not in ("ok", "quiet"):
        return None
    mid = (leg.bid + leg.ask) / 2
    if not leg.converted:
        return mid
    return mid * usdc if usdc else None


def _compared(leg: "Leg", mid: float, judges: list[Seen], *, strict: bool) -> tuple[float | None, bool | None]:
    """(its price over the others' median, whether it is on); None for both where nobody is there to compare with."""
    votes: dict[str, list[float]] = {}
    for other, price in judges:
        if other.venue != leg.venue and _same_kind(leg, other) and not (strict and other.standing.doubted):
            votes.setdefault(other.venue, []).append(price)
    if not votes:
        return None, None
    ratio = mid / median(median(prices) for prices in votes.values())
    if strict:
        return ratio, abs(ratio - 1) <= WITHIN
    near = sum(any(abs(mid / price - 1) <= WITHIN for price in prices) for prices in votes.values())
    return ratio, near * 2 >= len(votes)


def _same_kind(one: "Leg", other: "Leg") -> bool:
    kinds = {one.row.category, other.row.category}
    return len(kinds) == 1 or "unknown" in kinds


def _first(*, asked: bool) -> str:
    return f"{UNCONFIRMED}: nothing to compare its price with yet" if asked else DOUBT


def _note(leg: "Leg", ratio: float, *, asked: bool) -> str:
    """Why it is quarantined, in words that change seldom."""
    word = UNCONFIRMED if asked else DOUBT
    if abs(ratio - 1) <= WITHIN:
        return f"{word}: its price agrees with the other venues; being watched"
    times = format(Decimal(f"{ratio:.2g}"), "f")
    power = round(log10(ratio))
    if power and abs(ratio / 10.0**power - 1) <= WITHIN:
        fits = format((Decimal(leg.row.multiplier) * Decimal(10) ** power).normalize(), "f")
        return f"{word}: its price is {times} times that of the other venues; multiplier {fits} would fit"
    return f"{word}: its price is {times} times that of the other venues; perhaps another coin"
