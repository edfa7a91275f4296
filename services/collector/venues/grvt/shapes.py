"""The typed rows of GRVT's full encoding. Prices and sizes are text; an absent field of a delta is unchanged."""

from typing import Final

import msgspec
from msgspec import UNSET, UnsetType

#: a field of a delta: absent is unchanged; null and the empty text say that there is none
Changed = str | None | UnsetType
#: a number that the documentation shows as text and as a JSON number alike
Loose = msgspec.Raw
ABSENT: Final = msgspec.Raw(b"")


class Mini(msgspec.Struct, gc=False):
    """`v1.mini.*`: best bid and offer, mark and index."""

    instrument: str
    event_time: str | None = None
    best_bid_price: Changed = UNSET
    best_bid_size: Changed = UNSET
    best_ask_price: Changed = UNSET
    best_ask_size: Changed = UNSET
    mark_price: Changed = UNSET
    index_price: Changed = UNSET


class MiniFrame(msgspec.Struct, gc=False):
    """The hot one: a whole frame of `v1.mini.*`."""

    stream: str
    sequence_number: str
    feed: Mini
    selector: str = ""
    prev_sequence_number: str = ""


class Ticker(msgspec.Struct, gc=False):
    """`v1.ticker.*` and REST `ticker`, `mini`: a mini ticker with funding and 24 h figures."""

    instrument: str
    event_time: str | None = None
    best_bid_price: str | None = None
    best_bid_size: str | None = None
    best_ask_price: str | None = None
    best_ask_size: str | None = None
    mark_price: str | None = None
    index_price: str | None = None
    last_price: str | None = None
    buy_volume_24h_b: str | None = None
    sell_volume_24h_b: str | None = None
    buy_volume_24h_q: str | None = None
    sell_volume_24h_q: str | None = None
    open_interest: str | None = None
    next_funding_time: str | None = None
    funding_rate: Loose = ABSENT
    funding_interval_hours: Loose = ABSENT


class Level(msgspec.Struct, gc=False):
    price: str
    size: str


class Book(msgspec.Struct, gc=False):
    """`v1.book.*` and REST `book`. A side of nothing is an empty list, or null."""

    instrument: str
    bids: list[Level] | None
    asks: list[Level] | None
    event_time: str | None = None


class Trade(msgspec.Struct, gc=False):
    """`v1.trade` and REST `trade`, `trade_history`."""

    instrument: str
    is_taker_buyer: bool
    size: str
    price: str
    trade_id: str
    event_time: str | None = None
    venue: str = ""


class Paid(msgspec.Struct, gc=False):
    """REST `funding`: one row of a perpetual's history."""

    instrument: str
    funding_time: str
    funding_rate: Loose
    funding_interval_hours: Loose = ABSENT
    mark_price: str | None = None


class Named(msgspec.Struct, gc=False):
    """As much of a row as names it."""

    instrument: str | None = None


def begins(raw: msgspec.Raw | bytes, first: bytes) -> bool:
    """Whether a JSON value is of the form that begins so: `{` an object, `[` an array."""
    return memoryview(raw)[:1] == first
