"""REST bodies -> messages. Several calls answer with one row or with a list of them; an error comes as a row too.

Links (read 2026-11-20): https://developers.binance.com/docs/binance-spot-api-docs/rest-api and
https://developers.binance.com/docs/derivatives/usds-margined-futures/market-data/rest-api
"""

from collections.abc import Callable, Mapping
from typing import Any, Final

import msgspec

from services.collector import normalise
from services.collector.messages import BookSnapshot, Message, Refused, Relist, Unknown
from services.collector.normalise import BadNumber
from services.collector.table import Listed, Table
from services.collector.venue import DecoderOptions, Request
from services.collector.venues.binance import rows
from services.collector.venues.binance.instruments import is_listing
from services.collector.venues.binance.rows import MS, RowDecoder
from services.collector.venues.binance.shapes import Levels, Millis, Number
from shared.events import Quote, Settlement, Stats
from shared.instruments import Market

_MINUTE_MS: Final = 60_000
_HOUR_MS: Final = 3_600_000
#: the intervals at which the venue pays funding, in hours
_INTERVALS: Final = frozenset({1, 2, 4, 8})
_UNREADABLE: Final = (msgspec.DecodeError, UnicodeDecodeError, RecursionError, ValueError)


class _Row(msgspec.Struct, rename="camel", gc=False):
    symbol: str


class _Book(msgspec.Struct, rename="camel"):
    last_update_id: Number
    bids: Levels
    asks: Levels
    engine: Millis | None = msgspec.field(default=None, name="T")


class _BookTicker(_Row, rename="camel", gc=False):
    bid_price: str
    bid_qty: str
    ask_price: str
    ask_qty: str
    time: Millis | None = None
    last_update_id: Number | None = None


class _Stats(_Row, rename="camel", gc=False):
    last_price: str
    volume: str
    quote_volume: str
    close_time: Millis


class _Premium(_Row, rename="camel", gc=False):
    mark_price: str | None = None
    index_price: str | None = None
    last_funding_rate: str | None = None
    next_funding_time: Millis = 0
    time: Millis | None = None


class _Paid(_Row, rename="camel", gc=False):
    funding_rate: str
    funding_time: Millis
    mark_price: str | None = None


class _OpenInterest(_Row, rename="camel", gc=False):
    open_interest: str
    time: Millis | None = None


class _Error(msgspec.Struct, rename="camel", gc=False):
    code: int | str
    msg: str


Make = Callable[[Any, Listed, int], list[Message]]
Rest = Callable[[bytes, int, Request], list[Message]]

_error = msgspec.json.Decoder(_Error)
_book = msgspec.json.Decoder(_Book)
_symbol = msgspec.json.Decoder(_Row)
_list = msgspec.json.Decoder(list[msgspec.Raw])


def _quote(row: _BookTicker, listed: Listed, recv: int) -> list[Message]:
    numbers = normalise.sides(row.bid_price, row.bid_qty, row.ask_price, row.ask_qty, listed)
    return [Quote(listed.symbol, *numbers, _ts(row.time), recv, "rest", row.last_update_id)]


def _stats(row: _Stats, listed: Listed, recv: int) -> list[Message]:
    last, volume = normalise.price(row.last_price, listed), normalise.size(row.volume, listed)
    turnover = normalise.rate(row.quote_volume)
    return [Stats(listed.symbol, last, volume, turnover, None, row.close_time * MS, recv, None, "rest")]


def _premium(row: _Premium, listed: Listed, recv: int) -> list[Message]:
    # lastFundingRate is the estimate for the coming settlement, whatever its name says
    return rows.mark_and_funding(
        listed,
        row.mark_price,
        row.index_price,
        row.last_funding_rate,
        row.next_funding_time,
        _ts(row.time),
        recv,
        "rest",
    )


def _open_interest(row: _OpenInterest, listed: Listed, recv: int) -> list[Message]:
    interest = normalise.size(row.open_interest, listed)
    return [Stats(listed.symbol, None, None, None, interest, _ts(row.time), recv, None, "rest")]


def _settled() -> Make:
    """Settlements of one body, rows of a symbol in the order of time: the step from the last row is the interval."""
    last: dict[str, int] = {}

    def make(row: _Paid, listed: Listed, recv: int) -> list[Message]:
        paid = normalise.rate(row.funding_rate)
        if paid is None:
            raise BadNumber(row.funding_rate)
        before, at = last.get(row.symbol), row.funding_time // _MINUTE_MS * _MINUTE_MS
        last[row.symbol] = at
        hours, rest = divmod(at - before, _HOUR_MS) if before is not None else (0, 0)
        interval = str(hours) if hours in _INTERVALS and not rest else listed.instrument.funding_interval_h
        return [Settlement(listed.symbol, paid, interval, at * MS, normalise.price(row.mark_price, listed), recv)]

    return make


def _ts(millis: int | None) -> int | None:
    return None if millis is None else millis * MS


#: path -> (market, its row, what makes its messages; a factory where rows of a body hang together)
_CALLS: Final[dict[str, tuple[Market, type[_Row], Callable[[], Make]]]] = {
    "/api/v3/ticker/bookTicker": ("spot", _BookTicker, lambda: _quote),
    "/api/v3/ticker/24hr": ("spot", _Stats, lambda: _stats),
    "/fapi/v1/ticker/bookTicker": ("perp", _BookTicker, lambda: _quote),
    "/fapi/v1/ticker/24hr": ("perp", _Stats, lambda: _stats),
    "/fapi/v1/premiumIndex": ("perp", _Premium, lambda: _premium),
    "/fapi/v1/fundingRate": ("perp", _Paid, _settled),
    "/fapi/v1/openInterest": ("perp", _OpenInterest, lambda: _open_interest),
}
_BOOKS: Final[dict[str, Market]] = {"/api/v3/depth": "spot", "/fapi/v1/depth": "perp"}
_LISTINGS: Final = frozenset({"/api/v3/exchangeInfo", "/fapi/v1/exchangeInfo", "/fapi/v1/fundingInfo"})
#: levels of a side where the request does not say
_DEFAULT_LIMIT: Final[dict[Market, int]] = {"spot": 100, "perp": 500}


