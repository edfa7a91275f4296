"""The layout of Paradex's binary frames: schema 1, versions 0 to 3, little endian. Pure; nothing here knows a table.

A frame is a header, a block of fixed fields, groups of levels (books alone), then texts, each with its length before
it. The header tells the block's length: a newer version appends fields to the block and texts after the market's name,
and what this file does not know is stepped over. Numbers are whole: prices and sizes count steps of 1e-8, precise rates
1e-12, times are microseconds; the least 64-bit number stands for "not given".

Links and dates: README.md.
"""

from collections.abc import Callable
from struct import Struct
from typing import Final

import msgspec

SCHEMA: Final = 1
HEADER_BYTES: Final = 8
NULL: Final = -(1 << 63)
#: the venue's amounts end here: one that is larger is cut to this
SATURATED: Final = (1 << 63) - 1
#: decimals of prices, sizes, amounts and ordinary rates
DECIMALS: Final = 8
PRECISE_DECIMALS: Final = 12
SNAPSHOT: Final = 0
DELTA: Final = 1

_HEADER: Final = Struct("<4H")
_TRADE: Final = Struct("<3qB3qB")
_BEST: Final = Struct("<6q")
_BOOK: Final = Struct("<2qB")
_SUMMARY: Final = Struct("<10q")
_SUMMARY_SIZES: Final = Struct("<2q")
_SUMMARY_SIZES_AT: Final = HEADER_BYTES + 200
_PRECISE: Final = Struct("<q")
_PRECISE_AT: Final = HEADER_BYTES + 232
_FUNDING: Final = Struct("<7qh")
_SUBSCRIBED: Final = Struct("<2qB")
_GROUP: Final = Struct("<2H")
_LEVEL: Final = Struct("<2q")

Levels = list[tuple[int, int]]


class Malformed(Exception):
    """A frame that cannot be read: the reason it is counted under, and its market if that much could be read."""

    def __init__(self, reason: str, market: str | None = None) -> None:
        super().__init__(reason)
        self.reason, self.market = reason, market


class Header(msgspec.Struct, frozen=True, gc=False):
    """The first eight bytes. `block` is the length of the fixed fields after it."""

    block: int
    template: int
    schema: int
    version: int


class Trade(msgspec.Struct, frozen=True, gc=False):
    """Template 1. `trade_id` holds what 64 bits can of the id; `id` is all of it, None in frames without."""

    ts: int
    seq: int
    trade_id: int
    side: int
    price: int
    size: int
    created: int
    kind: int
    market: str
    id: str | None


class Best(msgspec.Struct, frozen=True, gc=False):
    """Template 2: best bid and offer."""

    ts: int
    seq: int
    bid: int
    bid_size: int
    ask: int
    ask_size: int
    market: str


class Book(msgspec.Struct, frozen=True):
    """Template 3: a whole book, or changed levels (a size of zero removes one), best first."""

    ts: int
    seq: int
    package: int
    bids: Levels
    asks: Levels
    market: str


class Summary(msgspec.Struct, frozen=True, gc=False):
    """Template 4: a market's figures. `precise` is the funding rate in steps of 1e-12, `NULL` before version 1."""

    ts: int
    seq: int
    mark: int
    index: int
    last: int
    turnover: int
    open_interest: int
    rate: int
    bid: int
    ask: int
    bid_size: int
    ask_size: int
    precise: int
    market: str


class Funding(msgspec.Struct, frozen=True, gc=False):
    """Template 5: one observation of a rate that accrues all the time."""

    ts: int
    rate: int
    index: int
    created: int
    period_h: int
    market: str


class Subscribed(msgspec.Struct, frozen=True, gc=False):
    """Template 41, reserved: an acknowledgement, `status` 0, or a refusal."""

    status: int
    channel: str


class Other(msgspec.Struct, frozen=True, gc=False):
    """A frame whose fields are of no use here. `market` is None where it names none."""

    template: int
    market: str | None


Read = Trade | Best | Book | Summary | Funding | Subscribed | Other


def is_binary(frame: bytes) -> bool:
    """Whether a frame, or what is left of one, is binary: no text holds a zero byte, every header does."""
    return b"\0" in frame[:HEADER_BYTES]


def header(frame: bytes) -> Header:
    """Raises `Malformed`."""
    if len(frame) < HEADER_BYTES:
        raise Malformed("truncated")
    return Header(*_HEADER.unpack_from(frame))


def read(frame: bytes) -> Read:
    """The first message of a binary frame. Raises `Malformed`."""
    return split(frame)[0]


def split(frame: bytes) -> tuple[Read, bytes]:
    """The first message of a binary frame, and those after it. Raises `Malformed`.

    One message to a frame is what the venue sends today. Texts of newer versions that follow are no messages.
    """
    one, end = _read(frame)
    return one, frame[end:] if end < len(frame) and is_binary(frame[end:]) else b""


def _read(frame: bytes) -> tuple[Read, int]:
    head = header(frame)
    if head.schema != SCHEMA:
        raise Malformed("other_schema")
    known = _TEMPLATES.get(head.template)
    if known is None:
        raise Malformed("unknown_template")
    least, make = known
    if head.block < least:
        raise Malformed("short_block")
    if len(frame) < HEADER_BYTES + head.block:
        raise Malformed("truncated")
    return make(frame, head)


