"""From pushes to messages: what the channels of both versions have in common.

A push is `{"action", "arg", "data": [row, ...], "ts"}`; v2's `arg` names the channel and `instId`, v3's the topic and
`symbol`. Spot pairs and perpetuals share their ids, so an instrument is looked up in the market of its product. A row
that cannot be read is one `Unknown` with its reason, and the others of its frame are kept.
"""

from collections.abc import Callable, Iterable
from typing import Any, Final

import msgspec

from services.collector.messages import Message, Replayed, Unknown
from services.collector.normalise import BadNumber
from services.collector.table import Listed, Table
from services.collector.typed_rows import Rows
from services.collector.venue import DecoderOptions
from services.collector.venues.bitget import rows
from services.collector.venues.bitget.shapes import (
    Arg,
    BestRow,
    BookRow,
    ForcedRow,
    TickerRow,
    TradeRow,
    UnifiedBestRow,
    UnifiedBookRow,
    UnifiedTickerRow,
    UnifiedTradeRow,
    native_of,
)
from services.collector.venues.bitget.topics import FOREIGN, LIQUIDATION, MARKET, OLD, SETTLE
from shared.instruments import Market

BEST: Final = "books1"
TICKER: Final = "ticker"
TRADES: Final = frozenset({"trade", "publicTrade"})
BOOKS: Final = "books"
ACTIONS: Final = frozenset({"snapshot", "update"})
#: pictures of so many levels
PICTURES: Final = {"books5": 5, "books15": 15, "books50": 50}
USED: Final = frozenset({BEST, TICKER, BOOKS, *TRADES, *PICTURES})

Make = Callable[[Any, Listed], list[Message]]


BEST_ROWS: Final = Rows(BestRow, native_of, bare=True)
UNIFIED_BEST_ROWS: Final = Rows(UnifiedBestRow, native_of, bare=True)
BOOK_ROWS: Final = Rows(BookRow, native_of, bare=True)
UNIFIED_BOOK_ROWS: Final = Rows(UnifiedBookRow, native_of, bare=True)
TICKER_ROWS: Final = Rows(TickerRow, native_of, bare=True)
UNIFIED_TICKER_ROWS: Final = Rows(UnifiedTickerRow, native_of, bare=True)
TRADE_ROWS: Final = Rows(TradeRow, native_of, bare=True)
UNIFIED_TRADE_ROWS: Final = Rows(UnifiedTradeRow, native_of, bare=True)
FORCED_ROWS: Final = Rows(ForcedRow, native_of, bare=True)


class Reader:
    """What the readers of one connection share: the table, which channel makes quotes, v3's tickers so far."""

    def __init__(self, table: Table, options: DecoderOptions) -> None:
        self.table = table
        self._quote_channel = dict(options.quote_channel)
        self._tickers: dict[tuple[str, str], UnifiedTickerRow] = {}

    def find(self, product: str, native: str) -> Listed | Unknown:
        """The instrument, or why there is none. Product "": any perpetual, whatever it settles in."""
        if product in OLD:
            return Unknown("old_api", native or None)
        market = MARKET.get(product) if product else "perp"
        if market is None:
            return Unknown("out_of_scope" if product in FOREIGN else "bad_shape", native or None)
        listed = self.table.market(market).get(native)
        if listed is not None and not (product and listed.instrument.settle != SETTLE.get(product)):
            return listed
        if native in self.table.outside:
            return Unknown("out_of_scope", native)
        return Unknown("quarantined" if self.table.withheld(market, native) else "unknown_symbol", native or None)

    def quote_channel(self, market: Market) -> str:
        return self._quote_channel.get(market, BEST)

    def quotes(self, channel: str, listed: Listed) -> bool:
        return self.quote_channel(listed.instrument.market) == channel

    def whole(self, key: tuple[str, str], row: UnifiedTickerRow, *, update: bool) -> bool:
        """Put what was known into a ticker of v3: an update leaves out what did not change. False: nothing was."""
        known = self._tickers.get(key)
        if update:
            if known is None:
                return False
            for field in row.__struct_fields__:
                if getattr(row, field) is None:
                    setattr(row, field, getattr(known, field))
        self._tickers[key] = row
        return True

    def forget(self, key: tuple[str, str]) -> None:
        """A ticker could not be read: what it changed is not known any more."""
        self._tickers.pop(key, None)


