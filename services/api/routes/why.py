"""`/api/why/{asset}`: why a coin gives a signal or none, asked of the scanner and answered step by step."""

import asyncio
from typing import Any, Final

import msgspec
from fastapi import APIRouter
from starlette.responses import Response

from services.api.answers import asset_for, documented, reply
from services.api.context import Ctx
from services.api.errors import ApiError, away
from services.api.numbers import number
from services.api.times import iso, ms_of
from shared import bus, decoding, streams
from shared.why import Why

router = APIRouter(tags=["signals"])
#: How long the scanner may take, and how often it is looked for its answer.
ANSWER_S: Final = 3.0
LOOK_S: Final = 0.05
_why: Final[decoding.Decoder[Why]] = decoding.msgpack(Why)

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
        told = await _ask(context.client, name)
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


async def _ask(client: bus.Redis, asset: str) -> Why | None:
    """The answer to a question put now; None where none comes. Raises one of `bus.AWAY`."""
    seconds, micros = await client.time()
    asked_ms = int(seconds) * 1000 + int(micros) // 1000
    lasts = asked_ms + int(ANSWER_S * 1000)
    await client.zadd(streams.demand(streams.SCANNER, "why"), {asset: lasts})
    for _ in range(int(ANSWER_S / LOOK_S)):
        await asyncio.sleep(LOOK_S)
        data: Any = await client.get(streams.why(asset))
        if data is not None:
            told = _why.decode(data)
            if told.answered_ms >= asked_ms:
                return told
            # an answer to somebody else may have taken the question away
            await client.zadd(streams.demand(streams.SCANNER, "why"), {asset: lasts}, nx=True)
    return None


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
