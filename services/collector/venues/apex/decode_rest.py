"""ApeX Omni's REST answers: `{"data": …}`, or `{"code", "msg"}` where a call is refused.

The request says what was asked; a body that comes without one, or without its envelope, is told by its form.
"""

from collections.abc import Mapping
from itertools import pairwise
from typing import Any, Final

import msgspec

from services.collector.messages import Message, Refused, Relist, Unknown
from services.collector.normalise import BadNumber, rate
from services.collector.typed_rows import UNREADABLE
from services.collector.venue import Request
from services.collector.venues.apex import books, times
from services.collector.venues.apex.info import Known
from services.collector.venues.apex.reader import Reader, native_of
from services.collector.venues.apex.shapes import BookData, Failed, Paid
from shared.events import Settlement

LISTING: Final = "/v3/symbols"
TICKER: Final = "/v3/ticker"
DEPTH: Final = "/v3/depth"
PAID: Final = "/v3/history-funding"
UNUSED: Final = ""

#: keys that tell one kind of answer or row from another, the most telling first
FORMS: Final = (
    ({"contractConfig"}, LISTING),
    ({"perpetualContract"}, LISTING),
    ({"historyFunds"}, PAID),
    ({"symbol", "rate", "fundingTimestamp"}, PAID),
    ({"s", "a", "b", "u"}, DEPTH),
    ({"symbol", "lastPrice", "indexPrice"}, TICKER),
    ({"i", "p", "v", "S"}, UNUSED),
    ({"start", "interval", "open"}, UNUSED),
    ({"tokenId", "token"}, UNUSED),
    ({"chainId", "tokens"}, UNUSED),
    ({"time"}, UNUSED),
)

_keys: Final = msgspec.json.Decoder(dict[str, msgspec.Raw])
_raws: Final = msgspec.json.Decoder(list[msgspec.Raw])
_any: Final = msgspec.json.Decoder(dict[str, Any])
_failed: Final = msgspec.json.Decoder(Failed)
_depth: Final = msgspec.json.Decoder(BookData)
_paid: Final = msgspec.json.Decoder(Paid)


def rest(reader: Reader, body: bytes, recv: int, request: Request | None) -> list[Message]:
    """The messages of one REST answer."""
    try:
        data, code = _opened(body)
        if code:
            failed = _failed.decode(body)
            return [Refused(None, None, str(failed.code), failed.msg or "")]
    except msgspec.ValidationError:
        return [Unknown("bad_shape")]
    except UNREADABLE:
        return [Unknown("not_json")]
    endpoint = by_form(data) if request is None else request.endpoint
    if endpoint == LISTING:
        return [Relist(None, "listing")]
    if endpoint == PAID:
        return settlements(reader, data, recv)
    if endpoint == TICKER:
        return [one for raw in _rows(data) for one in _ticker(reader, raw, recv)] or [Unknown("empty")]
    if endpoint == DEPTH:
        return _picture(reader, data, recv)
    return [Unknown("bad_shape" if endpoint is None else "unused_endpoint")]


def _opened(body: bytes) -> tuple[msgspec.Raw, bool]:
    """What an answer holds, and whether it says instead that the call was refused. Raises what is unreadable."""
    if body.lstrip()[:1] == b"[":
        return msgspec.Raw(msgspec.json.encode(_raws.decode(body))), False
    keys = _keys.decode(body)
    return keys.get("data", msgspec.Raw(body)), "data" not in keys and "code" in keys


def by_form(data: msgspec.Raw) -> str | None:
    """The endpoint that answers so; None where no form is known."""
    try:
        rows = _rows(data)
        keys: Mapping[str, msgspec.Raw] = _keys.decode(rows[0]) if rows else {}
    except UNREADABLE:
        return None
    return next((endpoint for told, endpoint in FORMS if told <= keys.keys()), None)


def _rows(data: msgspec.Raw) -> list[msgspec.Raw]:
    """The rows of a list; anything else is a list of one."""
    try:
        return _raws.decode(data)
    except UNREADABLE:
        return [data]


def _ticker(reader: Reader, raw: msgspec.Raw, recv: int) -> list[Message]:
    try:
        said = _any.decode(raw)
    except UNREADABLE:
        return [Unknown("bad_shape")]
    native = said.get("symbol")
    if not isinstance(native, str):
        return [Unknown("bad_shape")]
    at = reader.find(native)
    return [reader.missing(native)] if at is None else Known().take(said, native, at, None, recv, "rest")


def _picture(reader: Reader, data: msgspec.Raw, recv: int) -> list[Message]:
    try:
        read = _depth.decode(data)
    except UNREADABLE:
        return [Unknown("bad_shape", native_of(data))]
    at = reader.find(read.s)
    if at is None:
        return [reader.missing(read.s)]
    try:
        return [books.picture(read, at, recv)]
    except BadNumber:
        return [Unknown("bad_number", read.s)]


def settlements(reader: Reader, data: msgspec.Raw, recv: int) -> list[Message]:
    """The payments of a history, in its order."""
    try:
        keys = _keys.decode(data)
        rows = _raws.decode(keys["historyFunds"]) if "historyFunds" in keys else [data]
    except UNREADABLE:
        return [Unknown("bad_shape")]
    made = [_settlement(reader, raw, recv) for raw in rows]
    return list(with_intervals(made)) or [Unknown("empty")]


def _settlement(reader: Reader, raw: msgspec.Raw, recv: int) -> Settlement | Unknown:
    """`price` is not said to be the mark, so the mark is not known."""
    try:
        row = _paid.decode(raw)
    except UNREADABLE:
        return Unknown("bad_shape", native_of(raw))
    at = reader.find_with_dash(row.symbol)
    if at is None:
        return reader.missing(row.symbol)
    try:
        paid = rate(row.rate)
        if paid is None:
            raise BadNumber("no rate")
        return Settlement(at.symbol, paid, None, times.of_payment(row.funding_timestamp), None, recv)
    except BadNumber:
        return Unknown("bad_number", row.symbol)


def with_intervals(made: list[Settlement | Unknown]) -> list[Message]:
    """With the interval that each rate was paid for: what lies between it and the payment before.

    Only the least spacing of a symbol's rows counts: a longer one may be a hole in the history, and the first row has
    none before it. Those stay unknown.
    """
    paid: dict[str, list[int]] = {}
    for one in made:
        if isinstance(one, Settlement):
            paid.setdefault(one.symbol, []).append(one.settle_ts)
    known: dict[tuple[str, int], str | None] = {}
    for symbol, all_times in paid.items():
        ordered = sorted(set(all_times))
        spacings = {later: later - before for before, later in pairwise(ordered)}
        least = min(spacings.values(), default=0)
        known |= {(symbol, at): times.hours(least) for at, spacing in spacings.items() if spacing == least}
    return [
        msgspec.structs.replace(one, interval_h=known.get((one.symbol, one.settle_ts)))
        if isinstance(one, Settlement)
        else one
        for one in made
    ]
