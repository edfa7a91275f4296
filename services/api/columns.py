"""The board as flat rows, one per asset, for tables, pandas and the push socket. Pure.

Ages are not in the pushed rows (they would change without an event); `*_recv_ms` is, and the reader counts.
"""

from collections.abc import Callable
from typing import Any, Final

from services.api import figures
from services.api.times import ms_of
from services.api.views import price_of
from shared.signals import BoardRow, Leg, Route

#: How decimal text is written: a JSON number, or the text itself in msgpack.
Make = Callable[[str | None], Any]

ROUTE: Final = (
    *("kind", "edge_bps", "net_open_bps", "net_cash_bps", "net_in_out_bps", "net_now_bps"),
    *("size", "size_usd", "flags"),
    *("buy_venue", "buy_market", "buy_native", "buy_price", "sell_venue", "sell_market", "sell_native", "sell_price"),
    *figures.NAMES,
)
LEG: Final = ("symbol", "state", "recv_ms", "funding_rate", "funding_interval_h", "next_funding_ms")
COLUMNS: Final = (
    *("id", "asset", "at_ms", "why", "signals", "venues", "legs"),
    *ROUTE,
    *(f"{side}_{name}" for side in ("buy", "sell") for name in LEG),
)
NUMERIC: Final = (
    *("edge_bps", "net_open_bps", "net_cash_bps", "net_in_out_bps", "net_now_bps", "size", "size_usd"),
    *figures.NUMERIC,
)


def flat(row: BoardRow, make: Make) -> dict[str, Any]:
    """One asset as a flat record of `COLUMNS`."""
    found: dict[str, Any] = {
        "id": row.asset,
        "asset": row.asset,
        "at_ms": ms_of(row.at),
        "why": row.why,
        "signals": list(row.signals),
        "venues": len({leg.venue for leg in row.legs}),
        "legs": len(row.legs),
    }
    found |= _route(row.best, make)
    for side in ("buy", "sell"):
        leg = leg_of(row, getattr(row.best, side)) if row.best is not None else None
        found |= _side(side, leg, make)
    return found


def leg_of(row: BoardRow, key: tuple[str, str, str]) -> Leg | None:
    """The leg that a route names by (venue, market, native)."""
    return next((leg for leg in row.legs if (leg.venue, leg.market, leg.native) == key), None)


def _route(route: Route | None, make: Make) -> dict[str, Any]:
    if route is None:
        return {**dict.fromkeys(ROUTE), "flags": []}
    return {
        "kind": route.kind,
        "edge_bps": make(route.edge_bps),
        "net_open_bps": make(route.net_open_bps),
        "net_cash_bps": make(route.net_cash_bps),
        "net_in_out_bps": make(route.net_in_out_bps),
        "net_now_bps": make(route.net_now_bps),
        "size": make(route.size),
        "size_usd": make(route.size_usd),
        "flags": list(route.flags),
        "buy_venue": route.buy[0],
        "buy_market": route.buy[1],
        "buy_native": route.buy[2],
        "buy_price": make(route.buy_price),
        "sell_venue": route.sell[0],
        "sell_market": route.sell[1],
        "sell_native": route.sell[2],
        "sell_price": make(route.sell_price),
        **figures.figures(route, make),
    }


def _side(side: str, leg: Leg | None, make: Make) -> dict[str, Any]:
    if leg is None:
        return dict.fromkeys(f"{side}_{name}" for name in LEG)
    return {
        f"{side}_symbol": leg.symbol,
        f"{side}_state": leg.state,
        f"{side}_recv_ms": ms_of(leg.recv),
        f"{side}_funding_rate": make(leg.funding_rate),
        f"{side}_funding_interval_h": make(leg.funding_interval_h),
        f"{side}_next_funding_ms": ms_of(leg.next_funding_ts),
    }


def flat_leg(leg: Leg, make: Make) -> dict[str, Any]:
    """One market of an asset, whole."""
    price, kind = price_of(leg)
    return {
        "id": f"{leg.venue}:{leg.market}:{leg.native}",
        "venue": leg.venue,
        "market": leg.market,
        "symbol": leg.symbol,
        "native": leg.native,
        "state": leg.state,
        "reason": leg.reason,
        "price": make(price),
        "price_kind": kind,
        "bid": make(leg.bid),
        "bid_size": make(leg.bid_size),
        "ask": make(leg.ask),
        "ask_size": make(leg.ask_size),
        "last": make(leg.last),
        "mark": make(leg.mark),
        "index": make(leg.index),
        "funding_rate": make(leg.funding_rate),
        "funding_interval_h": make(leg.funding_interval_h),
        "next_funding_ms": ms_of(leg.next_funding_ts),
        "volume_24h": make(leg.volume),
        "turnover_24h": make(leg.turnover),
        "open_interest": make(leg.open_interest),
        "ts_ms": ms_of(leg.ts),
        "recv_ms": ms_of(leg.recv),
        "source": leg.source,
    }
