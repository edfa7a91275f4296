"""`/healthz` (the process lives), `/readyz` (it can serve), `/metrics` (what every process reports)."""

from fastapi import APIRouter
from starlette.responses import Response

from services.api.answers import documented, reply, stamp
from services.api.context import Ctx
from services.api.metrics import CONTENT_TYPE, exposition
from services.api.routes.exchanges import detail_of, state_of

router = APIRouter(tags=["service"])


@router.get("/healthz", summary="The process lives", responses=documented({"status": "ok"}))
async def healthz() -> Response:
    return reply({"status": "ok"})


@router.get(
    "/readyz",
    summary="Whether it can serve, and which exchanges are live",
    responses=documented(
        {"status": "ready", "redis": True, "board": True, "venues": {"alpha": {"state": "live", "detail": ""}}}, 503
    ),
)
async def readyz(context: Ctx) -> Response:
    """Ready: Redis answers and the board was read. An exchange that is away does not make the API unready."""
    state = context.state
    ready = state.redis_up and state.board_ready
    venues = {venue: state.members(venue) for venue in state.venues()}
    body = {
        "status": "ready" if ready else "not_ready",
        "redis": state.redis_up,
        "board": bool(state.board.rows),
        "state": state.feed,
        "reason": state.feed_reason() or state.redis_error,
        "scanner": bool(state.members("_scanner")),
        "recorder": bool(state.members("_recorder")),
        "venues": {venue: {"state": state_of(found), "detail": detail_of(found)} for venue, found in venues.items()},
        "mode": state.mode,
        **stamp(context.now_ns()),
    }
    return reply(body, 200 if ready else 503, {} if ready else {"Retry-After": "2"})


_PAGE = {"text/plain": {"example": 'parallax_up{service="_scanner",member="host-1"} 1\n'}}


@router.get(
    "/metrics",
    summary="Figures of every process, for Prometheus",
    response_class=Response,
    responses={200: {"description": "The answer", "content": _PAGE}},
)
async def metrics(context: Ctx) -> Response:
    return Response(exposition(context.state), 200, {"Cache-Control": "no-store"}, CONTENT_TYPE)
