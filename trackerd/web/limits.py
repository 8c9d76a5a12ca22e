"""What a browser may ask of us in bytes, in time and in number, whoever it is.

What must stay true here: nothing that is sent is held beyond a bound; a body that comes too slowly is not waited for;
who asks too often is told when to come back, and remembering that costs a bounded place. (Who takes an answer too
slowly is let go by server.py.)
"""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from collections.abc import Mapping
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from trackerd.web.problem import answer

BODY = 64 * 1024
"""Bytes of a body."""
LARGER = {"/api/zones": 8 * 2**20, "/api/zones/preview": 8 * 2**20, "/api/zones/lint": 8 * 2**20}
ASKED = (50.0, 400.0)
"""Requests a second and at once, from one address."""
BODY_S = 20.0
"""A body comes within so long."""


class Pace:
    """A bucket of tokens for each of many: so many a second, and so many at once."""

    def __init__(self, per_s: float, burst: float, most: int = 10_000) -> None:
        self._per_s, self._burst, self._most = per_s, burst, most
        self._left: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def wait_s(self, key: str, cost: float = 1.0) -> float:
        """Take tokens; return 0, or in how many seconds there will be enough, having taken none."""
        now = time.monotonic()
        left, at = self._left.pop(key, (self._burst, now))
        left = min(self._burst, left + (now - at) * self._per_s)
        enough = left >= cost
        self._left[key] = (left - cost if enough else left, now)
        if len(self._left) > self._most:
            self._left.popitem(last=False)
        return 0.0 if enough else (cost - left) / self._per_s

    def give_back(self, key: str, cost: float = 1.0) -> None:
        """Put tokens back."""
        if key in self._left:
            left, at = self._left[key]
            self._left[key] = (min(self._burst, left + cost), at)


class Bounds:
    """Bounds on every request."""

    def __init__(
        self, app: ASGIApp, pace: Pace | None = None, body_s: float = BODY_S, larger: Mapping[str, int] = LARGER
    ) -> None:  # fmt: skip
        self._app, self._pace = app, pace or Pace(*ASKED)
        self._body_s, self._larger = body_s, larger

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See ASGI."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        client = scope.get("client")
        wait = self._pace.wait_s(client[0] if client else "")
        if wait:
            await answer(429, "you ask too often", headers=_later(wait))(scope, receive, send)
            return
        most = self._larger.get(scope["path"], BODY)
        body = await self._body(scope, receive, most)
        if isinstance(body, int):
            close = {"Connection": "close"}
            why = {408: "it came too slowly", 413: f"it is larger than {most} bytes"}.get(body, "")
            await answer(body, why, headers=close)(scope, receive, send)
            return
        await self._app(scope, _given(body, receive), send)

    async def _body(self, scope: Scope, receive: Receive, most: int) -> bytes | int:
        """Return the body, or the status that says why there is none."""
        if scope["method"] in ("GET", "HEAD"):
            return b""
        if _stated(scope) > most:
            return 413
        pieces: list[bytes] = []
        size = 0
        try:
            async with asyncio.timeout(self._body_s):
                while True:
                    message = await receive()
                    if message["type"] != "http.request":
                        return 408
                    size += len(message.get("body", b""))
                    if size > most:
                        return 413
                    pieces.append(message.get("body", b""))
                    if not message.get("more_body", False):
                        return b"".join(pieces)
        except TimeoutError:
            return 408


def _later(wait: float) -> dict[str, str]:
    return {"Retry-After": str(max(1, round(wait + 0.5)))}


def _stated(scope: Scope) -> int:
    for name, value in scope["headers"]:
        if name == b"content-length" and value.isdigit():
            return int(value)
    return 0


def _given(body: bytes, receive: Receive) -> Receive:
    """Return what gives the body once, and then what else comes."""
    given: list[Any] = [{"type": "http.request", "body": body, "more_body": False}]

    async def give() -> Message:
        return given.pop() if given else await receive()

    return give
