"""`/api/why/{asset}`: why a coin gives a signal or none, asked of the scanner and answered step by step."""

from typing import Any

import msgspec
from fastapi import APIRouter
from starlette.responses import Response

from services.api.answers import asset_for, documented, reply
from services.api.context import Ctx
from services.api.errors import ApiError, away
from services.api.numbers import number
from services.api.times import iso, ms_of
from shared import bus
from shared.asking import ANSWER_S, ask
from shared.why import Why

router = APIRouter(tags=["signals"])

EXAMPLE = {
    "symbol": "WIF",
    "legs": [{"venue": "alpha", "market": "perp", "symbol": "WIF/USDT:USDT", "native": "WIF-P", "state": "quiet"}],
    "routes": [
        {
            "kind": "perp-perp",
            "buy": "alpha|perp|WIF-P",
            "sell": "beta|perp|WIFUSDT",
            "edge_bps": 61.2,
            "verdict": "net",
            "stage": "idle",
            "steps": [
                {"name": "edge", "ok": True, "why": "edge", "value": "61.20 bps", "limit": "at least 60 bps"},
                {
                    "name": "net of fees and funding due",
                    "ok": False,
                    "why": "net",
                    "value": "-3.80 bps",
                    "limit": "at least 5 bps",
                },
            ],
        }
    ],
    "routes_total": 12,
    "held_back": {"net": 31},
    "timestamp": "2026-11-21T08:03:41.120+00:00",
}


@router.get("/api/why/{asset}", summary="Why a coin gives a signal or none", responses=documented(EXAMPLE, 404, 503))
async def why(context: Ctx, asset: str) -> Response:
    """Every market of the coin with its state, and its routes with each condition that was looked at: what was found,
    what is wanted, whether it holds. `verdict` is `good`, or the reason by which the route is held back;
    `held_back` counts by reason, one for each route and sampling instant."""
    name = asset_for(context, asset, "asset")
    try:
        told = await ask(context.client, name)
    except bus.AWAY:
        raise away("redis") from None
    if told is None:
        raise ApiError(
            503,
            "scanner_away",
            "The scanner does not answer at the moment.",
            field="scanner",
            expected=f"a running scanner that answers within {ANSWER_S:g} s",
            headers={"Retry-After": "5"},
        )
    return reply(view(told))


def view(told: Why) -> dict[str, Any]:
    at = ms_of(told.at)
    return {
        "symbol": told.asset,
        "legs": msgspec.to_builtins(told.legs),
        "routes": [{**msgspec.to_builtins(one), "edge_bps": number(one.edge_bps)} for one in told.routes],
        "routes_total": told.routes_total,
        "held_back": told.held_back,
        "timestamp": iso(at),
        "timestamp_ms": at,
    }
