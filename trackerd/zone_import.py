"""Zones drawn elsewhere (Google My Maps, QGIS, geojson.io) made into a file of zones.

What must stay true here: a KML, KMZ or GeoJSON file comes back as GeoJSON features with ids of their own, made from
their names where they have none; nothing is repaired or dropped in silence: what is wrong stays in, for
``geofence.geojson.read`` to tell.
"""

from __future__ import annotations

import io
import json
import logging
import unicodedata
import warnings
import zipfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import tzinfo
from pathlib import Path
from typing import Any, NamedTuple

from geofence import geojson
from geofence.faults import Fault
from geofence.geojson import ID, MOST_BYTES
from geofence.zones import Zone

Feature = dict[str, Any]


class Defaults(NamedTuple):
    """What holds of a feature that does not say."""

    kind: str | None = None
    team: str | None = None
    radius_m: float = 25.0
    width_m: float = 20.0


NONE_SAID = Defaults()


class Imported(NamedTuple):
    """What came of a file."""

    features: list[Feature]
    zones: list[Zone]
    faults: list[Fault]


def take(data: bytes, file: str, zone_time: tzinfo, defaults: Defaults = NONE_SAID) -> Imported:
    """Read a KML, KMZ or GeoJSON file; ``file`` is its name for those who are told of faults."""
    try:
        features = _named([_complete(one, defaults) for one in _features(data)])
    except ValueError as error:
        return Imported([], [], [Fault(file, "", str(error))])
    zones, faults = geojson.read(written(features), file, zone_time)
    return Imported(features, zones, faults)


def written(features: Sequence[Feature]) -> bytes:
    """Return the features as a file."""
    rows = ",\n".join(json.dumps(feature, ensure_ascii=False) for feature in features)
    return f'{{"type": "FeatureCollection", "features": [\n{rows}\n]}}\n'.encode()


def merged(old: bytes, features: Iterable[Feature]) -> tuple[list[Feature], int]:
    """Return the features of a file of zones with these added, in the place of those of the same id; how many were."""
    kept = {one.get("id") or one["properties"]["id"]: one for one in json.loads(old.decode("utf-8-sig"))["features"]}
    new = {one["id"]: one for one in features}
    return list((kept | new).values()), len(kept.keys() & new.keys())


def _features(data: bytes) -> list[Feature]:
    if data[:4] == b"PK\x03\x04":
        data = _unpacked(data)
    if len(data) > MOST_BYTES:
        raise ValueError(f"larger than {MOST_BYTES // 2**20} MiB; cut it into several files")
    if data.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] == b"<":
        return list(_placemarks(data))
    try:
        root = json.loads(data.decode("utf-8-sig"))
    except (ValueError, RecursionError):
        raise ValueError("neither KML, KMZ nor GeoJSON; export it as one of these") from None
    features = root.get("features") if isinstance(root, dict) else None
    if isinstance(root, dict) and root.get("type") == "Feature":
        features = [root]
    if not isinstance(features, list):
        raise ValueError('no GeoJSON of zones: expected {"type": "FeatureCollection", "features": […]}')
    return [one if isinstance(one, dict) else {"type": str(one)[:40]} for one in features]


def _unpacked(data: bytes) -> bytes:
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as packed:
            name = next((name for name in packed.namelist() if name.lower().endswith(".kml")), None)
            if name is None:
                raise ValueError("a zip with no .kml in it is no KMZ")
            with packed.open(name) as file:
                return file.read(MOST_BYTES + 1)
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, OSError):
        raise ValueError("a damaged KMZ") from None


