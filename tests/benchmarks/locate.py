"""Which zones hold a point: the index beside the ways shapely and rtree offer, over the same points, in one run.

``python -m tests.benchmarks.locate [--quick] [--data DIRECTORY]``

What must stay true here: every way answers with (point, zone) pairs, and the answers are compared; each batch is of
1000 points no way has seen; the ways take turns, ten batches a turn, so what else the machine does falls on all; what
counts is the median of the CPU time a point. DIRECTORY holds a GeoJSON file for each set of zones to use instead of
those made here.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path
from time import perf_counter, process_time
from typing import Any, NamedTuple

import numpy as np
import shapely
from numpy.typing import NDArray
from rtree.index import Index as RTree
from shapely.geometry.base import BaseGeometry

from geofence.index import Index
from geofence.model import FloatColumn, IntColumn
from tests.benchmarks import postgis

BATCH = 1000
LOT = 10
"""Batches of a way in its turn."""
Shapes = NDArray[Any]
Pairs = tuple[IntColumn, IntColumn]
Way = Callable[[FloatColumn, FloatColumn], Pairs]
OURS = "this index"
ONE_BY_ONE = "rtree + covers, point by point"
POSTGIS = "PostGIS, ST_Covers with its index, by the clock"
SLOW = (ONE_BY_ONE, POSTGIS)
"""Asked about one batch in their turn."""


class Row(NamedTuple):
    """One figure."""

    zones: str
    way: str
    ns: float
    """Nanoseconds of CPU time a point, median over batches."""


class Size(NamedTuple):
    """What an index cost to build."""

    zones: str
    seconds: float
    megabytes: float


class Shaped(NamedTuple):
    """A zone, as far as the index knows it."""

    shape: BaseGeometry


def hotspots(count: int = 100) -> Shapes:
    """Return circles around a town."""
    random = np.random.default_rng(1)
    spread = 0.01 * np.sqrt(count / 10)
    middle = shapely.points(random.normal((4.2, 50.9), (1.5 * spread, spread), (count, 2)))
    return np.asarray(shapely.buffer(middle, random.uniform(0.0005, 0.003, count)))


def mosaic(count: int, halvings: int) -> Shapes:
    """Return areas that share winding borders, as municipalities do; each border halved and bent so often."""
    points = np.random.default_rng(2).uniform((2.5, 49.5), (6.5, 51.5), (count, 2))
    area = shapely.box(2.5, 49.5, 6.5, 51.5)
    cells = shapely.get_parts(shapely.voronoi_polygons(shapely.multipoints(points), extend_to=area))
    bent = np.array([shapely.Polygon(_bent(shapely.get_coordinates(one), halvings)) for one in cells], dtype=object)
    return bent[shapely.is_valid(bent) & shapely.within(cells, area.buffer(0.5))]


def _bent(ring: FloatColumn, halvings: int) -> FloatColumn:
    """Bend each edge in its middle, again and again, both sides of it alike."""
    for _ in range(halvings):
        a, b = ring[:-1], ring[1:]
        middle, way = (a + b) / 2, b - a
        side = 0.15 * np.sin(1e4 * np.abs(way[:, 0] * way[:, 1]) + 1e3 * middle.sum(axis=1))
        turned = np.where((a[:, :1] < b[:, :1]), 1, -1) * np.column_stack((-way[:, 1], way[:, 0]))
        both = np.empty((2 * len(a) + 1, 2))
        both[0:-1:2], both[1::2], both[-1] = a, middle + side[:, None] * turned, b[-1]
        ring = both
    return ring


def ragged(count: int, corners: int) -> Shapes:
    """Return large areas of so many corners."""
    turn = np.linspace(0, 2 * np.pi, corners, endpoint=False)
    shapes = []
    for number in range(count):
        far = 0.1 + 0.02 * np.sin(7 * turn) + 0.005 * np.sin(60 * turn + number) + 0.001 * np.sin(900 * turn)
        x, y = 4 + 0.3 * (number % 4), 50 + 0.22 * (number // 4)
        shapes.append(shapely.Polygon(np.column_stack((x + 1.4 * far * np.cos(turn), y + far * np.sin(turn)))))
    return np.array(shapes, dtype=object)


def made(quick: bool) -> dict[str, Shapes]:
    """Return the sets of zones."""
    towns, many = mosaic(600, 5), mosaic(3_000 if quick else 20_500, 3)
    return {
        "100 hotspots": hotspots(),
        f"{len(towns)} municipalities": towns,
        f"{len(many):,} areas": many,
        "11 areas of 10,000 corners": ragged(11, 10_000),
    }


def read(directory: Path) -> dict[str, Shapes]:
    """Return the valid zones of each GeoJSON file."""
    found = {}
    for file in sorted(directory.glob("*.geojson")):
        features = json.loads(file.read_text())["features"]
        shapes = np.array([shapely.geometry.shape(one["geometry"]) for one in features], dtype=object)
        found[file.stem] = shapes[shapely.is_valid(shapes)]
    return found


def ways(shapes: Shapes) -> dict[str, Way]:
    """Return what is compared."""
    shapely.prepare(shapes)
    ours = Index([Shaped(shape) for shape in shapes])
    rtree = RTree((i, shape.bounds, None) for i, shape in enumerate(shapes))
    boxes = shapely.STRtree(shapely.envelope(shapes))
    strtree = shapely.STRtree(shapes)

    def one_by_one(lon: FloatColumn, lat: FloatColumn) -> Pairs:
        found = []
        for row, (x, y) in enumerate(zip(lon.tolist(), lat.tolist(), strict=True)):
            point = shapely.Point(x, y)
            found += [(row, zone) for zone in sorted(rtree.intersection((x, y, x, y))) if shapes[zone].covers(point)]
        row_zone = np.array(found, dtype=np.int64).reshape(-1, 2)
        return row_zone[:, 0], row_zone[:, 1]

    def rtree_bulk(lon: FloatColumn, lat: FloatColumn) -> Pairs:
        place = np.column_stack((lon, lat))
        zone, count = rtree.intersection_v(place, place)
        row = np.repeat(np.arange(len(lon)), count.astype(np.int64))
        return _kept(shapes, row, zone.astype(np.int64), lon, lat)

    def box_tree(lon: FloatColumn, lat: FloatColumn) -> Pairs:
        row, zone = boxes.query(shapely.points(lon, lat))
        return _kept(shapes, row, zone, lon, lat)

    def tree(lon: FloatColumn, lat: FloatColumn) -> Pairs:
        row, zone = strtree.query(shapely.points(lon, lat), "intersects")
        return row, zone

    return {
        OURS: ours.pairs,
        "STRtree of boxes + prepared intersects_xy": box_tree,
        "STRtree.query(points, intersects)": tree,
        "rtree.intersection_v + prepared intersects_xy": rtree_bulk,
        ONE_BY_ONE: one_by_one,
    }


def _kept(shapes: Shapes, row: IntColumn, zone: IntColumn, lon: FloatColumn, lat: FloatColumn) -> Pairs:
    inside = shapely.intersects_xy(shapes[zone], lon[row], lat[row])
    return row[inside], zone[inside]


def batches(shapes: Shapes, size: int = BATCH) -> Iterator[tuple[FloatColumn, FloatColumn]]:
    """Yield fresh points all over the zones' bounding box."""
    random = np.random.default_rng(3)
    west, south, east, north = shapely.total_bounds(shapes)
    while True:
        yield random.uniform(west, east, size), random.uniform(south, north, size)


