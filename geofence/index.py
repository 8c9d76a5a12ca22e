"""Which zones hold a point, for a batch at once.

What must stay true here: the answer is exactly shapely's ``covers`` of each zone's shape, for every point; equal set
numbers mean equal sets of zones; ``near`` is never False where an edge is within reach.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

from geofence.model import FloatColumn, IntColumn
from geofence.plane import Frame


class HasShape(Protocol):
    """A zone, as far as the index knows it."""

    @property
    def shape(self) -> BaseGeometry:
        """A Polygon or MultiPolygon in degrees."""


class Index:
    """Zones by place. Immutable: an edit of the zones is a new index."""

    def __init__(self, zones: Sequence[HasShape]) -> None:
        """Take the zones in the order by which they are numbered."""
        self._shapes = np.array([zone.shape for zone in zones], dtype=object)
        shapely.prepare(self._shapes)
        self._tree = shapely.STRtree(self._shapes)
        frames = [Frame.of(zone.shape) for zone in zones]
        # In this plane nothing seems farther than in the plane of any one zone.
        self._metres = np.array([min((f.x for f in frames), default=0), min((f.y for f in frames), default=0)])
        edges = [shapely.transform(zone.shape.boundary, lambda c: c * self._metres) for zone in zones]
        self._edges = shapely.STRtree(edges)
        self._sets: list[tuple[int, ...]] = [()]
        self._numbers: dict[tuple[int, ...], int] = {(): 0}

    def sets(self, lon: FloatColumn, lat: FloatColumn) -> IntColumn:
        """Return for each point the number of the set of zones that cover it; 0 is the empty set."""
        row, zone = self._tree.query(shapely.points(lon, lat), "intersects")
        found: list[list[int]] = [[] for _ in range(len(lon))]
        for r, z in zip(row.tolist(), zone.tolist(), strict=True):
            found[r].append(z)
        return np.array([self._number(tuple(sorted(one))) for one in found], dtype=np.int64)

    def members(self, number: int) -> tuple[int, ...]:
        """Return the zones of that set, by their places in the sequence given, ascending."""
        return self._sets[number]

    def near(self, lon: FloatColumn, lat: FloatColumn, reach_m: FloatColumn) -> NDArray[np.bool_]:
        """Return for each point whether an edge of any zone may lie within its reach, in metres; False is certain."""
        points = shapely.points(lon * self._metres[0], lat * self._metres[1])
        near = np.zeros(len(lon), dtype=bool)
        near[self._edges.query(points, "dwithin", reach_m)[0]] = True
        return near

    def _number(self, zones: tuple[int, ...]) -> int:
        number = self._numbers.setdefault(zones, len(self._sets))
        if number == len(self._sets):
            self._sets.append(zones)
        return number
