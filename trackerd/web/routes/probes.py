"""For machines: alive and ready. They tell nothing of anybody, and need no account."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response

from geofence.model import SECOND, to_micros
from trackerd import clock
from trackerd.web.access import room_of
from trackerd.web.models.health import Ready

router = APIRouter(tags=["probes"])
STALLED_S = 30.0


@router.get("/healthz", summary="Alive?")
def alive() -> Ready:
    """Say that the server answers."""
    return Ready(state="ok")


@router.get("/readyz", summary="Ready?", responses={503: {"model": Ready}})
def ready(request: Request, response: Response) -> Ready:
    """Say whether the daemon takes part: the turn goes on and the store answers."""
    room = room_of(request)
    picture = room.board.picture
    if picture is None:
        found = Ready(state="starting")
    elif picture.away:
        found = Ready(state="store away")
    elif room.demo is None and to_micros(clock.now()) - picture.at > STALLED_S * SECOND:
        found = Ready(state="stalled")
    else:
        return Ready(state="ok")
    response.status_code = 503
    return found
