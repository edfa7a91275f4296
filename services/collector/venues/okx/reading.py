"""From rows to messages: what the socket's pushes and the REST answers have in common.

A row names its instrument, which is looked up (spot and swap ids never coincide); a row that cannot be read is one
`Unknown` with its reason, and the others of its frame are kept.
"""

import re
from collections.abc import Callable
from itertools import pairwise
from typing import Any, Final

import msgspec

from services.collector.messages import Message, Replayed, Unknown
from services.collector.normalise import BadNumber
from services.collector.table import Listed, Table
from services.collector.typed_rows import UNREADABLE, Rows
from services.collector.venue import DecoderOptions
from services.collector.venues.okx import rows
from services.collector.venues.okx.instruments import LISTED_TYPES
from shared.events import Source

TICKERS: Final = "tickers"
BEST: Final = "bbo-tbt"
#: dated contracts, options, and swaps that are settled in their coin
FOREIGN: Final = re.compile(r".+-\d{6}(?:-.+)?|[^_]+-USD-SWAP")
#: a trade of a topic's first push that is older than this was not made just now
REPLAYED_NS: Final = 3_000_000_000


class Named(msgspec.Struct, rename="camel", gc=False):
    """As much of a row as names it."""

    inst_id: str | None = None
    instrument_id: str | None = msgspec.field(default=None, name="instrument_id")


_named: Final = msgspec.json.Decoder(Named)


class Reader:
    """What the readers of one connection share: the table, and which channel makes quotes."""

    def __init__(self, table: Table, options: DecoderOptions) -> None:
        self.table = table
        self.quote_channel = dict(options.quote_channel)
        #: the trade topics that have sent something on this connection
        self.started: set[str] = set()

    def find(self, native: str) -> Listed | None:
        return self.table.perp.get(native) or self.table.spot.get(native)

    def missing(self, native: str, inst_type: str | None = None) -> Unknown:
        """Why a native id has no row: listed but not ours, of a kind that is none of ours, withheld, or not listed."""
        if (inst_type and inst_type not in LISTED_TYPES) or FOREIGN.fullmatch(native):
            return Unknown("out_of_scope", native)
        return self.table.missing(native, "perp", "spot")

    def quotes(self, channel: str, listed: Listed) -> bool:
        return self.quote_channel.get(listed.instrument.market, BEST) == channel


def native_of(raw: bytes | msgspec.Raw) -> str | None:
    """The instrument that a row names, however broken the rest of it is."""
    try:
        row = _named.decode(raw)
    except UNREADABLE:
        return None
    return row.inst_id or row.instrument_id


TICKER_ROWS: Final = Rows(rows.TickerRow, native_of)
BOOK_ROWS: Final = Rows(rows.BookRow, native_of)
TRADE_ROWS: Final = Rows(rows.TradeRow, native_of)
MARK_ROWS: Final = Rows(rows.MarkRow, native_of)
INDEX_ROWS: Final = Rows(rows.IndexRow, native_of)
FUNDING_ROWS: Final = Rows(rows.FundingRow, native_of)
SETTLED_ROWS: Final = Rows(rows.SettledRow, native_of)
INTEREST_ROWS: Final = Rows(rows.InterestRow, native_of)
FORCED_ROWS: Final = Rows(rows.ForcedRow, native_of)
FORCED_ORDERS: Final = Rows(rows.ForcedOrder, native_of)
LISTED_ROWS: Final = Rows(Named, native_of)


def per_row(reader: Reader, found: list[Any], make: Callable[[Any, Listed], list[Message]]) -> list[Message]:
    """The messages of rows that name their instrument, in order."""
    out: list[Message] = []
    for row in found:
        if isinstance(row, Unknown):
            out.append(row)
            continue
        listed = reader.find(row.inst_id)
        if listed is None:
            out.append(reader.missing(row.inst_id, getattr(row, "inst_type", None)))
            continue
        try:
            out += make(row, listed)
        except BadNumber:
            out.append(Unknown("bad_number", row.inst_id))
    return out


def tickers(reader: Reader, found: list[Any], recv: int, source: Source) -> list[Message]:
    def make(row: rows.TickerRow, at: Listed) -> list[Message]:
        out: list[Message] = []
        if source == "rest" or reader.quotes(TICKERS, at):
            out.append(rows.quote(row, at, recv, source))
        out.append(rows.stats(row, at, recv, source))
        return out

    return per_row(reader, found, make)


def perp_only(make: Callable[[Any, Listed], Message]) -> Callable[[Any, Listed], list[Message]]:
    """For what only a perpetual has: a margin pair's mark price, say, is out of scope."""

    def made(row: Any, at: Listed) -> list[Message]:
        if at.instrument.market != "perp":
            return [Unknown("out_of_scope", row.inst_id)]
        return [make(row, at)]

    return made


