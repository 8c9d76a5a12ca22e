"""The grid that lies over all zones, and how its cells are numbered.

What must stay true here: the grid covers every zone with a margin, so what lies beyond it lies in no zone.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from geofence.lookup import CUT_BITS, CUTS
from geofence.model import FloatColumn, IntColumn

FINEST = 1e-7
"""Degrees, a centimetre: nothing smaller is cut."""
GRID_BITS_MOST = 10
"""The grid has no more than 1024 cells a side."""
HELD_MOST = 4_000_000
"""Cells of the grid in the bounding boxes of all zones, together."""


class Grid(NamedTuple):
    """Numbers for places: whole columns and rows of the finest cells there may be (``Lookup`` computes them)."""

    west: float
    south: float
    across: float
    """Finest cells per degree east."""
    up: float
    root_bits: int

    @classmethod
    def over(cls, bounds: FloatColumn, edges: int) -> Grid:
        """Return a grid over the bounding boxes given, (n, 4), with a margin of one cell."""
        low, high = bounds[:, :2].min(axis=0), bounds[:, 2:].max(axis=0)
        extent = (bounds[:, 2:] - bounds[:, :2]) / (high - low)
        bits = int(np.clip(np.ceil(np.log2(max(edges, 1)) / 2 + 1), 6, GRID_BITS_MOST))
        while bits > 3 and ((extent * 2**bits + 1).prod(axis=1)).sum() > HELD_MOST:
            bits -= 1
        step = np.maximum((high - low) / (2**bits - 2), FINEST)
        across, up = 2 ** (CUTS * CUT_BITS) / step
        return cls(float(low[0] - step[0]), float(low[1] - step[1]), float(across), float(up), bits)


def spread(count: IntColumn) -> tuple[IntColumn, IntColumn]:
    """Return for ``count`` items of each row the row of each item, and its number in that row."""
    row = np.repeat(np.arange(len(count)), count)
    return row, np.arange(len(row)) - (np.cumsum(count) - count)[row]
