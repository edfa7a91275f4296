"""Bitget's listing: v2 lists and says the fees, v3 says what kind of thing is traded, a third call the funding terms.

- spot: `GET /api/v2/spot/public/symbols`
- linear perpetuals: `GET /api/v2/mix/market/contracts` of USDT-FUTURES and USDC-FUTURES
- kinds (coin, stock, ...): `GET /api/v3/market/instruments` of SPOT, USDT-FUTURES and USDC-FUTURES
- interval and caps: `GET /api/v2/mix/market/current-fund-rate` of both

A row is told by its own keys, so a v3 body alone lists as well: that is what a capture may have. Where v2's list of the
same market is there, v3's rows only add to it.
"""

from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal
from typing import Final, Literal

import msgspec

from services.collector.naming import name, status_of
from services.collector.normalise import EXACT, BadNumber, literal, moment, plain, shifted
from services.collector.typed_rows import UNREADABLE, readable
from services.collector.venue import Unreadable
from services.collector.venues.bitget.multipliers import REVIEWED
from shared.instruments import Category, Instrument, Market, Status, unified_symbol

NAME: Final = "bitget"
SUCCESS: Final = "00000"

Form = Literal["spot", "contract", "unified", "terms"]

CATEGORY: Final[dict[str, Category]] = {
    "crypto": "crypto",
    "stock": "equity",
    "commodity": "commodity",
    "metal": "commodity",
    "forex": "fx",
    "index": "index",
}
STATUS: Final[dict[str, Status]] = {
    # spot
    "online": "trading",
    "gray": "pre",
    "halt": "halted",
    "offline": "halted",
    # contracts
    "normal": "trading",
    "listed": "pre",
    "maintain": "halted",
    "limit_open": "halted",
    "restrictedapi": "halted",
    "off": "halted",
}
#: the calls of the funding terms: only the names of the USDC contracts, which end so, tell the two bodies apart
TERMS: Final = ("terms_usdt", "terms_usdc")
#: `category` of v3 -> what perpetuals in it settle in; None for spot
SETTLES: Final[dict[str, str | None]] = {"SPOT": None, "USDT-FUTURES": "USDT", "USDC-FUTURES": "USDC"}
LINEAR: Final = ("USDT", "USDC")
#: currencies that spot trades against stablecoins; no call tells them from coins
FIAT: Final = frozenset({"AUD", "BRL", "EUR", "GBP", "JPY", "PLN", "TRY", "UAH"})
#: "no time" in `offTime` and `limitOpenTime`


class Row(msgspec.Struct, gc=False, rename="camel"):
    """A row of any of the four forms."""

    symbol: str
    base_coin: str = ""
    quote_coin: str = ""
    maker_fee_rate: str | None = None
    taker_fee_rate: str | None = None
    off_time: str | None = None
    limit_open_time: str | None = None
    fund_interval: str | None = None
    launch_time: str | None = None
    is_rwa: str | None = None
    #: spot, v2 (and v3, which has the precisions too)
    status: str = ""
    price_precision: str | None = None
    quantity_precision: str | None = None
    min_trade_amount: str | None = None
    min_trade_usdt: str | None = msgspec.field(default=None, name="minTradeUSDT")
    open_time: str | None = None
    #: contracts, v2; `symbolType` is "perpetual" or "delivery" there, the kind of thing traded in v3
    symbol_type: str | None = None
    symbol_status: str | None = None
    support_margin_coins: tuple[str, ...] | None = None
    price_place: str | None = None
    price_end_step: str | None = None
    size_multiplier: str | None = None
    min_trade_num: str | None = None
    #: v3
    category: str | None = None
    type: str | None = None
    is_reality: str | None = None
    price_multiplier: str | None = None
    quantity_multiplier: str | None = None
    min_order_qty: str | None = None
    min_order_amount: str | None = None
    #: funding terms
    funding_rate_interval: str | None = None
    min_funding_rate: str | None = None
    max_funding_rate: str | None = None


class _Body(msgspec.Struct):
    code: str
    data: msgspec.Raw = msgspec.Raw(b"")


_body: Final = msgspec.json.Decoder(_Body)
_raws: Final = msgspec.json.Decoder(list[msgspec.Raw])
_row: Final = msgspec.json.Decoder(Row)

