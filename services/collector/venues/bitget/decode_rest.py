"""Bitget's REST answers: `{"code": "00000", "msg", "requestTime", "data": ...}`, v2 and v3.

The request says what was asked, and of which product; a body that comes without one is told by its keys where they
suffice. Order books name no instrument and trades no product: without the request they are `no_request`.
"""

from collections.abc import Callable
from typing import Final

import msgspec

from services.collector.messages import Message, Refused, Relist, Unknown
from services.collector.normalise import BadNumber
from services.collector.table import Listed
from services.collector.typed_rows import UNREADABLE, Rows
from services.collector.venue import Request
from services.collector.venues.bitget import rows
from services.collector.venues.bitget.instruments import SUCCESS, is_listing
from services.collector.venues.bitget.reading import (
    TICKER_ROWS,
    TRADE_ROWS,
    UNIFIED_TICKER_ROWS,
    Reader,
    in_time,
    per_row,
)
from services.collector.venues.bitget.shapes import (
    FillRow,
    InterestRow,
    PaidRow,
    PriceRow,
    RateRow,
    RestBook,
    UnifiedRestBook,
    native_of,
)
from services.collector.venues.bitget.topics import SPOT

MIX: Final = "/api/v2/mix/market/"
CLASSIC: Final = "/api/v2/spot/market/"
UNIFIED: Final = "/api/v3/market/"
LISTINGS: Final = frozenset({"/api/v2/spot/public/symbols", f"{MIX}contracts", f"{UNIFIED}instruments"})
#: books, and the number of levels of a side where the request does not say
BOOKS: Final = {f"{CLASSIC}orderbook": 150, f"{CLASSIC}merge-depth": 100, f"{MIX}merge-depth": 100}
UNIFIED_BOOKS: Final = {f"{UNIFIED}orderbook": 5}
#: how a book of unrounded prices is asked for, which is also what comes unasked
EXACT: Final = {"precision": "scale0", "type": "step0"}
TOO_MANY: Final = "429"
#: addresses of v1
OLD_PATHS: Final = ("/api/spot/v1/", "/api/mix/v1/", "/api/swap/")

RATE_ROWS: Final = Rows(RateRow, native_of, bare=True)
PAID_ROWS: Final = Rows(PaidRow, native_of, bare=True)
PRICE_ROWS: Final = Rows(PriceRow, native_of, bare=True)
INTEREST_ROWS: Final = Rows(InterestRow, native_of, bare=True)
FILL_ROWS: Final = Rows(FillRow, native_of, bare=True)


class Body(msgspec.Struct):
    code: str | int
    data: msgspec.Raw = msgspec.Raw(b"")
    msg: str | None = None


class Interests(msgspec.Struct, rename="camel"):
    """Open interest: v2 lists it in `openInterestList`, v3 in `list`."""

    open_interest_list: msgspec.Raw = msgspec.Raw(b"")
    list: msgspec.Raw = msgspec.Raw(b"")
    ts: str = ""


class Results(msgspec.Struct, rename="camel"):
    """v3 wraps its funding history."""

    result_list: msgspec.Raw


_body: Final = msgspec.json.Decoder(Body)
_interests: Final = msgspec.json.Decoder(Interests)
_results: Final = msgspec.json.Decoder(Results)
_book: Final = msgspec.json.Decoder(RestBook)
_unified_book: Final = msgspec.json.Decoder(UnifiedRestBook)
_keys: Final = msgspec.json.Decoder(dict[str, msgspec.Raw])
_first: Final = msgspec.json.Decoder(list[msgspec.Raw])

#: (reader, product as the request names it, data, recv) -> messages
Handler = Callable[[Reader, str, msgspec.Raw, int], list[Message]]


def tickers(reader: Reader, product: str, data: msgspec.Raw, recv: int) -> list[Message]:
    return per_row(
        reader, product, TICKER_ROWS.read(data), lambda row, at: rows.ticker(row, at, recv, "rest", quotes=True)
    )


def unified_tickers(reader: Reader, product: str, data: msgspec.Raw, recv: int) -> list[Message]:
    """v3's rows name their product themselves."""
    made: list[Message] = []
    for row in UNIFIED_TICKER_ROWS.read(data):
        named = product or ("" if isinstance(row, Unknown) else row.category or "")
        made += per_row(reader, named, (row,), lambda one, at: rows.ticker(one, at, recv, "rest", quotes=True))
    return made


