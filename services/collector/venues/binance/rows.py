"""Rows of socket frames -> messages: the conversions both markets share, and the reasons rows make none."""

from collections.abc import Callable
from itertools import chain
from typing import Any, Final

from services.collector import normalise
from services.collector.messages import (
    ROWS_AT_ONCE,
    BookDelta,
    BookSnapshot,
    Closing,
    Message,
    Relist,
    Rows,
    Unknown,
)
from services.collector.normalise import BadNumber, positive
from services.collector.table import Listed, Table
from services.collector.venue import DecoderOptions
from services.collector.venues.binance.shapes import (
    AggTrade,
    BookTicker,
    ContractInfo,
    DepthUpdate,
    ForceOrder,
    MarkPrice,
    MiniTicker,
    PartialDepth,
    ServerShutdown,
    SpotBookTicker,
    Ticker,
)
from shared.events import Funding, Liquidation, Mark, Quote, Side, Source, Stats, Trade
from shared.instruments import Market

# Reasons a row or frame makes no event.
BAD_NUMBER: Final = "bad_number"
BAD_SHAPE: Final = "bad_shape"
CLIENT_FRAME: Final = "client_frame"
EMPTY: Final = "empty"
NO_MARKET: Final = "no_market"
NO_SYMBOL: Final = "no_symbol"
NOT_JSON: Final = "not_json"
OTHER_QUOTE_CHANNEL: Final = "other_quote_channel"
OUT_OF_SCOPE: Final = "out_of_scope"
QUARANTINED: Final = "quarantined"
UNKNOWN_SYMBOL: Final = "unknown_symbol"
UNUSED_CHANNEL: Final = "unused_channel"
UNUSED_ENDPOINT: Final = "unused_endpoint"

#: what a frame without rows makes
NOTHING: Final = Unknown(EMPTY)

MS: Final = 1_000_000
#: `st` of a contract that is margined in its coin
COIN_MARGINED: Final = 2
SHUTDOWN: Final = "serverShutdown"

#: `m` of a trade, whether the buyer was the maker -> the aggressor's side
SIDE: Final[dict[bool, Side]] = {True: "sell", False: "buy"}

#: the channels that can make quotes, by the second half of their topics
BOOK_TICKER: Final = "bookTicker"
ALL_BOOK_TICKERS: Final = "!bookTicker"
TICKER: Final = "ticker"

_DELTA_STREAMS: Final = frozenset({"depth", "depth@100ms", "depth@250ms", "depth@500ms"})
#: stream -> how many levels it has
_PARTIAL_STREAMS: Final = {f"depth{n}{pace}": n for n in (5, 10, 20) for pace in ("", "@100ms", "@250ms", "@500ms")}


def channel_of_stream(stream: str) -> str:
    """The channel of a combined frame's stream name: `btcusdt@depth@100ms` -> `depth@100ms`, `!…` as it is."""
    return stream if stream.startswith("!") else stream.partition("@")[2]


def quote_channel(options: DecoderOptions, market: Market) -> str:
    """The channel whose frames make quotes."""
    return options.quote_channel.get(market, BOOK_TICKER)


