"""The index says what shapely says, of every point: the places where rounding shows above all."""

from __future__ import annotations

import os
from itertools import product
from typing import Any, NamedTuple

import numpy as np
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st
from shapely import affinity
from shapely.geometry.base import BaseGeometry

from geofence.cells import Grid
from geofence.index import Index, Soon
from geofence.lookup import NEAR
from geofence.model import FloatColumn
from geofence.plane import Frame

MANY = 60 if os.environ.get("TRACKERD_FAULTS") == "full" else 1
Shapes = list[BaseGeometry]
rng = np.random.default_rng


class Shaped(NamedTuple):
    """A zone, as far as the index knows it."""

    shape: BaseGeometry


def index(shapes: Shapes) -> Index:
    return Index([Shaped(shape) for shape in shapes])


def star(x: float, y: float, radius: float, corners: int, seed: int) -> BaseGeometry:
    """Return a ragged polygon."""
    turn = np.linspace(0, 2 * np.pi, corners, endpoint=False)
    far = radius * rng(seed).uniform(0.5, 1.0, corners)
    return shapely.Polygon(np.column_stack((x + far * np.cos(turn), y + far * np.sin(turn))))


def circles() -> Shapes:
    """Return circles all over a town; many overlap."""
    place = rng(1).normal((4.2, 50.9), (0.03, 0.02), (100, 2))
    return list(shapely.buffer(shapely.points(place), rng(2).uniform(0.0005, 0.004, 100)))


def tiles() -> Shapes:
    """Return a mosaic of triangles whose neighbours share corners and edges to the last bit."""
    corner = rng(3).uniform((4.0, 50.0), (5.0, 51.0), (200, 2))
    return list(shapely.get_parts(shapely.delaunay_triangles(shapely.multipoints(corner))))


def boxes() -> Shapes:
    """Return a chessboard of boxes, with level edges, that touch; a hole in each third; frames around them."""
    out: Shapes = []
    for i, j in product(range(12), repeat=2):
        box = shapely.box(i / 10, j / 10, (i + 1) / 10, (j + 1) / 10)
        hole = shapely.box((i + 0.3) / 10, (j + 0.3) / 10, (i + 0.7) / 10, (j + 0.6) / 10)
        out.append(shapely.difference(box, hole) if (i + j) % 3 == 0 else box)
    return [*out, shapely.box(0, 0, 1.2, 1.2), shapely.box(-3, -3, 0.05, 0.05)]


def ragged() -> Shapes:
    """Return ragged polygons, some of very many corners, with holes, islands in them, far ones and tiny ones."""
    out = [
        star(x, y, 0.4, corners, corners)
        for x, y, corners in ((4, 50, 9), (4.2, 50.1, 3000), (5, 50, 40), (5, 50.7, 500))
    ]
    holed = shapely.difference(star(6, 50, 0.5, 300, 7), star(6, 50, 0.2, 80, 8))
    multi = shapely.union_all([holed, star(6, 50, 0.09, 30, 9), star(7, 50, 0.3, 60, 10)])
    return [
        *out,
        holed,
        multi,
        star(8.123, 50.1, 1e-7, 12, 11),
        star(8.123, 50.1, 3e-6, 12, 12),
        star(-60, -30, 2.0, 50, 13),
    ]


def needles() -> Shapes:
    """Return long thin zones at all angles through one place, more of them than a leaf has a table for."""
    thin = shapely.box(3.0, 50.4999, 5.0, 50.5001)
    return [affinity.rotate(thin, angle, origin=(4.0, 50.5)) for angle in range(0, 180, 15)]


def whole() -> Shapes:
    """Return zones whose corners lie on the corners of cells, or just beside, by less than what counts as touching."""
    random = rng(14)
    low = random.integers(0, 31, (240, 2)) * 2.0
    beside = random.choice([0.0, 2e-6, -2e-6, 5e-6, -5e-6], (240, 4))
    corner = np.clip(np.column_stack((low, low + random.integers(1, 9, (240, 2)) * 2.0)) + beside, 0, 62)
    return [*shapely.box(*corner.T), shapely.box(0, 0, 2, 2), shapely.box(60, 60, 62, 62)]


