"""What one more fix is worth: where its device truly is, for all the errors, and how far it can be believed.

What must stay true here: nothing here knows a zone; a fix that follows closely on the last, of a device that stands,
is worth next to nothing, and one after a long silence is worth itself alone.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from librt.vecs import vec
from mypy_extensions import i64, mypyc_attr

from geofence.belief import Look, Rules, weight
from geofence.earth import SCALES
from geofence.leaves import Ints
from geofence.model import SECOND, Fixes, IntColumn, Micros, ZoneId
from geofence.motion import Motion, Place, first, move, place
from geofence.zones import REACH_ACCURACIES, REACH_M, UNKNOWN_ACCURACY_M, Sightings

Nearby = tuple[ZoneId, float, float, float]
"""A zone within reach as ``zones.Near`` has it."""
AXIS_PER_ACCURACY: Final = 1 / 1.51
"""Standard deviation along one axis over the 68 % radius of a circular normal error."""
REST: Final = 2.0
"""Standard deviations of the error by which a device that has long stood must seem across an edge to be believed."""
FORGET_S: Final = 120.0
FORGET_SIGMAS: Final = 4.0
"""A motion not followed for so long is begun anew, unless the device is where it was."""
LEAP_M: Final = 120.0
"""A fix so much farther from the last than anyone can have gone is no mirrored signal but a receiver that held its
place while it was carried: what was believed of its motion is forgotten."""


@mypyc_attr(free_list_len=1)
@dataclass(init=False, slots=True)
class Seen:
    """One fix against the zones."""

    time: Final[Micros]
    accuracy_m: Final[float]
    """NaN where the receiver states none."""
    near: Final[Sequence[Nearby]]
    same: Final[int]
    """See ``Sightings.same``."""
    lon: Final[float]
    lat: Final[float]
    """NaN: its motion is not followed."""

    def __init__(
        self,
        time: Micros,
        accuracy_m: float,
        near: Sequence[Nearby],
        same: int = -1,
        lon: float = math.nan,
        lat: float = math.nan,
    ) -> None:
        self.time = time
        self.accuracy_m = accuracy_m
        self.near = near
        self.same = same
        self.lon = lon
        self.lat = lat


class Lot:
    """Rows of a batch as plain numbers, any of which is made a Seen when it is asked for: few are."""

    def __init__(self, fixes: Fixes, sightings: Sightings, rows: IntColumn, stop: Ints = ()) -> None:
        """Take the rows in the order given; ``stop``: see ``roll.Calm``."""
        self.row, self.stop = vec[i64](rows), vec[i64](stop)
        self.time, self.same = vec[i64](fixes.time[rows]), vec[i64](sightings.same[rows])
        self._accuracy = vec[float](fixes.accuracy_m[rows])
        self._lon, self._lat = vec[float](fixes.lon[rows]), vec[float](fixes.lat[rows])
        self._start = vec[i64](np.append(0, np.cumsum(np.bincount(sightings.row, minlength=len(fixes)))))
        """Of each row of the batch its first pair, and the end."""
        self._number = vec[i64](sightings.zone)
        self._distance = vec[float](sightings.distance_m)
        self._east, self._north = vec[float](sightings.east), vec[float](sightings.north)
        self._zones = sightings.zones

    def seen(self, i: i64) -> Seen:
        """Return the i-th of the rows."""
        near: list[Nearby] = []
        k: i64 = self._start[self.row[i]]
        while k < self._start[self.row[i] + 1]:
            near.append((self._zones[self._number[k]].id, self._distance[k], self._east[k], self._north[k]))
            k += 1
        return Seen(Micros(self.time[i]), self._accuracy[i], near, int(self.same[i]), self._lon[i], self._lat[i])

    def last_before(self, moment: int, first: i64, past: i64) -> i64:
        """Return the last of these rows, ascending in time and the first before the moment, that is before it."""
        least, end = first, past
        while end - least > 1:
            middle = (least + end) >> 1
            if self.time[middle] < moment:
                least = middle
            else:
                end = middle
        return least


@mypyc_attr(free_list_len=1)
@dataclass(init=False, slots=True)
class Trail:
    """How a device moves, and the last fix that said so."""

    motion: Final[Motion]
    time: Final[Micros]
    lon: Final[float]
    lat: Final[float]

    def __init__(self, motion: Motion, time: Micros, lon: float, lat: float) -> None:
        self.motion = motion
        self.time = time
        self.lon = lon
        self.lat = lat


def follow(trail: Trail | None, seen: Seen, rules: Rules) -> tuple[Trail | None, Place]:
    """Follow the device to this fix; return where it is then believed to be."""
    sigma = _accuracy(seen) * AXIS_PER_ACCURACY
    if math.isnan(seen.lon):
        return None, (0.0, 0.0, sigma)
    motion = first(sigma, rules.walker_speed) if trail is None else _moved(trail, seen, sigma, rules)
    return Trail(motion, seen.time, seen.lon, seen.lat), place(motion, sigma)


def look(trail: Trail | None, where: Place, seen: Seen, before: Micros | None, rules: Rules) -> Look:
    """Say what the fix is worth; ``before``: when the device was last heard, None where nothing was known."""
    accuracy = _accuracy(seen)
    fresh = before is None
    worth = 1.0 if before is None else weight((seen.time - before) / SECOND)
    reach = max(REACH_M, REACH_ACCURACIES * accuracy)
    rest = 0.0 if trail is None or fresh else REST * accuracy * AXIS_PER_ACCURACY * (1 - trail.motion.loose) ** 2
    return Look(seen.time, where[2], rest, rules.error_bound * accuracy, reach, worth, fresh)


def _accuracy(seen: Seen) -> float:
    return UNKNOWN_ACCURACY_M if math.isnan(seen.accuracy_m) else max(seen.accuracy_m, 1.0)


def _moved(trail: Trail, seen: Seen, sigma: float, rules: Rules) -> Motion:
    dt = (seen.time - trail.time) / SECOND
    x, y = SCALES.near(seen.lat)
    east, north = (seen.lon - trail.lon) * x, (seen.lat - trail.lat) * y
    gone = math.sqrt(east * east + north * north)
    if (dt > FORGET_S and gone > FORGET_SIGMAS * sigma) or gone > LEAP_M + rules.walker_speed * dt + 2 * sigma:
        return first(sigma, rules.walker_speed)
    return move(trail.motion, dt, east, north, sigma, rules.walker_speed)
