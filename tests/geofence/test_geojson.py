"""GeoJSON in: what is taken, what is refused and in which words."""

from __future__ import annotations

import json
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from geofence.faults import Fault
from geofence.geojson import read, write
from geofence.model import to_datetime
from geofence.zones import Frame, Zone, ZoneSet

SQUARE = [[[4.2, 50.9], [4.21, 50.9], [4.21, 50.91], [4.2, 50.91], [4.2, 50.9]]]
HOLE = [[4.204, 50.904], [4.204, 50.906], [4.206, 50.906], [4.206, 50.904], [4.204, 50.904]]


def feature(geometry: Any = None, id_: Any = "a", **properties: Any) -> dict[str, Any]:
    geometry = geometry or {"type": "Polygon", "coordinates": SQUARE}
    return {"type": "Feature", "id": id_, "properties": properties, "geometry": geometry}


def parse(*features: Any) -> tuple[list[Zone], list[Fault]]:
    document = {"type": "FeatureCollection", "features": list(features)}
    return read(json.dumps(document).encode(), "zones.geojson", ZoneInfo("Europe/Brussels"))


def area(zone: Zone) -> float:
    return float(Frame.at(4.205, 50.905).to_metres(zone.shape).area)


def test_each_kind_of_shape() -> None:
    point = {"type": "Point", "coordinates": [4.2, 50.9]}
    line = {"type": "LineString", "coordinates": [[4.2, 50.9], [4.21, 50.9]]}
    multi = {"type": "MultiPolygon", "coordinates": [SQUARE]}
    zones, faults = parse(
        feature(id_="square"), feature({"type": "Polygon", "coordinates": [*SQUARE, HOLE]}, "ring"),
        feature(multi, "multi"), feature(point, "circle", radius_m=25), feature(line, "street", width_m=10),
    )  # fmt: skip
    assert not faults
    sizes = {str(zone.id): area(zone) for zone in zones}
    assert sizes["circle"] == pytest.approx(np.pi * 25**2, rel=1e-3)
    length = 703.2  # metres of 0.01 degree of longitude at 50.9 N
    assert sizes["street"] == pytest.approx(length * 10 + np.pi * 5**2, rel=2e-3)
    assert sizes["multi"] == sizes["square"] > sizes["ring"]


def test_properties_are_read() -> None:
    (zone,), faults = parse(
        feature(name="Probleembox Markt", kind="box", team="zellik", dwell="3m", valid_from="2026-03-29",
                valid_to="2026-10-25")
    )  # fmt: skip
    assert not faults
    assert (zone.name, zone.kind, zone.team, zone.dwell_s) == ("Probleembox Markt", "box", "zellik", 180.0)
    assert zone.valid_from is not None
    assert zone.valid_to is not None
    # A day of the town: from its first moment to the first moment of the day after, summer time or not.
    assert to_datetime(zone.valid_from).isoformat() == "2026-03-28T23:00:00+00:00"
    assert to_datetime(zone.valid_to).isoformat() == "2026-10-25T23:00:00+00:00"


