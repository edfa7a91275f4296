"""OKX's listing: `GET /api/v5/public/instruments` of SPOT and SWAP, and the funding terms of every perpetual.

A linear swap's base is the currency of its contract value (`ctValCcy`), its quote is told by its index (`uly`): the
settlement currency, or USD for the contracts that are margined in a stablecoin and quoted in dollars. Contract value
times contract multiplier is the size of one contract in base; prices need no conversion.
"""

from collections.abc import Iterator, Mapping
from decimal import Decimal, Inexact, InvalidOperation
from typing import Final, TypeVar

import msgspec

from services.collector.normalise import EXACT, BadNumber, literal, nanoseconds, plain
from services.collector.typed_rows import UNREADABLE, loosely, readable
from services.collector.venue import Unreadable
from shared.instruments import Category, Instrument, Status, unified_symbol

NAME: Final = "okx"
LISTED_TYPES: Final = frozenset({"SPOT", "SWAP"})
#: how the funding terms' body is told from a listing: its rows carry both settlement times
FUNDING: Final = "funding"
CALL_OF_TYPE: Final = {
    "SPOT": "spot",
    "SWAP": "swap",
    "FUTURES": "futures",
    "OPTION": "option",
    "MARGIN": "margin",
    "EVENTS": "events",
}

CATEGORY: Final[dict[str, Category]] = {"1": "crypto", "3": "equity", "4": "commodity", "5": "fx"}
STATUS: Final[dict[str, Status]] = {
    "live": "trading",
    "suspend": "halted",
    "rebase": "halted",
    "post_only": "halted",
    "settling": "halted",
    "preopen": "pre",
}
#: what a contract may be quoted in beside its settlement currency
QUOTES: Final = ("USDT", "USDC", "USD")
HOUR_NS: Final = 3_600_000_000_000


class Row(msgspec.Struct, gc=False, rename="camel"):
    """One instrument as listed. A text that does not apply is empty."""

    inst_type: str
    inst_id: str
    state: str = ""
    base_ccy: str = ""
    quote_ccy: str = ""
    settle_ccy: str = ""
    uly: str = ""
    ct_type: str = ""
    ct_val: str = ""
    ct_mult: str = ""
    ct_val_ccy: str = ""
    tick_sz: str = ""
    lot_sz: str = ""
    min_sz: str = ""
    inst_category: str = ""
    list_time: str = ""
    exp_time: str = ""


class Terms(msgspec.Struct, gc=False, rename="camel"):
    """One perpetual's funding terms."""

    inst_id: str
    funding_time: str
    next_funding_time: str
    max_funding_rate: str = ""
    min_funding_rate: str = ""


class _Body(msgspec.Struct):
    code: str | int
    data: list[msgspec.Raw]


class _Form(msgspec.Struct, rename="camel"):
    """As much of a row as tells which call the body answers."""

    inst_type: str = ""
    tick_sz: str | None = None
    lot_sz: str | None = None
    funding_time: str | None = None
    next_funding_time: str | None = None


_body: Final = msgspec.json.Decoder(_Body)
_form: Final = msgspec.json.Decoder(_Form)
_row: Final = msgspec.json.Decoder(Row)
_terms: Final = msgspec.json.Decoder(Terms)
T = TypeVar("T")


def is_listing(body: bytes) -> str | None:
    """The listing call that a body answers, told by its first row."""
    try:
        rows = _body.decode(body).data
        form = loosely(_form, rows[0]) if rows else _Form()
    except UNREADABLE:
        return None
    if form.tick_sz is not None and form.lot_sz is not None:
        return CALL_OF_TYPE.get(form.inst_type)
    return FUNDING if form.funding_time and form.next_funding_time else None


def listing(bodies: Mapping[str, bytes]) -> list[Instrument]:
    """Every spot pair and linear perpetual in the bodies. Raises `Unreadable`."""
    terms = {t.inst_id: t for t in _rows(FUNDING, bodies[FUNDING], _terms)} if FUNDING in bodies else {}
    made = (instrument(row, terms.get(row.inst_id)) for row in _all_rows(bodies))
    return [one for one in made if one is not None]


