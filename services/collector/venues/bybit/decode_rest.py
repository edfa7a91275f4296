"""REST bodies -> messages: `{"retCode": 0, "retMsg", "result": {"category", "list": [row, …]}, "time"}`.

The result names its category and the rows their symbols; only an order book has no category, the request then has.
A body without its request is told by its rows.

Links (read 2026-11-20): https://bybit-exchange.github.io/docs/v5/market/tickers and its neighbours
"""

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from services.collector.messages import Message, Refused, Relist, Unknown
from services.collector.normalise import BadNumber
from services.collector.table import Listed
from services.collector.typed_rows import UNREADABLE
from services.collector.venue import Request
from services.collector.venues.bybit import rows, tickers
from services.collector.venues.bybit.answers import BUSY
from services.collector.venues.bybit.instruments import LINEAR, SPOT
from services.collector.venues.bybit.rows import MS, Reader
from services.collector.venues.bybit.shapes import Body, RestBook, Result
from shared.instruments import Market

TICKERS: Final = "/v5/market/tickers"
BOOK: Final = "/v5/market/orderbook"
PAID: Final = "/v5/market/funding/history"
INSTRUMENTS: Final = "/v5/market/instruments-info"
USED: Final = frozenset({TICKERS, BOOK, PAID, INSTRUMENTS})

MARKET_OF: Final[dict[str, Market]] = {SPOT: "spot", LINEAR: "perp"}
#: categories that are listed by the same calls and are none of ours
FOREIGN: Final = frozenset({"inverse", "option"})
#: levels of a side where a book's request does not say
DEFAULT_LIMIT: Final[dict[Market, int]] = {"spot": 1, "perp": 25}

#: keys that tell one kind of row from another
FORMS: Final = (
    ({"baseCoin", "lotSizeFilter"}, INSTRUMENTS),
    ({"fundingRateTimestamp"}, PAID),
    ({"lastPrice", "bid1Price"}, TICKERS),
)

_body: Final = msgspec.json.Decoder(Body)
_result: Final = msgspec.json.Decoder(Result)
_book: Final = msgspec.json.Decoder(RestBook)
_keys: Final = msgspec.json.Decoder(dict[str, msgspec.Raw])
_ticker: Final = msgspec.json.Decoder(dict[str, Any])


class Rest:
    """Reads the bodies of both markets."""

    def __init__(self, readers: Mapping[Market, Reader], market: Market | None) -> None:
        self._readers, self._market = readers, market

    def read(self, frame: bytes, recv: int, request: Request | None) -> list[Message]:
        """The messages of one REST answer."""
        try:
            body = _body.decode(frame)
        except msgspec.ValidationError:
            return [Unknown("old_api" if is_old(frame) else "bad_shape")]
        except UNREADABLE:
            return [Unknown("not_json")]
        if body.ret_code != 0:
            return [Refused(None, None, str(body.ret_code), body.ret_msg or "", busy=str(body.ret_code) in BUSY)]
        if request is not None and request.endpoint not in USED:
            return [Unknown("unused_endpoint")]
        try:
            result = _result.decode(body.result)
        except UNREADABLE:
            return [Unknown("bad_shape" if request is not None else "unused_endpoint")]
        endpoint = request.endpoint if request is not None else _by_form(body, result)
        if endpoint is None:
            return [Unknown("unused_endpoint")]
        if endpoint == INSTRUMENTS:
            return [Relist(None, "listing")]
        asked = request.params.get("category", "") if request is not None else ""
        category = result.category or asked
        if category in FOREIGN:
            return [Unknown("out_of_scope")]
        market = MARKET_OF.get(category) or self._market
        if market is None:
            return [Unknown("no_market")]
        reader = self._readers[market]
        if endpoint == BOOK:
            return _picture(reader, body.result, recv, request)
        if endpoint == PAID:
            return rows.settlements(reader, _list_of(body.result), recv)
        ts = None if body.time is None else body.time * MS
        return [one for raw in result.rows for one in _one_ticker(reader, raw, ts, recv)] or [Unknown("empty")]


def is_old(frame: bytes) -> bool:
    """An answer of the interfaces before this one, by its spelling."""
    try:
        return "ret_code" in _keys.decode(frame)
    except UNREADABLE:
        return False


def _by_form(body: Body, result: Result) -> str | None:
    try:
        keys = _keys.decode(result.rows[0] if result.rows else body.result).keys()
    except UNREADABLE:
        return None
    if not result.rows and {"s", "b", "a", "u"} <= keys:
        return BOOK
    return next((endpoint for told, endpoint in FORMS if told <= keys), None)


def _list_of(result: msgspec.Raw) -> msgspec.Raw:
    return _keys.decode(result).get("list", msgspec.Raw(b"[]"))


def _one_ticker(reader: Reader, raw: msgspec.Raw, ts: int | None, recv: int) -> list[Message]:
    try:
        fields = _ticker.decode(raw)
    except UNREADABLE:
        return [Unknown("bad_shape")]
    native = fields.get("symbol")
    if not isinstance(native, str):
        return [Unknown("bad_shape")]
    at = reader.find(native)
    return [reader.miss(native)] if at is None else tickers.whole(fields, native, at, ts, recv)


def _picture(reader: Reader, raw: msgspec.Raw, recv: int, request: Request | None) -> list[Message]:
    """One book: the matching engine's time where it has one."""
    try:
        data = _book.decode(raw)
    except UNREADABLE:
        return [Unknown("bad_shape", rows.native_of(raw))]
    at: Listed | None = reader.find(data.s)
    if at is None:
        return [reader.miss(data.s)]
    asked = request.params.get("limit", "") if request is not None else ""
    limit = int(asked) if asked.isascii() and asked.isdigit() and len(asked) < 6 else DEFAULT_LIMIT[reader.market]
    millis = data.ts if data.cts is None else data.cts
    try:
        return [rows.book(data, False, limit or None, None if millis is None else millis * MS, at, recv, "rest")]
    except BadNumber:
        return [Unknown("bad_number", data.s)]
