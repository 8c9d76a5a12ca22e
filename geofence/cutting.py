"""Makes the cells of the index: the grid first, then cells cut where edges cross them, size by size.

What must stay true here: what touches a cell is found with room for every rounding (SLACK), so a cell without edges
lies wholly inside or outside of each zone; the number of cells is bounded (CELLS_MOST).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import shapely
from numpy.typing import NDArray

from geofence.cells import FINEST, Grid, spread
from geofence.leaves import LEAF
from geofence.lookup import CUT_BITS, CUTS, Lookup
from geofence.model import IntColumn
from geofence.planting import Boxes, Edges, distinct, plant
from geofence.sets import Sets

EDGES_FEW = 6
"""A cell of the grid is cut if any edge crosses it, a smaller one if more than this do."""
CELLS_MOST = 8_000_000
"""No more cells than about this: 48 MB with their clearance."""
SLACK = 1e-5
"""In cells: what is so near to a cell counts as touching it. Rounding is a thousandth of that and less."""
WHOLE = 1 << CUTS * CUT_BITS
"""Finest cells along a side of a cell of the grid."""


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


class _Made:
    """The cells made so far."""

    def __init__(self, grid: Grid, shapes: NDArray[Any], edges: Edges, sets: Sets, step: Callable[[], None]) -> None:
        self.grid, self.shapes, self.edges, self.sets, self.step = grid, shapes, edges, sets, step
        self.codes: list[IntColumn] = []
        self.boxes: list[Boxes] = []
        self.bases: list[IntColumn] = []
        """Of each leaf the set of zones that hold all of it."""
        self.touching: list[_Touched] = []
        """Of all leaves."""
        self.cells = self.leaves = 0

    def make(self, level: _Level) -> _Level:
        """Make the cells of these blocks; return the blocks those with many edges are cut in."""
        touched = _touched(self.grid, self.edges, level)
        self.step()
        held = _held(self.grid, self.shapes, self.edges, level, touched)
        self.step()
        code = np.repeat(level.base, level.side**2)
        _join(code, held, self.sets)
        self.step()
        self.codes.append(code)
        self.cells += len(code)
        crossed, many = np.unique(touched.cell, return_counts=True)
        cut = _to_cut(self.grid, many, level, self.cells)
        leaves, blocks = _parted(touched, crossed, ~cut), _parted(touched, crossed, cut)
        following = _cut(level, crossed[cut], code[crossed[cut]], blocks)
        code[crossed[cut]] = ~(self.cells + (np.arange(cut.sum()) << 2 * CUT_BITS))
        self._leave(_boxes(self.grid, level, crossed[~cut]), code, crossed[~cut], leaves)
        return following

    def _leave(self, boxes: Boxes, code: IntColumn, cell: IntColumn, touched: _Touched) -> None:
        """Make leaves of these cells."""
        self.boxes.append(boxes)
        self.bases.append(code[cell])
        self.touching.append(touched._replace(cell=touched.cell + self.leaves))
        code[cell] = LEAF + self.leaves + np.arange(len(cell))
        self.leaves += len(cell)


def build(shapes: NDArray[Any], sets: Sets, step: Callable[[], None]) -> Lookup:
    """Return the cells over the shapes, at least one, in degrees, prepared; ``step`` is called now and then."""
    edges = Edges.of(shapes)
    grid = Grid.over(shapely.bounds(shapes), len(edges.x))
    zero, none = np.zeros(1, np.int64), np.zeros(len(edges.x), np.int64)
    level = _Level(1 << grid.root_bits, WHOLE, zero, zero, zero, none, np.arange(len(none)))
    made = _Made(grid, shapes, edges, sets, step)
    while len(level.base):
        level = made.make(level)
    boxes = Boxes(*map(np.concatenate, zip(*made.boxes, strict=True)))
    leaf, edge = map(np.concatenate, zip(*made.touching, strict=True))
    leaves = plant(shapes, edges, boxes, leaf, edge, np.concatenate(made.bases), sets, step)
    return Lookup(*grid, np.concatenate(made.codes).astype(np.int32), leaves)


def _parted(touched: _Touched, crossed: IntColumn, chosen: NDArray[np.bool_]) -> _Touched:
    """Return what touches the chosen ones of the crossed cells, which are numbered anew."""
    at = np.searchsorted(crossed, touched.cell)
    mine = chosen[at]
    return _Touched((np.cumsum(chosen) - 1)[at[mine]], touched.what[mine])


def _cut(level: _Level, cell: IntColumn, base: IntColumn, blocks: _Touched) -> _Level:
    """Return the blocks in which these cells are cut."""
    column, row = _columns_rows(level, cell)
    scale = level.scale >> CUT_BITS
    return _Level(1 << CUT_BITS, scale, column << CUT_BITS, row << CUT_BITS, base, blocks.cell, blocks.what)


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
    if level.scale < WHOLE:  # beyond the ends of a row of the whole grid there is nothing
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


def _join(code: IntColumn, held: _Touched, sets: Sets) -> None:
    """Add to each cell's set the zones that hold it."""
    order = np.lexsort((held.what, held.cell))
    cell, zone = held.cell[order], held.what[order]
    _, first, count = np.unique(cell, return_index=True, return_counts=True)
    for turn in range(int(count.max(initial=0))):
        one = first[count > turn] + turn
        code[cell[one]] = sets.add(code[cell[one]], zone[one])


def _to_cut(grid: Grid, many: IntColumn, level: _Level, total: int) -> NDArray[np.bool_]:
    """Say which of the crossed cells to cut: those with too many edges, the worst first if not all may be."""
    few = 0 if level.scale == WHOLE else EDGES_FEW
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
    width, height = float(level.scale / grid.across), float(level.scale / grid.up)
    west, south = grid.west + column.astype(np.float64) * width, grid.south + row.astype(np.float64) * height
    return Boxes(west, south, np.full(len(cell), width), np.full(len(cell), height))