BAD: list[tuple[Any, str]] = [
    (feature(id_=None), "has no id"),
    (feature(id_="Box 07"), "'box-07'"),
    (feature(id_=True), "the id"),
    ("nonsense", "not a Feature"),
    (None, "not a Feature"),
    (feature({"type": "Point", "coordinates": [4.2, 50.9]}), "radius_m"),
    (feature({"type": "Point", "coordinates": [4.2, 50.9]}, radius_m=-1), "radius_m"),
    (feature({"type": "Point", "coordinates": [4.2, 50.9]}, radius_m=True), "radius_m"),
    (feature({"type": "LineString", "coordinates": [[4.2, 50.9], [4.3, 50.9]]}), "width_m"),
    (feature({"type": "Polygon", "coordinates": []}), "empty"),
    (feature({"type": "Polygon", "coordinates": [[[4, 50], [5, 51]]]}), "do not make a Polygon"),
    (feature({"type": "Polygon", "coordinates": [[["x", 50], [5, 51], [4, 51], [4, 50]]]}), "do not make a Polygon"),
    (feature({"type": "Polygon", "coordinates": [[[4, 50], [5, 51], [5, 50], [4, 51], [4, 50]]]}), "crosses"),
    (feature({"type": "Polygon", "coordinates": [[[1, 1], [9, 1], [9, 9], [1, 9], [1, 1]]]}), "wider than"),
    (feature({"type": "Point", "coordinates": [400, 50.9]}, radius_m=5), "not longitude"),
    (feature({"type": "Point", "coordinates": [1e999, 50.9]}, radius_m=5), ""),
    (feature({"type": "GeometryCollection", "geometries": []}), "no zone"),
    (feature(dwell="soon"), "span of time"),
    (feature(valid_from="yesterday"), "is no date"),
    (feature(valid_from="2026-02-01", valid_to="2026-01-01"), "not after"),
    (feature(name=["a"]), "name"),
    (feature() | {"properties": [1]}, "properties"),
]


@pytest.mark.parametrize(("bad", "reason"), BAD)
def test_a_bad_feature_is_told_and_the_others_are_taken(bad: Any, reason: str) -> None:
    if "1e999" in repr(bad) or "inf" in repr(bad):
        document = b'{"type":"FeatureCollection","features":[{"type":"Feature","id":"a","properties":{"radius_m":5},'
        document += b'"geometry":{"type":"Point","coordinates":[1e999,50.9]}}]}'
        zones, faults = read(document, "zones.geojson")
        assert not zones
        assert len(faults) == 1
        return
    zones, faults = parse(feature(id_="first"), bad, feature(id_="last"))
    assert [zone.id for zone in zones] == ["first", "last"]
    (fault,) = faults
    assert fault.file == "zones.geojson"
    assert fault.where.startswith("feature 2")
    assert reason in fault.what
    assert not fault.warning


def test_all_faults_at_once() -> None:
    zones, faults = parse(*(bad for bad, _ in BAD if "inf" not in repr(bad)), feature(), feature())
    assert len(zones) == 1
    assert len(faults) == len(BAD) - 1 + 1  # the second "a" too
    assert "twice" in faults[-1].what


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "not JSON"), (b"\xff\xfe", "UTF-8"), (b"[" * 100_000, ""), (b'{"type":"Topology"}', "not GeoJSON"),
        (b'{"type":"FeatureCollection","features":{}}', "not GeoJSON"), (b'{"a":NaN}', "NaN"),
        (b'{"a":' + b"9" * 5000 + b"}", ""),
    ],
)  # fmt: skip
def test_a_bad_file_is_told(data: bytes, reason: str) -> None:
    zones, faults = read(data, "z")
    assert not zones
    assert len(faults) == 1
    assert reason in faults[0].what


def test_swapped_coordinates_are_remarked() -> None:
    swapped = [[[y, x] for x, y in SQUARE[0]]]
    zones, faults = parse(feature({"type": "Polygon", "coordinates": swapped}))
    assert len(zones) == 1
    assert [fault.warning for fault in faults] == [True]
    assert "swapped" in faults[0].what


@given(st.binary(max_size=300) | st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(
        st.sampled_from(["type", "features", "id", "geometry", "coordinates", "properties"]), inner, max_size=4),
    max_leaves=12,
).map(lambda document: json.dumps(document).encode()))  # fmt: skip
def test_nothing_raises(data: bytes) -> None:
    zones, faults = read(data, "z")
    assert zones or faults or b"features" in data


def test_written_zones_read_back_the_same() -> None:
    zones, _ = parse(feature(id_="a", name="A", kind="box", team="t", dwell="90s", valid_from="2026-01-01"))
    again, faults = read(json.dumps(write(zones)).encode(), "again")
    assert not faults
    assert ZoneSet(again).version == ZoneSet(zones).version
