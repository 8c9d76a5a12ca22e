"""A walk in legs of a few fixes each, and what whole legs show of a zone: most of a day is far from any one zone.

What must stay true here: nothing is found that looking at each fix would not find, and nothing is left out. How deep in
a zone somebody is changes by no more than he moves, so one distance bounds those of all fixes of a leg. A fix shows
that the device was inside (or outside) for some metres of its way around it; where all that the fixes of a leg can
show at most is shown already by what legs show at least, their distances are not asked for. Plain loops over plain
numbers: this is compiled (setup.py), and says the same where it is not.
"""

from __future__ import annotations

from math import ceil, floor
from typing import Final

import numpy as np
from librt.vecs import append, pop, vec
from mypy_extensions import i64, u8

from geofence.leaves import Floats, Ints
from geofence.model import SECOND
from geofence.spans import Span, Spans, union

LEG: Final = 8
"""Fixes of a leg."""
SLACK: Final = 1.01
"""A leg is measured in another plane than a zone; within a town they differ by less."""


class Stretches:
    """Where stretches of a way begin and end, in metres of it."""

    def __init__(self) -> None:
        self.begin, self.end = vec[float](), vec[float]()

    def around(self, first: float, last: float, metres: float) -> None:
        """Add the stretch from so many metres before ``first`` to as many after ``last``, if there are any."""
        if metres > 0.0:
            self._add(first - metres, last + metres)

    def along(self, first: float, last: float, metres: float) -> None:
        """Add it where each before was around an earlier part of the way: it follows them, or joins the last few."""
        if metres > 0.0:
            begin, end, begins, ends = first - metres, last + metres, self.begin, self.end
            while len(begins) > 0 and begin <= ends[len(ends) - 1]:
                begins, was = pop(begins)
                ends, till = pop(ends)
                begin, end = min(begin, was), max(end, till)
            self.begin, self.end = append(begins, begin), append(ends, end)

    def joined(self) -> Stretches:
        """Return them in their order, those that meet as one."""
        order = vec[i64](np.argsort(np.asarray(self.begin), kind="stable"))
        found = Stretches()
        n: i64 = len(order)
        if n == 0:
            return found
        begin, end = self.begin[order[0]], self.end[order[0]]
        i: i64 = 1
        while i < n:
            if self.begin[order[i]] > end:
                found._add(begin, end)
                begin, end = self.begin[order[i]], self.end[order[i]]
            end = max(end, self.end[order[i]])
            i += 1
        found._add(begin, end)
        return found

    def hold(self, begin: float, end: float) -> bool:
        """Return whether one of these, which are joined, holds all of that stretch."""
        run = last_upto(self.begin, begin)
        return run >= 0 and end <= self.end[run]

    def _add(self, begin: float, end: float) -> None:
        self.begin, self.end = append(self.begin, begin), append(self.end, end)


class Shown:
    """What a walk shows of a zone; of some fixes the depth in it must be asked for."""

    def __init__(self) -> None:
        self.inside, self.outside = Stretches(), Stretches()
        self.asked = vec[i64]()
        """The rows of those fixes."""


class Legs:
    """A walk: where each fix lies on its way, and its legs."""

    def __init__(
        self, lon: Floats, lat: Floats, radius: Floats, way: Floats, bound: Floats, time: Ints, speed: float
    ) -> None:
        """Take the fix in the middle of each leg, and the metres to the farthest of the leg, at most.

        Of each fix: how far the device has gone by then, at most, the bound of its error in metres, and its moment;
        ``speed``: metres a second it goes before and after all fixes.
        """
        self.lon, self.lat, self._radius = vec[float](lon), vec[float](lat), vec[float](radius)
        self.way, self._bound, self._time, self.speed = vec[float](way), vec[float](bound), vec[i64](time), speed
        n: i64 = len(self.lon)
        self._gap, self._least, self._most = vec[float]([0.0] * n), vec[float]([0.0] * n), vec[float]([0.0] * n)
        """Of each leg the longest way between two of its fixes, the least and the greatest bound of their errors."""
        i: i64 = 0
        while i < n:
            self._sum_up(i)
            i += 1

    def _sum_up(self, leg: i64) -> None:
        row = leg * LEG
        gap, least, most = 0.0, self._bound[row], self._bound[row]
        row += 1
        while row < min((leg + 1) * LEG, i64(len(self.way))):
            gap = max(gap, self.way[row] - self.way[row - 1])
            least, most = min(least, self._bound[row]), max(most, self._bound[row])
            row += 1
        self._gap[leg], self._least[leg], self._most[leg] = gap, least, most

    def show(self, depth: Floats, away: Floats, far: float) -> Shown:
        """Return what legs show, and which fixes must be asked about.

        ``depth``: of the middle of each leg in the zone, and ``away``: from the zone's bounding box; from ``far`` on
        the depth given is no more than that.
        """
        deep, aways = vec[float](depth), vec[float](away)
        n: i64 = len(deep)
        open_ = vec[u8]([0] * n)
        i: i64 = 0
        while i < n:  # where the depth goes from one measure to another nothing is shown
            open_[i] = 1 if abs(aways[i] - far) <= self._radius[i] else 0
            i += 1
        inside, outside = self._side(deep, 1.0, open_), self._side(deep, -1.0, open_)
        shown, way, total = Shown(), self.way, i64(len(self.way))
        i = 0
        while i < n:
            row = i * LEG
            past = min(row + LEG, total)
            if open_[i]:
                while row < past:
                    shown.asked = append(shown.asked, row)
                    row += 1
            else:
                shown.inside.along(way[row], way[past - 1], inside[i])
                shown.outside.along(way[row], way[past - 1], outside[i])
            i += 1
        return shown

    def ask(self, shown: Shown, depth: Floats) -> None:
        """Add what the fixes asked about show, given the depth of each."""
        deep = vec[float](depth)
        i: i64 = 0
        while i < len(deep):
            row = shown.asked[i]
            way, bound = self.way[row], self._bound[row]
            shown.inside.around(way, way, deep[i] - bound)
            shown.outside.around(way, way, -deep[i] - bound)
            i += 1

    def dated(self, stretches: Stretches) -> Spans:
        """Return stretches of the way as stretches of time. The one grows with the other: what meets meets in both."""
        joined, found, i = stretches.joined(), list[Span](), i64(0)
        while i < len(joined.begin):
            found.append((ceil(self._when(joined.begin[i])), floor(self._when(joined.end[i]))))
            i += 1
        return union(found)

    def _side(self, deep: vec[float], sign: float, open_: vec[u8]) -> vec[float]:
        """Return of each leg the metres for which it surely shows that side; note those that may show more."""
        n: i64 = len(deep)
        total: i64 = len(self.way)
        way, radius, least, most, gap = self.way, self._radius, self._least, self._most, self._gap
        sure, proven = vec[float](deep), Stretches()
        i: i64 = 0
        while i < n:
            sure[i] = sign * deep[i] - radius[i] - most[i]
            if open_[i] or 2 * sure[i] < gap[i]:
                sure[i] = 0.0
            else:
                proven.along(way[i * LEG], way[min((i + 1) * LEG, total) - 1], sure[i])
            i += 1
        i = 0
        while i < n:
            metres = sign * deep[i] + radius[i] - least[i]
            if metres > 0.0 and not open_[i]:
                begin, end = way[i * LEG] - metres, way[min((i + 1) * LEG, total) - 1] + metres
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
