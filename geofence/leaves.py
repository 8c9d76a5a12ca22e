"""The cells of the index that edges cross: which zones hold a point there, by counting crossings of a few edges.

What must stay true here: a point's zones are those whose edges a ray from it to the west crosses an odd number of
times; a leaf holds every edge that touches it, and of the edges elsewhere only where they begin to count; whatever
is nearer to an edge than rounding can tell is left to shapely, so the answer is always shapely's.

Of the edges that do not touch a leaf, the ray from a point of the leaf crosses an even or an odd number. Within the
leaf that can change only with the point's latitude, and only at a corner to the west of the leaf where an edge that
touches the leaf meets one that does not. Such a corner is held as a *step*: an edge far to the west that ends at the
corner's latitude. What remains is one bit a leaf and zone, found by asking shapely about the leaf's middle.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import shapely
from numpy.typing import NDArray

from geofence.model import FloatColumn, IntColumn
from geofence.sets import Sets

DOUBT = 1e-12
"""Degrees: computed as below, the longitude of an edge whose ends are within 360 degrees is wrong by less."""
CROWD = 5
"""A leaf crossed by the edges of more zones than this has no table of sets: shapely is asked."""
TRIES = 20
"""Points of a leaf looked at for one that is in no doubt."""
FAR = 1e9
"""Degrees: west of, or beyond, everything."""


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
    """Cells by what bounds them, in degrees; what lies within ``slack`` of one counts as touching it."""

    west: FloatColumn
    south: FloatColumn
    width: FloatColumn
    height: FloatColumn


class Leaves(NamedTuple):
    """The leaves, as columns."""

    start: IntColumn
    """Of each leaf its first piece, and the end."""
    piece: IntColumn
    """A row of ``row``."""
    bit: NDArray[np.uint8]
    """Of each piece the bit of its zone."""
    row: FloatColumn
    zone_start: IntColumn
    zone: IntColumn
    """The zones whose edges touch a leaf; the first has bit 1, the second 2, and so on."""
    base: NDArray[np.uint8]
    """Of each leaf the bits that are set where no piece is crossed."""
    table_start: IntColumn
    """-1: crowded."""
    table: NDArray[np.int32]
    """For each combination of bits the number of the set of zones."""

    def crossings(self, leaf: IntColumn, x: FloatColumn, y: FloatColumn) -> tuple[IntColumn, NDArray[np.bool_]]:
        """Return for each point, in a leaf each, the bits its pieces set, and whether that is in doubt."""
        start = self.start[leaf]
        count = self.start[leaf + 1] - start
        end = np.cumsum(count)
        first = end - count
        at = np.repeat(np.arange(len(leaf)), count)
        number = np.arange(len(at)) + (start - first)[at]
        bottom, top, west, slope = self.row[self.piece[number]].T
        y = y[at]
        beyond = x[at] - (west + (y - bottom) * slope)
        level = (bottom <= y) & (y <= top)
        doubt = level & ~(np.abs(beyond) > DOUBT)
        crossed = level & (y < top) & (beyond > 0)
        bits = np.bitwise_xor.reduceat(self.bit[number] * crossed, first)
        return bits, np.logical_or.reduceat(doubt, first)

    def truth(self, shapes: NDArray[Any], leaf: IntColumn, x: FloatColumn, y: FloatColumn) -> IntColumn:
        """Return for each point, in a leaf each, the bits of the zones that cover it, by shapely."""
        start = self.zone_start[leaf]
        count = self.zone_start[leaf + 1] - start
        at = np.repeat(np.arange(len(leaf)), count)
        slot = np.arange(len(at)) - (np.cumsum(count) - count)[at]
        inside = shapely.intersects_xy(shapes[self.zone[start[at] + slot]], x[at], y[at])
        bits = np.zeros(len(leaf), dtype=np.int64)
        np.bitwise_or.at(bits, at[inside], 1 << slot[inside])
        return bits

    def sets(self, shapes: NDArray[Any], leaf: IntColumn, x: FloatColumn, y: FloatColumn) -> IntColumn:
        """Return for each point, in a leaf each, the number of its set of zones; -1 where the leaf is crowded."""
        bits, doubt = self.crossings(leaf, x, y)
        bits = (bits ^ self.base[leaf]).astype(np.int64)
        start = self.table_start[leaf]
        if doubt.any():
            crowded = start < 0
            unsure = np.flatnonzero(doubt & ~crowded)
            bits[unsure] = self.truth(shapes, leaf[unsure], x[unsure], y[unsure])
            return np.where(crowded, -1, self.table[np.where(crowded, 0, start + bits)])
        return self.table[start + bits]


def plant(
    shapes: NDArray[Any], edges: Edges, boxes: Boxes, leaf: IntColumn, edge: IntColumn, base: IntColumn, sets: Sets
) -> Leaves:
    """Return the leaves: pairs of leaf and edge say which touch, ``base`` which set holds all of each leaf."""
    n = len(boxes.west)
    zones = len(shapes)
    pair = distinct(leaf * zones + edges.zone[edge])
    zone_leaf, zone = np.divmod(pair, zones)
    zone_start = np.searchsorted(zone_leaf, np.arange(n + 1))
    step_leaf, step_zone, step, heights = _steps(edges, boxes, leaf, edge)
    crowd_row = len(edges.x) + len(heights)
    rows = np.concatenate((edges.rows(), _walls(heights), [[-FAR, FAR, np.nan, 0.0]]))
    crowded = np.diff(zone_start) > CROWD
    piece_leaf = np.concatenate((leaf, step_leaf))
    piece_zone = np.concatenate((edges.zone[edge], step_zone))
    piece = np.concatenate((edge, step + len(edges.x)))
    keep = ~crowded[piece_leaf]
    alone = np.flatnonzero(crowded)
    piece_leaf = np.concatenate((piece_leaf[keep], alone))
    slot = (
        np.searchsorted(pair, piece_leaf[: keep.sum()] * zones + piece_zone[keep])
        - zone_start[piece_leaf[: keep.sum()]]
    )
    bit = np.concatenate((1 << slot, np.zeros(len(alone), np.int64))).astype(np.uint8)
    piece = np.concatenate((piece[keep], np.full(len(alone), crowd_row)))
    order = np.argsort(piece_leaf, kind="stable")
    start = np.searchsorted(piece_leaf[order], np.arange(n + 1))
    table_start, table = _tables(zone_start, zone, base, sets)
    leaves = Leaves(
        start,
        piece[order].astype(np.int32),
        bit[order],
        rows,
        zone_start,
        zone,
        np.zeros(n, np.uint8),
        table_start,
        table,
    )
    return leaves._replace(base=_bases(leaves, shapes, boxes, np.flatnonzero(~crowded)))


def distinct(numbers: IntColumn) -> IntColumn:
    """Return the distinct numbers, none below 0, ascending. ``np.unique`` hashes them, many times slower."""
    numbers = np.sort(numbers)
    return numbers[np.diff(numbers, prepend=-1) > 0]


def _steps(
    edges: Edges, boxes: Boxes, leaf: IntColumn, edge: IntColumn
) -> tuple[IntColumn, IntColumn, IntColumn, FloatColumn]:
    """Return (leaf, zone, number of a height) of the corners west of a leaf, at its height, and all heights.

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
    return at[odd], zone[odd], number[odd], heights


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


def _bases(leaves: Leaves, shapes: NDArray[Any], boxes: Boxes, leaf: IntColumn) -> NDArray[np.uint8]:
    """Return what the bits of each leaf are where its pieces set none: from one point of each that is in no doubt.

    A leaf without such a point gets a piece that puts everything in doubt.
    """
    base = np.zeros(len(boxes.west), dtype=np.uint8)
    for turn in range(TRIES):
        across, up = (0.5 + turn * 0.7549) % 1.0, (0.5 + turn * 0.5698) % 1.0  # spread evenly (Roberts 2018, R2)
        x, y = boxes.west[leaf] + across * boxes.width[leaf], boxes.south[leaf] + up * boxes.height[leaf]
        bits, doubt = leaves.crossings(leaf, x, y)
        base[leaf] = bits ^ leaves.truth(shapes, leaf, x, y)
        leaf = leaf[doubt]
        if not len(leaf):
            break
    leaves.piece[leaves.start[leaf]] = len(leaves.row) - 1
    return base
