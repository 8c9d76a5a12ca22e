"""Where a fix lies: inside exactly as shapely says, distances in metres, whatever the batch."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from geofence.earth import metres_per_degree
from geofence.geojson import read
from geofence.model import DeviceId, Fix, Fixes, to_datetime
from geofence.zones import REACH_M, ZoneSet

AT = 1_767_254_400_000_000
LON, LAT = 4.2, 50.9
X, Y = metres_per_degree(LAT)


def zone_set(*features: dict[str, Any]) -> ZoneSet:
    zones, faults = read(json.dumps({"type": "FeatureCollection", "features": features}).encode(), "z")
    assert not faults
    return ZoneSet(zones)


def square(id_: str, west: float, south: float, side: float, **properties: Any) -> dict[str, Any]:
    """Return a square zone, in metres from LON, LAT."""
    corners = [(west, south), (west + side, south), (west + side, south + side), (west, south + side), (west, south)]
    ring = [[LON + x / X, LAT + y / Y] for x, y in corners]
    geometry = {"type": "Polygon", "coordinates": [ring]}
    return {"type": "Feature", "id": id_, "properties": properties, "geometry": geometry}


def fixes(*places: tuple[float, float], accuracy: float | None = 5.0, at: int = AT) -> Fixes:
    """Return fixes at places in metres from LON, LAT."""
    device = DeviceId("d")
    return Fixes.of([Fix(device, to_datetime(at), LON + x / X, LAT + y / Y, accuracy) for x, y in places])


@pytest.mark.parametrize(
    ("place", "expected"),
    [((50, 50), {"a": 50, "b": -50}), ((10, 50), {"a": 10}), ((-10, 50), {"a": -10}), ((50, -49), {"a": -49}),
     ((50, -51), {}), ((90, 50), {"a": 10, "b": -10}), ((103, 104), {"a": -5, "b": 3})],
)  # fmt: skip
def test_distances_are_metres_inside_positive(place: tuple[float, float], expected: dict[str, float]) -> None:
    zones = zone_set(square("a", 0, 0, 100), square("b", 100, 0, 200))
    (near,) = zones.locate(fixes(place)).near()
    assert {one.zone: one.distance_m for one in near} == pytest.approx(expected, abs=0.02)


@pytest.mark.parametrize("place", [(10.0, 50.0), (-20.0, 50.0), (50.0, 95.0), (50.0, 130.0), (-10.0, -20.0)])
def test_the_direction_is_the_one_in_which_the_distance_grows(place: tuple[float, float]) -> None:
    zones = zone_set(square("a", 0, 0, 100))
    ((near,),) = zones.locate(fixes(place)).near()
    assert np.hypot(near.east, near.north) == pytest.approx(1.0)
    ahead = (place[0] + 0.5 * near.east, place[1] + 0.5 * near.north)
    ((farther,),) = zones.locate(fixes(ahead)).near()
    assert farther.distance_m - near.distance_m == pytest.approx(0.5, abs=0.01)


def test_deep_inside_is_clamped_to_the_reach_and_named() -> None:
    zones = zone_set(square("town", 0, 0, 2000), square("hole", 100, 100, 20))
    seen = zones.locate(fixes((1000, 1000), (1200, 1300), (110, 110), (-500, 0)))
    assert [one.distance_m for one in seen.near()[0]] == [REACH_M]
    assert seen.same[0] == seen.same[1] != 0
    assert seen.same[2] == -1
    assert seen.same[3] == 0


def test_validity_is_of_the_fix() -> None:
    zones = zone_set(square("fair", 0, 0, 100, valid_from="2026-01-01T08:00Z", valid_to="2026-01-01T09:00Z"))
    hour = 3_600_000_000
    seen = [zones.locate(fixes((50, 50), at=AT + round(hours * hour))).near()[0] for hours in (-0.01, 0, 0.99, 1)]
    assert [len(near) for near in seen] == [0, 1, 1, 0]


def test_no_zones_and_no_fixes() -> None:
    assert ZoneSet().locate(fixes((0, 0))).near() == [()]
    assert zone_set(square("a", 0, 0, 9)).locate(Fixes.of(())).near() == []


def test_a_bad_fix_reaches_farther_and_an_unstated_error_has_a_reach() -> None:
    zones = zone_set(square("a", 0, 0, 100))
    (near,) = zones.locate(fixes((-200, 50), accuracy=50.0)).near()
    assert near[0].distance_m == pytest.approx(-200, abs=0.1)
    assert zones.locate(fixes((-60, 50), accuracy=None)).near()[0]


places = st.tuples(st.floats(-300, 400), st.floats(-300, 400))


@given(st.lists(places, min_size=1, max_size=20))
def test_inside_is_what_shapely_covers_and_a_batch_is_its_fixes(where: list[tuple[float, float]]) -> None:
    ring = square("ring", -50, -50, 200)
    hole = square("h", 0, 0, 40)["geometry"]["coordinates"][0]
    ring["geometry"]["coordinates"].append(hole[::-1])
    zones = zone_set(square("a", 0, 0, 100), square("b", 100, 0, 200), ring)
    batch = fixes(*where)
    seen = zones.locate(batch).near()
    for row, near in enumerate(seen):
        point = shapely.Point(batch.lon[row], batch.lat[row])
        inside = {one.zone for one in near if one.distance_m > 0}
        on_edge = {one.zone for one in near if one.distance_m == 0}
        covered = {zone.id for zone in zones if shapely.covers(zone.shape, point)}
        assert inside <= covered <= inside | on_edge
        assert near == zones.locate(batch.take(np.array([row]))).near()[0]


def test_metres_are_the_earths() -> None:
    # 0.01 degree at 50.9 N on the WGS 84 ellipsoid: 703.43 m east, 1112.56 m north (Vincenty).
    assert pytest.approx(703.43, abs=0.15) == X * 0.01
    assert pytest.approx(1112.56, abs=0.15) == Y * 0.01


def test_the_edition_depends_on_the_zones_only() -> None:
    a, b = square("a", 0, 0, 100), square("b", 100, 0, 200)
    assert zone_set(a, b).version == zone_set(b, a).version != zone_set(a).version
    assert zone_set(square("a", 0, 0, 100, name="x")).version != zone_set(a).version


@given(st.integers(0, 2**32 - 1))
def test_the_index_changes_no_answer(seed: int) -> None:
    random = np.random.default_rng(seed)
    middles = random.normal(0, 400, (8, 2))
    features = [square(str(i), x, y, random.uniform(20, 600)) for i, (x, y) in enumerate(middles.tolist())]
    features[0]["properties"] = {"valid_from": "2026-01-01T00:00:05Z"}
    zones = zone_set(*features)
    batch = fixes(*((x, y) for x, y in random.normal(0, 600, (40, 2)).tolist()), accuracy=float(random.uniform(1, 80)))
    quick = zones.locate(batch)
    zones._places.index.get = lambda: None  # type: ignore[method-assign]  # as long as it is being made
    slow = zones.locate(batch)
    for column in ("row", "zone", "distance_m", "east", "north", "same"):
        assert getattr(quick, column).tolist() == getattr(slow, column).tolist()
