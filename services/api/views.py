"""Board rows and signals as JSON shapes. Pure: the moment is an argument.

The older vocabulary (`spot`, `futures`, `premium_percent`, `spread_percent`) and ours (`edge_bps`) of the same facts.
`price` is the mid of a two-sided quote, else the last trade's; a market without a price is `{}`.
"""

from collections.abc import Iterable, Sequence
from typing import Any, Final

import msgspec

from services.api.numbers import mid, number, percent_of_bps, premium_percent, raw
from services.api.symbols import quote_rank
from services.api.times import iso, ms_of
from shared.instruments import Market
from shared.signals import BoardRow, Leg, Route, Signal, SignalLeg

#: States in which a leg's feed is not current; `state` of the whole API overrides a better one.
OLDER_NAMES: Final[dict[Market, str]] = {"spot": "spot", "perp": "futures"}


def quote_of(symbol: str) -> str:
    """The quote currency of one of our own unified symbols."""
    return symbol.partition("/")[2].partition(":")[0]


def rank(leg: Leg) -> tuple[bool, int, str]:
    """Which of several legs of one venue and market stands for them: priced first, then the usual quote."""
    return (leg.bid is None and leg.ask is None and leg.last is None, quote_rank(quote_of(leg.symbol)), leg.symbol)


def chosen(row: BoardRow | None, venue: str, market: Market) -> Leg | None:
    legs = (leg for leg in row.legs if leg.venue == venue and leg.market == market) if row is not None else ()
    return min(legs, key=rank, default=None)


def price_of(leg: Leg) -> tuple[str | None, str | None]:
    """The price that stands for a leg, and which it is: `mid` or `last`."""
    middle = mid(leg.bid, leg.ask)
    if middle is not None:
        return middle, "mid"
    return (leg.last, "last") if leg.last is not None else (None, None)


