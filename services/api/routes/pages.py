"""The console's files, the documentation page, the root for programs, and JSON 404s under /api and /v1."""

import re
from pathlib import Path
from typing import Final

from fastapi import APIRouter
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import Match

from services.api.answers import reply
from services.api.build import version
from services.api.context import Ctx
from services.api.cryexc.protocol import STREAMS

router = APIRouter(include_in_schema=False)
#: The path of what no other route has.
ANYTHING: Final = "/{path:path}"
CONSOLE: Final = Path(__file__).parents[1] / "console"
DOCS: Final = Path(__file__).parents[1] / "docs"
#: What may be served out of a folder of ours.
KINDS: Final = frozenset(
    {".html", ".js", ".mjs", ".css", ".svg", ".png", ".ico", ".webmanifest", ".woff2", ".json", ".txt"}
)
_HASHED: Final = re.compile(r"[.-][0-9A-Za-z_-]{8,}\.[a-z0-9]+$")
_POLICY: Final = (
    "default-src 'self'; connect-src 'self' ws: wss:; img-src 'self' data:; style-src 'self' 'unsafe-inline'; "
    "frame-ancestors 'none'; base-uri 'none'"
)


@router.get("/")
async def root(context: Ctx, request: Request) -> Response:
    """A browser gets the console; a program is told what runs here."""
    if wants_page(request):
        return page(CONSOLE, "index.html")
    return reply(
        {
            "service": "parallax",
            "version": version(),
            "status": "running",
            "connections": context.sockets,
            "streams": list(STREAMS),
            "mode": context.state.mode,
        },
        headers={"Vary": "Accept"},
    )


@router.get("/simple")
async def simple() -> Response:
    return page(CONSOLE, "simple.html")


@router.get("/docs")
async def docs() -> Response:
    return page(DOCS, "docs.html")


@router.get("/docs.js")
async def docs_script() -> Response:
    return page(DOCS, "docs.js")


@router.api_route(ANYTHING, methods=["GET", "POST", "PUT", "PATCH", "DELETE"])
async def anything(path: str, request: Request) -> Response:
    """A file of the console; a place within it, for a browser; nothing, for everyone else."""
    if allowed := methods_of(request):
        raise HTTPException(405, headers={"Allow": ", ".join(allowed)})
    if request.method == "GET" and not path.startswith(("api/", "v1/")) and path not in ("api", "v1"):
        found = within(CONSOLE, path)
        if found is not None:
            return page(CONSOLE, path)
        if wants_page(request) and not Path(path).suffix:
            return page(CONSOLE, "index.html")
    raise HTTPException(404)


def methods_of(request: Request) -> list[str]:
    """What the other routes allow on this path: none where there is no such path."""
    found: set[str] = set()
    for route in request.app.state.routes:
        if route.matches(request.scope)[0] is not Match.NONE:
            found |= route.methods or set()
    return sorted(found)


def wants_page(request: Request) -> bool:
    return "text/html" in request.headers.get("accept", "")


def within(folder: Path, name: str) -> Path | None:
    """A file that may be served, or None: never outside the folder, never a source."""
    if "\x00" in name or Path(name).suffix not in KINDS:
        return None
    found = (folder / name).resolve()
    return found if found.is_relative_to(folder.resolve()) and found.is_file() else None


def page(folder: Path, name: str) -> Response:
    found = within(folder, name)
    if found is None:
        raise HTTPException(404)
    kept = "public, max-age=31536000, immutable" if _HASHED.search(found.name) else "no-cache"
    headers = {"Cache-Control": kept, "Content-Security-Policy": _POLICY, "Vary": "Accept"}
    return FileResponse(found, headers=headers)
