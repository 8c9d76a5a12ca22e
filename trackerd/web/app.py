"""The application: routes, bounds, headers, pages.

What must stay true here: no route but signing in, the probes and the pages' own files answers who is not known; every
answer says what a browser may do with it; nothing is fetched from elsewhere but tiles the configuration names.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from importlib.resources import files
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from fastapi import FastAPI
from fastapi.responses import HTMLResponse
from starlette.datastructures import MutableHeaders
from starlette.middleware.gzip import GZipMiddleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from trackerd import __version__
from trackerd.http_section import HttpSection
from trackerd.web.feed import Feed
from trackerd.web.limits import Bounds
from trackerd.web.models.live import Acknowledged
from trackerd.web.models.words import Problem
from trackerd.web.problem import install
from trackerd.web.room import Room
from trackerd.web.routes import day, health, live, probes, reports, session, site, zones

MISSING = """<!doctype html><html lang="en"><meta charset="utf-8"><title>trackerd</title>
<h1>trackerd runs; its pages are not built</h1>
<p>The pages are built when trackerd is installed. They were not, most likely because npm's registry could not be
reached. Install it again where it can: <code>pip install --force-reinstall trackerd</code>, or from the sources
<code>pip install .</code></p>
<p>The API is here without them: <a href="/api/openapi.json">/api/openapi.json</a>.</p></html>"""
DIST = Path(str(files("trackerd.web"))) / "dist"
FOR_EVER = b"public, max-age=31536000, immutable"


def make(room: Room) -> FastAPI:
    """Return the application of a room."""
    feed = Feed(room)

    @contextlib.asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        task = asyncio.create_task(feed.run())
        yield
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task

    app = FastAPI(
        title="trackerd", version=__version__, lifespan=lifespan, openapi_url="/api/openapi.json", docs_url=None,
        redoc_url=None, summary="Where a town's wardens are, and which problem zones were visited or skipped",
        description="See docs/api.md. Sign in with POST /api/session; send its `csrf` as X-CSRF-Token with changes.",
    )  # fmt: skip
    app.state.room, app.state.feed, app.state.guard = room, feed, session.Guard()
    install(app)
    for module in (session, site, zones, live, day, reports, health, probes):
        app.include_router(module.router)
    _pages(app)
    app.add_middleware(GZipMiddleware, minimum_size=4096, compresslevel=4)
    app.add_middleware(Headers, policy=policy(room.http))
    app.add_middleware(Bounds, pace=room.pace)
    if hosts := _hosts(room.http):
        app.add_middleware(TrustedHostMiddleware, allowed_hosts=hosts, www_redirect=False)
    app.openapi = lambda: _openapi(app)  # type: ignore[method-assign]
    return app


class Headers:
    """What a browser is told with every answer."""

    def __init__(self, app: ASGIApp, policy: str) -> None:
        self._app = app
        self._headers = {
            "Content-Security-Policy": policy, "X-Content-Type-Options": "nosniff", "Referrer-Policy": "same-origin",
            "Cross-Origin-Opener-Policy": "same-origin", "Cross-Origin-Resource-Policy": "same-origin",
            "Permissions-Policy": "geolocation=(), camera=(), microphone=()", "X-Frame-Options": "DENY",
        }  # fmt: skip

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See ASGI."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def headed(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in self._headers.items():
                    headers.setdefault(name, value)
                if scope["path"].startswith("/api/"):
                    headers.setdefault("Cache-Control", "no-store")
            await send(message)

        await self._app(scope, receive, headed)


class Pages(StaticFiles):
    """The built pages; what is named by what it holds may be kept for ever."""

    async def get_response(self, path: str, scope: Scope) -> Any:
        """See StaticFiles."""
        response = await super().get_response(path, scope)
        hashed = path.startswith("assets/")
        response.headers["Cache-Control"] = FOR_EVER.decode() if hashed else "no-cache"
        if path.endswith((".mjs", ".js")):
            response.headers["Content-Type"] = "text/javascript; charset=utf-8"
        return response


def policy(http: HttpSection) -> str:
    """Return what the pages may load: what comes from here, and tiles from where the configuration says."""
    tiles = ""
    if http.base_map is not None and http.base_map.startswith(("http://", "https://")):
        parts = urlsplit(http.base_map)
        tiles = f" {parts.scheme}://{parts.netloc}"
    return (
        "default-src 'none'; script-src 'self'; style-src 'self'; font-src 'self'; worker-src 'self'; "
        f"img-src 'self' data: blob:{tiles}; connect-src 'self'{tiles}; manifest-src 'self'; frame-src 'self'; "
        "base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
    )


def _pages(app: FastAPI) -> None:
    if (DIST / "index.html").is_file():
        app.mount("/", Pages(directory=DIST, html=True), name="pages")
        return

    @app.get("/", include_in_schema=False)
    def missing() -> HTMLResponse:
        return HTMLResponse(MISSING)


def _hosts(http: HttpSection) -> list[str]:
    """Return under which names we answer; none: under any (we listen everywhere, and no name is configured)."""
    host = http.at[0] if http.at is not None else ""
    if host in ("0.0.0.0", "::") and not http.hosts:  # noqa: S104 - compared, not bound
        return []
    return [*http.hosts, host, "localhost", "127.0.0.1", "[::1]"]


def _openapi(app: FastAPI) -> dict[str, Any]:
    """Return the OpenAPI, with the models that only streams and errors use."""
    if app.openapi_schema is None:
        made = FastAPI.openapi(app)
        schemas = made["components"]["schemas"]
        for name in ("HTTPValidationError", "ValidationError"):
            schemas.pop(name, None)
        for model in (Problem, Acknowledged):
            found = model.model_json_schema(ref_template="#/components/schemas/{model}")
            schemas |= found.pop("$defs", {})
            schemas[model.__name__] = found
        made["components"]["securitySchemes"] = {
            "session": {"type": "apiKey", "in": "cookie", "name": "trackerd_session"},
            "csrf": {"type": "apiKey", "in": "header", "name": "X-CSRF-Token"},
        }
        _errors(made)
        app.openapi_schema = made
    return app.openapi_schema


def _errors(made: dict[str, Any]) -> None:
    """Say of each operation which errors it has, and what it needs."""
    problem = {"content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}}
    for path, operations in made["paths"].items():
        for method, operation in operations.items():
            responses = operation["responses"]
            responses["429"] = {"description": "Too Many Requests", **problem}
            if "422" in responses:
                responses["422"] = {"description": "Unprocessable Content", **problem}
            if path.startswith("/api/") and path != "/api/session":
                operation["security"] = [{"session": []} if method == "get" else {"session": [], "csrf": []}]
