"""Lighter's REST answers: `{"code": 200, …}`, the rows under a key of the endpoint's own.

The request says what was asked; a body that comes without one is told by its keys. Funding history and resting orders
do not name their market: without the request they are `no_request`.
"""

from collections.abc import Callable
from typing import Any, Final

import msgspec

from services.collector.messages import Message, Refused, Relist, Unknown
from services.collector.normalise import BadNumber
from services.collector.table import Listed, Table
from services.collector.typed_rows import UNREADABLE
from services.collector.venue import Request
from services.collector.venues.lighter import rows
from services.collector.venues.lighter.instruments import OK
from services.collector.venues.lighter.reading import Finder, age, named, print_rows, prints_of, singly
from services.collector.venues.lighter.shapes import BulkRate, Details, Order, Paid, Print

API: Final = "/api/v1/"
#: codes of refusals: too much was asked
BUSY: Final = frozenset({"23000", "23001", "23002", "23003"})
#: the table of rates holds other exchanges' as well
OURS: Final = "lighter"


class Body(msgspec.Struct):
    code: int | str
    message: str | None = None
    order_book_details: msgspec.Raw = msgspec.Raw(b"")
    spot_order_book_details: msgspec.Raw = msgspec.Raw(b"")
    order_books: msgspec.Raw = msgspec.Raw(b"")
    fundings: msgspec.Raw = msgspec.Raw(b"")
    funding_rates: msgspec.Raw = msgspec.Raw(b"")
    trades: msgspec.Raw = msgspec.Raw(b"")
    bids: msgspec.Raw = msgspec.Raw(b"")
    asks: msgspec.Raw = msgspec.Raw(b"")


_body: Final = msgspec.json.Decoder(Body)
_any: Final = msgspec.json.Decoder()
_details: Final = msgspec.json.Decoder(Details)
_paid: Final = msgspec.json.Decoder(Paid)
_rate: Final = msgspec.json.Decoder(BulkRate)
_orders: Final = msgspec.json.Decoder(list[Order] | None)


class Rest(Finder):
    """Makes messages of REST bodies. Remembers the status of each market, to tell when one changes."""

    def __init__(self, table: Table) -> None:
        super().__init__(table)
        self._statuses: dict[str, str] = {}
        self._by_path: dict[str, Callable[[Body, int, Request | None], list[Message]]] = {
            f"{API}orderBookDetails": self._markets,
            f"{API}orderBooks": lambda body, recv, request: [Relist(None, "listing")],
            f"{API}fundings": self._fundings,
            f"{API}funding-rates": self._rates,
            f"{API}recentTrades": self._trades,
            f"{API}trades": self._trades,
            f"{API}orderBookOrders": self._orders,
        }

    def __call__(self, frame: bytes, recv: int, request: Request | None) -> list[Message]:
        try:
            body = _body.decode(frame)
        except msgspec.ValidationError:
            return [_explain(frame)]
        except UNREADABLE:
            return [Unknown("not_json")]
        if (code := str(body.code)) != str(OK):
            return [Refused(None, None, code, body.message or "", busy=code in BUSY)]
        path = request.endpoint if request is not None else _path_by_form(body)
        make = self._by_path.get(path or "")
        if make is None:
            return [Unknown("unused_endpoint")]
        return make(body, recv, request) or [Unknown("empty")]

    def _markets(self, body: Body, recv: int, request: Request | None) -> list[Message]:
        found: list[Any] = []
        for raw in (body.order_book_details, body.spot_order_book_details):
            found += singly(raw, _details) if raw else ()
        made = self.per_row(
            found, lambda row, at: rows.without_none([rows.details(row, at, recv)], at.instrument.native)
        )
        whole = request is None or "market_id" not in request.params
        return [*made, *self._changes({str(r.market_id): r.status for r in found if isinstance(r, Details)}, whole)]

    def _changes(self, statuses: dict[str, str], whole: bool) -> list[Message]:
        """Markets that came, went or changed their status since the last body; of the first body all are known."""
        before = self._statuses
        if not statuses:
            return []
        if not before:
            self._statuses = statuses if whole else {}
            return []
        changed = [native for native, status in statuses.items() if before.get(native) != status]
        changed += [native for native in before if whole and native not in statuses]
        self._statuses = statuses if whole else {**before, **statuses}
        if not changed:
            return []
        return [Relist(changed[0] if len(changed) == 1 else None, "markets changed")]

    def _fundings(self, body: Body, recv: int, request: Request | None) -> list[Message]:
        native = _asked(request)
        if native is None:
            return [Unknown("no_request")]
        listed = self.find(native)
        if listed is None:
            return [self.missing(native)]
        made: list[Message] = []
        for row in singly(body.fundings or msgspec.Raw(b"null"), _paid):
            try:
                made.append(row if isinstance(row, Unknown) else rows.paid(row, listed, recv))
            except BadNumber:
                made.append(Unknown("bad_number", native))
        return made

    def _rates(self, body: Body, recv: int, _request: Request | None) -> list[Message]:
        def make(row: BulkRate, listed: Listed) -> list[Message]:
            if listed.instrument.market != "perp":
                return [Unknown("out_of_scope", str(row.market_id))]
            return [rows.bulk_rate(row, listed, recv)]

        out: list[Message] = []
        for row in singly(body.funding_rates or msgspec.Raw(b"null"), _rate):
            if isinstance(row, BulkRate) and row.exchange != OURS:
                out.append(Unknown("other_exchange", str(row.market_id)))
            else:
                out += self.per_row([row], make)
        return out

    def _trades(self, body: Body, recv: int, _request: Request | None) -> list[Message]:
        found = print_rows(body.trades or msgspec.Raw(b"null"))
        good = sorted((row for row in found if isinstance(row, Print)), key=age)
        return self.per_row([*good, *(row for row in found if not isinstance(row, Print))], prints_of(recv))

    def _orders(self, body: Body, recv: int, request: Request | None) -> list[Message]:
        native = _asked(request)
        if native is None:
            return [Unknown("no_request")]
        listed = self.find(native)
        if listed is None:
            return [self.missing(native)]
        try:
            bids, asks = (_orders.decode(raw or msgspec.Raw(b"[]")) or [] for raw in (body.bids, body.asks))
            return [rows.best_of(bids, asks, listed, recv)]
        except UNREADABLE:
            return [Unknown("bad_shape", native)]
        except BadNumber:
            return [Unknown("bad_number", native)]


def _asked(request: Request | None) -> str | None:
    return None if request is None else request.params.get("market_id") or None


def _path_by_form(body: Body) -> str | None:
    """The endpoint that answers with such keys."""
    if body.order_book_details or body.spot_order_book_details:
        return f"{API}orderBookDetails"
    for found, path in (
        (body.order_books, "orderBooks"),
        (body.fundings, "fundings"),
        (body.funding_rates, "funding-rates"),
        (body.trades, "trades"),
        (body.bids and body.asks, "orderBookOrders"),
    ):
        if found:
            return API + path
    return None


#: keys of rows that do not name their market: candles
CANDLE: Final = frozenset({"t", "o", "h", "l", "c"})


def _explain(frame: bytes) -> Unknown:
    """Why a body without a code cannot be used: the two calls that tell the exchange's state have none."""
    try:
        value = _any.decode(frame)
    except UNREADABLE:
        return Unknown("not_json")
    if not isinstance(value, dict):
        return Unknown("bad_shape")
    if "network_id" in value:
        return Unknown("unused_endpoint")
    native = named(frame)
    return Unknown("bare_row" if native is not None or value.keys() >= CANDLE else "bad_shape", native)
