"""Stored history of a coin: rows, columns for charts, and the older database form."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, Final, Literal

from fastapi import APIRouter, Depends, Path, Query
from starlette.requests import Request
from starlette.responses import Response

from services.api.answers import (
    Text,
    asset_for,
    check_range,
    documented,
    one_of_names,
    reply,
    reply_closed,
    resolution_for,
    stamp,
    time_for,
    venues_for,
)
from services.api.bars import Point, chart, csv, history_row, live_bar, points
from services.api.context import Context, Ctx
from services.api.errors import ApiError, invalid
from services.api.numbers import beside, json_bytes
from services.api.times import at, at_step, iso

router = APIRouter(tags=["history"])
POINTS = 1_000
MAX_POINTS = 20_000
Exchange = Annotated[str | None, Query(description="exchanges, comma separated (also `exchanges`, `venues`)")]
Interval = Annotated[str | None, Query(description="1min 5min 15min 30min 1h 4h 1day (also `resolution`)")]
MOST_HOURS: Final = 24 * 366
Hours = Annotated[float, Query(gt=0, le=MOST_HOURS)]
#: A default range reaches so many steps further back than asked: the newest of them may not be stored yet.
MARGIN: Final = 10
#: States in which a market's price of now stands.
GOOD: Final = frozenset({"ok", "quiet"})
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


@dataclass(frozen=True)
class Asked:
    """What the three forms have in common: whose bars, how long. `said` are the client's own words for them, `field`
    is its name for the interval.
    """

    asset: str
    venues: list[str]
    interval: str | None
    said: str
    field: str

    def step_s(self, default: str = "1min") -> int:
        """The length of a step in seconds. Raises `ApiError`."""
        return resolution_for(self.interval, default, self.field)


def asked(
    context: Ctx,
    symbol: Annotated[
        str, Path(min_length=1, description="btc, BTC, BTC/USDT, BTCUSDT or BTC/USDT:USDT; a slash may be escaped")
    ],
    interval: Interval = None,
    resolution: Interval = None,
    exchange: Exchange = None,
    exchanges: str | None = None,
    venues: str | None = None,
) -> Asked:
    wanted = venues_for(context, exchange=exchange, exchanges=exchanges, venues=venues)
    field, length = one_of_names(interval=interval, resolution=resolution)
    return Asked(asset_for(context, symbol), wanted, length, exchange or exchanges or venues or "all", field)


Bars = Annotated[Asked, Depends(asked)]


@router.get(
    "/api/history/{symbol:path}/database",
    summary="Stored rows in the older flat form",
    responses=documented(
        {"symbol": "BTC", "exchange": "all", "hours": 24, "interval": "1min", "data": [ROW]}, 404, 503
    ),
)
async def database(
    context: Ctx,
    bars: Bars,
    hours: Hours = 24,
    limit: Annotated[int, Query(ge=1, le=MAX_POINTS)] = MAX_POINTS,
    text: Text = False,
) -> Response:
    """Rows of all exchanges by time, each with its `exchange`; the newest `limit` per exchange."""
    to_ms = context.now_ns() // 1_000_000
    from_ms = max(0, to_ms - round(hours * 3_600_000))
    found = await _newest(context, bars, from_ms, to_ms, limit, live=True)
    named = [(venue, point) for venue, held in found.items() for point in held]
    named.sort(key=lambda pair: (pair[1].step, pair[0]))
    data = [{"exchange": venue, "symbol": bars.asset, **history_row(point)} for venue, point in named]
    told = {"symbol": bars.asset, "exchange": bars.said, "hours": hours, "interval": bars.interval or "1min"}
    return reply({**told, "data": beside(data) if text else data, "count": len(data)})


@router.get(
    "/api/history/{symbol:path}", summary="Stored prices, funding and premium", responses=documented(EXAMPLE, 404, 503)
)
async def history(
    context: Ctx,
    request: Request,
    bars: Bars,
    from_: Annotated[str | None, Query(alias="from", description="ISO 8601 or epoch milliseconds")] = None,
    to: Annotated[str | None, Query(description="exclusive; now without")] = None,
    hours: Annotated[
        float | None, Query(gt=0, le=MOST_HOURS, description="so many before `to`, instead of `from`")
    ] = None,
    limit: Annotated[int, Query(ge=1, le=MAX_POINTS, description="newest points per exchange")] = POINTS,
    format: Annotated[Literal["json", "csv"], Query()] = "json",
    text: Text = False,
) -> Response:
    """The newest `limit` points of the range, per exchange, oldest first. Missing figures are null.

    Without `to` the newest point is the step that is still open, with the prices of now (`live`).
    """
    step_s = bars.step_s()
    now_ms = context.now_ns() // 1_000_000
    to_ms = time_for("to", to, now_ms)
    if hours is not None and from_ is not None:
        raise invalid("hours", str(hours), "either hours or from", code="contradiction")
    reach_ms = (limit + MARGIN) * step_s * 1000 if hours is None else round(hours * 3_600_000)
    from_ms = time_for("from", from_, max(0, to_ms - reach_ms))
    check_range(from_ms, to_ms)
    found = await _newest(context, bars, from_ms, to_ms, limit, live=to is None)
    data = {venue: [history_row(point) for point in held] for venue, held in found.items()}
    closed = to is not None and to_ms <= now_ms - SETTLE_MS
    if format == "csv":
        return reply_closed(csv(data), "text/csv; charset=utf-8", request, closed)
    body = {
        "symbol": bars.asset,
        "data": beside(data) if text else data,
        "exchange_order": list(data),
        "from": iso(from_ms),
        "to": iso(to_ms),
        "resolution": step_s,
        "count": sum(len(held) for held in data.values()),
        "mode": context.state.mode,
    }
    return reply_closed(json_bytes(body), "application/json", request, closed)


async def _newest(
    context: Context, bars: Asked, from_ms: int, to_ms: int, limit: int, *, live: bool
) -> dict[str, list[Point]]:
    """The newest points of a range by exchange; with `live` the board's prices make the last one."""
    step_s = bars.step_s()
    rows = await context.store.bars(bars.asset, bars.venues, from_ms, to_ms, step_s, limit + MARGIN)
    return points([*rows, *(_live(context, bars, at_step(to_ms, step_s)) if live else ())], limit)


