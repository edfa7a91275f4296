"""Stored history of a coin: rows, columns for charts, and the older database form."""

from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query
from starlette.requests import Request
from starlette.responses import Response

from services.api.answers import (
    asset_for,
    check_range,
    documented,
    reply,
    reply_closed,
    resolution_for,
    stamp,
    time_for,
    venues_for,
)
from services.api.bars import chart, csv, history_row, points
from services.api.context import Context, Ctx
from services.api.errors import ApiError
from services.api.numbers import json_bytes
from services.api.times import at, iso

router = APIRouter(tags=["history"])
POINTS = 1_000
MAX_POINTS = 20_000
Exchange = Annotated[str | None, Query(description="exchanges, comma separated (also `exchanges`, `venues`)")]
Interval = Annotated[str | None, Query(description="1min 5min 15min 30min 1h 4h 1day (also `resolution`)")]
Hours = Annotated[float, Query(gt=0, le=24 * 366)]
#: A bar's row may still be written for so long after its end.
SETTLE_MS = 5 * 60_000

ROW = {
    "timestamp": "2026-11-21T08:03:00.000+00:00",
    "spot_price": 43250.15,
    "futures_price": 43251.3,
    "funding_rate": 0.0001,
    "funding_interval_hours": 8,
    "premium_percent": 0.002659,
}
EXAMPLE = {
    "symbol": "BTC",
    "data": {"alpha": [ROW]},
    "from": "2026-11-21T07:04:00.000+00:00",
    "to": "2026-11-21T08:04:00.000+00:00",
    "resolution": 60,
    "count": 1,
}


@router.get(
    "/api/history/{symbol}", summary="Stored prices, funding and premium", responses=documented(EXAMPLE, 404, 503)
)
async def history(
    context: Ctx,
    request: Request,
    symbol: str,
    from_: Annotated[str | None, Query(alias="from", description="ISO 8601 or epoch milliseconds")] = None,
    to: Annotated[str | None, Query(description="exclusive; now without")] = None,
    interval: Interval = None,
    resolution: Interval = None,
    exchange: Exchange = None,
    exchanges: str | None = None,
    venues: str | None = None,
    limit: Annotated[int, Query(ge=1, le=MAX_POINTS, description="newest points per exchange")] = POINTS,
    format: Annotated[Literal["json", "csv"], Query()] = "json",
) -> Response:
    """The newest `limit` points of the range, per exchange, oldest first. Missing figures are null."""
    asset, wanted = asset_for(context, symbol), venues_for(context, exchange, exchanges, venues)
    step_s = resolution_for(interval, resolution)
    now_ms = context.now_ns() // 1_000_000
    to_ms = time_for("to", to, now_ms)
    from_ms = time_for("from", from_, max(0, to_ms - limit * step_s * 1000))
    check_range(from_ms, to_ms)
    rows = await context.store.bars(asset, wanted, from_ms, to_ms, step_s, limit)
    data = {venue: [history_row(point) for point in found] for venue, found in points(rows, limit).items()}
    closed = to is not None and to_ms <= now_ms - SETTLE_MS
    if format == "csv":
        return reply_closed(csv(data), "text/csv; charset=utf-8", request, closed)
    body = {
        "symbol": asset,
        "data": data,
        "exchange_order": list(data),
        "from": iso(from_ms),
        "to": iso(to_ms),
        "resolution": step_s,
        "count": sum(len(found) for found in data.values()),
        "mode": context.state.mode,
    }
    return reply_closed(json_bytes(body), "application/json", request, closed)


