"""How routes answer and what they ask: bodies, cache headers, documentation, and the parameters they share."""

from collections import Counter
from collections.abc import Iterator, Mapping
from hashlib import sha256
from typing import Annotated, Any, Final

from fastapi import Depends, Query, Request
from fastapi.dependencies.models import Dependant
from fastapi.requests import HTTPConnection
from fastapi.routing import APIRoute
from starlette.responses import Response

from services.api.context import Context, Ctx
from services.api.errors import ApiError, invalid
from services.api.numbers import json_bytes
from services.api.shared_body import Body
from services.api.symbols import unknown_exchange, unknown_symbol
from services.api.times import RESOLUTION_NAMES, RESOLUTIONS, iso, parse

#: A range that is closed does not change.
CLOSED_MAX_AGE_S: Final = 3_600
#: What clients add to keep an answer out of caches.
UNHEARD: Final = frozenset({"_", "t", "ts", "cb", "nocache"})
Text = Annotated[bool, Query(description="also write each number's digits as text, in `<name>_text`")]
Venues = Annotated[str | None, Query(description="exchanges, comma separated (also `exchange`, `exchanges`)")]


def reply(value: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    return Response(json_bytes(value), status, dict(headers or {}), "application/json")


def reply_body(body: Body, request: Request) -> Response:
    """A shared body, compressed where the client takes that."""
    headers = {"Vary": "Accept-Encoding", "Cache-Control": "no-store"}
    if body.packed is not None and "gzip" in request.headers.get("accept-encoding", ""):
        return Response(body.packed, 200, {**headers, "Content-Encoding": "gzip"}, "application/json")
    return Response(body.plain, 200, headers, "application/json")


def reply_closed(value: bytes, media_type: str, request: Request, closed: bool) -> Response:
    """History: what lies in the past carries an ETag and may be kept; what still grows may not."""
    if not closed:
        return Response(value, 200, {"Cache-Control": "no-store"}, media_type)
    tag = f'"{sha256(value).hexdigest()[:32]}"'
    headers = {"ETag": tag, "Cache-Control": f"private, max-age={CLOSED_MAX_AGE_S}"}
    if tag in [given.strip() for given in request.headers.get("if-none-match", "").split(",")]:
        return Response(status_code=304, headers=headers)
    return Response(value, 200, headers, media_type)


def stamp(now_ns: int) -> dict[str, Any]:
    ms = now_ns // 1_000_000
    return {"timestamp": iso(ms), "timestamp_ms": ms}


def documented(example: Any, *failures: int) -> dict[int | str, dict[str, Any]]:
    """`responses=` of a route: an example of the answer, and the errors that it has."""
    shape = {"application/json": {"example": ERROR_EXAMPLE}}
    return {
        200: {"description": "The answer", "content": {"application/json": {"example": example}}},
        **{status: {"description": "An error", "content": shape} for status in (*failures, 422)},
    }


def takes(example: Mapping[str, Any], *required: str) -> dict[str, Any]:
    """`openapi_extra=` of a route that reads a JSON object: what it is sent."""
    schema = {"type": "object", "required": list(required)} if required else {"type": "object"}
    return {"requestBody": {"required": True, "content": {"application/json": {"schema": schema, "example": example}}}}


ERROR_EXAMPLE: Final = {
    "error": {
        "code": "unknown_symbol",
        "field": "symbol",
        "value": "NOSUCH",
        "expected": "one of 1,243 assets; see /api/symbols",
        "message": "There is no coin 'NOSUCH' here.",
    },
    "errors": [],
}


def asset_for(context: Context, text: str | None, field: str = "symbol") -> str:
    """The asset that is meant; without one the deployment's chosen symbol. Raises `ApiError`.

    While no listing has come yet nothing is unknown: the answer then is empty, and says `warming`.
    """
    state = context.state
    chosen = state.runtime.symbol if text is None or not text.strip() else text.strip()
    asset = state.directory.asset_of(chosen)
    if asset is None and chosen.upper() in state.board.rows:
        asset = chosen.upper()
    if asset is not None:
        return asset
    warming = state.directory.empty and not state.board.rows
    if (text is None or warming) and len(chosen) <= 64:
        return chosen.upper().partition("/")[0]
    raise unknown_symbol(chosen, state.directory, field)


def one_of_names(**given: str | None) -> tuple[str, str | None]:
    """A parameter of several names: the one that was used (the first where none was), and what it says.

    Raises `ApiError` where two say different things.
    """
    found = {name: text for name, text in given.items() if text}
    name = next(iter(found), next(iter(given)))
    for other, text in found.items():
        if text != found[name]:
            raise invalid(other, text, f"only one of {', '.join(given)}: {name} says otherwise", code="contradiction")
    return name, found.get(name)


async def once(asked: HTTPConnection) -> None:
    """Refuse a parameter that is given twice: which of them is meant is not known. Raises `ApiError`."""
    for name, count in Counter(name for name, _ in asked.query_params.multi_items()).items():
        if count > 1:
            value = ", ".join(asked.query_params.getlist(name))
            message = f"{name[:60]} is given {count} times."
            raise ApiError(422, "repeated", message, field=name, value=value, expected="one value of each name")


async def known(asked: HTTPConnection) -> None:
    """Refuse a parameter that the path has no use for: a misspelt one would say nothing, unseen. Raises `ApiError`."""
    given = asked.query_params.keys() - UNHEARD
    route = asked.scope.get("route")
    if not given or not isinstance(route, APIRoute) or not route.path.startswith("/api/"):
        return
    names = list(_names(route.dependant))
    expected = f"one of {', '.join(names)}" if names else "no parameter"
    wrong = [_unknown(name, asked, expected) for name in asked.query_params if name in given - set(names)]
    if wrong:
        wrong[0].also = wrong[1:]
        raise wrong[0]


def _names(of: Dependant) -> Iterator[str]:
    """The query parameters of a route, or of what it depends on."""
    yield from (one.alias for one in of.query_params)
    for other in of.dependencies:
        yield from _names(other)


def _unknown(name: str, asked: HTTPConnection, expected: str) -> ApiError:
    message = f"{asked.url.path[:60]} has no parameter {name[:60]!r}: expected {expected}."
    return ApiError(422, "unknown_parameter", message, field=name, value=asked.query_params[name], expected=expected)


def among(
    context: Ctx, venues: Venues = None, exchange: str | None = None, exchanges: str | None = None
) -> tuple[str, ...]:
    """The venues that a request asks for."""
    return tuple(venues_for(context, exchange=exchange, exchanges=exchanges, venues=venues))


#: All that there are where none is asked for.
Among = Annotated[tuple[str, ...], Depends(among)]


def venues_for(
    context: Context, *, exchange: str | None = None, exchanges: str | None = None, venues: str | None = None
) -> list[str]:
    """The venues of whichever was used, comma separated; all without. Raises `ApiError`."""
    field, text = one_of_names(exchange=exchange, exchanges=exchanges, venues=venues)
    known = context.state.venues()
    if text is None or text.strip().lower() in ("all", "*"):
        return known
    asked = [name.strip().lower() for name in text.split(",") if name.strip()]
    for name in asked:
        if name not in known:
            raise unknown_exchange(name, known, field)
    return [name for name in known if name in asked]


def resolution_for(text: str | None, default: str = "1min", field: str = "interval") -> int:
    """Bar length in seconds. Raises `ApiError`."""
    chosen = text or default
    if chosen not in RESOLUTIONS:
        raise invalid(field, chosen, RESOLUTION_NAMES, code="unknown_interval")
    return RESOLUTIONS[chosen]


def time_for(field: str, text: str | None, default_ms: int) -> int:
    """Epoch milliseconds of an ISO time or a number of milliseconds. Raises `ApiError`."""
    if text is None:
        return default_ms
    try:
        return parse(text)
    except (ValueError, OverflowError):
        expected = "ISO 8601 (2026-11-21T08:00:00+00:00) or epoch milliseconds"
        raise invalid(field, text, expected) from None


def check_range(from_ms: int, to_ms: int) -> None:
    if from_ms >= to_ms:
        raise ApiError(
            422,
            "invalid_range",
            "The range ends before it begins.",
            field="from",
            value=iso(from_ms),
            expected=f"a time before {iso(to_ms)}",
        )
