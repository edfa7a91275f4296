"""OKX's REST answers: `{"code": "0", "msg": "", "data": [row, ...]}`, the rows as in the pushes.

The request says what was asked; a body that comes without one is told by its rows. Only order books do not name their
instrument: without the request they are `no_request`.
"""

from typing import Final

import msgspec

from services.collector.messages import Message, Refused, Relist, Unknown
from services.collector.typed_rows import UNREADABLE, Rows
from services.collector.venue import Request
from services.collector.venues.okx import reading
from services.collector.venues.okx.answers import BUSY
from services.collector.venues.okx.reading import Reader, RowsReader

BOOKS: Final = frozenset({"/api/v5/market/books", "/api/v5/market/books-full", "/api/v5/market/books-rpi"})
INSTRUMENTS: Final = "/api/v5/public/instruments"

TICKERS: Final = (reading.TICKER_ROWS, reading.tickers)
TRADES: Final = (reading.TRADE_ROWS, reading.trades)
MARKS: Final = (reading.MARK_ROWS, reading.marks)
INDICES: Final = (reading.INDEX_ROWS, reading.indices)
FUNDINGS: Final = (reading.FUNDING_ROWS, reading.fundings)
SETTLED: Final = (reading.SETTLED_ROWS, reading.settlements)
INTERESTS: Final = (reading.INTEREST_ROWS, reading.interests)
FORCED: Final = (reading.FORCED_ROWS, reading.forced)

ENDPOINTS: Final[dict[str, tuple[Rows, RowsReader]]] = {
    "/api/v5/market/tickers": TICKERS,
    "/api/v5/market/ticker": TICKERS,
    "/api/v5/market/trades": TRADES,
    "/api/v5/market/history-trades": TRADES,
    "/api/v5/public/mark-price": MARKS,
    "/api/v5/market/index-tickers": INDICES,
    "/api/v5/public/funding-rate": FUNDINGS,
    "/api/v5/public/funding-rate-history": SETTLED,
    "/api/v5/public/open-interest": INTERESTS,
    "/api/v5/public/liquidation-orders": FORCED,
}


class Body(msgspec.Struct):
    code: str | int
    data: msgspec.Raw = msgspec.Raw(b"")
    msg: str | None = None


_body: Final = msgspec.json.Decoder(Body)
_raws: Final = msgspec.json.Decoder(list[msgspec.Raw])
_keys: Final = msgspec.json.Decoder(dict[str, msgspec.Raw])

#: keys that tell one kind of row from another, the most telling first
FORMS: Final = (
    ({"tickSz"}, INSTRUMENTS),
    ({"instId", "bidPx"}, "/api/v5/market/tickers"),
    ({"instId", "realizedRate"}, "/api/v5/public/funding-rate-history"),
    ({"instId", "fundingRate"}, "/api/v5/public/funding-rate"),
    ({"instId", "oiCcy"}, "/api/v5/public/open-interest"),
    ({"instId", "side", "tradeId", "sz"}, "/api/v5/market/trades"),
    ({"instId", "details"}, "/api/v5/public/liquidation-orders"),
    ({"instId", "idxPx", "high24h"}, "/api/v5/market/index-tickers"),
    ({"instId", "markPx", "instType"}, "/api/v5/public/mark-price"),
    ({"asks", "bids"}, "/api/v5/market/books"),
)


def rest(reader: Reader, frame: bytes, recv: int, request: Request | None) -> list[Message]:
    """The messages of one REST answer."""
    try:
        body = _body.decode(frame)
    except msgspec.ValidationError:
        return [Unknown("bad_shape")]
    except UNREADABLE:
        return [Unknown("not_json")]
    if str(body.code) != "0":
        return [Refused(None, None, str(body.code), body.msg or "", busy=str(body.code) in BUSY)]
    endpoint = request.endpoint if request is not None else endpoint_by_form(body.data)
    if endpoint == INSTRUMENTS:
        return [Relist(None, "listing")]
    if endpoint in BOOKS:
        native = request.params.get("instId", "") if request is not None else ""
        if not native:
            return [Unknown("no_request")]
        levels = request.params.get("sz", "1") if request is not None else "1"
        limit = int(levels) if levels.isascii() and levels.isdigit() and len(levels) < 6 else None
        return reading.books(reader, native, body.data, "snapshot", recv, "rest", limit) or [Unknown("empty", native)]
    known = ENDPOINTS.get(endpoint or "")
    if known is None:
        return [Unknown("unused_endpoint")]
    read, make = known
    return make(reader, read.read(body.data), recv, "rest") or [Unknown("empty")]


def endpoint_by_form(data: msgspec.Raw) -> str | None:
    """The endpoint that answers with such rows."""
    try:
        raws = _raws.decode(data)
        keys = _keys.decode(raws[0]).keys() if raws else set()
    except UNREADABLE:
        return None
    return next((endpoint for told, endpoint in FORMS if told <= keys), None)
