"""A walk in legs of a few fixes each, and what whole legs show of a zone: most of a day is far from any one zone.

What must stay true here: nothing is found that looking at each fix would not find, and nothing is left out. How deep in
a zone somebody is changes by no more than he moves, so one distance bounds those of all fixes of a leg. A fix shows
that the device was inside (or outside) for some metres of its way around it; where all that the fixes of a leg can
show at most is shown already by what legs show at least, their distances are not asked for. Plain loops over plain
numbers: this is compiled (setup.py), and says the same where it is not.
"""

from __future__ import annotations

from math import ceil, floor, sqrt
from typing import Final

from librt.vecs import append, pop, vec
from mypy_extensions import i64, u8

from geofence.borders import Borders
from geofence.leaves import Floats, Ints
from geofence.model import SECOND
from geofence.spans import Span, Spans, union

LEG: Final = 8
"""Fixes of a leg."""
SLACK: Final = 1.01
"""A leg is measured in another plane than a zone; within a town they differ by less."""


class Stretches:
    """Where stretches of a way begin and end, in metres of it: in order, and those that meet as one."""

    def __init__(self) -> None:
        self.begin, self.end = vec[float](), vec[float]()

    def add(self, first: float, last: float, metres: float) -> None:
        """Add the stretch from so many metres before ``first`` to as many after ``last``, if there are any.

        Each before was around an earlier part of the way: this one follows them, or joins the last few.
        """
        if metres <= 0.0:
            return
        begin, end, begins, ends = first - metres, last + metres, self.begin, self.end
        at: i64 = i64(len(begins)) - 1
        if at < 0 or begin > ends[at]:
            self.begin, self.end = append(begins, begin), append(ends, end)
            return
        begins[at], ends[at] = min(begin, begins[at]), max(end, ends[at])
        while at > 0 and begins[at] <= ends[at - 1]:
            begins, begin = pop(begins)
            ends, end = pop(ends)
            at -= 1
            begins[at], ends[at] = min(begin, begins[at]), max(end, ends[at])
            self.begin, self.end = begins, ends

    def hold(self, begin: float, end: float) -> bool:
        """Return whether one of these holds all of that stretch."""
        run = last_upto(self.begin, begin)
        return run >= 0 and end <= self.end[run]