Place = tuple[Market, str]


def form_of(row: Row) -> Form | None:
    """Which call a row answers; None for a row of no listing, v1's included."""
    if row.category is not None:
        return "unified" if row.base_coin and row.status else None
    if row.price_place is not None:
        return "contract" if row.symbol_type is not None else None
    if row.funding_rate_interval is not None:
        return "terms"
    return "spot" if row.price_precision is not None and row.base_coin and row.status else None


def market_terms(row: Row) -> tuple[Market, str | None] | None:
    """(market, settlement currency) of a listing's row; None where it is out of scope."""
    if not row.base_coin or not row.quote_coin:
        return None
    if row.category is not None:
        if row.category not in SETTLES or (row.category != "SPOT" and _contract_type(row) != "perpetual"):
            return None
        settle = SETTLES[row.category]
        return ("spot", None) if settle is None else ("perp", settle)
    if row.price_place is None:
        return "spot", None
    if row.symbol_type != "perpetual":
        return None
    if row.quote_coin in LINEAR:
        return "perp", row.quote_coin
    coins = row.support_margin_coins or ()
    return ("perp", coins[0]) if len(coins) == 1 and coins[0] in LINEAR else None


def _contract_type(row: Row) -> str:
    """v3 said it in `symbolType` before that came to name the kind of thing traded."""
    return row.type or row.symbol_type or ""


def is_listing(body: bytes) -> str | None:
    """The listing call that a body answers, told by its first row that can be read."""
    try:
        row = next(_named(_raws.decode(_body.decode(body).data)), None)
    except UNREADABLE:
        return None
    form = form_of(row) if row is not None else None
    if row is None or form is None:
        return None
    if form == "spot":
        return "spot"
    if form == "unified":
        return f"kinds_{(row.category or '').lower()}"
    if form == "contract":
        terms = market_terms(row)
        return f"contracts_{terms[1]}".lower() if terms is not None and terms[1] else "contracts_other"
    return TERMS[row.symbol.endswith("PERP")]


def listing(bodies: Mapping[str, bytes]) -> list[Instrument]:
    """Every spot pair and linear perpetual in the bodies. Raises `Unreadable`."""
    listed: dict[Place, Row] = {}
    unified: dict[Place, Row] = {}
    terms: dict[str, Row] = {}
    for form, row in _all_rows(bodies):
        if form == "terms":
            terms[row.symbol] = row
            continue
        named = market_terms(row)
        if named is not None:
            (unified if form == "unified" else listed)[named[0], row.symbol] = row
    markets = {market for market, _ in listed}
    listed.update({place: row for place, row in unified.items() if place[0] not in markets})
    made = (instrument(row, unified.get(place), terms.get(row.symbol)) for place, row in listed.items())
    return [one for one in made if one is not None]


def outside(bodies: Mapping[str, bytes]) -> frozenset[str]:
    """The native ids that are listed and out of scope (dated and coin-margined contracts). Raises `Unreadable`."""
    rows = [row for form, row in _all_rows(bodies) if form != "terms"]
    inside = {row.symbol for row in rows if market_terms(row) is not None}
    return frozenset(row.symbol for row in rows) - inside


def instrument(row: Row, kind: Row | None, terms: Row | None) -> Instrument | None:
    """One row in our terms; None where it is out of scope. `kind` is v3's row of it, `terms` its funding terms."""
    named = market_terms(row)
    if named is None:
        return None
    market, settle = named
    base = name(row.base_coin, REVIEWED)
    quote = row.quote_coin.upper()
    status, reason = status_of(base, _status(row))
    count = Decimal(base.multiplier)
    perp = market == "perp"
    tick, lot, least = _steps(row)
    return Instrument(
        venue=NAME,
        market=market,
        symbol=unified_symbol(base.asset, quote, settle),
        native=row.symbol,
        base=base.asset,
        quote=quote,
        settle=settle,
        category=_category(market, base.asset, kind or row),
        multiplier=base.multiplier,
        tick_size=tick if tick is None or count == 1 else plain(EXACT.divide(Decimal(tick), count)),
        lot_size=_times(lot, count),
        min_size=_times(least, count),
        min_notional=_positive(row.min_trade_usdt or row.min_order_amount),
        funding_interval_h=_interval(row, terms) if perp else None,
        funding_cap=_given(terms.max_funding_rate) if perp and terms else None,
        funding_floor=_given(terms.min_funding_rate) if perp and terms else None,
        taker_fee_bps=_bps(row.taker_fee_rate),
        maker_fee_bps=_bps(row.maker_fee_rate),
        status=status,
        quarantine_reason=reason,
        listed_ts=moment(row.open_time or row.launch_time),
        delist_ts=moment(row.off_time) or moment(row.limit_open_time),
    )


