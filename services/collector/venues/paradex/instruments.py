"""Paradex's listing: `{"results": [market, ...]}` of one call, perpetuals and spot pairs among options.

Prices are in dollars and everything is settled in USDC. Names of multiples begin with a small k: `kPEPE` is 1000 PEPE.
"""

from collections.abc import Iterator, Mapping
from decimal import Decimal, Inexact, InvalidOperation
from typing import Final, TypeVar

import msgspec

from services.collector import naming
from services.collector.normalise import BadNumber, multiplied, plain, stated_limit
from services.collector.typed_rows import UNREADABLE, loosely, readable
from services.collector.venue import Unreadable
from shared.instruments import Category, Instrument, Market, Status, unified_symbol

NAME: Final = "paradex"
#: the one listing call
MARKETS: Final = "markets"
KINDS: Final[dict[str, Market]] = {"PERP": "perp", "SPOT": "spot"}
#: a market that takes no orders on its book is none that trades
STATUS: Final[dict[str, Status]] = {"": "trading", "STANDARD": "trading", "RFQ_ONLY": "halted"}
#: stocks, commodities, indices and currencies: the tag does not say which
REAL_WORLD: Final = "RWA"

#: base -> (asset, multiplier); reviewed 2026-11-20
REVIEWED: Final[dict[str, tuple[str, str]]] = {
    "kBONK": ("BONK", "1000"),
    "kFLOKI": ("FLOKI", "1000"),
    "kPEPE": ("PEPE", "1000"),
    "kSHIB": ("SHIB", "1000"),
}

_BPS: Final = Decimal(10_000)
_MS: Final = 1_000_000

#: the exchange writes some numbers as numbers, some as text, and has changed that
Figure = str | int | float

_T = TypeVar("_T")


class _Fee(msgspec.Struct, frozen=True, gc=False):
    fee: str = ""


class _Fees(msgspec.Struct, frozen=True, gc=False):
    maker_fee: _Fee = _Fee()
    taker_fee: _Fee = _Fee()


class _FeeConfig(msgspec.Struct, gc=False):
    """A market's own fees where they are not the exchange's: `api_fee` for orders through the API."""

    api_fee: _Fees = _Fees()


class Row(msgspec.Struct, gc=False):
    """One market. A text that does not apply is empty."""

    symbol: str
    asset_kind: str
    base_currency: str
    quote_currency: str
    settlement_currency: str | None = None
    order_size_increment: str | None = None
    price_tick_size: str | None = None
    min_notional: str | None = None
    open_at: Figure | None = None
    expiry_at: Figure | None = None
    funding_period_hours: msgspec.Raw = msgspec.Raw(b"")
    max_funding_rate: str | None = None
    trading_mode: str | None = None
    fee_config: msgspec.Raw = msgspec.Raw(b"null")
    tags: list[str] | None = None


class _Body(msgspec.Struct):
    results: list[msgspec.Raw]


class _Form(msgspec.Struct):
    """As much of a row as tells that it is a market's terms."""

    symbol: str
    asset_kind: str
    price_tick_size: str


class _Scope(msgspec.Struct):
    """As much of a row as tells whether it is in scope."""

    symbol: str
    asset_kind: str = ""
    expiry_at: Figure | None = None


_body: Final = msgspec.json.Decoder(_Body)
_row: Final = msgspec.json.Decoder(Row)
_form: Final = msgspec.json.Decoder(_Form)
_fee_config: Final = msgspec.json.Decoder(_FeeConfig | None)
_scope: Final = msgspec.json.Decoder(_Scope)


def is_listing(body: bytes) -> str | None:
    """The listing call that a body answers, told by its first row."""
    try:
        rows = _body.decode(body).results
        if rows:
            loosely(_form, rows[0])
    except UNREADABLE:
        return None
    return MARKETS if rows else None


def listing(bodies: Mapping[str, bytes]) -> list[Instrument]:
    """Every spot pair and linear perpetual in the bodies. Raises `Unreadable`."""
    made = (instrument(row) for row in _rows(bodies, _row))
    return [one for one in made if one is not None]


def outside(bodies: Mapping[str, bytes]) -> frozenset[str]:
    """The native ids that are listed and out of scope: options, and what expires. Raises `Unreadable`."""
    return frozenset(row.symbol for row in _rows(bodies, _scope) if _market(row.asset_kind, row.expiry_at) is None)


def instrument(row: Row) -> Instrument | None:
    """One row in our terms; None where it is out of scope or its numbers cannot be read."""
    market = _market(row.asset_kind, row.expiry_at)
    if market is None or not (row.symbol and row.base_currency and row.quote_currency):
        return None
    perp = market == "perp"
    named = naming.name(row.base_currency, REVIEWED)
    status, reason = naming.status_of(named, STATUS.get(row.trading_mode or "", "unknown"))
    quote, settle = row.quote_currency, (row.settlement_currency or row.quote_currency) if perp else None
    fees = _fees(row.fee_config)
    try:
        many = Decimal(named.multiplier)
        cap = _given(row.max_funding_rate) if perp else None
        return Instrument(
            venue=NAME,
            market=market,
            symbol=unified_symbol(named.asset, quote, settle),
            native=row.symbol,
            base=named.asset,
            quote=quote,
            settle=settle,
            category=_category(row.tags or []),
            multiplier=named.multiplier,
            tick_size=stated_limit(row.price_tick_size, 1 / many),
            lot_size=stated_limit(row.order_size_increment, many),
            min_notional=_given(row.min_notional),
            funding_interval_h=hours(row.funding_period_hours) if perp else None,
            funding_cap=cap,
            funding_floor=None if cap is None else f"-{cap}",
            taker_fee_bps=multiplied(fees.taker_fee.fee, _BPS),
            maker_fee_bps=multiplied(fees.maker_fee.fee, _BPS),
            status=status,
            quarantine_reason=reason,
            listed_ts=_time(row.open_at),
        )
    except (BadNumber, Inexact, InvalidOperation):
        return None


def _market(asset_kind: str, expiry_at: Figure | None) -> Market | None:
    return KINDS.get(asset_kind) if expiry_at in (None, 0, "", "0") else None


def _category(tags: list[str]) -> Category:
    return "unknown" if REAL_WORLD in tags else "crypto"


def _given(text: str | None) -> str | None:
    """A number above zero; None where there is none, by which the exchange means no limit."""
    return stated_limit(text, Decimal(1))


def _fees(raw: msgspec.Raw) -> _Fees:
    """Those of orders through the API; none where the market has none of its own, or they cannot be read."""
    try:
        config = _fee_config.decode(raw)
    except UNREADABLE:
        return _Fees()
    return _Fees() if config is None else config.api_fee


def hours(raw: msgspec.Raw) -> str | None:
    """A number of hours, or the text of one; None where it is none or zero. Raises `BadNumber`."""
    text = bytes(raw).decode().strip('"')
    digits = _given("" if text == "null" else text)
    return None if digits is None else plain(Decimal(digits))


def _time(figure: Figure | None) -> int | None:
    text = str(figure)
    return int(text) * _MS if text.isascii() and text.isdigit() and text.strip("0") else None


def _rows(bodies: Mapping[str, bytes], decoder: msgspec.json.Decoder[_T]) -> Iterator[_T]:
    """The readable rows of the bodies; a row of another form is left out, a body of another form raises."""
    for call, body in bodies.items():
        try:
            raws = _body.decode(body).results
        except UNREADABLE as error:
            raise Unreadable(f"{NAME} {call}: expected an object with results, got {body[:80]!r} ({error})") from None
        yield from readable(decoder, raws)
