"""From rows to events. Every function takes one row, the contract it was looked up as, and `recv`.

What cannot be a price, a size or a time raises `BadNumber`; the caller turns that into one `Unknown`.
"""

from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Final

from services.collector import normalise
from services.collector.messages import Message, Unknown
from services.collector.normalise import BadNumber, nanoseconds
from services.collector.table import Listed
from services.collector.venues.edgex.instruments import exactly, hours
from services.collector.venues.edgex.shapes import Best, Depth, Level, Paid, Ticker
from shared.events import Funding, Mark, Quote, Settlement, Source, Stats

MS: Final = 1_000_000
MINUTE: Final = 60_000 * MS
HOUR: Final = Decimal(60 * MINUTE)

Side = tuple[str | None, str | None]


def time_of(ms: str | None) -> int | None:
    """Milliseconds in text to nanoseconds; None where there are none, or zero."""
    return nanoseconds(ms) or None if ms else None


def best(row: Best, at: Listed, recv: int) -> list[Message]:
    """Best bid and offer; an empty side comes as zeros."""
    texts = row.best_bid_price or "", row.best_bid_size or "", row.best_ask_price or "", row.best_ask_size or ""
    return [Quote(at.symbol, *normalise.sides(*texts, at), time_of(row.time), recv, "ws")]


def ticker(row: Ticker, at: Listed, recv: int, source: Source) -> list[Message]:
    """Mark, funding and 24 h figures. A row has no time of its own: its window's end lags behind by minutes."""
    made: list[Message] = []
    mark = normalise.price(row.mark_price, at) or normalise.price(row.oracle_price, at)
    index = normalise.price(row.index_price, at)
    if mark is not None or index is not None:
        made.append(Mark(at.symbol, mark, index, None, recv, source))
    rate = normalise.rate(row.funding_rate)
    if rate is not None:
        made.append(
            Funding(at.symbol, rate, interval(row, at), time_of(row.next_funding_time), None, None, recv, source)
        )
    figures = (
        normalise.price(row.last_price, at),
        normalise.size(row.size, at),
        normalise.amount(row.value),
        normalise.size(row.open_interest, at),
    )
    if any(figure is not None for figure in figures):
        made.append(Stats(at.symbol, *figures, None, recv, source=source))
    return made or [Unknown("empty", row.contract_id)]


def interval(row: Ticker, at: Listed) -> str | None:
    """Hours between the last payment and the next, for which the rate is; the listing's where the row lacks either.

    None where the two contradict each other, or where the hours have no end as a decimal.
    """
    last, coming = time_of(row.funding_time), time_of(row.next_funding_time)
    if last is None or coming is None:
        return at.instrument.funding_interval_h
    return exactly(Decimal(coming - last), HOUR) if coming > last else None


def top(row: Depth, at: Listed, recv: int) -> list[Message]:
    """The best of each side of a whole book, in whatever order its levels come. The book has no time."""
    if (row.depth_type or "").upper() == "CHANGED":
        return [Unknown("bad_shape", row.contract_id)]
    bid, bid_size = _first(row.bids, at, max)
    ask, ask_size = _first(row.asks, at, min)
    return [Quote(at.symbol, bid, bid_size, ask, ask_size, None, recv, "rest")]


def _first(levels: Sequence[Level], at: Listed, better: Callable[..., tuple[str, str]]) -> Side:
    """A level without a size is none."""
    read = normalise.levels([(level.price, level.size) for level in levels], at)
    real = [level for level in read if level[1].strip("0.")]
    return better(real, key=lambda level: Decimal(level[0])) if real else (None, None)


def paid(row: Paid, at: Listed, recv: int) -> list[Message]:
    """A payment; what is none is a rate of a minute between two."""
    if not row.is_settlement:
        return [Unknown("not_a_payment", row.contract_id)]
    rate, when = normalise.rate(row.funding_rate), time_of(row.funding_time)
    if rate is None or when is None:
        raise BadNumber(f"{row.funding_rate} {row.funding_time}")
    mark = normalise.price(row.mark_price, at) or normalise.price(row.oracle_price, at)
    given = row.funding_rate_interval_min or ""
    span = hours(given) if given.strip("0.") else at.instrument.funding_interval_h
    return [Settlement(at.symbol, rate, span, when // MINUTE * MINUTE, mark, recv)]
