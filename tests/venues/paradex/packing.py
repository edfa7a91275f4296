"""Binary frames as Paradex packs them, for tests: whole numbers of 1e-8, microseconds, little endian."""

from collections.abc import Sequence
from decimal import Decimal
from struct import pack

NULL = -(1 << 63)
US = 1_790_000_000_123_456
MARKET = "BTC-USD-PERP"
Number = str | int | None


def steps(number: Number, decimals: int = 8) -> int:
    """A decimal text in steps; a whole number is one already, None is the venue's null."""
    if number is None:
        return NULL
    return int(Decimal(number).scaleb(decimals)) if isinstance(number, str) else number


def text(value: str | bytes) -> bytes:
    data = value.encode() if isinstance(value, str) else value
    return bytes((len(data),)) + data


def frame(template: int, block: bytes, tail: bytes = b"", *, schema: int = 1, version: int = 1) -> bytes:
    return pack("<4H", len(block), template, schema, version) + block + tail


def best(
    bid: Number, bid_size: Number, ask: Number, ask_size: Number, market: str = MARKET, *, seq: int = 8, ts: int = US
) -> bytes:
    return frame(2, pack("<6q", ts, seq, *map(steps, (bid, bid_size, ask, ask_size))), text(market))


def trade(
    price: Number,
    size: Number,
    side: int = 1,
    kind: int = 1,
    market: str = MARKET,
    *,
    number: int = 123,
    full: str | None = None,
    seq: int = 7,
    created: int = US - 1000,
) -> bytes:
    block = pack("<3qB3qB", US, seq, number, side, steps(price), steps(size), created, kind)
    return frame(1, block, text(market) + (b"" if full is None else text(full)), version=1 if full is None else 3)


Level = tuple[Number, Number]


def group(levels: Sequence[Level], more: bytes = b"") -> bytes:
    entries = b"".join(pack("<2q", steps(price), steps(size)) + more for price, size in levels)
    return pack("<2H", 16 + len(more), len(levels)) + entries


def book(
    package: int, seq: int, bids: Sequence[Level], asks: Sequence[Level], market: str = MARKET, *, more: bytes = b""
) -> bytes:
    block = pack("<2qB9q", US + max(seq, 0), seq, package, *[NULL] * 9)
    return frame(3, block, group(bids, more) + group(asks, more) + text(market))


def summary(
    market: str = MARKET,
    *,
    mark: Number = "82000.25",
    index: Number = "81990.5",
    last: Number = "82000.1",
    turnover: Number = "5815541.39793900",
    interest: Number = "162.272",
    rate: Number = "0.00010001",
    bid: Number = "82000.1",
    ask: Number = "82000.2",
    bid_size: Number = "1.5",
    ask_size: Number = "0.25",
    precise: str | None = "0.000100012345",
    version: int = 1,
) -> bytes:
    """Versions 0 (216 bytes), 1 (240) and 3 (248) of the block."""
    first = (mark, index, last, turnover, interest, rate, bid, ask, "584031465.5252", "0.009032")
    block = pack("<12q", US, 5, *map(steps, first)) + pack("<13q", *[NULL] * 13)
    block += pack("<2q", steps(bid_size), steps(ask_size))
    if version:
        block += pack("<3q", NULL, NULL, steps(precise, 12))
    if version >= 3:
        block += pack("<q", NULL)
    return frame(4, block, text(market), version=version)


def funding(
    rate: Number = "0.00010001",
    index: Number = "20511.93608234",
    period: int = 8,
    market: str = MARKET,
    *,
    created: int = US,
    version: int = 1,
) -> bytes:
    block = pack("<7qh", US, 6, steps(rate), steps(index), created, steps("-6.04"), steps("0.0001"), period)
    return frame(5, block + (pack("<q", NULL) if version else b""), text(market), version=version)
