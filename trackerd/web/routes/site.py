"""What the site is, and its base map."""

from __future__ import annotations

from pathlib import Path

import shapely
from fastapi import APIRouter, Request
from fastapi.responses import FileResponse

from geofence.zones import Zone
from trackerd import __version__
from trackerd.http_section import HttpSection
from trackerd.web.access import SeesOrOwn, room_of
from trackerd.web.models.session import BaseMap, Site, Team, Warden
from trackerd.web.problem import ProblemError, described

router = APIRouter(tags=["site"])


@router.get("/api/site", summary="The town", responses=described(401, 403))
def site(request: Request, who: SeesOrOwn) -> Site:
    """Say which town this is, where it lies, and who is about."""
    room = room_of(request)
    settings, town = room.settings, room.picture.town
    wardens = {one.id: one.team for one in settings.warden}
    wardens |= {str(duty.warden): town.roster.team(duty.warden) for duty in town.roster.duties}
    bounds = _bounds(list(town.zones))
    return Site(
        name=settings.site.name, timezone=settings.site.timezone, languages=list(settings.site.languages),
        version=__version__, bounds=bounds,
        centre=None if bounds is None else ((bounds[0] + bounds[2]) / 2, (bounds[1] + bounds[3]) / 2),
        base_map=base_map(room.http, room.path), silence_s=settings.detection.silence, mqtt_prefix=settings.mqtt.prefix,
        teams=[Team(id=one.id, name=one.name) for one in settings.team],
        wardens=[Warden(id=id_, team=team) for id_, team in sorted(wardens.items()) if who.sees(id_)],
        requirements=[one.id for one in town.plan.requirements],
    )  # fmt: skip


@router.get("/api/basemap", summary="The base map's file", response_class=FileResponse,
            responses={200: {"content": {"application/octet-stream": {}}}, **described(401, 403, 404)})  # fmt: skip
def basemap(request: Request, _: SeesOrOwn) -> FileResponse:
    """Send the file the configuration names, whole or the ranges asked for."""
    room = room_of(request)
    file = base_file(room.http, room.path)
    if file is None or not file.is_file():
        raise ProblemError(404, "no base map is configured as a file")
    kind = "application/geo+json" if file.suffix in (".geojson", ".json") else "application/octet-stream"
    return FileResponse(file, media_type=kind)


def base_map(http: HttpSection, path: Path) -> BaseMap:
    """Return what is drawn below the zones."""
    said = http.base_map
    if said is None:
        return BaseMap(kind="none", url=None)
    if base_file(http, path) is None:
        return BaseMap(kind="tiles", url=said, attribution=http.base_map_attribution)
    return BaseMap(
        kind="pmtiles" if said.endswith(".pmtiles") else "geojson", url="/api/basemap",
        attribution=http.base_map_attribution,
    )  # fmt: skip


def base_file(http: HttpSection, path: Path) -> Path | None:
    """Return the file of the base map, where it is one."""
    said = http.base_map
    return None if said is None or said.startswith(("http://", "https://")) else path.parent / said


def _bounds(zones: list[Zone]) -> tuple[float, float, float, float] | None:
    if not zones:
        return None
    west, south, east, north = (round(float(edge), 6) for edge in shapely.total_bounds([one.shape for one in zones]))
    return west, south, east, north
