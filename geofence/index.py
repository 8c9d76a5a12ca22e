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

from geofence.cells import LEAF
from geofence.clearance import Clearance
from geofence.cutting import build
from geofence.model import FloatColumn, IntColumn
from geofence.sets import Sets

AT_ONCE = 20_000
"""Corners of all zones together up to which nobody waits long for an index: some tenths of a second."""


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
        self._sets = Sets(len(zones))
        self._cells = build(self._shapes, self._sets) if zones else None
        self._tree = shapely.STRtree(self._shapes)
        self._clearance = Clearance(self._shapes, self._cells) if self._cells else None

    def sets(self, lon: FloatColumn, lat: FloatColumn) -> IntColumn:
        """Return for each point the number of the set of zones that cover it; 0 is the empty set."""
        if self._cells is None:
            return np.zeros(len(lon), dtype=np.int64)
        _, found = self._cells.find(lon, lat)
        leaf = np.flatnonzero(found >= LEAF)
        if len(leaf):
            x, y = lon[leaf], lat[leaf]
            exact = self._cells.leaves.sets(self._shapes, found[leaf] - LEAF, x, y)
            crowded = np.flatnonzero(exact < 0)
            if len(crowded):
                exact[crowded] = [self._asked(*xy) for xy in zip(x[crowded], y[crowded], strict=True)]
            found[leaf] = exact
        return found.astype(np.int64)

    def members(self, number: int) -> tuple[int, ...]:
        """Return the zones of that set, by their places in the sequence given, ascending."""
        return self._sets.members[number]

    def pairs(self, lon: FloatColumn, lat: FloatColumn) -> tuple[IntColumn, IntColumn]:
        """Return (point, zone) for every zone that covers a point, sorted by both."""
        found = self.sets(lon, lat)
        start, size, member = self._sets.columns()
        count = size.take(found)
        row = np.repeat(np.arange(len(found)), count)
        at = np.repeat(start.take(found) - (np.cumsum(count) - count), count)
        at += np.arange(len(at))
        return row, member.take(at)

    def near(self, lon: FloatColumn, lat: FloatColumn, reach_m: FloatColumn) -> NDArray[np.bool_]:
        """Return for each point whether an edge of any zone may lie within its reach, in metres; False is certain."""
        if self._clearance is None:
            return np.zeros(len(lon), dtype=bool)
        return self._clearance.of(lon, lat) <= reach_m

    @property
    def nbytes(self) -> int:
        """Bytes held in columns: without the shapes, their R-trees and the names of the sets."""
        return 0 if self._cells is None or self._clearance is None else self._cells.nbytes + self._clearance.nbytes

    def _asked(self, lon: float, lat: float) -> int:
        """Return the number of the point's set of zones, by shapely alone."""
        zones = self._tree.query(shapely.Point(lon, lat), "intersects")
        return self._sets.number(tuple(sorted(zones.tolist())))


class Soon:
    """The index of some zones: a small one is made when first asked for, a large one when somebody has the time."""

    def __init__(self, zones: Sequence[HasShape]) -> None:
        """Take the zones in the order by which they are numbered."""
        self._zones = zones
        self._index: Index | None = None
        self.large = sum(shapely.get_num_coordinates([zone.shape for zone in zones])) > AT_ONCE

    def get(self) -> Index | None:
        """Return the index; None as long as a large one is not made."""
        if self._index is None and not self.large:
            self.make()
        return self._index

    def make(self) -> None:
        """Make the index; in another thread, if it must not be waited for."""
        self._index = Index(self._zones)