def origin() -> Shapes:
    """Return a mosaic around the meridian of Greenwich, where numbers are far finer than what is computed of them."""
    corner = rng(4).uniform(-1.0, 1.0, (60, 2))
    return list(shapely.get_parts(shapely.delaunay_triangles(shapely.multipoints(corner))))


TOWNS = {town.__name__: town for town in (circles, tiles, boxes, ragged, needles, whole, origin)}


def ulps(points: FloatColumn, seed: int, most: int = 1) -> FloatColumn:
    """Return the points, each moved by up to so many of the smallest steps there are, either way."""
    step = rng(seed).integers(-most, most + 1, points.shape)
    return points + step * np.spacing(points)


def adversaries(shapes: Shapes, seed: int, n: int) -> FloatColumn:
    """Return points where an index goes wrong: on corners and edges, one step beside, level with corners, on cells."""
    random, zones = rng(seed), np.array(shapes, dtype=object)
    corner = shapely.get_coordinates(zones)
    line = random.integers(0, len(corner) - 1, n)
    share = random.choice([0.0, 0.25, 0.5, 1.0, random.random()], n)[:, None]
    edge = corner[line] + share * (corner[line + 1] - corner[line])
    level = np.column_stack((edge[:, 0], corner[random.integers(0, len(corner), n), 1]))
    plumb = level[random.permutation(n)][:, ::-1][:, [1, 0]]
    grid = Grid.over(shapely.bounds(zones), len(corner))
    fine = 2.0 ** random.integers(0, 11, (n, 1))
    number = np.floor((edge - (grid.west, grid.south)) * (grid.across, grid.up) / fine) + random.integers(0, 2, (n, 2))
    cell = number * fine / (grid.across, grid.up) + (grid.west, grid.south)
    west, south, east, north = shapely.total_bounds(zones)
    anywhere = random.uniform((west - 0.1, south - 0.1), (east + 0.1, north + 0.1), (n, 2))
    beside = edge + random.normal(0, 1, (n, 2)) * 10.0 ** random.uniform(-15, -2, (n, 1))
    return np.concatenate([ulps(edge, seed), ulps(level, seed), plumb, ulps(cell, seed), cell, anywhere, beside])


