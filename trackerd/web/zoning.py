"""Zones as the API tells and takes them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from pydantic import ValidationError

from geofence import geojson
from geofence.faults import Fault
from geofence.trial import Habits
from geofence.zones import Frame, Zone
from trackerd import zone_import
from trackerd.assemble import rules
from trackerd.town import PRIVATE
from trackerd.web.lint_worker import tried
from trackerd.web.models.zones import (
    Lint,
    LintAsked,
    Lints,
    Preview,
    ZoneCollection,
    ZoneFault,
    ZoneFeature,
)
from trackerd.web.problem import ProblemError
from trackerd.web.room import Room
from trackerd.zone_files import Drawn, id_of

SENT = "what was sent"


def version(room: Room) -> str:
    """Return what tells these zones from others, as shown."""
    picture = room.picture
    force = sum(one.valid_at(picture.at) for one in picture.town.zones)
    return f"{picture.town.zones.version}-{len(picture.town.private)}-{force}"


def shown(room: Room) -> ZoneCollection:
    """Return the zones that are judged, and the private ones, as polygons."""
    picture = room.picture
    made = collection([*picture.town.zones, *picture.town.private], picture.town.zones.version, picture.at)
    return made.model_copy(update={"editable": _editable(room)})


def as_drawn(drawn: Drawn, room: Room) -> str:
    """Return the zones as somebody drew them, to the letter."""
    features = [{**one, "id": id_of(one)} for one in drawn.features]
    whole = {"type": "FeatureCollection", "edition": room.picture.town.zones.version, "editable": _editable(room)}
    return json.dumps({**whole, "features": features}, ensure_ascii=False)


def collection(zones: Iterable[Zone], edition: str, at: int | None = None) -> ZoneCollection:
    """Return zones as polygons."""
    return ZoneCollection(edition=edition, features=[feature(one, at) for one in zones])


def feature(zone: Zone, at: int | None = None) -> ZoneFeature:
    """Return one zone as a polygon."""
    raw = geojson.write([zone])["features"][0]
    more: dict[str, Any] = {"hectares": round(_hectares(zone), 4)}
    if at is not None:
        more["in_force"] = zone.valid_at(at) and zone.kind != PRIVATE
    shape = {**raw["geometry"], "coordinates": _brief(raw["geometry"]["coordinates"])}
    return ZoneFeature.model_validate(
        {**raw, "id": zone.id, "geometry": shape, "properties": {"kind": zone.kind, **raw["properties"], **more}}
    )


def _brief(coordinates: Any) -> Any:
    """Return coordinates to a decimetre: what is looked at needs no more."""
    return round(coordinates, 6) if isinstance(coordinates, float) else [_brief(one) for one in coordinates]


def differences(before: Mapping[str, Zone], now: Mapping[str, Zone]) -> tuple[list[str], list[str], list[str]]:
    """Return which are new, which are others than before, and which are the same."""
    added = [id_ for id_ in now if id_ not in before]
    kept = [id_ for id_ in now if id_ in before]
    same = [id_ for id_ in kept if now[id_].fingerprint() == before[id_].fingerprint()]
    return added, [id_ for id_ in kept if id_ not in same], same


def sent(data: bytes) -> list[dict[str, Any]]:
    """Return the features that were sent, without what only answers have. Raises ProblemError."""
    try:
        root = json.loads(data.decode("utf-8-sig"))
        features = root["features"]
        if root["type"] != "FeatureCollection" or not all(isinstance(one, dict) for one in features):
            raise TypeError
    except (ValueError, LookupError, TypeError, RecursionError):
        raise ProblemError(422, "send the zones as GeoJSON: a FeatureCollection") from None
    return [_bare(one) for one in features]


def preview(room: Room, data: bytes) -> Preview:
    """Say what GeoJSON, KML or KMZ would come to. Raises ProblemError where there is nothing of zones in it."""
    features, zones, faults = zone_import.take(data, SENT, room.zone)
    if not features:
        raise ProblemError(422, "there are no zones in it", faults=[str(one) for one in faults])
    sound = {str(one.id) for one in zones}
    town = room.picture.town
    now = {str(one.id): one for one in (*town.zones, *town.private)}
    added, changed, same = differences(now, {str(one.id): one for one in zones})
    drawn = {id_of(one): one for one in features if id_of(one) in sound}
    return Preview(
        features=[feature(one) for one in zones], drawn=[_drawn(one) for one in drawn.values()],
        faults=[fault(one) for one in faults], added=added, changed=changed, same=same,
    )  # fmt: skip


def fault(one: Fault) -> ZoneFault:
    """Return a fault as told."""
    return ZoneFault(file=one.file, where=one.where, what=one.what, remedy=one.remedy, warning=one.warning)


def lint(room: Room, asked: LintAsked) -> Lints:
    """Say how surely a visit to each zone would be proven."""
    faults: list[Fault] = []
    if asked.collection is not None:
        zones, faults = geojson.read(json.dumps(asked.collection).encode(), SENT, room.zone)
    else:
        zones = list(room.picture.town.zones)
    if asked.zones is not None:
        zones = [one for one in zones if one.id in asked.zones]
    if len(zones) > MOST:
        raise ProblemError(422, f"name at most {MOST} zones at once: each is tried with thousands of walks")
    habits = Habits(dwell_s=asked.dwell_s)
    habits = replace(habits, accuracy_m=asked.accuracy_m or habits.accuracy_m, every_s=asked.every_s or habits.every_s)
    found = tried(zones, habits, rules(room.settings), asked.advise and len(zones) == 1)
    items = [Lint.model_validate(one) for one in found]
    return Lints(
        accuracy_m=habits.accuracy_m, every_s=habits.every_s, items=items, faults=[fault(one) for one in faults]
    )


MOST = 20
"""Zones tried at once."""


def _bare(one: dict[str, Any]) -> dict[str, Any]:
    """Return a feature without what only answers have."""
    properties = one.get("properties")
    if not isinstance(properties, dict):
        return one
    kept = {
        key: value for key, value in properties.items() if key not in ("hectares", "in_force") and value is not None
    }
    return {**one, "properties": kept}


def _drawn(one: dict[str, Any]) -> ZoneFeature:
    try:
        return ZoneFeature.model_validate({**one, "id": id_of(one)})
    except ValidationError:  # sound as a zone, and still with something odd beside
        return ZoneFeature.model_validate({**one, "id": id_of(one), "properties": {}})


def _editable(room: Room) -> bool:
    return room.zone_files is not None and room.inbox is not None and room.zone_files.writable


def _hectares(zone: Zone) -> float:
    west, south, east, north = zone.shape.bounds
    return float(Frame.at((west + east) / 2, (south + north) / 2).to_metres(zone.shape).area) / 10_000
