"""Where the edge of a zone is nearest to a point, and what a batch of points sees of the zones.

What must stay true here: each zone's edges are in metres, in a plane of its own (``geofence.plane``); a distance is to
the nearest point of any of them. Plain loops over plain numbers: this is compiled (setup.py), and says the same where
it is not.
"""

from __future__ import annotations

from collections.abc import Iterable
from math import sqrt
from typing import Final, TypeAlias

from librt.vecs import vec
from mypy_extensions import i64, u8

from geofence.leaves import Floats, Ints
from geofence.lookup import Members

BROADER: Final = 1.0 + 1e-9
"""What is nearer than so many times the reach is measured to the end,"""
EVERYWHERE: Final = 1e9
"""Metres: more than there are."""
CLOSE: Final = 1e-4
"""and what is within a centimetre of it: a reach may be nought."""

Sighted: TypeAlias = "tuple[i64, vec[i64], vec[i64], vec[float], vec[float], vec[float], vec[u8]]"
"""How many pairs there are; of each its row, its zone, the distance to the edge, the way it grows, whether it is near;
what follows after so many means nothing."""


class Borders:
    """The edges of all zones, in chunks of neighbours."""

    def __init__(
        self, frame: Floats, whole: Floats, chunk: Ints, first: Ints, box: Floats, edge: Floats, end: Floats
    ) -> None:
        """Take them as columns.

        ``frame``: four a zone: longitude and latitude where its plane touches the earth, metres a degree east, north.
        ``whole``: two a zone: half the width and height of its bounding box, whose middle that place is.
        ``chunk``: of each zone its first chunk, and the end; ``first``: of each chunk its first edge, and the end.
        ``box``: four a chunk: west, south, east, north. ``edge``: five each: where it begins, how far it goes east and
        north, and one over the square of its length (0 for one without length); ``end``: how far north it ends, which
        is to the last bit where another begins.
        """
        self._frame, self._chunk, self._first = vec[float](frame), vec[i64](chunk), vec[i64](first)
        self._whole, self._box, self._edge = vec[float](whole), vec[float](box), vec[float](edge)
        self._end = vec[float](end)

    def reached(self, zone: i64, lon: float, lat: float, reach: float) -> bool:
        """Return whether the zone's bounding box comes within reach of the place."""
        return self._square(zone, lon, lat) <= reach * reach * BROADER + CLOSE

    def sight(
        self, number: Ints, members: Members, lon: Floats, lat: Floats, reach: Floats,
        row: Ints, zone: Ints, inside: Iterable[u8],
    ) -> Sighted:  # fmt: skip
        """Return the zones that hold each point, or have an edge within its reach, sorted by both.

        ``number``: of each point the set of zones that hold it, every edge being out of reach; below 0: its zones are
        among ``row`` and ``zone``, sorted, with ``inside`` said of each. Distances are no more than the reach in size.
        """
        numbers, reaches, xs, ys = vec[i64](number), vec[float](reach), vec[float](lon), vec[float](lat)
        rows, zones, within = vec[i64](row), vec[i64](zone), vec[u8](inside)
        n: i64 = len(numbers)
        most = _pairs(numbers, members) + len(rows)
        at, what = vec[i64]([0] * most), vec[i64]([0] * most)
        signed, east, north = vec[float]([0.0] * most), vec[float]([0.0] * most), vec[float]([0.0] * most)
        near = vec[u8]([0] * most)
        k: i64 = 0
        j: i64 = 0
        i: i64 = 0
        while i < n:
            if numbers[i] >= 0:
                held: i64 = i64(members.start[numbers[i]])
                end: i64 = i64(members.start[numbers[i] + 1])
                while held < end:
                    at[k], what[k], signed[k] = i, i64(members.member[held]), reaches[i]
                    k += 1
                    held += 1
            while j < len(rows) and rows[j] == i:
                distance, x, y = self._nearest(zones[j], xs[i], ys[i], reaches[i])
                if within[j] or distance <= reaches[i]:
                    sign = 1.0 if within[j] else -1.0
                    at[k], what[k], signed[k] = i, zones[j], sign * min(distance, reaches[i])
                    if distance <= reaches[i]:
                        near[k] = 1
                        if distance > 0.0:  # on the edge itself no way is known
                            east[k], north[k] = sign * x / distance, sign * y / distance
                    k += 1
                j += 1
            i += 1
        return k, at, what, signed, east, north, near

    def away(self, lon: float, lat: float) -> float:
        """Return how far the place lies from the bounding box of the first zone, in metres."""
        return sqrt(self._square(0, lon, lat))

    def depth(self, lon: float, lat: float, away: float, far: float) -> float:
        """Return how deep in the first zone the place lies, so far ``away`` from its bounding box (outside negative).

        From ``far`` metres away on, that is the distance to the box: no more than the true one.
        """
        if not away < far:
            return -away
        distance = self._nearest(0, lon, lat, EVERYWHERE)[0]
        return distance if away == 0.0 and self._held(lon, lat) else -distance

    def depths(self, lon: Floats, lat: Floats, far: float) -> vec[float]:
        """Return the depth of each place."""
        xs, ys = vec[float](lon), vec[float](lat)
        n: i64 = len(xs)
        found = vec[float]([0.0] * n)
        i: i64 = 0
        while i < n:
            found[i] = self.depth(xs[i], ys[i], self.away(xs[i], ys[i]), far)
            i += 1
        return found

    def _held(self, lon: float, lat: float) -> bool:
        """Return whether the first zone holds the place: it has an odd number of edges to the east of it.

        So near to an edge that rounding decides, either may be said: there the depth is nought.
        """
        x, y = (lon - self._frame[0]) * self._frame[2], (lat - self._frame[1]) * self._frame[3]
        boxes, edges, ends, odd = self._box, self._edge, self._end, False
        chunk: i64 = 0
        while chunk < self._chunk[1]:
            b: i64 = 4 * chunk
            if boxes[b + 1] <= y <= boxes[b + 3] and x <= boxes[b + 2]:
                at: i64 = self._first[chunk]
                while at < self._first[chunk + 1]:
                    e: i64 = 5 * at
                    if (edges[e + 1] > y) != (ends[at] > y):
                        odd = odd != (x < edges[e] + (y - edges[e + 1]) * edges[e + 2] / edges[e + 3])
                    at += 1
            chunk += 1
        return odd

    def _square(self, zone: i64, lon: float, lat: float) -> float:
        """Return the square of the distance to the zone's bounding box."""
        wide = abs(lon - self._frame[4 * zone]) * self._frame[4 * zone + 2] - self._whole[2 * zone]
        high = abs(lat - self._frame[4 * zone + 1]) * self._frame[4 * zone + 3] - self._whole[2 * zone + 1]
        wide, high = max(wide, 0.0), max(high, 0.0)
        return wide * wide + high * high

    def _nearest(self, zone: i64, lon: float, lat: float, reach: float) -> tuple[float, float, float]:
        """Return how far the nearest edge is (EVERYWHERE: out of reach), and the way from there, in metres."""
        frame, boxes, edges, firsts = self._frame, self._box, self._edge, self._first
        x = (lon - frame[4 * zone]) * frame[4 * zone + 2]
        y = (lat - frame[4 * zone + 1]) * frame[4 * zone + 3]
        best = reach * reach * BROADER + CLOSE
        from_x = from_y = 0.0
        found = False
        chunk: i64 = self._chunk[zone]
        end: i64 = self._chunk[zone + 1]
        while chunk < end:
            b: i64 = 4 * chunk
            wide, high = max(boxes[b] - x, x - boxes[b + 2]), max(boxes[b + 1] - y, y - boxes[b + 3])
            wide, high = max(wide, 0.0), max(high, 0.0)
            if wide * wide + high * high <= best:
                at: i64 = 5 * firsts[chunk]
                past: i64 = 5 * firsts[chunk + 1]
                while at < past:
                    from_a, from_b = x - edges[at], y - edges[at + 1]
                    along = (from_a * edges[at + 2] + from_b * edges[at + 3]) * edges[at + 4]
                    part = 0.0 if along < 0.0 else min(along, 1.0)
                    away_x, away_y = from_a - part * edges[at + 2], from_b - part * edges[at + 3]
                    square = away_x * away_x + away_y * away_y
                    if square < best:
                        best, from_x, from_y, found = square, away_x, away_y, True
                    at += 5
            chunk += 1
        return (sqrt(best), from_x, from_y) if found else (EVERYWHERE, 0.0, 0.0)


def _pairs(numbers: vec[i64], members: Members) -> i64:
    """Return how many pairs these sets of zones make."""
    total: i64 = 0
    i: i64 = 0
    while i < len(numbers):
        if numbers[i] >= 0:
            total += i64(members.start[numbers[i] + 1]) - i64(members.start[numbers[i]])
        i += 1
    return total
