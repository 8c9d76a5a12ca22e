"""``trackerd zones lint`` as a coordinator uses it, and as a program does."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
from typer.testing import CliRunner

from geofence import trial
from geofence.engine import Engine
from geofence.geojson import write
from tests.geofence.walks import LAT, LON, town, walk
from tests.trackerd.test_revision import Listener
from trackerd.cli import app
from trackerd.store import open_store


def lint(*arguments: object, code: int = 0) -> tuple[str, str]:
    ended = CliRunner().invoke(app, ["zones", "lint", *map(str, arguments)], catch_exceptions=False)
    assert ended.exit_code == code, ended.stderr
    return " ".join(ended.stdout.split()), " ".join(ended.stderr.split())


@pytest.fixture
def zones(tmp_path: Path) -> Path:
    """Write four letterboxes, and a narrow alley."""
    boxes: list[dict[str, Any]] = [
        {"type": "Feature", "id": f"box-{n}", "properties": {"kind": "box", "radius_m": 25},
         "geometry": {"type": "Point", "coordinates": [LON + n / 100, LAT]}} for n in range(4)
    ]  # fmt: skip
    alley = {"type": "Feature", "id": "alley", "properties": {"kind": "hotspot", "width_m": 12, "name": "Gang"},
             "geometry": {"type": "LineString", "coordinates": [[LON, LAT], [LON + 0.002, LAT]]}}  # fmt: skip
    (tmp_path / "zones.geojson").write_text(json.dumps({"type": "FeatureCollection", "features": [*boxes, alley]}))
    return tmp_path / "zones.geojson"


def test_for_a_coordinator(zones: Path) -> None:
    out, err = lint(zones)
    assert "box-0 box radius 25 m 1m" in out
    assert "alley hotspot 12 m wide 1m" in out
    assert " a dwell of" in out
    assert "5 zones, 1 of which cannot be judged well, at an accuracy of 8 m and a fix every 5s" in err
    assert "say --accuracy and --every" in err


def test_for_a_program(zones: Path) -> None:
    said = json.loads(lint(zones, "--json", "--accuracy", 6, "--every", "10s", "--dwell", "2m")[0])
    assert (said["accuracy_m"], said["every_s"], said["whence"]) == (6, 10, "as given")
    by_id = {one["zone"]: one for one in said["zones"]}
    assert len(by_id) == 5
    alley, box = by_id["alley"], by_id["box-0"]
    assert (alley["kind"], alley["name"], alley["radius_m"], alley["dwell_s"]) == ("hotspot", "Gang", 6.0, 120.0)
    assert box["good"]
    assert box["advice"] == []
    assert 0 <= alley["proven"] < box["proven"] <= 1
    assert all({"dwell_s", "wider_m", "every_s"} & advice.keys() for advice in alley["advice"])


def boxes_only(zones: Path, count: int) -> Path:
    document = json.loads(zones.read_text())
    document["features"] = document["features"][:count]
    zones.write_text(json.dumps(document))
    return zones


def test_alike_shapes_are_tried_once(zones: Path) -> None:
    counts = []
    for count in (4, 1):
        trial._proven.cache_clear()
        trial._mistaken.cache_clear()
        with patch.object(Engine, "judge", autospec=True, side_effect=Engine.judge) as judge:
            lint(boxes_only(zones, count), "--json", "--accuracy", 4)
        counts.append(judge.call_count)
    assert counts[0] == counts[1] > 1


def site(folder: Path) -> Path:
    (folder / "town.geojson").write_text(json.dumps(write(town())))
    config = folder / "trackerd.toml"
    config.write_text('[store]\nurl = "sqlite:///r.db"\n[[zones]]\nfile = "town.geojson"\n')
    return config


def test_from_what_the_store_shows(tmp_path: Path, zones: Path) -> None:
    config, zones = site(tmp_path), boxes_only(zones, 1)
    assert "say --accuracy" in lint(zones, "--config", config)[1]  # nothing is stored yet
    store = open_store(f"sqlite:///{tmp_path}/r.db")
    listener = Listener(store)
    assert "say --accuracy" in lint(zones, "--config", config)[1]
    some = [replace(fix, accuracy_m=9.06) for fix in walk("w1", 3, every_s=7)]
    listener.take(some + [replace(fix, accuracy_m=None) for fix in walk("w2", 3, every_s=7)])
    listener.take(walk("w3", 4, minutes=10, every_s=20))
    said = json.loads(lint(zones, "--json", "--config", config)[0])  # while it is held open for writing
    assert (said["accuracy_m"], said["every_s"], said["whence"]) == (9.1, 7.0, "as the last fixes stored show")
    said = json.loads(lint(zones, "--json", "--config", config, "--every", "30s")[0])
    assert (said["accuracy_m"], said["every_s"]) == (9.1, 30.0)
    store.close()
    ids = [one["zone"] for one in json.loads(lint("--json", "--config", config)[0])["zones"]]
    assert ids == ["box", "district", "park", "street"]


def test_bad_input(tmp_path: Path, zones: Path) -> None:
    lint(zones, "--accuracy", 0.5, code=2)
    assert "is not a span of time" in lint(zones, "--every", "often", code=2)[1]
    assert "name a file of zones" in lint(code=2)[1]
    assert "No such file" in lint(tmp_path / "none.geojson", code=1)[1]
