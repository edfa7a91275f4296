"""Who may ask: the gate in front of every route and socket.

On loopback there is no token; what protects the user is the browser's honesty about Host and Origin:

1. the Host must be local (a page whose name was re-bound to 127.0.0.1 names itself in Host);
2. a page of another origin may read market data and open `/ws`, never write, never open `/push`;
3. a write must be JSON, which another origin's form cannot send; a write to where nothing is written is told that.

Beyond loopback the same rules hold, with addresses and single-word host names beside the local ones; the deployment
has to say `AUTH=none` aloud.
"""

from collections import Counter
from collections.abc import Callable, MutableMapping
from ipaddress import ip_address
from typing import Any, Final
from urllib.parse import urlsplit

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from services.api.errors import ApiError, answer
from shared.binding import is_loopback

WRITES: Final = frozenset({"POST", "PUT", "PATCH", "DELETE"})
#: Not for pages of other origins, even to read.
SAME_ORIGIN_PATHS: Final = ("/api/config", "/api/alerts", "/api/system", "/api/database", "/metrics")
#: Sockets that pages of other origins may open: the terminal's.
OPEN_SOCKETS: Final = frozenset({"", "/ws"})
SHARED_PREFIXES: Final = ("/api/", "/v1/", "/healthz", "/readyz", "/openapi.json")
_PREFLIGHT: Final = {
    "access-control-allow-origin": "*",
    "access-control-allow-methods": "GET, HEAD, OPTIONS",
    "access-control-allow-headers": "Content-Type, Authorization",
    "access-control-max-age": "600",
    "vary": "Origin, Access-Control-Request-Private-Network",
}


def host_name(header: str) -> str:
    """The name in a Host header or an Origin, without port and brackets, lower case; empty where there is none."""
    try:
        return (urlsplit(header if "//" in header else f"//{header}").hostname or "").rstrip(".")
    except ValueError:
        return ""


def local_enough(name: str, loopback: bool) -> bool:
    """Whether a Host is one that no other site's name can be. Beyond loopback: addresses and single words too."""
    if is_loopback(name):
        return True
    if loopback or not name:
        return False
    try:
        ip_address(name)
    except ValueError:
        return "." not in name
    return True


def same_origin(origin: str, host: str) -> bool:
    return bool(host) and urlsplit(origin).netloc.lower() == host.lower()


class Gate:
    """ASGI middleware: refuses, or passes on and puts the common headers on the answer.

    `writes` says whether anything takes a request's method on its path. Refusals are counted by their code.
    """

    def __init__(
        self, app: ASGIApp, *, loopback: bool, mode: str, writes: Callable[[Scope], bool], refused: Counter[str]
    ) -> None:
        self._app, self._loopback, self._mode = app, loopback, mode
        self._writes, self._refused = writes, refused

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}
        refusal = self._refusal(scope, headers)
        if refusal is not None:
            self._refused[refusal.code] += 1
            await refuse(refusal, scope, receive, self._with_headers(scope, headers, send))
        elif scope["type"] == "http" and scope["method"] == "OPTIONS":
            await self._preflight(scope, headers, send)
        else:
            # A HEAD is a GET whose body the server leaves out.
            asked = {**scope, "method": "GET"} if scope.get("method") == "HEAD" else scope
            await self._app(asked, receive, self._with_headers(scope, headers, send))

    def _refusal(self, scope: Scope, headers: MutableMapping[str, str]) -> ApiError | None:
        host = headers.get("host", "")
        if not local_enough(host_name(host), self._loopback):
            expected = "localhost or a loopback address" if self._loopback else "an address or a single-word host name"
            message = "This host name is not one that the API answers to."
            return ApiError(403, "host_not_local", message, field="Host", value=host, expected=expected)
        foreign = self._foreign(headers, host)
        if scope["type"] == "websocket":
            closed = foreign and scope["path"].rstrip("/") not in OPEN_SOCKETS
            return _foreign_origin(headers, "open this socket") if closed else None
        if scope["method"] not in WRITES:
            return None
        if foreign:
            return _foreign_origin(headers, "write")
        kind = headers.get("content-type", "").partition(";")[0].strip().lower()
        if kind != "application/json" and self._writes(scope):
            message = "A request that writes must carry JSON."
            return ApiError(
                415, "json_only", message, field="Content-Type", value=kind or None, expected="application/json"
            )
        return None

    @staticmethod
    def _foreign(headers: MutableMapping[str, str], host: str) -> bool:
        """Whether a page of another origin asks. Programs send neither header."""
        origin = headers.get("origin")
        if origin is not None:
            return not same_origin(origin, host)
        return headers.get("sec-fetch-site") in ("cross-site", "same-site")

    async def _preflight(self, scope: Scope, headers: MutableMapping[str, str], send: Send) -> None:
        allowed = dict(_PREFLIGHT) if shareable(scope["path"]) else {"vary": "Origin"}
        if shareable(scope["path"]) and headers.get("access-control-request-private-network") == "true":
            allowed["access-control-allow-private-network"] = "true"
        allowed["content-length"] = "0"
        pairs = [(name.encode(), value.encode()) for name, value in allowed.items()]
        await send({"type": "http.response.start", "status": 204, "headers": pairs})
        await send({"type": "http.response.body", "body": b""})

    def _with_headers(self, scope: Scope, request: MutableMapping[str, str], send: Send) -> Send:
        extra = [(b"x-parallax-mode", self._mode.encode()), (b"x-content-type-options", b"nosniff")]
        if scope["type"] == "http" and shareable(scope["path"]):
            extra += [(b"access-control-allow-origin", b"*")]
            extra += [(b"access-control-expose-headers", b"X-Parallax-Mode, ETag, Retry-After")]

        async def pass_on(message: Message) -> None:
            if message["type"] in ("http.response.start", "websocket.http.response.start"):
                found = list(message.get("headers", ()))
                if not any(name.lower() == b"cache-control" for name, _ in found):
                    found.append((b"cache-control", b"no-store"))
                message = {**message, "headers": [*found, *extra]}
            await send(message)

        return pass_on


def shareable(path: str) -> bool:
    """Whether pages of other origins may read this: market data, not configuration or status."""
    return path.startswith(SHARED_PREFIXES) and not path.startswith(SAME_ORIGIN_PATHS)


def _foreign_origin(headers: MutableMapping[str, str], what: str) -> ApiError:
    return ApiError(
        403,
        "foreign_origin",
        f"A page of another origin may not {what}.",
        field="Origin",
        value=headers.get("origin"),
        expected="no Origin, or the API's own",
    )


async def refuse(error: ApiError, scope: Scope, receive: Receive, send: Send) -> None:
    """Answer an HTTP request or a socket's upgrade with an error body."""
    response: Any = answer(error)
    if scope["type"] == "http":
        await response(scope, receive, send)
        return
    start: Message = {"status": response.status_code, "headers": response.raw_headers}
    await send({"type": "websocket.http.response.start", **start})
    await send({"type": "websocket.http.response.body", "body": response.body})
