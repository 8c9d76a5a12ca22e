"""Where people were, as columns: what every store returns of it.

What must stay true here: no more of a fix than its moment, place and accuracy.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from geofence.model import DeviceId, Fixes, FloatColumn, IntColumn, WardenId, join
from trackerd.store.values import Box


class Held:
    """Who carried one device when, as runs of its fixes."""

    def __init__(self) -> None:
        self._runs: list[tuple[int, int, WardenId | None]] = []

    def note(self, times: IntColumn, wardens: Sequence[WardenId | None]) -> None:
        """Take fixes in the order they came."""
        if len(set(wardens)) == 1 and (np.diff(times) >= 0).all():  # as nearly always: one run
            times, wardens = times[[0, -1]], [wardens[0]] * 2
        for time, warden in zip(times.tolist(), wardens, strict=True):
            first, last, was = self._runs[-1] if self._runs else (time, time, warden)
            if self._runs and warden == was and time >= last:
                self._runs[-1] = (first, time, warden)
            else:
                self._runs.append((time, time, warden))

    def by(self, times: IntColumn) -> dict[WardenId | None, IntColumn]:
        """Return which rows of ``times`` were each one's."""
        number = np.full(len(times), -1)
        for index, (first, last, _) in enumerate(self._runs):
            number[(times >= first) & (times <= last)] = index
        found: dict[WardenId | None, list[int]] = {}
        for row, index in enumerate(number.tolist()):
            found.setdefault(self._runs[index][2] if index >= 0 else None, []).append(row)
        return {warden: np.array(rows, np.int64) for warden, rows in found.items()}


def places(device: DeviceId, time: IntColumn, lon: FloatColumn, lat: FloatColumn, accuracy_m: FloatColumn) -> Fixes:
    """Return fixes of one device with nothing more in them."""
    unsaid, nought = np.full(len(time), np.nan), np.zeros(len(time), np.int64)
    return Fixes((device,), nought, time, lon, lat, accuracy_m, unsaid, unsaid, unsaid, unsaid, unsaid, nought, nought)


def within(fixes: Fixes, start: int, end: int, box: Box | None) -> Fixes:
    """Return those of one device's fixes that lie in the time and the box."""
    keep = (fixes.time >= start) & (fixes.time < end)
    if box is not None:
        accuracy = np.where(np.isnan(fixes.accuracy_m), box.unknown_m, fixes.accuracy_m)
        east, north = (each * accuracy for each in box.per_metre)
        keep &= (fixes.lon >= box.west - east) & (fixes.lon <= box.east + east)
        keep &= (fixes.lat >= box.south - north) & (fixes.lat <= box.north + north)
    found = fixes.take(keep)
    return places(found.devices[0], found.time, found.lon, found.lat, found.accuracy_m)


def in_order(pieces: Sequence[Fixes]) -> Fixes:
    """Return pieces of one device as one, in order of time, each moment once: as the first piece has it."""
    whole = join(list(pieces))
    return whole.take(np.unique(whole.time, return_index=True)[1])
