"""Backpack's REST answers: a bare list of rows, one object, or `{"code", "message"}` where it refuses.

The request says what was asked; a body that comes without one is told by its keys. A book does not name its market:
without the request it is `no_request`.
"""

from collections.abc import Callable
from functools import partial
from itertools import zip_longest
from typing import Any, Final

import msgspec

from services.collector.messages import Message, Refused, Relist, Unknown
from services.collector.normalise import BadNumber
from services.collector.table import Listed
from services.collector.typed_rows import UNREADABLE, Rows
from services.collector.venue import Request
from services.collector.venues.backpack import rows
from services.collector.venues.backpack.rows import Reader
from services.collector.venues.backpack.shapes import Depth, MarkRow, PaidRow, native_of

API: Final = "/api/v1/"
MARKETS: Final = f"{API}markets"
MARK_PRICES: Final = f"{API}markPrices"
FUNDING_RATES: Final = f"{API}fundingRates"
DEPTH: Final = f"{API}depth"
BUSY: Final = "TOO_MANY_REQUESTS"

#: keys that tell one answer from another, the most telling first; those without a path are of calls that are not made
FORMS: Final[tuple[tuple[frozenset[str], str | None], ...]] = (
    (frozenset({"symbol", "baseSymbol", "marketType"}), MARKETS),
    (frozenset({"symbol", "markPrice"}), MARK_PRICES),
    (frozenset({"symbol", "intervalEndTimestamp"}), FUNDING_RATES),
    (frozenset({"asks", "bids"}), DEPTH),
    (frozenset({"symbol", "lastPrice"}), None),
    (frozenset({"symbol", "openInterest"}), None),
    (frozenset({"symbol", "tokens"}), None),
    (frozenset({"price", "quantity", "timestamp"}), None),
    (frozenset({"open", "close", "start"}), None),
    (frozenset({"status", "message"}), None),
)
#: what no call answers, a list without rows among it
NO_FORM: Final = "?"

_body: Final = msgspec.json.Decoder(dict[str, msgspec.Raw] | list[msgspec.Raw])
_keys: Final = msgspec.json.Decoder(dict[str, msgspec.Raw])
_depth: Final = msgspec.json.Decoder(Depth)
_text: Final = msgspec.json.Decoder(str)
_MARKS: Final = Rows(MarkRow, native_of, bare=True)
_PAID: Final = Rows(PaidRow, native_of, bare=True)


def rest(reader: Reader, frame: bytes, recv: int, request: Request | None) -> list[Message]:
    """The messages of one REST answer."""
    try:
        body = _body.decode(frame)
    except msgspec.ValidationError:
        return [Unknown("bad_shape")]
    except UNREADABLE:
        return [Unknown("not_json")]
    if isinstance(body, dict) and {"code", "message"} <= body.keys():
        code = text_of(body["code"])
        return [Refused(None, None, code, text_of(body["message"]) or "", busy=code == BUSY)]
    path = request.endpoint if request is not None else path_by_form(body)
    if path == NO_FORM:
        return [Unknown("empty" if body == [] else "bad_shape", native_of(frame))]
    if path == MARKETS:
        return [Relist(None, "listing")]
    if path == MARK_PRICES:
        return _marks(reader, frame, recv)
    if path == FUNDING_RATES:
        return _paid(reader, frame, recv)
    if path == DEPTH:
        return [_best(reader, frame, recv, request)]
    return [Unknown("unused_endpoint")]


def path_by_form(body: dict[str, msgspec.Raw] | list[msgspec.Raw]) -> str | None:
    """The path that answers so; None for one that is not asked."""
    row = body
    if isinstance(row, list):
        try:
            row = _keys.decode(row[0]) if row else {}
        except UNREADABLE:
            return NO_FORM
    return next((path for told, path in FORMS if told <= row.keys()), NO_FORM)


def text_of(raw: msgspec.Raw) -> str | None:
    """A text, or any other value as it stands; None for null."""
    try:
        return _text.decode(raw)
    except UNREADABLE:
        found = bytes(raw).decode(errors="replace")
        return None if found == "null" else found[:64]


def _marks(reader: Reader, frame: bytes, recv: int) -> list[Message]:
    made: list[Message] = []
    for row in _MARKS.read(frame):
        made += _of_row(reader, row, lambda row, at: rows.mark_row(row, at, recv))
    return made or [Unknown("empty")]


def _paid(reader: Reader, frame: bytes, recv: int) -> list[Message]:
    """Payments of a market, the newest first."""
    made: list[Message] = []
    found = _PAID.read(frame)
    for row, below in zip_longest(found, found[1:]):
        before = below if isinstance(below, PaidRow) else None
        made += _of_row(reader, row, partial(_payment, before, recv))
    return made or [Unknown("empty")]


def _payment(below: PaidRow | None, recv: int, row: PaidRow, at: Listed) -> list[Message]:
    return [rows.paid(row, below, at, recv)]


def _of_row(reader: Reader, row: Any, make: Callable[[Any, Listed], list[Message]]) -> list[Message]:
    if isinstance(row, Unknown):
        return [row]
    listed = reader.find(row.symbol)
    if listed is None:
        return [reader.missing(row.symbol)]
    try:
        return make(row, listed)
    except BadNumber:
        return [Unknown("bad_number", row.symbol)]


def _best(reader: Reader, frame: bytes, recv: int, request: Request | None) -> Message:
    native = None if request is None else request.params.get("symbol")
    if not native:
        return Unknown("no_request")
    listed = reader.find(native)
    if listed is None:
        return reader.missing(native)
    try:
        return rows.depth_quote(_depth.decode(frame), listed, recv)
    except UNREADABLE:
        return Unknown("bad_shape", native)
    except BadNumber:
        return Unknown("bad_number", native)
