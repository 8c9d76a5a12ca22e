"""Which zones are worth measuring from a place: those whose bounding boxes come near, remembered square by square.

What must stay true here: of every zone that holds a place, or has an edge within its reach, a pair is returned. Plain
loops over plain numbers: this is compiled (setup.py), and says the same where it is not.
"""

from __future__ import annotations

from typing import Final

from librt.vecs import append, vec
from mypy_extensions import i64

from geofence.borders import Borders
from geofence.leaves import Floats, Ints

ACROSS: Final = 666.0
"""Squares per degree of longitude,"""
UP: Final = 1000.0
"""and of latitude: about a hundred metres."""
BITS: Final = 20
"""Of a square's number so many are its row, so many its column, the others its reach."""
REACHES: Final = [50.0, 100.0, 200.0, 500.0]
"""Metres: what is remembered of a square holds for a reach of no more than the least of these that is enough."""
MOST: Final = 200_000
"""Squares remembered,"""
MOST_ZONES: Final = 10 * MOST
"""and zones in all of them: some 40 MB together."""


class Around:
    """The zones around squares. One that is ``full`` is to be replaced by a new one."""

    def __init__(self) -> None:
        self._known: dict[int, int] = {}
        self._start = vec[i64]([0])
        """Of each known square its first in ``_zone``, and the end."""
        self._zone = vec[i64]()

    @property
    def full(self) -> bool:
        """Whether it remembers as much as it may."""
        return len(self._known) >= MOST or len(self._zone) >= MOST_ZONES

    def squares(self, lon: Floats, lat: Floats, reach: Floats) -> vec[i64]:
        """Return the number of each place's square; no reach is more than the last of REACHES."""
        xs, ys, reaches = vec[float](lon), vec[float](lat), vec[float](reach)
        n: i64 = len(xs)
        found = vec[i64]([0] * n)
        i: i64 = 0
        while i < n:
            far: i64 = 0
            while reaches[i] > REACHES[far]:
                far += 1
            column: i64 = i64(int((xs[i] + 180.0) * ACROSS))
            row: i64 = i64(int((ys[i] + 90.0) * UP))
            found[i] = (far << (2 * BITS)) + (column << BITS) + row
            i += 1
        return found

    def strange(self, square: Ints) -> list[int]:
        """Return those of the squares that are not known, each once."""
        squares, known = vec[i64](square), self._known
        new: dict[int, None] = {}
        i: i64 = 0
        while i < len(squares):
            if squares[i] not in known:
                new[squares[i]] = None
            i += 1
        return list(new)

    def learn(self, square: list[int], count: Ints, zone: Ints) -> None:
        """Remember the zones around squares: of each how many there are, and all of them, ascending in each."""
        counts, zones = vec[i64](count), vec[i64](zone)
        i: i64 = 0
        while i < len(counts):
            self._known[square[i]] = len(self._start) - 1
            self._start = append(self._start, self._start[len(self._start) - 1] + counts[i])
            i += 1
        i = 0
        while i < len(zones):
            self._zone = append(self._zone, zones[i])
            i += 1

    def pairs(
        self, square: Ints, row: Ints, lon: Floats, lat: Floats, reach: Floats, borders: Borders
    ) -> tuple[vec[i64], vec[i64]]:
        """Return (row, zone) for each place, given its square and its row, and each zone whose box it reaches."""
        squares, rows, xs, ys, reaches = (
            vec[i64](square),
            vec[i64](row),
            vec[float](lon),
            vec[float](lat),
            vec[float](reach),
        )
        found, zones = vec[i64](capacity=2 * len(rows)), vec[i64](capacity=2 * len(rows))
        i: i64 = 0
        while i < len(squares):
            at: i64 = i64(self._known[squares[i]])
            k: i64 = self._start[at]
            while k < self._start[at + 1]:
                zone = self._zone[k]
                if borders.reached(zone, xs[i], ys[i], reaches[i]):
                    found = append(found, rows[i])
                    zones = append(zones, zone)
                k += 1
            i += 1
        return found, zones