def _placemarks(data: bytes) -> Iterator[Feature]:
    if b"<!DOCTYPE" in data or b"<!ENTITY" in data:
        raise ValueError("a KML with a DOCTYPE; export it anew")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that lxml, which it can do without, is not there
        from fastkml import Placemark, kml  # noqa: PLC0415 - heavy, and needed by this alone
        from fastkml.utils import find_all  # noqa: PLC0415
    logging.getLogger("fastkml").setLevel(logging.CRITICAL)  # what it leaves out is told as a fault of ours
    try:
        root = kml.KML.from_string(data.decode("utf-8-sig"), strict=False)
        places: list[Any] = list(find_all(root, of_type=Placemark))
    except Exception as error:  # noqa: BLE001 - whatever a KML can be, fastkml raises many kinds
        raise ValueError(f"not KML: {str(error)[:120] or type(error).__name__}") from None
    if not places:
        raise ValueError("a KML with no placemarks in it")
    for place in places:
        shape = place.geometry.__geo_interface__ if place.geometry is not None else None
        data_of = {one.name: one.value for one in (place.extended_data.elements if place.extended_data else ())
                   if getattr(one, "name", None) and isinstance(getattr(one, "value", None), str)}  # fmt: skip
        properties = {key: value for key, value in data_of.items() if key in geojson.KNOWN}
        yield {"type": "Feature", "id": place.id, "properties": properties | {"name": place.name or ""},
               "geometry": json.loads(json.dumps(_polygons(shape)))}  # fmt: skip


def _polygons(shape: Any) -> Any:
    """Return a collection of polygons, as KML's MultiGeometry may be, as one MultiPolygon."""
    parts = shape.get("geometries") if isinstance(shape, Mapping) else None
    if parts and all(part["type"] == "Polygon" for part in parts):
        return {"type": "MultiPolygon", "coordinates": [part["coordinates"] for part in parts]}
    return shape


def _complete(feature: Feature, defaults: Defaults) -> Feature:
    """Return the feature with what it does not say itself; numbers written as text, as KML has them, as numbers."""
    properties = feature.get("properties") if isinstance(feature.get("properties"), dict) else {}
    said: dict[str, Any] = {key: value for key, value in (properties or {}).items() if value not in (None, "")}
    geometry = feature.get("geometry")
    kind = geometry.get("type") if isinstance(geometry, dict) else None
    wanted: dict[str, Any] = {"kind": defaults.kind, "team": defaults.team}
    wanted |= {"radius_m": defaults.radius_m} if kind == "Point" else {}
    wanted |= {"width_m": defaults.width_m} if kind == "LineString" else {}
    said = {key: value for key, value in wanted.items() if value is not None} | said
    for key in ("radius_m", "width_m"):
        if isinstance(said.get(key), str):
            said[key] = _number(said[key])
    return {**feature, "properties": said}


def _number(text: str) -> object:
    try:
        return float(text)
    except ValueError:
        return text


def _named(features: Sequence[Feature]) -> list[Feature]:
    """Return the features with ids: their own where these can be one, else of their names, each once."""
    found: list[Feature] = []
    taken: set[str] = set()
    for number, feature in enumerate(features, 1):
        own = feature.get("id") if feature.get("id") is not None else feature["properties"].get("id")
        name = str(own) if own is not None and ID.fullmatch(str(own)) else _slug(feature["properties"].get("name"))
        base = name or f"zone-{number}"
        name, again = base, 2
        while name in taken:
            name, again = f"{base[:60]}-{again}", again + 1
        taken.add(name)
        properties = {key: value for key, value in feature["properties"].items() if key != "id"}
        found.append({**feature, "id": name, "properties": properties})
    return found


def _slug(name: object) -> str:
    """Return "Probleembox Markt & Kerk" as probleembox-markt-kerk."""
    plain = unicodedata.normalize("NFKD", str(name or "")).encode("ascii", "ignore").decode().lower()
    return "-".join("".join(c if c.isalnum() else " " for c in plain).split())[:60].strip("-")


def read_file(path: Path, zone_time: tzinfo, defaults: Defaults) -> Imported:
    """Take a file from the disk."""
    try:
        return take(path.read_bytes(), str(path), zone_time, defaults)
    except OSError as error:
        return Imported([], [], [Fault(str(path), "", f"cannot be read: {error.strerror}", "check the name")])
