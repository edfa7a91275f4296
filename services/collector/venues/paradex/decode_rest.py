"""Paradex's REST answers: `{"results": [row, ...]}`, one object for a book or a best bid and offer, or an error.

The request says what was asked; a body that comes without one is told by its form. Rows name their market.
"""

from collections.abc import Callable
from typing import Annotated, Any, Final

import msgspec

from services.collector import normalise
from services.collector.messages import BookSnapshot, Message, Refused, Relist, Unknown
from services.collector.normalise import BadNumber, literal, nanoseconds
from services.collector.table import Listed
from services.collector.typed_rows import UNREADABLE
from services.collector.venue import Request
from services.collector.venues.paradex import events
from services.collector.venues.paradex.instruments import hours
from services.collector.venues.paradex.reading import Reader
from shared.events import Funding, Mark, Quote, Side, Stats, Trade, TradeFlag

MARKETS: Final = "/v1/markets"
SUMMARY: Final = "/v1/markets/summary"
TRADES: Final = "/v1/trades"
FUNDING: Final = "/v1/funding/data"
BBO: Final = "/v1/bbo"
BOOK: Final = "/v1/orderbook"
#: a path that ends so includes orders that only the exchange's own screens can hit
INTERACTIVE: Final = "/interactive"

SIDES: Final[dict[str, Side]] = {"BUY": "buy", "SELL": "sell"}
FLAGS: Final[dict[str, TradeFlag | None]] = {
    "FILL": None,
    "RPI": None,
    "LIQUIDATION": "liquidation",
    "BLOCK_TRADE": "block",
}
OFF_BOOK: Final = frozenset({"UNWIND_TRANSFER", "SETTLE_MARKET"})


#: what the bus can carry
Number = Annotated[int, msgspec.Meta(ge=-(1 << 63), le=(1 << 63) - 1)]
#: milliseconds; the exchange has written some numbers as text
Stamp = int | str | None


class SummaryRow(msgspec.Struct, gc=False):
    symbol: str
    mark_price: str | None = None
    underlying_price: str | None = None
    last_traded_price: str | None = None
    bid: str | None = None
    bid_size: str | None = None
    ask: str | None = None
    ask_size: str | None = None
    volume_24h: str | None = None
    open_interest: str | None = None
    funding_rate: str | None = None
    created_at: Stamp = None


class TradeRow(msgspec.Struct, gc=False):
    market: str
    id: str
    price: str
    size: str
    side: str
    trade_type: str = ""
    created_at: Stamp = None


class FundingRow(msgspec.Struct, gc=False):
    market: str
    funding_rate: str
    funding_index: str | None = None
    funding_period_hours: msgspec.Raw = msgspec.Raw(b"")
    created_at: Stamp = None


class BestRow(msgspec.Struct, gc=False):
    market: str
    bid: str | None = None
    bid_size: str | None = None
    ask: str | None = None
    ask_size: str | None = None
    last_updated_at: Stamp = None
    seq_no: Number | None = None


class BookRow(msgspec.Struct):
    market: str
    asks: list[tuple[str, str]] | None
    bids: list[tuple[str, str]] | None
    last_updated_at: Stamp = None
    seq_no: Number | None = None


class Body(msgspec.Struct):
    """Everything a body may be, but for the fields of a book."""

    results: list[msgspec.Raw] | None = None
    error: str | None = None
    message: str | None = None


class Named(msgspec.Struct):
    """As much of a row as names its market."""

    market: str = ""
    symbol: str = ""


Make = Callable[[Any, Listed, int], list[Message]]

_body: Final = msgspec.json.Decoder(Body)
_keys: Final = msgspec.json.Decoder(dict[str, msgspec.Raw])
_named: Final = msgspec.json.Decoder(Named)

#: keys that tell one kind of row from another, the most telling first
FORMS: Final = (
    ({"symbol", "price_tick_size"}, MARKETS),
    ({"symbol", "mark_price"}, SUMMARY),
    ({"market", "trade_type"}, TRADES),
    ({"market", "funding_index"}, FUNDING),
)


def rest(reader: Reader, frame: bytes, recv: int, request: Request | None) -> list[Message]:
    """The messages of one REST answer."""
    try:
        body = _body.decode(frame)
    except msgspec.ValidationError:
        return [Unknown("bad_shape")]
    except UNREADABLE:
        return [Unknown("not_json")]
    if body.error:
        return [Refused(None, None, body.error, body.message or "")]
    path = request.endpoint if request is not None else path_by_form(frame, body)
    if path is None and body.results is None and (native := native_of(frame)):
        return [Unknown("bare_row", native)]
    if path is None or path.endswith(INTERACTIVE):
        return [Unknown("unused_endpoint")]
    if path == MARKETS:
        return [Relist(None, "listing")]
    single = next((known for prefix, known in SINGLE.items() if path.startswith(prefix)), None)
    if single is not None:
        return _row(reader, frame, recv, *single)
    known = ROWS.get(path)
    if known is None:
        return [Unknown("unused_endpoint")]
    if body.results is None:
        return [Unknown("bad_shape")]
    return [message for raw in body.results for message in _row(reader, raw, recv, *known)] or [Unknown("empty")]


