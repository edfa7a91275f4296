"""Control events of a partition: what is not market data and still decides about signals.

The partition's owner appends them to `md:{P}:_ctl:x`, batched and numbered like every stream, and they take effect
when they are read back, in order with the prices. So whoever folds the archived streams again gets the same signals.
None of them moves the event clock, except a `Tick`.
"""

from typing import Final

import msgspec

from shared import decoding
from shared.config import Runtime
from shared.events import Event
from shared.instruments import Category, Market, QuoteMode, Status
from shared.routes.fx import Fx


class Row(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """What the scanner needs of an instrument (`shared.instruments.Instrument`). Fees in bps, sizes in assets.
    `reason`: of its quarantine. New fields are appended: rows are archived."""

    market: Market
    symbol: str
    native: str
    base: str
    quote: str
    category: Category
    status: Status
    quote_mode: QuoteMode
    lot_size: str | None
    min_size: str | None
    min_notional: str | None
    taker_fee_bps: str | None
    funding_interval_h: str | None
    multiplier: str = "1"
    reason: str | None = None
    trusted: bool = False
    tick_size: str | None = None


class Start(msgspec.Struct, frozen=True, array_like=True, tag="start"):
    """A cold start: whatever was known before is forgotten."""

    fence: int
    reason: str


class Join(msgspec.Struct, frozen=True, array_like=True, tag="join"):
    """Entries of this stream count from here on."""

    key: str
    venue: str
    kind: str


class Seed(msgspec.Struct, frozen=True, array_like=True, tag="seed"):
    """Last values of one venue and kind that were written before the stream was joined. A seeded quote feeds the
    board; for signals it stays unconfirmed until the stream itself brings one."""

    venue: str
    kind: str
    events: list[Event]


class Listing(msgspec.Struct, frozen=True, array_like=True, tag="list"):
    """Instruments of one venue that are new or changed, and those (market, native) that are gone."""

    venue: str
    rows: list[Row]
    gone: list[tuple[Market, str]]


class Config(msgspec.Struct, frozen=True, array_like=True, tag="cfg"):
    """The runtime settings, as a whole."""

    runtime: Runtime


class Tick(msgspec.Struct, frozen=True, array_like=True, tag="tick"):
    """Time passes though nothing happens. `recv` is event time in ns, as the owner reckons it on."""

    recv: int


ControlEvent = Start | Join | Seed | Listing | Config | Fx | Tick


class ControlBatch(msgspec.Struct, frozen=True, array_like=True):
    """What one entry of the control stream holds."""

    producer: str
    seq: int
    events: list[ControlEvent]


_encoder = msgspec.msgpack.Encoder()
_decoder: Final[decoding.Decoder[ControlBatch]] = decoding.msgpack(ControlBatch)


def encode(producer: str, seq: int, events: list[ControlEvent]) -> bytes:
    return _encoder.encode((producer, seq, events))


def decode(data: bytes) -> ControlBatch:
    """Raises `msgspec.DecodeError` on anything else."""
    return _decoder.decode(data)