@router.get(
    "/api/history/{symbol}/database",
    summary="Stored rows in the older flat form",
    responses=documented(
        {"symbol": "BTC", "exchange": "all", "hours": 24, "interval": "1min", "data": [ROW]}, 404, 503
    ),
)
async def database(
    context: Ctx,
    symbol: str,
    hours: Hours = 24,
    interval: Interval = None,
    resolution: Interval = None,
    exchange: Exchange = None,
    exchanges: str | None = None,
    venues: str | None = None,
    limit: Annotated[int, Query(ge=1, le=MAX_POINTS)] = MAX_POINTS,
) -> Response:
    """Rows of all exchanges by time, each with its `exchange`; the newest `limit` per exchange."""
    asset, wanted = asset_for(context, symbol), venues_for(context, exchange, exchanges, venues)
    step_s = resolution_for(interval, resolution)
    to_ms = context.now_ns() // 1_000_000
    from_ms = max(0, to_ms - round(hours * 3_600_000))
    rows = await context.store.bars(asset, wanted, from_ms, to_ms, step_s, limit)
    named = [(venue, point) for venue, found in points(rows, limit).items() for point in found]
    named.sort(key=lambda pair: (pair[1].step, pair[0]))
    data = [{"exchange": venue, "symbol": asset, **history_row(point)} for venue, point in named]
    said = exchange or exchanges or venues or "all"
    told = interval or resolution or "1min"
    return reply(
        {"symbol": asset, "exchange": said, "hours": hours, "interval": told, "data": data, "count": len(data)}
    )


@router.get(
    "/api/chart/{symbol}",
    summary="Stored history as columns; gaps are null",
    responses=documented(
        {
            "symbol": "BTC",
            "hours": 6,
            "interval": "15min",
            "chart_data": {"alpha": {"labels": ["2026-11-21T08:00:00.000+00:00"], "spot_prices": [43250.15]}},
            "from_cache": False,
            "cache_age_seconds": 0,
        },
        404,
        503,
    ),
)
async def charts(
    context: Ctx,
    symbol: str,
    hours: Hours = 6,
    interval: Interval = None,
    resolution: Interval = None,
    exchange: Exchange = None,
    exchanges: str | None = None,
    venues: str | None = None,
) -> Response:
    asset, wanted = asset_for(context, symbol), venues_for(context, exchange, exchanges, venues)
    name = interval or resolution or "15min"
    step_s = resolution_for(name)
    now = context.now_ns()
    steps = _steps(now, hours, step_s)
    columns = await _columns(context, asset, wanted, steps, step_s)
    return reply(
        {
            "symbol": asset,
            "hours": hours,
            "interval": name,
            "chart_data": columns,
            "exchange_order": list(columns),
            "from_cache": False,
            "cache_age_seconds": 0,
            "mode": context.state.mode,
            **stamp(now),
        }
    )


def _steps(now_ns: int, hours: float, step_s: int) -> list[datetime]:
    """Every step of the last hours, the one that is still open included. Raises `ApiError` beyond MAX_POINTS."""
    last = now_ns // 1_000_000_000 // step_s * step_s
    count = max(1, -(-round(hours * 3600) // step_s))
    if count > MAX_POINTS:
        message = f"{hours:g} hours in steps of {step_s} s are {count:,} points."
        expected = f"a coarser interval or fewer hours: at most {MAX_POINTS:,} points"
        raise ApiError(422, "too_many_points", message, field="interval", value=step_s, expected=expected)
    return [at((last - step_s * index) * 1000) for index in range(min(count, last // step_s + 1) - 1, -1, -1)]


async def _columns(
    context: Context, asset: str, wanted: list[str], steps: list[datetime], step_s: int
) -> dict[str, Any]:
    from_ms, to_ms = (round(moment.timestamp() * 1000) for moment in (steps[0], steps[-1]))
    to_ms += step_s * 1000
    found = points(await context.store.bars(asset, wanted, from_ms, to_ms, step_s, len(steps)))
    next_times: dict[str, dict[datetime, datetime | None]] = {venue: {} for venue in found}
    for row in await context.store.next_fundings(asset, wanted, from_ms, to_ms, step_s):
        next_times.setdefault(row["venue"], {}).setdefault(row["step"], row["next_ts"])
    return {venue: chart(held, steps, next_times[venue]) for venue, held in found.items()}
