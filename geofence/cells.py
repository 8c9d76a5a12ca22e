"""Cells over all zones: a grid, cells of it cut in smaller ones where edges cross, and what each cell knows.

What must stay true here: a place belongs to the cell its two whole numbers name, computed in one way only (``Grid``);
what touches a cell is found with room for every rounding (SLACK), so a cell without edges lies wholly inside or
outside of each zone; the number of cells is bounded (CELLS_MOST).
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import shapely
from numpy.typing import NDArray

from geofence.leaves import Boxes, Edges, Leaves, distinct, plant
from geofence.model import FloatColumn, IntColumn
from geofence.sets import Sets

CUT_BITS = 2
"""A cell is cut in 4 by 4."""
CUTS = 5
"""Times a cell of the grid may be cut."""
EDGES_FEW = 6
"""A cell of the grid is cut if any edge crosses it, a smaller one if more than this do."""
FINEST = 1e-7
"""Degrees, a centimetre: nothing smaller is cut."""
CELLS_MOST = 8_000_000
GRID_BITS_MOST = 10
"""The grid has no more than 1024 cells a side."""
HELD_MOST = 4_000_000
"""Cells of the grid in the bounding boxes of all zones, together."""
SLACK = 1e-5
"""In cells: what is so near to a cell counts as touching it. Rounding is a thousandth of that and less."""
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
        last = float(2 ** (self.root_bits + CUTS * CUT_BITS) - 1)
        column = np.minimum(np.maximum((lon - self.west) * self.across, 0.0), last)
        row = np.minimum(np.maximum((lat - self.south) * self.up, 0.0), last)
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

    def find(self, lon: FloatColumn, lat: FloatColumn) -> tuple[IntColumn, IntColumn]:
        """Return for each place where its cell stands in ``code``, and the code."""
        column, row = self.grid.place(lon, lat)
        shift = CUTS * CUT_BITS
        at = ((row >> shift) << self.grid.root_bits) + (column >> shift)
        code = self.code[at]
        cut = np.flatnonzero(code < 0)
        inner = (1 << CUT_BITS) - 1
        while len(cut):
            shift -= CUT_BITS
            within = ((row[cut] >> shift & inner) << CUT_BITS) + (column[cut] >> shift & inner)
            at[cut] = ~code[cut] + within
            code[cut] = self.code[at[cut]]
            cut = cut[code[cut] < 0]
        return at, code


class _Level(NamedTuple):
    """Blocks of cells of one size, each ``side`` by ``side``, and the edges that touch each block."""

    side: int
    scale: int
    """Finest cells along a side of one of these cells."""
    column: IntColumn
    """Of each block its first column and row, counted in cells of this size."""
    row: IntColumn
    base: IntColumn
    """The set of zones that hold all of the block."""
    block: IntColumn
    edge: IntColumn


class _Touched(NamedTuple):
    """Pairs of a cell and what touches it; a cell's number counts through all blocks of its level."""

    cell: IntColumn
    what: IntColumn


def build(shapes: NDArray[Any], sets: Sets) -> Cells:
    """Return the cells over the shapes, in degrees, prepared."""
    edges = Edges.of(shapes)
    grid = Grid.over(shapely.bounds(shapes), len(edges.x))
    zero = np.zeros(1, np.int64)
    count = len(edges.x)
    level = _Level(
        1 << grid.root_bits, 1 << CUTS * CUT_BITS, zero, zero, zero, np.zeros(count, np.int64), np.arange(count)
    )
    codes: list[IntColumn] = []
    leaves: list[tuple[Boxes, IntColumn, _Touched]] = []
    total = planted = 0
    while len(level.base):
        touched = _touched(grid, edges, level)
        code = np.repeat(level.base, level.side**2)
        cell, zone = _held(grid, shapes, edges, level, touched)
        _join(code, cell, zone, sets)
        total += len(code)
        crossed, many = np.unique(touched.cell, return_counts=True)
        cut = _to_cut(grid, many, level, total)
        leaf = ~cut
        # the leaves
        number = np.full(len(crossed), -1)
        number[leaf] = np.arange(leaf.sum())
        of = np.searchsorted(crossed, touched.cell)
        mine = leaf[of]
        leaves.append(
            (
                _boxes(grid, level, crossed[leaf]),
                code[crossed[leaf]],
                _Touched(number[of[mine]] + planted, touched.what[mine]),
            )
        )
        # the cells to cut
        number[cut] = np.arange(cut.sum())
        inner = 1 << CUT_BITS
        column, row = _columns_rows(level, crossed[cut])
        following = _Level(
            inner,
            level.scale >> CUT_BITS,
            column << CUT_BITS,
            row << CUT_BITS,
            code[crossed[cut]],
            number[of[~mine]],
            touched.what[~mine],
        )
        code[crossed[leaf]] = LEAF + planted + np.arange(leaf.sum())
        code[crossed[cut]] = ~(total + np.arange(cut.sum()) * inner**2)
        planted += int(leaf.sum())
        codes.append(code.astype(np.int32))
        level = following
    boxes = Boxes(*(np.concatenate([getattr(one[0], name) for one in leaves]) for name in Boxes._fields))
    base = np.concatenate([one[1] for one in leaves])
    leaf = np.concatenate([one[2].cell for one in leaves])
    edge = np.concatenate([one[2].what for one in leaves])
    starts = np.cumsum([0, *map(len, codes[:-1])])
    return Cells(grid, np.concatenate(codes), plant(shapes, edges, boxes, leaf, edge, base, sets), starts)


