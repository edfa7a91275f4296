"""The forms of Lighter's frames and REST rows: what they hold and we read, by the venue's own names.

A push is `{"channel": "ticker:1", "type": "update/ticker", …}`, its content under the channel's own key. The first
frame of a subscription has the type `subscribed/…` and is its answer. Times are milliseconds (`timestamp`) or
microseconds (`last_updated_at`, `transaction_time`). Many numbers are JSON numbers: those are kept as they were written
(`Raw`), so that no float touches them.

Links (read 2026-11-20): https://apidocs.lighter.xyz/docs/websocket-reference and
https://apidocs.lighter.xyz/reference
"""

from typing import Annotated

import msgspec

#: bounds keep a bad number inside the bus's 64-bit integers
Millis = Annotated[int, msgspec.Meta(ge=0, le=9_223_372_036_854)]
Micros = Annotated[int, msgspec.Meta(ge=0, le=9_223_372_036_854_775)]
Seconds = Annotated[int, msgspec.Meta(ge=0, le=9_223_372_036)]
Number = Annotated[int, msgspec.Meta(ge=0, le=9_223_372_036_854_775_807)]
MarketId = Annotated[int, msgspec.Meta(ge=0, le=9_999_999)]


class Level(msgspec.Struct, gc=False):
    price: str | None = ""
    size: str | None = ""


class Ticker(msgspec.Struct, gc=False):
    """Best offer `a` and bid `b`; a side that is empty has empty texts, and may be left out."""

    a: Level | None = None
    b: Level | None = None
    last_updated_at: Micros | None = None


class TickerFrame(msgspec.Struct, gc=False):
    """The hot one."""

    channel: str
    ticker: Ticker
    type: str
    nonce: Number | None = None
    last_updated_at: Micros | None = None


class OrderBook(msgspec.Struct):
    """`nonce` numbers the last change in it, `begin_nonce` the one that it goes on from. A null side is empty."""

    asks: list[Level] | None
    bids: list[Level] | None
    nonce: Number
    begin_nonce: Number | None = None
    last_updated_at: Micros | None = None


class Print(msgspec.Struct, gc=False):
    """One trade. `transaction_time` is the matching engine's, `timestamp` its block's."""

    trade_id: Number
    market_id: MarketId
    size: str
    price: str
    is_maker_ask: bool
    type: str = "trade"
    timestamp: Millis | None = None
    transaction_time: Micros | None = None


class MarketStats(msgspec.Struct, gc=False):
    """One market's figures. Rates are percent an hour; `funding_timestamp` is the last payment's time."""

    market_id: MarketId
    index_price: str | None = None
    mark_price: str | None = None
    open_interest: str | None = None
    last_trade_price: msgspec.Raw = msgspec.Raw(b"")
    current_funding_rate: str | None = None
    funding_rate: str | None = None
    funding_timestamp: Millis | None = None
    daily_base_token_volume: msgspec.Raw = msgspec.Raw(b"")
    daily_quote_token_volume: msgspec.Raw = msgspec.Raw(b"")


class Error(msgspec.Struct):
    code: int | str | None = None
    message: str | None = None


class Frame(msgspec.Struct):
    """Everything a frame may be; contents are read by the channel's own types."""

    type: str = ""
    channel: str = ""
    timestamp: Millis | None = None
    nonce: Number | None = None
    last_updated_at: Micros | None = None
    ticker: msgspec.Raw = msgspec.Raw(b"")
    order_book: msgspec.Raw = msgspec.Raw(b"")
    trades: msgspec.Raw = msgspec.Raw(b"")
    liquidation_trades: msgspec.Raw = msgspec.Raw(b"")
    market_stats: msgspec.Raw = msgspec.Raw(b"")
    spot_market_stats: msgspec.Raw = msgspec.Raw(b"")
    error: Error | None = None


class Details(msgspec.Struct, gc=False):
    """A market as REST lists it, with its figures of the day; `open_interest` is in base."""

    market_id: MarketId
    symbol: str
    status: str = ""
    last_trade_price: msgspec.Raw = msgspec.Raw(b"")
    daily_base_token_volume: msgspec.Raw = msgspec.Raw(b"")
    daily_quote_token_volume: msgspec.Raw = msgspec.Raw(b"")
    open_interest: msgspec.Raw = msgspec.Raw(b"")


class Paid(msgspec.Struct, gc=False):
    """A payment of the past: `rate` is percent without a sign, `direction` who paid."""

    timestamp: Seconds
    rate: str
    direction: str


class BulkRate(msgspec.Struct, gc=False):
    """A row of the table of rates of several exchanges: a fraction per 8 hours, whoever's it is."""

    market_id: MarketId
    exchange: str
    rate: msgspec.Raw


class Order(msgspec.Struct, gc=False):
    """One resting order."""

    price: str
    remaining_base_amount: str
