"""The listing: `GET /api/v3/symbols`, whose `contractConfig` holds the perpetual contracts. Sizes are in base.

An instrument has two names: `BTCUSDT` over the socket, in tickers and books, which is its native id here; `BTC-USDT` in
the listing and in histories, which is its alias.
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Final

import msgspec

from services.collector import naming
from services.collector.naming import Named
from services.collector.normalise import BadNumber, multiplied
from services.collector.typed_rows import UNREADABLE, loosely, readable
from services.collector.venue import Unreadable
from shared.instruments import Category, Instrument, Status, unified_symbol

NAME: Final = "apex"
#: the listing call
SYMBOLS: Final = "symbols"
#: no multiple of a coin has been seen here yet: a name that looks like one waits for its price check
REVIEWED: Final[naming.Reviewed] = {}
#: the one that is known; contracts on stocks are listed among those on coins
CATEGORY: Final[dict[str, Category]] = {"L1": "crypto"}

Flag = bool | str | None


class Row(msgspec.Struct, rename="camel", gc=False):
    """One perpetual contract as listed."""

    symbol: str
    cross_symbol_name: str
    base_token_id: str = ""
    settle_asset_id: str = ""
    tick_size: str = ""
    step_size: str = ""
    min_order_size: str = ""
    category: str = ""
    enable_trade: Flag = None
    enable_display: Flag = None
    enable_open_position: Flag = None
    is_prelaunch: Flag = None


class _Form(msgspec.Struct, rename="camel"):
    """As much of a row as tells that it is a contract's."""

    symbol: str
    cross_symbol_name: str
    tick_size: str


_keys: Final = msgspec.json.Decoder(dict[str, msgspec.Raw])
_raws: Final = msgspec.json.Decoder(list[msgspec.Raw])
_row: Final = msgspec.json.Decoder(Row)
_form: Final = msgspec.json.Decoder(_Form)
_ABSENT: Final = msgspec.Raw(b"")


def is_listing(body: bytes) -> str | None:
    """The listing call's name where the body's first row is a contract's."""
    try:
        rows = _contracts(body)
        loosely(_form, rows[0] if rows else b"")
    except UNREADABLE:
        return None
    return SYMBOLS


def listing(bodies: Mapping[str, bytes]) -> list[Instrument]:
    """Every linear perpetual in the bodies. Raises `Unreadable`."""
    made = (instrument(row) for row in _all_rows(bodies))
    return [one for one in made if one is not None]


def outside(bodies: Mapping[str, bytes]) -> frozenset[str]:
    """The names, in both spellings, of contracts that settle in nothing, or in their own coin. Raises `Unreadable`."""
    found = (row for row in _all_rows(bodies) if not _in_scope(row))
    return frozenset(name for row in found for name in (row.cross_symbol_name, row.symbol))


def instrument(row: Row) -> Instrument | None:
    """One row in our terms; None where it is out of scope or its numbers cannot be read."""
    if not _in_scope(row):
        return None
    named, quote = _named(row), row.settle_asset_id.upper()
    multiple = Decimal(named.multiplier)
    status, reason = naming.status_of(named, _status(row))
    try:
        return Instrument(
            venue=NAME,
            market="perp",
            symbol=unified_symbol(named.asset, quote, quote),
            native=row.cross_symbol_name,
            aliases=(row.symbol,) if row.symbol != row.cross_symbol_name else (),
            base=named.asset,
            quote=quote,
            settle=quote,
            category=CATEGORY.get(row.category, "unknown"),
            multiplier=named.multiplier,
            tick_size=multiplied(row.tick_size, 1 / multiple),
            lot_size=multiplied(row.step_size, multiple),
            min_size=multiplied(row.min_order_size, multiple),
            status=status,
            quarantine_reason=reason,
        )
    except BadNumber:
        return None


def with_dash(one: Instrument) -> str:
    """The name that histories are asked for by."""
    return one.aliases[0] if one.aliases else one.native


def _named(row: Row) -> Named:
    """The coin by its own field. Where the contract's name says another (a multiple, perhaps) a price check decides."""
    named = naming.name(row.base_token_id, REVIEWED)
    agrees = row.symbol == f"{row.base_token_id}-{row.settle_asset_id}"
    return named if agrees else replace(named, confirmed=False)


def _in_scope(row: Row) -> bool:
    return row.base_token_id != "" and row.settle_asset_id not in ("", row.base_token_id)


def _status(row: Row) -> Status:
    """What a flag does not say is not known; a contract that no position can be opened in is on its way out."""
    if row.is_prelaunch is True:
        return "pre"
    if row.enable_trade is False or row.enable_display is False:
        return "halted"
    if row.enable_trade is not True:
        return "unknown"
    return "delisting" if row.enable_open_position is False else "trading"


def _contracts(body: bytes) -> list[msgspec.Raw]:
    """The rows of an answer, or of the part of one that holds them. Raises what is unreadable."""
    value: bytes | msgspec.Raw = body
    for name in ("data", "contractConfig"):
        value = _keys.decode(value).get(name, value)
    return _raws.decode(_keys.decode(value).get("perpetualContract", _ABSENT))


def _all_rows(bodies: Mapping[str, bytes]) -> Iterator[Row]:
    for call, body in bodies.items():
        try:
            raws = _contracts(body)
        except UNREADABLE as error:
            raise Unreadable(
                f"{NAME} {call}: expected contractConfig.perpetualContract, got {body[:80]!r} ({error})"
            ) from None
        yield from readable(_row, raws)
