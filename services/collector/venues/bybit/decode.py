"""Frames, socket and REST, to messages.

A push has a `topic`; an answer to a request has `success` and `op`; a REST body has `retCode`. A frame never names its
market, the endpoint does: spot and perpetuals share their symbols. Where neither the connection nor the caller says it,
the frame's form sometimes does (`market_of`).

Never raises: what cannot be read is one `Unknown` with its reason, and the good rows of its frame are kept.
"""

from typing import Any, Final

import msgspec

from services.collector.messages import Ack, Message, Pong, Refused, Relist, Unknown
from services.collector.normalise import BadNumber
from services.collector.table import Table
from services.collector.typed_rows import UNREADABLE
from services.collector.venue import Decode, DecoderOptions, Request
from services.collector.venues.bybit import rows
from services.collector.venues.bybit.answers import answer, channel_of
from services.collector.venues.bybit.decode_rest import Rest, is_old
from services.collector.venues.bybit.rows import BEST, DEPTHS, MS, TICKERS, Reader
from services.collector.venues.bybit.shapes import BookFrame, Frame, TickerFrame
from services.collector.venues.bybit.tickers import Tickers
from shared.instruments import Market

MARKETS: Final[tuple[Market, ...]] = ("spot", "perp")
#: the socket endpoints and what they carry
ENDPOINT_MARKET: Final[dict[str, Market]] = {"spot": "spot", "linear": "perp"}
#: channels of interfaces that are gone: the second (until 2022), and the first liquidations of this one (until 2025-02)
OLD: Final = frozenset(
    {"trade", "orderBookL2_25", "orderBook_200", "instrument_info", "klineV2", "candle", "liquidation"}
)
_BEST_PREFIX: Final = b'{"topic":"orderbook.1.'
_TICKER_PREFIX: Final = b'{"topic":"tickers.'
#: what is said of a symbol says it of one market's listing
_OF_A_MARKET: Final = frozenset(
    {"unknown_symbol", "out_of_scope", "quarantined", "no_snapshot", "other_market", "bad_number"}
)

_book: Final = msgspec.json.Decoder(BookFrame)
_ticker: Final = msgspec.json.Decoder(TickerFrame)
_frame: Final = msgspec.json.Decoder(Frame)
_keys: Final = msgspec.json.Decoder(dict[str, Any])


def decoder(table: Table, options: DecoderOptions) -> Decode:
    """Makes the `decode` of one connection. With neither endpoint nor market each frame is asked for its market."""
    market = options.market
    if market is None and options.endpoint is not None:
        market = ENDPOINT_MARKET.get(options.endpoint)
    readers: dict[Market, Reader] = {m: Reader(table, options, m) for m in MARKETS}
    rest = Rest(readers, market)
    if market is not None:
        return _one_market(readers[market], rest)
    spot, perp = _one_market(readers["spot"], rest), _one_market(readers["perp"], rest)

    def decode(frame: bytes, recv: int, request: Request | None = None) -> list[Message]:
        if request is not None:
            return rest.read(frame, recv, request)
        told = market_of(frame)
        if told is not None:
            return (spot if told == "spot" else perp)(frame, recv)
        # answers and what is not collected read the same on both markets; prices would be a guess
        return [m if _same_on_both(m) else Unknown("no_market") for m in spot(frame, recv)]

    return decode


def _same_on_both(message: Message) -> bool:
    if isinstance(message, Unknown):  # one without a symbol is of the frame
        return message.reason not in _OF_A_MARKET or message.native is None
    return isinstance(message, Ack | Refused | Pong | Relist)


def _one_market(reader: Reader, rest: Rest) -> Decode:
    general = General(reader, rest)
    tickers, find, best, quoting = general.tickers, reader.find, reader.best, reader.best_quotes
    read_book, read_ticker = _book.decode, _ticker.decode

    def decode(frame: bytes, recv: int, request: Request | None = None) -> list[Message]:
        if request is not None:
            return rest.read(frame, recv, request)
        try:
            if frame.startswith(_BEST_PREFIX):
                hot = read_book(frame)
                at = find(hot.data.s)
                if at is None or not quoting or hot.type != "snapshot":
                    return general.read(frame, recv)
                return [best(hot.data, None if hot.cts is None else hot.cts * MS, at, recv)]
            if frame.startswith(_TICKER_PREFIX):
                return tickers.read(read_ticker(frame), recv)
        except BadNumber:
            return [Unknown("bad_number", rows.native_of(frame))]
        except UNREADABLE:
            pass  # told apart below
        return general.read(frame, recv)

    return decode


