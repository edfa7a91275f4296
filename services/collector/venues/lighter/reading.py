"""From pushes to messages: finds the instrument that a push or row names, and keeps what a connection has to remember.

One connection remembers which payment it told of each perpetual, and which unlisted markets it reported.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final, TypeVar

import msgspec

from services.collector.messages import Message, Relist, Replayed, Unknown
from services.collector.normalise import BadNumber
from services.collector.table import Listed, Table
from services.collector.typed_rows import UNREADABLE
from services.collector.venues.lighter import rows
from services.collector.venues.lighter.shapes import Frame, MarketStats, OrderBook, Print, Ticker
from shared.events import Liquidation, Trade

T = TypeVar("T")


class Named(msgspec.Struct, gc=False):
    """As much of a row as names its market."""

    market_id: int | None = None


class Channelled(msgspec.Struct, gc=False):
    """As much of a push as names its channel."""

    channel: str = ""


_channel: Final = msgspec.json.Decoder(Channelled)
_raws: Final = msgspec.json.Decoder(list[msgspec.Raw])
_named: Final = msgspec.json.Decoder(Named)
_ticker: Final = msgspec.json.Decoder(Ticker)
_book: Final = msgspec.json.Decoder(OrderBook)
_prints: Final = msgspec.json.Decoder(list[Print])
_print: Final = msgspec.json.Decoder(Print)
_stats: Final = msgspec.json.Decoder(MarketStats)
_stats_by_id: Final = msgspec.json.Decoder(dict[str, MarketStats])
_raw_by_id: Final = msgspec.json.Decoder(dict[str, msgspec.Raw])

#: channels whose content is one object or, for `all`, several by id
EVERY: Final = "all"


class Finder:
    """Instruments by the venue's market id: those of spot pairs and perpetuals never coincide."""

    def __init__(self, table: Table) -> None:
        self._table = table
        self._perp, self._spot = table.getter("perp"), table.getter("spot")

    def find(self, native: str) -> Listed | None:
        return self._perp(native) or self._spot(native)

    def missing(self, native: str) -> Unknown:
        return self._table.missing(native, "perp", "spot")

    def per_row(self, found: Iterable[Any], make: Callable[[Any, Listed], list[Message]]) -> list[Message]:
        """The messages of rows that name their market, in order; an `Unknown` in a row's place stays one."""
        out: list[Message] = []
        for row in found:
            if isinstance(row, Unknown):
                out.append(row)
                continue
            native = str(row.market_id)
            listed = self.find(native)
            if listed is None:
                out.append(self.missing(native))
                continue
            try:
                out += make(row, listed)
            except BadNumber:
                out.append(Unknown("bad_number", native))
        return out


