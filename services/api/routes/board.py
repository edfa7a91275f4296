"""`/api/board`: the scanner's board as a flat table."""

from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Query
from starlette.requests import Request
from starlette.responses import Response

from services.api.answers import Among, Text, documented, reply_body, stamp
from services.api.columns import COLUMNS, NUMERIC, flat
from services.api.context import Ctx
from services.api.errors import invalid
from services.api.numbers import beside, json_bytes, number
from services.api.sources import BoardFilter, ordered, passing
from services.api.views import age_ms
from shared.signals import BoardRow, Kind

router = APIRouter(tags=["market data"])
AGES = ("buy_age_ms", "sell_age_ms")
SORTS = (*NUMERIC, "asset")

EXAMPLE = {
    "columns": ["id", "asset", "edge_bps", "net_open_bps"],
    "rows": [{"id": "WIF", "asset": "WIF", "edge_bps": 71.8, "net_open_bps": 50.8}],
    "order": ["WIF"],
    "state": "live",
}


class Asked(msgspec.Struct, frozen=True):
    """What makes two requests the same."""

    rule: BoardFilter
    sort: str
    limit: int | None
    columns: tuple[str, ...]
    text: bool


@router.get("/api/board", summary="Every coin's best route, one flat row each", responses=documented(EXAMPLE))
async def board(
    context: Ctx,
    request: Request,
    among: Among,
    sort: Annotated[str, Query(description="a figure, with `-` in front for descending order")] = "-net_open_bps",
    min_net_bps: Annotated[float | None, Query(allow_inf_nan=False)] = None,
    max_edge_bps: Annotated[float | None, Query(allow_inf_nan=False)] = None,
    min_size_usd: Annotated[float | None, Query(allow_inf_nan=False, description="dollars that fit the route")] = None,
    kind: Kind | None = None,
    limit: Annotated[int | None, Query(ge=1, le=100_000)] = None,
    columns: Annotated[str | None, Query(description="names, comma separated; all without")] = None,
    text: Text = False,
) -> Response:
    """Rows without a route stand last; `why` says why there is none.

    With `venues`, `kind` or `min_size_usd` each row shows the best route that is asked for; coins without are left out.
    """
    if sort.removeprefix("-") not in SORTS:
        raise invalid("sort", sort, "one of " + ", ".join(SORTS) + ", with - in front for descending order")
    state = context.state
    rule = BoardFilter(
        min_net_bps=min_net_bps,
        max_edge_bps=max_edge_bps,
        min_size_usd=min_size_usd,
        kind=kind,
        venues=None if among == tuple(state.venues()) else among,
    )
    asked, wanted, routes = Asked(rule, sort, limit, _columns(columns), text), rule.wanted(), state.routes
    every, now = list(state.board.rows.values()), context.now_ns()
    told = {"mode": state.mode, "state": state.feed, "reason": state.feed_reason(), **stamp(now)}

    def make() -> bytes:
        shown = (passing(row, rule, wanted, routes) for row in every)
        rows = ordered((row for row in shown if row is not None), sort)[:limit]
        found = [_view(row, asked.columns, now) for row in rows]
        views = beside(found) if text else found
        return json_bytes({"columns": asked.columns, "rows": views, "order": [row.asset for row in rows], **told})

    return reply_body(await context.bodies.get(asked, make), request)


def _view(row: BoardRow, columns: tuple[str, ...], now_ns: int) -> dict[str, Any]:
    view = flat(row, number)
    for side, name in zip(("buy", "sell"), AGES, strict=True):
        seen = view[f"{side}_recv_ms"]
        view[name] = None if seen is None else age_ms(seen * 1_000_000, now_ns // 1_000_000 * 1_000_000)
    return {name: view[name] for name in columns}


def _columns(text: str | None) -> tuple[str, ...]:
    every = (*COLUMNS, *AGES)
    if text is None:
        return every
    asked = tuple(name.strip() for name in text.split(",") if name.strip())
    for name in asked:
        if name not in every:
            raise invalid("columns", name, "names out of: " + ", ".join(every), code="unknown_column")
    return asked
