"""Where each device was last, and since when it has not moved: for whoever looks at the map.

What must stay true here: only what is on disk is here, and no longer than there: what is erased goes from here too;
a batch costs a sort and a bounded number of steps for each of its devices.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from itertools import islice, pairwise
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


class _Rows(NamedTuple):
    """Fixes as plain lists, sorted by device and time."""

    time: list[int]
    lon: list[float]
    lat: list[float]
    accuracy_m: list[float]
    speed_mps: list[float]
    battery_pct: list[float]


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
        again = (np.diff(fixes.time[order]) == 0) & (np.diff(fixes.device[order]) == 0)
        order = order[np.append(True, ~again)]  # of two of one moment, the first
        device = fixes.device[order]
        starts = np.flatnonzero(np.diff(device, prepend=-1)).tolist()
        sorted_ = _Rows(*(column[order].tolist() for column in (
            fixes.time, fixes.lon, fixes.lat, fixes.accuracy_m, fixes.speed_mps, fixes.battery_pct
        )))  # fmt: skip
        came = [received[row] for row in order.tolist()] if len(received) else [None] * len(order)
        for first, past in pairwise([*starts, len(order)]):
            name, stride = fixes.devices[int(device[first])], max(1, (past - first) // STEPS)
            self._note(name, sorted_, [*range(first, past - 1, stride), past - 1], came[past - 1])

    def erase(self, erased: Iterable[Erased]) -> None:
        """Forget what was erased."""
        for device, start, end in erased:
            last = self.of.get(device)
            if last is not None and start <= last.time < end:
                del self.of[device]

    def _note(self, device: DeviceId, fixes: _Rows, rows: Sequence[int], received: int | None) -> None:
        """Take some rows of a device, in order of time, the last of them its newest."""
        was, last = self.of.get(device), rows[-1]
        time, lon, lat = fixes.time[last], fixes.lon[last], fixes.lat[last]
        if was is not None and time <= was.time:
            return
        first = Micros(fixes.time[rows[0]]), fixes.lon[rows[0]], fixes.lat[rows[0]]
        still, from_lon, from_lat = first if was is None else was[-3:]
        x, y = metres_per_degree(lat)
        battery = was.battery_pct if was is not None else None
        for row in rows if was is None else [row for row in rows if fixes.time[row] > was.time]:
            moved = math.hypot((fixes.lon[row] - from_lon) * x, (fixes.lat[row] - from_lat) * y)
            if moved > max(STILL_ACCURACIES * (_known(fixes.accuracy_m[row]) or UNKNOWN_ACCURACY_M), STILL_LEAST_M):
                still, from_lon, from_lat = Micros(fixes.time[row]), fixes.lon[row], fixes.lat[row]
            battery = battery if math.isnan(fixes.battery_pct[row]) else fixes.battery_pct[row]
        self.of[device] = LastFix(
            Micros(time), lon, lat, _known(fixes.accuracy_m[last]), _known(fixes.speed_mps[last]), battery,
            None if received is None else Micros(received), still, from_lon, from_lat,
        )  # fmt: skip


def _known(value: float) -> float | None:
    return None if math.isnan(value) else value
