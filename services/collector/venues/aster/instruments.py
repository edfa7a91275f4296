"""The venue's listings -> instruments: every linear perpetual, whatever its quote and status.

`exchangeInfo` has the contracts, `fundingInfo` their funding terms. Numbers come as text or as numbers, and what a row
does not say is None; a row without names cannot be listed, and its frames are counted as `unknown_symbol`.
"""

from collections.abc import Mapping
from decimal import Decimal
from typing import Final

import msgspec

from services.collector import naming, normalise
from services.collector.naming import Reviewed
from services.collector.typed_rows import UNREADABLE, loosely, readable
from services.collector.venue import Unreadable
from shared.instruments import Category, Instrument, Status, unified_symbol

NAME: Final = "aster"
PERP_INFO: Final = "perp_info"
FUNDING_INFO: Final = "funding_info"

#: delivery date of a contract that never delivers; an earlier one is a delisting that was announced
NEVER_MS: Final = 4_133_404_800_000
PERPETUAL: Final = "PERPETUAL"

#: base as the venue spells it -> (asset, how many assets one unit is); reviewed 2026-11-20
REVIEWED: Final[Reviewed] = {
    "1INCH": ("1INCH", "1"),  # the coin's own name
    "1000BONK": ("BONK", "1000"),
    "1000FLOKI": ("FLOKI", "1000"),
    "1000PEPE": ("PEPE", "1000"),
    "1000SHIB": ("SHIB", "1000"),
}
_STATUS: Final[dict[str, Status]] = {
    "TRADING": "trading",
    "PENDING_TRADING": "pre",
    "TRADING_HALT": "halted",
    "PRE_SETTLE": "delisting",
    "SETTLING": "delisting",
    "CLOSE": "delisting",
    "PRE_DELIVERING": "delisting",
    "DELIVERING": "delisting",
    "DELIVERED": "delisting",
}
_CATEGORY: Final[dict[str, Category]] = {"COIN": "crypto"}


class _Filter(msgspec.Struct, rename="camel", gc=False):
    filter_type: str = ""
    tick_size: str | None = None
    step_size: str | None = None
    min_qty: str | None = None
    min_notional: str | None = None
    notional: str | None = None


class _Row(msgspec.Struct, rename="camel"):
    symbol: str
    base_asset: str
    quote_asset: str
    margin_asset: str
    status: str = ""
    contract_type: str = ""
    delivery_date: str = ""
    onboard_date: str = ""
    underlying_type: str = ""
    filters: list[msgspec.Raw] = []


class _FundingRow(msgspec.Struct, rename="camel", gc=False):
    symbol: str
    funding_interval_hours: str | None = None
    funding_fee_cap: str | None = None
    funding_fee_floor: str | None = None


class _Info(msgspec.Struct):
    symbols: list[msgspec.Raw]


class _FundingForm(msgspec.Struct, rename="camel"):
    symbol: str
    funding_interval_hours: int | str


_info: Final = msgspec.json.Decoder(_Info)
_raws: Final = msgspec.json.Decoder(list[msgspec.Raw])
_row: Final = msgspec.json.Decoder(_Row)
_filter: Final = msgspec.json.Decoder(_Filter)
_funding_row: Final = msgspec.json.Decoder(_FundingRow)
_funding_form: Final = msgspec.json.Decoder(_FundingForm)


def listing(bodies: Mapping[str, bytes]) -> list[Instrument]:
    """All instruments that the bodies hold, by call name. Raises `Unreadable`."""
    if PERP_INFO not in bodies:
        return []
    funding = _funding(bodies.get(FUNDING_INFO))
    return [_instrument(row, funding.get(row.symbol)) for row in _contracts(bodies[PERP_INFO]) if _in_scope(row)]


def outside(bodies: Mapping[str, bytes]) -> frozenset[str]:
    """Symbols of the contracts in the same bodies that are no linear perpetuals. Raises `Unreadable`."""
    if PERP_INFO not in bodies:
        return frozenset()
    return frozenset(row.symbol for row in _contracts(bodies[PERP_INFO]) if not _in_scope(row))


def is_listing(body: bytes) -> str | None:
    """The listing call that a body answers by its form, or None. A listing of spot pairs names no margin."""
    try:
        if body.lstrip()[:1] == b"[":
            _funding_form.decode(_raws.decode(body)[0])
            return FUNDING_INFO
        loosely(_row, _info.decode(body).symbols[0])
    except (*UNREADABLE, IndexError):
        return None
    return PERP_INFO


def _contracts(body: bytes) -> list[_Row]:
    try:
        raws = _info.decode(body).symbols
    except UNREADABLE as error:
        raise Unreadable(f"{PERP_INFO}: {body[:80]!r}: expected an object with symbols ({error})") from None
    rows = list(readable(_row, raws))
    if raws and not rows:
        raise Unreadable(f"{PERP_INFO}: none of {len(raws)} rows has the names of a contract: {bytes(raws[0])[:200]!r}")
    return rows


def _funding(body: bytes | None) -> dict[str, _FundingRow]:
    if body is None:
        return {}
    try:
        raws = _raws.decode(body)
    except UNREADABLE as error:
        raise Unreadable(f"{FUNDING_INFO}: {body[:80]!r}: expected a list of rows with symbol ({error})") from None
    return {row.symbol: row for row in readable(_funding_row, raws)}


def _in_scope(row: _Row) -> bool:
    return row.contract_type == PERPETUAL and row.margin_asset == row.quote_asset


def _instrument(row: _Row, funding: _FundingRow | None) -> Instrument:
    named = naming.name(row.base_asset, REVIEWED)
    status, reason = naming.status_of(named, _STATUS.get(row.status, "unknown"))
    filters = {one.filter_type: one for one in readable(_filter, row.filters)}
    price, lot = filters.get("PRICE_FILTER", _Filter()), filters.get("LOT_SIZE", _Filter())
    worth = filters.get("MIN_NOTIONAL") or filters.get("NOTIONAL") or _Filter()
    terms = funding or _FundingRow(row.symbol)
    factor = Decimal(named.multiplier)
    ends = normalise.moment(row.delivery_date)
    listed = normalise.moment(row.onboard_date)
    return Instrument(
        venue=NAME,
        market="perp",
        symbol=unified_symbol(named.asset, row.quote_asset, row.margin_asset),
        native=row.symbol,
        base=named.asset,
        quote=row.quote_asset,
        settle=row.margin_asset,
        category=_CATEGORY.get(row.underlying_type, "unknown"),
        multiplier=named.multiplier,
        tick_size=normalise.limit(price.tick_size, 1 / factor),
        lot_size=normalise.limit(lot.step_size, factor),
        min_size=normalise.limit(lot.min_qty, factor),
        min_notional=normalise.limit(worth.notional or worth.min_notional, Decimal(1)),
        funding_interval_h=normalise.limit(terms.funding_interval_hours, Decimal(1)),
        funding_cap=normalise.bound(terms.funding_fee_cap),
        funding_floor=normalise.bound(terms.funding_fee_floor),
        status=status,
        quarantine_reason=reason,
        listed_ts=listed,
        delist_ts=ends if ends is not None and ends < normalise.nanoseconds(str(NEVER_MS)) else None,
    )
