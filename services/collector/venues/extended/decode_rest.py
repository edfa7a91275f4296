"""REST bodies -> messages: `{"status": "OK", "data": …}`, or an error. The market may be in the path alone."""

import re
from typing import Any, Final

import msgspec

from services.collector.messages import Message, Refused, Unknown
from services.collector.normalise import BadNumber
from services.collector.table import Table
from services.collector.typed_rows import UNREADABLE
from services.collector.venue import Request
from services.collector.venues.extended import rows
from services.collector.venues.extended.instruments import OK
from services.collector.venues.extended.rows import Figures, Rate

MARKETS_PATH: Final = "/api/v1/info/markets"
_OF_MARKET: Final = re.compile(r"/api/v1/info/(?:markets/(?P<m>[^/]+)/(?P<what>stats|orderbook)|(?P<f>[^/]+)/funding)")


class Error(msgspec.Struct):
    code: int | str | None = None
    message: str | None = None


class _Body(msgspec.Struct):
    status: str
    data: msgspec.Raw = msgspec.Raw(b"")
    error: Error | None = None


class _Level(msgspec.Struct, gc=False):
    price: str
    qty: str


class _Book(msgspec.Struct):
    market: str
    bid: list[_Level]
    ask: list[_Level]


class _Market(msgspec.Struct, rename="camel"):
    name: str
    market_stats: Figures = msgspec.field(default_factory=Figures)


class _Name(msgspec.Struct):
    name: str = ""
    m: str = ""
    market: str = ""


_body: Final = msgspec.json.Decoder(_Body)
_book: Final = msgspec.json.Decoder(_Book)
_market: Final = msgspec.json.Decoder(_Market)
_figures: Final = msgspec.json.Decoder(Figures)
_rate: Final = msgspec.json.Decoder(Rate)
_name: Final = msgspec.json.Decoder(_Name)
_list: Final = msgspec.json.Decoder(list[msgspec.Raw])
_any: Final = msgspec.json.Decoder()


class Rest:
    """Decodes REST bodies: `(body, recv, request) -> messages`."""

    def __init__(self, table: Table) -> None:
        self._table, self._get = table, table.getter("perp")

    def __call__(self, body: bytes, recv: int, request: Request) -> list[Message]:
        try:
            read = _body.decode(body)
        except UNREADABLE as error:
            return [Unknown("bad_shape" if isinstance(error, msgspec.ValidationError) else "not_json")]
        if read.error is not None:
            return [refused(read.error)]
        if read.status != OK or not read.data:
            return [Unknown("bad_shape")]
        path = request.endpoint.rstrip("/")
        if path == MARKETS_PATH:
            return self._each(read.data, recv, self._of_market)
        found = _OF_MARKET.fullmatch(path)
        if found is None:
            return [Unknown("unused_endpoint")]
        if found["f"] is not None:
            return self._each(read.data, recv, self._paid)
        return self._guarded(read.data, recv, self._top if found["what"] == "orderbook" else self._stats(found["m"]))

    def _each(self, data: msgspec.Raw, recv: int, make: Any) -> list[Message]:
        try:
            parts = _list.decode(data)
        except UNREADABLE:
            return [Unknown("bad_shape")]
        return [message for part in parts for message in self._guarded(part, recv, make)] or [Unknown("empty")]

    def _guarded(self, part: msgspec.Raw, recv: int, make: Any) -> list[Message]:
        """One row: what is bad about it is one `Unknown`."""
        try:
            made: list[Message] = make(part, recv)
        except UNREADABLE:
            return [Unknown("bad_shape", native_of(part))]
        except BadNumber:
            return [Unknown("bad_number", native_of(part))]
        return made

    def _of_market(self, part: msgspec.Raw, recv: int) -> list[Message]:
        row = _market.decode(part)
        listed = self._get(row.name)
        if listed is None:
            return [self._table.missing(row.name, "perp")]
        return rows.figures(row.market_stats, listed, recv)

    def _stats(self, native: str) -> Any:
        def make(part: msgspec.Raw, recv: int) -> list[Message]:
            row, listed = _figures.decode(part), self._get(native)
            return [self._table.missing(native, "perp")] if listed is None else rows.figures(row, listed, recv)

        return make

    def _paid(self, part: msgspec.Raw, recv: int) -> list[Message]:
        row = _rate.decode(part)
        listed = self._get(row.m)
        return [self._table.missing(row.m, "perp")] if listed is None else rows.settled(row, listed, recv)

    def _top(self, part: msgspec.Raw, recv: int) -> list[Message]:
        book = _book.decode(part)
        listed = self._get(book.market)
        if listed is None:
            return [self._table.missing(book.market, "perp")]
        bids, asks = [(one.price, one.qty) for one in book.bid], [(one.price, one.qty) for one in book.ask]
        return rows.quote(bids, asks, listed, None, recv, "rest")


def refused(error: Error) -> Refused:
    return Refused(code=None if error.code is None else str(error.code), reason=error.message or "")


def recognise(data: bytes) -> Request | Unknown:
    """The call that an answer is of, by the form of its data."""
    try:
        value = _any.decode(data)
    except UNREADABLE:
        return Unknown("bad_shape")
    row = value[0] if isinstance(value, list) and value else value
    if not isinstance(row, dict):
        return Unknown("empty" if value == [] else "bad_shape")
    if row.keys() >= {"name", "assetName", "marketStats"}:
        return Request(MARKETS_PATH)
    if row.keys() >= {"market", "bid", "ask"}:
        return Request(f"{MARKETS_PATH}/{row['market']}/orderbook")
    if row.keys() == {"m", "f", "T"}:
        return Request(f"/api/v1/info/{row['m']}/funding")
    if "dailyVolume" in row:
        return Unknown("no_request")  # statistics of a market that the path names
    return Unknown("unused_endpoint")


def native_of(part: msgspec.Raw) -> str | None:
    try:
        row = _name.decode(part)
    except UNREADABLE:
        return None
    return row.name or row.m or row.market or None
