"""The venue's listings -> instruments: every spot pair and every linear perpetual, whatever its quote and status.

Dated futures and coin-margined contracts are left out (out of scope). What a row does not say is None; a row without
names cannot be listed, and its frames are counted as `unknown_symbol`.
"""

from collections.abc import Mapping
from decimal import Decimal
from typing import Final, TypeVar

import msgspec

from services.collector import naming, normalise
from services.collector.typed_rows import UNREADABLE
from services.collector.venue import Unreadable
from services.collector.venues.binance.multipliers import REVIEWED
from shared.instruments import Category, Instrument, Status, unified_symbol

SPOT_INFO: Final = "spot_info"
PERP_INFO: Final = "perp_info"
FUNDING_INFO: Final = "funding_info"

#: delivery date of a contract that never delivers; an earlier one is a delisting that was announced
NEVER_MS: Final = 4_133_404_800_000
#: funding interval of a perpetual that `fundingInfo` does not name: it names only those that were ever adjusted
DEFAULT_INTERVAL_H: Final = "8"

_MS: Final = 1_000_000
#: an empty type was seen on a perpetual that did not trade yet (2021-07): its delivery date tells
_PERPETUAL_TYPES: Final = frozenset({"PERPETUAL", "TRADIFI_PERPETUAL", "PERPETUAL_DELIVERING"})

_SPOT_STATUS: Final[dict[str, Status]] = {
    "TRADING": "trading",
    "PRE_TRADING": "pre",
    "POST_TRADING": "halted",
    "END_OF_DAY": "halted",
    "HALT": "halted",
    "AUCTION_MATCH": "halted",
    "BREAK": "halted",
    "CANCEL_ONLY": "halted",
}
_PERP_STATUS: Final[dict[str, Status]] = {
    "TRADING": "trading",
    "PENDING_TRADING": "pre",
    "TRADING_HALT": "halted",
    "PRE_SETTLE": "delisting",
    "SETTLING": "delisting",
    "CLOSE": "delisting",
    "PRE_DELIVERING": "delisting",
    "DELIVERING": "delisting",
    "DELIVERED": "delisting",
    "PRE_DELISTING": "delisting",
    "DELISTING": "delisting",
}
_CATEGORY: Final[dict[str, Category]] = {
    "COIN": "crypto",
    "INDEX": "index",
    "EQUITY": "equity",
    "HK_EQUITY": "equity",
    "KR_EQUITY": "equity",
    "CN_EQUITY": "equity",
    "COMMODITY": "commodity",
    "FX": "fx",
}
#: the spot listing names no category: these bases are state currencies, the rest are coins and tokens
_FIAT: Final = frozenset(
    {"ARS", "AUD", "BRL", "COP", "CZK", "EUR", "GBP", "JPY", "MXN", "NGN", "PLN", "RON", "RUB"}
    | {"TRY", "UAH", "USD", "ZAR"}
)


class _Filter(msgspec.Struct, rename="camel", gc=False):
    filter_type: str = ""
    tick_size: str | None = None
    step_size: str | None = None
    min_qty: str | None = None
    min_notional: str | None = None
    notional: str | None = None


class _SpotRow(msgspec.Struct, rename="camel"):
    symbol: str
    base_asset: str
    quote_asset: str
    status: str = ""
    is_spot_trading_allowed: bool = True
    filters: list[_Filter] = []


class _PerpRow(msgspec.Struct, rename="camel"):
    symbol: str
    base_asset: str
    quote_asset: str
    margin_asset: str
    status: str = ""
    contract_type: str = ""
    delivery_date: int = NEVER_MS
    onboard_date: int | None = None
    underlying_type: str = ""
    filters: list[_Filter] = []


class _FundingRow(msgspec.Struct, rename="camel", gc=False):
    symbol: str
    funding_interval_hours: int | None = None
    adjusted_funding_rate_cap: str | None = None
    adjusted_funding_rate_floor: str | None = None


class _Info(msgspec.Struct, rename="camel"):
    symbols: list[msgspec.Raw]


class _SymbolForm(msgspec.Struct, rename="camel"):
    """What tells one listing from another; only the coin-margined one has a contract status."""

    symbol: str
    base_asset: str
    margin_asset: str | None = None
    contract_status: str | None = None


class _FundingForm(msgspec.Struct, rename="camel"):
    symbol: str
    funding_interval_hours: int


Row = TypeVar("Row")


def listing(bodies: Mapping[str, bytes]) -> list[Instrument]:
    """All instruments that the bodies hold, by call name. Raises `Unreadable`."""
    found: list[Instrument] = []
    if SPOT_INFO in bodies:
        found += [_spot(row) for row in _rows(SPOT_INFO, bodies[SPOT_INFO], _SpotRow)]
    if PERP_INFO in bodies:
        funding = _funding(bodies.get(FUNDING_INFO))
        rows = _rows(PERP_INFO, bodies[PERP_INFO], _PerpRow)
        found += [_perp(row, funding.get(row.symbol)) for row in rows if _in_scope(row)]
    return found


def outside(bodies: Mapping[str, bytes]) -> frozenset[str]:
    """Symbols of the dated and coin-margined contracts in the same bodies."""
    if PERP_INFO not in bodies:
        return frozenset()
    return frozenset(row.symbol for row in _rows(PERP_INFO, bodies[PERP_INFO], _PerpRow) if not _in_scope(row))