class RowDecoder:
    """Makes messages of the typed rows of one market's frames."""

    def __init__(self, table: Table, options: DecoderOptions, market: Market) -> None:
        self._table = table
        self._market: Market = market
        self._get = table.getter(market)
        self._quoting, self._in_parts = quote_channel(options, market), options.in_parts
        self._makers: dict[type, Callable[[Any, int, str], list[Message]]] = {
            AggTrade: self.trade,
            BookTicker: self.quote,
            SpotBookTicker: self.quote,
            DepthUpdate: self._depth,
            MarkPrice: self._mark,
            Ticker: self._ticker,
            MiniTicker: self._stats,
            ForceOrder: self._liquidation,
            ContractInfo: self._contract,
            ServerShutdown: lambda row, recv, stream: [Closing(SHUTDOWN)],
        }

    def quotes(self, channel: str) -> bool:
        """Whether the frames of this channel are the ones that make quotes."""
        return channel == self._quoting

    def miss(self, native: str, st: int = 1) -> Unknown:
        """Why a row's symbol makes no event. Dated and coin-margined contracts, and only they, have an underscore:
        the latter are in no listing of ours, and are known by it in recordings from before `st`.
        """
        if st == COIN_MARGINED or native in self._table.outside or "_" in native:
            return Unknown(OUT_OF_SCOPE, native)
        return Unknown(QUARANTINED if self._table.withheld(self._market, native) else UNKNOWN_SYMBOL, native)

    def listed(self, native: str, st: int) -> Listed | None:
        return None if st == COIN_MARGINED else self._get(native)

    def one(self, row: Any, recv: int, stream: str) -> list[Message]:
        """Messages of one typed row; a bad number is one `Unknown`."""
        try:
            return self._makers[type(row)](row, recv, stream)
        except BadNumber:
            return [Unknown(BAD_NUMBER, row.o.s if type(row) is ForceOrder else row.s)]

    def all(self, data: Any, recv: int, stream: str) -> list[Message]:
        """Messages of a frame's content: one typed row or an array of them."""
        if type(data) is not list:
            return self.one(data, recv, stream)
        each = chain.from_iterable(self.one(row, recv, stream) for row in data)
        if self._in_parts and len(data) > ROWS_AT_ONCE:
            return [Rows(each)]
        return list(each) or [NOTHING]

    def quote(self, row: BookTicker | SpotBookTicker, recv: int, stream: str) -> list[Message]:
        """The plain way to a quote; `quick.py` has the same for most of them.

        The futures stream of all tickers is a slow one, a channel of its own; the spot one, which is retired, was as
        fast as the others.
        """
        futures = type(row) is BookTicker
        ts, st = (row.T * MS, row.st) if type(row) is BookTicker else (None, 1)
        listed = self.listed(row.s, st)
        if listed is None:
            return [self.miss(row.s, st)]
        if not self.quotes(ALL_BOOK_TICKERS if futures and stream == ALL_BOOK_TICKERS else BOOK_TICKER):
            return [Unknown(OTHER_QUOTE_CHANNEL, row.s)]
        return [Quote(listed.symbol, *normalise.sides(row.b, row.B, row.a, row.A, listed), ts, recv, "ws", row.u)]

    def partial(self, row: PartialDepth, recv: int, stream: str) -> list[Message]:
        """A whole top of book whose symbol only the stream names; topics are the lower case of the symbol."""
        limit = _PARTIAL_STREAMS.get(channel_of_stream(stream))
        if limit is None:
            return [Unknown(UNUSED_CHANNEL if stream else NO_SYMBOL)]
        native = stream.partition("@")[0].upper()
        listed = self._get(native)
        if listed is None:
            return [self.miss(native)]
        try:
            bids, asks = normalise.levels(row.bids, listed), normalise.levels(row.asks, listed)
        except BadNumber:
            return [Unknown(BAD_NUMBER, native)]
        return [BookSnapshot(listed.symbol, bids, asks, row.last_update_id, None, recv, limit=limit)]

    def trade(self, row: AggTrade, recv: int, stream: str) -> list[Message]:
        listed = self.listed(row.s, row.st)
        if listed is None:
            return [self.miss(row.s, row.st)]
        price, size = positive(row.p, row.q, listed)
        return [Trade(listed.symbol, price, size, SIDE[row.m], str(row.a), row.T * MS, recv)]

    def _depth(self, row: DepthUpdate, recv: int, stream: str) -> list[Message]:
        listed = self.listed(row.s, row.st)
        if listed is None:
            return [self.miss(row.s, row.st)]
        channel = channel_of_stream(stream)
        bids, asks = normalise.levels(row.b, listed), normalise.levels(row.a, listed)
        ts = (row.E if row.T is None else row.T) * MS
        if channel in _PARTIAL_STREAMS:  # futures send the top of the book in the form of a change
            limit = _PARTIAL_STREAMS[channel]
            return [BookSnapshot(listed.symbol, bids, asks, row.u, ts, recv, limit=limit)]
        if channel and channel not in _DELTA_STREAMS:  # the book with retail orders is another book
            return [Unknown(UNUSED_CHANNEL, row.s)]
        return [BookDelta(listed.symbol, bids, asks, row.U, row.u, row.pu, ts, recv)]

    def _mark(self, row: MarkPrice, recv: int, stream: str) -> list[Message]:
        listed = self.listed(row.s, row.st)
        if listed is None:
            return [self.miss(row.s, row.st)]
        return mark_and_funding(listed, row.p, row.i, row.r, row.T, row.E * MS, recv, "ws")

    def _ticker(self, row: Ticker, recv: int, stream: str) -> list[Message]:
        made, listed = self._stats(row, recv, stream), self.listed(row.s, row.st)
        if listed is not None and row.b is not None and self.quotes(TICKER):
            numbers = normalise.sides(row.b, row.B or "", row.a or "", row.A or "", listed)
            made.append(Quote(listed.symbol, *numbers, row.E * MS, recv))
        return made

    def _stats(self, row: Ticker | MiniTicker, recv: int, stream: str) -> list[Message]:
        listed = self.listed(row.s, row.st)
        if listed is None:
            return [self.miss(row.s, row.st)]
        volume, turnover = normalise.size(row.v, listed), normalise.rate(row.q)
        return [Stats(listed.symbol, normalise.price(row.c, listed), volume, turnover, None, row.E * MS, recv)]

    def _liquidation(self, row: ForceOrder, recv: int, stream: str) -> list[Message]:
        order = row.o
        listed = self.listed(order.s, row.st)
        if listed is None:
            return [self.miss(order.s, row.st)]
        if order.S not in ("BUY", "SELL"):
            return [Unknown(BAD_SHAPE, order.s)]
        price, size = positive(order.ap, order.z, listed)
        side: Side = "buy" if order.S == "BUY" else "sell"
        return [Liquidation(listed.symbol, side, price, size, order.T * MS, recv, None, "fill")]

    def _contract(self, row: ContractInfo, recv: int, stream: str) -> list[Message]:
        if row.st == COIN_MARGINED:
            return [Unknown(OUT_OF_SCOPE, row.s)]
        return [Relist(row.s, f"contractInfo {row.cs}".strip())]


def mark_and_funding(
    listed: Listed,
    mark: str | None,
    index: str | None,
    rate: str | None,
    next_ms: int,
    ts: int | None,
    recv: int,
    source: Source,
) -> list[Message]:
    """Mark and, where the contract pays funding, the rate that would settle now."""
    numbers = normalise.price(mark, listed), normalise.price(index, listed)
    made: list[Message] = []
    if numbers != (None, None):
        made.append(Mark(listed.symbol, *numbers, ts, recv, source))
    funding = normalise.rate(rate)
    if funding is not None:
        hours = listed.instrument.funding_interval_h
        due = next_ms * MS if next_ms else None
        made.append(Funding(listed.symbol, funding, hours, due, None, ts, recv, source))
    return made or [Unknown(EMPTY, listed.instrument.native)]