def outside(bodies: Mapping[str, bytes]) -> frozenset[str]:
    """The native ids that are listed and out of scope. Raises `Unreadable`."""
    return frozenset(row.inst_id for row in _all_rows(bodies) if _market_terms(row) is None)


def instrument(row: Row, terms: Terms | None) -> Instrument | None:
    """One row in our terms; None where it is out of scope or its numbers cannot be read."""
    named = _market_terms(row)
    if named is None:
        return None
    base, quote, settle = named
    perp = settle is not None
    try:
        contract = EXACT.multiply(Decimal(literal(row.ct_val)), Decimal(literal(row.ct_mult or "1"))) if perp else None
        return Instrument(
            venue=NAME,
            market="perp" if perp else "spot",
            symbol=unified_symbol(base, quote, settle),
            native=row.inst_id,
            base=base,
            quote=quote,
            settle=settle,
            aliases=(row.uly,) if perp and row.uly else (),
            category=CATEGORY.get(row.inst_category, "unknown"),
            contract_size="1" if contract is None else plain(contract),
            tick_size=_given(row.tick_sz),
            lot_size=_in_base(row.lot_sz, contract),
            min_size=_in_base(row.min_sz, contract),
            funding_interval_h=interval_h(terms.funding_time, terms.next_funding_time) if terms else None,
            funding_cap=_given(terms.max_funding_rate) if terms else None,
            funding_floor=_given(terms.min_funding_rate) if terms else None,
            status=_status(row),
            listed_ts=_time(row.list_time),
            delist_ts=_time(row.exp_time),
        )
    except (BadNumber, Inexact, InvalidOperation):
        return None


def interval_h(funding_time: str | None, next_funding_time: str | None) -> str | None:
    """Hours between two settlements as exact text; None where not given or no finite decimal. Raises `BadNumber`."""
    if not funding_time or not next_funding_time:
        return None
    at_ns, next_ns = nanoseconds(funding_time), nanoseconds(next_funding_time)
    try:
        return plain(EXACT.divide(Decimal(next_ns - at_ns), Decimal(HOUR_NS))) if next_ns > at_ns > 0 else None
    except Inexact:
        return None


def _market_terms(row: Row) -> tuple[str, str, str | None] | None:
    """(base, quote, settle), settle None for spot; None for a row that is out of scope."""
    if row.inst_type == "SPOT" and row.base_ccy and row.quote_ccy:
        return row.base_ccy.upper(), row.quote_ccy.upper(), None
    if row.inst_type != "SWAP" or row.ct_type != "linear" or not row.settle_ccy:
        return None
    base, settle = row.ct_val_ccy, row.settle_ccy
    if not base or base == settle or not row.ct_val.strip("0."):
        return None
    quote = next((q for q in (settle, *QUOTES) if row.uly == f"{base}-{q}"), settle)
    return base.upper(), quote.upper(), settle.upper()


def _status(row: Row) -> Status:
    status = STATUS.get(row.state, "unknown")
    return "delisting" if status == "trading" and _given(row.exp_time) else status


def _given(text: str) -> str | None:
    return literal(text) if text else None


def _time(text: str) -> int | None:
    return nanoseconds(text) if text else None


def _in_base(text: str, contract: Decimal | None) -> str | None:
    if not text or contract is None:
        return _given(text)
    return plain(EXACT.multiply(Decimal(literal(text)), contract))


def _all_rows(bodies: Mapping[str, bytes]) -> Iterator[Row]:
    for call, body in bodies.items():
        if call != FUNDING:
            yield from _rows(call, body, _row)


def _rows(call: str, body: bytes, decoder: msgspec.json.Decoder[T]) -> Iterator[T]:
    """The readable rows of one body; a row of another form is left out, a body of another form raises."""
    try:
        answer = _body.decode(body)
    except UNREADABLE as error:
        raise Unreadable(f"{NAME} {call}: expected an answer with code and data, got {body[:80]!r} ({error})") from None
    if str(answer.code) != "0":
        raise Unreadable(f"{NAME} {call}: expected code 0, got {body[:120]!r}")
    yield from readable(decoder, answer.data)