def trades(reader: Reader, product: str, data: msgspec.Raw, recv: int) -> list[Message]:
    return per_row(reader, product, in_time(TRADE_ROWS.read(data)), lambda row, at: [rows.trade(row, at, recv)])


def rates(reader: Reader, product: str, data: msgspec.Raw, recv: int) -> list[Message]:
    """The rates that would settle now. An interval that is not the listing's: the listing is out of date."""

    def make(row: RateRow, at: Listed) -> list[Message]:
        made = rows.rate(row, at, recv, "rest")
        if row.funding_rate_interval and row.funding_rate_interval != at.instrument.funding_interval_h:
            return [made, Relist(row.symbol, "funding interval")]
        return [made]

    return per_row(reader, product, RATE_ROWS.read(data), make)


def payments(reader: Reader, product: str, data: msgspec.Raw, recv: int) -> list[Message]:
    """v3 wraps the rows."""
    found = PAID_ROWS.read(data if bytes(data).startswith(b"[") else _results.decode(data).result_list)
    return per_row(reader, product, found, lambda row, at: [rows.settlement(row, at, recv)])


def prices(reader: Reader, product: str, data: msgspec.Raw, recv: int) -> list[Message]:
    return per_row(reader, product, PRICE_ROWS.read(data), lambda row, at: [rows.prices(row, at, recv, "rest")])


def interests(reader: Reader, product: str, data: msgspec.Raw, recv: int) -> list[Message]:
    whole = _interests.decode(data)
    found = INTEREST_ROWS.read(whole.open_interest_list or whole.list)
    return per_row(
        reader,
        product,
        found,
        lambda row, at: [rows.interest(row, at, rows.time_of(whole.ts), recv, "rest")],
    )


HANDLERS: Final[dict[str, Handler]] = {
    f"{CLASSIC}tickers": tickers,
    f"{CLASSIC}fills": trades,
    f"{CLASSIC}fills-history": trades,
    f"{MIX}tickers": tickers,
    f"{MIX}ticker": tickers,
    f"{MIX}fills": trades,
    f"{MIX}fills-history": trades,
    f"{MIX}current-fund-rate": rates,
    f"{MIX}history-fund-rate": payments,
    f"{MIX}symbol-price": prices,
    f"{MIX}open-interest": interests,
    f"{UNIFIED}tickers": unified_tickers,
    f"{UNIFIED}current-fund-rate": rates,
    f"{UNIFIED}history-fund-rate": payments,
    f"{UNIFIED}open-interest": interests,
}
#: what only contracts have, whatever product a request names
OF_CONTRACTS: Final = frozenset({f"{UNIFIED}current-fund-rate", f"{UNIFIED}history-fund-rate"})
#: keys that tell one kind of row from another, the most telling first
FORMS: Final = (
    ({"category", "symbol", "bid1Price"}, f"{UNIFIED}tickers"),
    ({"symbol", "bidPr", "indexPrice"}, f"{MIX}tickers"),
    ({"symbol", "bidPr", "askPr"}, f"{CLASSIC}tickers"),
    ({"symbol", "fundingRate", "fundingTime"}, f"{MIX}history-fund-rate"),
    ({"symbol", "fundingRate"}, f"{MIX}current-fund-rate"),
    ({"symbol", "markPrice", "indexPrice"}, f"{MIX}symbol-price"),
    ({"openInterestList"}, f"{MIX}open-interest"),
    ({"list", "ts"}, f"{UNIFIED}open-interest"),
    ({"resultList"}, f"{UNIFIED}history-fund-rate"),
)
#: rows and data of v1
OLD_FORMS: Final = ({"symbolName"}, {"asks", "bids", "timestamp"}, {"symbol", "amount", "timestamp"}, {"pricePlace"})
#: what names no instrument or no product
NAMELESS: Final = ({"asks", "bids"}, {"a", "b"}, {"tradeId", "price"}, {"execId", "price"})