def text(frame: bytes, at: int) -> tuple[str, int]:
    """The text that begins at a place, and the place after it. Raises `Malformed`."""
    if at >= len(frame):
        raise Malformed("truncated")
    end = at + 1 + frame[at]
    if end > len(frame):
        raise Malformed("truncated")
    try:
        return frame[at + 1 : end].decode(), end
    except UnicodeDecodeError:
        raise Malformed("bad_shape") from None


def _trade(frame: bytes, head: Header) -> tuple[Trade, int]:
    market, end = text(frame, HEADER_BYTES + head.block)
    full = ""
    if end < len(frame) and not is_binary(frame[end:]):  # the id, in frames that have one
        full, end = text(frame, end)
    ts, seq, number, side, price, size, created, kind = _TRADE.unpack_from(frame, HEADER_BYTES)
    return Trade(ts, seq, number, side, price, size, created, kind, market, full or None), end


def _best(frame: bytes, head: Header) -> tuple[Best, int]:
    market, end = text(frame, HEADER_BYTES + head.block)
    ts, seq, bid, bid_size, ask, ask_size = _BEST.unpack_from(frame, HEADER_BYTES)
    return Best(ts, seq, bid, bid_size, ask, ask_size, market), end


def _book(frame: bytes, head: Header) -> tuple[Book, int]:
    bids, at = _levels(frame, HEADER_BYTES + head.block)
    asks, at = _levels(frame, at)
    market, end = text(frame, at)
    ts, seq, package = _BOOK.unpack_from(frame, HEADER_BYTES)
    if package not in (SNAPSHOT, DELTA):
        raise Malformed("bad_shape", market)
    return Book(ts, seq, package, bids, asks, market), end


def _levels(frame: bytes, at: int) -> tuple[Levels, int]:
    """One group of levels, and the place after it; an entry may be longer than a price and a size."""
    if len(frame) < at + _GROUP.size:
        raise Malformed("truncated")
    length, count = _GROUP.unpack_from(frame, at)
    start = at + _GROUP.size
    end = start + length * count
    if count and length < _LEVEL.size:
        raise Malformed("short_block")
    if len(frame) < end:
        raise Malformed("truncated")
    if length == _LEVEL.size:
        return list(_LEVEL.iter_unpack(frame[start:end])), end
    return [_LEVEL.unpack_from(frame, place) for place in range(start, end, length or 1)], end


def _summary(frame: bytes, head: Header) -> tuple[Summary, int]:
    market, end = text(frame, HEADER_BYTES + head.block)
    ts, seq, mark, index, last, turnover, open_interest, rate, bid, ask = _SUMMARY.unpack_from(frame, HEADER_BYTES)
    bid_size, ask_size = _SUMMARY_SIZES.unpack_from(frame, _SUMMARY_SIZES_AT)
    precise = _PRECISE.unpack_from(frame, _PRECISE_AT)[0] if head.block >= _PRECISE_BLOCK else NULL
    figures = ts, seq, mark, index, last, turnover, open_interest, rate, bid, ask, bid_size, ask_size, precise
    return Summary(*figures, market), end


def _funding(frame: bytes, head: Header) -> tuple[Funding, int]:
    market, end = text(frame, HEADER_BYTES + head.block)
    ts, _, rate, index, created, _, _, period_h = _FUNDING.unpack_from(frame, HEADER_BYTES)
    return Funding(ts, rate, index, created, period_h, market), end


def _subscribed(frame: bytes, head: Header) -> tuple[Subscribed, int]:
    channel, end = text(frame, HEADER_BYTES + head.block)
    return Subscribed(_SUBSCRIBED.unpack_from(frame, HEADER_BYTES)[2], channel), end


def _comparison(frame: bytes, head: Header) -> tuple[Other, int]:
    market, end = text(frame, HEADER_BYTES + head.block)
    return Other(head.template, market), end


def _heartbeat(_frame: bytes, head: Header) -> tuple[Other, int]:
    return Other(head.template, None), HEADER_BYTES + head.block


def _private(frame: bytes, head: Header) -> tuple[Other, int]:
    """Where its texts end is not read: the rest of the frame is its own."""
    return Other(head.template, None), len(frame)


TRADE: Final = 1
BEST: Final = 2
BOOK: Final = 3
SUMMARY: Final = 4
FUNDING: Final = 5
COMPARISON: Final = 6
#: orders, fills, positions, account
PRIVATE: Final = (20, 21, 22, 23)
HEARTBEAT: Final = 40
SUBSCRIBED: Final = 41

#: the block of a summary that holds the precise rate
_PRECISE_BLOCK: Final = 240

#: template -> (length of its block in the first version, how to read it)
_TEMPLATES: Final[dict[int, tuple[int, Callable[[bytes, Header], tuple[Read, int]]]]] = {
    TRADE: (50, _trade),
    BEST: (48, _best),
    BOOK: (89, _book),
    SUMMARY: (216, _summary),
    FUNDING: (58, _funding),
    COMPARISON: (26, _comparison),
    **dict.fromkeys(PRIVATE, (0, _private)),
    HEARTBEAT: (0, _heartbeat),
    SUBSCRIBED: (17, _subscribed),
}
