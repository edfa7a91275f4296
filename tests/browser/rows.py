"""A small market: one coin that pays, some that nearly do, one of a single market, one in doubt."""

import time
from decimal import Decimal
from typing import Any

from shared.signals import BoardRow, Leg
from tests.api.market import leg, route, row


def now_ns() -> int:
    return time.time_ns()


def legs(asset: str, price: str = "100.00", **fields: Any) -> tuple[Leg, Leg]:
    """Two perpetuals of a coin, quoted just now."""
    now = now_ns()
    bid, ask = Decimal(price), Decimal(price) + Decimal("0.01")
    known: dict[str, Any] = {"recv": now, "ts": now, "bid": str(bid), "ask": str(ask), "index": str(bid)}
    known |= {"funding_interval_h": "8", "next_funding_ts": now + 3_600 * 10**9, **fields}
    return (
        leg("binance", base=asset, funding_rate="0.0001", **known),
        leg("okx", base=asset, native=f"{asset}-USDT-SWAP", funding_rate="0.0003", **known),
    )


def spread(asset: str, edge: str, net: str, ver: int = 1, price: str = "100.00", **fields: Any) -> BoardRow:
    """A coin whose best route buys on the one and sells on the other; `net` is after the two fees of entering."""
    both = legs(asset, price)
    met = 2 * Decimal(net) - Decimal(edge)
    best = route(*both, edge=edge, net=net, **{"net_in_out_bps": f"{met:.2f}", "net_now_bps": "-20.50", **fields})
    return row(asset, ver=ver, legs=both, best=best, at=now_ns())


def rows() -> list[BoardRow]:
    return [
        spread("WIF", "71.80", "61.80", price="2.1450"),
        spread("BTC", "9.40", "-0.60", price="43250.10", size_usd="182000.00"),
        spread("ETH", "4.00", "-6.00", price="2250.50", size_usd="640.00"),
        spread("PEPE", "1.00", "-9.00", price="0.0000046675"),
        row("SOLO", legs=legs("SOLO")[:1], best=None, why="single", at=now_ns()),
        row("NEIRO", legs=legs("NEIRO"), best=None, why="quarantined", at=now_ns()),
    ]
