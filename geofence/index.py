"""Which zones hold a point, for a batch at once.

What must stay true here: the answer is exactly shapely's ``covers`` of each zone's shape, for every point; equal set
numbers mean equal sets of zones; ``look`` says NEAR wherever an edge is within reach.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

import numpy as np
import shapely
from shapely.geometry.base import BaseGeometry

from geofence.clearance import Clearance
from geofence.cutting import build
from geofence.leaves import ASK
from geofence.lookup import UNKNOWN, Members
from geofence.model import FloatColumn, IntColumn
from geofence.sets import Sets

AT_FIRST = 64
"""Of the cells that are new in a batch so many are measured first, then twice as many, and so on."""
AT_ONCE = 20_000
"""Corners of all zones together up to which nobody waits long for an index: some tenths of a second."""


class HasShape(Protocol):
    """A zone, as far as the index knows it."""

    @property
    def shape(self) -> BaseGeometry:
        """A Polygon or MultiPolygon in degrees."""


class Index:
    """Zones by place. Immutable: an edit of the zones is a new index."""

    def __init__(self, zones: Sequence[HasShape], step: Callable[[], None] = lambda: None) -> None:
        """Take the zones in the order by which they are numbered.

        ``step`` is called now and then: what it raises ends the making.
        """
        self._shapes = np.array([zone.shape for zone in zones], dtype=object)
        shapely.prepare(self._shapes)
        self._sets = Sets(len(zones))
        self._lookup = build(self._shapes, self._sets, step) if zones else None
        step()
        self._tree = shapely.STRtree(self._shapes)
        self._clearance = Clearance(self._shapes) if zones else None

    def sets(self, lon: FloatColumn, lat: FloatColumn) -> IntColumn:
        """Return for each point the number of the set of zones that cover it; 0 is the empty set."""
        if self._lookup is None:
            return np.zeros(len(lon), dtype=np.int64)
        found = np.asarray(self._lookup.sets(lon, lat))
        ask = np.flatnonzero(found == ASK)
        if len(ask):
            found = found.copy()
            found[ask] = [self._asked(*xy) for xy in zip(lon[ask].tolist(), lat[ask].tolist(), strict=True)]
        return found

    @property
    def members(self) -> Members:
        """The zones of each set, by their places in the sequence given, ascending."""
        return self._sets.members()

    def pairs(self, lon: FloatColumn, lat: FloatColumn) -> tuple[IntColumn, IntColumn]:
        """Return (point, zone) for every zone that covers a point, sorted by both."""
        number = self.sets(lon, lat)
        row, zone = self.members.pairs(number)
        return np.asarray(row), np.asarray(zone)

    def look(self, lon: FloatColumn, lat: FloatColumn, reach_m: FloatColumn) -> IntColumn:
        """Return the same as ``sets``; NEAR where an edge of any zone may lie within the point's reach, in metres."""
        if self._lookup is None or self._clearance is None:
            return np.zeros(len(lon), dtype=np.int64)
        found = np.asarray(self._lookup.look(lon, lat, reach_m))
        unknown = np.flatnonzero(found == UNKNOWN)
        if len(unknown):
            found = found.copy()
        many = AT_FIRST
        while len(unknown):  # some first, for each may speak for others
            some, many = unknown[:many], 2 * many
            self._clearance.teach(self._lookup, lon[some], lat[some])
            found[unknown] = self._lookup.look(lon[unknown], lat[unknown], reach_m[unknown])
            unknown = unknown[found[unknown] == UNKNOWN]
        return found

    @property
    def nbytes(self) -> int:
        """Bytes held in columns: without the shapes, their R-trees and the names of the sets."""
        return 0 if self._lookup is None else self._lookup.nbytes

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

    @property
    def made(self) -> bool:
        """Whether there is an index."""
        return self._index is not None

    def make(self, step: Callable[[], None] = lambda: None) -> None:
        """Make the index; in another thread, if it must not be waited for. ``step``: see Index."""
        self._index = Index(self._zones, step)
