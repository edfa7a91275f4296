"""`/api/arbitrage/signals`: opportunities with their life cycle, live from memory, older ones from the database."""

from typing import Annotated, Any, Literal

import msgspec
from fastapi import APIRouter, Query
from starlette.responses import Response

from services.api.answers import Among, Text, asset_for, documented, reply, stamp
from services.api.context import Context, Ctx
from services.api.errors import ApiError, invalid
from services.api.numbers import beside
from services.api.times import ms_of, parse
from services.api.views import signal_detail, signal_view
from shared.signals import Kind, Signal

router = APIRouter(tags=["signals"])
LIMIT = 50

EXAMPLE = {
    "signals": [
        {
            "id": "5f1c0a",
            "symbol": "WIF",
            "kind": "perp-perp",
            "state": "open",
            "long_exchange": "alpha",
            "short_exchange": "beta",
            "spread_percent": 0.718,
            "price_long": 2.145,
            "price_short": 2.1604,
            "edge_bps": 71.8,
            "net_open_bps": 50.8,
            "size_usd": 4200,
            "observed_at": "2026-11-21T08:03:41.120+00:00",
        }
    ],
    "count": 1,
    "next_cursor": None,
    "timestamp": "2026-11-21T08:03:41.132+00:00",
}


@router.get("/api/arbitrage/signals", summary="Opportunities, newest first", responses=documented(EXAMPLE, 404, 503))
async def signals(
    context: Ctx,
    among: Among,
    limit: Annotated[int, Query(ge=1, le=1000)] = LIMIT,
    symbol: Annotated[str | None, Query(max_length=64)] = None,
    state: Literal["open", "closed", "all"] = "all",
    kind: Kind | None = None,
    text: Text = False,
    cursor: Annotated[str | None, Query(max_length=200, description="`next_cursor` of the answer before")] = None,
) -> Response:
    """Without `cursor`: what this process holds, the live list. `next_cursor` leads on into the stored history.

    With `venues` those whose two sides are among them.
    """
    every = among == tuple(context.state.venues())
    asset = None if symbol is None else asset_for(context, symbol)
    told = {"mode": context.state.mode, **stamp(context.now_ns())}

    def wanted(one: Signal) -> bool:
        closed = one.event == "close"
        return (
            (asset is None or one.asset == asset)
            and (state == "all" or closed == (state == "closed"))
            and (kind is None or one.kind == kind)
            and (every or (one.buy.venue in among and one.sell.venue in among))
        )

    if cursor is None:
        found = [one for one in context.state.signals.newest() if wanted(one)][:limit]
        next_cursor = cursor_of(found[-1]) if found else None
    else:
        stored = await _stored(context, asset, cursor, limit)
        found = [one for one in stored if wanted(one)]
        next_cursor = cursor_of(stored[-1]) if len(stored) == limit else None
    views = [signal_view(one) for one in found]
    return reply({"signals": beside(views) if text else views, "count": len(views), "next_cursor": next_cursor, **told})


@router.get(
    "/api/arbitrage/signals/{signal_id}",
    summary="One opportunity, both of its sides",
    responses=documented({"id": "5f1c0a", "buy": {"exchange": "alpha"}, "sell": {"exchange": "beta"}}, 404, 503),
)
async def signal(context: Ctx, signal_id: str, text: Text = False) -> Response:
    held = context.state.signals.get(signal_id)
    if held is None and len(signal_id) <= 128 and "\x00" not in signal_id:
        stored = await context.store.signal(signal_id)
        held = read_record(stored) if stored is not None else None
    if held is None:
        message = f"There is no signal {signal_id[:60]!r}."
        expected = "the id of a signal; see /api/arbitrage/signals"
        raise ApiError(404, "unknown_signal", message, field="signal_id", value=signal_id, expected=expected)
    view = signal_detail(held)
    return reply({**(beside(view) if text else view), **stamp(context.now_ns())})


async def _stored(context: Context, asset: str | None, cursor: str, limit: int) -> list[Signal]:
    before, _, last_id = cursor.partition("~")
    try:
        before_ms = parse(before)
    except (ValueError, OverflowError):
        raise invalid("cursor", cursor, "the next_cursor of an earlier answer", code="invalid_cursor") from None
    if "\x00" in last_id:
        raise invalid("cursor", cursor, "the next_cursor of an earlier answer", code="invalid_cursor")
    return [read_record(record) for record in await context.store.signals(asset, before_ms, last_id, limit)]


def cursor_of(one: Signal) -> str:
    return f"{ms_of(one.opened_at)}~{one.id}"


def read_record(record: dict[str, Any]) -> Signal:
    return msgspec.convert(record, Signal, strict=False)
