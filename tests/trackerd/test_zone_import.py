"""Zones drawn elsewhere: what My Maps, Earth and QGIS write becomes zones, and what is wrong is told."""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from tests.trackerd.test_cli import trackerd
from trackerd.zone_import import Defaults, take

TOWN = ZoneInfo("Europe/Brussels")
RING = "4.20,50.90,0 4.21,50.90,0 4.21,50.91,0 4.20,50.90,0"
POLYGON = (
    f"<Polygon><outerBoundaryIs><LinearRing><coordinates>{RING}</coordinates></LinearRing></outerBoundaryIs></Polygon>"
)
POINT = "<Point><coordinates>4.2,50.9,0</coordinates></Point>"


def kml(*places: str) -> bytes:
    inner = "".join(f"<Placemark>{place}</Placemark>" for place in places)
    return f'<kml xmlns="http://www.opengis.net/kml/2.2"><Document><Folder>{inner}</Folder></Document></kml>'.encode()


def test_a_map_of_ones_own() -> None:
    said = {"kind": "school", "radius_m": "40"}
    more = "".join(f'<Data name="{name}"><value>{value}</value></Data>' for name, value in said.items())
    more = f"<ExtendedData>{more}</ExtendedData>"
    data = kml(
        f"<name>Probleembox Markt &amp; Kerk</name>{POINT}",
        f"<name>École</name>{more}{POINT}",
        f"<name>Plein</name>{POLYGON}",
        f"<name>Plein</name><MultiGeometry>{POLYGON}</MultiGeometry>",
        "<name>Straat</name><LineString><coordinates>4.2,50.9 4.21,50.9</coordinates></LineString>",
        POINT,
    )
    found = take(data, "map.kml", TOWN, Defaults(kind="box", radius_m=30))
    assert found.faults == []
    assert [(zone.id, zone.name, zone.kind) for zone in found.zones] == [
        ("probleembox-markt-kerk", "Probleembox Markt & Kerk", "box"), ("ecole", "École", "school"),
        ("plein", "Plein", "box"), ("plein-2", "Plein", "box"), ("straat", "Straat", "box"), ("zone-6", "", "box"),
    ]  # fmt: skip
    assert [feature["properties"].get("radius_m") for feature in found.features] == [30, 40, None, None, None, 30]


def test_a_kmz_is_the_same() -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("images/icon.png", b"")
        archive.writestr("doc.kml", kml(f"<name>A</name>{POINT}"))
    assert [zone.id for zone in take(packed.getvalue(), "map.kmz", TOWN).zones] == ["a"]


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "neither KML, KMZ nor GeoJSON"),
        (b"PK\x03\x04rest", "damaged KMZ"),
        (b"<kml", "not KML"),
        (b"<gpx/>", "KML"),
        (b'<!DOCTYPE kml [<!ENTITY a "b">]><kml/>', "DOCTYPE"),
        (kml(), "no placemarks"),
        (kml("<name>A</name>"), "missing geometry"),
        (kml("<name>A</name><Point><coordinates>4.2,x</coordinates></Point>"), "missing geometry"),
        (kml("<name>A</name><Point><coordinates>150000,170000</coordinates></Point>"), "not longitude, latitude"),
        (b"<a>" * 100_000, "not KML"),
        (b'{"type":"FeatureCollection"}', "no GeoJSON of zones"),
        (b'{"type":"FeatureCollection","features":[1]}', "not a Feature"),
        (b'{"type":"Feature","geometry":null}', "missing geometry"),
        (b'{"type":"Feature","properties":[],"geometry":{"type":"Point","coordinates":["x"]}}', "do not make a Point"),
        (b"[" * 100_000, "neither"),
    ],
)
def test_what_is_wrong_is_told(data: bytes, words: str) -> None:
    found = take(data, "map", TOWN)
    assert any(words in str(fault) for fault in found.faults), found.faults
    assert found.zones == []


def test_into_a_file_of_zones(tmp_path: Path) -> None:
    zones, drawn = tmp_path / "zones.geojson", tmp_path / "map.kml"
    drawn.write_bytes(kml(f"<name>A</name>{POINT}", f"<name>B</name>{POLYGON}"))
    shown = trackerd("zones", "import", drawn, "--kind", "box").stdout
    assert [one["id"] for one in json.loads(shown)["features"]] == ["a", "b"]
    assert "2 zones added, 0 replaced" in trackerd("zones", "import", drawn, "--into", zones, "--kind", "box").stderr
    drawn.write_bytes(kml(f"<name>B</name>{POINT}", f"<name>C</name>{POINT}"))
    assert "1 zones added, 1 replaced" in trackerd("zones", "import", drawn, "--into", zones).stderr
    features = {one["id"]: one for one in json.loads(zones.read_text())["features"]}
    assert {name: one["geometry"]["type"] for name, one in features.items()} == {
        "a": "Point",
        "b": "Point",
        "c": "Point",
    }
    assert features["a"]["properties"]["kind"] == "box"
    trackerd("zones", "check", zones)


def test_a_faulty_place_writes_nothing(tmp_path: Path) -> None:
    zones, drawn = tmp_path / "zones.geojson", tmp_path / "map.kml"
    drawn.write_bytes(kml(f"<name>A</name>{POINT}", "<name>B</name>"))
    said = trackerd("zones", "import", drawn, "--into", zones, code=1).stderr
    assert "feature 2 (b): a missing geometry is no zone" in said
    assert "nothing was written" in said
    assert not zones.exists()
    zones.write_text("{")
    drawn.write_bytes(kml(f"<name>A</name>{POINT}"))
    assert "first mend" in trackerd("zones", "import", drawn, "--into", zones, code=1).stderr
    assert zones.read_text() == "{"
    trackerd("zones", "import", tmp_path / "none.kml", code=1)
