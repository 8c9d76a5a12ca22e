"""How far from every edge a cell of the index is.

What must stay true here: what is said of a cell is never more than the distance, in metres, from any point of it to
any edge of any zone, each measured in that zone's own plane. A cell is measured when it is first asked about and
remembered: devices are where they were, and the cells of a country that nobody visits cost nothing.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from geofence.cells import spread
from geofence.lookup import Lookup
from geofence.model import FloatColumn, IntColumn
from geofence.plane import Frame

MOST_M = 1000
"""Metres: whether a cell is still farther from every edge is not looked into."""
CHUNK = 16
"""Edges a piece of boundary has for the R-tree."""
MARGIN_M = 0.01
"""Metres: more than any rounding."""


class Clearance:
    """What measures the clearance of cells, in whole metres."""

    def __init__(self, shapes: NDArray[Any]) -> None:
        """Take the shapes, in degrees."""
        frames = [Frame.of(shape) for shape in shapes]
        # In a plane of the least scales among the zones' own, nothing seems farther than in its own.
        self._scale = np.array([min(frame.x for frame in frames), min(frame.y for frame in frames)])
        self._tree = shapely.STRtree(_chunks(shapes, self._scale))

    def teach(self, lookup: Lookup, lon: FloatColumn, lat: FloatColumn) -> None:
        """Let the cells of these places be known."""
        at, *box = map(np.asarray, lookup.cells(lon, lat))
        new, one = np.unique(at, return_index=True)
        west, south, width, height = (column[one] for column in box)
        metres = self._measured(np.column_stack((west, south)), np.column_stack((width, height)))
        lookup.learn(new, metres, *(size * scale for size, scale in zip(lookup.grid_cell(), self._scale, strict=True)))

    def _measured(self, low: FloatColumn, size: FloatColumn) -> IntColumn:
        """Return the clearance of cells, given the south-west corner and the size of each, in degrees."""
        middle, half = (low + size / 2) * self._scale, np.hypot(*(size * self._scale).T) / 2
        distance = np.full(len(low), np.inf)
        (cell, _), found = self._tree.query_nearest(
            shapely.points(middle), max_distance=MOST_M + float(half.max()), return_distance=True, all_matches=False
        )
        distance[cell] = found
        return np.asarray(np.clip(distance - half - MARGIN_M, 0, MOST_M).astype(np.int64))


def _chunks(shapes: NDArray[Any], scale: FloatColumn) -> NDArray[Any]:
    """Return all edges as short lines in a plane of that scale."""
    rings = shapely.get_rings(shapely.get_parts(shapes))
    edges = shapely.get_num_coordinates(rings).astype(np.int64) - 1
    ring, chunk = spread(-(-edges // CHUNK))
    first = (np.cumsum(edges + 1) - edges - 1)[ring] + chunk * CHUNK
    line, point = spread(np.minimum(edges[ring] - chunk * CHUNK, CHUNK) + 1)
    return np.asarray(shapely.linestrings(shapely.get_coordinates(rings)[first[line] + point] * scale, indices=line))
