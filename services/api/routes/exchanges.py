"""`/api/exchanges` as the CryExc terminal reads it, `/api/features`, and our own `/api/venues`."""

from collections.abc import Mapping
from typing import Any, Final, Literal

from fastapi import APIRouter
from starlette.responses import Response

from services.api.answers import documented, reply, stamp
from services.api.context import Context, Ctx
from services.api.quarantine import Place, quarantined, reasons
from services.api.state import Process
from services.api.symbols import exchange_id
from shared.instruments import Instrument, Market

router = APIRouter(tags=["exchanges"])
MARKETS: tuple[Market, ...] = ("spot", "perp")
#: From worst to best; several collectors of one exchange are as good as their best.
STATES = ("starting", "blocked", "degraded", "live")

#: more of an exchange's quarantined instruments are counted, not named; /api/markets names them all
QUARANTINE_SHOWN: Final = 50

EXAMPLE = [
    {
        "name": "alphaf",
        "symbols": ["BTCUSDT"],
        "capabilities": {
            "trades": True,
            "orderbook": False,
            "liquidations": False,
            "marketStats": False,
            "orderbookHeatmap": False,
            "screener": False,
        },
        "id": "alphaf",
        "display_name": "Alpha futures",
        "enabled": True,
        "state": "live",
        "detail": "",
        "symbolDetails": {"BTCUSDT": {"tickSize": "0.10", "baseAsset": "BTC", "quoteAsset": "USDT"}},
    }
]


def display_name(venue: str) -> str:
    return venue.upper() if len(venue) <= 4 else venue.capitalize()


def state_of(processes: list[Process]) -> str:
    """The best word of an exchange's collectors; `down` without any."""
    words = (one.state for one in processes)
    return max(words, key=lambda word: STATES.index(word) if word in STATES else 0, default="down")


def detail_of(processes: list[Process]) -> str:
    return next((text for one in processes if (text := one.fields.get("detail"))), "")


@router.get(
    "/api/exchanges", summary="Exchanges and their pairs, as terminals read them", responses=documented(EXAMPLE)
)
async def exchanges(context: Ctx, shape: Literal["array", "object"] = "array") -> Response:
    """One element per exchange and market: the bare name is spot, a trailing `f` perpetuals."""
    found = [
        _exchange(context, venue, market)
        for venue in context.state.directory.by_venue
        for market in MARKETS
        if context.state.directory.names_on(venue, market)
    ]
    if shape == "array":
        return reply(found)
    listed = [{"id": one["id"], "name": one["display_name"], "enabled": one["enabled"]} for one in found]
    return reply({"exchanges": listed, "details": {one["id"]: one for one in found}})


def _exchange(context: Context, venue: str, market: Market) -> dict[str, Any]:
    names, processes = context.state.directory.names_on(venue, market), context.state.members(venue)
    capabilities = ("orderbook", "liquidations", "marketStats", "orderbookHeatmap", "screener")
    return {
        "name": exchange_id(venue, market),
        "symbols": sorted(names),
        "capabilities": {"trades": True, **dict.fromkeys(capabilities, False)},
        "id": exchange_id(venue, market),
        "display_name": f"{display_name(venue)} {'futures' if market == 'perp' else 'spot'}",
        "enabled": bool(processes),
        "state": state_of(processes),
        "detail": detail_of(processes),
        "symbolDetails": {name: _detail(instrument) for name, instrument in sorted(names.items())},
    }


def _detail(instrument: Instrument) -> dict[str, Any]:
    return {
        "tickSize": instrument.tick_size,
        "lotSize": instrument.lot_size,
        "baseAsset": instrument.base,
        "quoteAsset": instrument.quote,
        "native": instrument.native,
        "multiplier": instrument.multiplier,
    }


@router.get(
    "/api/features",
    summary="Optional parts of the terminal that this back-end has",
    responses=documented({"pythMarkets": False, "walletCohorts": False, "options": False, "news": False}),
)
async def features() -> Response:
    return reply({"pythMarkets": False, "walletCohorts": False, "options": False, "news": False})


@router.get(
    "/api/venues",
    summary="The exchanges that are collected, and how they are",
    responses=documented({"venues": [{"id": "alpha", "state": "live", "detail": "", "spot": 3, "perp": 5}]}),
)
async def venues(context: Ctx) -> Response:
    said = reasons(context.state.board.rows.values())
    found = [_venue(context, venue, said) for venue in context.state.venues()]
    return reply({"venues": found, "order": [one["id"] for one in found], **stamp(context.now_ns())})


def _venue(context: Context, venue: str, said: Mapping[Place, str]) -> dict[str, Any]:
    processes, listed = context.state.members(venue), context.state.directory.by_venue.get(venue, [])
    trading = [one for one in listed if one.status == "trading"]
    withheld = quarantined(listed, said)
    figures = ("frames_per_s", "lag_ms_p50", "lag_ms_p99", "subscribed", "reconnects_total", "gaps_total")
    summed: dict[str, Any] = {}
    for name in figures:
        known = [figure for one in processes if (figure := one.number(name)) is not None]
        found = None if not known else max(known) if name.startswith("lag") else sum(known, 0.0)
        summed[name] = int(found) if found is not None and found.is_integer() else found
    return {
        "id": venue,
        "display_name": display_name(venue),
        "state": state_of(processes),
        "detail": detail_of(processes),
        "members": len(processes),
        "exchange_ids": [exchange_id(venue, market) for market in MARKETS],
        **{market: sum(one.market == market for one in trading) for market in MARKETS},
        "listed": len(listed),
        "quarantined": len(withheld),
        "quarantine": withheld[:QUARANTINE_SHOWN],
        **summed,
    }
