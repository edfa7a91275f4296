"""The listing: `GET /v5/market/instruments-info` by category, the perpetuals page by page.

The call without a status lists what trades; perpetuals before their launch are asked for apart. Sizes are in base
units of the venue, which may stand for many coins (`1000PEPE`): the name is looked up, and prices and sizes converted.

Link (read 2026-11-20): https://bybit-exchange.github.io/docs/v5/market/instrument
"""

import re
from collections.abc import Iterator, Mapping
from decimal import Decimal, Inexact, InvalidOperation
from typing import Any, Final

import msgspec

from services.collector.naming import name, status_of
from services.collector.normalise import EXACT, BadNumber, literal, multiplied, nanoseconds, plain
from services.collector.table import Listed
from services.collector.typed_rows import UNREADABLE, loosely, readable
from services.collector.venue import Unreadable
from services.collector.venues.bybit.multipliers import REVIEWED
from services.collector.venues.bybit.shapes import Body, Result
from shared.instruments import Category, Instrument, Market, Status, unified_symbol

NAME: Final = "bybit"
SPOT: Final = "spot"
LINEAR: Final = "linear"
#: perpetuals that are not launched yet
LINEAR_PRE: Final = "linear_pre"
CATEGORIES: Final = frozenset({SPOT, LINEAR, "inverse", "option"})
PERPETUAL: Final = "LinearPerpetual"

STATUS: Final[dict[str, Status]] = {
    "Trading": "trading",
    "PreLaunch": "pre",
    "Delivering": "halted",
    "Closed": "halted",
}
CATEGORY: Final[dict[str, Category]] = {
    "": "crypto",
    "innovation": "crypto",
    "adventure": "crypto",
    "stock": "equity",
    "xstocks": "equity",
    "commodity": "commodity",
    "forex": "fx",
}
#: the phase before launch in which orders meet as they do later; before it there are auctions
CONTINUOUS: Final = "ContinuousTrading"
MINUTES: Final = Decimal(60)
BPS: Final = Decimal(10_000)


class _Price(msgspec.Struct, frozen=True, rename="camel", gc=False):
    tick_size: str = ""


class _Lot(msgspec.Struct, frozen=True, rename="camel", gc=False):
    """Perpetuals have a step and a least value, spot pairs a precision and a least amount."""

    qty_step: str = ""
    base_precision: str = ""
    min_order_qty: str = ""
    min_notional_value: str = ""
    min_order_amt: str = ""


class _Fees(msgspec.Struct, frozen=True, rename="camel", gc=False):
    taker_fee_rate: str = ""
    maker_fee_rate: str = ""


class _Before(msgspec.Struct, frozen=True, rename="camel", gc=False):
    """The terms of the time before launch."""

    cur_auction_phase: str = ""
    auction_fee_info: _Fees | None = None


class Row(msgspec.Struct, rename="camel", gc=False):
    """One instrument as listed. Spot pairs have neither a contract type nor times."""

    symbol: str
    status: str = ""
    base_coin: str = ""
    quote_coin: str = ""
    settle_coin: str = ""
    contract_type: str = ""
    symbol_type: str | None = None
    launch_time: str = ""
    delivery_time: str = ""
    funding_interval: int | str | None = None
    upper_funding_rate: str = ""
    lower_funding_rate: str = ""
    price_filter: _Price = _Price()
    lot_size_filter: _Lot = _Lot()
    pre_listing_info: _Before | None = None


class _Form(msgspec.Struct, rename="camel"):
    """As much of a row as tells a listing from other answers."""

    status: str = ""
    base_coin: str | None = None
    lot_size_filter: dict[str, Any] | None = None


_QUOTED: Final = re.compile("%([0-7][0-9A-Fa-f])")
_body: Final = msgspec.json.Decoder(Body)
_result: Final = msgspec.json.Decoder(Result)
_row: Final = msgspec.json.Decoder(Row)
_form: Final = msgspec.json.Decoder(_Form)


def is_listing(body: bytes) -> str | None:
    """The listing call that a body answers: its category, told apart by the first row's status."""
    try:
        result = _result.decode(_body.decode(body).result)
        form = loosely(_form, result.rows[0]) if result.rows else _Form()
    except UNREADABLE:
        return None
    if form.base_coin is None or form.lot_size_filter is None or result.category not in CATEGORIES:
        return None
    return LINEAR_PRE if result.category == LINEAR and form.status == "PreLaunch" else result.category


def next_page(body: bytes) -> Mapping[str, str] | None:
    """What to ask for next, None after the last page: a page without rows, or without a cursor (which comes quoted)."""
    try:
        result = _result.decode(_body.decode(body).result)
    except UNREADABLE:
        return None
    cursor = _QUOTED.sub(lambda found: chr(int(found[1], 16)), result.next_page_cursor)
    return {"cursor": cursor} if result.rows and cursor else None