def _steps(row: Row) -> tuple[str | None, str | None, str | None]:
    """(tick, lot, least size) in the venue's units. A contract's tick is `priceEndStep` units of its last decimal."""
    if row.price_place is not None:
        step, places = _positive(row.price_end_step), _count(row.price_place)
        tick = shifted(step, -places) if step is not None and places is not None else None
        return tick, _positive(row.size_multiplier), _positive(row.min_trade_num)
    tick = _positive(row.price_multiplier) or _unit(row.price_precision)
    lot = _positive(row.quantity_multiplier) or _unit(row.quantity_precision)
    return tick, lot, _positive(row.min_trade_amount or row.min_order_qty)


def _interval(row: Row, terms: Row | None) -> str | None:
    """The funding terms know of a change first."""
    return (_positive(terms.funding_rate_interval) if terms else None) or _positive(row.fund_interval)


def _status(row: Row) -> Status:
    """A pair whose end is announced is being delisted, whatever else its status says."""
    status = STATUS.get((row.symbol_status or row.status).lower(), "unknown")
    ending = moment(row.off_time) is not None or moment(row.limit_open_time) is not None
    return "delisting" if status == "trading" and ending else status


def _category(market: Market, asset: str, row: Row) -> Category:
    if row.is_reality is not None and row.is_reality.lower() == "yes":
        return "equity"
    if market == "spot":
        if asset in FIAT:
            return "fx"
        return "crypto" if row.category is not None else "unknown"
    if row.category is not None and row.type is not None and row.symbol_type in CATEGORY:
        return CATEGORY[row.symbol_type]
    return "crypto" if (row.is_rwa or "").upper() == "NO" else "unknown"


def _bps(rate: str | None) -> str | None:
    digits = _given(rate)
    if digits is None:
        return None
    return plain(EXACT.multiply(Decimal(digits), Decimal(10_000)))


def _unit(places: str | None) -> str | None:
    """The last decimal of so many."""
    count = _count(places)
    return None if count is None else plain(Decimal(1).scaleb(-count))


def _count(text: str | None) -> int | None:
    return int(text) if text and text.isascii() and text.isdigit() and len(text) <= 2 else None


def _times(text: str | None, count: Decimal) -> str | None:
    return text if text is None or count == 1 else plain(EXACT.multiply(Decimal(text), count))


def _given(text: str | None) -> str | None:
    """A number as it is; None where there is none that can be read."""
    try:
        return literal(text) if text else None
    except BadNumber:
        return None


def _positive(text: str | None) -> str | None:
    """A number above zero; zero means that there is no such limit."""
    digits = _given(text)
    return None if digits is None or digits.startswith("-") or not digits.strip("0.") else digits


def _named(raws: Iterable[msgspec.Raw]) -> Iterator[Row]:
    return (row for row in readable(_row, raws) if row.symbol)


def _all_rows(bodies: Mapping[str, bytes]) -> Iterator[tuple[Form, Row]]:
    for call, body in bodies.items():
        yield from _rows(call, body)


def _rows(call: str, body: bytes) -> list[tuple[Form, Row]]:
    """The readable rows of one body; a row of another form is left out, a body of another form raises.

    Refused funding terms are not worth the list: then the contracts' own interval counts.
    """
    try:
        answer = _body.decode(body)
        raws = _raws.decode(answer.data) if answer.code == SUCCESS else []
    except UNREADABLE as error:
        raise Unreadable(f"{NAME} {call}: expected code and a list, got {body[:80]!r} ({error})") from None
    found = [(form, row) for row in _named(raws) if (form := form_of(row)) is not None]
    if call not in TERMS and (answer.code != SUCCESS or (raws and not found)):
        raise Unreadable(f"{NAME} {call}: expected code {SUCCESS} and rows of instruments, got {body[:160]!r}")
    return found
