"""The zones: as judged, as drawn, their editions; drawing them anew.

What must stay true here: what is written was judged sound with the whole town first, and is written by the thread that
turns; who draws on what somebody else has changed meanwhile is told so, and overwrites nothing.
"""

from __future__ import annotations

import asyncio
import json
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Header, Query, Request, Response

from geofence.geojson import read
from geofence.model import EVER, to_micros
from geofence.zones import Zone
from trackerd import clock
from trackerd.orders import Rezone
from trackerd.web import zoning
from trackerd.web.access import Caller, Needs, Sees, SeesOrOwn, room_of
from trackerd.web.models.zones import Edition, Editions, Kept, LintAsked, Lints, Preview, ZoneCollection
from trackerd.web.problem import ProblemError, described
from trackerd.web.room import Room
from trackerd.web.said import when
from trackerd.zone_files import Drawn

router = APIRouter(tags=["zones"])
Draws = Annotated[Caller, Depends(Needs("zones"))]
GEOJSON: dict[str, Any] = {"schema": {"$ref": "#/components/schemas/ZoneCollection"}}
WAITS = "the daemon has not taken them yet, and will as soon as it can: look again before you change more"
ETAGGED: dict[int | str, dict[str, Any]] = {304: {"description": "Not changed"}}


@router.get("/api/zones", summary="The zones",
            responses={200: {"content": {"application/geo+json": GEOJSON}}, **ETAGGED,
                       **described(401, 403, 409, 422, 503)}, response_class=Response)  # fmt: skip
def zones(
    request: Request, who: SeesOrOwn,
    form: Annotated[
        Literal["shown", "drawn"], Query(description="Polygons as judged; or as drawn, to be edited.")
    ] = "shown",
    if_none_match: Annotated[str | None, Header(max_length=1000)] = None,
) -> Response:  # fmt: skip
    """Return all zones as GeoJSON. ``drawn`` comes with the ETag that PUT wants back."""
    room = room_of(request)
    if form == "drawn":
        if who.own is not None:
            raise ProblemError(403, "a warden sees the zones as they are judged")
        drawn: Drawn | None = (now := _drawn(room))
        tag = f'"{now.tag}"'
    else:
        drawn, tag = None, f'"{zoning.version(room)}"'
    headers = {"ETag": tag, "Cache-Control": "no-cache"}
    if if_none_match is not None and tag in (one.strip().removeprefix("W/") for one in if_none_match.split(",")):
        return Response(status_code=304, headers=headers)
    return Response(
        _shown(room, tag) if drawn is None else zoning.as_drawn(drawn, room),
        headers=headers,
        media_type="application/geo+json",
    )


def _shown(room: Room, tag: str) -> str:
    """Return the zones as they are judged, made once for all pages."""
    if room.shown[0] != tag:
        room.shown = tag, zoning.shown(room).model_dump_json(exclude_none=True)
    return room.shown[1]


@router.get("/api/zones/editions", summary="Editions kept", responses=described(401, 403, 503))
def editions(request: Request, _: Sees) -> Editions:
    """Return every edition of the zones, newest first, with what it changed."""
    with room_of(request).readers.lend() as store:
        kept = store.editions()
    items: list[Edition] = []
    before: dict[str, Zone] = {}
    for number, (since, zones_) in enumerate(kept):
        now = {str(one.id): one for one in zones_}
        added, changed, _same = zoning.differences(before, now)
        removed = [id_ for id_ in before if id_ not in now]
        items.append(
            Edition(
                version=zones_.version, since=when(since) if since > EVER else None, zones=len(zones_), added=added,
                changed=changed, removed=removed, newest=number == len(kept) - 1,
            )
        )  # fmt: skip
        before = now
    return Editions(items=items[::-1])


@router.get("/api/zones/editions/{version}", summary="One edition", responses=described(401, 403, 404, 503))
def edition(request: Request, version: str, _: Sees) -> ZoneCollection:
    """Return the zones of an edition, as they were judged."""
    with room_of(request).readers.lend() as store:
        found = next((one for one in store.editions() if one.zones.version == version), None)
    if found is None:
        raise ProblemError(404, "there is no such edition")
    return zoning.collection(found.zones, found.zones.version)


@router.post(
    "/api/zones/preview", summary="What would these be?", responses=described(401, 403, 408, 413, 422),
    openapi_extra={"requestBody": {"required": True, "content": {
        "application/geo+json": GEOJSON, "application/vnd.google-earth.kml+xml": {"schema": {"type": "string"}}}}},
)  # fmt: skip
async def preview(request: Request, _: Draws) -> Preview:
    """Say what GeoJSON or KML would come to: sound features and every fault. Nothing is kept."""
    data = await request.body()
    return await asyncio.to_thread(zoning.preview, room_of(request), data)


@router.put(
    "/api/zones", summary="Draw the zones anew", responses=described(401, 403, 408, 409, 412, 413, 422, 428, 503),
    openapi_extra={"requestBody": {"required": True, "content": {"application/geo+json": GEOJSON}}},
)  # fmt: skip
async def put_zones(
    request: Request, response: Response, who: Draws, if_match: Annotated[str | None, Header(max_length=100)] = None
) -> Kept:
    """Let these be all the zones there are, from now on: an edition of its own. The older stay what they were."""
    if if_match is None:
        raise ProblemError(428, "say which zones you drew on: send their ETag as If-Match")
    data, room = await request.body(), room_of(request)
    kept = await asyncio.to_thread(_put, room, data, if_match.strip().strip('"'), who)
    response.headers["ETag"] = f'"{kept.etag}"'
    return kept


@router.post("/api/zones/lint", summary="Would a visit be proven?", responses=described(401, 403, 413, 422, 503))
def lint(request: Request, asked: LintAsked, _: Sees) -> Lints:
    """Say how surely a visit to each zone would be proven, by trying it with made-up walks."""
    return zoning.lint(room_of(request), asked)


def _put(room: Room, data: bytes, tag: str, who: Caller) -> Kept:
    drawn, files = _drawn(room), room.zone_files
    if drawn.tag != tag:
        raise ProblemError(412, "the zones have been drawn otherwise meanwhile: load them again")
    if files is None or not files.writable:
        raise ProblemError(
            409, "the files of zones cannot be written by the daemon: give its user the right to their folder"
        )
    features = zoning.sent(data)
    _, faults = read(
        json.dumps({"type": "FeatureCollection", "features": features}).encode(), "what was sent", room.zone
    )
    _refuse(faults)
    fresh = files.drawn_anew(drawn, features)
    town, faults = files.tried(fresh)
    _refuse(faults)
    assert town is not None
    if fresh:
        text = {str(path): one.decode() for path, one in fresh.items()}
        if room.order(Rezone(dict(drawn.marks), text, who.name, to_micros(clock.now()))) != "done":
            raise ProblemError(503, WAITS, headers={"Retry-After": "5"})
    warnings = [zoning.fault(one) for one in faults if one.warning]
    return Kept(edition=town.zones.version, etag=_drawn(room).tag, since=when(room.now()), faults=warnings)


def _refuse(faults: list[Any]) -> None:
    wrong = [str(one) for one in faults if not one.warning]
    if wrong:
        raise ProblemError(422, "the zones have faults; nothing was changed", faults=wrong)


def _drawn(room: Room) -> Drawn:
    if room.zone_files is None:
        raise ProblemError(409, "there are no files of zones here")
    try:
        return room.zone_files.read()
    except (OSError, ValueError) as error:
        raise ProblemError(503, f"the files of zones cannot be read: {type(error).__name__}") from error
