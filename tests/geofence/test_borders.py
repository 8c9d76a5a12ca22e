"""Where the nearest edge is, and which zones come within reach: what shapely says, in each zone's own plane."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
import shapely
from shapely.geometry.base import BaseGeometry

from geofence.around import MOST, REACHES, Around
from geofence.model import DeviceId, Fixes, FloatColumn, IntColumn, ZoneId
from geofence.plane import Frame
from geofence.zones import FAR_M, REACH_MOST_M, Zone, ZoneSet, depth_m, reach_m
from tests.geofence.test_index import star

PLACES = [(4.2, 50.9), (-70.9, -53.2), (25.7, 71.1), (-0.0005, 0.0002)]
"""Asse, Punta Arenas, the North Cape, and where both numbers change their sign."""


def shapes(lon: float, lat: float, seed: int) -> Iterator[BaseGeometry]:
    """Yield ragged zones around a place: some with a hole, some with an island in it, one of very many corners."""
    random = np.random.default_rng(seed)
    for n, (x, y) in enumerate(random.normal(0, 0.006, (12, 2)).tolist()):
        corners = (5, 40, 800)[n % 3]
        shape = star(lon + x, lat + y, 0.002, corners, seed + n)
        hole, island = (star(lon + x, lat + y, part, 12, seed + n) for part in (0.0008, 0.0003))
        shape = shapely.difference(shape, hole) if n % 2 else shape
        yield shapely.union(shape, island) if n % 4 == 3 else shape


def town(lon: float, lat: float, seed: int) -> ZoneSet:
    return ZoneSet(Zone(ZoneId(f"z{n:02}"), shape) for n, shape in enumerate(shapes(lon, lat, seed)))


def fixes(lon: FloatColumn, lat: FloatColumn, accuracy: FloatColumn) -> Fixes:
    nan, zero = np.full(len(lon), np.nan), np.zeros(len(lon), np.int64)
    return Fixes((DeviceId("w1"),), zero, zero, lon, lat, accuracy, nan, nan, nan, nan, nan, zero, zero)


def scattered(lon: float, lat: float, seed: int, n: int = 400) -> Fixes:
    random = np.random.default_rng(seed)
    x, y = random.normal((lon, lat), 0.008, (n, 2)).T
    return fixes(x, y, random.choice([1.0, 8.0, 30.0, 90.0, 400.0, np.nan], n))


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("seed", range(3))
def test_the_nearest_edge_is_where_shapely_finds_it(place: tuple[float, float], seed: int) -> None:
    zones, batch = town(*place, seed), scattered(*place, seed)
    seen, reach = zones.locate(batch), reach_m(batch.accuracy_m)
    found = {(int(row), int(zone)): k for k, (row, zone) in enumerate(zip(seen.row, seen.zone, strict=True))}
    assert [*found] == sorted(found)
    for number, zone in enumerate(zones):
        frame = Frame.of(zone.shape)
        edge = frame.to_metres(zone.shape.boundary)
        x, y = (batch.lon - frame.lon) * frame.x, (batch.lat - frame.lat) * frame.y
        distance = np.asarray(shapely.distance(edge, shapely.points(x, y)))
        inside = shapely.intersects_xy(zone.shape, batch.lon, batch.lat)
        expected = np.flatnonzero(inside | (distance <= reach))
        assert expected.tolist() == [row for row, one in found if one == number]
        at = np.array([found[row, number] for row in expected.tolist()], np.int64)
        cut = np.minimum(distance, reach)[expected]
        assert np.allclose(seen.distance_m[at], np.where(inside[expected], cut, -cut), atol=1e-6)
        close = distance[expected] <= reach[expected]
        on_edge = shapely.points(
            x[expected] - seen.distance_m[at] * seen.east[at], y[expected] - seen.distance_m[at] * seen.north[at]
        )
        assert np.allclose(np.asarray(shapely.distance(edge, on_edge))[close], 0, atol=1e-6)
        assert (seen.same[expected[close]] == -1).all()


@pytest.mark.parametrize("place", PLACES)
def test_a_depth_is_the_distance_to_the_edge_or_from_afar_to_the_box(place: tuple[float, float]) -> None:
    batch = scattered(*place, 7)
    for zone in town(*place, 7):
        frame = Frame.of(zone.shape)
        x, y = (batch.lon - frame.lon) * frame.x, (batch.lat - frame.lat) * frame.y
        where = shapely.points(x, y)
        box = shapely.distance(shapely.box(*frame.to_metres(zone.shape).bounds), where)
        true = shapely.distance(frame.to_metres(zone.shape.boundary), where)
        true = np.where(shapely.intersects_xy(zone.shape, batch.lon, batch.lat), true, -true)
        depth = depth_m(zone, batch.lon, batch.lat)
        assert np.allclose(depth, np.where(box < FAR_M, true, -box), atol=1e-6)


@pytest.mark.parametrize("place", PLACES)
def test_a_place_as_far_north_as_a_corner_is_on_its_side_of_the_edges(place: tuple[float, float]) -> None:
    """Two edges meet there, and a third ends: each is counted once or not at all, to the last bit."""
    random = np.random.default_rng(11)
    for zone in town(*place, 11):
        lat = np.repeat(shapely.get_coordinates(zone.shape)[:, 1], 3)
        west, _, east, _ = zone.shape.bounds
        lon = random.uniform(west, east, len(lat))
        depth = depth_m(zone, lon, lat)
        sure = np.abs(depth) > 1e-6
        assert (shapely.intersects_xy(zone.shape, lon, lat) == (depth > 0))[sure].all()
        assert np.allclose(depth_m(zone, *shapely.get_coordinates(zone.shape).T), 0, atol=1e-6)


def test_the_ends_of_the_earth_are_places_too() -> None:
    zones = town(4.2, 50.9, 1)
    lon, lat = np.array([180.0, -180.0, 0.0, 180.0]), np.array([90.0, -90.0, 90.0, 0.0])
    assert zones.locate(fixes(lon, lat, np.full(4, 8.0))).near() == [()] * 4
    zones._places.index.get = lambda: None  # type: ignore[method-assign]  # every fix asks what is around it
    assert zones.locate(fixes(lon, lat, np.full(4, 8.0))).near() == [()] * 4


def test_no_reach_is_beyond_what_is_remembered_of_a_square() -> None:
    assert REACHES[-1] == REACH_MOST_M == reach_m(np.array([1e9]))[0]


def test_what_is_remembered_has_an_end() -> None:
    zones = town(4.2, 50.9, 1)
    places, first = zones._places, zones._places._around
    count: IntColumn = np.zeros(MOST, np.int64)
    first.learn([-1 - n for n in range(MOST)], count, np.empty(0, np.int64))
    assert first.full
    batch = scattered(4.2, 50.9, 1)
    assert zones.locate(batch).near() == town(4.2, 50.9, 1).locate(batch).near()
    assert places._around is not first
    assert isinstance(places._around, Around)


def test_a_zone_as_tall_as_a_country_is_near_where_it_is_narrow_and_where_it_is_wide() -> None:
    zone = Zone(ZoneId("tall"), shapely.box(4.0, 42.0, 5.0, 51.0))
    frame, lat = Frame.of(zone.shape), np.linspace(42.001, 50.999, 200)
    lon = 4.0 - np.linspace(1.0, 499.0, 200) / frame.x
    assert [len(near) for near in ZoneSet([zone]).locate(fixes(lon, lat, np.full(200, 100.0))).near()] == [1] * 200
