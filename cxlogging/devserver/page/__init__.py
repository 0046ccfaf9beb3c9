"""The files of the page: a list that is read when the server starts, and nothing else."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from starlette.responses import Response
from starlette.routing import Route

from ..guard import SECURITY_HEADERS

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from starlette.requests import Request

PAGE = Path(__file__).parent
TYPES = {
    ".html": "text/html",
    ".css": "text/css",
    ".js": "text/javascript",
    ".mjs": "text/javascript",
    ".json": "application/json",
}
"""Content types by suffix: those of the operating system differ, and browsers are strict."""


def routes() -> list[Route]:
    """Return a route for `/`, and one below `/page/` for each file that a browser can load."""
    files = (path for path in sorted(PAGE.rglob("*")) if path.suffix in TYPES)
    return [
        Route("/", _file(PAGE / "index.html")),
        *(Route(f"/page/{path.relative_to(PAGE).as_posix()}", _file(path)) for path in files),
    ]


def _file(path: Path) -> Callable[[Request], Awaitable[Response]]:
    body, kind = path.read_bytes(), f"{TYPES[path.suffix]}; charset=utf-8"

    async def show(request: Request) -> Response:
        del request
        return Response(body, 200, SECURITY_HEADERS, kind)

    return show
