"""Lighter's listing: `GET /api/v1/orderBookDetails`, perpetuals and spot pairs in one body.

A perpetual's symbol is its coin alone (`ETH`, `1000PEPE`); all are quoted and margined in USDC. A spot pair's symbol is
`BASE/QUOTE`. Ticks and lots are powers of ten, given as numbers of decimals. `GET /api/v1/orderBooks` is the same list
in fewer words and is read as well.
"""

from collections.abc import Iterator, Mapping
from decimal import Decimal, Inexact, InvalidOperation
from typing import Final

import msgspec

from services.collector.naming import Named, Reviewed, name, status_of
from services.collector.normalise import EXACT, BadNumber, amount, literal, nanoseconds, plain
from services.collector.typed_rows import UNREADABLE, loosely
from services.collector.venue import Unreadable
from shared.instruments import Instrument, Market, Status, unified_symbol

NAME: Final = "lighter"
DETAILS: Final = "order_book_details"
BOOKS: Final = "order_books"
QUOTE: Final = "USDC"
#: the interval of every perpetual's funding
HOUR: Final = "1"
OK: Final = 200

#: base as the venue spells it -> (asset, how many assets one unit is); reviewed 2026-11-20 from the venue's own list
REVIEWED: Final[Reviewed] = {
    "1000BONK": ("BONK", "1000"),
    "1000FLOKI": ("FLOKI", "1000"),
    "1000PEPE": ("PEPE", "1000"),
    "1000SHIB": ("SHIB", "1000"),
    "1000TOSHI": ("TOSHI", "1000"),
}
STATUS: Final[dict[str, Status]] = {
    "active": "trading",
    "inactive": "halted",
    "in-settlement": "halted",
    "waiting-for-settlement": "delisting",
    "settled": "delisting",
}
MARKET: Final[dict[str, Market]] = {"perp": "perp", "spot": "spot"}


class Config(msgspec.Struct):
    force_reduce_only: bool = False
    hidden: bool = False


class Row(msgspec.Struct):
    """One market as listed. Numbers of decimals are JSON numbers, in the documentation's samples texts."""

    market_id: int
    symbol: str
    market_type: str = ""
    status: str = ""
    min_base_amount: str = ""
    min_quote_amount: str = ""
    supported_size_decimals: int | str | None = None
    supported_price_decimals: int | str | None = None
    created_at: str = ""
    multiplier: str = ""
    market_config: Config = msgspec.field(default_factory=Config)


class _Body(msgspec.Struct):
    code: int | str = 0
    order_book_details: list[msgspec.Raw] | None = None
    spot_order_book_details: list[msgspec.Raw] | None = None
    order_books: list[msgspec.Raw] | None = None


_body: Final = msgspec.json.Decoder(_Body)
_row: Final = msgspec.json.Decoder(Row, strict=False)


def is_listing(body: bytes) -> str | None:
    """The listing call that a body answers, told by its keys."""
    try:
        found = _body.decode(body)
    except UNREADABLE:
        return None
    if found.order_book_details is not None or found.spot_order_book_details is not None:
        return DETAILS
    return BOOKS if found.order_books is not None else None


def listing(bodies: Mapping[str, bytes]) -> list[Instrument]:
    """Every spot pair and perpetual in the bodies. Raises `Unreadable`."""
    made = (instrument(row, market) for row, market in _rows(bodies) if market is not None)
    return [one for one in made if one is not None]


def outside(bodies: Mapping[str, bytes]) -> frozenset[str]:
    """The ids of markets of other kinds (binary options). Raises `Unreadable`."""
    return frozenset(str(row.market_id) for row, market in _rows(bodies) if market is None)


def instrument(row: Row, market: Market) -> Instrument | None:
    """One row in our terms; None where its numbers cannot be read or its symbol names no pair."""
    base, slash, quote = row.symbol.partition("/") if market == "spot" else (row.symbol, "/", QUOTE)
    if not (base and slash and quote):
        return None
    named = name(base, REVIEWED)
    settle = QUOTE if market == "perp" else None
    status, reason = status_of(named, _status(row))
    try:
        if _stretched(row, named):
            status, reason = status_of(Named(named.asset, named.multiplier, confirmed=False), status)
        times = Decimal(named.multiplier)
        least = amount(row.min_base_amount)
        return Instrument(
            venue=NAME,
            market=market,
            symbol=unified_symbol(named.asset, quote.upper(), settle),
            native=str(row.market_id),
            base=named.asset,
            quote=quote.upper(),
            settle=settle,
            aliases=(row.symbol,),
            multiplier=named.multiplier,
            tick_size=_step(row.supported_price_decimals, 1 / times),
            lot_size=_step(row.supported_size_decimals, times),
            min_size=None if least is None else plain(EXACT.multiply(Decimal(least), times)),
            min_notional=amount(row.min_quote_amount),
            funding_interval_h=HOUR if market == "perp" else None,
            status=status,
            quarantine_reason=reason,
            listed_ts=nanoseconds(row.created_at) if row.created_at else None,
        )
    except (BadNumber, Inexact, InvalidOperation):
        return None


def _status(row: Row) -> Status:
    status = STATUS.get(row.status, "unknown")
    if status != "trading":
        return status
    return "halted" if row.market_config.force_reduce_only else "pre" if row.market_config.hidden else status


def _stretched(row: Row, named: Named) -> bool:
    """A `multiplier` other than one is not documented: unless it is the name's own, the reading has to prove itself."""
    return bool(row.multiplier) and Decimal(literal(row.multiplier)) not in (1, Decimal(named.multiplier))


def _step(decimals: int | str | None, times: Decimal) -> str | None:
    """Ten to the minus `decimals`, in our units. Raises `BadNumber`."""
    if decimals is None or decimals == "":
        return None
    text = str(decimals)
    if not text.isascii() or not text.isdigit() or len(text) > 2:
        raise BadNumber(text[:64])
    return plain(EXACT.multiply(Decimal(1).scaleb(-int(text)), times))


def _rows(bodies: Mapping[str, bytes]) -> Iterator[tuple[Row, Market | None]]:
    """Each readable row once, with its market, None where it is out of scope; a row of another form is left out."""
    seen: set[int] = set()
    for call, body in bodies.items():
        for part, market in _parts(call, body):
            try:
                row = loosely(_row, part)
            except UNREADABLE:
                continue
            if row.market_id not in seen:
                seen.add(row.market_id)
                yield row, MARKET.get(row.market_type, None if row.market_type else market)


def _parts(call: str, body: bytes) -> Iterator[tuple[msgspec.Raw, Market]]:
    """The raw rows of a body, with the market of the list that they are in. Raises `Unreadable`."""
    try:
        found = _body.decode(body)
    except UNREADABLE as error:
        raise Unreadable(f"{NAME} {call}: expected an answer with order books, got {body[:80]!r} ({error})") from None
    lists: tuple[tuple[list[msgspec.Raw] | None, Market], ...] = (
        (found.order_book_details, "perp"),
        (found.spot_order_book_details, "spot"),
        (found.order_books, "perp"),
    )
    if str(found.code) != str(OK) or all(rows is None for rows, _ in lists):
        raise Unreadable(f"{NAME} {call}: expected code {OK} and order books, got {body[:120]!r}")
    for rows, market in lists:
        for row in rows or ():
            yield row, market
