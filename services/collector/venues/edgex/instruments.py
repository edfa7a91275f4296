"""edgeX's listing: `GET /api/v2/public/meta/getMetaData`, coins and contracts in one body.

A contract's base and quote are ids of coins; the coins' names are what counts, for a contract's own name may be spelled
otherwise. Sizes are in base. All contracts are linear perpetuals, margined in their quote.
"""

import re
from collections.abc import Mapping
from decimal import Decimal, Inexact, InvalidOperation
from typing import Final

import msgspec

from services.collector import naming
from services.collector.normalise import EXACT, BadNumber, literal, multiplied, plain, stated_limit
from services.collector.typed_rows import UNREADABLE, readable
from services.collector.venue import Unreadable
from shared.instruments import Instrument, Status, unified_symbol

NAME: Final = "edgex"
#: the listing call
METADATA: Final = "metadata"
SUCCESS: Final = "SUCCESS"
#: base as the exchange spells it -> (asset, how many one unit is): none is confirmed by a source
REVIEWED: Final[naming.Reviewed] = {}
#: contracts of the first generation, which ran on other addresses
OLD_ID: Final = re.compile(r"1000[0-9]{4}")
MINUTES: Final = Decimal(60)
_BPS: Final = Decimal(10_000)


class Coin(msgspec.Struct, gc=False, rename="camel"):
    coin_id: str
    coin_name: str


class Contract(msgspec.Struct, gc=False, rename="camel"):
    """One contract as listed."""

    contract_id: str
    contract_name: str
    base_coin_id: str
    quote_coin_id: str
    tick_size: str = ""
    step_size: str = ""
    min_order_size: str = ""
    enable_trade: bool | None = None
    enable_display: bool | None = None
    enable_open_position: bool | None = None
    funding_rate_interval_min: str = ""
    default_taker_fee_rate: str = ""
    default_maker_fee_rate: str = ""


class _Data(msgspec.Struct, rename="camel"):
    coin_list: list[msgspec.Raw]
    contract_list: list[msgspec.Raw]


class _Body(msgspec.Struct):
    code: str
    data: _Data


_body: Final = msgspec.json.Decoder(_Body)
_coin: Final = msgspec.json.Decoder(Coin)
_contract: Final = msgspec.json.Decoder(Contract)


def is_listing(body: bytes) -> str | None:
    """The listing call that a body answers, told by its lists."""
    try:
        found = _body.decode(body)
    except UNREADABLE:
        return None
    return METADATA if found.code == SUCCESS else None


def listing(bodies: Mapping[str, bytes]) -> list[Instrument]:
    """Every perpetual in the bodies. Raises `Unreadable`."""
    made = []
    for call, body in bodies.items():
        data = _read(call, body)
        coins = {coin.coin_id: coin.coin_name for coin in readable(_coin, data.coin_list)}
        made += [instrument(row, coins) for row in readable(_contract, data.contract_list)]
    return [one for one in made if one is not None]


def instrument(row: Contract, coins: Mapping[str, str]) -> Instrument | None:
    """One contract in our terms; None where it cannot be named, or its numbers cannot be read."""
    base, quote = coins.get(row.base_coin_id, ""), coins.get(row.quote_coin_id, "").upper()
    if not (row.contract_id and base and quote) or base == quote or OLD_ID.fullmatch(row.contract_id):
        return None
    named = naming.name(base, REVIEWED)
    status, reason = naming.status_of(named, _status(row))
    many = Decimal(named.multiplier)
    try:
        return Instrument(
            venue=NAME,
            market="perp",
            symbol=unified_symbol(named.asset, quote, quote),
            native=row.contract_id,
            base=named.asset,
            quote=quote,
            settle=quote,
            aliases=(row.contract_name,) if row.contract_name else (),
            multiplier=named.multiplier,
            tick_size=stated_limit(row.tick_size, 1 / many),
            lot_size=stated_limit(row.step_size, many),
            min_size=stated_limit(row.min_order_size, many),
            funding_interval_h=hours(row.funding_rate_interval_min),
            taker_fee_bps=multiplied(row.default_taker_fee_rate, _BPS),
            maker_fee_bps=multiplied(row.default_maker_fee_rate, _BPS),
            status=status,
            quarantine_reason=reason,
        )
    except (BadNumber, Inexact, InvalidOperation):
        return None


def _status(row: Contract) -> Status:
    """What is shut or may only be closed is halted; what trades and is not shown is not out yet, or not any more."""
    if row.enable_trade is None:
        return "unknown"
    if not row.enable_trade or row.enable_open_position is False:
        return "halted"
    return "pre" if row.enable_display is False else "trading"


def hours(minutes: str | None) -> str | None:
    """Minutes in text as hours; None where there are none. Raises `BadNumber`."""
    if not minutes:
        return None
    given = Decimal(literal(minutes))
    return exactly(given, MINUTES) if given > 0 else None


def exactly(number: Decimal, by: Decimal) -> str | None:
    """A quotient as text; None where it has no end."""
    try:
        return plain(EXACT.divide(number, by))
    except Inexact:
        return None


def _read(call: str, body: bytes) -> _Data:
    try:
        found = _body.decode(body)
    except UNREADABLE as error:
        raise Unreadable(f"{NAME} {call}: expected coins and contracts, got {body[:80]!r} ({error})") from None
    if found.code != SUCCESS:
        raise Unreadable(f"{NAME} {call}: expected code {SUCCESS}, got {found.code!r}")
    return found.data
