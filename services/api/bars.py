"""Stored bars as history rows and chart columns. Pure: rows in, shapes out.

A venue's spot and perpetual bars of one step make one point. Of several markets of a venue the one with the usual
quote stands, as on the live side.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

from services.api.numbers import mid, premium_percent, raw
from services.api.symbols import quote_rank
from services.api.times import iso_of
from services.api.views import quote_of
from shared.signals import Leg

Row = Mapping[str, Any]
FIELDS: Final = (
    *("timestamp", "spot_price", "futures_price", "funding_rate", "funding_interval_hours", "premium_percent"),
    *("mark_price", "index_price", "spot_bid", "spot_ask", "futures_bid", "futures_ask", "futures_open"),
    *("futures_high", "futures_low", "spot_open", "spot_high", "spot_low", "quotes", "live"),
)


class Point:
    """One venue at one step."""

    __slots__ = ("perp", "spot", "step")

    def __init__(self, step: datetime) -> None:
        self.step = step
        self.spot: Row | None = None
        self.perp: Row | None = None

    def take(self, row: Row) -> None:
        name = "spot" if row["market"] == "spot" else "perp"
        held = getattr(self, name)
        if held is not None and row.get("live") and held["symbol"] == row["symbol"]:
            setattr(self, name, _going_on(held, row))
        elif held is None or _rank(row) < _rank(held):
            setattr(self, name, row)

    def price(self, market: str) -> Decimal | None:
        row: Row | None = getattr(self, market)
        found: Decimal | None = None if row is None else row["mid_close"]
        return found

    def premium(self) -> Decimal | None:
        return premium_percent(self.price("perp"), self.price("spot"))


def _going_on(stored: Row, live: Row) -> Row:
    """What is stored of a step that is still open, and where it stands now."""
    close = live["mid_close"]
    high, low = stored["mid_high"], stored["mid_low"]
    reached = {
        "mid_high": high if close is None or high is None else max(high, close),
        "mid_low": low if close is None or low is None else min(low, close),
    }
    return {**stored, **{name: value for name, value in live.items() if value is not None}, **reached}


def _rank(row: Row) -> tuple[bool, int, str]:
    return row["mid_close"] is None, quote_rank(quote_of(row["symbol"])), row["symbol"]


def points(rows: Iterable[Row], limit: int | None = None) -> dict[str, list[Point]]:
    """Points by venue, oldest first; the newest `limit` of each."""
    found: dict[str, dict[datetime, Point]] = {}
    for row in rows:
        of_venue = found.setdefault(row["venue"], {})
        of_venue.setdefault(row["step"], Point(row["step"])).take(row)
    newest = slice(-limit if limit else None, None)
    return {venue: [steps[step] for step in sorted(steps)][newest] for venue, steps in sorted(found.items())}


def history_row(point: Point) -> dict[str, Any]:
    """One point in the older vocabulary; missing figures are null."""
    spot, perp = point.spot or {}, point.perp or {}
    return {
        "timestamp": iso_of(point.step),
        "spot_price": raw(spot.get("mid_close")),
        "futures_price": raw(perp.get("mid_close")),
        "funding_rate": raw(perp.get("funding_rate")),
        "funding_interval_hours": raw(perp.get("funding_interval_h")),
        "premium_percent": raw(point.premium()),
        "mark_price": raw(perp.get("mark_close")),
        "index_price": raw(perp.get("index_close")),
        "spot_bid": raw(spot.get("bid_close")),
        "spot_ask": raw(spot.get("ask_close")),
        "futures_bid": raw(perp.get("bid_close")),
        "futures_ask": raw(perp.get("ask_close")),
        "spot_open": raw(spot.get("mid_open")),
        "spot_high": raw(spot.get("mid_high")),
        "spot_low": raw(spot.get("mid_low")),
        "futures_open": raw(perp.get("mid_open")),
        "futures_high": raw(perp.get("mid_high")),
        "futures_low": raw(perp.get("mid_low")),
        "quotes": int(spot.get("quotes") or 0) + int(perp.get("quotes") or 0),
        "live": bool(spot.get("live") or perp.get("live")),
    }


def live_bar(leg: Leg, step: datetime) -> dict[str, Any]:
    """A market's step that is still open, as far as the board knows it: where it stands now."""
    closes = {
        "mid_close": mid(leg.bid, leg.ask),
        "bid_close": leg.bid,
        "ask_close": leg.ask,
        "mark_close": leg.mark,
        "index_close": leg.index,
        "funding_rate": leg.funding_rate,
        "funding_interval_h": leg.funding_interval_h,
    }
    found = {name: None if text is None else Decimal(text) for name, text in closes.items()}
    untold = dict.fromkeys(("mid_open", "mid_high", "mid_low", "quotes"))
    known = {"venue": leg.venue, "symbol": leg.symbol, "market": leg.market, "step": step, "live": True}
    return {**known, **untold, **found}


def csv(data: Mapping[str, Sequence[dict[str, Any]]]) -> bytes:
    """History rows of every venue as one table; an empty cell is a missing figure."""
    lines = [",".join(("exchange", *FIELDS))]
    for venue, rows in data.items():
        lines += [",".join([venue, *(_cell(row[name]) for name in FIELDS)]) for row in rows]
    return ("\n".join(lines) + "\n").encode()


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    return value if isinstance(value, str) else str(value) if isinstance(value, int) else bytes(value).decode()


def chart(
    found: Sequence[Point], steps: Sequence[datetime], next_times: Mapping[datetime, datetime | None]
) -> dict[str, Any]:
    """One venue's columns over every step; a step without a bar is null, not bridged."""
    by_step = {point.step: point for point in found}
    held = [by_step.get(step) for step in steps]

    def figures(market: str, name: str) -> list[Any]:
        rows = [getattr(point, market) if point is not None else None for point in held]
        return [raw(row[name]) if row is not None else None for row in rows]

    return {
        "labels": [iso_of(step) for step in steps],
        "spot_prices": figures("spot", "mid_close"),
        "futures_prices": figures("perp", "mid_close"),
        "funding_rates": figures("perp", "funding_rate"),
        "premiums": [raw(point.premium()) if point is not None else None for point in held],
        "funding_intervals": figures("perp", "funding_interval_h"),
        "next_funding_times": [iso_of(next_times.get(step)) for step in steps],
    }