def path_by_form(frame: bytes, body: Body) -> str | None:
    """The path that answers so."""
    try:
        keys = _keys.decode(frame if not body.results else body.results[0]).keys()
    except UNREADABLE:
        return None
    if body.results is not None:
        return next((path for told, path in FORMS if told <= keys), None)
    if {"market", "asks", "bids"} <= keys:
        return BOOK
    return BBO if {"market", "bid", "ask"} <= keys else None


def _row(
    reader: Reader, raw: bytes | msgspec.Raw, recv: int, read: msgspec.json.Decoder[Any], make: Make
) -> list[Message]:
    try:
        row = read.decode(raw)
    except UNREADABLE:
        return [Unknown("bad_shape", native_of(raw))]
    native = row.symbol if isinstance(row, SummaryRow) else row.market
    listed = reader.find(native)
    if listed is None:
        return [reader.missing(native)]
    try:
        return make(row, listed, recv)
    except BadNumber:
        return [Unknown("bad_number", native)]


def native_of(raw: bytes | msgspec.Raw) -> str | None:
    try:
        row = _named.decode(raw)
    except UNREADABLE:
        return None
    return row.market or row.symbol or None


def time_of(ms: Stamp) -> int | None:
    """Milliseconds to nanoseconds; None where there are none, or zero."""
    return nanoseconds(str(ms)) or None if ms else None


def quote(row: SummaryRow | BestRow, at: Listed, recv: int) -> Quote:
    sides = normalise.sides(row.bid or "", row.bid_size or "", row.ask or "", row.ask_size or "", at)
    ms, seq = (row.last_updated_at, row.seq_no) if isinstance(row, BestRow) else (row.created_at, None)
    return Quote(at.symbol, *sides, time_of(ms), recv, "rest", seq)


def summary(row: SummaryRow, at: Listed, recv: int) -> list[Message]:
    """All there is of one market; an older body has no sizes, and a quote without them is none."""
    ts, perp = time_of(row.created_at), at.instrument.market == "perp"
    out: list[Message] = []
    if row.bid_size is not None or row.ask_size is not None:
        out.append(quote(row, at, recv))
    mark, index = normalise.price(row.mark_price, at), normalise.price(row.underlying_price, at)
    if perp and (mark is not None or index is not None):
        out.append(Mark(at.symbol, mark, index, ts, recv, "rest"))
    rate = normalise.rate(row.funding_rate)
    if perp and rate is not None:
        out.append(Funding(at.symbol, rate, at.instrument.funding_interval_h, None, None, ts, recv, "rest"))
    last, turnover = normalise.price(row.last_traded_price, at), normalise.amount(row.volume_24h)
    interest = normalise.size(row.open_interest, at) if perp else None
    out.append(Stats(at.symbol, last, None, turnover, interest, ts, recv, source="rest"))
    return out


def best(row: BestRow, at: Listed, recv: int) -> list[Message]:
    return [quote(row, at, recv)]


def trade(row: TradeRow, at: Listed, recv: int) -> list[Message]:
    if row.trade_type in OFF_BOOK:
        return [Unknown("off_book", row.market)]
    side = SIDES.get(row.side)
    if row.trade_type not in FLAGS or side is None or not row.id:
        return [Unknown("bad_shape", row.market)]
    price, size = normalise.positive(row.price, row.size, at)
    made = Trade(at.symbol, price, size, side, row.id, time_of(row.created_at), recv, FLAGS[row.trade_type])
    return [made, events.forced(made)] if made.flag == "liquidation" else [made]


def funding(row: FundingRow, at: Listed, recv: int) -> list[Message]:
    """One observation; a row of old has no period."""
    if at.instrument.market != "perp":
        return [Unknown("out_of_scope", row.market)]
    period = hours(row.funding_period_hours) or at.instrument.funding_interval_h
    rate, ts = normalise.rate(row.funding_rate), time_of(row.created_at)
    if rate is None:
        raise BadNumber("no funding_rate")
    return [Funding(at.symbol, rate, period, None, _index(row.funding_index, at), ts, recv, "rest")]


def book(row: BookRow, at: Listed, recv: int) -> list[Message]:
    bids, asks = normalise.levels(row.bids or (), at), normalise.levels(row.asks or (), at)
    return [BookSnapshot(at.symbol, bids, asks, row.seq_no, time_of(row.last_updated_at), recv, "rest")]


def _index(text: str | None, at: Listed) -> str | None:
    """Money per unit of base, with a sign."""
    if not text:
        return None
    digits = literal(text)
    if at.divide_price is None or not digits.strip("-0."):
        return digits
    positive = normalise.price(digits.removeprefix("-"), at)
    return f"-{positive}" if digits.startswith("-") else positive


#: paths that answer with rows
ROWS: Final[dict[str, tuple[msgspec.json.Decoder[Any], Make]]] = {
    SUMMARY: (msgspec.json.Decoder(SummaryRow), summary),
    TRADES: (msgspec.json.Decoder(TradeRow), trade),
    FUNDING: (msgspec.json.Decoder(FundingRow), funding),
}
#: paths that answer with one object, the market at their end
SINGLE: Final[dict[str, tuple[msgspec.json.Decoder[Any], Make]]] = {
    BBO: (msgspec.json.Decoder(BestRow), best),
    BOOK: (msgspec.json.Decoder(BookRow), book),
}
