"""`/api/aggregated_data`: every coin with its best route, sorted and filtered, one body shared by all who ask alike."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Annotated, Literal

from fastapi import APIRouter, Query
from starlette.requests import Request
from starlette.responses import Response

from services.api.answers import Among, Text, documented, reply_body, stamp
from services.api.context import Ctx
from services.api.numbers import decimal, json_bytes
from services.api.views import markets, spread_view
from services.api.within import Wanted
from shared.signals import BoardRow

router = APIRouter(tags=["market data"])
Sort = Literal["spread", "symbol", "funding", "volume"]
_EIGHT = Decimal(8)

EXAMPLE = {
    "aggregated_data": {
        "WIF": {
            "alpha": {"spot": {}, "futures": {"price": 2.14505, "bid": 2.1451, "ask": 2.145}},
            "beta": {"spot": {}, "futures": {"price": 2.1605}},
            "spread": {"long": "alpha", "short": "beta", "edge_bps": 71.8, "net_open_bps": 50.8, "size_usd": 4200},
        }
    },
    "supported_symbols": ["WIF"],
    "order": ["WIF"],
    "timestamp": "2026-11-21T08:03:41.132+00:00",
}


@dataclass(frozen=True)
class Asked:
    """What makes two requests the same."""

    sort: Sort
    descending: bool
    min_net_bps: float | None
    max_edge_bps: float | None
    venues: tuple[str, ...]
    every_venue: bool
    limit: int | None
    text: bool


@router.get("/api/aggregated_data", summary="Every coin, with its best route", responses=documented(EXAMPLE, 404))
async def aggregated_data(
    context: Ctx,
    request: Request,
    wanted: Among,
    sort: Sort = "spread",
    order: Annotated[Literal["asc", "desc"] | None, Query(description="without: the usual one of the sort")] = None,
    min_net_bps: Annotated[float | None, Query(allow_inf_nan=False, description="least edge after both fees")] = None,
    max_edge_bps: Annotated[
        float | None, Query(allow_inf_nan=False, description="a larger gross edge is left out")
    ] = None,
    limit: Annotated[int | None, Query(ge=1, le=100_000)] = None,
    text: Text = False,
) -> Response:
    """`spread` is the best route between the exchanges that are asked for, null figures where there is none; coins
    without stand last.
    """
    state = context.state
    descending = order == "desc" if order else sort != "symbol"
    every = wanted == tuple(state.venues())
    asked = Asked(sort, descending, min_net_bps, max_edge_bps, wanted, every, limit, text)
    among, routes = Wanted.of(None if every else wanted), state.routes
    rows, now, feed = list(state.board.rows.values()), context.now_ns(), state.feed
    told = {"mode": state.mode, "state": feed, "reason": state.feed_reason(), **stamp(now)}

    def make() -> bytes:
        chosen = select([routes.within(row, among) for row in rows], asked)
        found = {
            row.asset: {
                **markets(row, wanted, now, feed, text),
                "spread": spread_view(row.best, row.why, text),
            }
            for row in chosen
        }
        names = [row.asset for row in chosen]
        return json_bytes({"aggregated_data": found, "supported_symbols": sorted(names), "order": names, **told})

    return reply_body(await context.bodies.get(asked, make), request)


def select(rows: Sequence[BoardRow], asked: Asked) -> list[BoardRow]:
    """The rows that were asked for, in order; those without the figure that is sorted by stand last."""
    known = [row for row in rows if _passes(row, asked)]
    if asked.sort == "symbol":
        return sorted(known, key=lambda row: row.asset, reverse=asked.descending)[: asked.limit]
    figures = [(row, _figure(row, asked)) for row in known]
    sign = -1 if asked.descending else 1
    ranked = sorted(
        ((row, figure) for row, figure in figures if figure is not None), key=lambda one: (sign * one[1], one[0].asset)
    )
    unranked = sorted((row for row, figure in figures if figure is None), key=lambda row: row.asset)
    return [*(row for row, _ in ranked), *unranked][: asked.limit]


def _passes(row: BoardRow, asked: Asked) -> bool:
    if not asked.every_venue and not any(leg.venue in asked.venues for leg in row.legs):
        return False
    if asked.min_net_bps is None and asked.max_edge_bps is None:
        return True
    route = row.best
    if route is None:
        return asked.min_net_bps is None
    if asked.min_net_bps is not None and float(route.net_open_bps) < asked.min_net_bps:
        return False
    return asked.max_edge_bps is None or float(route.edge_bps) <= asked.max_edge_bps


def _figure(row: BoardRow, asked: Asked) -> Decimal | None:
    if asked.sort == "spread":
        return decimal(row.best.net_open_bps) if row.best is not None else None
    legs = [leg for leg in row.legs if leg.venue in asked.venues]
    if asked.sort == "volume":
        turnovers = [value for leg in legs if (value := decimal(leg.turnover)) is not None]
        return sum(turnovers, Decimal(0)) if turnovers else None
    rates = []
    for leg in legs:
        rate, hours = decimal(leg.funding_rate), decimal(leg.funding_interval_h)
        if rate is not None and hours:
            rates.append(rate * _EIGHT / hours)
    return max(rates) - min(rates) if len(rates) > 1 else None