class Legs:
    """A walk: where each fix lies on its way, and its legs."""

    def __init__(
        self, lon: Floats, lat: Floats, scale: tuple[float, float], way: Floats, bound: Floats, time: Ints, speed: float
    ) -> None:
        """Take of each fix where it is, how far the device has gone by then, at most, the bound of its error, and when.

        ``scale``: metres a degree of longitude and of latitude; ``speed``: metres a second before and after all fixes.
        """
        self._lon, self._lat, self._bound = vec[float](lon), vec[float](lat), vec[float](bound)
        self.way, self._time, self.speed = vec[float](way), vec[i64](time), speed
        n: i64 = (i64(len(self.way)) + LEG - 1) // LEG
        self._radius = vec[float]([0.0] * n)
        """Of each leg the metres from the fix in its middle to the farthest, at most,"""
        self._gap, self._least, self._most = vec[float]([0.0] * n), vec[float]([0.0] * n), vec[float]([0.0] * n)
        """the longest way between two of its fixes, the least and the greatest bound of their errors."""
        i: i64 = 0
        while i < n:
            self._sum_up(i, scale[0], scale[1])
            i += 1

    def _past(self, leg: i64) -> i64:
        """Return the row after the last of a leg."""
        return min((leg + 1) * LEG, i64(len(self.way)))

    def _middle(self, leg: i64) -> i64:
        return (leg * LEG + self._past(leg) - 1) // 2

    def _sum_up(self, leg: i64, x: float, y: float) -> None:
        row, middle = leg * LEG, self._middle(leg)
        lon, lat, before = self._lon[middle], self._lat[middle], self.way[row]
        square, gap, least, most = 0.0, 0.0, self._bound[row], self._bound[row]
        while row < self._past(leg):
            east, north = (self._lon[row] - lon) * x, (self._lat[row] - lat) * y
            square = max(square, east * east + north * north)
            gap, before = max(gap, self.way[row] - before), self.way[row]
            least, most = min(least, self._bound[row]), max(most, self._bound[row])
            row += 1
        self._radius[leg] = SLACK * sqrt(square)
        self._gap[leg], self._least[leg], self._most[leg] = gap, least, most

    def proven(self, border: Borders, far: float) -> tuple[Spans, Spans]:
        """Return when it surely was inside the zone of that border, and when outside; where both, the fixes disagree.

        From ``far`` metres away on, the zone's bounding box stands for it.
        """
        n: i64 = len(self._radius)
        deep, open_ = vec[float]([0.0] * n), vec[u8]([0] * n)
        i: i64 = 0
        while i < n:
            lon, lat = self._lon[self._middle(i)], self._lat[self._middle(i)]
            away = border.away(lon, lat)
            deep[i] = border.depth(lon, lat, away, far)
            # Where the depth goes from one measure to another a whole leg shows nothing.
            open_[i] = 1 if abs(away - far) <= self._radius[i] else 0
            i += 1
        ins, outs = self._side(deep, 1.0, open_), self._side(deep, -1.0, open_)
        inside, outside, way = Stretches(), Stretches(), self.way
        i = 0
        while i < n:
            row, past = i * LEG, self._past(i)
            if not open_[i]:
                inside.add(way[row], way[past - 1], ins[i])
                outside.add(way[row], way[past - 1], outs[i])
                row = past
            while row < past:
                lon, lat = self._lon[row], self._lat[row]
                depth = border.depth(lon, lat, border.away(lon, lat), far)
                inside.add(way[row], way[row], depth - self._bound[row])
                outside.add(way[row], way[row], -depth - self._bound[row])
                row += 1
            i += 1
        return self._dated(inside), self._dated(outside)

    def _dated(self, stretches: Stretches) -> Spans:
        """Return stretches of the way as stretches of time. The one grows with the other: what meets meets in both."""
        found, i = list[Span](), i64(0)
        while i < len(stretches.begin):
            found.append((ceil(self._when(stretches.begin[i])), floor(self._when(stretches.end[i]))))
            i += 1
        return union(found)

    def _side(self, deep: vec[float], sign: float, open_: vec[u8]) -> vec[float]:
        """Return of each leg the metres for which it surely shows that side; note those that may show more."""
        n: i64 = len(deep)
        way, radius, least, most, gap = self.way, self._radius, self._least, self._most, self._gap
        sure, proven = vec[float](deep), Stretches()
        i: i64 = 0
        while i < n:
            sure[i] = sign * deep[i] - radius[i] - most[i]
            if open_[i] or 2 * sure[i] < gap[i]:
                sure[i] = 0.0
            else:
                proven.add(way[i * LEG], way[self._past(i) - 1], sure[i])
            i += 1
        i = 0
        while i < n:
            metres = sign * deep[i] + radius[i] - least[i]
            if metres > 0.0 and not open_[i]:
                begin, end = way[i * LEG] - metres, way[self._past(i) - 1] + metres
                open_[i] = 0 if proven.hold(begin, end) else 1
            i += 1
        return sure

    def _when(self, way: float) -> float:
        """Return the moment (microseconds) at which it can have gone so far; beyond all fixes at its speed."""
        n: i64 = len(self.way)
        begin = float(self._time[0])
        if way <= self.way[0]:
            return (way - self.way[0]) / self.speed * SECOND + begin
        since = float(self._time[n - 1] - self._time[0])
        if way >= self.way[n - 1]:
            return since + (way - self.way[n - 1]) / self.speed * SECOND + begin
        at = last_upto(self.way, way)
        since = float(self._time[at] - self._time[0])
        over = float(self._time[at + 1] - self._time[at]) / (self.way[at + 1] - self.way[at])
        return over * (way - self.way[at]) + since + begin


def last_upto(numbers: vec[float], most: float) -> i64:
    """Return the place of the last of ascending numbers that is no more than ``most``; -1 where none is."""
    low: i64 = -1
    high: i64 = len(numbers)
    while high - low > 1:
        middle = (low + high) >> 1
        if numbers[middle] <= most:
            low = middle
        else:
            high = middle
    return low
