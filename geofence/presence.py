"""When one device was surely in a zone, and when it may have been: from its fixes alone, whatever was believed.

What must stay true here: if no fix is farther off than its error bound and the device no faster than the walker's
speed, it was inside during all of ``certain`` and never outside ``maybe``; so who was not in ``maybe`` was seen
elsewhere. A fix casts a cone of possible depths before and behind it (Hägerstrand 1970). Where two fixes cannot be
joined by a walk, one of these bounds was broken, and nobody knows which: then the device is granted the speed and
either fix the error that would explain it, so that what such fixes say is held against nobody.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from geofence.belief import Rules
from geofence.legs import Legs, Stretches, asked, in_legs, joined, stretches
from geofence.model import SECOND, Fixes, FloatColumn, IntColumn
from geofence.spans import Spans, clip, union, without
from geofence.zones import UNKNOWN_ACCURACY_M, Zone, depth_m, metres_per_degree

DOUBT_S = 60.0
"""A fix that is wrong is seldom alone: its neighbours, so near in time, may share its error."""

UNEVEN = 2.0
"""Who goes faster than he should goes so much faster, at times, than on the whole."""


class Walk(NamedTuple):
    """What one device's fixes say of where it went."""

    time: IntColumn
    """Microseconds, increasing."""
    lon: FloatColumn
    lat: FloatColumn
    bound: FloatColumn
    """Metres each may be off, at most."""
    way: FloatColumn
    """Metres the device can have gone by then since the first fix, at most."""
    speed: float
    heard: Spans
    """When it was heard of at intervals no longer than the silence of the rules."""
    legs: Legs


class Presence(NamedTuple):
    """One device and one zone, in a stretch of time."""

    certain: Spans
    maybe: Spans
    """Holds ``certain`` too."""
    heard: Spans


def walk(fixes: Fixes, rules: Rules) -> Walk:
    """Return the walk of one device's ``fixes``, which are in order of time; ``rules``: that device's."""
    accuracy = np.where(np.isnan(fixes.accuracy_m), UNKNOWN_ACCURACY_M, fixes.accuracy_m)
    bound = rules.error_bound * np.maximum(accuracy, 1.0)
    speed = np.full(max(len(fixes) - 1, 0), rules.walker_speed)
    seconds = (fixes.time - fixes.time[:1]) / SECOND
    if len(fixes):
        x, y = metres_per_degree(float(fixes.lat[0]))
        _doubt(seconds, (fixes.lon - fixes.lon[0]) * x, (fixes.lat - fixes.lat[0]) * y, bound, speed)
    way = np.concatenate((seconds[:1], np.cumsum(np.diff(seconds) * speed)))
    legs = in_legs(fixes.lon, fixes.lat, way, bound)
    heard = _heard(fixes.time, rules.silence_s)
    return Walk(fixes.time, fixes.lon, fixes.lat, bound, way, rules.walker_speed, heard, legs)


def presence(zone: Zone, walk: Walk, start: int, end: int) -> Presence:
    """Return when, from ``start`` to ``end``, it was and may have been inside; fixes before and after help."""
    rows, legs = asked(zone, walk.legs)
    depth, _, _ = depth_m(zone, walk.lon[rows], walk.lat[rows])
    way, bound = walk.way[rows], walk.bound[rows]
    inside = _dated(walk, (*legs.inside, stretches(way, way, depth - bound)))
    outside = _dated(walk, (*legs.outside, stretches(way, way, -depth - bound)))
    elsewhere = without(outside, inside)  # where both were proven, nothing was
    certain, whole = clip(without(inside, outside), start, end), ((start, end),)
    return Presence(certain, without(whole, elsewhere), clip(walk.heard, start, end))


def _doubt(seconds: FloatColumn, east: FloatColumn, north: FloatColumn, bound: FloatColumn, speed: FloatColumn) -> None:
    """Raise ``bound`` and ``speed`` (between neighbours) until every two fixes looked at can be joined by a walk.

    Fixes 1, 2, 4, 8, … apart are looked at: who is too fast for long is found over a long stretch only.
    """
    slow, lag = speed[:1].copy(), 1
    while lag < len(seconds):
        took, was = seconds[lag:] - seconds[:-lag], bound.copy()
        apart = np.hypot(east[lag:] - east[:-lag], north[lag:] - north[:-lag])
        for a in np.flatnonzero(apart > slow * took + bound[lag:] + bound[:-lag]).tolist():
            b = a + lag
            speed[a:b] = np.maximum(speed[a:b], UNEVEN * (apart[a] + was[a] + was[b]) / took[a])
            if took[a] <= DOUBT_S:
                near = slice(*np.searchsorted(seconds, (seconds[a] - DOUBT_S, seconds[b] + DOUBT_S)).tolist())
                bound[near] = np.maximum(bound[near], apart[a] + max(was[a], was[b]) + slow * took[a])
        lag *= 2


def _heard(time: IntColumn, silence_s: float) -> Spans:
    """Return the runs of moments with no longer silence between them, each up to just after its last."""
    breaks = np.flatnonzero(np.diff(time) > silence_s * SECOND) + 1
    return tuple((int(run[0]), int(run[-1]) + 1) for run in np.split(time, breaks) if len(run))


def _dated(walk: Walk, parts: Sequence[Stretches]) -> Spans:
    """Return stretches of the way as stretches of time. The one grows with the other, so what meets meets in both."""
    begin, end = joined(parts)
    if not len(begin):
        return ()
    moments = np.ceil(_when(walk, begin)).astype(np.int64), np.floor(_when(walk, end)).astype(np.int64)
    return union(zip(*(column.tolist() for column in moments), strict=True))


def _when(walk: Walk, way: FloatColumn) -> FloatColumn:
    """Return the moments (microseconds) at which it can have gone so far; before and after all fixes at its speed."""
    since = walk.time - walk.time[0]
    beyond = np.minimum(way - walk.way[0], 0.0) + np.maximum(way - walk.way[-1], 0.0)
    moments = np.interp(way, walk.way, since) + beyond / walk.speed * SECOND
    return np.asarray(moments + float(walk.time[0]))
