"""edgeX's REST answers: `{"code", "data", "msg", "errorParam", ...}`, where any code but SUCCESS is a refusal.

The request says what was asked; a body that comes without one is told by its first row.
"""

import re
from collections.abc import Mapping
from typing import Final

import msgspec

from services.collector.messages import Message, Refused, Relist, Unknown
from services.collector.table import Listed
from services.collector.typed_rows import UNREADABLE, Rows
from services.collector.venue import Request
from services.collector.venues.edgex import rows, shapes
from services.collector.venues.edgex.instruments import SUCCESS
from services.collector.venues.edgex.reading import Reader

PUBLIC: Final = "/api/v2/public/"
#: the same calls of the first generation
OLD_PUBLIC: Final = "/api/v1/public/"
METADATA: Final = f"{PUBLIC}meta/getMetaData"
TICKER: Final = f"{PUBLIC}quote/getTicker"
DEPTH: Final = f"{PUBLIC}quote/getDepth"
HISTORY: Final = f"{PUBLIC}funding/getFundingRatePage"

TICKERS: Final = Rows(shapes.Ticker, shapes.native_of)
_DEPTHS: Final = Rows(shapes.Depth, shapes.native_of)
_PAYMENTS: Final = Rows(shapes.Paid, shapes.native_of)
#: keys that tell one kind of row from another, the most telling first, and the call that answers with them
FORMS: Final = (
    ({"contractId", "tickSize"}, METADATA),
    ({"contractId", "isSettlement"}, HISTORY),
    ({"contractId", "asks", "bids"}, DEPTH),
    ({"contractId", "lastPrice"}, TICKER),
    ({"contractId", "bestBidPrice"}, "bookTicker"),
)
#: the first generation's documentation: every value is its field's name
_PLACEHOLDER: Final = re.compile(rb'"(\w{4,})"\s*:\s*"\1"')

Keys = Mapping[str, msgspec.Raw]

_body: Final = msgspec.json.Decoder(shapes.Body)
_page: Final = msgspec.json.Decoder(shapes.Page)
_keys: Final = msgspec.json.Decoder(dict[str, msgspec.Raw])
_raws: Final = msgspec.json.Decoder(list[msgspec.Raw])


def rest(reader: Reader, frame: bytes, recv: int, request: Request | None) -> list[Message]:
    """The messages of one REST answer."""
    try:
        body = _body.decode(frame)
    except msgspec.ValidationError:
        return [bare(frame) if request is None else Unknown("bad_shape")]
    except UNREADABLE:
        return [Unknown("not_json")]
    if body.code != SUCCESS:
        sample = _PLACEHOLDER.search(frame) is not None
        return [Unknown("old_api") if sample else Refused(None, None, body.code, reason_of(body))]
    path = request.endpoint if request is not None else by_form(body.data)
    if path is not None and path.startswith(OLD_PUBLIC):
        return [Unknown("old_api")]
    if path == METADATA:
        return [Relist(None, "listing")]
    if bytes(body.data) in (b"", b"null"):
        return [Unknown("empty")]
    return _rows(reader, path, body.data, recv)


def _rows(reader: Reader, path: str | None, data: msgspec.Raw, recv: int) -> list[Message]:
    def ticker(row: shapes.Ticker, at: Listed) -> list[Message]:
        return rows.ticker(row, at, recv, "rest")

    if path == TICKER:
        return reader.messages(data, TICKERS, ticker)
    if path == DEPTH:
        return reader.messages(data, _DEPTHS, lambda row, at: rows.top(row, at, recv))
    if path != HISTORY:
        return [Unknown("unused_endpoint")]
    try:
        page = _page.decode(data).data_list
    except UNREADABLE:
        return [Unknown("bad_shape")]
    return reader.messages(page, _PAYMENTS, lambda row, at: rows.paid(row, at, recv))


def reason_of(body: shapes.Body) -> str:
    """What a refusal says: its text, else what it says of parameters."""
    param = bytes(body.error_param).decode(errors="replace")
    return body.msg or ("" if param in ("", "null") else param[:200]) or "refused without a reason"


def by_form(data: msgspec.Raw) -> str | None:
    """The call that answers with such data."""
    keys = _object(data)
    if "contractList" in keys:
        return METADATA
    if "dataList" in keys:  # the newest rate of each contract comes as the same rows, in a list of their own
        return HISTORY if _told(_object(_first(keys["dataList"]))) == HISTORY else None
    told = _told(_object(_first(data)))
    return told if told in (TICKER, DEPTH) else None


def bare(frame: bytes) -> Unknown:
    """What is no answer: a sample of documentation, a row outside of its list."""
    if _PLACEHOLDER.search(frame):
        return Unknown("old_api")
    keys = _object(frame)
    if "dataList" in keys:
        frame = _first(keys["dataList"])
        keys = _object(frame)
    listing = "contractList" in keys
    return Unknown("bare_row" if listing or _told(keys) else "bad_shape", shapes.native_of(frame))


def _told(keys: Keys) -> str | None:
    return next((path for told, path in FORMS if told <= keys.keys()), None)


def _object(raw: bytes | msgspec.Raw) -> Keys:
    try:
        return _keys.decode(raw)
    except UNREADABLE:
        return {}


def _first(raw: msgspec.Raw) -> bytes:
    """The first element of a list, where it is one."""
    try:
        return bytes(_raws.decode(raw)[0])
    except (*UNREADABLE, IndexError):
        return b""
