"""Typed rows -> events: quotes, marks, funding, payments, 24 h figures. They raise `BadNumber` for one that is none."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Annotated, Final

import msgspec

from services.collector import normalise
from services.collector.messages import Message, Unknown
from services.collector.normalise import BadNumber
from services.collector.table import Listed
from services.collector.venues.extended.instruments import HOUR
from shared.events import Funding, Mark, Quote, Settlement, Source, Stats

MS: Final = 1_000_000
MINUTE_NS: Final = 60_000_000_000
HOUR_NS: Final = 3_600_000_000_000

#: bounds keep a bad number inside the bus's 64-bit integers
Millis = Annotated[int, msgspec.Meta(ge=0, le=9_223_372_036_854)]


class Rate(msgspec.Struct, gc=False):
    """Funding of a market at a time: of the socket, and of the history."""

    m: str
    f: str
    T: Millis


class Figures(msgspec.Struct, rename="camel", gc=False):
    """`marketStats`: prices and volumes of a market, its open interest in dollars and in base, its funding."""

    daily_volume: str | None = None
    daily_volume_base: str | None = None
    last_price: str | None = None
    funding_rate: str | None = None
    next_funding_rate: Millis | None = None
    open_interest: str | None = None
    open_interest_base: str | None = None


def quote(
    bids: Sequence[tuple[str, str]],
    asks: Sequence[tuple[str, str]],
    listed: Listed,
    ts: int | None,
    recv: int,
    source: Source,
) -> list[Message]:
    """The best level of each side by its price, wherever it stands; a side without one is null.

    The numbers of frames are a connection's own, so a quote has none.
    """
    bid, ask = best(bids, highest=True), best(asks, highest=False)
    return [Quote(listed.symbol, *normalise.sides(*bid, *ask, listed), ts, recv, source)]


def best(levels: Sequence[tuple[str, str]], *, highest: bool) -> tuple[str, str]:
    """Price and size; two empty texts where no level has both."""
    real = [(Decimal(normalise.literal(price)), price, size) for price, size in levels if _some(price) and _some(size)]
    if not real:
        return "", ""
    _, price, size = max(real, key=_price) if highest else min(real, key=_price)
    return price, size


def mark(price: str, listed: Listed, ts: int | None, recv: int) -> list[Message]:
    shown = normalise.price(price, listed)
    if shown is None:
        return [Unknown("empty", listed.instrument.native)]
    return [Mark(listed.symbol, shown, None, ts, recv)]


def funding(row: Rate, listed: Listed, ts: int | None, recv: int) -> list[Message]:
    """A fraction for an hour; it is paid at the next full one."""
    return [Funding(listed.symbol, _rate(row.f), HOUR, next_hour(ts, recv), None, ts, recv)]


def settled(row: Rate, listed: Listed, recv: int) -> list[Message]:
    """A payment; its time, some seconds after the hour, is cut to the minute."""
    paid = row.T * MS
    return [Settlement(listed.symbol, _rate(row.f), HOUR, paid - paid % MINUTE_NS, None, recv)]


def figures(row: Figures, listed: Listed, recv: int) -> list[Message]:
    """24 h figures and open interest, and the funding that is told with them; the answer has no time."""
    made: list[Message] = []
    rate = normalise.rate(row.funding_rate)
    if rate is not None:
        due = row.next_funding_rate * MS if row.next_funding_rate else next_hour(None, recv)
        made.append(Funding(listed.symbol, rate, HOUR, due, None, None, recv, "rest"))
    numbers = (
        normalise.price(row.last_price, listed),
        normalise.size(row.daily_volume_base, listed),
        normalise.amount(row.daily_volume),
        normalise.size(row.open_interest_base, listed),
    )
    value = normalise.amount(row.open_interest)
    if any(number is not None for number in (*numbers, value)):
        made.append(Stats(listed.symbol, *numbers, None, recv, value, "rest"))
    return made or [Unknown("empty", listed.instrument.native)]


def next_hour(ts: int | None, recv: int) -> int | None:
    """The full hour after a frame was received, after its own time where that is not known."""
    now = recv or ts
    return now - now % HOUR_NS + HOUR_NS if now else None


def _rate(text: str) -> str:
    rate = normalise.rate(text)
    if rate is None:
        raise BadNumber(text)
    return rate


def _some(text: str) -> bool:
    digits = normalise.literal(text) if text else "0"
    if digits.startswith("-"):
        raise BadNumber(text)
    return bool(digits.strip("0."))


def _price(level: tuple[Decimal, str, str]) -> Decimal:
    return level[0]
