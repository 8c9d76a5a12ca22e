"""Make the demo's recorded day: ``python -m tests.benchmarks.make_demo DATA_DIR``.

DATA_DIR holds the public recordings and maps named in trackerd/demo/README.md. Out of them come the zones, a raw NMEA
log of the warden on foot in Asse, an OwnTracks record of the one by bike in Zellik, and the truth both are noisy
witnesses of (tests/trackerd/demo_truth.json). The same data give the same bytes.
"""

from __future__ import annotations

import argparse
import gzip
import json
import re
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import shapely

from tests.benchmarks import demo_town as town
from tests.benchmarks.demo_receivers import nmea_log, owntracks_record
from tests.benchmarks.demo_walk import (
    Array,
    Day,
    bounces,
    live,
    read_errors,
    read_hike,
    read_ride,
    rhythm,
    runs,
    wander,
)

ROOT = Path(__file__).resolve().parents[2]
DEMO, TRUTH = ROOT / "trackerd/demo", ROOT / "tests/trackerd/demo_truth.json"
SEED = 19052026
PATH_STEP_S = 10
LEAST_VISIT_S = 5

ZELLIK_SIDE = {"bekkerzeel", "beneden-zellik", "boven-zellik", "kobbegem", "neerzellik", "relegem", "zellik-centrum"}
DISTRICTS_BY = (
    "Wijken voor omgevingsanalyse. © gemeentebesturen, verzameld door Data & Analyse van de Vlaamse provincies "
    "(https://github.com/provinciesincijfers/gebiedsniveaus/blob/master/gemeente_statsec_wijken/readme.md, "
    "modellicentie gratis hergebruik Vlaanderen v1.0); geometry derived from Statbel statistical sectors; "
    "coordinates rounded to 6 decimals, ids and teams added"
)
PLACES_BY = (
    "© OpenStreetMap contributors (https://www.openstreetmap.org/copyright), Geofabrik extract of 2015 via "
    "github.com/weRbelgium/BelgiumMaps.OpenStreetMap; this file is a derived database under the Open Database "
    "License (ODbL) 1.0, https://opendatacommons.org/licenses/odbl/1-0/; boxes, radii and areas are invented for a demo"
)


def main() -> None:
    """Make everything."""
    parser = argparse.ArgumentParser(description="Make the demo's recorded day.")
    parser.add_argument("data", type=Path, help="directory of the public recordings and maps")
    data: Path = parser.parse_args().data
    districts, places = make_districts(data), make_places(data)
    write_zones("districts.geojson", DISTRICTS_BY, districts)
    write_zones("places.geojson", PLACES_BY, places)
    shapes = {zone["id"]: on_plane(zone) for zone in places + districts}
    days = make_days(data)
    visits = {warden: true_visits(day, shapes) for warden, day in days.items()}
    recorded = read_errors(data)
    for number, (warden, day) in enumerate(days.items()):
        rng = np.random.default_rng([SEED, 100 + number])
        error = make_error(day, recorded, busy(visits[warden]), rng)
        if warden == "gw-1":
            pack("w01.nmea.gz", nmea_log(day.xy, error, day.error_m, wander(recorded, len(day.xy), rng)[:, 0], rng))
        else:
            pack("w02.rec.gz", owntracks_record(day.xy, error, day.error_m, rng))
    write_truth(days, visits)


def make_days(data: Path) -> dict[str, Day]:
    """Let the wardens live their day."""
    walk = rhythm(read_hike(data)[1], 0.5, 45)
    ride = rhythm(read_ride(data)[1], 1.5, 30)
    found = {}
    for number, (warden, (_, steps)) in enumerate(town.WARDENS.items()):
        found[warden] = live(steps, walk, ride, np.random.default_rng([SEED, number]))
    return found


def make_error(day: Day, recorded: list[Array], visited: list[tuple[int, int]], rng: np.random.Generator) -> Array:
    """Return what the receiver is off by, second by second; no bounce during a visit to a box."""
    error = wander(recorded, len(day.xy), rng) * day.error_m[:, None]
    return bounces(
        recorded, error, 7, lambda begin, end: all(end < one or begin > other for one, other in visited), rng
    )


def make_districts(data: Path) -> list[dict[str, Any]]:
    """Return the neighbourhoods of Asse."""
    features = json.loads((data / "zones/asse-sectors.geojson").read_text(encoding="utf-8"))["features"]
    found = []
    for feature in features:
        name = feature["properties"]["name"]
        slug = re.sub(r"[^a-z0-9]+", "-", name.lower())
        if feature["properties"]["nis5"] == "23002":
            team = "zellik" if slug in ZELLIK_SIDE else "asse"
            found.append(make_zone(slug, name, "district", team, feature["geometry"]))
    return found


