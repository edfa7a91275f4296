"""From the data of a frame or body to messages: what the socket and REST have in common.

A row names its coin, which is looked up (names of perpetuals and pairs never coincide); one that cannot be read is one
`Unknown` with its reason, and the others of its frame are kept.
"""

import zlib
from base64 import b64decode
from binascii import Error as NotBase64
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final

import msgspec

from services.collector.messages import Message, Relist, Replayed, Unknown
from services.collector.normalise import BadNumber
from services.collector.table import Listed, Table
from services.collector.typed_rows import UNREADABLE
from services.collector.venue import DecoderOptions
from services.collector.venues.hyperliquid import rows
from services.collector.venues.hyperliquid.answers import BBO
from services.collector.venues.hyperliquid.instruments import place
from shared.events import Source
from shared.instruments import Market

#: a trade of a topic's first frame that is older than this was not made just now
REPLAYED_NS: Final = 3_000_000_000
#: a compressed frame is 72 KB of text; more than this is none of the venue's
INFLATED_MAX: Final = 4 << 20
#: names of prediction markets, which are neither spot nor perpetual
OUTCOME: Final = "#"
MARKETS: Final[tuple[Market, ...]] = ("spot", "perp")


class _Named(msgspec.Struct, gc=False):
    coin: str | None = None


class AllContexts(msgspec.Struct):
    ctxs: list[tuple[str, list[msgspec.Raw]]]


class OneContext(msgspec.Struct):
    coin: str
    ctx: msgspec.Raw


_raws: Final = msgspec.json.Decoder(list[msgspec.Raw])
_named: Final = msgspec.json.Decoder(_Named)
_text: Final = msgspec.json.Decoder(str)
_bbo: Final = msgspec.json.Decoder(rows.BboRow)
_book: Final = msgspec.json.Decoder(rows.BookRow)
_trade: Final = msgspec.json.Decoder(rows.TradeRow)
_paid: Final = msgspec.json.Decoder(rows.PaidRow)
_context: Final = msgspec.json.Decoder(rows.Context)
_one_context: Final = msgspec.json.Decoder(OneContext)
_all_contexts: Final = msgspec.json.Decoder(AllContexts)
_fast: Final = msgspec.json.Decoder(dict[str, msgspec.Raw])
_fast_context: Final = msgspec.json.Decoder(rows.FastContext)


class Reader:
    """What the readers of one connection share: the table, and what was seen on it so far."""

    def __init__(self, table: Table, options: DecoderOptions) -> None:
        self.table = table
        self.quoting = {market: options.quote_channel.get(market, BBO) == BBO for market in MARKETS}
        #: the coins whose trades have begun on this connection
        self.started: set[str] = set()
        #: how many perpetuals each exchange had when it was last seen
        self.sizes: dict[str, int] = {}

    def find(self, coin: str) -> Listed | None:
        return self.table.perp.get(coin) or self.table.spot.get(coin)

    def missing(self, coin: str) -> Unknown:
        """Why a coin has no row: another instrument has its symbol, listed but not ours, or not listed."""
        if coin.startswith(OUTCOME):
            return Unknown("out_of_scope", coin)
        return self.table.missing(coin, "perp", "spot")


def coin_of(raw: bytes | msgspec.Raw) -> str | None:
    """The coin that a row names, however broken the rest of it is."""
    try:
        return _named.decode(raw).coin
    except UNREADABLE:
        return None


def one_row(
    reader: Reader, data: bytes | msgspec.Raw, decoder: Any, make: Callable[[Any, Listed], Sequence[Message]]
) -> Sequence[Message]:
    """The messages of one row that names its coin."""
    try:
        row = decoder.decode(data)
    except UNREADABLE:
        return [Unknown("bad_shape", coin_of(data))]
    listed = reader.find(row.coin)
    if listed is None:
        return [reader.missing(row.coin)]
    try:
        return make(row, listed)
    except BadNumber:
        return [Unknown("bad_number", row.coin)]


def many_rows(
    reader: Reader, data: bytes | msgspec.Raw, decoder: Any, make: Callable[[Any, Listed], Sequence[Message]]
) -> list[Message]:
    try:
        found = _raws.decode(data)
    except UNREADABLE:
        return [Unknown("bad_shape")]
    return [message for raw in found for message in one_row(reader, raw, decoder, make)] or [Unknown("empty")]


def best(reader: Reader, data: msgspec.Raw, recv: int) -> Sequence[Message]:
    def make(row: rows.BboRow, at: Listed) -> Sequence[Message]:
        if not reader.quoting[at.instrument.market]:
            return [Unknown("other_quote_channel", row.coin)]
        return [rows.quote(row, at, recv)]

    return one_row(reader, data, _bbo, make)


def book(reader: Reader, data: bytes | msgspec.Raw, recv: int, source: Source) -> Sequence[Message]:
    """A book; one over REST says the quote too."""

    def make(row: rows.BookRow, at: Listed) -> Sequence[Message]:
        whole = rows.snapshot(row, at, recv, source)
        return [whole] if source == "ws" else [rows.top(row, at, recv), whole]

    return one_row(reader, data, _book, make)