class Reader(Finder):
    """Makes messages of one connection's pushes."""

    def __init__(self, table: Table) -> None:
        super().__init__(table)
        self._paid: dict[str, int] = {}
        self._reported: set[str] = set()

    def push(self, read: Frame, recv: int, *, first: bool) -> list[Message]:
        """The messages of one push. `first`: it is the answer to a subscription."""
        channel, _, native = read.channel.partition(":")
        if channel == "ticker":
            return [self._quote(read, read.ticker, native, recv)] if read.ticker else []
        if channel == "order_book":
            return [self._book(read.order_book, native, recv, first=first)] if read.order_book else []
        if channel == "trade":
            return self._trades(read, recv, first=first)
        if channel in ("market_stats", "spot_market_stats"):
            raw = read.market_stats if channel == "market_stats" else read.spot_market_stats
            return self._stats(raw, native, read, recv) if raw else []
        return [Unknown("unused_channel", market_of(read.channel))]

    # ---- one instrument's

    def _quote(self, read: Frame, raw: msgspec.Raw, native: str, recv: int) -> Message:
        listed = self.find(native)
        if listed is None:
            return self.missing(native)
        try:
            row = _ticker.decode(raw)
            at = row.last_updated_at or read.last_updated_at
            return rows.quote(row, listed, None if at is None else at * rows.US, recv, read.nonce)
        except UNREADABLE:
            return Unknown("bad_shape", native)
        except BadNumber:
            return Unknown("bad_number", native)

    def _book(self, raw: msgspec.Raw, native: str, recv: int, *, first: bool) -> Message:
        """One bad level spoils the whole row: a book with a hole is no book."""
        listed = self.find(native)
        if listed is None:
            return self.missing(native)
        try:
            row = _book.decode(raw)
            ts = None if row.last_updated_at is None else row.last_updated_at * rows.US
            if first:
                return rows.snapshot(row, listed, ts, recv)
            # changes of before 2026 do not say what they go on from
            return Unknown("old_api", native) if row.begin_nonce is None else rows.delta(row, listed, ts, recv)
        except UNREADABLE:
            return Unknown("bad_shape", native)
        except BadNumber:
            return Unknown("bad_number", native)

    def _trades(self, read: Frame, recv: int, *, first: bool) -> list[Message]:
        """Trades and forced ones, oldest first. What comes with the subscription was made before it."""
        found = [row for raw in (read.trades, read.liquidation_trades) if raw for row in print_rows(raw)]
        good = sorted((row for row in found if isinstance(row, Print)), key=age)
        made = self.per_row([*good, *(row for row in found if not isinstance(row, Print))], prints_of(recv))
        if not first:
            return made
        return [Replayed(one) if isinstance(one, Trade | Liquidation) else one for one in made]

    # ---- figures of one market, or of all

    def _stats(self, raw: msgspec.Raw, native: str, read: Frame, recv: int) -> list[Message]:
        ts = None if read.timestamp is None else read.timestamp * rows.MS
        found = _by_id(raw) if native == EVERY else iter([_single(raw, native)])

        def make(row: MarketStats, listed: Listed) -> list[Message]:
            made: list[Message | None] = [rows.stats(row, listed, ts, recv)]
            if listed.instrument.market == "perp":
                made = [rows.mark(row, listed, ts, recv), rows.funding(row, listed, ts, recv), *made]
                made.append(self._payment(row, listed, ts, recv))
            return rows.without_none(made, listed.instrument.native)

        return self._with_relists(self.per_row(found, make))

    def _payment(self, row: MarketStats, listed: Listed, ts: int | None, recv: int) -> Message | None:
        """A payment, the first time that it is told."""
        paid_at = row.funding_timestamp or 0
        if self._paid.get(listed.symbol) == paid_at:
            return None
        made = rows.payment(row, listed, ts, recv)
        if made is not None:
            self._paid[listed.symbol] = paid_at
        return made

    def _with_relists(self, made: list[Message]) -> list[Message]:
        """A market that no listing named is new: the listing is asked for, once a connection."""
        unlisted = [one.native for one in made if isinstance(one, Unknown) and one.reason == "unknown_symbol"]
        fresh = [native for native in unlisted if native is not None and native not in self._reported]
        self._reported.update(fresh)
        return [*made, *(Relist(native, "a market that is not in the listing") for native in fresh)]


def market_of(channel: str) -> str | None:
    """The market id that a channel is of; None where it is of all of them or of none."""
    native = channel.partition(":")[2]
    return native if native and native != EVERY else None


def native_of(frame: bytes) -> str | None:
    """The market id that a push is of, however broken the rest of it is."""
    try:
        return market_of(_channel.decode(frame).channel)
    except UNREADABLE:
        return None


def prints_of(recv: int) -> Callable[[Print, Listed], list[Message]]:
    def make(row: Print, listed: Listed) -> list[Message]:
        if row.type == rows.OFF_BOOK:
            return [Unknown("off_book", str(row.market_id))]
        return list(rows.prints(row, listed, recv))

    return make


def age(row: Print) -> tuple[int, int]:
    return rows.time_of(row) or 0, row.trade_id


def print_rows(raw: bytes | msgspec.Raw) -> list[Print | Unknown]:
    """Trades, and an `Unknown` in the place of each that has another form."""
    try:
        return [*_prints.decode(raw)]
    except UNREADABLE:
        return [*singly(raw, _print)]


def singly(raw: bytes | msgspec.Raw, one: msgspec.json.Decoder[T]) -> Iterator[T | Unknown]:
    try:
        raws = _raws.decode(raw)
    except UNREADABLE:
        if bytes(raw) != b"null":
            yield Unknown("bad_shape")
        return
    for part in raws:
        try:
            yield one.decode(part)
        except UNREADABLE:
            yield Unknown("bad_shape", named(part))


def named(raw: bytes | msgspec.Raw) -> str | None:
    """The market that a row names, however broken the rest of it is."""
    try:
        row = _named.decode(raw)
    except UNREADABLE:
        return None
    return None if row.market_id is None else str(row.market_id)


def _single(raw: msgspec.Raw, native: str) -> MarketStats | Unknown:
    try:
        return _stats.decode(raw)
    except UNREADABLE:
        return Unknown("bad_shape", native or None)


def _by_id(raw: msgspec.Raw) -> Iterator[MarketStats | Unknown]:
    try:
        yield from _stats_by_id.decode(raw).values()
    except UNREADABLE:
        pass
    else:
        return
    try:
        parts = _raw_by_id.decode(raw)
    except UNREADABLE:
        yield Unknown("bad_shape")
        return
    for native, part in parts.items():
        yield _single(part, native)
