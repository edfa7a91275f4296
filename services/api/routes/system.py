"""`/api/system/status`: how everything is, for people and for older dashboards."""

import asyncio
import threading
import time
from pathlib import Path
from typing import Any

import psutil
from fastapi import APIRouter
from starlette.responses import Response

from services.api.answers import documented, reply, stamp
from services.api.context import Context, Ctx
from services.api.errors import ApiError
from services.api.routes.database import recording
from services.api.routes.exchanges import detail_of, state_of
from services.api.sources import process_view
from services.api.state import Process
from shared import bus

router = APIRouter(tags=["service"])
_self = psutil.Process()


@router.get(
    "/api/system/status",
    summary="Processes, connections, stores and logs",
    responses=documented(
        {
            "system": {"memory_usage_mb": 61.2, "cpu_percent": 1.5, "threads_count": 4, "connections_count": 3},
            "connections": {"websocket_status": {"alpha": {"connected": True, "avg_latency_ms": 38}}},
            "redis": {"connected": True},
            "postgres": {"connected": True},
        }
    ),
)
async def status(context: Ctx) -> Response:
    redis, postgres = await asyncio.gather(_redis(context), _postgres(context))
    venues = {venue: _connection(context.state.members(venue)) for venue in context.state.venues()}
    return reply(
        {
            "system": {**_system(context), "processes": [process_view(one) for one in _processes(context)]},
            "data": {
                "assets": len(context.state.board.rows),
                "symbols_listed": len(context.state.directory.assets),
                "signals_open": len(context.state.signals.open),
                "state": context.state.feed,
                "reason": context.state.feed_reason(),
                "board_rows_dropped": context.state.board.dropped,
                "rejected": context.followers.rejected.count,
            },
            "connections": {
                "websocket_status": venues,
                "reconnect_attempts": {venue: one["reconnects"] for venue, one in venues.items()},
            },
            "rest": {venue: _rest(context.state.members(venue)) for venue in venues},
            "redis": redis,
            "postgres": postgres,
            "mode": context.state.mode,
            **stamp(context.now_ns()),
        }
    )


def _processes(context: Context) -> list[Process]:
    return [context.state.processes[name] for name in sorted(context.state.processes)]


def _system(context: Context) -> dict[str, Any]:
    logs = context.settings.log_path
    sizes = {one.name: one.stat().st_size for one in sorted(logs.glob("*.log*"))} if logs.is_dir() else {}
    disk = psutil.disk_usage(str(Path(context.settings.data_dir).resolve().anchor))
    return {
        "memory_usage_mb": round(_self.memory_info().rss / 1e6, 1),
        "cpu_percent": _self.cpu_percent(),
        "threads_count": threading.active_count(),
        "connections_count": context.sockets,
        "uptime_seconds": (time.time_ns() - context.started_ns) // 1_000_000_000,
        "disk_free_gb": round(disk.free / 1e9, 1),
        "log_sizes_bytes": sizes,
        "log_size_mb": round(sum(sizes.values()) / 1e6, 2),
    }


def _connection(members: list[Process]) -> dict[str, Any]:
    """One exchange in the older words, over all of its collectors."""

    def figures(name: str) -> list[float]:
        return [figure for one in members if (figure := one.number(name)) is not None]

    ages, lags = figures("last_frame_age_ms"), figures("lag_ms_p50")
    state, youngest = state_of(members), round(min(ages) / 1000, 3) if ages else None
    return {
        "connected": state == "live" or (state == "starting" and any(figures("subscribed"))),
        "state": state,
        "detail": detail_of(members),
        "heartbeat_age": youngest,
        "quote_age_s": youngest,
        "updates": int(sum(figures("frames_total"))),
        "updates_per_s": sum(figures("frames_per_s")),
        "avg_latency_ms": max(lags) if lags else None,
        "latency_p99_ms": max(figures("lag_ms_p99"), default=None),
        "reconnects": int(sum(figures("reconnects_total"))),
        "gaps": int(sum(figures("gaps_total"))),
        "dropped": int(sum(figures("dropped_total"))),
        "connections": int(sum(figures("connections"))),
        "members": len(members),
    }


def _rest(members: list[Process]) -> dict[str, Any]:
    """Whatever the collectors report of their REST use."""
    found: dict[str, float] = {}
    for one in members:
        for name in one.fields:
            figure = one.number(name) if name.startswith("rest_") else None
            if figure is not None:
                found[name] = found.get(name, 0) + figure
    return found


async def _redis(context: Context) -> dict[str, Any]:
    began = time.perf_counter()
    try:
        async with asyncio.timeout(2):
            info: Any = await context.client.info()
    except bus.AWAY as error:
        return {"connected": False, "error": str(error)}
    return {
        "connected": True,
        "latency_ms": round((time.perf_counter() - began) * 1000, 2),
        "version": str(info.get("valkey_version") or info.get("redis_version")),
        "memory_mb": round(info.get("used_memory", 0) / 1e6, 1),
        "memory_limit_mb": round(info.get("maxmemory", 0) / 1e6, 1),
        "clients": info.get("connected_clients"),
    }


async def _postgres(context: Context) -> dict[str, Any]:
    began = time.perf_counter()
    try:
        rows = await context.store.fetch("SELECT version() AS version, pg_database_size(current_database()) AS bytes")
    except ApiError:
        return {"connected": False, "error": context.store.error or "no DATABASE_URL, or it cannot be reached"}
    latency_ms = round((time.perf_counter() - began) * 1000, 2)
    return {
        "connected": True,
        "latency_ms": latency_ms,
        "version": str(rows[0]["version"]).split(" on ")[0],
        "size_mb": round(rows[0]["bytes"] / 1e6, 1),
        **recording(context),
    }