def is_listing(body: bytes) -> str | None:
    """The listing call that a body answers by its form, or None."""
    try:
        form = msgspec.json.decode(body, type=_Info | list[msgspec.Raw])
        if isinstance(form, list):
            msgspec.json.decode(form[0], type=_FundingForm)
            return FUNDING_INFO
        row = msgspec.json.decode(form.symbols[0], type=_SymbolForm)
    except (*UNREADABLE, IndexError):
        return None
    if row.contract_status is not None:
        return None
    return SPOT_INFO if row.margin_asset is None else PERP_INFO


def _rows(call: str, body: bytes, row_type: type[Row]) -> list[Row]:
    try:
        raws = msgspec.json.decode(body, type=_Info).symbols
    except UNREADABLE as error:
        raise Unreadable(f"{call}: {body[:80]!r}: expected an object with symbols ({error})") from error
    rows = []
    for raw in raws:
        try:
            rows.append(msgspec.json.decode(raw, type=row_type))
        except msgspec.ValidationError:
            continue  # a row without names: its frames count as unknown_symbol
    if raws and not rows:
        raise Unreadable(f"{call}: none of {len(raws)} rows has a symbol, a base and a quote: {bytes(raws[0])[:200]!r}")
    return rows


def _funding(body: bytes | None) -> dict[str, _FundingRow]:
    if body is None:
        return {}
    try:
        return {row.symbol: row for row in msgspec.json.decode(body, type=list[_FundingRow])}
    except UNREADABLE as error:
        raise Unreadable(f"{FUNDING_INFO}: {body[:80]!r}: expected a list of rows with symbol ({error})") from error


def _in_scope(row: _PerpRow) -> bool:
    """A linear perpetual, be it without its type yet."""
    if row.margin_asset != row.quote_asset:
        return False
    return row.contract_type in _PERPETUAL_TYPES or (not row.contract_type and row.delivery_date >= NEVER_MS)


def _spot(row: _SpotRow) -> Instrument:
    named = naming.name(row.base_asset, REVIEWED)
    status = _SPOT_STATUS.get(row.status, "unknown")
    if status == "trading" and not row.is_spot_trading_allowed:
        status = "halted"
    status, reason = naming.status_of(named, status)
    tick, lot, least, notional = _limits(row.filters, named.multiplier)
    return Instrument(
        venue="binance",
        market="spot",
        symbol=unified_symbol(named.asset, row.quote_asset),
        native=row.symbol,
        base=named.asset,
        quote=row.quote_asset,
        category="fx" if row.base_asset in _FIAT else "crypto",
        multiplier=named.multiplier,
        tick_size=tick,
        lot_size=lot,
        min_size=least,
        min_notional=notional,
        status=status,
        quarantine_reason=reason,
    )


def _perp(row: _PerpRow, funding: _FundingRow | None) -> Instrument:
    named = naming.name(row.base_asset, REVIEWED)
    status, reason = naming.status_of(named, _PERP_STATUS.get(row.status, "unknown"))
    tick, lot, least, notional = _limits(row.filters, named.multiplier)
    hours = None if funding is None else funding.funding_interval_hours
    return Instrument(
        venue="binance",
        market="perp",
        symbol=unified_symbol(named.asset, row.quote_asset, row.margin_asset),
        native=row.symbol,
        base=named.asset,
        quote=row.quote_asset,
        settle=row.margin_asset,
        category=_category(row),
        multiplier=named.multiplier,
        tick_size=tick,
        lot_size=lot,
        min_size=least,
        min_notional=notional,
        funding_interval_h=DEFAULT_INTERVAL_H if hours is None else str(hours),
        funding_cap=normalise.bound(None if funding is None else funding.adjusted_funding_rate_cap),
        funding_floor=normalise.bound(None if funding is None else funding.adjusted_funding_rate_floor),
        status=status,
        quarantine_reason=reason,
        listed_ts=None if row.onboard_date is None else row.onboard_date * _MS,
        delist_ts=row.delivery_date * _MS if row.delivery_date < NEVER_MS else None,
    )


def _category(row: _PerpRow) -> Category:
    # PREMARKET is a coin before its listing among the perpetuals and a share before its listing among the TradFi ones
    if row.underlying_type == "PREMARKET":
        return "equity" if row.contract_type == "TRADIFI_PERPETUAL" else "crypto"
    return _CATEGORY.get(row.underlying_type, "unknown")


def _limits(filters: list[_Filter], multiplier: str) -> tuple[str | None, str | None, str | None, str | None]:
    """Tick, lot and least size per asset, and the least notional in quote, of a row's filters."""
    by_type = {one.filter_type: one for one in filters}
    price, lot = by_type.get("PRICE_FILTER", _Filter()), by_type.get("LOT_SIZE", _Filter())
    worth = by_type.get("NOTIONAL") or by_type.get("MIN_NOTIONAL") or _Filter()
    factor = Decimal(multiplier)
    return (
        normalise.limit(price.tick_size, 1 / factor),
        normalise.limit(lot.step_size, factor),
        normalise.limit(lot.min_qty, factor),
        normalise.limit(worth.min_notional or worth.notional, Decimal(1)),
    )