def beside(name: str, shapes: Shapes, turns: int, more: dict[str, Way]) -> list[Row]:
    """Return the cost of every way, and of ``more`` ways; raise AssertionError where two disagree."""
    all_ways = ways(shapes) | more
    took: dict[str, list[float]] = {way: [] for way in all_ways}
    fresh = batches(shapes)
    for _ in range(turns):
        checked = next(fresh)
        said = {way: _numbered(ask(*checked), len(shapes)) for way, ask in all_ways.items()}
        assert all(np.array_equal(one, said[OURS]) for one in said.values()), f"{name}: the ways disagree"
        for way, ask in all_ways.items():
            time = perf_counter if way == POSTGIS else process_time
            for lon, lat in islice(fresh, 1 if way in SLOW else LOT):
                began = time()
                ask(lon, lat)
                took[way].append((time() - began) / len(lon) * 1e9)
    return [Row(name, way, float(np.median(some))) for way, some in took.items()]


def _numbered(pairs: Pairs, zones: int) -> IntColumn:
    return np.sort(pairs[0] * zones + pairs[1])


def alone(name: str, shapes: Shapes, repeats: int, size: int = BATCH) -> tuple[Row, Size]:
    """Return what the index alone costs, and its build."""
    began = process_time()
    index = Index([Shaped(shape) for shape in shapes])
    cost = Size(name, process_time() - began, index.nbytes / 1e6)
    took = []
    for lon, lat in islice(batches(shapes, size), repeats):
        began = process_time()
        index.pairs(lon, lat)
        took.append((process_time() - began) / size * 1e9)
    return Row(name, f"{OURS}, batches of {size}", float(np.median(took))), cost


def growth(quick: bool) -> tuple[list[Row], list[Size]]:
    """Return how the index grows with zones, and with their corners."""
    zones = (24, 130, 1_100) if quick else (24, 130, 1_100, 5_200, 20_800)
    corners = (4, 40, 400, 4_000) if quick else (4, 40, 400, 4_000, 40_000)
    sets = {f"{len(areas):,} areas": areas for areas in (mosaic(count, 3) for count in zones)}
    sets |= {f"11 areas of {count:,} corners": ragged(11, count) for count in corners}
    found = [alone(name, shapes, 100) for name, shapes in sets.items()]
    return [row for row, _ in found], [size for _, size in found]


def run(quick: bool = False, directory: Path | None = None) -> list[Row]:
    """Return every figure of the sets side by side."""
    sets = made(quick) if directory is None else read(directory)
    found = []
    with postgis.server() as server:
        for name, shapes in sets.items():
            more: dict[str, Way] = {POSTGIS: postgis.way(server, shapes)} if server is not None else {}
            found += beside(name, shapes, 3 if quick else 15, more)
    return found


def table(rows: list[Row]) -> Iterator[str]:
    """Yield the lines of a table, with each way's cost over this index's."""
    ours = {row.zones: row.ns for row in rows if row.way.startswith(OURS)}
    for row in rows:
        yield f"{row.zones:28} {row.way:46} {row.ns:10,.0f} ns {row.ns / ours[row.zones]:8.1f}"


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--data", type=Path, metavar="DIRECTORY")
    args = parser.parse_args()
    for line in table(run(args.quick, args.data)):
        print(line, flush=True)
    rows, sizes = growth(args.quick)
    for row, size in zip(rows, sizes, strict=True):
        print(f"{row.zones:28} {row.ns:6,.0f} ns   built in {size.seconds:6.2f} s, {size.megabytes:6.1f} MB")


if __name__ == "__main__":
    main()
