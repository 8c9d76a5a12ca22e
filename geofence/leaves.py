"""The cells of the index that edges cross: which zones hold a point there.

What must stay true here: the answer is shapely's, or that shapely is to be asked. Plain loops over plain numbers: this
is compiled (setup.py), and says the same where it is not.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from librt.vecs import vec
from mypy_extensions import i32, i64, u8

LEAF: Final = 1 << 30
"""A cell's code: below 0 the complement of where the cells it was cut in begin; from here on a leaf; else a set."""
DOUBT: Final = 1e-12
"""Degrees: computed as below, the longitude of an edge whose ends are within 360 degrees is wrong by less."""
ASK: Final = -1
"""Instead of a set's number: shapely is to be asked."""

Floats = Iterable[float]
Ints = Iterable[i64]


class Leaves:
    """The cells that edges cross: which zones hold a point there, by counting crossings of a few edges.

    A point's zones are those whose edges a ray from it to the west crosses an odd number of times. A leaf holds every
    edge that touches it, and of the edges elsewhere only where they begin to count; whatever is nearer to an edge than
    rounding can tell is left to shapely, so the answer is always shapely's.

    Of the edges that do not touch a leaf, the ray from a point of the leaf crosses an even or an odd number. Within
    the leaf that can change only with the point's latitude, and only at a corner to the west of the leaf where an edge
    that touches the leaf meets one that does not. Such a corner is held as a *step*: an edge far to the west that ends
    at the corner's latitude. What remains is one bit a leaf and zone, found by asking shapely about one of its points.
    """

    def __init__(
        self, leaf: Iterable[i32], piece: Iterable[i32], bit: Iterable[u8], edge: Floats, table: Iterable[i32]
    ) -> None:
        """Take the leaves as columns.

        ``leaf``: four a leaf: its first piece, how many it has, where its table begins (-1: it has none, being
        crowded), and the bits that are set where no piece is crossed. ``piece``: numbers of edges, ``bit``: the bit of
        each piece's zone. ``edge``: four each: bottom, top, longitude at the bottom, degrees east per degree north.
        ``table``: for each combination of a leaf's bits the number of the set of zones.
        """
        self._leaf = vec[i32](leaf)
        self._piece = vec[i32](piece)
        self._bit = vec[u8](bit)
        self._edge = vec[float](edge)
        self._table = vec[i32](table)
        self.nbytes = 4 * (len(self._leaf) + len(self._piece) + len(self._table)) + len(self._bit) + 8 * len(self._edge)

    def bits(self, leaf: i64, x: float, y: float) -> i64:
        """Return the bits of the zones that hold the point; ASK where it is in doubt."""
        leaves, pieces, edge = self._leaf, self._piece, self._edge
        piece: i64 = i64(leaves[4 * leaf])
        end: i64 = piece + i64(leaves[4 * leaf + 1])
        bits: i64 = i64(leaves[4 * leaf + 3])
        while piece < end:
            at: i64 = 4 * i64(pieces[piece])
            bottom = edge[at]
            top = edge[at + 1]
            if bottom <= y <= top:
                beyond = x - (edge[at + 2] + (y - bottom) * edge[at + 3])
                if beyond > DOUBT:
                    if y < top:
                        bits ^= i64(self._bit[piece])
                elif not beyond < -DOUBT:
                    return ASK
            piece += 1
        return bits

    def fill(self, code: vec[i64], xs: vec[float], ys: vec[float]) -> None:
        """Put the number of the set of zones in the place of each point's leaf (see LEAF); ASK where it is in doubt.

        What the points need is fetched for all of them before any is looked at, so that nobody waits for it alone.
        Every leaf has a piece.
        """
        leaves, pieces, edge, table, n = self._leaf, self._piece, self._edge, self._table, i64(len(code))
        rows = vec[i64]([0] * n)
        many: i64 = 0
        i: i64 = 0
        while i < n:
            rows[many] = i
            many += code[i] >= LEAF
            i += 1
        piece, fetched = vec[i64]([0] * many), vec[float]([0.0] * many)
        i = 0
        while i < many:
            piece[i] = i64(leaves[4 * (code[rows[i]] - LEAF)])
            i += 1
        i = 0
        while i < many:
            piece[i] = i64(pieces[piece[i]])
            i += 1
        i = 0
        while i < many:
            fetched[i] = edge[4 * piece[i]]  # nobody reads this: it only brings the edge near
            i += 1
        i = 0
        while i < many:
            leaf: i64 = code[rows[i]] - LEAF
            begin: i64 = i64(leaves[4 * leaf + 2])
            bits: i64 = ASK if begin < 0 else self.bits(leaf, xs[rows[i]], ys[rows[i]])
            piece[i] = ASK if bits == ASK else begin + bits
            i += 1
        i = 0
        while i < many:
            code[rows[i]] = ASK if piece[i] == ASK else i64(table[piece[i]])
            i += 1

    def all_bits(self, leaf: Ints, x: Floats, y: Floats) -> vec[i64]:
        """Return the same as ``bits`` for each point, in a leaf each."""
        leaves, xs, ys = vec[i64](leaf), vec[float](x), vec[float](y)
        n: i64 = len(leaves)
        found = vec[i64]([0] * n)
        i: i64 = 0
        while i < n:
            found[i] = self.bits(leaves[i], xs[i], ys[i])
            i += 1
        return found

    def begin(self, leaf: Ints, bits: Ints) -> None:
        """Set the bits of each leaf that are set where no piece is crossed."""
        leaves, base = vec[i64](leaf), vec[i64](bits)
        i: i64 = 0
        while i < len(leaves):
            self._leaf[4 * leaves[i] + 3] = i32(base[i])
            i += 1

    def doubt(self, leaf: Ints, edge: i64) -> None:
        """Put an edge in the place of each leaf's first piece: one that leaves everything in doubt."""
        leaves = vec[i64](leaf)
        i: i64 = 0
        while i < len(leaves):
            self._piece[i64(self._leaf[4 * leaves[i]])] = i32(edge)
            i += 1
