"""`/api/symbols`: what can be asked for; `/api/switch_symbol`: the deployment's chosen coin."""

from typing import Annotated, Any

from fastapi import APIRouter, Query
from starlette.requests import Request
from starlette.responses import Response

from services.api.answers import asset_for, documented, reply, stamp, takes
from services.api.context import Ctx
from services.api.errors import ApiError, invalid
from services.api.routes.config import json_body, write
from shared.instruments import Instrument

router = APIRouter(tags=["market data"])
EXAMPLE = {
    "symbols": [
        {
            "symbol": "BTCUSDT",
            "base": "BTC",
            "quote": "USDT",
            "enabled": True,
            "asset": "BTC",
            "venues": {"alpha": ["spot", "futures"], "beta": ["futures"]},
        }
    ],
    "assets": ["BTC"],
    "count": 1,
}


@router.get("/api/symbols", summary="Every pair that some exchange lists", responses=documented(EXAMPLE))
async def symbols(
    context: Ctx, limit: Annotated[int | None, Query(ge=1, le=100_000)] = None, q: str | None = None
) -> Response:
    """`enabled`: it trades somewhere. `q`: only those whose name holds this text."""
    pairs: dict[tuple[str, str], list[Instrument]] = {}
    for listed in context.state.directory.assets.values():
        for instrument in listed:
            pairs.setdefault((instrument.base, instrument.quote), []).append(instrument)
    wanted = [pair for pair in sorted(pairs) if q is None or q.strip().upper() in pair[0] + pair[1]]
    return reply(
        {
            "symbols": [_pair(base, quote, pairs[base, quote]) for base, quote in wanted[:limit]],
            "assets": sorted(context.state.directory.assets),
            "current_symbol": context.state.runtime.symbol,
            "count": len(wanted),
            **stamp(context.now_ns()),
        }
    )


def _pair(base: str, quote: str, listed: list[Instrument]) -> dict[str, Any]:
    venues: dict[str, list[str]] = {}
    for instrument in listed:
        market = "spot" if instrument.market == "spot" else "futures"
        held = venues.setdefault(instrument.venue, [])
        if market not in held:
            held.append(market)
    return {
        "symbol": f"{base}{quote}",
        "base": base,
        "quote": quote,
        "enabled": any(instrument.status == "trading" for instrument in listed),
        "asset": base,
        "category": next((one.category for one in listed if one.category != "unknown"), "unknown"),
        "venues": venues,
    }


@router.post(
    "/api/switch_symbol",
    summary="Choose the coin that is shown where none is asked for",
    responses=documented({"status": "success", "symbol": "WLFI"}, 404, 503),
    openapi_extra=takes({"symbol": "WLFI"}, "symbol"),
)
async def switch_symbol(context: Ctx, request: Request) -> Response:
    """`{"symbol": "WLFI"}`; kept in the settings, for every client of this deployment."""
    body = await json_body(request)
    symbol = body.get("symbol")
    if not isinstance(symbol, str) or not symbol.strip():
        raise invalid("symbol", symbol, "the name of a coin", status=400)
    asset = asset_for(context, symbol)
    if asset not in context.state.directory.assets and asset not in context.state.board.rows:
        message = "No listing has come yet, so it is not known whether this coin exists."
        raise ApiError(503, "warming_up", message, field="symbol", value=symbol, headers={"Retry-After": "5"})
    runtime = await write(context, {"symbol": asset}, None)
    return reply({"status": "success", "symbol": asset, "version": runtime.version})
