"""Errors as problem details (RFC 9457): what is wrong and what to do, never a traceback.

What must stay true here: whatever goes wrong, the answer is a problem of one shape; a fault of ours is logged with its
traceback and answered without; nothing that was sent is repeated in a log.
"""

from __future__ import annotations

from collections.abc import Sequence
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException
from starlette.responses import Response

from trackerd.report.record import ReportFault
from trackerd.store import StoreError
from trackerd.web.models.words import Problem

TYPE = "application/problem+json"
NAMES = {413: "Content Too Large", 422: "Unprocessable Content"}


class ProblemError(Exception):
    """Something the caller can do something about, or must wait for."""

    def __init__(
        self, status: int, detail: str, *, faults: Sequence[str] = (), headers: dict[str, str] | None = None
    ) -> None:
        super().__init__(detail)
        self.status, self.detail, self.faults, self.headers = status, detail, list(faults), headers


def answer(
    status: int, detail: str = "", faults: Sequence[str] = (), headers: dict[str, str] | None = None
) -> JSONResponse:
    """Return a problem as a response."""
    problem = Problem(title=phrase(status), status=status, detail=detail, faults=list(faults))
    return JSONResponse(problem.model_dump(), status, headers, TYPE)


def install(app: FastAPI) -> None:
    """Have every error of ``app`` answered as a problem."""

    async def own(_: Request, error: Exception) -> Response:
        assert isinstance(error, ProblemError)
        return answer(error.status, error.detail, error.faults, error.headers)

    async def http(_: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        return answer(error.status_code, str(error.detail), headers=dict(error.headers or {}))

    async def invalid(_: Request, error: Exception) -> Response:
        assert isinstance(error, RequestValidationError)
        return answer(422, "what was sent does not fit", [_said(one) for one in error.errors()[:50]])

    async def away(_: Request, error: Exception) -> Response:
        return answer(503, f"the store does not answer: {error}", headers={"Retry-After": "5"})

    async def question(_: Request, error: Exception) -> Response:
        return answer(422, str(error))

    async def ours(_: Request, __: Exception) -> Response:  # the server logs it, without what was asked
        return answer(500, "a fault of ours; the log says which")

    app.add_exception_handler(ProblemError, own)
    app.add_exception_handler(HTTPException, http)
    app.add_exception_handler(RequestValidationError, invalid)
    app.add_exception_handler(StoreError, away)
    app.add_exception_handler(ReportFault, question)
    app.add_exception_handler(Exception, ours)


def _said(one: dict[str, Any]) -> str:
    place = ".".join(str(part)[:64] for part in one.get("loc", ())[1:])
    return f"{place}: {one.get('msg', '')}" if place else str(one.get("msg", ""))


def phrase(status: int) -> str:
    """Return what a status we answer with is called, by RFC 9110: before 3.13 Python had other names for two."""
    return NAMES.get(status) or HTTPStatus(status).phrase


def described(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Return what the OpenAPI says of these errors."""
    return {
        status: {
            "description": phrase(status),
            "content": {TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
        }
        for status in statuses
    }