def listing(bodies: Mapping[str, bytes]) -> list[Instrument]:
    """Every spot pair and linear perpetual in the bodies. Raises `Unreadable`."""
    made = (instrument(category, row) for category, row in _rows(bodies))
    return [one for one in made if one is not None]


def outside(bodies: Mapping[str, bytes]) -> frozenset[str]:
    """The native ids that are listed and out of scope. Raises `Unreadable`."""
    return frozenset(row.symbol for category, row in _rows(bodies) if _market(category, row) is None)


def instrument(category: str, row: Row) -> Instrument | None:
    """One row in our terms; None where it is out of scope or its numbers cannot be read."""
    market = _market(category, row)
    if market is None:
        return None
    named, perp, lot = name(row.base_coin, REVIEWED), market == "perp", row.lot_size_filter
    quote, settle = row.quote_coin.upper(), row.settle_coin.upper() if perp else None
    status, reason = status_of(named, _status(row))
    fees = row.pre_listing_info.auction_fee_info if row.pre_listing_info is not None else None
    try:
        one = Instrument(
            venue=NAME,
            market=market,
            symbol=unified_symbol(named.asset, quote, settle),
            native=row.symbol,
            base=named.asset,
            quote=quote,
            settle=settle,
            category=CATEGORY.get(row.symbol_type, "unknown") if row.symbol_type is not None else "unknown",
            multiplier=named.multiplier,
            min_notional=_given(lot.min_notional_value if perp else lot.min_order_amt),
            funding_interval_h=_hours(row.funding_interval) if perp else None,
            funding_cap=_given(row.upper_funding_rate) if perp else None,
            funding_floor=_given(row.lower_funding_rate) if perp else None,
            taker_fee_bps=multiplied(fees.taker_fee_rate, BPS) if fees else None,
            maker_fee_bps=multiplied(fees.maker_fee_rate, BPS) if fees else None,
            status=status,
            quarantine_reason=reason,
            listed_ts=_time(row.launch_time),
            delist_ts=_time(row.delivery_time),
        )
        return _measured(one, row.price_filter.tick_size, lot.qty_step if perp else lot.base_precision, lot)
    except (BadNumber, Inexact, InvalidOperation):
        return None


def _measured(one: Instrument, tick: str, step: str, lot: _Lot) -> Instrument:
    """With its tick and its sizes, converted as its prices and sizes will be."""
    at = Listed(one)

    def times(text: str) -> str | None:
        digits = _given(text)
        if digits is None or at.times_size is None:
            return digits
        return plain(EXACT.multiply(Decimal(digits), at.times_size))

    price = _given(tick)
    if price is not None and at.divide_price is not None:
        price = plain(EXACT.divide(Decimal(price), at.divide_price))
    return msgspec.structs.replace(one, tick_size=price, lot_size=times(step), min_size=times(lot.min_order_qty))


def _market(category: str, row: Row) -> Market | None:
    """The market of a row, None where it is out of scope."""
    if not row.base_coin or not row.quote_coin:
        return None
    if category == SPOT:
        return "spot"
    return "perp" if category == LINEAR and row.contract_type == PERPETUAL and row.settle_coin else None


def _status(row: Row) -> Status:
    """A perpetual whose delivery time is set is being delisted; one before its launch trades in its last phase."""
    status = STATUS.get(row.status, "unknown")
    if status == "pre" and row.pre_listing_info is not None and row.pre_listing_info.cur_auction_phase == CONTINUOUS:
        return "trading"
    return "delisting" if status == "trading" and _time(row.delivery_time) else status


def _given(text: str) -> str | None:
    return literal(text) if text else None


def _time(text: str) -> int | None:
    """A time in milliseconds; "0" is none."""
    return nanoseconds(text) or None if text else None


def _hours(minutes: int | str | None) -> str | None:
    """Exact text; None where it is no finite decimal. Raises `BadNumber`."""
    count = Decimal(literal(str(minutes))) if minutes else Decimal(0)
    try:
        return plain(EXACT.divide(count, MINUTES)) if count > 0 else None
    except Inexact:
        return None


def _rows(bodies: Mapping[str, bytes]) -> Iterator[tuple[str, Row]]:
    """The readable rows of all bodies with their category; a row of another form is left out, a body raises."""
    for call, body in bodies.items():
        try:
            answer = _body.decode(body)
            result = _result.decode(answer.result)
        except UNREADABLE as error:
            raise Unreadable(f"{NAME} {call}: expected a result with a list, got {body[:80]!r} ({error})") from None
        if answer.ret_code != 0 or result.category not in CATEGORIES:
            raise Unreadable(f"{NAME} {call}: expected retCode 0 and a category, got {body[:120]!r}")
        for row in readable(_row, result.rows):
            yield result.category, row