def make_places(data: Path) -> list[dict[str, Any]]:
    """Return the boxes, the stop, the schools, the market and the hotspots."""
    features = json.loads((data / "osm/asse-points.geojson").read_text(encoding="utf-8"))["features"]
    at = {feature["properties"]["osm_id"]: feature["geometry"]["coordinates"] for feature in features}
    found = []
    for kind, circles in (("box", town.BOXES), ("stop", town.STOPS)):
        for zone, (name, osm, radius, team) in circles.items():
            found.append(make_zone(zone, name, kind, team, {"type": "Point", "coordinates": at[osm]}, radius_m=radius))
    for zone, (name, kind, team, rings) in town.AREAS.items():
        closed = [shapely.LinearRing(ring) for ring in rings]
        area = shapely.geometry.polygon.orient(shapely.Polygon(closed[0], closed[1:]))
        found.append(make_zone(zone, name, kind, team, shapely.geometry.mapping(area)))
    for zone, (name, team, width, line) in town.CORRIDORS.items():
        found.append(make_zone(zone, name, "hotspot", team, {"type": "LineString", "coordinates": line}, width_m=width))
    return found


def make_zone(zone: str, name: str, kind: str, team: str, geometry: dict[str, Any], **more: int) -> dict[str, Any]:
    """Return a feature."""
    properties = {"name": name, "kind": kind, "team": team, **more}
    place = {"type": geometry["type"], "coordinates": rounded(geometry["coordinates"])}
    return {"type": "Feature", "id": zone, "properties": properties, "geometry": place}


def rounded(coordinates: Any) -> Any:
    """Round to 6 decimals, 0.1 m."""
    if isinstance(coordinates, float):
        return round(coordinates, 6)
    return [rounded(each) for each in coordinates]


def on_plane(zone: dict[str, Any]) -> shapely.Geometry:
    """Return a zone's area in metres."""
    flat = shapely.transform(shapely.geometry.shape(zone["geometry"]), lambda places: np.array(
        [town.metres((lon, lat)) for lon, lat in places]))  # fmt: skip
    wide = zone["properties"].get("radius_m", zone["properties"].get("width_m", 0) / 2)
    return shapely.buffer(flat, wide, quad_segs=32) if wide else flat


def true_visits(day: Day, shapes: dict[str, shapely.Geometry]) -> dict[str, list[tuple[int, int]]]:
    """Return when the warden truly was in each zone: seconds of the day, the end excluded."""
    found = {}
    for zone, shape in shapes.items():
        spans = runs(shapely.contains_xy(shape, day.xy[:, 0], day.xy[:, 1]))
        found[zone] = [(begin, end) for begin, end in spans if end - begin >= LEAST_VISIT_S]
    return found


def busy(visits: dict[str, list[tuple[int, int]]]) -> list[tuple[int, int]]:
    """Return the visits to boxes."""
    return [span for zone, spans in visits.items() if zone.startswith("box-") for span in spans]


def write_zones(name: str, attribution: str, features: list[dict[str, Any]]) -> None:
    """Write a FeatureCollection, one feature a line."""
    lines = ",\n".join(json.dumps(feature, ensure_ascii=False, separators=(",", ":")) for feature in features)
    said = json.dumps(attribution, ensure_ascii=False)
    text = f'{{"type":"FeatureCollection","attribution":{said},"features":[\n{lines}\n]}}\n'
    (DEMO / name).write_text(text, encoding="utf-8")


def pack(name: str, content: bytes) -> None:
    """Write a gzip whose bytes do not depend on when it was made."""
    (DEMO / name).write_bytes(gzip.compress(content, 9, mtime=0))


def write_truth(days: dict[str, Day], visits: dict[str, dict[str, list[tuple[int, int]]]]) -> None:
    """Write the visits, the story and the paths as they truly were."""
    zones: dict[str, list[dict[str, Any]]] = {zone: [] for zone in visits["gw-1"]}
    for warden, spans in visits.items():
        for zone, each in spans.items():
            zones[zone] += [{"warden": warden, "from": utc(a), "to": utc(b), "seconds": b - a} for a, b in each]
    paths = {}
    for warden, day in days.items():
        rows = [town.degrees(x, y) for x, y in day.xy[::PATH_STEP_S].tolist()]
        paths[warden] = {axis: steps([row[i] for row in rows]) for i, axis in enumerate(("lon", "lat"))}
    truth = {
        "what": "where the demo's wardens truly were; path: every step_s seconds, millionths of a degree, "
        "the first and then the differences",
        "date": town.DATE, "zones": {zone: sorted(each, key=lambda one: one["from"]) for zone, each in zones.items()},
        "story": town.STORY, "gap": [utc(town.second(at)) for at in town.GAP],
        "no_coverage": [utc(town.second(at)) for at in town.NO_COVERAGE],
        "uploaded": utc(town.second(town.UPLOADED)), "path": {"from": utc(0), "step_s": PATH_STEP_S, **paths},
    }  # fmt: skip
    text = json.dumps(truth, ensure_ascii=False, separators=(",", ":"))
    TRUTH.write_text(re.sub(r'("[a-z0-9-]+":[\[{])', r"\n\1", text) + "\n", encoding="utf-8")


def steps(degrees: list[float]) -> list[int]:
    """Return millionths of a degree as the first and the differences."""
    whole = [round(value * 1e6) for value in degrees]
    return [whole[0], *(b - a for a, b in pairwise(whole))]


def utc(seconds: int) -> str:
    """Return a second of the day as time UTC."""
    begin = datetime.fromisoformat(f"{town.DATE}T{town.BEGIN}:00").replace(tzinfo=UTC) - timedelta(hours=town.OFFSET_H)
    return (begin + timedelta(seconds=seconds)).isoformat().replace("+00:00", "Z")


if __name__ == "__main__":
    main()