def _live(context: Context, bars: Asked, step: datetime) -> Iterator[dict[str, Any]]:
    """The open step of each market that is good at the moment."""
    row = context.state.board.rows.get(bars.asset)
    if row is not None and context.state.feed == "live":
        yield from (live_bar(leg, step) for leg in row.legs if leg.venue in bars.venues and leg.state in GOOD)


@router.get(
    "/api/chart/{symbol:path}",
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
async def charts(context: Ctx, bars: Bars, hours: Hours = 6) -> Response:
    step_s = bars.step_s("15min")
    now = context.now_ns()
    steps = _steps(now, hours, step_s)
    columns = await _columns(context, bars, steps, step_s)
    return reply(
        {
            "symbol": bars.asset,
            "hours": hours,
            "interval": bars.interval or "15min",
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


async def _columns(context: Context, bars: Asked, steps: list[datetime], step_s: int) -> dict[str, Any]:
    from_ms, to_ms = (round(moment.timestamp() * 1000) for moment in (steps[0], steps[-1]))
    to_ms += step_s * 1000
    rows = await context.store.bars(bars.asset, bars.venues, from_ms, to_ms, step_s, len(steps))
    found = points([*rows, *_live(context, bars, steps[-1])])
    next_times: dict[str, dict[datetime, datetime | None]] = {venue: {} for venue in found}
    for row in await context.store.next_fundings(bars.asset, bars.venues, from_ms, to_ms, step_s):
        next_times.setdefault(row["venue"], {}).setdefault(row["step"], row["next_ts"])
    return {venue: chart(held, steps, next_times[venue]) for venue, held in found.items()}
