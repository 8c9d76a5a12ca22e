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

from geofence.index import Index, Soon
from geofence.model import FloatColumn, IntColumn, Micros
from geofence.plane import Frame

EVER, NEVER = np.iinfo(np.int64).min, np.iinfo(np.int64).max


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
    way: FloatColumn
    """(n, 2) the direction east and north in which that grows, of length one; nothing where no edge is near."""
    near: NDArray[np.bool_]
    """Whether the edge is within reach."""

    def take(self, rows: IntColumn) -> Pairs:
        """Return these rows."""
        return Pairs(self.row[rows], self.zone[rows], self.signed[rows], self.way[rows], self.near[rows])

    def merged(self, other: Pairs) -> Pairs:
        """Return the pairs of both."""
        row, zone = np.concatenate((self.row, other.row)), np.concatenate((self.zone, other.zone))
        signed, way = np.concatenate((self.signed, other.signed)), np.concatenate((self.way, other.way))
        both = Pairs(row, zone, signed, way, np.concatenate((self.near, other.near)))
        return both.take(np.lexsort((zone, row)))


class Places:
    """The zones as columns, ready for a batch."""

    def __init__(self, zones: Sequence[InTime]) -> None:
        """Take the zones in the order by which they are numbered."""
        frames = [Frame.of(zone.shape) for zone in zones]
        self._frames = np.array(frames, dtype=float).reshape(-1, 4)
        self._shapes, self._edges = np.empty(len(zones), dtype=object), np.empty(len(zones), dtype=object)
        for i, (zone, frame) in enumerate(zip(zones, frames, strict=True)):
            self._shapes[i], self._edges[i] = zone.shape, frame.to_metres(zone.shape.boundary)
        shapely.prepare(self._shapes)
        shapely.prepare(self._edges)
        self._from = np.array([EVER if zone.valid_from is None else zone.valid_from for zone in zones], np.int64)
        self._to = np.array([NEVER if zone.valid_to is None else zone.valid_to for zone in zones], np.int64)
        boxes = ((i, zone.shape.bounds, None) for i, zone in enumerate(zones))
        self._boxes = RTree(boxes) if zones else RTree()  # an empty stream is an error to libspatialindex
        self.index = Soon(zones)

    def near(self, lon: FloatColumn, lat: FloatColumn, time: IntColumn, reach: FloatColumn) -> Pairs:
        """Return the zones in force then that hold each place or have an edge within its reach, in metres."""
        index = self.index.get()
        if index is None:
            return self._measured(lon, lat, time, reach, np.arange(len(lon)))
        close = index.near(lon, lat, reach)
        pairs = self._held(index, lon, lat, time, reach, np.flatnonzero(~close))
        rows = np.flatnonzero(close)
        return pairs.merged(self._measured(lon, lat, time, reach, rows)) if len(rows) else pairs

    def _held(
        self, index: Index, lon: FloatColumn, lat: FloatColumn, time: IntColumn, reach: FloatColumn, rows: IntColumn
    ) -> Pairs:
        """Return the zones that hold these rows, which are out of reach of any edge."""
        row, zone = index.pairs(lon[rows], lat[rows])
        row, zone = self._in_force(rows[row], zone, time)
        return Pairs(row, zone, reach[row], np.zeros((len(row), 2)), np.zeros(len(row), bool))

    def _measured(
        self, lon: FloatColumn, lat: FloatColumn, time: IntColumn, reach: FloatColumn, rows: IntColumn
    ) -> Pairs:
        """Return the zones that hold these rows or have an edge within their reach, and how far it is."""
        row, zone = self._candidates(lon[rows], lat[rows], reach[rows])
        row, zone = self._in_force(rows[row], zone, time)
        lon, lat, frames, limit = lon[row], lat[row], self._frames[zone], reach[row]
        inside = shapely.intersects_xy(self._shapes[zone], lon, lat)
        x, y = (lon - frames[:, 0]) * frames[:, 2], (lat - frames[:, 1]) * frames[:, 3]
        signed, way = _to_edge(self._edges[zone], x, y, inside)
        near = np.abs(signed) <= limit
        signed, way = np.where(near, signed, np.where(inside, limit, -limit)), way * near[:, None]
        return Pairs(row, zone, signed, way, near).take(np.flatnonzero(inside | near))

    def _in_force(self, row: IntColumn, zone: IntColumn, time: IntColumn) -> tuple[IntColumn, IntColumn]:
        """Return the pairs of which the zone is in force then."""
        keep = (self._from[zone] <= time[row]) & (time[row] < self._to[zone])
        return row[keep], zone[keep]

    def _candidates(self, lon: FloatColumn, lat: FloatColumn, reach: FloatColumn) -> tuple[IntColumn, IntColumn]:
        """Return (place, zone) for each zone whose bounding box comes within reach, sorted by both."""
        if not len(self._shapes) or not len(lon):
            return np.empty(0, np.int64), np.empty(0, np.int64)
        # A degree of latitude is nowhere shorter than 110.5 km; of longitude, cos(lat) times 111.3 km.
        up = reach / 110_500.0
        across = up / np.maximum(np.cos(np.radians(np.abs(lat) + up)), 1e-6)
        low, high = np.column_stack((lon - across, lat - up)), np.column_stack((lon + across, lat + up))
        zone, counts = self._boxes.intersection_v(low, high)
        row = np.repeat(np.arange(len(lon)), counts.astype(np.int64))
        zone = zone.astype(np.int64)
        order = np.lexsort((zone, row))
        return row[order], zone[order]


def _to_edge(
    edges: NDArray[Any], x: FloatColumn, y: FloatColumn, inside: NDArray[np.bool_]
) -> tuple[FloatColumn, FloatColumn]:
    """Return the signed distance of each place to its edge, and (n, 2) the direction in which it grows."""
    ends = shapely.get_coordinates(shapely.shortest_line(edges, shapely.points(x, y))).reshape(-1, 2, 2)
    away = ends[:, 1] - ends[:, 0]
    distance = np.hypot(away[:, 0], away[:, 1])
    signed = np.where(inside, distance, -distance)
    with np.errstate(invalid="ignore", divide="ignore"):
        way = away / signed[:, None]
    return signed, np.nan_to_num(way, nan=0.0, posinf=0.0, neginf=0.0)  # on the edge itself no way is known
