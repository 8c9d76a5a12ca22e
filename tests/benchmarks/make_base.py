"""Makes the demo's base map of an extract of OpenStreetMap: rail, water and the names of places around Asse.

    python -m tests.benchmarks.make_base FOLDER > trackerd/demo/base.geojson

FOLDER holds the extract's asse-railways, asse-waterways and asse-points (GeoJSON, WGS 84; origins in
trackerd/demo/README.md). What must stay true here: the same extract gives the same bytes.
"""

from __future__ import annotations

import json
import sys
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import shapely
from shapely.geometry import shape

WINDOW = shapely.box(4.10, 50.85, 4.36, 50.97)
TOLERANCE = 0.00004  # degrees: under five metres
SHORTEST = {"rail": 0.002, "water": 0.004}
PLACES = ("city", "town", "village", "hamlet", "suburb")
Feature = dict[str, Any]


def features(folder: Path) -> Iterator[Feature]:
    """Yield the base map's features."""
    yield from _lines(_read(folder / "asse-railways.geojson"), ("rail", "light_rail"), "rail")
    yield from _lines(_read(folder / "asse-waterways.geojson"), ("river", "canal", "stream"), "water")
    seen = set[str]()
    for one in _read(folder / "asse-points.geojson"):
        name, kind = one["properties"].get("name"), one["properties"]["type"]
        if kind in PLACES and name and name not in seen and WINDOW.contains(shape(one["geometry"])):
            seen.add(name)
            at = [round(value, 5) for value in one["geometry"]["coordinates"]]
            yield _feature("Point", at, {"type": "place", "class": kind, "name": name.rpartition(" - ")[2]})


def _lines(found: list[Feature], kinds: tuple[str, ...], kind: str) -> Iterator[Feature]:
    together = defaultdict(list)
    for one in found:
        if one["properties"]["type"] in kinds:
            name = one["properties"].get("name", "") if kind == "water" else ""
            together[name, one["properties"]["type"] if kind == "water" else ""].append(shape(one["geometry"]))
    for (name, water), lines in together.items():
        merged = shapely.line_merge(shapely.union_all(lines)).intersection(WINDOW).simplify(TOLERANCE)
        parts = [part for part in shapely.get_parts(merged) if part.length > SHORTEST[kind]]
        if parts:
            at = [[[round(lon, 5), round(lat, 5)] for lon, lat in part.coords] for part in parts]
            said = {"type": kind, "class": water, "name": name}
            yield _feature("MultiLineString", at, {key: value for key, value in said.items() if value})


def _feature(kind: str, coordinates: list[Any], properties: dict[str, str]) -> Feature:
    return {"type": "Feature", "geometry": {"type": kind, "coordinates": coordinates}, "properties": properties}


def _read(path: Path) -> list[Feature]:
    return list(json.loads(path.read_text())["features"])


if __name__ == "__main__":
    print('{"type":"FeatureCollection","features":[')
    texts = [json.dumps(one, ensure_ascii=False, separators=(",", ":")) for one in features(Path(sys.argv[1]))]
    print(",\n".join(texts) + "\n]}")
