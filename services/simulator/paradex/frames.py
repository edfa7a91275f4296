"""Paradex's binary frames, schema 1 version 1, from the instruments' current state.

Little endian: a header (length of the block, template, schema, version), the block of 64-bit numbers, groups of levels,
the market's name with its length before it. Prices and sizes count steps of 1e-8, precise rates 1e-12, times are
microseconds, the least number is null.
"""

from collections.abc import Mapping
from struct import Struct
from typing import Final

from services.simulator.listing import Listed
from services.simulator.market import Market

SCHEMA: Final = 1
VERSION: Final = 1
NULL: Final = -(1 << 63)
LARGEST: Final = (1 << 63) - 1
DECIMALS: Final = 8
#: powers of ten
STEPS: Final = tuple(int("1" + "0" * places) for places in range(13))
BUY: Final = 1
SELL: Final = 2
FILL: Final = 1
LIQUIDATION: Final = 2
SNAPSHOT: Final = 0
DELTA: Final = 1

_HEADER: Final = Struct("<4H")
_TRADE: Final = Struct("<3qB3qB")
_BBO: Final = Struct("<6q")
_BOOK: Final = Struct("<2qB9q")
_SUMMARY: Final = Struct("<30q")
_FUNDING: Final = Struct("<7qhq")
_GROUP: Final = Struct("<2H")
_LEVEL: Final = Struct("<2q")


def frame(template: int, block: bytes, market: str, groups: bytes = b"") -> bytes:
    name = market.encode()
    return _HEADER.pack(len(block), template, SCHEMA, VERSION) + block + groups + bytes((len(name),)) + name


def price(row: Listed, steps: int) -> int:
    """A price in steps of 1e-8."""
    return steps * STEPS[DECIMALS - row.price_decimals]


def size(row: Listed, lots: int) -> int:
    return min(LARGEST, lots * STEPS[DECIMALS - row.size_decimals])


def fixed(value: float, decimals: int = DECIMALS) -> int:
    """A number in steps; the exchange cuts what 64 bits do not hold."""
    return max(-LARGEST, min(LARGEST, round(value * STEPS[decimals])))


def bbo(row: Listed, seq: int, us: int) -> bytes:
    block = _BBO.pack(
        us, seq, price(row, row.bid), size(row, row.bid_size), price(row, row.ask), size(row, row.ask_size)
    )
    return frame(2, block, row.native)


def trade(row: Listed, number: int, us: int, *, buys: bool, kind: int = FILL, lots: int | None = None) -> bytes:
    """The last trade. The number is all of its id here; the real ones are longer than 64 bits."""
    amount = size(row, row.last_size if lots is None else lots)
    side = BUY if buys else SELL
    block = _TRADE.pack(us, row.u, number, side, price(row, row.last), amount, us, kind)
    return frame(1, block, row.native)


def book(row: Listed, package: int, seq: int, bids: Mapping[int, int], asks: Mapping[int, int], ms: int) -> bytes:
    """Levels as price steps -> lots, best first; 0 removes one."""
    block = _BOOK.pack(ms * 1000, seq, package, *[NULL] * 9)
    return frame(3, block, row.native, group(row, bids) + group(row, asks))


def group(row: Listed, levels: Mapping[int, int]) -> bytes:
    entries = b"".join([_LEVEL.pack(price(row, steps), size(row, lots)) for steps, lots in levels.items()])
    return _GROUP.pack(_LEVEL.size, len(levels)) + entries


def summary(row: Listed, market: Market, t: float) -> bytes:
    perp = row.market == "perp"
    turnover = market.volume(row) * market.fair(row.coin, t)
    rate = market.funding_rate(row, t) if perp else None
    block = _SUMMARY.pack(
        int(t * 1e6),
        row.u,
        fixed(market.mark(row, t)),
        fixed(market.index(row, t)),
        price(row, row.last),
        fixed(turnover),
        fixed(market.open_interest(row) / row.units) if perp else 0,
        0 if rate is None else fixed(rate),
        price(row, row.bid),
        price(row, row.ask),
        fixed(turnover * 100),
        fixed(0.0123),
        *[NULL] * 13,
        size(row, row.bid_size),
        size(row, row.ask_size),
        NULL,
        NULL,
        NULL if rate is None else fixed(rate, 12),
    )
    return frame(4, block, row.native)


def funding(row: Listed, market: Market, t: float) -> bytes:
    """The rate for the market's own period, and the index that adds it up, in money per unit of base."""
    rate, us = market.funding_rate(row, t), int(t * 1e6)
    eight = rate * 8 / row.interval_h
    index = eight * market.index(row, t) * (t - row.listed_ms / 1000) / 28_800
    premium = eight * market.index(row, t)
    block = _FUNDING.pack(us, int(t), fixed(rate), fixed(index), us, fixed(premium), fixed(eight), row.interval_h, NULL)
    return frame(5, block, row.native)