def each(found: Iterable[Any], listed: Listed, native: str, make: Make) -> list[Message]:
    """The messages of the rows of one instrument, in order."""
    out: list[Message] = []
    for row in found:
        if isinstance(row, Unknown):
            out.append(Unknown(row.reason, native))
            continue
        try:
            out += make(row, listed)
        except BadNumber:
            out.append(Unknown("bad_number", native))
    return out


def per_row(reader: Reader, product: str, found: Iterable[Any], make: Make) -> list[Message]:
    """The messages of rows that name their instrument themselves, in order."""
    out: list[Message] = []
    for row in found:
        if isinstance(row, Unknown):
            out.append(row)
            continue
        listed = reader.find(product, row.symbol or "")
        out += [listed] if isinstance(listed, Unknown) else each((row,), listed, row.symbol, make)
    return out


def push(reader: Reader, action: str, arg: Arg, data: msgspec.Raw, recv: int) -> list[Message]:
    """The messages of one push of any channel of either version."""
    unified = not arg.channel
    channel, native, product = arg.channel or arg.topic, arg.inst_id or arg.symbol, arg.inst_type.upper()
    if action not in ACTIONS or not product or not channel:
        return [Unknown("old_api" if product in OLD else "bad_shape", native or None)]
    if channel == LIQUIDATION and product in MARKET:
        return per_row(reader, product, FORCED_ROWS.read(data), lambda row, at: [rows.forced(row, at, recv)])
    if channel not in USED and product in MARKET:
        return [Unknown("unused_channel", native or None)]
    listed = reader.find(product, native)
    if isinstance(listed, Unknown):
        return [listed]
    if channel == BEST:
        return best(reader, listed, native, (UNIFIED_BEST_ROWS if unified else BEST_ROWS).read(data), recv)
    if channel == BOOKS or channel in PICTURES:
        return books(listed, native, (UNIFIED_BOOK_ROWS if unified else BOOK_ROWS).read(data), channel, action, recv)
    if channel == TICKER:
        found = (UNIFIED_TICKER_ROWS if unified else TICKER_ROWS).read(data)
        return tickers(reader, listed, (product, native), found, action, recv)
    return trades(listed, native, (UNIFIED_TRADE_ROWS if unified else TRADE_ROWS).read(data), action, recv)


def best(reader: Reader, listed: Listed, native: str, found: list[Any], recv: int) -> list[Message]:
    """One side may be left out; a row with neither is none of a book."""
    if not reader.quotes(BEST, listed):
        return [Unknown("other_quote_channel", native)]

    def make(row: Any, at: Listed) -> list[Message]:
        if row.bids is None and row.asks is None:
            return [Unknown("bad_shape", native)]
        return [rows.top(row, at, recv)]

    return each(found, listed, native, make)


def books(listed: Listed, native: str, found: list[Any], channel: str, action: str, recv: int) -> list[Message]:
    """One bad level spoils the whole row: a book with a hole is no book."""
    if channel == BOOKS and action == "update":
        return each(found, listed, native, lambda row, at: [rows.delta(row, at, recv)])
    limit = PICTURES.get(channel)
    return each(found, listed, native, lambda row, at: [rows.snapshot(row, at, recv, limit)])


def tickers(
    reader: Reader, listed: Listed, key: tuple[str, str], found: list[Any], action: str, recv: int
) -> list[Message]:
    quotes = reader.quotes(TICKER, listed)

    def make(row: Any, at: Listed) -> list[Message]:
        if not isinstance(row, UnifiedTickerRow):
            return rows.ticker(row, at, recv, "ws", quotes=quotes)
        whole = reader.whole(key, row, update=action == "update")
        try:
            return rows.ticker(row, at, recv, "ws", quotes=quotes and (whole or rows.two_sided(row)))
        except BadNumber:
            reader.forget(key)
            raise

    if any(isinstance(row, Unknown) for row in found):
        reader.forget(key)
    return each(found, listed, key[1], make)


def trades(listed: Listed, native: str, found: list[Any], action: str, recv: int) -> list[Message]:
    """Oldest first. A topic begins with the last trades there were: replayed."""

    def make(row: Any, at: Listed) -> list[Message]:
        one = rows.trade(row, at, recv)
        return [Replayed(one) if action == "snapshot" else one]

    return each(in_time(found), listed, native, make)


def in_time(found: list[Any]) -> Iterable[Any]:
    """Trades oldest first: they come newest first, unless their times say otherwise."""
    times = [row.ts for row in found if not isinstance(row, Unknown)]
    return found if times and times[0] < times[-1] else reversed(found)
