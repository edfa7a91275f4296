"""GRVT's REST answers: `{"result": row or rows, "next"?}`, the rows as in the pushes, or `{"code", "message"}`.

The request says what was asked; a body that comes without one is told by its rows. Every row names its instrument.
"""

from collections.abc import Mapping
from typing import Final

import msgspec

from services.collector.messages import Message, Relist, Unknown
from services.collector.table import Listed
from services.collector.typed_rows import UNREADABLE
from services.collector.venue import Request
from services.collector.venues.grvt import answers, reading, rows, shapes
from services.collector.venues.grvt.reading import BOOKS, PAID, TICKERS, TRADES, Reader
from services.collector.venues.grvt.shapes import begins

INSTRUMENTS: Final = frozenset({"instrument", "instruments", "all_instruments"})

_object: Final = msgspec.json.Decoder(dict[str, msgspec.Raw])
_raws: Final = msgspec.json.Decoder(list[msgspec.Raw])

#: keys that tell one kind of row from another, the most telling first, and the endpoint that answers with them
FORMS: Final = (
    ({"tick_size", "kind"}, "all_instruments"),
    ({"instrument", "open_time"}, "kline"),
    ({"instrument", "funding_time"}, "funding"),
    ({"instrument", "is_taker_buyer"}, "trade"),
    ({"instrument", "bids", "asks"}, "book"),
    ({"instrument", "open_interest"}, "ticker"),
    ({"instrument", "best_bid_price"}, "mini"),
    ({"symbol", "balance_decimals"}, "currency"),
)
#: bodies whose rows are not in `result`
OTHERS: Final = (frozenset({"risk_brackets"}), frozenset({"futures"}), frozenset({"rb"}), frozenset({"f1"}))


def rest(reader: Reader, keys: Mapping[str, msgspec.Raw], recv: int, request: Request | None) -> list[Message]:
    """The messages of one REST answer, given by its keys in full."""
    result = keys.get("result")
    if result is None:
        if "code" in keys:
            return answers.refused(msgspec.json.encode(keys), None)
        if any(told <= keys.keys() for told in OTHERS):
            return [Unknown("unused_endpoint")]
        result = msgspec.Raw(msgspec.json.encode(keys))  # a row that somebody kept without its body
    endpoint = by_form(result) if request is None else request.endpoint.rpartition("/")[2]
    if endpoint in INSTRUMENTS:
        return [Relist(None, "listing")]
    return _rows(reader, endpoint, result, recv, request)


def _rows(
    reader: Reader, endpoint: str | None, result: msgspec.Raw, recv: int, request: Request | None
) -> list[Message]:
    def ticker(row: shapes.Ticker, at: Listed) -> list[Message]:
        rest = reading.figures if endpoint == "ticker" else reading.marks
        return [rows.quote(row, at, recv, "rest"), *rest(row, at, recv, "rest")]

    def paid(row: shapes.Paid, at: Listed) -> list[Message]:
        one = rows.settlement(row, at, recv)
        return [Unknown("not_a_payment", row.instrument) if one is None else one]

    def trade(row: shapes.Trade, at: Listed) -> list[Message]:
        if row.venue not in rows.FLAGS:
            return [Unknown("unknown_trade_venue", row.instrument)]
        return [rows.trade(row, at, recv)]

    if endpoint in ("ticker", "mini"):
        return reader.each(result, TICKERS, ticker)
    if endpoint == "book":
        depth = request.params.get("depth", "") if request is not None else ""
        limit = int(depth) if depth.isascii() and depth.isdigit() and len(depth) < 6 else None
        return reader.each(result, BOOKS, lambda row, at: [rows.snapshot(row, at, recv, "rest", None, limit)])
    if endpoint in ("trade", "trade_history"):
        return reader.each(result, TRADES, trade)
    if endpoint == "funding":
        return reader.each(result, PAID, paid)
    return [Unknown("unused_endpoint" if endpoint is not None else reading.BAD_SHAPE)]


def by_form(result: msgspec.Raw) -> str | None:
    """The endpoint that answers with such rows."""
    try:
        first = result if begins(result, b"{") else _raws.decode(result)[0]
        keys = _object.decode(first).keys()
    except (*UNREADABLE, IndexError):
        return None
    return next((endpoint for told, endpoint in FORMS if told <= keys), None)
