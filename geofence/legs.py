"""A walk in legs of a few fixes each, and what whole legs show of a zone: most of a day is far from any one zone.

What must stay true here: nothing is found that looking at each fix would not find, and nothing is left out. How deep in
a zone somebody is changes by no more than he moves, so one distance bounds those of all fixes of a leg. A fix shows
that the device was inside (or outside) for some metres of its way around it; where all that the fixes of a leg can
show at most is shown already by what legs show at least, their distances are not asked for.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from geofence.model import FloatColumn, IntColumn
from geofence.zones import FAR_M, Zone, box_m, depth_m, metres_per_degree

LEG = 8
"""Fixes of a leg."""
SLACK = 1.01
"""A leg is measured in another plane than a zone; within a town they differ by less."""

Stretches = tuple[FloatColumn, FloatColumn]
"""Where each begins and ends, in metres of way."""


class Legs(NamedTuple):
    """Columns, a row for each leg."""

    lon: FloatColumn
    """Of the fix in its middle."""
    lat: FloatColumn
    radius: FloatColumn
    """Metres from that fix to the farthest of the leg, at most."""
    first: FloatColumn
    """Way gone by its first fix, and by its last."""
    last: FloatColumn
    gap: FloatColumn
    """The longest way between two of its fixes."""
    least: FloatColumn
    """Least and greatest error bound of its fixes, in metres."""
    most: FloatColumn
    of: IntColumn
    """The leg of each fix."""


class Shown(NamedTuple):
    """What the legs that are not asked about show of being inside, and of being outside."""

    inside: tuple[Stretches]
    outside: tuple[Stretches]


def in_legs(lon: FloatColumn, lat: FloatColumn, way: FloatColumn, bound: FloatColumn) -> Legs:
    """Return the legs of a walk, given by columns in order of time."""
    starts = np.arange(0, len(lon), LEG)
    if not len(starts):
        return Legs(lon, lon, lon, lon, lon, lon, lon, lon, starts)
    ends = np.append(starts[1:], len(lon)) - 1
    of, middle = np.arange(len(lon)) // LEG, (starts + ends) // 2
    x, y = metres_per_degree(float(lat[0]))
    apart = np.hypot((lon - lon[middle[of]]) * x, (lat - lat[middle[of]]) * y)
    gaps = np.append(np.diff(way), 0.0)
    gaps[ends] = 0.0
    return Legs(
        lon[middle], lat[middle], SLACK * np.maximum.reduceat(apart, starts), way[starts], way[ends],
        np.maximum.reduceat(gaps, starts), np.minimum.reduceat(bound, starts), np.maximum.reduceat(bound, starts), of,
    )  # fmt: skip


def asked(zone: Zone, legs: Legs) -> tuple[IntColumn, Shown]:
    """Return the fixes whose depth in the zone matters each by itself, and what the legs of all others show."""
    depth, _, _ = depth_m(zone, legs.lon, legs.lat)
    away, _, _ = box_m(zone, legs.lon, legs.lat)
    nothing, sides = np.abs(away - FAR_M) <= legs.radius, []  # there depth_m goes from one measure to another
    for deep in (depth, -depth):
        sure, possible = deep - legs.radius - legs.most, deep + legs.radius - legs.least
        sure[(2 * sure < legs.gap) | nothing] = 0.0
        sides.append(sure)
        nothing = nothing | ~_within(
            legs.first - possible, legs.last + possible, joined([_of(legs, sure)]), possible > 0
        )
    inside, outside = (_of(legs, np.where(nothing, 0.0, sure)) for sure in sides)
    return np.flatnonzero(nothing[legs.of]), Shown((inside,), (outside,))


def stretches(first: FloatColumn, last: FloatColumn, metres: FloatColumn) -> Stretches:
    """Return the stretches of way from so many metres before ``first`` to as many after ``last``, if any."""
    held = metres > 0
    return (first - metres)[held], (last + metres)[held]


def joined(parts: Sequence[Stretches]) -> Stretches:
    """Return stretches in their order, those that meet as one."""
    begin, end = (np.concatenate(columns) for columns in zip(*parts, strict=True))
    if not len(begin):
        return begin, end
    order = np.argsort(begin, kind="stable")
    begin, end = begin[order], np.maximum.accumulate(end[order])
    first = np.concatenate(([True], begin[1:] > end[:-1]))
    return begin[first], end[np.roll(first, -1)]


def _of(legs: Legs, metres: FloatColumn) -> Stretches:
    return stretches(legs.first, legs.last, metres)


def _within(begin: FloatColumn, end: FloatColumn, shown: Stretches, any_: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return whether each stretch, if there is ``any_``, lies in one of those ``shown``."""
    if not len(shown[0]):
        return ~any_
    run = np.searchsorted(shown[0], begin, "right") - 1
    return ~any_ | ((run >= 0) & (end <= shown[1][run]))
