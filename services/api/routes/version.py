"""`/api/version`, and what the root says to programs."""

from fastapi import APIRouter
from starlette.responses import Response

from services.api.answers import documented, reply, stamp
from services.api.build import commit, version
from services.api.context import Ctx
from shared.codec import SCHEMA

router = APIRouter(tags=["service"])
API = 1


@router.get(
    "/api/version",
    summary="Which program this is",
    responses=documented({"version": "0.1.0", "commit": None, "api": 1, "schema": "v1", "mode": "live"}),
)
async def api_version(context: Ctx) -> Response:
    return reply(
        {
            "version": version(),
            "commit": commit(),
            "api": API,
            "schema": SCHEMA,
            "mode": context.state.mode,
            "ui_lang": context.settings.ui_lang or None,
            **stamp(context.now_ns()),
        }
    )