def age_ms(recv: int | None, now_ns: int) -> int | None:
    return None if recv is None else max(0, (now_ns - recv) // 1_000_000)


def state_of(leg: Leg, feed: str) -> str:
    """The scanner's word, or `stale` where nobody keeps the board."""
    return leg.state if feed == "live" else "stale"


def market_view(leg: Leg | None, now_ns: int, feed: str, text: bool = True) -> dict[str, Any]:
    """One market of one venue; `{}` where it is not listed or has no price."""
    price, kind = price_of(leg) if leg is not None else (None, None)
    if leg is None or price is None:
        return {}
    seen = ms_of(leg.recv)
    view: dict[str, Any] = {
        "price": number(price),
        "price_kind": kind,
        "bid": number(leg.bid),
        "ask": number(leg.ask),
        "bid_size": number(leg.bid_size),
        "ask_size": number(leg.ask_size),
        "last": number(leg.last),
        "symbol": leg.native,
        "unified_symbol": leg.symbol,
        "timestamp": iso(seen),
        "timestamp_ms": seen,
        "age_ms": age_ms(leg.recv, now_ns),
        "state": state_of(leg, feed),
        "reason": leg.reason,
        "source": leg.source,
        "volume_24h": number(leg.volume),
        "turnover_24h": number(leg.turnover),
    }
    if text:
        view |= {"price_text": price, "bid_text": leg.bid, "ask_text": leg.ask, "last_text": leg.last}
    if leg.market == "perp":
        view |= _perpetual(leg, text)
    return view


def _perpetual(leg: Leg, text: bool) -> dict[str, Any]:
    pays = ms_of(leg.next_funding_ts)
    view: dict[str, Any] = {
        "funding_rate": number(leg.funding_rate),
        "funding_interval_hours": number(leg.funding_interval_h),
        "next_funding_time": iso(pays),
        "next_funding_time_ms": pays,
        "mark_price": number(leg.mark),
        "index_price": number(leg.index),
        "open_interest": number(leg.open_interest),
    }
    if text:
        view |= {"funding_rate_text": leg.funding_rate, "mark_price_text": leg.mark, "index_price_text": leg.index}
    return view


def funding_view(leg: Leg | None) -> dict[str, Any]:
    """The older separate funding object of a venue; `{}` without a rate."""
    if leg is None or leg.funding_rate is None:
        return {}
    pays = ms_of(leg.next_funding_ts)
    return {
        "rate": number(leg.funding_rate),
        "rate_text": leg.funding_rate,
        "interval_hours": number(leg.funding_interval_h),
        "next_funding_time": iso(pays),
        "next_funding_time_ms": pays,
    }


def realtime(row: BoardRow | None, venues: Iterable[str], now_ns: int, feed: str) -> dict[str, Any]:
    """`realtime_data` of one asset: every venue, `{}` for each market it lacks."""
    found = {}
    for venue in venues:
        spot, perp = chosen(row, venue, "spot"), chosen(row, venue, "perp")
        found[venue] = {
            "spot": market_view(spot, now_ns, feed),
            "futures": market_view(perp, now_ns, feed),
            "funding_rate": funding_view(perp),
        }
    return found


def premiums(row: BoardRow | None, venues: Iterable[str]) -> dict[str, Any]:
    """`premium_data`: 100 * (perp - spot) / spot of each venue that has both."""
    found = {}
    for venue in venues:
        spot, perp = chosen(row, venue, "spot"), chosen(row, venue, "perp")
        low, high = (price_of(leg)[0] if leg is not None else None for leg in (spot, perp))
        percent = premium_percent(high, low)
        if percent is not None:
            found[venue] = {
                "premium_percent": raw(percent),
                "spot_price": number(low),
                "spot_price_text": low,
                "futures_price": number(high),
                "futures_price_text": high,
            }
    return found


def markets(row: BoardRow, venues: Sequence[str], now_ns: int, feed: str, text: bool) -> dict[str, Any]:
    """One asset of `aggregated_data`: the venues that list it."""
    listed = {leg.venue for leg in row.legs}
    return {
        venue: {
            older: market_view(chosen(row, venue, market), now_ns, feed, text) for market, older in OLDER_NAMES.items()
        }
        for venue in venues
        if venue in listed
    }


def spread_view(route: Route | None, why: str | None, text: bool = False) -> dict[str, Any]:
    """The best route of an asset; every figure null without one, `why` says why."""
    if route is None:
        names = ("long", "long_market", "short", "short_market", "kind", "price_long", "price_short", "spread_percent")
        nets = ("net_open_bps", "net_cash_bps", "net_in_out_bps", "net_now_bps", "net_rt_bps")
        return {**dict.fromkeys((*names, "edge_bps", *nets, "size", "size_usd")), "flags": [], "why": why}
    view: dict[str, Any] = {
        "long": route.buy[0],
        "long_market": route.buy[1],
        "short": route.sell[0],
        "short_market": route.sell[1],
        "kind": route.kind,
        "price_long": number(route.buy_price),
        "price_short": number(route.sell_price),
        "spread_percent": number(percent_of_bps(route.edge_bps)),
        "edge_bps": number(route.edge_bps),
        "net_open_bps": number(route.net_open_bps),
        "net_cash_bps": number(route.net_cash_bps),
        "net_in_out_bps": number(route.net_in_out_bps),
        "net_now_bps": number(route.net_now_bps),
        "net_rt_bps": number(route.stats.net_rt_bps) if route.stats is not None else None,
        "size": number(route.size),
        "size_usd": number(route.size_usd),
        "flags": list(route.flags),
        "why": why,
    }
    if text:
        view |= {"price_long_text": route.buy_price, "price_short_text": route.sell_price, "size_text": route.size}
    return view


def _signal_leg(leg: SignalLeg) -> dict[str, Any]:
    return {
        "exchange": leg.venue,
        "market": leg.market,
        "symbol": leg.native,
        "unified_symbol": leg.symbol,
        "price": number(leg.price),
        "price_text": leg.price,
        "size": number(leg.size),
        "age_ms": leg.age_ms,
        "funding_rate": number(leg.funding_rate),
        "funding_interval_hours": number(leg.funding_interval_h),
        "next_funding_time": iso(ms_of(leg.next_funding_ts)),
    }


def signal_view(signal: Signal, make: Any = number) -> dict[str, Any]:
    """One opportunity with its whole life cycle. `make` writes decimal text (a JSON number by default)."""
    view: dict[str, Any] = {
        "id": signal.id,
        "rev": signal.rev,
        "symbol": signal.asset,
        "kind": signal.kind,
        "state": "closed" if signal.event == "close" else "open",
        "short_exchange": signal.sell.venue,
        "short_market": signal.sell.market,
        "short_symbol": signal.sell.symbol,
        "long_exchange": signal.buy.venue,
        "long_market": signal.buy.market,
        "long_symbol": signal.buy.symbol,
        "spread_percent": make(percent_of_bps(signal.edge_bps)),
        "price_short": make(signal.sell.price),
        "price_long": make(signal.buy.price),
        "observed_at": iso(ms_of(signal.at)),
        "observed_at_ms": ms_of(signal.at),
        "edge_bps": make(signal.edge_bps),
        "net_open_bps": make(signal.net_open_bps),
        "net_cash_bps": make(signal.net_cash_bps),
        "open_edge_bps": make(signal.open_edge_bps),
        "open_net_bps": make(signal.open_net_bps),
        "peak_edge_bps": make(signal.peak_edge_bps),
        "peak_net_bps": make(signal.peak_net_bps),
        "size": make(signal.size),
        "size_usd": make(signal.size_usd),
        "open_size_usd": make(signal.open_size_usd),
        "peak_size_usd": make(signal.peak_size_usd),
        "open_ages_ms": list(signal.open_ages_ms),
        "close_reason": signal.close_reason,
        "duration_ms": signal.duration_ms,
        "updates": signal.updates,
        "samples": signal.samples,
        "score": None if signal.score is None else make(signal.score.points),
        "flags": list(signal.flags),
        "config_version": signal.config_version,
    }
    for name in ("first_at", "opened_at", "ended_at", "closed_at", "peak_at"):
        ms = ms_of(getattr(signal, name))
        view |= {name: iso(ms), f"{name}_ms": ms}
    return view


def signal_detail(signal: Signal) -> dict[str, Any]:
    """`plan` and `score_terms` carry their figures as text."""
    return {
        **signal_view(signal),
        "key": signal.key,
        "buy": _signal_leg(signal.buy),
        "sell": _signal_leg(signal.sell),
        "plan": None if signal.plan is None else msgspec.to_builtins(signal.plan),
        "score_terms": [] if signal.score is None else msgspec.to_builtins(signal.score.terms),
    }


def newest_recv_ms(row: BoardRow | None) -> int | None:
    """When the newest quote of a row was read."""
    return ms_of(max((leg.recv for leg in row.legs if leg.recv is not None), default=None)) if row else None
