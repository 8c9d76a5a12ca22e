"""Cells over all zones: a grid, cells of it cut in smaller ones where edges cross, and what each cell knows.

What must stay true here: a place belongs to the cell its two whole numbers name, and those are computed in one way
only (``Grid.place``), whoever asks.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from geofence.leaves import Leaves
from geofence.model import FloatColumn, IntColumn

CUT_BITS = 2
"""A cell is cut in 4 by 4."""
CUTS = 5
"""Times a cell of the grid may be cut."""
FINEST = 1e-7
"""Degrees, a centimetre: nothing smaller is cut."""
GRID_BITS_MOST = 10
"""The grid has no more than 1024 cells a side."""
HELD_MOST = 4_000_000
"""Cells of the grid in the bounding boxes of all zones, together."""
LEAF = 1 << 30
"""A cell's code: below 0 the complement of where the cells it was cut in begin; from here on a leaf; else a set."""


class Grid(NamedTuple):
    """Numbers for places: whole columns and rows of the finest cells there may be."""

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

    def place(self, lon: FloatColumn, lat: FloatColumn) -> tuple[IntColumn, IntColumn]:
        """Return column and row; beyond the margin, those of the margin."""
        last = float((1 << self.root_bits + CUTS * CUT_BITS) - 1)
        column, row = (lon - self.west) * self.across, (lat - self.south) * self.up
        for one in (column, row):
            np.fmin(np.fmax(one, 0.0, out=one), last, out=one)
        return column.astype(np.int64), row.astype(np.int64)


class Cells(NamedTuple):
    """The cells, and the leaves among them."""

    grid: Grid
    code: NDArray[np.int32]
    leaves: Leaves
    levels: IntColumn
    """Where in ``code`` the cells of each size begin."""

    @property
    def nbytes(self) -> int:
        """Bytes held."""
        return self.code.nbytes + sum(column.nbytes for column in self.leaves)

    def boxes(self, at: IntColumn, lon: FloatColumn, lat: FloatColumn) -> tuple[FloatColumn, FloatColumn]:
        """Return (n, 2) south-west corner and size in degrees of the cells there, given a place in each."""
        shift = (CUTS - np.searchsorted(self.levels, at, side="right") + 1) * CUT_BITS
        corner = np.column_stack(self.grid.place(lon, lat)) >> shift[:, None] << shift[:, None]
        per_degree = np.array([self.grid.across, self.grid.up])
        return corner / per_degree + (self.grid.west, self.grid.south), (1 << shift)[:, None] / per_degree

    def find(self, lon: FloatColumn, lat: FloatColumn) -> tuple[IntColumn, NDArray[np.int32]]:
        """Return for each place where its cell stands in ``code``, and the code."""
        column, row = self.grid.place(lon, lat)
        shift = CUTS * CUT_BITS
        at = ((row >> shift) << self.grid.root_bits) + (column >> shift)
        code = self.code.take(at)
        cut = np.flatnonzero(code < 0)
        inner = (1 << CUT_BITS) - 1
        while len(cut):
            shift -= CUT_BITS
            within = ((row.take(cut) >> shift & inner) << CUT_BITS) + (column.take(cut) >> shift & inner)
            place = within - 1 - code.take(cut)  # ~code is where the block begins
            at[cut] = place
            code[cut] = found = self.code.take(place)
            cut = cut[found < 0]
        return at, code


def spread(count: IntColumn) -> tuple[IntColumn, IntColumn]:
    """Return for ``count`` items of each row the row of each item, and its number in that row."""
    row = np.repeat(np.arange(len(count)), count)
    return row, np.arange(len(row)) - (np.cumsum(count) - count)[row]
