"""What is recorded, as lines for the tables (`tables.py` has their columns). Pure."""

from decimal import Context, Decimal
from functools import lru_cache
from typing import Final

import msgspec

from services.recorder.bars import Bar
from services.recorder.copytext import NULL, exact, moment, number, text
from services.recorder.volumes import Volume
from shared.alerts import Alert
from shared.events import Liquidation, Settlement, Trade
from shared.instruments import asset_of
from shared.signals import Signal

#: digits of a premium, and enough of them to compute it
_PREMIUM: Final = Decimal(1).scaleb(-12)
_WIDE: Final = Context(prec=150)


@lru_cache(maxsize=65_536)
def _market(venue: str, symbol: str) -> str:
    return f"{text(venue)}\t{text(symbol)}"


def bar(venue: str, symbol: str, step_ms: int, one: Bar) -> str:
    """A line of `bars` or `bars_1s`, the columns of quotes."""
    figures = (
        *(_half(value) for value in (one.open, one.high, one.low, one.close)),
        *(number(one.bid_open), number(one.bid_high), number(one.bid_low), number(one.bid)),
        *(number(one.ask_open), number(one.ask_high), number(one.ask_low), number(one.ask)),
        number(one.spread_sum / one.two_sided if one.two_sided else None),
        *(number(one.mark), number(one.index), _premium(one.mark, one.index)),
        *(number(one.rate), number(one.interval_h), number(one.last), number(one.volume_24h)),
        *(number(one.turnover_24h), number(one.open_interest), number(one.open_interest_value), str(one.quotes)),
    )
    return f"{_bar_head(venue, symbol, step_ms, one.slot)}\t" + "\t".join(figures)


def volume(venue: str, symbol: str, step_ms: int, one: Volume) -> str:
    """A line of `bars` or `bars_1s`, the columns of prints."""
    head = _bar_head(venue, symbol, step_ms, one.slot)
    return f"{head}\t{_plain(one.volume)}\t{_plain(one.turnover)}\t{_plain(one.bought)}\t{one.trades}"


def funding(venue: str, symbol: str, one: Bar) -> str:
    """The sample of a minute is the last rate published in it."""
    head = f"{moment(one.slot * 60_000_000_000)}\t{_market(venue, symbol)}\t{text(asset_of(symbol))}"
    figures = (number(one.rate), number(one.interval_h), moment(one.next_ts), number(one.funding_index))
    return f"{head}\t" + "\t".join(figures)


def settlement(venue: str, one: Settlement) -> str:
    """Raises `NotExactError`."""
    figures = (one.rate, one.interval_h, one.mark)
    head = f"{_market(venue, one.symbol)}\t{moment(one.settle_ts)}\t{text(asset_of(one.symbol))}"
    return f"{head}\t" + "\t".join(NULL if figure is None else str(exact(figure)) for figure in figures)


def trade(venue: str, one: Trade) -> str:
    """Price and size must be known to be numbers."""
    return (
        f"{moment(one.recv)}\t{_market(venue, one.symbol)}\t{moment(one.ts)}\t{text(one.id)}"
        f"\t{one.price}\t{one.size}\t{one.side}\t{one.flag or NULL}"
    )


def liquidation(venue: str, one: Liquidation) -> str:
    """Raises `NotExactError`."""
    exact(one.price)
    exact(one.size)
    return (
        f"{moment(one.recv)}\t{_market(venue, one.symbol)}\t{moment(one.ts)}\t{text(one.id)}"
        f"\t{one.price}\t{one.size}\t{one.side}\t{one.price_kind}"
    )


def signal(one: Signal) -> str:
    """A line of `signals`."""
    values = (
        *(text(one.id), str(one.rev), text(one.asset), text(one.kind), text(one.key)),
        *("closed" if one.event == "close" else "open", text(one.buy.venue), text(one.sell.venue)),
        *(moment(one.opened_at), moment(one.closed_at), text(one.close_reason), _json(one)),
    )
    return "\t".join(values)


def signal_event(one: Signal) -> str:
    """A line of `signal_events`."""
    return "\t".join((text(one.id), str(one.rev), moment(one.at), _json(one)))


def alert(one: Alert) -> str:
    """A line of `alerts`."""
    values = (
        *(text(one.id), str(one.rev), text(one.rule), text(one.subject), text(one.severity)),
        *(moment(one.fired_at), moment(one.ended_at), _json(one)),
    )
    return "\t".join(values)


def config_change(entry_id: str, id_ms: int, version: int, changes: object) -> str:
    """A line of `config_changes`."""
    return "\t".join((entry_id, moment(id_ms * 1_000_000), str(version), _json(changes)))


def _bar_head(venue: str, symbol: str, step_ms: int, slot: int) -> str:
    resolution = "60\t" if step_ms == 60_000 else ""
    market = "perp" if ":" in symbol else "spot"
    start = moment(slot * step_ms * 1_000_000)
    return f"{start}\t{_market(venue, symbol)}\t{resolution}{text(asset_of(symbol))}\t{market}"


def _json(value: object) -> str:
    return text(msgspec.json.encode(value).decode())


def _plain(value: Decimal) -> str:
    return format(value, "f")


def _half(value: Decimal | None) -> str:
    return NULL if value is None else _plain(value / 2)


def _premium(mark: str | None, index: str | None) -> str:
    if mark is None or index is None or not (below := exact(index)):
        return NULL
    return _plain(_WIDE.quantize(_WIDE.divide(exact(mark), below) - 1, _PREMIUM))
