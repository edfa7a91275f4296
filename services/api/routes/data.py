"""`/api/data`: prices, funding and premium of a coin on every exchange, in the vocabulary of the older monitors."""

from collections.abc import Iterable
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query
from starlette.requests import Request
from starlette.responses import Response

from services.api.answers import Among, Text, asset_for, documented, reply, reply_body, stamp
from services.api.context import Ctx
from services.api.figures import deviations
from services.api.figures import premiums as of_legs
from services.api.numbers import beside, json_bytes, number, premium_percent, raw
from services.api.times import iso
from services.api.views import chosen, newest_recv_ms, premiums, price_of, realtime
from shared.signals import BoardRow

router = APIRouter(tags=["market data"])
Symbol = Annotated[str | None, Query(description="btc, BTC/USDT or BTCUSDT; without: the chosen coin", max_length=64)]
#: `text` where the answer has the digits of each number anyway
Always = Annotated[bool, Query(description="the digits stand beside each number in any case")]

_MARKET = {
    "price": 43250.15,
    "price_text": "43250.15",
    "price_kind": "mid",
    "bid": 43250.1,
    "bid_text": "43250.10",
    "ask": 43250.2,
    "ask_text": "43250.20",
    "symbol": "BTCUSDT",
    "timestamp": "2026-11-21T08:03:41.120+00:00",
    "timestamp_ms": 1795248221120,
    "age_ms": 12,
    "state": "ok",
}
EXAMPLE = {
    "realtime_data": {
        "alpha": {
            "spot": _MARKET,
            "futures": {**_MARKET, "funding_rate": 0.0001, "funding_interval_hours": 8, "mark_price": 43251.3},
            "funding_rate": {"rate": 0.0001, "interval_hours": 8, "next_funding_time": "2026-11-21T16:00:00.000+00:00"},
        },
        "beta": {"spot": {}, "futures": {}, "funding_rate": {}},
    },
    "premium_data": {
        "alpha": {
            "premium_percent": 0.002659,
            "spot_price": 43250.15,
            "futures_price": 43251.3,
            "mark_premium_bps": 0.21,
            "deviation_bps": -0.1,
        }
    },
    "symbol": "BTC",
    "exchange_order": ["alpha", "beta"],
    "mode": "live",
    "state": "live",
    "timestamp": "2026-11-21T08:03:41.132+00:00",
}


@router.get("/api/data", summary="One coin on every exchange", responses=documented(EXAMPLE, 404))
async def data(
    context: Ctx,
    wanted: Among,
    symbol: Symbol = None,
    text: Always = True,
) -> Response:
    """A market that an exchange lacks, or that has no price, is `{}`; a missing figure is null, never 0."""
    asset = asset_for(context, symbol)
    row, now, feed = context.state.board.rows.get(asset), context.now_ns(), context.state.feed
    return reply(
        {
            "realtime_data": realtime(row, wanted, now, feed),
            "premium_data": _premiums(row, wanted),
            "symbol": asset,
            "exchange_order": wanted,
            "mode": context.state.mode,
            "state": feed if row is not None or feed == "stale" else "warming",
            "reason": context.state.feed_reason(),
            "data_timestamp": iso(newest_recv_ms(row)),
            **stamp(now),
        }
    )


@router.get("/api/data/all", summary="Every coin on every exchange", responses=documented({"all_realtime_data": {}}))
async def all_data(context: Ctx, request: Request, venues: Among, text: Always = True) -> Response:
    """One body for all who ask alike, made at most four times a second. For a table, `/api/board` is smaller."""
    rows, now = dict(context.state.board.rows), context.now_ns()
    feed, chosen_symbol, mode = context.state.feed, context.state.runtime.symbol, context.state.mode

    def make() -> bytes:
        order = sorted(rows)
        return json_bytes(
            {
                "all_realtime_data": {asset: realtime(rows[asset], venues, now, feed) for asset in order},
                "all_premium_data": {asset: _premiums(rows[asset], venues) for asset in order},
                "supported_symbols": order,
                "current_symbol": chosen_symbol,
                "exchange_order": venues,
                "order": order,
                "mode": mode,
                "state": feed,
                **stamp(now),
            }
        )

    return reply_body(await context.bodies.get(("data/all", venues), make), request)


@router.get(
    "/api/latest/{symbol:path}",
    summary="The newest figures of a coin, one row per exchange",
    responses=documented({"symbol": "BTC", "latest_data": {"alpha": {"spot_price": 43250.15}}}, 404),
)
async def latest(
    context: Ctx, symbol: Annotated[str, Path(min_length=1)], venues: Among, text: Text = False
) -> Response:
    asset = asset_for(context, symbol)
    row = context.state.board.rows.get(asset)
    each = {venue: _latest_of(row, venue) for venue in venues}
    found = {venue: figures for venue, figures in each.items() if figures}
    return reply({"symbol": asset, "latest_data": beside(found) if text else found, **stamp(context.now_ns())})


def _latest_of(row: BoardRow | None, venue: str) -> dict[str, Any]:
    spot, perp = chosen(row, venue, "spot"), chosen(row, venue, "perp")
    low, high = (price_of(leg)[0] if leg is not None else None for leg in (spot, perp))
    if low is None and high is None:
        return {}
    seen = max((leg.recv for leg in (spot, perp) if leg is not None and leg.recv is not None), default=None)
    return {
        "timestamp": iso(None if seen is None else seen // 1_000_000),
        "spot_price": number(low),
        "futures_price": number(high),
        "funding_rate": number(perp.funding_rate if perp else None),
        "funding_interval_hours": number(perp.funding_interval_h if perp else None),
        "mark_price": number(perp.mark if perp else None),
        "index_price": number(perp.index if perp else None),
        "premium_percent": raw(premium_percent(high, low)),
    }


def _premiums(row: BoardRow | None, venues: Iterable[str]) -> dict[str, Any]:
    """`premium_data`, and of each perpetual in it how its mark stands to its index, and its mid to all others'."""
    found = premiums(row, venues)
    if row is None or not found:
        return found
    places = {id(leg): place for place, leg in enumerate(row.legs)}
    marks, off = of_legs(row, number), deviations(row)
    for venue, one in found.items():
        place = places[id(chosen(row, venue, "perp"))]
        one |= {"mark_premium_bps": marks[place]["mark_premium_bps"], "deviation_bps": number(off[place])}
    return found