def recognise(value: Mapping[str, Any]) -> str | None:
    """The path whose rows look like this one, for a body that comes without its request. Only public rows that name
    their symbol, which a book does not, and listings, of which the markets' are one here.
    """
    keys = value.keys()
    if keys >= {"lastUpdateId", "bids", "asks"}:
        return "/fapi/v1/depth" if "T" in keys else "/api/v3/depth"
    if keys >= {"symbols", "exchangeFilters"}:
        return "/api/v3/exchangeInfo"
    if "symbol" not in keys:
        return None
    if "openInterest" in keys:
        return "/fapi/v1/openInterest"
    if "markPrice" in keys and "nextFundingTime" in keys:
        return "/fapi/v1/premiumIndex"
    if keys >= {"fundingRate", "fundingTime"}:
        return "/fapi/v1/fundingRate"
    if "priceChangePercent" in keys and "quoteVolume" in keys:
        return "/api/v3/ticker/24hr" if "bidPrice" in keys else "/fapi/v1/ticker/24hr"
    if keys >= {"bidPrice", "bidQty", "askPrice", "askQty"}:
        return "/fapi/v1/ticker/bookTicker" if "time" in keys else "/api/v3/ticker/bookTicker"
    return None


def market_of_path(path: str) -> Market | None:
    return _BOOKS.get(path) or (_CALLS[path][0] if path in _CALLS else None)


def rest_decoder(table: Table) -> Rest:
    """Makes the decoder of REST bodies: `(body, recv, request) -> messages`. It never raises."""
    decoders: dict[Market, RowDecoder] = {m: RowDecoder(table, DecoderOptions(), m) for m in ("spot", "perp")}
    types = {path: msgspec.json.Decoder(row) for path, (_, row, _) in _CALLS.items()}

    def decode(body: bytes, recv: int, request: Request) -> list[Message]:
        path = request.endpoint
        if path in _BOOKS:
            return _depth(body, recv, request, table, decoders[_BOOKS[path]], _BOOKS[path])
        if path in _LISTINGS:
            return [_refused(body) or (_bad(body) if is_listing(body) is None else Relist(None, "listing"))]
        if path not in _CALLS:
            return [_refused(body) or Unknown(rows.OUT_OF_SCOPE if path.startswith("/dapi/") else rows.UNUSED_ENDPOINT)]
        try:
            parts = _list.decode(body) if body.lstrip().startswith(b"[") else [msgspec.Raw(body)]
        except _UNREADABLE:
            return [Unknown(rows.NOT_JSON)]
        market, _, factory = _CALLS[path]
        make, made = factory(), list[Message]()
        for part in parts:
            made += _one(part, recv, table, decoders[market], market, types[path], make)
        return made or [Unknown(rows.EMPTY)]

    return decode


def _one(
    part: msgspec.Raw,
    recv: int,
    table: Table,
    decoder: RowDecoder,
    market: Market,
    typed: "msgspec.json.Decoder[Any]",
    make: Make,
) -> list[Message]:
    try:
        row = typed.decode(part)
    except _UNREADABLE:
        return [_refused(part) or _bad(part)]
    listed = table.market(market).get(row.symbol)
    if listed is None:
        return [decoder.miss(row.symbol)]
    try:
        return make(row, listed, recv)
    except BadNumber:
        return [Unknown(rows.BAD_NUMBER, row.symbol)]


def _depth(
    body: bytes, recv: int, request: Request, table: Table, decoder: RowDecoder, market: Market
) -> list[Message]:
    """One book: the body does not name its symbol, the request does."""
    native = request.params.get("symbol")
    try:
        book = _book.decode(body)
    except _UNREADABLE:
        return [_refused(body) or _bad(body, native)]
    if native is None:
        return [Unknown(rows.NO_SYMBOL)]
    listed = table.market(market).get(native)
    if listed is None:
        return [decoder.miss(native)]
    try:
        bids, asks = normalise.levels(book.bids, listed), normalise.levels(book.asks, listed)
    except BadNumber:
        return [Unknown(rows.BAD_NUMBER, native)]
    asked = request.params.get("limit", "")
    limit = int(asked) if asked.isascii() and asked.isdigit() and len(asked) < 6 else _DEFAULT_LIMIT[market]
    ts = _ts(book.engine)
    return [BookSnapshot(listed.symbol, bids, asks, book.last_update_id, ts, recv, "rest", limit=limit or None)]


def _refused(part: bytes | msgspec.Raw) -> Refused | None:
    try:
        error = _error.decode(part)
    except _UNREADABLE:
        return None
    return Refused(code=str(error.code), reason=error.msg)


def _bad(part: bytes | msgspec.Raw, native: str | None = None) -> Unknown:
    try:
        return Unknown(rows.BAD_SHAPE, native or _symbol.decode(part).symbol)
    except msgspec.ValidationError:
        return Unknown(rows.BAD_SHAPE, native)
    except _UNREADABLE:
        return Unknown(rows.NOT_JSON, native)