def spread(count: IntColumn) -> tuple[IntColumn, IntColumn]:
    """Return for ``count`` items of each row the row of each item, and its number in that row."""
    row = np.repeat(np.arange(len(count)), count)
    return row, np.arange(len(row)) - (np.cumsum(count) - count)[row]


def _touched(grid: Grid, edges: Edges, level: _Level) -> _Touched:
    """Return which edges touch which cells: row by row of the cells, the columns the edge passes there."""
    block, edge = level.block, level.edge
    across, up = grid.across / level.scale, grid.up / level.scale
    x1, x2 = ((x[edge] - grid.west) * across for x in (edges.x, edges.top_x))
    y1, y2 = ((y[edge] - grid.south) * up for y in (edges.y, edges.top_y))
    row = level.row[block]
    low = np.maximum(np.floor(y1 - SLACK).astype(np.int64), row)
    high = np.minimum(np.floor(y2 + SLACK).astype(np.int64), row + level.side - 1)
    pair, number = spread(np.maximum(high - low + 1, 0))
    at = low[pair] + number
    x1, x2, y1, y2 = x1[pair], x2[pair], y1[pair], y2[pair]
    flat = y2 - y1 < SLACK
    slope = (x2 - x1) / np.where(flat, 1.0, y2 - y1)
    enter = np.where(flat, x1, x1 + (np.clip(at - SLACK, y1, y2) - y1) * slope)
    leave = np.where(flat, x2, x1 + (np.clip(at + 1 + SLACK, y1, y2) - y1) * slope)
    column = level.column[block[pair]]
    low = np.maximum(np.floor(np.minimum(enter, leave) - SLACK).astype(np.int64), column)
    high = np.minimum(np.floor(np.maximum(enter, leave) + SLACK).astype(np.int64), column + level.side - 1)
    strip, number = spread(np.maximum(high - low + 1, 0))
    pair, at, column = pair[strip], at[strip] - row[pair[strip]], low[strip] + number - column[strip]
    return _Touched((block[pair] * level.side + at) * level.side + column, edge[pair])


def _held(grid: Grid, shapes: NDArray[Any], edges: Edges, level: _Level, touched: _Touched) -> _Touched:
    """Return which cells lie wholly in which zones: of each run of untouched cells in a row, one is asked."""
    zones, side = len(shapes), level.side
    block, cell = np.divmod(touched.cell, side * side)
    # Of the block's edges, not the cells': one that touches the block by its slack alone may touch no cell of it.
    pairs = distinct(level.block * zones + edges.zone[level.edge])
    pair = np.searchsorted(pairs, block * zones + edges.zone[touched.what])
    stand = (pair * side + cell // side) * (side + 2) + cell % side + 1
    if level.scale < 1 << CUTS * CUT_BITS:  # beyond the ends of a row of the whole grid there is nothing
        rows = np.arange(len(pairs) * side) * (side + 2)
        stand = np.concatenate((stand, rows, rows + side + 1))
    stand.sort()
    line, column = np.divmod(stand, side + 2)
    run = np.flatnonzero((line[1:] == line[:-1]) & (column[1:] > column[:-1] + 1))
    length = column[run + 1] - column[run] - 1
    pair, row = np.divmod(line[run], side)
    block, zone = np.divmod(pairs[pair], zones)
    cell = (block * side + row) * side + column[run]
    west, south, width, height = _boxes(grid, level, cell)
    inside = shapely.intersects_xy(shapes[zone], west + width / 2, south + height / 2)
    number, step = spread(length[inside])
    return _Touched(cell[inside][number] + step, zone[inside][number])


def _join(code: IntColumn, cell: IntColumn, zone: IntColumn, sets: Sets) -> None:
    """Add to each cell's set the zones that hold it."""
    order = np.lexsort((zone, cell))
    cell, zone = cell[order], zone[order]
    _, first, count = np.unique(cell, return_index=True, return_counts=True)
    for turn in range(int(count.max(initial=0))):
        one = first[count > turn] + turn
        code[cell[one]] = sets.add(code[cell[one]], zone[one])


def _to_cut(grid: Grid, many: IntColumn, level: _Level, total: int) -> NDArray[np.bool_]:
    """Say which of the crossed cells to cut: those with too many edges, the worst first if not all may be."""
    few = 0 if level.scale == 1 << CUTS * CUT_BITS else EDGES_FEW
    cut = np.zeros(len(many), dtype=bool)
    if level.scale > 1 and level.scale / max(grid.across, grid.up) > FINEST:
        most = max(CELLS_MOST - total, 0) >> 2 * CUT_BITS
        worst = np.argsort(-many, kind="stable")[:most]
        cut[worst[many[worst] > few]] = True
    return cut


def _columns_rows(level: _Level, cell: IntColumn) -> tuple[IntColumn, IntColumn]:
    block, within = np.divmod(cell, level.side**2)
    row, column = np.divmod(within, level.side)
    return level.column[block] + column, level.row[block] + row


def _boxes(grid: Grid, level: _Level, cell: IntColumn) -> Boxes:
    column, row = _columns_rows(level, cell)
    width, height = level.scale / grid.across, level.scale / grid.up
    same = np.ones(len(cell))
    return Boxes(grid.west + column * width, grid.south + row * height, width * same, height * same)
