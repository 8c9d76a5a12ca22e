"""When one device was surely in a zone, and when it may have been: from its fixes alone, whatever was believed.

What must stay true here: if no fix is farther off than its error bound and the device no faster than the walker's
speed, it was inside during all of ``certain`` and never outside ``maybe``; so who was not in ``maybe`` was seen
elsewhere. A fix casts a cone of possible depths before and behind it (Hägerstrand 1970). Where two fixes cannot be
joined by a walk, one of these bounds was broken, and nobody knows which: then the device is granted the speed and
either fix the error that would explain it, so that what such fixes say is held against nobody.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from geofence.belief import Rules
from geofence.doubt import doubted
from geofence.earth import metres_per_degree
from geofence.legs import Legs
from geofence.model import SECOND, Fixes, IntColumn
from geofence.spans import Spans, clip, without
from geofence.zones import FAR_M, UNKNOWN_ACCURACY_M, Zone, border


class Walk(NamedTuple):
    """What one device's fixes say of where it went."""

    time: IntColumn
    """Microseconds, increasing."""
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
    placed = np.isfinite(fixes.lon) & np.isfinite(fixes.lat)
    if not placed.all():  # what is no place shows nothing
        fixes = fixes.take(placed)
    accuracy = np.where(np.isnan(fixes.accuracy_m), UNKNOWN_ACCURACY_M, fixes.accuracy_m)
    bound = rules.error_bound * np.maximum(accuracy, 1.0)
    seconds = (fixes.time - fixes.time[:1]) / SECOND
    scale, speed = (0.0, 0.0), bound[:0]
    if len(fixes):
        scale = metres_per_degree(float(fixes.lat[0]))
        east, north = (fixes.lon - fixes.lon[0]) * scale[0], (fixes.lat - fixes.lat[0]) * scale[1]
        bound, speed = map(np.asarray, doubted(seconds, east, north, bound, rules.walker_speed))
    way = np.concatenate((seconds[:1], np.cumsum(np.diff(seconds) * speed)))
    legs = Legs(fixes.lon, fixes.lat, scale, way, bound, fixes.time, rules.walker_speed)
    return Walk(fixes.time, _heard(fixes.time, rules.silence_s), legs)


def presence(zone: Zone, walk: Walk, start: int, end: int) -> Presence:
    """Return when, from ``start`` to ``end``, it was and may have been inside; fixes before and after help."""
    inside, outside = walk.legs.proven(border(zone), FAR_M)
    elsewhere = without(outside, inside)  # where both were proven, nothing was
    certain, whole = clip(without(inside, outside), start, end), ((start, end),)
    return Presence(certain, without(whole, elsewhere), clip(walk.heard, start, end))


def _heard(time: IntColumn, silence_s: float) -> Spans:
    """Return the runs of moments with no longer silence between them, each up to just after its last."""
    breaks = np.flatnonzero(np.diff(time) > silence_s * SECOND) + 1
    return tuple((int(run[0]), int(run[-1]) + 1) for run in np.split(time, breaks) if len(run))
