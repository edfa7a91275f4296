"""The vocabulary: every normalised market-data event, and nothing that knows a venue.

An event is one msgpack array whose first element is its kind (the tag). Fields are only ever appended.

Units, for all of them:

- a price is for one unit of the base asset, in the quote currency; a size is in base units (`docs/streams.md`);
- prices, sizes and rates are decimal text, the venue's own digits where nothing had to be converted;
- times are integers, nanoseconds since the epoch, UTC: `recv` is when the frame was read from the socket, `ts` is
  the matching engine's time or None where the venue gives none;
- None means "the venue did not say", never zero.
"""

from typing import Final, Literal

import msgspec

Side = Literal["buy", "sell"]
Source = Literal["ws", "rest", "repeat"]
TradeFlag = Literal["liquidation", "block", "rfq", "adl"]
PriceKind = Literal["fill", "bankruptcy"]
FeedState = Literal["down", "stale", "gap", "up"]
Level = tuple[str, str]


class Quote(msgspec.Struct, frozen=True, array_like=True, gc=False, tag="q"):
    """Best bid and offer with sizes. A side whose price or size is missing is None on both."""

    symbol: str
    bid: str | None
    bid_size: str | None
    ask: str | None
    ask_size: str | None
    ts: int | None
    recv: int
    source: Source = "ws"
    seq: int | None = None


class Trade(msgspec.Struct, frozen=True, array_like=True, gc=False, tag="t"):
    """One print. `side` is the aggressor's, `id` is unique per symbol."""

    symbol: str
    price: str
    size: str
    side: Side
    id: str
    ts: int | None
    recv: int
    flag: TradeFlag | None = None


class Book(msgspec.Struct, frozen=True, array_like=True, tag="b"):
    """A whole top-N picture, best level first on both sides."""

    symbol: str
    bids: tuple[Level, ...]
    asks: tuple[Level, ...]
    seq: int | None
    ts: int | None
    recv: int
    source: Source = "ws"


class Depth(msgspec.Struct, frozen=True, array_like=True, tag="d"):
    """Resting base size within 0.5, 2 and 10 % of the mid, per side; None where the known book does not reach."""

    symbol: str
    bands: tuple[tuple[str, str | None, str | None], ...]
    total_bid_size: str | None
    total_ask_size: str | None
    ts: int | None
    recv: int


class Mark(msgspec.Struct, frozen=True, array_like=True, gc=False, tag="m"):
    """Mark and index price of a perpetual."""

    symbol: str
    mark: str | None
    index: str | None
    ts: int | None
    recv: int
    source: Source = "ws"


class Funding(msgspec.Struct, frozen=True, array_like=True, gc=False, tag="f"):
    """The rate that would settle now: a fraction per `interval_h` hours, positive when longs pay."""

    symbol: str
    rate: str
    interval_h: str | None
    next_ts: int | None
    funding_index: str | None
    ts: int | None
    recv: int
    source: Source = "ws"


class Settlement(msgspec.Struct, frozen=True, array_like=True, gc=False, tag="p"):
    """A funding payment that was made, from the venue's history; `settle_ts` is floored to the minute."""

    symbol: str
    rate: str
    interval_h: str | None
    settle_ts: int
    mark: str | None
    recv: int


class Liquidation(msgspec.Struct, frozen=True, array_like=True, gc=False, tag="l"):
    """A forced order. `side` is the order's: `sell` means that a long was liquidated."""

    symbol: str
    side: Side
    price: str
    size: str
    ts: int | None
    recv: int
    id: str | None
    price_kind: PriceKind


class Stats(msgspec.Struct, frozen=True, array_like=True, gc=False, tag="s"):
    """24 h figures. Volume in base, turnover in quote, open interest in base and one-sided, its value in quote."""

    symbol: str
    last: str | None
    volume: str | None
    turnover: str | None
    open_interest: str | None
    ts: int | None
    recv: int
    open_interest_value: str | None = None
    source: Source = "ws"


class State(msgspec.Struct, frozen=True, array_like=True, gc=False, tag="x"):
    """Absence, in order with the prices. `symbol` None means all symbols of this producer."""

    symbol: str | None
    state: FeedState
    reason: str
    recv: int


Event = Quote | Trade | Book | Depth | Mark | Funding | Settlement | Liquidation | Stats | State

#: The name of each event type, as users of the tools read it.
KIND: Final[dict[type, str]] = {
    Quote: "quote",
    Trade: "trade",
    Book: "book",
    Depth: "depth",
    Mark: "mark",
    Funding: "funding",
    Settlement: "settlement",
    Liquidation: "liquidation",
    Stats: "stats",
    State: "state",
}

#: The stream each event type travels on. A State travels on every stream of what it speaks of.
STREAM: Final[dict[type, str]] = {
    Quote: "quote",
    Trade: "trade",
    Book: "book",
    Depth: "book",
    Mark: "mark",
    Funding: "funding",
    Settlement: "funding",
    Liquidation: "liquidation",
    Stats: "stats",
}

#: Every stream kind a collector may write.
STREAM_KINDS: Final = ("quote", "trade", "book", "mark", "funding", "liquidation", "stats")
