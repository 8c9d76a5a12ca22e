"""Where each device was last, and since when it has not moved: for whoever looks at the map.

What must stay true here: only what is on disk is here, and no longer than there: what is erased goes from here too;
a batch costs a sort and a bounded number of steps for each of its devices.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from itertools import islice
from typing import NamedTuple

import numpy as np

from geofence.model import SECOND, DeviceId, Fixes, Micros
from geofence.zones import UNKNOWN_ACCURACY_M, metres_per_degree
from trackerd.store import Erased, Store

STILL_ACCURACIES, STILL_LEAST_M = 2.0, 20.0
"""Who stays within so many accuracies, and never less than so many metres, has not moved (report/track.py)."""
BACK_US = 3600 * SECOND
"""So much of a device's end is read at the start."""
MOST_PIECES = 4
STEPS = 50
"""So many of one device's positions in a batch tell whether it has moved meanwhile."""


class LastFix(NamedTuple):
    """A device's newest position that was kept."""

    time: Micros
    lon: float
    lat: float
    accuracy_m: float | None
    speed_mps: float | None
    battery_pct: float | None
    received: Micros | None
    """None: from before the start."""
    still: Micros
    """Not moved since."""
    from_lon: float
    from_lat: float
    """Where it has stood since."""


class Latest:
    """The newest position of every device."""

    def __init__(self) -> None:
        self.of: dict[DeviceId, LastFix] = {}

    def wake(self, store: Store) -> None:
        """Begin with the ends of what the store has. Raises StoreError."""
        for saved in store.tracks():
            device, heard = saved.track.device, saved.track.heard
            if heard is None:
                continue
            for piece in islice(store.fixes(device, heard - BACK_US), MOST_PIECES):
                self.note(piece, ())

    def note(self, fixes: Fixes, received: Sequence[int]) -> None:
        """Take a batch that was committed."""
        if not len(fixes):
            return
        order = np.lexsort((fixes.time, fixes.device))
        for rows in np.split(order, np.flatnonzero(np.diff(fixes.device[order])) + 1):
            device = fixes.devices[int(fixes.device[rows[0]])]
            for row in [*rows[: -1 : max(1, len(rows) // STEPS)].tolist(), int(rows[-1])]:
                self._note(fixes, row, device, Micros(received[row]) if len(received) else None)

    def erase(self, erased: Iterable[Erased]) -> None:
        """Forget what was erased."""
        for device, start, end in erased:
            last = self.of.get(device)
            if last is not None and start <= last.time < end:
                del self.of[device]

    def _note(self, fixes: Fixes, row: int, device: DeviceId, received: Micros | None) -> None:
        time, was = Micros(int(fixes.time[row])), self.of.get(device)
        if was is not None and time <= was.time:
            return
        lon, lat, accuracy = float(fixes.lon[row]), float(fixes.lat[row]), _known(float(fixes.accuracy_m[row]))
        anchor = (time, lon, lat)
        if was is not None and _near(was, lon, lat, accuracy):
            anchor = was.still, was.from_lon, was.from_lat
        battery = _known(float(fixes.battery_pct[row]))
        if battery is None and was is not None:
            battery = was.battery_pct
        speed = _known(float(fixes.speed_mps[row]))
        self.of[device] = LastFix(time, lon, lat, accuracy, speed, battery, received, *anchor)


def _near(was: LastFix, lon: float, lat: float, accuracy: float | None) -> bool:
    x, y = metres_per_degree(lat)
    moved = math.hypot((lon - was.from_lon) * x, (lat - was.from_lat) * y)
    return moved <= max(STILL_ACCURACIES * (accuracy or UNKNOWN_ACCURACY_M), STILL_LEAST_M)


def _known(value: float) -> float | None:
    return None if math.isnan(value) else value