def marks(reader: Reader, found: list[Any], recv: int, source: Source) -> list[Message]:
    return per_row(reader, found, perp_only(lambda row, at: rows.mark(row, at, recv, source)))


def fundings(reader: Reader, found: list[Any], recv: int, source: Source) -> list[Message]:
    return per_row(reader, found, perp_only(lambda row, at: rows.funding(row, at, recv, source)))


def interests(reader: Reader, found: list[Any], recv: int, source: Source) -> list[Message]:
    return per_row(reader, found, perp_only(lambda row, at: rows.interest(row, at, recv, source)))


def trades(reader: Reader, found: list[Any], recv: int, source: Source) -> list[Message]:
    """A trade topic begins with the last trade there was, however old: what is old in its first push is replayed."""

    def make(row: rows.TradeRow, at: Listed) -> list[Message]:
        one = rows.trade(row, at, recv)
        first = source == "ws" and row.inst_id not in begun
        reader.started.add(row.inst_id)
        return [Replayed(one) if first and one.ts is not None and recv - one.ts > REPLAYED_NS else one]

    begun = frozenset(reader.started)
    return per_row(reader, found, make)


def settlements(reader: Reader, found: list[Any], recv: int, _source: Source) -> list[Message]:
    """Payments, the newest first."""
    below = {id(row): older for row, older in pairwise(found)}
    return per_row(reader, found, perp_only(lambda row, at: rows.settlement(row, below.get(id(row)), at, recv)))


def indices(reader: Reader, found: list[Any], recv: int, source: Source) -> list[Message]:
    """An index is no instrument: its price goes to every perpetual that is margined on it.

    Over REST all indices of a quote currency come at once, most of them of no perpetual: that is no surprise.
    """
    out: list[Message] = []
    for row in found:
        if isinstance(row, Unknown):
            out.append(row)
            continue
        perps = reader.table.perp_aliases.get(row.inst_id)
        if not perps:
            out.append(Unknown("unused_index", row.inst_id) if source == "rest" else reader.missing(row.inst_id))
            continue
        try:
            out += [rows.index(row, at, recv, source) for at in perps]
        except BadNumber:
            out.append(Unknown("bad_number", row.inst_id))
    return out


def forced(reader: Reader, found: list[Any], recv: int, _source: Source) -> list[Message]:
    def make(row: rows.ForcedRow, at: Listed) -> list[Message]:
        if at.instrument.market != "perp":  # a loan, whose size may be in either currency
            return [Unknown("out_of_scope", row.inst_id)]
        out: list[Message] = []
        for raw in row.details:
            try:
                orders = FORCED_ORDERS.read(b"[" + bytes(raw) + b"]")
                out += [o if isinstance(o, Unknown) else rows.forced(o, at, recv) for o in orders]
            except BadNumber:
                out.append(Unknown("bad_number", row.inst_id))
        return out

    return per_row(reader, found, make)


def books(
    reader: Reader, native: str, data: bytes | msgspec.Raw, action: str, recv: int, source: Source, limit: int | None
) -> list[Message]:
    """Books of one instrument, cut at `limit` levels. A bad level spoils the whole row: a book with a hole is none."""
    listed = reader.find(native)
    if listed is None:
        return [reader.missing(native)]
    out: list[Message] = []
    for row in BOOK_ROWS.read(data):
        if isinstance(row, Unknown):
            out.append(Unknown(row.reason, native))
            continue
        try:
            if action == "update":
                out.append(rows.delta(row, listed, recv))
            else:
                out.append(rows.snapshot(row, listed, recv, source, limit))
        except BadNumber:
            out.append(Unknown("bad_number", native))
    return out


def best(reader: Reader, native: str, found: list[Any], recv: int) -> list[Message]:
    listed = reader.find(native)
    if listed is None:
        return [reader.missing(native)]
    if not reader.quotes(BEST, listed):
        return [Unknown("other_quote_channel", native)]
    out: list[Message] = []
    for row in found:
        if isinstance(row, Unknown):
            out.append(Unknown(row.reason, native))
            continue
        try:
            out.append(rows.top(row, listed, recv))
        except BadNumber:
            out.append(Unknown("bad_number", native))
    return out


RowsReader = Callable[[Reader, list[Any], int, Source], list[Message]]

#: channel -> how to read its rows, and what to make of them
CHANNELS: Final[dict[str, tuple[Rows, RowsReader]]] = {
    TICKERS: (TICKER_ROWS, tickers),
    "trades": (TRADE_ROWS, trades),
    "trades-all": (TRADE_ROWS, trades),
    "mark-price": (MARK_ROWS, marks),
    "index-tickers": (INDEX_ROWS, indices),
    "funding-rate": (FUNDING_ROWS, fundings),
    "open-interest": (INTEREST_ROWS, interests),
    "liquidation-orders": (FORCED_ROWS, forced),
}
