"""What is asked of the index for every single point: its cell, the set of zones there, whether an edge is near.

What must stay true here: a place belongs to the cell its two whole numbers name, and those are computed in one way
only (``Lookup._places``), whoever asks; ``look`` never calls an edge out of reach that is within it. Plain loops over
plain numbers: this is compiled (setup.py), and says the same where it is not.
"""

from __future__ import annotations

from collections.abc import Iterable
from math import sqrt
from typing import Final

from librt.vecs import vec
from mypy_extensions import i16, i32, i64

from geofence.leaves import LEAF, Floats, Ints, Leaves

CUT_BITS: Final = 2
"""A cell is cut in 4 by 4."""
CUTS: Final = 5
"""Times a cell of the grid may be cut."""
NEAR: Final = -1
"""Instead of a set's number: an edge may be within reach."""
UNKNOWN: Final = -2
"""Instead of a set's number: how far the edges are from that cell is not known yet. Instead of metres: -1."""


class Lookup:
    """The cells over all zones, and what each knows."""

    def __init__(
        self, west: float, south: float, across: float, up: float, root_bits: i64, code: Iterable[i32], leaves: Leaves
    ) -> None:
        """Take the grid's south-west corner, finest cells a degree east and north, cells a side as a power of 2.

        ``code``: what each cell says (see LEAF), the grid's row by row from the south first.
        """
        self._west, self._south, self._across, self._up = west, south, across, up
        self._root_bits = root_bits
        self._last = float((1 << (root_bits + CUTS * CUT_BITS)) - 1)
        self._code = vec[i32](code)
        self._leaves = leaves
        n: i64 = len(self._code)
        self._clear = vec[i16]([-1] * n)
        """Of each cell, how many metres it is from every edge at least; -1: not known yet."""
        self.nbytes = leaves.nbytes + 6 * n

    def sets(self, lon: Floats, lat: Floats) -> vec[i64]:
        """Return for each point the number of the set of zones that cover it; ASK where shapely is to be asked."""
        xs, ys, codes = vec[float](lon), vec[float](lat), self._code
        found = self._cells(xs, ys)
        n: i64 = len(found)
        i: i64 = 0
        while i < n:
            found[i] = i64(codes[found[i]])
            i += 1
        self._leaves.fill(found, xs, ys)
        return found

    def look(self, lon: Floats, lat: Floats, reach: Floats) -> vec[i64]:
        """Return for each point the number of its set of zones; NEAR where an edge may be within ``reach`` metres."""
        reaches, codes, clear = vec[float](reach), self._code, self._clear
        found = self._cells(vec[float](lon), vec[float](lat))
        n: i64 = len(found)
        i: i64 = 0
        while i < n:
            at = found[i]
            code: i64 = i64(codes[at])
            if code >= LEAF:
                code = NEAR
            elif clear[at] < 0:
                code = UNKNOWN
            elif float(i64(clear[at])) <= reaches[i]:
                code = NEAR
            found[i] = code
            i += 1
        return found

    def cells(self, lon: Floats, lat: Floats) -> tuple[vec[i64], vec[float], vec[float], vec[float], vec[float]]:
        """Return of each point the cell: its number, its south-west corner, and its size, in degrees."""
        columns, rows = self._places(vec[float](lon), vec[float](lat))
        at, shifts = self._found(columns, rows)
        n: i64 = len(at)
        west, south = vec[float]([0.0] * n), vec[float]([0.0] * n)
        wide, high = vec[float]([0.0] * n), vec[float]([0.0] * n)
        i: i64 = 0
        while i < n:
            shift = shifts[i]
            west[i] = float(columns[i] >> shift << shift) / self._across + self._west
            south[i] = float(rows[i] >> shift << shift) / self._up + self._south
            side = float(i64(1) << shift)
            wide[i], high[i] = side / self._across, side / self._up
            i += 1
        return at, west, south, wide, high

    def learn(self, cell: Ints, metres: Ints, wide: float, high: float) -> None:
        """Remember of these cells how far, at least, they are from every edge, and what that says of others.

        ``wide``, ``high``: metres from a cell of the grid to the next. Who goes no farther than that from a cell comes
        no nearer to any edge by more: so one cell far from all edges speaks for many around it.
        """
        at, clear = vec[i64](cell), vec[i64](metres)
        i: i64 = 0
        while i < len(at):
            self._clear[at[i]] = i16(clear[i])
            if at[i] >> (2 * self._root_bits) == 0:
                self._tell_around(at[i], float(clear[i]), wide, high)
            i += 1

    def _tell_around(self, cell: i64, metres: float, wide: float, high: float) -> None:
        """Let the cells of the grid around one, that are known to be half as far as it, or farther, be known."""
        side: i64 = i64(1) << self._root_bits
        row, column = cell >> self._root_bits, cell & (side - 1)
        rows, columns = i64(int(metres / 2 / high)), i64(int(metres / 2 / wide))
        r = max(row - rows, 0)
        while r <= min(row + rows, side - 1):
            c = max(column - columns, 0)
            while c <= min(column + columns, side - 1):
                east, north = float(c - column) * wide, float(r - row) * high
                left = metres - sqrt(east * east + north * north)
                at = (r << self._root_bits) + c
                if 2.0 * left >= metres and self._clear[at] < 0:
                    self._clear[at] = i16(i64(int(left)))
                c += 1
            r += 1

    def grid_cell(self) -> tuple[float, float]:
        """Return the width and height of a cell of the grid, in degrees."""
        side = float(1 << (CUTS * CUT_BITS))
        return side / self._across, side / self._up

    def _cells(self, xs: vec[float], ys: vec[float]) -> vec[i64]:
        """Return where each point's cell stands in ``_code``."""
        column, row = self._places(xs, ys)
        return self._found(column, row)[0]

    def _places(self, xs: vec[float], ys: vec[float]) -> tuple[vec[i64], vec[i64]]:
        """Return column and row of each point's finest cell there may be; beyond the margin, those of the margin."""
        n: i64 = len(xs)
        column, row = vec[i64]([0] * n), vec[i64]([0] * n)
        i: i64 = 0
        while i < n:
            column[i] = self._whole((xs[i] - self._west) * self._across)
            row[i] = self._whole((ys[i] - self._south) * self._up)
            i += 1
        return column, row

    def _whole(self, one: float) -> i64:
        if not one > 0.0:  # nor is what is no number
            return 0
        return i64(int(min(self._last, one)))

    def _found(self, column: vec[i64], row: vec[i64]) -> tuple[vec[i64], vec[i64]]:
        """Return of the cell that holds each finest one where it stands in ``_code``, and its size, as a power of 2.

        All points go down one level before any goes on to the next, and where one goes is not guessed: so the memory
        of many cells is waited for at once.
        """
        codes, n = self._code, i64(len(column))
        at, size, going = vec[i64]([0] * n), vec[i64]([CUTS * CUT_BITS] * n), vec[i64]([0] * n)
        shift: i64 = CUTS * CUT_BITS
        left: i64 = 0
        i: i64 = 0
        while i < n:
            at[i] = ((row[i] >> shift) << self._root_bits) + (column[i] >> shift)
            going[left] = i
            left += codes[at[i]] < 0
            i += 1
        while left > 0:
            shift -= CUT_BITS
            some, left = left, 0
            i = 0
            while i < some:
                one = going[i]
                within: i64 = ((row[one] >> shift & 3) << CUT_BITS) + (column[one] >> shift & 3)
                at[one] = within - 1 - i64(codes[at[one]])  # the complement is where the block begins
                size[one] = shift
                i += 1
            i = 0
            while i < some:
                one = going[i]
                going[left] = one
                left += codes[at[one]] < 0
                i += 1
        return at, size


class Members:
    """Which zones each set has."""

    def __init__(self, start: Iterable[i32], member: Iterable[i32]) -> None:
        """Take of each set where its members begin, and the end, and all members."""
        self.start, self.member = vec[i32](start), vec[i32](member)

    def pairs(self, number: Ints) -> tuple[vec[i64], vec[i64]]:
        """Return (point, zone) for every zone of each point's set, sorted by both."""
        numbers, start, member = vec[i64](number), self.start, self.member
        n: i64 = len(numbers)
        begin = vec[i64]([0] * n)
        total: i64 = 0
        i: i64 = 0
        while i < n:
            begin[i] = i64(start[numbers[i]])
            total += i64(start[numbers[i] + 1]) - begin[i]
            i += 1
        row, zone = vec[i64]([0] * total), vec[i64]([0] * total)
        k: i64 = 0
        i = 0
        while i < n:
            at = begin[i]
            end: i64 = i64(start[numbers[i] + 1])
            while at < end:
                row[k] = i
                zone[k] = i64(member[at])
                k += 1
                at += 1
            i += 1
        return row, zone
