"""Where places lie against zones: which hold them, and how far the edges are that are within reach.

What must stay true here: the index only saves work; without it, while it is being made, the answers are the same.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple, Protocol

import numpy as np
import shapely
from numpy.typing import NDArray
from rtree.index import Index as RTree
from shapely.geometry.base import BaseGeometry

from geofence.around import ACROSS, BITS, REACHES, UP, Around
from geofence.borders import Borders
from geofence.cells import spread
from geofence.index import Soon
from geofence.lookup import NEAR, Members
from geofence.model import EVER, NEVER, FloatColumn, IntColumn, Micros
from geofence.plane import Frame

CHUNK = 8
"""Edges of a chunk of a border at least; a long border has as many chunks as each has edges."""
NOBODY = Members((0,), ())


class InTime(Protocol):
    """A zone, as far as its place and time go."""

    @property
    def shape(self) -> BaseGeometry:
        """A Polygon or MultiPolygon in degrees."""

    @property
    def valid_from(self) -> Micros | None:
        """First moment at which it is valid."""

    @property
    def valid_to(self) -> Micros | None:
        """First moment at which it is no longer valid."""


class Pairs(NamedTuple):
    """Places and zones, as columns, sorted by both."""

    row: IntColumn
    zone: IntColumn
    signed: FloatColumn
    """Metres to the zone's edge, inside positive, no more than the reach in size."""
    east: FloatColumn
    north: FloatColumn
    """The direction in which that grows, of length one; nothing where no edge is near."""
    near: NDArray[np.bool_]
    """Whether the edge is within reach."""


class Places:
    """The zones as columns, ready for a batch. Asked by one thread at a time: it remembers what it was asked."""

    def __init__(self, zones: Sequence[InTime]) -> None:
        """Take the zones in the order by which they are numbered."""
        self._shapes = np.array([zone.shape for zone in zones], dtype=object)
        shapely.prepare(self._shapes)
        frames = np.array([Frame.of(zone.shape) for zone in zones], dtype=float).reshape(-1, 4)
        self._borders, self._around = drawn(self._shapes, frames), Around()
        self._scale = frames[:, 2:].min(axis=0, initial=np.inf)
        self._from = np.array([EVER if zone.valid_from is None else zone.valid_from for zone in zones], np.int64)
        self._to = np.array([NEVER if zone.valid_to is None else zone.valid_to for zone in zones], np.int64)
        self._timed = bool((self._from > EVER).any() or (self._to < NEVER).any())
        boxes = ((i, zone.shape.bounds, None) for i, zone in enumerate(zones))
        self._boxes = RTree(boxes) if zones else RTree()  # an empty stream is an error to libspatialindex
        self.index = Soon(zones)

    def near(self, lon: FloatColumn, lat: FloatColumn, time: IntColumn, reach: FloatColumn) -> Pairs:
        """Return the zones in force then that hold each place or have an edge within its reach, in metres."""
        index = self.index.get()
        number = np.full(len(lon), NEAR) if index is None else index.look(lon, lat, reach)
        row, zone = self._candidates(lon, lat, reach, np.flatnonzero(number == NEAR))
        inside = shapely.intersects_xy(self._shapes[zone], lon[row], lat[row])
        members = NOBODY if index is None else index.members
        count, *columns = self._borders.sight(number, members, lon, lat, reach, row, zone, inside.view(np.uint8))
        row, zone, signed, east, north, near = (np.asarray(column)[:count] for column in columns)
        pairs = Pairs(row, zone, signed, east, north, near.view(bool))
        if not self._timed:
            return pairs
        keep = (self._from[zone] <= time[row]) & (time[row] < self._to[zone])
        return Pairs(row[keep], zone[keep], signed[keep], east[keep], north[keep], pairs.near[keep])

    def _candidates(
        self, lon: FloatColumn, lat: FloatColumn, reach: FloatColumn, rows: IntColumn
    ) -> tuple[IntColumn, IntColumn]:
        """Return (place, zone) for each zone whose bounding box comes within reach of these rows, sorted by both."""
        if not len(self._shapes) or not len(rows):
            return np.empty(0, np.int64), np.empty(0, np.int64)
        lon, lat, reach = lon[rows], lat[rows], reach[rows]
        if self._around.full:
            self._around = Around()
        around = self._around
        squares = around.squares(lon, lat, reach)
        if strange := around.strange(squares):
            around.learn(strange, *self._boxed(np.array(strange)))
        row, zone = around.pairs(squares, rows, lon, lat, reach, self._borders)
        return np.asarray(row), np.asarray(zone)

    def _boxed(self, square: IntColumn) -> tuple[IntColumn, IntColumn]:
        """Return how many zones have a bounding box within reach of each square, and which, ascending in each."""
        far, column, row = square >> 2 * BITS, square >> BITS & (1 << BITS) - 1, square & (1 << BITS) - 1
        west, south = column / ACROSS - 180.0, row / UP - 90.0
        # Each zone is measured in a plane of its own: in the least of their scales nothing seems farther than there.
        across, up = (np.array(REACHES)[far] / scale + 1e-6 for scale in self._scale)
        low = np.column_stack((west - across, south - up))
        high = np.column_stack((west + 1 / ACROSS + across, south + 1 / UP + up))
        zone, count = self._boxes.intersection_v(low, high)
        zone, count = zone.astype(np.int64), count.astype(np.int64)
        return count, zone[np.lexsort((zone, np.repeat(np.arange(len(square)), count)))]


def drawn(shapes: NDArray[Any], frames: FloatColumn) -> Borders:
    """Return the edges of the shapes, given in degrees, each in a plane of its own: ``frames``, (n, 4)."""
    bounds = shapely.bounds(shapes).reshape(-1, 4)
    whole = (bounds[:, 2:] - bounds[:, :2]) / 2 * frames[:, 2:]
    parts, zone = shapely.get_parts(shapes, return_index=True)
    rings, part = shapely.get_rings(parts, return_index=True)
    xy, ring = shapely.get_coordinates(rings, return_index=True)
    zone = zone[part[ring]]
    xy = (xy - frames[zone, :2]) * frames[zone, 2:]
    begins = np.flatnonzero(ring[1:] == ring[:-1])
    a, b, zone = xy[begins], xy[begins + 1], zone[begins]
    count = np.bincount(zone, minlength=len(shapes))
    size = np.maximum(np.ceil(np.sqrt(count)), CHUNK).astype(np.int64)
    # Of each zone's edges, in their order, so many make a chunk.
    of, number = spread(-(-count // size))
    first = (np.cumsum(count) - count)[of] + number * size[of]
    low, high = np.minimum(a, b), np.maximum(a, b)
    box = np.column_stack((np.minimum.reduceat(low, first), np.maximum.reduceat(high, first))) if len(a) else low
    way = b - a
    square = (way**2).sum(axis=1)
    over = np.divide(1.0, square, out=np.zeros_like(square), where=square > 0)
    edge = np.column_stack((a, way, over))
    chunk = np.searchsorted(of, np.arange(len(shapes) + 1))
    first = np.append(first, len(a))
    return Borders(frames.ravel(), whole.ravel(), chunk, first, box.ravel(), edge.ravel(), b[:, 1])
