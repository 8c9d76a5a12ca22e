"""Where each device was last, and since when it has not moved: for whoever looks at the map.

What must stay true here: only what is on disk is here, and no longer than there: what is erased goes from here too;
a batch costs a sort and a bounded number of steps for each of its devices. This is compiled (setup.py), and says the
same where it is not.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from itertools import islice, pairwise
from typing import Final, NamedTuple

import numpy as np
from librt.vecs import vec
from mypy_extensions import i64

from geofence.earth import metres_per_degree
from geofence.model import EVER, SECOND, DeviceId, Fixes, IntColumn, Micros
from geofence.zones import UNKNOWN_ACCURACY_M
from trackerd.store import Erased, Store

STILL_ACCURACIES: Final = 2.0
STILL_LEAST_M: Final = 20.0
"""Who stays within so many accuracies, and never less than so many metres, has not moved (report/track.py)."""
BACK_US = 3600 * SECOND
"""So much of a device's end is read at the start."""
MOST_PIECES = 4
STEPS: Final = 50
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


class _Rows:
    """Fixes sorted by device and time."""

    def __init__(self, fixes: Fixes, order: IntColumn) -> None:
        self.time = vec[i64](fixes.time[order])
        self.lon, self.lat = vec[float](fixes.lon[order]), vec[float](fixes.lat[order])
        self.accuracy_m, self.speed_mps = vec[float](fixes.accuracy_m[order]), vec[float](fixes.speed_mps[order])
        self.battery_pct = vec[float](fixes.battery_pct[order])


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
        rows = _Rows(fixes, order)
        for first, past in pairwise([*starts, len(order)]):
            came = Micros(received[int(order[past - 1])]) if len(received) else None
            self._note(fixes.devices[int(device[first])], rows, first, past - 1, came)

    def erase(self, erased: Iterable[Erased]) -> None:
        """Forget what was erased."""
        for device, start, end in erased:
            last = self.of.get(device)
            if last is not None and start <= last.time < end:
                del self.of[device]

    def _note(self, device: DeviceId, rows: _Rows, first: i64, last: i64, received: Micros | None) -> None:
        """Take a device's rows, in order of time, up to ``last``: some of them, and that one, its newest."""
        was = self.of.get(device)
        since = EVER if was is None else was.time
        if rows.time[last] <= since:
            return
        still, from_lon, from_lat = Micros(rows.time[first]), rows.lon[first], rows.lat[first]
        battery = math.nan
        if was is not None:
            still, from_lon, from_lat = was.still, was.from_lon, was.from_lat
            battery = math.nan if was.battery_pct is None else was.battery_pct
        x, y = metres_per_degree(rows.lat[last])
        stride: i64 = max(1, (last + 1 - first) // STEPS)
        row = first
        while row <= last:
            if rows.time[row] > since:
                accuracy = rows.accuracy_m[row] if rows.accuracy_m[row] > 0.0 else UNKNOWN_ACCURACY_M
                least = max(STILL_ACCURACIES * accuracy, STILL_LEAST_M)
                east, north = (rows.lon[row] - from_lon) * x, (rows.lat[row] - from_lat) * y
                if east * east + north * north > least * least:
                    still, from_lon, from_lat = Micros(rows.time[row]), rows.lon[row], rows.lat[row]
                battery = battery if rows.battery_pct[row] != rows.battery_pct[row] else rows.battery_pct[row]
            row = last if row < last < row + stride else row + stride
        self.of[device] = LastFix(
            Micros(rows.time[last]), rows.lon[last], rows.lat[last], _known(rows.accuracy_m[last]),
            _known(rows.speed_mps[last]), _known(battery), received, still, from_lon, from_lat,
        )  # fmt: skip


def _known(value: float) -> float | None:
    return None if math.isnan(value) else value
