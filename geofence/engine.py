"""Many devices over one town's zones: in come fixes as they arrive, out come events.

What must stay true here: a device's events depend on that device's fixes alone, so devices may be spread over any
number of engines; the state of each (its Track, and how far its time has passed) is small and whole, so an engine may
be dropped at any moment and made again from what was last saved and the fixes stored after it; each moment is judged
by the zones then in force; after ``feed`` and ``advance`` nothing is due any more that was due by then, and no event
is decided before what was decided earlier.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from itertools import compress
from typing import NamedTuple

import numpy as np

from geofence.editions import Edition, Editions
from geofence.event import Event, Kind
from geofence.folds import Folds, Gone, Saved
from geofence.look import Lot
from geofence.model import EVER, NEVER, SECOND, DeviceId, Fixes, IntColumn, Micros, ZoneId
from geofence.order import Order, admit, settle
from geofence.track import Rules, Seen, Track
from geofence.zones import Sightings, ZoneSet

__all__ = ["Engine", "Fed", "Saved"]


LOW_PCT, CHARGED_PCT = 15.0, 30.0
"""A battery is low from the first on; from the second on it was charged."""


class Fed(NamedTuple):
    """What feeding a batch brought about."""

    events: list[Event]
    late: IntColumn
    """Rows of the batch that came after their moment had passed, or when it was taken."""


class Engine:
    """The folds of many devices over one town's zones."""

    def __init__(
        self,
        zones: ZoneSet | Editions,
        rules: Rules | None = None,
        saved: Iterable[Saved] = (),
        window_s: float = 0.0,
        often_s: float = 0.0,
    ) -> None:
        """Begin with what was ``saved``; ``window_s``: how far out of order fixes may come.

        ``often_s``: where fixes are stored, a device of which nothing changes need be saved no more often: what was
        saved and the fixes stored since say the same.
        """
        self._window = round(window_s * SECOND)
        self._held: dict[int, tuple[Seen, ...]] = {}
        """By slot, what waits for its turn."""
        self._editions = zones if isinstance(zones, Editions) else Editions([Edition(EVER, zones)])
        self._folds = Folds(self._editions, rules or Rules(), round(often_s * SECOND))
        for one in saved:
            self._folds.take(one)

    @property
    def zones(self) -> ZoneSet:
        """The zones of the newest edition."""
        return self._editions.newest

    def judge(self, fixes: Fixes) -> Fed:
        """See a batch of fixes against the zones of their time, and take it."""
        events: list[Event] = []
        late = [np.empty(0, np.int64)]
        for rows, lot, zones in self._editions.parts(fixes):
            fed = self.feed(lot, zones.locate(lot))
            events += fed.events
            late.append(rows[fed.late])
        return Fed(events, np.concatenate(late))

    def feed(self, fixes: Fixes, sightings: Sightings) -> Fed:
        """Take a batch of fixes, in the order they arrived, and what ``zones.locate`` said of them."""
        gone = self._wait(fixes, sightings) if self._window else self._folds.follow(fixes, sightings)
        events = [event for row in sorted(gone.told) for event in gone.told[row]]
        roll = self._folds.roll
        for slot in sorted(gone.slots, key=roll.names.__getitem__):
            events += self._folds.settle(slot, int(roll.mark[slot]))
        late = np.array(sorted(gone.late), dtype=np.int64)
        if fixes.sos.any():  # what was said at once is not to be said again by the same fixes
            roll.keep(roll.slots(fixes)[fixes.sos != 0])
        return Fed(events + _pressed(fixes) + self._run_down(fixes, late), late)

    def advance(self, now: Micros, but: Collection[DeviceId] = ()) -> list[Event]:
        """Let time pass: what waited for its turn goes on, dwells are reached, devices fall silent.

        For the devices in ``but`` it does not pass yet: they are heard of later, and the same is said.
        """
        events: list[Event] = []
        mark = Micros(now - self._window)
        for slot in self._folds.roll.waiting(mark):
            if self._folds.roll.names[slot] in but:
                continue
            if slot in self._held:
                events += self._go_on(slot, *settle(self._order(slot), mark))
            events += self._folds.settle(slot, mark)
        return events

    def changed(self) -> list[Saved]:
        """Return what must be saved since this was last asked."""
        return list(self._folds.changed())

    def keep_all(self) -> None:
        """Let what was put off be saved, for nothing may come after it."""
        self._folds.roll.keep()

    def upto(self, device: DeviceId) -> Micros:
        """Return how far the device's time has passed; EVER where nothing of it has gone on."""
        return self._folds.roll.upto(device)

    def resume(self, device: DeviceId, saved: Saved | None) -> None:
        """Go on from another state of one device, as saved; what waited for its turn must be fed again."""
        self._held.pop(self._folds.drop(device), None)
        if saved is not None:
            self._folds.take(saved)

    def occupancy(self) -> dict[ZoneId, int]:
        """Return how many devices are believed inside each zone that holds any."""
        counts: dict[ZoneId, int] = {}
        for track in self.tracks.values():
            inside = (belief.inside for belief in track.beliefs.values())
            for zone in compress(track.beliefs, inside):
                counts[zone] = counts.get(zone, 0) + 1
        return counts

    @property
    def tracks(self) -> Mapping[DeviceId, Track]:
        """What is remembered of each device, now."""
        return self._folds.tracks()

    def _wait(self, fixes: Fixes, sightings: Sightings) -> Gone:
        """Let each fix find its place among what came out of order."""
        gone = Gone({}, [], set())
        lot = Lot(fixes, sightings, np.arange(len(fixes)))
        for row, slot in enumerate(self._folds.roll.slots(fixes).tolist()):
            order, ready, late = admit(self._order(slot), lot.seen(row), self._window)
            if late:
                gone.late.append(row)
            elif ready:
                gone.slots.add(slot)
            gone.told[row] = self._go_on(slot, order, ready)
        return gone

    def _order(self, slot: int) -> Order:
        mark = Micros(int(self._folds.roll.mark[slot]))
        return Order(None if mark == EVER else mark, self._held.get(slot, ()))

    def _go_on(self, slot: int, order: Order, ready: tuple[Seen, ...]) -> list[Event]:
        if order.held:
            self._held[slot] = order.held
            self._folds.roll.held[slot] = order.held[0].time
        elif self._held.pop(slot, None):
            self._folds.roll.held[slot] = NEVER
        return self._folds.step(slot, ready) if ready else []

    def _run_down(self, fixes: Fixes, late: IntColumn) -> list[Event]:
        """Return what is to be said of batteries: once when one is low, and again only after it was charged."""
        charge = np.where(np.isin(np.arange(len(fixes)), late), np.nan, fixes.battery_pct)
        if not (charge <= LOW_PCT).any() and not self._folds.roll.low.any():
            return []
        events: list[Event] = []
        slots = self._folds.roll.slots(fixes)
        empty = charge <= LOW_PCT
        concerned = np.isin(slots, slots[empty | (self._folds.roll.low[slots] == 1)])
        for row in np.flatnonzero(concerned & (empty | (charge >= CHARGED_PCT))).tolist():
            low = bool(charge[row] <= LOW_PCT)
            if low == bool(self._folds.roll.low[slots[row]]):
                continue
            self._folds.charged(int(slots[row]), low)
            if low:
                device, time = fixes.devices[fixes.device[row]], Micros(int(fixes.time[row]))
                events.append(Event(Kind.BATTERY, device, time, battery_pct=float(charge[row]), decided=time))
        return events


def _pressed(fixes: Fixes) -> list[Event]:
    """Return an SOS for each fix sent by the emergency key: at once, whatever its order."""
    return [
        Event(Kind.SOS, fix.device, fix.micros, accuracy_m=fix.accuracy_m, lon=fix.lon, lat=fix.lat)
        for fix in fixes.take(np.flatnonzero(fixes.sos))
    ]
