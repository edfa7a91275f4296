"""`/api/markets` and `/api/coverage`: what the exchanges list, and how much of it is live."""

from typing import Any

from fastapi import APIRouter
from starlette.responses import Response

from services.api.answers import documented, reply, stamp
from services.api.context import Context, Ctx
from services.api.errors import away
from services.api.quarantine import quarantined, reasons
from services.api.state import LiveState
from shared import bus, streams
from shared.instruments import Instrument, Market

router = APIRouter(tags=["exchanges"])
#: Collectors look for this member when they look at what is demanded; it asks for the listing itself.
LISTING_KIND, EVERYTHING = "instruments", "*"
REFRESH_MS = 60_000


def _named(listed: list[Instrument], market: Market) -> list[str]:
    return sorted({f"{one.base}{one.quote}" for one in listed if one.market == market and one.status == "trading"})


@router.get(
    "/api/markets",
    summary="What each exchange lists",
    responses=documented(
        {
            "market_report": {
                "total_symbols": 2,
                "exchanges": {"alpha": {"spot": ["BTCUSDT"], "futures": ["BTCUSDT"], "spot_count": 1}},
            },
            "current_symbols": ["BTC"],
        }
    ),
)
async def markets(context: Ctx) -> Response:
    """`quarantined`: what is listed and not used, each with its reason."""
    directory, said = context.state.directory, reasons(context.state.board.rows.values())
    report = {}
    for venue, listed in directory.by_venue.items():
        spot, futures = _named(listed, "spot"), _named(listed, "perp")
        report[venue] = {
            "spot": spot,
            "futures": futures,
            "spot_count": len(spot),
            "futures_count": len(futures),
            "quarantined": quarantined(listed, said),
        }
    return reply(
        {
            "market_report": {
                "total_symbols": len(directory.assets),
                "exchanges": report,
                "listings_seen": directory.generation,
            },
            "current_symbols": sorted(directory.assets),
            **stamp(context.now_ns()),
        }
    )


@router.post(
    "/api/markets/refresh",
    summary="Read the exchanges' listings anew, now",
    responses=documented({"status": "success", "venues": ["alpha", "beta"]}, 503),
)
async def refresh(context: Ctx) -> Response:
    """Asks the collectors; they read every quarter of an hour by themselves."""
    venues = context.state.venues()
    try:
        seconds, micros = await context.client.time()
        until = seconds * 1000 + micros // 1000 + REFRESH_MS
        for venue in venues:
            await context.client.zadd(streams.demand(venue, LISTING_KIND), {EVERYTHING: until})
    except bus.AWAY:
        raise away("redis") from None
    message = "Asked the collectors to read the listings anew."
    return reply({"status": "success", "message": message, "venues": venues})


@router.get(
    "/api/coverage",
    summary="How much of what is listed is live",
    responses=documented(
        {
            "coverage_stats": {
                "total_symbols": 1243,
                "exchange_stats": {"beta": {"spot_symbols": 610, "futures_symbols": 280, "coverage_percent": 61.2}},
            }
        }
    ),
)
async def coverage(context: Ctx) -> Response:
    """`coverage_percent`: the share of all coins that this exchange trades. `fresh`: markets whose quote is current."""
    state = context.state
    fresh = _fresh(state)
    stats = {venue: _coverage(context, venue, fresh.get(venue, 0)) for venue in state.venues()}
    return reply(
        {
            "coverage_stats": {"total_symbols": len(state.directory.assets), "exchange_stats": stats},
            **stamp(context.now_ns()),
        }
    )


def _fresh(state: LiveState) -> dict[str, int]:
    counts: dict[str, int] = {}
    if state.feed == "live":
        for row in state.board.rows.values():
            for leg in row.legs:
                if leg.state in ("ok", "quiet"):
                    counts[leg.venue] = counts.get(leg.venue, 0) + 1
    return counts


def _coverage(context: Context, venue: str, fresh: int) -> dict[str, Any]:
    directory = context.state.directory
    listed = directory.by_venue.get(venue, [])
    trading = [one for one in listed if one.status == "trading"]
    assets, every = {one.asset for one in trading}, len(directory.assets)
    subscribed = [figure for one in context.state.members(venue) if (figure := one.number("subscribed")) is not None]
    return {
        "spot_symbols": sum(one.market == "spot" for one in trading),
        "futures_symbols": sum(one.market == "perp" for one in trading),
        "coverage_percent": round(100 * len(assets) / every, 2) if every else None,
        "listed": len(listed),
        "trading": len(trading),
        "subscribed": int(sum(subscribed)) if subscribed else None,
        "fresh": fresh,
    }
