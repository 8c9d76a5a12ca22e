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

DOUBT = 1e-12
"""Degrees: computed as below, the longitude of an edge whose ends are within 360 degrees is wrong by less."""


Numbers = NDArray[np.integer]


class Leaves(NamedTuple):
    """The leaves, as columns."""

    leaf: NDArray[np.int32]
    """Rows, one a leaf: its first piece, how many it has, where its table begins (-1: it has none, being crowded), and
    the bits that are set where no piece is crossed."""
    piece: NDArray[np.int32]
    """Numbers of rows of ``edge``."""
    bit: NDArray[np.uint8]
    """Of each piece the bit of its zone."""
    edge: FloatColumn
    """Rows: bottom, top, longitude at the bottom, degrees east per degree north."""
    zone_start: IntColumn
    """Of each leaf its first in ``zone``, and the end."""
    zone: NDArray[np.int32]
    """The zones whose edges touch a leaf; the first has bit 1, the second 2, and so on."""
    table: NDArray[np.int32]
    """For each combination of a leaf's bits the number of the set of zones."""

    def sets(self, shapes: NDArray[Any], leaf: Numbers, x: FloatColumn, y: FloatColumn) -> NDArray[np.int32]:
        """Return for each point, in a leaf each, the number of its set of zones; -1 where the leaf is crowded."""
        bits, doubt = self.crossings(leaf, x, y)
        _, _, table, base = self.leaf.take(leaf, axis=0).T
        at = table + (bits ^ base)
        if len(doubt):
            crowded = table[doubt] < 0
            at[doubt[crowded]] = 0
            doubt, crowd = doubt[~crowded], doubt[crowded]
            at[doubt] = table[doubt] + self.truth(shapes, leaf[doubt], x[doubt], y[doubt])
            found: NDArray[np.int32] = self.table.take(at)
            found[crowd] = -1
            return found
        return np.asarray(self.table.take(at))

    def crossings(self, leaf: Numbers, x: FloatColumn, y: FloatColumn) -> tuple[NDArray[np.uint8], IntColumn]:
        """Return for each point, in a leaf each, the bits its pieces set, and the points where that is in doubt."""
        start, count, _, _ = self.leaf.take(leaf, axis=0).T
        end = np.cumsum(count, dtype=np.int64)
        first = end - count
        piece = np.repeat(start - first, count)
        piece += np.arange(len(piece))
        bottom, top, west, slope = self.edge.take(self.piece.take(piece), axis=0).T
        y = np.repeat(y, count)
        beyond = np.repeat(x, count) - (west + (y - bottom) * slope)
        bit = self.bit.take(piece) * ((beyond > 0) & (bottom <= y) & (y < top))
        bits = np.bitwise_xor.reduceat(bit, first)
        sure = np.abs(beyond) > DOUBT
        if sure.all():
            return bits, np.empty(0, np.int64)
        doubt = ~sure & (bottom <= y) & (y <= top)
        return bits, np.flatnonzero(np.logical_or.reduceat(doubt, first))

    def truth(self, shapes: NDArray[Any], leaf: Numbers, x: FloatColumn, y: FloatColumn) -> IntColumn:
        """Return for each point, in a leaf each, the bits of the zones that cover it, by shapely."""
        start = self.zone_start[leaf]
        count = self.zone_start[leaf + 1] - start
        at = np.repeat(np.arange(len(leaf)), count)
        slot = np.arange(len(at)) - (np.cumsum(count) - count)[at]
        inside = shapely.intersects_xy(shapes[self.zone[start[at] + slot]], x[at], y[at])
        bits = np.zeros(len(leaf), dtype=np.int64)
        np.bitwise_or.at(bits, at[inside], 1 << slot[inside])
        return bits