def rest(reader: Reader, frame: bytes, recv: int, request: Request | None) -> list[Message]:
    """The messages of one REST answer."""
    try:
        body = _body.decode(frame)
    except msgspec.ValidationError:
        return [Unknown("bad_shape", native_of(frame))]
    except UNREADABLE:
        return [Unknown("not_json")]
    if (code := str(body.code)) != SUCCESS:
        if body.msg is None and not body.data:
            return [Unknown("bad_shape")]
        return [Refused(None, None, code, body.msg or "", code == TOO_MANY)]
    if request is None:
        return unasked(reader, frame, body.data, recv)
    try:
        return asked(reader, body.data, recv, request) or [Unknown("empty", request.params.get("symbol"))]
    except BadNumber:
        return [Unknown("bad_number", request.params.get("symbol"))]
    except UNREADABLE:
        return [Unknown("bad_shape", request.params.get("symbol"))]


def asked(reader: Reader, data: msgspec.Raw, recv: int, request: Request) -> list[Message]:
    """Raises `BadNumber` and what `UNREADABLE` names for a body that is damaged as a whole."""
    path, product = request.endpoint, product_of(request)
    if path in LISTINGS:
        return [Relist(None, "listing")]
    if path in BOOKS or path in UNIFIED_BOOKS:
        return book(reader, product, data, recv, request)
    if path == f"{UNIFIED}fills":
        native = request.params.get("symbol", "")
        listed = reader.find(product, native)
        if isinstance(listed, Unknown):
            return [listed]
        for row in (found := FILL_ROWS.read(data)):
            if not isinstance(row, Unknown):
                row.symbol = native
        return per_row(reader, product, in_time(found), lambda row, at: [rows.trade(row, at, recv)])
    handler = HANDLERS.get(path)
    if handler is None:
        return [Unknown("old_api" if path.startswith(OLD_PATHS) else "unused_endpoint")]
    return handler(reader, product, data, recv)


def product_of(request: Request) -> str:
    """The product that a request names; empty: some perpetual (v3 asks for rates by the symbol alone)."""
    if request.endpoint.startswith("/api/v2/spot/"):
        return SPOT
    named = (request.params.get("productType") or request.params.get("category") or "").upper()
    return "" if named == SPOT and request.endpoint in OF_CONTRACTS else named


def book(reader: Reader, product: str, data: msgspec.Raw, recv: int, request: Request) -> list[Message]:
    native = request.params.get("symbol", "")
    listed = reader.find(product, native)
    if isinstance(listed, Unknown):
        return [listed if native else Unknown("no_request")]
    if any(request.params.get(name, exact) not in ("", exact) for name, exact in EXACT.items()):
        return [Unknown("aggregated", native)]
    asked_for = request.params.get("limit", "")
    limit = int(asked_for) if asked_for.isascii() and asked_for.isdigit() and len(asked_for) < 9 else None
    if request.endpoint in BOOKS:
        return [rows.picture(_book.decode(data), listed, recv, limit or BOOKS[request.endpoint])]
    return [rows.picture(_unified_book.decode(data), listed, recv, limit or UNIFIED_BOOKS[request.endpoint])]


def unasked(reader: Reader, frame: bytes, data: msgspec.Raw, recv: int) -> list[Message]:
    """A body whose request is not known."""
    if is_listing(frame) is not None and not _has_rate(data):
        return [Relist(None, "listing")]
    keys = _keys_of(data)
    if any(told <= keys for told in OLD_FORMS):
        return [Unknown("old_api", native_of(data))]
    if any(told <= keys for told in NAMELESS):
        return [Unknown("no_request")]
    path = next((path for told, path in FORMS if told <= keys), None)
    if path is None:
        return [Unknown("unused_endpoint")]
    product = SPOT if path.startswith(CLASSIC) else ""
    try:
        return HANDLERS[path](reader, product, data, recv) or [Unknown("empty")]
    except BadNumber:
        return [Unknown("bad_number")]
    except UNREADABLE:
        return [Unknown("bad_shape")]


def _has_rate(data: msgspec.Raw) -> bool:
    """The funding terms are a poll's answer too, worth more than as a listing."""
    return "fundingRate" in _keys_of(data)


def _keys_of(data: msgspec.Raw) -> set[str]:
    """The keys of an object, or of the first row of a list."""
    try:
        if bytes(data).startswith(b"{"):
            return set(_keys.decode(data))
        raws = _first.decode(data)
        return set(_keys.decode(raws[0])) if raws else set()
    except UNREADABLE:
        return set()
