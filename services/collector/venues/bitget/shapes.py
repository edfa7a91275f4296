"""The frames and rows of Bitget, as they come: v2 ("classic") and v3 ("unified account") name the same things apart.

Texts that do not apply are empty or absent. Nothing is converted here.
"""

from typing import Annotated, Final

import msgspec

from services.collector.typed_rows import UNREADABLE

#: a number of a book that the bus can carry; v3 sends some of them as text
Number = Annotated[int, msgspec.Meta(ge=-(1 << 63), le=(1 << 63) - 1)]
Sequence = Number | Annotated[str, msgspec.Meta(pattern=r"^[0-9]{1,19}$")]


class Arg(msgspec.Struct, gc=False, rename="camel"):
    """What names a subscription: v2 by `channel` and `instId`, v3 by `topic` and `symbol`."""

    inst_type: str = ""
    channel: str = ""
    inst_id: str = ""
    topic: str = ""
    symbol: str = ""


class Frame(msgspec.Struct, gc=False):
    """Everything a socket frame may be."""

    event: str = ""
    action: str = ""
    arg: Arg | None = None
    data: msgspec.Raw = msgspec.Raw(b"")
    code: str | int | None = None
    msg: str | None = None
    op: str = ""
    table: str = ""


class Level(msgspec.Struct, array_like=True, gc=False):
    """`[price, size]`."""

    px: str
    sz: str


class BookRow(msgspec.Struct, gc=False):
    """A picture or change of a book in v2. `seq` and `pseq` are of 2025 and later."""

    asks: list[Level]
    bids: list[Level]
    ts: str = ""
    seq: Sequence | None = None
    pseq: Sequence | None = None
    checksum: Number | None = None


class UnifiedBookRow(msgspec.Struct, gc=False):
    """The same in v3."""

    asks: list[Level] = msgspec.field(name="a")
    bids: list[Level] = msgspec.field(name="b")
    ts: str = ""
    seq: Sequence | None = None
    pseq: Sequence | None = None
    checksum: Number | None = None


class BestRow(msgspec.Struct, gc=False):
    """A picture of one level in v2. A side may be empty, or left out."""

    asks: list[Level] | None = None
    bids: list[Level] | None = None
    ts: str | None = None
    seq: Sequence | None = None


class UnifiedBestRow(msgspec.Struct, gc=False):
    """The same in v3."""

    asks: list[Level] | None = msgspec.field(default=None, name="a")
    bids: list[Level] | None = msgspec.field(default=None, name="b")
    ts: str | None = None
    seq: Sequence | None = None


class BestPush(msgspec.Struct, gc=False):
    """The hot one: a push of `books1`."""

    action: str
    arg: Arg
    data: list[BestRow]


class TickerRow(msgspec.Struct, gc=False, rename="camel"):
    """v2, socket and REST. Only perpetuals have funding, mark, index and `holdingAmount`."""

    symbol: str | None = None
    last_pr: str | None = None
    bid_pr: str | None = None
    bid_sz: str | None = None
    ask_pr: str | None = None
    ask_sz: str | None = None
    base_volume: str | None = None
    quote_volume: str | None = None
    mark_price: str | None = None
    index_price: str | None = None
    funding_rate: str | None = None
    next_funding_time: str | None = None
    holding_amount: str | None = None
    ts: str | None = None


class UnifiedTickerRow(msgspec.Struct, gc=False):
    """v3. Over the socket it has no time of its own, and an update leaves out what did not change."""

    symbol: str | None = None
    category: str | None = None
    last_pr: str | None = msgspec.field(default=None, name="lastPrice")
    bid_pr: str | None = msgspec.field(default=None, name="bid1Price")
    bid_sz: str | None = msgspec.field(default=None, name="bid1Size")
    ask_pr: str | None = msgspec.field(default=None, name="ask1Price")
    ask_sz: str | None = msgspec.field(default=None, name="ask1Size")
    base_volume: str | None = msgspec.field(default=None, name="volume24h")
    quote_volume: str | None = msgspec.field(default=None, name="turnover24h")
    mark_price: str | None = msgspec.field(default=None, name="markPrice")
    index_price: str | None = msgspec.field(default=None, name="indexPrice")
    funding_rate: str | None = msgspec.field(default=None, name="fundingRate")
    next_funding_time: str | None = msgspec.field(default=None, name="nextFundingTime")
    holding_amount: str | None = msgspec.field(default=None, name="openInterest")
    ts: str | None = None


AnyTicker = TickerRow | UnifiedTickerRow


class TradeRow(msgspec.Struct, gc=False, rename="camel"):
    """v2, socket and REST."""

    trade_id: str
    price: str
    size: str
    side: str
    ts: str
    symbol: str | None = None


class UnifiedTradeRow(msgspec.Struct, gc=False):
    """v3, socket."""

    trade_id: str = msgspec.field(name="i")
    price: str = msgspec.field(name="p")
    size: str = msgspec.field(name="v")
    side: str = msgspec.field(name="S")
    ts: str = msgspec.field(name="T")
    symbol: str | None = None


class FillRow(msgspec.Struct, gc=False):
    """v3, REST."""

    trade_id: str = msgspec.field(name="execId")
    price: str = ""
    size: str = ""
    side: str = ""
    ts: str = ""
    symbol: str | None = None


AnyTrade = TradeRow | UnifiedTradeRow | FillRow


class ForcedRow(msgspec.Struct, gc=False):
    """A liquidation (v3). `side` is the position's, `amount` its value in the quote currency."""

    symbol: str
    side: str
    price: str
    amount: str
    ts: str = ""


class RateRow(msgspec.Struct, gc=False, rename="camel"):
    """The rate that would settle now. Before 2025 it was all there was; the interval is in hours."""

    symbol: str
    funding_rate: str
    funding_rate_interval: str | None = None
    next_update: str | None = None


class PaidRow(msgspec.Struct, gc=False, rename="camel"):
    """A payment made: v2 says `fundingTime`, v3 `fundingRateTimestamp`."""

    symbol: str
    funding_rate: str
    funding_time: str | None = None
    funding_rate_timestamp: str | None = None


class PriceRow(msgspec.Struct, gc=False, rename="camel"):
    symbol: str
    mark_price: str
    index_price: str
    ts: str = ""


class InterestRow(msgspec.Struct, gc=False, rename="camel"):
    """v2 says `size`, v3 `openInterest`."""

    symbol: str
    size: str | None = None
    open_interest: str | None = None


class RawLevel(msgspec.Struct, array_like=True, gc=False):
    """A level of a REST book: texts, or JSON numbers of which every digit counts."""

    px: msgspec.Raw
    sz: msgspec.Raw


class RestBook(msgspec.Struct, gc=False):
    asks: list[RawLevel]
    bids: list[RawLevel]
    ts: str = ""


class UnifiedRestBook(msgspec.Struct, gc=False):
    asks: list[RawLevel] = msgspec.field(name="a")
    bids: list[RawLevel] = msgspec.field(name="b")
    ts: str = ""


class Named(msgspec.Struct, gc=False, rename="camel"):
    """As much of a row or data as names an instrument."""

    symbol: str | None = None
    inst_id: str | None = None
    instrument_id: str | None = msgspec.field(default=None, name="instrument_id")


_named: Final = msgspec.json.Decoder(Named)


def native_of(raw: bytes | msgspec.Raw) -> str | None:
    """The instrument that a row names, however broken the rest of it is."""
    try:
        row = _named.decode(raw)
    except UNREADABLE:
        return None
    return row.symbol or row.inst_id or row.instrument_id
