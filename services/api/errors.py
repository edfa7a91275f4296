"""The one shape of every error: `{"error": {code, field, value, expected, message}, "errors": [...]}`.

Framework errors (404, 405, 422), refusals by the gate and our own go out alike. Beside it older clients find
`"status": "error"` and `"message"`.
"""

import logging
from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec
from fastapi import Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response

from services.api.numbers import json_bytes

_log = logging.getLogger("api")
#: Longer values are cut in an error: it names what was wrong, it does not echo a body.
VALUE_CHARS: Final = 200
_CODES: Final[dict[int, str]] = {
    400: "bad_request",
    401: "unauthorized",
    403: "forbidden",
    404: "not_found",
    405: "method_not_allowed",
    409: "conflict",
    413: "too_large",
    415: "unsupported_media_type",
    422: "invalid_value",
    503: "unavailable",
}
#: The framework's words that are not a person's, by its type of error.
_EXPECTED: Final[dict[str, str]] = {
    "int_parsing": "a whole number",
    "int_parsing_size": "a whole number of a usual size",
    "int_from_float": "a whole number",
    "float_parsing": "a number",
    "finite_number": "a finite number",
    "bool_parsing": "true or false",
    "string_too_long": "at most {max_length} characters",
    "string_too_short": "text of at least {min_length} character",
}


class ApiError(Exception):
    """An answer that is an error. `expected` completes the sentence 'expected …'."""

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        *,
        field: str | None = None,
        value: object = None,
        expected: str | None = None,
        headers: Mapping[str, str] | None = None,
        also: Sequence["ApiError"] = (),
    ) -> None:
        super().__init__(message)
        self.status, self.code, self.message = status, code, message
        self.field, self.value, self.expected = field, value, expected
        self.headers, self.also = dict(headers or {}), also

    def body(self) -> dict[str, Any]:
        return {
            "code": self.code,
            "field": self.field,
            "value": shown(self.value),
            "expected": self.expected,
            "message": self.message,
        }


def shown(value: object) -> Any:
    """A value as an error may carry it: plain, and of bounded length."""
    if value is None or isinstance(value, bool | int | float):
        return value
    text = value if isinstance(value, str) else msgspec.json.encode(value, enc_hook=str).decode()
    text = text.encode("utf-8", "replace").decode()
    return text if len(text) <= VALUE_CHARS else text[: VALUE_CHARS - 1] + "…"


def invalid(field: str, value: object, expected: str, *, status: int = 422, code: str = "invalid_value") -> ApiError:
    """A parameter that cannot be used, or that is not there."""
    said = f"{field} is missing" if value is None else f"{field} {_in_json(shown(value))}"
    return ApiError(status, code, f"{said}: expected {expected}.", field=field, value=value, expected=expected)


def _in_json(value: object) -> str:
    """A plain value as the client wrote it."""
    return str(value).lower() if isinstance(value, bool) else repr(value)


def away(store: str, retry_after_s: int = 5) -> ApiError:
    """A store that cannot be reached."""
    return ApiError(
        503,
        f"{store}_away",
        f"{store.capitalize()} cannot be reached at the moment; live data is served on.",
        field=store,
        expected=f"a reachable {store}; retry after {retry_after_s} s",
        headers={"Retry-After": str(retry_after_s)},
    )


def answer(error: ApiError) -> Response:
    bodies = [error.body(), *(other.body() for other in error.also)]
    content = {"error": bodies[0], "errors": bodies, "status": "error", "message": error.message}
    headers = {"Cache-Control": "no-store", **error.headers}
    return Response(json_bytes(content), error.status, headers, "application/json")


async def on_api_error(_: Request, error: Exception) -> Response:
    assert isinstance(error, ApiError)
    return answer(error)


async def on_http_error(request: Request, error: Exception) -> Response:
    """What the framework refuses: unknown paths, wrong methods, unreadable bodies."""
    assert isinstance(error, HTTPException)
    path, status = request.url.path, error.status_code
    code = _CODES.get(status, "error")
    if status == 404:
        known = ApiError(
            404, code, f"There is nothing at {path}.", field="path", value=path, expected="a path listed in /docs"
        )
    elif status == 405:
        allowed = (error.headers or {}).get("Allow", "another method")
        message = f"{request.method} is not allowed on {path}."
        known = ApiError(405, code, message, field="method", value=request.method, expected=allowed)
    else:
        known = ApiError(status, code, str(error.detail), field=None, expected=None)
    known.headers.update(error.headers or {})
    return answer(known)


async def on_invalid(_: Request, error: Exception) -> Response:
    """Parameters that the framework could not convert: one error per field."""
    assert isinstance(error, RequestValidationError)
    found = [_of_validation(item) for item in error.errors()] or [invalid("body", None, "a valid request")]
    found[0].also = found[1:]
    return answer(found[0])


def _of_validation(item: Mapping[str, Any]) -> ApiError:
    places = [str(part) for part in item.get("loc", ())]
    field = ".".join(places[1:]) or (places[0] if places else "request")
    said = str(item.get("msg", "a valid value"))
    ours = _EXPECTED.get(str(item.get("type")))
    expected = ours.format(**item.get("ctx", {})) if ours else said.removeprefix("Input should be ")
    expected = expected.removeprefix("Value error, ")
    value = None if item.get("type") == "missing" else item.get("input")
    if item.get("type") == "missing":
        return invalid(field, None, "a value", code="missing_value")
    if item.get("type") == "json_invalid":
        return invalid("body", None, "JSON", status=422, code="invalid_json")
    return invalid(field, value, expected)


async def on_crash(request: Request, error: Exception) -> Response:
    """Ours: logged with its trace by the server, told without it."""
    _log.error("%s %s failed: %r", request.method, request.url.path, error)
    return answer(ApiError(500, "internal", "This request met a fault of ours; it is in the log of the api."))
