"""GRVT's listing: `POST /full/v1/all_instruments`, every contract with its base and quote in fields of their own.

Sizes are in base. A capital K before a coin's name is a thousand of it, in the reviewed names and only there: K is
how many names begin (KAIA, KAITO).
"""

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Final

import msgspec

from services.collector import naming
from services.collector.normalise import BadNumber, literal, multiplied, nanoseconds, percent, rate
from services.collector.typed_rows import UNREADABLE, loosely, readable
from services.collector.venue import Unreadable
from services.collector.venues.grvt import lite
from services.collector.venues.grvt.shapes import ABSENT, Loose, begins
from shared.instruments import Instrument, Status, unified_symbol

NAME: Final = "grvt"
#: the listing call
INSTRUMENTS: Final = "instruments"
PERPETUAL: Final = "PERPETUAL"
ORDERBOOK: Final = "ORDERBOOK"
REVIEWED: Final = {"KBONK": ("BONK", "1000"), "KPEPE": ("PEPE", "1000"), "KSHIB": ("SHIB", "1000")}
#: rows of before 2026-09 have no status: what is asked for as active trades
STATUS: Final[dict[str, Status]] = {"": "trading", "UNSPECIFIED": "trading", "ACTIVE": "trading"}


class Row(msgspec.Struct, gc=False):
    """One instrument as listed."""

    instrument: str
    base: str
    quote: str
    kind: str
    tick_size: str = ""
    min_size: str = ""
    min_notional: str = ""
    create_time: str = ""
    status: str = ""
    venues: tuple[str, ...] = (ORDERBOOK,)
    funding_interval_hours: Loose = ABSENT
    adjusted_funding_rate_cap: Loose = ABSENT
    adjusted_funding_rate_floor: Loose = ABSENT


class _Form(msgspec.Struct):
    """As much of a row as tells that it is an instrument's."""

    instrument: str
    kind: str
    tick_size: str


_keys: Final = msgspec.json.Decoder(dict[str, msgspec.Raw])
_raws: Final = msgspec.json.Decoder(list[msgspec.Raw])
_form: Final = msgspec.json.Decoder(_Form)
_row: Final = msgspec.json.Decoder(Row)


def is_listing(body: bytes) -> str | None:
    """The listing call's name where the body's first row is an instrument's."""
    try:
        rows = _results(body)
        loosely(_form, rows[0] if rows else b"")
    except UNREADABLE:
        return None
    return INSTRUMENTS


def listing(bodies: Mapping[str, bytes]) -> list[Instrument]:
    """Every linear perpetual in the bodies. Raises `Unreadable`."""
    made = (instrument(row) for row in _all_rows(bodies))
    return [one for one in made if one is not None]


def outside(bodies: Mapping[str, bytes]) -> frozenset[str]:
    """The native ids of dated contracts and options. Raises `Unreadable`."""
    return frozenset(row.instrument for row in _all_rows(bodies) if not _in_scope(row))


def instrument(row: Row) -> Instrument | None:
    """One row in our terms; None where it is out of scope or its numbers cannot be read."""
    if not _in_scope(row):
        return None
    named = naming.name(row.base, REVIEWED)
    quote = row.quote.upper()
    multiple = Decimal(named.multiplier)
    try:
        status, reason = naming.status_of(named, _status(row))
        return Instrument(
            venue=NAME,
            market="perp",
            symbol=unified_symbol(named.asset, quote, quote),
            native=row.instrument,
            base=named.asset,
            quote=quote,
            settle=quote,
            multiplier=named.multiplier,
            tick_size=multiplied(row.tick_size, 1 / multiple),
            lot_size=multiplied(row.min_size, multiple),
            min_size=multiplied(row.min_size, multiple),
            min_notional=literal(row.min_notional) if row.min_notional else None,
            funding_interval_h=hours(row.funding_interval_hours),
            funding_cap=fraction(row.adjusted_funding_rate_cap),
            funding_floor=fraction(row.adjusted_funding_rate_floor),
            status=status,
            quarantine_reason=reason,
            listed_ts=nanoseconds(row.create_time, 9) if row.create_time else None,
        )
    except BadNumber:
        return None


def loose(raw: Loose) -> str | None:
    """A number that comes as text or as a JSON number, in its own digits; None where it is absent, null or empty."""
    text = bytes(raw).decode(errors="replace")
    if text.startswith('"'):
        text = text[1:-1]
    return None if text in ("", "null") else text


def fraction(raw: Loose) -> str | None:
    """Percentage points as a fraction, exact."""
    return percent(loose(raw))


def hours(raw: Loose) -> str | None:
    """An interval in hours; None where there is none (zero)."""
    digits = rate(loose(raw))
    if digits is None or not digits.strip("-0."):
        return None
    if digits.startswith("-"):
        raise BadNumber(digits)
    return digits


def _in_scope(row: Row) -> bool:
    return row.kind == PERPETUAL and row.base != "" and row.quote not in ("", row.base)


def _status(row: Row) -> Status:
    """What trades by request for quotation alone has no book to quote from."""
    status = STATUS.get(row.status, "unknown")
    return "halted" if status == "trading" and ORDERBOOK not in row.venues else status


def _results(body: bytes) -> list[msgspec.Raw]:
    """The rows of an answer in either encoding: a list, or the one row of `instrument`. Raises what is unreadable."""
    given = _keys.decode(body)
    keys = given if "result" in given else lite.written_out(given) or given
    result = keys.get("result", ABSENT)
    return [result] if begins(result, b"{") else _raws.decode(result)


def _all_rows(bodies: Mapping[str, bytes]) -> Iterator[Row]:
    for call, body in bodies.items():
        try:
            raws = _results(body)
        except UNREADABLE as error:
            raise Unreadable(f"{NAME} {call}: expected an answer with a result, got {body[:80]!r} ({error})") from None
        yield from readable(_row, raws)