class General:
    """The way of any frame of one connection: whatever the fast paths do not take."""

    def __init__(self, reader: Reader, rest: Rest) -> None:
        self.tickers = Tickers(reader)
        self._reader, self._rest = reader, rest

    def read(self, frame: bytes, recv: int) -> list[Message]:
        try:
            read = _frame.decode(frame)
        except msgspec.ValidationError:
            return [Unknown("bad_shape", rows.native_of(frame))]
        except UNREADABLE:
            return [Unknown("not_json")]
        if read.topic:
            return self._push(frame, read, recv)
        if read.success is not None and not read.request:
            return answer(read)
        if read.op:
            return [Pong() if read.op == "pong" else Unknown("client_frame")]
        if read.retCode is not None:
            return self._rest.read(frame, recv, None)
        return [Unknown("old_api" if read.request or is_old(frame) else "bad_shape", rows.native_of(frame))]

    def _push(self, frame: bytes, read: Frame, recv: int) -> list[Message]:
        channel = channel_of(read.topic) or ""
        if channel == "publicTrade":
            return rows.trades(self._reader, read.data, recv)
        if channel == "allLiquidation":
            return rows.liquidations(self._reader, read.data, recv)
        if channel == BEST or channel in DEPTHS:
            return self._book(frame, channel, recv)
        if channel == TICKERS:
            try:
                return self.tickers.read(_ticker.decode(frame), recv)
            except UNREADABLE:
                return [Unknown("bad_shape", rows.native_of(frame))]
        return [Unknown("old_api" if channel.partition(".")[0] in OLD else "unused_channel", rows.native_of(frame))]

    def _book(self, frame: bytes, channel: str, recv: int) -> list[Message]:
        try:
            read = _book.decode(frame)
        except UNREADABLE:
            return [Unknown("bad_shape", rows.native_of(frame))]
        data, ts, reader = read.data, None if read.cts is None else read.cts * MS, self._reader
        at = reader.find(data.s)
        if at is None:
            return [reader.miss(data.s)]
        if read.type not in ("snapshot", "delta"):
            return [Unknown("bad_shape", data.s)]
        try:
            if channel != BEST:
                return [rows.book(data, read.type == "delta", DEPTHS[channel], ts, at, recv)]
            if read.type == "delta":  # until 2025-03: changes of a book of one level
                return [Unknown("old_api", data.s)]
            return [reader.best(data, ts, at, recv) if reader.best_quotes else Unknown("other_quote_channel", data.s)]
        except BadNumber:
            return [Unknown("bad_number", data.s)]


def topic_of(frame: bytes) -> str | None:
    try:
        return _frame.decode(frame).topic or None
    except UNREADABLE:
        return None


def market_of(frame: bytes) -> Market | None:
    """The market that a frame belongs to by its own form, None where it cannot tell (order books cannot).

    Only perpetuals have liquidations, marks and changes of tickers; only their trades tell the tick's direction in `L`.
    """
    try:
        value = _keys.decode(frame)
    except UNREADABLE:
        return None
    topic, data = value.get("topic"), value.get("data")
    channel = (channel_of(topic) or "") if isinstance(topic, str) else ""
    if channel == "allLiquidation":
        return "perp"
    if channel == TICKERS and isinstance(data, dict):
        return "perp" if value.get("type") == "delta" or "markPrice" in data or "bidPrice" in data else "spot"
    if channel == "publicTrade" and isinstance(data, list) and data and isinstance(data[0], dict):
        return "perp" if "L" in data[0] else "spot"
    result = value.get("result")
    category = result.get("category") if isinstance(result, dict) else None
    return "spot" if category == "spot" else "perp" if category == "linear" else None
