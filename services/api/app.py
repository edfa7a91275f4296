"""The application: routes, sockets, errors and the gate, around one `Context`."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from fastapi import Depends, FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.middleware.gzip import GZipMiddleware
from starlette.routing import Match, Route
from starlette.types import Scope
from starlette.websockets import WebSocket

from services.api import routes
from services.api.access import Gate, refuse
from services.api.answers import known, once
from services.api.build import version
from services.api.context import MAX_SOCKETS, Context
from services.api.errors import ApiError, on_api_error, on_crash, on_http_error, on_invalid
from services.api.routes import pages
from shared import bus
from shared.binding import is_loopback
from shared.config import Settings

_ABOUT = """The same coin on many exchanges at once: prices, funding, spreads, signals and their history.

Numbers are written with the exchange's own digits; a missing figure is null, never 0. Every error has one shape.
Sockets: `/push` (board, coin, signals, health) and `/ws` (the CryExc terminal)."""


def create(settings: Settings, client: bus.Redis) -> FastAPI:
    """The ASGI application. Its lifespan runs the readers; `app.state.context` is what the routes use."""
    context = Context.make(settings, client)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        async with context.running():
            yield

    app = FastAPI(
        title="Parallax", version=version(), description=_ABOUT, lifespan=lifespan, docs_url=None, redoc_url=None
    )
    app.state.context = context
    app.add_exception_handler(ApiError, on_api_error)
    app.add_exception_handler(HTTPException, on_http_error)
    app.add_exception_handler(RequestValidationError, on_invalid)
    app.add_exception_handler(Exception, on_crash)
    app.add_api_websocket_route("/push", _socket(context, context.push.serve))
    for path in ("/", "/ws", "/ws/"):
        app.add_api_websocket_route(path, _socket(context, context.serve_terminal))
    app.add_api_websocket_route("/{path:path}", _no_socket(context))
    own = [route for route in app.routes if isinstance(route, Route)]
    for router in routes.ALL:
        app.include_router(router, dependencies=[] if router is pages.router else [Depends(once), Depends(known)])
    doors = [*own, *(route for router in routes.ALL for route in router.routes)]
    app.state.routes = [route for route in doors if isinstance(route, Route) and route.path != pages.ANYTHING]
    app.add_middleware(GZipMiddleware, minimum_size=1_000, compresslevel=4)

    def writes(scope: Scope) -> bool:
        return any(route.matches(scope)[0] is Match.FULL for route in app.state.routes)

    loopback = is_loopback(settings.host)
    app.add_middleware(Gate, loopback=loopback, mode=settings.mode, writes=writes, refused=context.refused)
    return app


def _no_socket(context: Context) -> Callable[[WebSocket], Awaitable[None]]:
    """Where no socket is: said with the usual body."""

    async def endpoint(socket: WebSocket) -> None:
        path = socket.url.path
        message = f"There is no socket at {path}."
        error = ApiError(404, "not_found", message, field="path", value=path, expected="one of /push, /ws")
        context.refused[error.code] += 1
        await refuse(error, socket.scope, socket._receive, socket._send)

    return endpoint


def _socket(context: Context, serve: Callable[[WebSocket], Awaitable[None]]) -> Callable[[WebSocket], Awaitable[None]]:
    async def endpoint(socket: WebSocket) -> None:
        if context.sockets >= MAX_SOCKETS:
            message = "Too many sockets are open."
            error = ApiError(503, "too_many_sockets", message, field="sockets", expected=f"at most {MAX_SOCKETS}")
            context.refused[error.code] += 1
            await refuse(error, socket.scope, socket._receive, socket._send)
            return
        await serve(socket)

    return endpoint
