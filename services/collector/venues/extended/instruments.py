"""The venue's listing -> instruments: `GET /api/v1/info/markets`, every perpetual whatever its status.

The same body has the statistics of all markets (`decode_rest.py`). A row without names cannot be listed, and its frames
are counted as `unknown_symbol`.
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

NAME: Final = "extended"
MARKETS: Final = "markets"
OK: Final = "OK"
#: the interval of every perpetual's funding
HOUR: Final = "1"

#: asset as the venue spells it -> (asset, how many assets one unit is); reviewed 2026-11-20
REVIEWED: Final[Reviewed] = {
    "1INCH": ("1INCH", "1"),  # the coin's own name
    "NVDA_24_5": ("NVDA", "1"),  # the share, traded all day from Monday to Friday
}
_STATUS: Final[dict[str, Status]] = {
    "ACTIVE": "trading",
    "REDUCE_ONLY": "halted",
    "DELISTED": "delisting",
    "PRELISTED": "pre",
    "DISABLED": "halted",
}
_CATEGORY: Final[dict[str, Category]] = {"Crypto": "crypto"}


class _Config(msgspec.Struct, rename="camel", gc=False):
    min_order_size: str | None = None
    min_order_size_change: str | None = None
    min_price_change: str | None = None


class _Row(msgspec.Struct, rename="camel"):
    """One market. Rows of 2024 have no `status`, only `active`."""

    name: str
    asset_name: str
    collateral_asset_name: str
    category: str = ""
    active: bool = True
    status: str = ""
    is_rfq: bool = False
    trading_config: msgspec.Raw = msgspec.Raw(b"{}")
    created_at: str = ""


class _Body(msgspec.Struct):
    status: str
    data: list[msgspec.Raw]


class _Form(msgspec.Struct, rename="camel"):
    """What tells a market from the rows of other lists, and from a market's short form."""

    name: str
    asset_name: str
    collateral_asset_name: str
    trading_config: msgspec.Raw


_body: Final = msgspec.json.Decoder(_Body)
_row: Final = msgspec.json.Decoder(_Row)
_form: Final = msgspec.json.Decoder(_Form)
_config: Final = msgspec.json.Decoder(_Config)


def listing(bodies: Mapping[str, bytes]) -> list[Instrument]:
    """All instruments of the body. Raises `Unreadable`."""
    return [_instrument(row) for row in _rows(bodies[MARKETS])] if MARKETS in bodies else []


def is_listing(body: bytes) -> str | None:
    """The listing call that a body answers by its form, or None."""
    try:
        _form.decode(_body.decode(body).data[0])
    except (*UNREADABLE, IndexError):
        return None
    return MARKETS


def _rows(body: bytes) -> list[_Row]:
    try:
        found = _body.decode(body)
    except UNREADABLE as error:
        raise Unreadable(f"{MARKETS}: {body[:80]!r}: expected status and data ({error})") from None
    if found.status != OK:
        raise Unreadable(f"{MARKETS}: {body[:120]!r}: expected the status {OK}")
    rows = list(readable(_row, found.data))
    if found.data and not rows:
        raise Unreadable(
            f"{MARKETS}: none of {len(found.data)} rows has the names of a market: {bytes(found.data[0])[:200]!r}"
        )
    return rows


def _instrument(row: _Row) -> Instrument:
    named = naming.name(row.asset_name, REVIEWED)
    status, reason = naming.status_of(named, _status(row))
    config, factor = _terms(row.trading_config), Decimal(named.multiplier)
    return Instrument(
        venue=NAME,
        market="perp",
        symbol=unified_symbol(named.asset, row.collateral_asset_name, row.collateral_asset_name),
        native=row.name,
        base=named.asset,
        quote=row.collateral_asset_name,
        settle=row.collateral_asset_name,
        category=_CATEGORY.get(row.category, "unknown"),
        multiplier=named.multiplier,
        tick_size=normalise.limit(config.min_price_change, 1 / factor),
        lot_size=normalise.limit(config.min_order_size_change, factor),
        min_size=normalise.limit(config.min_order_size, factor),
        funding_interval_h=HOUR,
        status=status,
        quarantine_reason=reason,
        listed_ts=normalise.moment(row.created_at),
    )


def _status(row: _Row) -> Status:
    status = _STATUS.get(row.status, "unknown") if row.status else "trading"
    # what is traded by request alone has no book
    return "halted" if status == "trading" and (row.is_rfq or not row.active) else status


def _terms(raw: msgspec.Raw) -> _Config:
    try:
        return loosely(_config, raw)
    except UNREADABLE:
        return _Config()
