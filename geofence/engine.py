"""Many devices: a dict and a loop.

What must stay true here: a device's events depend on that device's fixes alone, so devices may be spread over any
number of engines; the state of each (its Track, and how far its time has passed) is small and whole, so an engine may
be dropped at any moment and made again from what was last saved and the fixes stored after it; each moment is judged
by the zones then in force; after ``feed`` and ``advance`` nothing is due any more that was due by then, and no event
is decided before what was decided earlier.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import compress
from typing import NamedTuple

import numpy as np

from geofence.editions import Edition, Editions
from geofence.model import EVER, SECOND, DeviceId, Event, Fixes, IntColumn, Kind, Micros, ZoneId
from geofence.order import Order, admit, settle
from geofence.track import Facts, Rules, Seen, Track, advance, deadline, step
from geofence.zones import Sightings, ZoneSet


class Fed(NamedTuple):
    """What feeding a batch brought about."""

    events: list[Event]
    late: IntColumn
    """Rows of the batch that came after their moment had passed, or when it was taken."""


class Saved(NamedTuple):
    """What must be kept of one device to go on from here."""

    track: Track
    upto: Micros
    """How far its time has passed: what was measured by then and comes now is late."""


class Engine:
    """The folds of many devices over one town's zones."""

    def __init__(
        self,
        zones: ZoneSet | Editions,
        rules: Rules | None = None,
        saved: Iterable[Saved] = (),
        window_s: float = 0.0,
    ) -> None:
        """Begin with what was ``saved``; ``window_s``: how far out of order fixes may come."""
        self._rules = rules or Rules()
        self._window = round(window_s * SECOND)
        self._tracks: dict[DeviceId, Track] = {}
        self._orders: dict[DeviceId, Order] = {}
        self._changed: set[DeviceId] = set()
        self._editions = zones if isinstance(zones, Editions) else Editions([Edition(EVER, zones)])
        self._facts: dict[int, Facts] = {}
        for track, upto in saved:
            self._tracks[track.device], self._orders[track.device] = track, Order(upto)

    @property
    def zones(self) -> ZoneSet:
        """The zones of the newest edition."""
        return self._editions.newest

    def judge(self, fixes: Fixes) -> Fed:
        """See a batch of fixes against the zones of their time, and take it."""
        events: list[Event] = []
        late = [np.empty(0, np.int64)]
        for rows, zones in self._editions.parts(fixes):
            lot = fixes.take(rows)
            fed = self.feed(lot, zones.locate(lot))
            events += fed.events
            late.append(rows[fed.late])
        return Fed(events, np.concatenate(late))

    def feed(self, fixes: Fixes, sightings: Sightings) -> Fed:
        """Take a batch of fixes, in the order they arrived, and what ``zones.locate`` said of them."""
        events: list[Event] = []
        late: list[int] = []
        stepped: set[DeviceId] = set()
        seen = (fixes.time, fixes.accuracy_m, sightings.near(), sightings.same, fixes.lon, fixes.lat)
        columns = [column if isinstance(column, list) else column.tolist() for column in (fixes.device, *seen)]
        rows = zip(*columns, strict=True)
        for row, (index, *said) in enumerate(rows):
            device = fixes.devices[index]
            order, ready, was_late = admit(self._orders.get(device, Order()), Seen(*said), self._window)
            self._orders[device] = order
            if was_late:
                late.append(row)
            if ready:
                events += self._step(device, ready)
                stepped.add(device)
        for device in sorted(stepped):
            events += self._expire(device, self.upto(device))
        events += _pressed(fixes)
        return Fed(events, np.array(late, dtype=np.int64))

    def advance(self, now: Micros, but: Collection[DeviceId] = ()) -> list[Event]:
        """Let time pass: what waited for its turn goes on, dwells are reached, devices fall silent.

        For the devices in ``but`` it does not pass yet: they are heard of later, and the same is said.
        """
        events: list[Event] = []
        mark = Micros(now - self._window)
        for device, order in self._orders.items():
            if device in but:
                continue
            if order.held:
                self._orders[device], ready = settle(order, mark)
                events += self._step(device, ready) if ready else []
            events += self._expire(device, mark)
        return events

    def changed(self) -> list[Saved]:
        """Return what to save since this was last asked."""
        changed, self._changed = self._changed, set()
        return [Saved(self._tracks[device], self.upto(device)) for device in sorted(changed)]

    def upto(self, device: DeviceId) -> Micros:
        """Return how far the device's time has passed; EVER where nothing of it has gone on."""
        order = self._orders.get(device)
        return EVER if order is None or order.mark is None else order.mark

    def resume(self, device: DeviceId, saved: Saved | None) -> None:
        """Go on from another state of one device, as saved; what waited for its turn must be fed again."""
        self._tracks.pop(device, None)
        self._orders.pop(device, None)
        self._changed.discard(device)
        if saved is not None:
            self._tracks[device], self._orders[device] = saved.track, Order(saved.upto)

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

    def _step(self, device: DeviceId, ready: Sequence[Seen]) -> list[Event]:
        events: list[Event] = []
        facts, rules = self._facts_at(self._editions.number(ready[0].time)), self._rules.of(device)
        for seen in ready:
            if seen.time > facts.last:
                facts = self._facts_at(self._editions.number(seen.time))
            track = self._tracks.get(device) or Track(device)
            heard = EVER if track.heard is None else track.heard
            now = facts
            if EVER < heard < facts.since:
                events += self._expire(device, facts.since)
                track, now = self._tracks[device], self._facts_since(heard, facts)
            self._tracks[device], told = step(track, seen, rules, now)
            self._changed.add(device)
            events += _not_before(max(heard, facts.since), told)
        return events

    def _expire(self, device: DeviceId, mark: Micros) -> list[Event]:
        """Bring about what is due by ``mark``, each by the zones then in force."""
        events: list[Event] = []
        track, passed = self._tracks.get(device), self.upto(device)
        if track is None or track.heard is None:
            return events
        before, heard, rules = passed, track.heard, self._rules.of(device)
        for number in range(self._editions.number(heard), self._editions.number(mark) + 1):
            facts = self._facts_at(number)
            end = min(facts.last + 1, mark)  # a zone's end is its last moment's affair, and is dated just after it
            while (due := deadline(track, rules, facts)) is not None and due <= end:
                track, told = advance(track, due, rules, facts)
                at = max(due, heard, facts.since)
                events += _not_before(at, told)
                passed = max(passed, at)
                self._changed.add(device)
        if events or passed != before:
            self._tracks[device] = track
            self._orders[device] = replace(self._orders[device], mark=passed)
        return events

    def _facts_at(self, number: int) -> Facts:
        """Return what the fold must know of one span of the editions."""
        facts = self._facts.get(number)
        if facts is None:
            spans = self._editions.spans
            one = spans[number]
            valid = one.valid()
            before = spans[number - 1].valid() if number else valid
            after = spans[number + 1].valid() if number + 1 < len(spans) else valid
            dwells = {zone.id: zone.dwell_s for zone in valid.values() if zone.dwell_s is not None}
            was = [(id_, zone, before.get(id_)) for id_, zone in valid.items()]
            begun = {id_: one.since for id_, zone, old in was if old is None or old.shape != zone.shape}
            ending = frozenset(valid.keys() - after.keys())
            facts = Facts(dwells, one.zones.version, one.since, one.last, begun, ending)
            self._facts[number] = facts
        return facts

    def _facts_since(self, heard: Micros, facts: Facts) -> Facts:
        """Return the facts for a device last heard then, knowing of each zone that has begun meanwhile."""
        numbers = range(self._editions.number(heard) + 1, self._editions.number(facts.since) + 1)
        begun = {zone: since for number in numbers for zone, since in self._facts_at(number).begun.items()}
        return facts._replace(begun=begun)


def _not_before(moment: Micros, events: list[Event]) -> list[Event]:
    return [event if event.decided >= moment else replace(event, decided=moment) for event in events]


def _pressed(fixes: Fixes) -> list[Event]:
    """Return an SOS for each fix sent by the emergency key: at once, whatever its order."""
    return [
        Event(Kind.SOS, fix.device, fix.micros, accuracy_m=fix.accuracy_m, lon=fix.lon, lat=fix.lat)
        for fix in fixes.take(np.flatnonzero(fixes.sos))
    ]
