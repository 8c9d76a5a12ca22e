"""When one device was surely in a zone, and when it may have been: from its fixes alone, whatever was believed.

What must stay true here: if no fix is farther off than its error bound and the device no faster than the walker's
speed, it was inside during all of ``certain`` and never outside ``maybe``; so who was not in ``maybe`` was seen
elsewhere. A fix casts a cone of possible depths before and behind it (Hägerstrand 1970). Two fixes that no walk can
join cast doubt on both, and neither is used.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from geofence.belief import Rules
from geofence.model import SECOND, Fixes, FloatColumn, IntColumn
from geofence.spans import Span, Spans, clip, without
from geofence.zones import UNKNOWN_ACCURACY_M, Zone, depth_m


class Presence(NamedTuple):
    """One device and one zone."""

    certain: Spans
    maybe: Spans
    """Holds ``certain`` too."""
    silent: Spans
    """When nothing was heard for longer than the silence of the rules."""


def presence(zone: Zone, fixes: Fixes, start: int, end: int, rules: Rules) -> Presence:
    """Return when, from ``start`` to ``end``, it was and may have been inside.

    ``fixes``: of one device, in order of time; those shortly before and after help.
    """
    depth, east, north = depth_m(zone, fixes.lon, fixes.lat)
    accuracy = np.where(np.isnan(fixes.accuracy_m), UNKNOWN_ACCURACY_M, fixes.accuracy_m)
    bound = rules.error_bound * accuracy
    keep = _believable(fixes.time, east, north, bound, rules.walker_speed)
    time, depth, bound = fixes.time[keep], depth[keep], bound[keep]
    inside = _around(time, (depth - bound) / rules.walker_speed)
    outside = _around(time, (-depth - bound) / rules.walker_speed)
    whole = ((start, end),)
    heard = _around(fixes.time, np.full(len(fixes), rules.silence_s / 2))
    return Presence(clip(inside, start, end), without(whole, clip(outside, start, end)), without(whole, heard))


def _believable(
    time: IntColumn, east: FloatColumn, north: FloatColumn, bound: FloatColumn, speed: float
) -> NDArray[np.bool_]:
    """Return which fixes a walk can join to the one before and the one after."""
    walked = np.diff(time) / SECOND * speed
    torn = np.hypot(np.diff(east), np.diff(north)) > walked + bound[1:] + bound[:-1]
    keep = np.ones(len(time), dtype=bool)
    keep[1:][torn] = keep[:-1][torn] = False
    return keep


def _around(time: IntColumn, seconds: FloatColumn) -> list[Span]:
    """Return the union of the stretches that reach so many seconds before and after each moment."""
    held = seconds > 0
    reach = np.floor(seconds[held] * SECOND).astype(np.int64)
    order = np.argsort(time[held] - reach, kind="stable")
    begin, end = (time[held] - reach)[order], np.maximum.accumulate((time[held] + reach)[order])
    first = np.ones(len(begin), dtype=bool)
    first[1:] = begin[1:] > end[:-1]
    last = np.roll(first, -1)
    return [span for span in zip(begin[first].tolist(), end[last].tolist(), strict=True) if span[0] < span[1]]
