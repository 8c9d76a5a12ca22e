"""Makes the leaves of the index (see ``geofence.lookup``): which edges and steps each has, its tables, its base.

What must stay true here: a leaf is given every edge that touches it, each with the zone it bounds; a zone that touches
a leaf has a bit there, and no other has.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import shapely
from numpy.typing import NDArray

from geofence.cells import spread
from geofence.leaves import ASK, Leaves
from geofence.model import FloatColumn, IntColumn
from geofence.sets import Sets

CROWD = 5
"""A leaf touched by the edges of more zones than this has no table of sets: shapely is asked."""
TRIES = 20
"""Points of a leaf looked at for one that is in no doubt."""
FAR = 1e9
"""Degrees: west of, or beyond, everything."""
UNSURE = [[-FAR, FAR, np.nan, 0.0]]
"""An edge that puts everything in doubt."""


class Edges(NamedTuple):
    """Edges of all zones, each from its lower end to its upper."""

    x: FloatColumn
    y: FloatColumn
    top_x: FloatColumn
    top_y: FloatColumn
    zone: IntColumn

    @classmethod
    def of(cls, shapes: NDArray[Any]) -> Edges:
        """Return the edges of the shapes."""
        parts, zone = shapely.get_parts(shapes, return_index=True)
        rings, part = shapely.get_rings(parts, return_index=True)
        xy, ring = shapely.get_coordinates(rings, return_index=True)
        true = (ring[1:] == ring[:-1]) & (xy[1:] != xy[:-1]).any(axis=1)
        a, b = xy[:-1][true], xy[1:][true]
        rising = (a[:, 1] <= b[:, 1])[:, None]
        low, high = np.where(rising, a, b), np.where(rising, b, a)
        return cls(low[:, 0], low[:, 1], high[:, 0], high[:, 1], zone[part[ring[:-1][true]]])

    def rows(self) -> FloatColumn:
        """Return rows of bottom, top, longitude at the bottom, degrees east per degree north.

        Of an edge too flat to tell the last the longitude is NaN: nothing is sure at its height.
        """
        with np.errstate(all="ignore"):
            slope = (self.top_x - self.x) / (self.top_y - self.y)
        flat = ~np.isfinite(slope)
        x, slope = np.where(flat, np.nan, self.x), np.where(flat, 0.0, slope)
        return np.column_stack((self.y, self.top_y, x, slope))


class Boxes(NamedTuple):
    """Cells by what bounds them, in degrees."""

    west: FloatColumn
    south: FloatColumn
    width: FloatColumn
    height: FloatColumn


class Pieces(NamedTuple):
    """What leaves hold: of each its leaf, its zone, its number among the edges."""

    leaf: IntColumn
    zone: IntColumn
    number: IntColumn


def plant(
    shapes: NDArray[Any], edges: Edges, boxes: Boxes, leaf: IntColumn, edge: IntColumn, base: IntColumn, sets: Sets,
    step: Callable[[], None],
) -> Leaves:  # fmt: skip
    """Return the leaves: pairs of leaf and edge say which touch, ``base`` which set holds all of each leaf."""
    zones, n = len(shapes), len(base)
    touching = distinct(leaf * zones + edges.zone[edge])
    owner, zone = np.divmod(touching, zones)
    zone_start = np.searchsorted(owner, np.arange(n + 1))
    crowded = np.diff(zone_start) > CROWD
    keep = ~crowded[leaf]
    pieces, heights = _pieces(edges, boxes, leaf[keep], edge[keep])
    step()
    slot = np.searchsorted(touching, pieces.leaf * zones + pieces.zone) - zone_start[pieces.leaf]
    rows = np.concatenate((edges.rows(), _walls(heights), UNSURE))
    crowd = np.flatnonzero(crowded)
    at = np.concatenate((pieces.leaf, crowd))
    order = np.argsort(at, kind="stable")
    number = np.concatenate((pieces.number, np.full(len(crowd), len(rows) - 1)))[order].astype(np.int32)
    bit = np.concatenate((1 << slot, np.zeros(len(crowd), np.int64)))[order].astype(np.uint8)
    count = np.bincount(at, minlength=n)
    table_start, table = _tables(zone_start, zone, base, sets)
    step()
    columns = np.column_stack((np.cumsum(count) - count, count, table_start, np.zeros(n, np.int64))).astype(np.int32)
    leaves = Leaves(columns.ravel(), number, bit, rows.ravel(), table)
    _find_bases(leaves, _Touched(shapes, zone_start, zone), boxes, np.flatnonzero(~crowded), len(rows) - 1)
    return leaves


def _pieces(edges: Edges, boxes: Boxes, leaf: IntColumn, edge: IntColumn) -> tuple[Pieces, FloatColumn]:
    """Return edges and steps of the leaves, and the heights of the steps, numbered on from the edges."""
    steps, heights = _steps(edges, boxes, leaf, edge)
    both = Pieces(leaf, edges.zone[edge], edge), steps._replace(number=steps.number + len(edges.x))
    return Pieces(*(np.concatenate(columns) for columns in zip(*both, strict=True))), heights


def distinct(numbers: IntColumn) -> IntColumn:
    """Return the distinct numbers, none below 0, ascending. ``np.unique`` hashes them, many times slower."""
    numbers = np.sort(numbers)
    return numbers[np.diff(numbers, prepend=-1) > 0]


def _steps(edges: Edges, boxes: Boxes, leaf: IntColumn, edge: IntColumn) -> tuple[Pieces, FloatColumn]:
    """Return the corners west of a leaf and at its height, numbered by their own heights; and those heights.

    A corner of two edges that both touch the leaf comes twice, and cancels.
    """
    slack = boxes.height * 1e-3
    found_leaf, found_edge, found_y = [], [], []
    for x, y in ((edges.x, edges.y), (edges.top_x, edges.top_y)):
        vx, vy, south = x[edge], y[edge], boxes.south[leaf]
        west = (vx < boxes.west[leaf]) & (south - slack[leaf] <= vy) & (vy <= south + boxes.height[leaf] + slack[leaf])
        found_leaf.append(leaf[west])
        found_edge.append(edge[west])
        found_y.append(vy[west])
    heights, number = np.unique(np.concatenate(found_y), return_inverse=True)
    at, zone = np.concatenate(found_leaf), edges.zone[np.concatenate(found_edge)]
    order = np.lexsort((number, zone, at))
    at, zone, number = at[order], zone[order], number[order]
    new = np.ones(len(at), dtype=bool)
    new[1:] = (at[1:] != at[:-1]) | (zone[1:] != zone[:-1]) | (number[1:] != number[:-1])
    first = np.flatnonzero(new)
    odd = first[np.diff(np.append(first, len(at))) % 2 == 1]
    return Pieces(at[odd], zone[odd], number[odd]), heights


def _walls(heights: FloatColumn) -> FloatColumn:
    """Return rows of edges far to the west that end at these heights."""
    far = np.full(len(heights), -FAR)
    return np.column_stack((far, heights, far, np.zeros(len(heights))))


def _tables(zone_start: IntColumn, zone: IntColumn, base: IntColumn, sets: Sets) -> tuple[IntColumn, NDArray[np.int32]]:
    """Return for each leaf and combination of its zones the number of that set, with the zones that hold it all."""
    count = np.diff(zone_start)
    size = np.where(count > CROWD, 0, 1 << np.minimum(count, CROWD))
    start = np.cumsum(size) - size
    table = np.zeros(size.sum(), dtype=np.int32)
    fine = np.flatnonzero(size)
    table[start[fine]] = base[fine]
    for slot in range(CROWD):
        has = fine[count[fine] > slot]
        for bits in range(1 << slot):
            table[start[has] + bits + (1 << slot)] = sets.add(table[start[has] + bits], zone[zone_start[has] + slot])
    return np.where(size > 0, start, -1), table


class _Touched(NamedTuple):
    """The zones whose edges touch leaves; the first of a leaf has bit 1, the second 2, and so on."""

    shapes: NDArray[Any]
    start: IntColumn
    """Of each leaf its first in ``zone``, and the end."""
    zone: IntColumn

    def truth(self, leaf: IntColumn, x: FloatColumn, y: FloatColumn) -> IntColumn:
        """Return for each point, in a leaf each, the bits of the zones that cover it, by shapely."""
        at, slot = spread(self.start[leaf + 1] - self.start[leaf])
        inside = shapely.intersects_xy(self.shapes[self.zone[self.start[leaf][at] + slot]], x[at], y[at])
        bits = np.zeros(len(leaf), dtype=np.int64)
        np.bitwise_or.at(bits, at[inside], 1 << slot[inside])
        return bits


def _find_bases(leaves: Leaves, touched: _Touched, boxes: Boxes, leaf: IntColumn, unsure: int) -> None:
    """Set what the bits of each leaf are where its pieces set none: from one point of each that is in no doubt.

    A leaf without such a point gets a piece that puts everything in doubt: the edge ``unsure``.
    """
    for turn in range(TRIES):
        across, up = (0.5 + turn * 0.7549) % 1.0, (0.5 + turn * 0.5698) % 1.0  # spread evenly (Roberts 2018, R2)
        x, y = boxes.west[leaf] + across * boxes.width[leaf], boxes.south[leaf] + up * boxes.height[leaf]
        bits = np.array(leaves.all_bits(leaf, x, y), dtype=np.int64)
        sure = bits != ASK
        leaves.begin(leaf[sure], bits[sure] ^ touched.truth(leaf[sure], x[sure], y[sure]))
        leaf = leaf[~sure]
        if not len(leaf):
            return
    leaves.doubt(leaf, unsure)
