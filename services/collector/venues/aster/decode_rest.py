"""REST bodies -> messages. Several calls answer with one row or with a list of them; an error comes as a row too."""

import re
from collections.abc import Callable
from typing import Any, Final

import msgspec

from services.collector.messages import Message, Refused, Relist, Unknown
from services.collector.normalise import BadNumber
from services.collector.table import Listed, Table
from services.collector.typed_rows import UNREADABLE
from services.collector.venue import Request
from services.collector.venues.aster import rows
from services.collector.venues.aster.instruments import is_listing
from services.collector.venues.aster.shapes import Error, Paid, Premium, Ticker

#: an answer of this code is none of an error
SUCCESS: Final = "200"
#: the version of a call: the older one still answers, with the same rows
_VERSION: Final = re.compile(r"/fapi/v\d/").match

Make = Callable[[Any, Listed, int], list[Message]]


class _Symbol(msgspec.Struct):
    symbol: str


_ROWS: Final[dict[str, "msgspec.json.Decoder[Any]"]] = {
    # lax: times came as text once
    name: msgspec.json.Decoder(row, strict=False)
    for name, row in (("ticker/bookTicker", Ticker), ("premiumIndex", Premium), ("fundingRate", Paid))
}
_LISTINGS: Final = frozenset({"exchangeInfo", "fundingInfo"})
_list: Final = msgspec.json.Decoder(list[msgspec.Raw])
_error: Final = msgspec.json.Decoder(Error)
_symbol: Final = msgspec.json.Decoder(_Symbol)
_any: Final = msgspec.json.Decoder()


class Rest:
    """Decodes REST bodies: `(body, recv, request) -> messages`."""

    def __init__(self, table: Table) -> None:
        self._table, self._get = table, table.getter("perp")

    def __call__(self, body: bytes, recv: int, request: Request) -> list[Message]:
        version = _VERSION(request.endpoint)
        name = request.endpoint[version.end() :] if version else ""
        if name in _LISTINGS:
            return [refused(body) or (_bad(body) if is_listing(body) is None else Relist(None, "listing"))]
        if name not in _ROWS:
            return [refused(body) or Unknown("unused_endpoint")]
        try:
            parts = _list.decode(body) if body.lstrip()[:1] == b"[" else [msgspec.Raw(body)]
        except UNREADABLE:
            return [Unknown("not_json")]
        make, typed = _maker(name), _ROWS[name]
        return [message for part in parts for message in self._one(part, recv, typed, make)] or [Unknown("empty")]

    def _one(self, part: msgspec.Raw, recv: int, typed: "msgspec.json.Decoder[Any]", make: Make) -> list[Message]:
        try:
            row = typed.decode(part)
        except UNREADABLE:
            return [refused(part) or _bad(part)]
        listed = self._get(row.symbol)
        if listed is None:
            return [self._table.missing(row.symbol, "perp")]
        try:
            return make(row, listed, recv)
        except BadNumber:
            return [Unknown("bad_number", row.symbol)]


def _maker(name: str) -> Make:
    if name != "fundingRate":
        return rows.rest_quote if name == "ticker/bookTicker" else rows.rest_mark
    last: dict[str, int] = {}

    def payment(row: Paid, listed: Listed, recv: int) -> list[Message]:
        """Rows of a symbol come in the order of time."""
        before, last[row.symbol] = last.get(row.symbol), rows.minute(row.funding_time)
        return rows.settled(row, before, listed, recv)

    return payment


def refused(part: bytes | msgspec.Raw) -> Message | None:
    """An error; None for what is none."""
    try:
        error = _error.decode(part)
    except UNREADABLE:
        return None
    code = str(error.code)
    return Unknown("unused_answer") if code == SUCCESS else Refused(code=code, reason=error.msg)


def _bad(part: bytes | msgspec.Raw) -> Unknown:
    try:
        return Unknown("bad_shape", _symbol.decode(part).symbol)
    except msgspec.ValidationError:
        pass
    except UNREADABLE:
        return Unknown("not_json")
    try:  # a value that is checked in part only may be damaged behind it
        _any.decode(part)
    except UNREADABLE:
        return Unknown("not_json")
    return Unknown("bad_shape")
