"""Many devices: a dict and a loop.

What must stay true here: a device's events depend on that device's fixes alone, so devices may be spread over any
number of engines; the state of each (its Track) is small and whole, so an engine may be dropped at any moment and
made again from the tracks last saved and the fixes stored after them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import compress
from typing import NamedTuple

import numpy as np

from geofence.model import SECOND, DeviceId, Event, Fixes, IntColumn, Kind, Micros, ZoneId
from geofence.order import Order, admit, settle
from geofence.track import Facts, Rules, Seen, Track, advance, deadline, step
from geofence.zones import Sightings, ZoneSet


class Fed(NamedTuple):
    """What feeding a batch brought about."""

    events: list[Event]
    late: IntColumn
    """Rows of the batch that came after their moment had passed."""


class Engine:
    """The folds of many devices over one set of zones."""

    def __init__(
        self, zones: ZoneSet, rules: Rules | None = None, tracks: Iterable[Track] = (), window_s: float = 0.0
    ) -> None:
        """Begin with ``tracks`` as saved; ``window_s``: how far out of order fixes may come."""
        self._rules = rules or Rules()
        self._window = round(window_s * SECOND)
        self._tracks: dict[DeviceId, Track] = {track.device: track for track in tracks}
        self._orders: dict[DeviceId, Order] = {d: Order(t.heard) for d, t in self._tracks.items()}
        self._changed: set[DeviceId] = set()
        self.zones = zones

    @property
    def zones(self) -> ZoneSet:
        """The zones in force; setting them changes what later fixes are judged by."""
        return self._zones

    @zones.setter
    def zones(self, zones: ZoneSet) -> None:
        self._zones = zones
        dwells = {zone.id: zone.dwell_s for zone in zones if zone.dwell_s is not None}
        self._facts = Facts(dwells, zones.version)

    def feed(self, fixes: Fixes, sightings: Sightings) -> Fed:
        """Take a batch of fixes, in the order they arrived, and what ``zones.locate`` said of them."""
        events: list[Event] = []
        late: list[int] = []
        times, accuracies = fixes.time.tolist(), fixes.accuracy_m.tolist()
        rows = zip(fixes.device.tolist(), times, accuracies, sightings.near(), sightings.same.tolist(), strict=True)
        for row, (index, *said) in enumerate(rows):
            device = fixes.devices[index]
            order, ready, was_late = admit(self._orders.get(device, Order()), Seen(*said), self._window)
            self._orders[device] = order
            if was_late:
                late.append(row)
            events += self._step(device, ready)
        events += _pressed(fixes)
        return Fed(events, np.array(late, dtype=np.int64))

    def advance(self, now: Micros) -> list[Event]:
        """Let time pass: what waited for its turn goes on, dwells are reached, devices fall silent."""
        events: list[Event] = []
        mark = Micros(now - self._window)
        for device, order in self._orders.items():
            if order.held:
                self._orders[device], ready = settle(order, mark)
                events += self._step(device, ready)
            track = self._tracks.get(device)
            if track is None:
                continue
            due = deadline(track, self._rules, self._facts)
            if due is not None and due <= mark:
                self._tracks[device], told = advance(track, mark, self._rules, self._facts)
                self._changed.add(device)
                events += told
        return events

    def changed(self) -> list[Track]:
        """Return the tracks to save since this was last asked."""
        changed, self._changed = self._changed, set()
        return [self._tracks[device] for device in sorted(changed)]

    def occupancy(self) -> dict[ZoneId, int]:
        """Return how many devices are believed inside each zone that holds any."""
        counts: dict[ZoneId, int] = {}
        for track in self._tracks.values():
            inside = (belief.inside for belief in track.beliefs.values())
            for zone in compress(track.beliefs, inside):
                counts[zone] = counts.get(zone, 0) + 1
        return counts

    @property
    def tracks(self) -> Mapping[DeviceId, Track]:
        """What is remembered of each device, now."""
        return self._tracks

    def _step(self, device: DeviceId, ready: Iterable[Seen]) -> list[Event]:
        events: list[Event] = []
        for seen in ready:
            track = self._tracks.get(device) or Track(device)
            self._tracks[device], told = step(track, seen, self._rules, self._facts)
            self._changed.add(device)
            events += told
        return events


def _pressed(fixes: Fixes) -> list[Event]:
    """Return an SOS for each fix sent by the emergency key: at once, whatever its order."""
    return [
        Event(Kind.SOS, fix.device, fix.micros, accuracy_m=fix.accuracy_m, lon=fix.lon, lat=fix.lat)
        for fix in fixes.take(np.flatnonzero(fixes.sos))
    ]
