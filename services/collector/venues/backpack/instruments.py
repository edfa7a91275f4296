"""Backpack's listing: `GET /api/v1/markets`, spot pairs and perpetuals in one list.

The names of base and quote stand in fields of their own; a perpetual is margined and settled in its quote.
"""

from collections.abc import Iterator, Mapping
from decimal import Decimal, Inexact, InvalidOperation
from typing import Final

import msgspec

from services.collector.naming import Reviewed, name, status_of
from services.collector.normalise import EXACT, BadNumber, literal, plain
from services.collector.typed_rows import UNREADABLE, readable
from services.collector.venue import Unreadable
from services.collector.venues.backpack.times import instant
from shared.instruments import Instrument, Market, Status, unified_symbol

NAME: Final = "backpack"
MARKETS: Final = "markets"
HOUR_MS: Final = Decimal(3_600_000)

#: base as the venue spells it -> (asset, how many assets one unit is); reviewed 2026-11-20. The venue's list of
#: thousands is not known whole: others of the form are read by it and wait for a price check.
REVIEWED: Final[Reviewed] = {
    "AAPL.US": ("AAPL", "1"),
    "kBONK": ("BONK", "1000"),
    "kPEPE": ("PEPE", "1000"),
    "kSHIB": ("SHIB", "1000"),
}
MARKET: Final[dict[str, Market]] = {"SPOT": "spot", "PERP": "perp"}
STATUS: Final[dict[str, Status]] = {
    "Open": "trading",
    "Closed": "halted",
    "CancelOnly": "halted",
    "LimitOnly": "halted",
    "PostOnly": "halted",
}


class _Price(msgspec.Struct, rename="camel"):
    tick_size: str | None = None


class _Quantity(msgspec.Struct, rename="camel"):
    min_quantity: str | None = None
    step_size: str | None = None


class _Filters(msgspec.Struct):
    price: _Price = msgspec.field(default_factory=_Price)
    quantity: _Quantity = msgspec.field(default_factory=_Quantity)


class Row(msgspec.Struct, rename="camel"):
    """One market as listed. The funding interval is a JSON number, in one sample text."""

    symbol: str
    base_symbol: str
    quote_symbol: str
    market_type: str = ""
    order_book_state: str = ""
    visible: bool = True
    funding_interval: str | None = None
    created_at: str = ""
    filters: _Filters = msgspec.field(default_factory=_Filters)


class _Form(msgspec.Struct, rename="camel"):
    """What tells a listing from the other lists of rows."""

    symbol: str
    base_symbol: str
    market_type: str


_raws: Final = msgspec.json.Decoder(list[msgspec.Raw])
_row: Final = msgspec.json.Decoder(Row)
_form: Final = msgspec.json.Decoder(_Form)


def is_listing(body: bytes) -> str | None:
    """The listing call that a body answers, told by its first row."""
    try:
        _form.decode(_raws.decode(body)[0])
    except (*UNREADABLE, IndexError):
        return None
    return MARKETS


def listing(bodies: Mapping[str, bytes]) -> list[Instrument]:
    """Every spot pair and perpetual in the bodies. Raises `Unreadable`."""
    made = (instrument(row, MARKET[row.market_type]) for row in _rows(bodies) if row.market_type in MARKET)
    return [one for one in made if one is not None]


def outside(bodies: Mapping[str, bytes]) -> frozenset[str]:
    """The ids of markets of other kinds. Raises `Unreadable`."""
    return frozenset(row.symbol for row in _rows(bodies) if row.market_type not in MARKET)


def instrument(row: Row, market: Market) -> Instrument | None:
    """One row in our terms; None where its numbers cannot be read or its names are empty."""
    if not (row.symbol and row.base_symbol and row.quote_symbol):
        return None
    named, quote = name(row.base_symbol, REVIEWED), row.quote_symbol.upper()
    status, reason = status_of(named, _status(row))
    settle = quote if market == "perp" else None
    times, price, quantity = Decimal(named.multiplier), row.filters.price, row.filters.quantity
    try:
        return Instrument(
            venue=NAME,
            market=market,
            symbol=unified_symbol(named.asset, quote, settle),
            native=row.symbol,
            base=named.asset,
            quote=quote,
            settle=settle,
            multiplier=named.multiplier,
            tick_size=_step(price.tick_size, 1 / times),
            lot_size=_step(quantity.step_size, times),
            min_size=_step(quantity.min_quantity, times),
            funding_interval_h=_hours(row.funding_interval) if market == "perp" else None,
            status=status,
            quarantine_reason=reason,
            listed_ts=_listed(row.created_at),
        )
    except BadNumber:
        return None


def _status(row: Row) -> Status:
    """What is hidden from the venue's own users is not collected, whatever the state of its book."""
    status = STATUS.get(row.order_book_state, "unknown")
    return status if row.visible or status != "trading" else "unknown"


def _step(text: str | None, times: Decimal) -> str | None:
    """A number above zero, in our units; None where there is none, or zero. Raises `BadNumber`."""
    digits = literal(text) if text else "0"
    if digits.startswith("-"):
        raise BadNumber(digits)
    if not digits.strip("0."):
        return None
    return digits if times == 1 else plain(EXACT.multiply(Decimal(digits), times))


def _hours(ms: str | None) -> str | None:
    """Milliseconds as hours; None where that is no finite decimal, or nothing."""
    if not ms or not ms.isascii() or not ms.isdigit() or len(ms) > 12 or not int(ms):
        return None
    try:
        return plain(EXACT.divide(Decimal(ms), HOUR_MS))
    except (Inexact, InvalidOperation):
        return None


def _listed(text: str) -> int | None:
    try:
        return instant(text)
    except BadNumber:
        return None


def _rows(bodies: Mapping[str, bytes]) -> Iterator[Row]:
    """Each readable row once; a row of another form is left out."""
    seen: set[str] = set()
    for call, body in bodies.items():
        try:
            raws = _raws.decode(body)
        except UNREADABLE as error:
            raise Unreadable(f"{NAME} {call}: expected a list of markets, got {body[:80]!r} ({error})") from None
        for row in readable(_row, raws):
            if row.symbol not in seen:
                seen.add(row.symbol)
                yield row
