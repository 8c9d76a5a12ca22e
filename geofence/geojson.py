"""GeoJSON (RFC 7946) to zones, and back.

What must stay true here: whatever is handed in, every fault comes back as a value with its feature and the reason,
all of them at once, and the sound features come back beside them. Ids are ``[a-z0-9-]+``. Polygons and MultiPolygons
with holes are taken as they are; a Point with ``radius_m`` is a circle, a LineString with ``width_m`` a corridor.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import Any, NoReturn, cast

import numpy as np
import shapely
from shapely.errors import ShapelyError
from shapely.geometry import LineString, Point, mapping, shape
from shapely.geometry.base import BaseGeometry

from geofence.duration import seconds
from geofence.faults import Fault
from geofence.model import Micros, TeamId, ZoneId, to_datetime, to_micros
from geofence.zones import Frame, Zone

ID = re.compile(r"[a-z0-9-]{1,64}")
MOST_BYTES = 64 * 1024 * 1024
MOST_DEGREES = 3.0
"""A zone wider than this (some 200 to 330 km) does not fit a plane; see zones.py."""
CIRCLE_SEGMENTS = 32
"""Per quarter: the polygon stays within r/3300 of the circle, 8 mm at 25 m."""
KNOWN = {"id", "name", "kind", "team", "valid_from", "valid_to", "dwell", "radius_m", "width_m"}


def read(data: bytes, file: str, zone_time: tzinfo = UTC) -> tuple[list[Zone], list[Fault]]:
    """Return the zones of one GeoJSON file and every fault in it.

    ``zone_time`` is the town's time zone, in which a ``valid_from`` given as a bare date begins.
    """
    try:
        features = _features(data)
    except ValueError as error:
        return [], [Fault(file, "", str(error))]
    zones: list[Zone] = []
    faults: list[Fault] = []
    seen: set[ZoneId] = set()
    for number, feature in enumerate(features, 1):
        where = f"feature {number}"
        try:
            where = f"feature {number} ({_id(feature)})"
            zone = _zone(feature, zone_time)
            if zone.id in seen:
                raise ValueError("the id is used twice; give each zone its own")
        except ValueError as error:
            faults.append(Fault(file, where, str(error)))
            continue
        seen.add(zone.id)
        zones.append(zone)
        faults += _remarks(feature, file, where)
    return zones, faults


def write(zones: Iterable[Zone]) -> dict[str, Any]:
    """Return the zones as a FeatureCollection; circles and corridors as the polygons they became."""
    return {"type": "FeatureCollection", "features": [_feature(zone) for zone in zones]}


def _features(data: bytes) -> list[Any]:
    if len(data) > MOST_BYTES:
        raise ValueError(f"larger than {MOST_BYTES // 2**20} MiB; cut it into several files")
    try:
        root = json.loads(data.decode("utf-8-sig"), parse_constant=_no_constant)
    except UnicodeDecodeError as error:
        raise ValueError(f"not UTF-8 at byte {error.start}; save it as UTF-8") from None
    except json.JSONDecodeError as error:
        raise ValueError(f"not JSON at line {error.lineno}, column {error.colno}: {error.msg}") from None
    except RecursionError:
        raise ValueError("nested too deeply to be GeoJSON") from None
    kind = root.get("type") if isinstance(root, dict) else None
    if kind == "Feature":
        return [root]
    features = root.get("features") if kind == "FeatureCollection" else None
    if not isinstance(features, list):
        raise ValueError('not GeoJSON zones: expected {"type": "FeatureCollection", "features": […]}')
    return features


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not a number in GeoJSON")


def _id(feature: object) -> ZoneId:
    if not isinstance(feature, dict) or feature.get("type") != "Feature":
        raise ValueError('not a Feature: expected {"type": "Feature", …}')
    found = feature.get("id")
    if found is None and isinstance(feature.get("properties"), dict):
        found = feature["properties"].get("id")
    if found is None:
        raise ValueError('has no id; give it "id": "some-name"')
    text = str(found) if isinstance(found, str | int) and not isinstance(found, bool) else ""
    if not ID.fullmatch(text):
        hint = re.sub(r"[^a-z0-9]+", "-", str(found)[:64].lower()).strip("-") or "some-name"
        raise ValueError(f"the id {str(found)[:64]!r} is not of a-z, 0-9 and - (64 at most); for example {hint!r}")
    return ZoneId(text)


def _zone(feature: dict[str, Any], zone_time: tzinfo) -> Zone:
    properties = feature.get("properties") or {}
    if not isinstance(properties, dict):
        raise ValueError("properties is not an object")
    dwell = properties.get("dwell")
    zone = Zone(
        id=_id(feature),
        shape=_shape(feature.get("geometry"), properties),
        name=_text(properties, "name"),
        kind=_text(properties, "kind") or "zone",
        team=TeamId(team) if (team := _text(properties, "team")) else None,
        valid_from=_moment(properties, "valid_from", zone_time),
        valid_to=_moment(properties, "valid_to", zone_time),
        dwell_s=None if dwell is None else seconds(dwell),
    )
    if zone.valid_from is not None and zone.valid_to is not None and zone.valid_from >= zone.valid_to:
        raise ValueError("valid_to is not after valid_from")
    return zone


def _text(properties: dict[str, Any], key: str) -> str:
    value = properties.get(key)
    if value is None:
        return ""
    if not isinstance(value, str) or len(value) > 256:
        raise ValueError(f"{key} is not a text of at most 256 letters")
    return value


def _moment(properties: dict[str, Any], key: str, zone_time: tzinfo) -> Micros | None:
    """Read a date (its first moment in the town; for ``valid_to`` the first moment after that day) or a time."""
    value = properties.get(key)
    if value is None:
        return None
    try:
        if len(value) == len("2026-01-31"):
            day = date.fromisoformat(value) + timedelta(days=key == "valid_to")
            return to_micros(datetime.combine(day, time(), zone_time))
        moment = datetime.fromisoformat(value)
        return to_micros(moment if moment.tzinfo else moment.replace(tzinfo=zone_time))
    except (TypeError, ValueError, OverflowError):
        raise ValueError(f"{key} {str(value)[:40]!r} is no date; write 2026-09-01 or 2026-09-01T08:00+02:00") from None


def _shape(geometry: object, properties: dict[str, Any]) -> BaseGeometry:
    kind = geometry.get("type") if isinstance(geometry, dict) else None
    if kind not in ("Polygon", "MultiPolygon", "Point", "LineString"):
        raise ValueError(f"a {kind or 'missing'} geometry is no zone; use Polygon, MultiPolygon, Point or LineString")
    try:
        found: Any = shape(cast("dict[str, Any]", geometry))
    except (ShapelyError, ValueError, TypeError, IndexError, AttributeError, KeyError, RecursionError, OverflowError):
        raise ValueError(f"the coordinates do not make a {kind}") from None
    _check_places(found)
    if kind == "Point":
        found = _widen(found, _metres(properties, "radius_m", "a Point", 100_000))
    elif kind == "LineString":
        found = _widen(found, _metres(properties, "width_m", "a LineString", 10_000) / 2)
    if not found.is_valid:
        raise ValueError(f"the shape crosses or touches itself: {shapely.is_valid_reason(found)}")
    west, south, east, north = found.bounds
    if max(east - west, north - south) > MOST_DEGREES:
        raise ValueError(f"wider than {MOST_DEGREES:g} degrees; cut it into several zones")
    flat: BaseGeometry = shapely.force_2d(found)
    return flat


def _check_places(found: BaseGeometry) -> None:
    if found.is_empty:
        raise ValueError("the geometry is empty")
    west, south, east, north = found.bounds
    if not all(map(math.isfinite, found.bounds)):
        raise ValueError("a coordinate is not a finite number")
    if not (-180 <= west <= east <= 180 and -85 <= south <= north <= 85):
        raise ValueError("a coordinate is not longitude, latitude in degrees (WGS 84, short of the poles)")


def _metres(properties: dict[str, Any], key: str, what: str, most: float) -> float:
    value = properties.get(key)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError(f'{what} needs "{key}", a number of metres')
    if not 0 < value <= most:
        raise ValueError(f"{key} is not between 0 and {most:g} metres")
    return float(value)


def _widen(line: Point | LineString, by_m: float) -> BaseGeometry:
    frame = Frame.at(*line.centroid.coords[0][:2])
    return frame.to_degrees(frame.to_metres(shapely.force_2d(line)).buffer(by_m, quad_segs=CIRCLE_SEGMENTS))


def _remarks(feature: dict[str, Any], file: str, where: str) -> list[Fault]:
    """Return what is odd but refuses nothing."""
    properties = feature.get("properties") or {}
    remarks = [
        Fault(file, where, f"{key} means nothing on a {feature['geometry']['type']}", warning=True)
        for key, kind in (("radius_m", "Point"), ("width_m", "LineString"))
        if key in properties and feature["geometry"]["type"] != kind
    ]
    west, south, east, north = shape(feature["geometry"]).bounds
    if west >= 49.4 and east <= 51.6 and south >= 2.5 and north <= 6.5:
        remedy = "GeoJSON writes longitude first"
        remarks.append(Fault(file, where, "latitude and longitude look swapped", remedy, warning=True))
    return remarks


def _feature(zone: Zone) -> dict[str, Any]:
    known = {"name": zone.name, "kind": zone.kind, "team": zone.team}
    for key, moment in (("valid_from", zone.valid_from), ("valid_to", zone.valid_to)):
        known[key] = None if moment is None else to_datetime(moment).isoformat()
    properties: dict[str, Any] = {key: value for key, value in known.items() if value}
    if zone.dwell_s is not None:
        properties["dwell"] = f"{np.format_float_positional(zone.dwell_s, trim='-')}s"  # exact
    return {"type": "Feature", "id": zone.id, "properties": properties, "geometry": mapping(zone.shape)}