def trades(reader: Reader, data: bytes | msgspec.Raw, recv: int, source: Source) -> list[Message]:
    """A topic begins with the trades of the last twenty seconds: what is old in its first frame is replayed."""

    def make(row: rows.TradeRow, at: Listed) -> Sequence[Message]:
        one = rows.trade(row, at, recv)
        old = source == "ws" and row.coin not in begun and one.ts is not None and recv - one.ts > REPLAYED_NS
        reader.started.add(row.coin)
        return [Replayed(one) if old else one]

    begun = frozenset(reader.started)
    return many_rows(reader, data, _trade, make)


def settlements(reader: Reader, data: bytes, recv: int) -> list[Message]:
    def make(row: rows.PaidRow, at: Listed) -> Sequence[Message]:
        if at.instrument.market != "perp":
            return [Unknown("out_of_scope", row.coin)]
        return [rows.settlement(row, at, recv)]

    return many_rows(reader, data, _paid, make)


# ---- contexts: mark, index, funding, 24 h figures


def context(reader: Reader, data: msgspec.Raw, recv: int) -> Sequence[Message]:
    """The context of one perpetual or pair."""

    def make(row: OneContext, at: Listed) -> Sequence[Message]:
        return one_context(row.ctx, row.coin, at, recv, "ws")

    return one_row(reader, data, _one_context, make)


def contexts(reader: Reader, data: msgspec.Raw, recv: int) -> list[Message]:
    """The contexts of all perpetuals of all exchanges, by position. A longer list than before: something is new."""
    try:
        found = _all_contexts.decode(data).ctxs
    except UNREADABLE:
        return [Unknown("bad_shape")]
    made: list[Message] = []
    aliases = reader.table.perp_aliases
    for dex, raws in found:
        named = ((place(dex, position), raw) for position, raw in enumerate(raws))
        told = [(name, next(iter(aliases.get(name, ())), None), raw) for name, raw in named]
        made += joined(reader, told, recv, "ws")
        if len(raws) > reader.sizes.get(dex, len(raws)):
            made.append(Relist(None, "more perpetuals than before"))
        reader.sizes[dex] = len(raws)
    return made or [Unknown("empty")]


def joined(
    reader: Reader, found: Iterable[tuple[str, Listed | None, msgspec.Raw]], recv: int, source: Source
) -> list[Message]:
    """The messages of contexts; of those whose instrument is not known only the first of each reason."""
    made: list[Message] = []
    missed: dict[str, Unknown] = {}
    for name, at, raw in found:
        if at is None:
            unknown = reader.missing(name)
            missed.setdefault(unknown.reason, unknown)
        else:
            made += one_context(raw, name, at, recv, source)
    return [*made, *missed.values()]


def one_context(raw: msgspec.Raw, name: str, at: Listed, recv: int, source: Source) -> Sequence[Message]:
    try:
        return rows.context(_context.decode(raw), at, recv, source) or [Unknown("empty", name)]
    except BadNumber:
        return [Unknown("bad_number", name)]
    except UNREADABLE:
        return [Unknown("bad_shape", name)]


def fast(reader: Reader, data: msgspec.Raw, recv: int) -> list[Message]:
    """Marks that changed, of everything, compressed. Pairs have none; unknown names are said once a reason."""
    try:
        found = _fast.decode(inflated(_text.decode(data)))
    except (*UNREADABLE, NotBase64, ValueError, zlib.error):
        return [Unknown("bad_shape")]
    made: list[Message] = []
    missed: dict[str, Unknown] = {}
    perps, spots = reader.table.perp.get, reader.table.spot
    for coin, raw in found.items():
        at = perps(coin)
        if at is not None:
            made += _marked(raw, coin, at, recv)
        elif coin not in spots:
            unknown = reader.missing(coin)
            missed.setdefault(unknown.reason, unknown)
    return [*made, *missed.values()] or [Unknown("empty")]


def _marked(raw: msgspec.Raw, coin: str, at: Listed, recv: int) -> Sequence[Message]:
    try:
        mark = rows.mark(_fast_context.decode(raw), at, recv)
    except BadNumber:
        return [Unknown("bad_number", coin)]
    except UNREADABLE:
        return [Unknown("bad_shape", coin)]
    return () if mark is None else (mark,)


def inflated(text: str) -> bytes:
    """Base64 of a raw DEFLATE stream. Raises `ValueError` beyond a bound, `NotBase64`, `zlib.error`."""
    engine = zlib.decompressobj(-zlib.MAX_WBITS)
    data = engine.decompress(b64decode(text, validate=True), INFLATED_MAX)
    if engine.unconsumed_tail or not engine.eof:
        raise ValueError(f"a stream that does not end within {INFLATED_MAX} bytes")
    return data
