"""`/api/database/stats` and `/api/database/maintenance`: what is stored, of which times, and removing what is old."""

import time
from typing import Any, Final

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from services.api.answers import documented, reply, stamp, takes
from services.api.context import Context, Ctx
from services.api.errors import away
from services.api.routes.config import json_body
from services.api.times import iso_of
from shared import bus, streams

router = APIRouter(tags=["service"])
#: a request that no recorder has met by then is forgotten
ASKED_S: Final = 120
TABLE: Final = {
    "rows": 1_440_000,
    "bytes": 310_000_000,
    "days": 7,
    "oldest": "2026-11-14T00:00:00.000+00:00",
    "newest": "2026-11-21T08:03:00.000+00:00",
}


@router.get(
    "/api/database/stats",
    summary="Size and reach of the stored history",
    responses=documented(
        {"status": "success", "stats": {"database_size_mb": 120.5, "raw_records": 0, "tables": {"bars": TABLE}}}, 503
    ),
)
async def database_stats(context: Ctx) -> Response:
    """Counts are the planner's estimates. `raw`: funding samples by the minute; `aggregated`: bars."""
    found = await context.store.statistics()
    size, tables = found.get("bytes"), found.get("tables", {})
    raw, aggregated = tables.get("funding", {}), tables.get("bars", {})
    return reply(
        {
            "status": "success",
            "stats": {
                "database_size_mb": None if size is None else round(size / 1e6, 1),
                "raw_records": raw.get("rows", 0),
                "aggregated_records": aggregated.get("rows", 0),
                "raw_data_range": [raw.get("oldest"), raw.get("newest")],
                "aggregated_data_range": [aggregated.get("oldest"), aggregated.get("newest")],
                "tables": tables,
                "gaps": found.get("gaps"),
                "rejected": found.get("rejected"),
                "last_maintenance": iso_of(found.get("maintained")),
                **recording(context),
                "retention_days": context.settings.retention_days,
                "retention_detail_days": context.settings.retention_detail_days,
                "max_disk_gb": context.settings.max_disk_gb,
            },
        }
    )


def recording(context: Context) -> dict[str, Any]:
    """How far the recorders are, by their health records: the worst of them."""
    members = context.state.members("_recorder")
    lags = [lag for one in members if (lag := one.number("lag_ms")) is not None]
    return {
        "recorders": len(members),
        "lag_ms": max(lags, default=None),
        "rows_written": int(sum(one.number("rows_total") or 0 for one in members)),
    }


@router.post(
    "/api/database/maintenance",
    summary="Remove what is older than its days now",
    responses=documented({"status": "success", "requested_at": "2026-11-21T08:03:41.120+00:00"}, 503),
    openapi_extra=takes({}),
)
async def maintenance(context: Ctx, request: Request) -> Response:
    """A recorder begins within seconds; `last_maintenance` of the statistics tells when it has ended."""
    await json_body(request)
    try:
        await context.client.set(streams.MAINTENANCE, str(time.time_ns()), ex=ASKED_S)
    except bus.AWAY:
        raise away("Redis") from None
    return reply({"status": "success", **stamp(context.now_ns())})