def differing(shapes: Shapes, points: FloatColumn) -> FloatColumn:
    """Return the points of which the index says something else than shapely's ``covers``."""
    zones = np.array(shapes, dtype=object)
    row, zone = shapely.STRtree(zones).query(shapely.points(points), "covered_by")
    mine, number = index(shapes).pairs(points[:, 0], points[:, 1])
    differ: FloatColumn = points[np.setxor1d(row * len(zones) + zone, mine * len(zones) + number) // len(zones)]
    return differ


@pytest.mark.parametrize("town", TOWNS)
@pytest.mark.parametrize("seed", range(MANY))
def test_the_index_says_what_shapely_says_of_the_worst_points(town: str, seed: int) -> None:
    shapes = TOWNS[town]()
    wrong = differing(shapes, adversaries(shapes, seed, 42_000))
    assert not len(wrong), f"{len(wrong)} points, such as {wrong[0].tolist()}"


WHOLE = st.integers(0, 12)
CORNERS = st.lists(st.tuples(WHOLE, WHOLE), min_size=3, max_size=8, unique=True)


@given(st.lists(CORNERS, min_size=1, max_size=6), st.lists(st.tuples(WHOLE, WHOLE), min_size=1, max_size=30))
def test_zones_that_share_corners_and_edges(rings: list[list[tuple[int, int]]], points: list[tuple[int, int]]) -> None:
    hulls = [shapely.MultiPoint(ring).convex_hull for ring in rings]
    shapes = [hull for hull in hulls if hull.geom_type == "Polygon"]
    shapes += [shapely.Polygon(ring) for ring in rings if shapely.Polygon(ring).is_valid]
    if shapes:
        places = np.array(points, dtype=float)
        halfway = (places + places[::-1]) / 2
        wrong = differing(shapes, np.concatenate([places, halfway, ulps(places, 1)]))
        assert not len(wrong), wrong[0].tolist()


def test_a_batch_of_one_says_the_same_and_equal_numbers_mean_equal_sets() -> None:
    shapes = [*circles(), *needles()]
    zones, points = index(shapes), adversaries(shapes, 5, 100)
    numbers = zones.sets(points[:, 0], points[:, 1])
    assert [int(zones.sets(point[:1], point[1:])[0]) for point in points] == numbers.tolist()
    row, zone = map(np.asarray, zones.members.pairs(np.unique(numbers)))
    members = {n: tuple(zone[row == i].tolist()) for i, n in enumerate(np.unique(numbers).tolist())}
    assert len(set(members.values())) == len(members)
    assert members.get(0, ()) == ()


def test_what_is_no_place_is_in_no_zone_and_says_nothing_of_the_others() -> None:
    odd = [np.nan, np.inf, -np.inf, 1e308, -1e308, -0.0, 5e-324]
    places = np.array([*product(odd, odd), *product(odd, [50.9]), *product([4.2], odd), (4.2, 50.9)])
    for shapes in (circles(), boxes(), ragged()):
        made, lon, lat = index(shapes), places[:, 0].copy(), places[:, 1].copy()
        row, zone = made.pairs(lon, lat)
        wanted = [(n, z) for n, place in enumerate(places) for z, shape in enumerate(shapes)
                  if np.isfinite(place).all() and shape.covers(shapely.Point(place))]  # fmt: skip
        assert list(zip(row.tolist(), zone.tolist(), strict=True)) == wanted
        assert len(made.pairs(lon[:0], lat[:0])[0]) == len(made.look(lon[:0], lat[:0], lon[:0])) == 0


def test_an_edge_within_reach_is_never_missed() -> None:
    shapes = ragged()
    zones, random = index(shapes), rng(6)
    points = adversaries(shapes, 6, 2_000)
    reach = random.uniform(0, 1500, len(points))
    said = zones.look(points[:, 0], points[:, 1], reach) == NEAR
    reaches: Any = reach
    true = np.zeros(len(points), dtype=bool)
    for shape in shapes:
        frame = Frame.of(shape)
        places: Any = shapely.points((points - (frame.lon, frame.lat)) * (frame.x, frame.y))
        true |= shapely.dwithin(frame.to_metres(shape.boundary), places, reaches)
    assert not (true & ~said).any()
    assert (said & ~true).mean() < 0.2


def test_no_zones_at_all() -> None:
    none = index([])
    place = np.array([4.2])
    assert none.sets(place, place).tolist() == [0]
    assert none.look(place, place, np.array([500.0])).tolist() == [0]
    assert [len(column) for column in none.pairs(place, place)] == [0, 0]


@pytest.mark.parametrize("place", [(180.0, 90.0), (-180.0, -90.0), (4.2, -90.0), (-180.0, 50.9)])
def test_beyond_the_ends_of_the_town_there_is_nothing(place: tuple[float, float]) -> None:
    zones = index(circles())
    lon, lat = np.array([place[0]]), np.array([place[1]])
    assert zones.sets(lon, lat).tolist() == [0]
    assert zones.look(lon, lat, np.array([500.0])).tolist() == [0]


def test_nobody_waits_for_a_large_index(monkeypatch: pytest.MonkeyPatch) -> None:
    assert Soon([Shaped(shape) for shape in circles()]).get() is not None
    monkeypatch.setattr("geofence.index.AT_ONCE", 0)
    zones = Soon([Shaped(shape) for shape in circles()])
    assert zones.get() is None
    zones.make()
    assert zones.get() is not None
