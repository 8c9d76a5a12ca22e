"""Many devices: their columns, and the fold for those to whom something happens.

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
from operator import itemgetter
from typing import NamedTuple

import numpy as np

from geofence.calm import NOTHING, Columns, Lot, slots_of, sort
from geofence.editions import Edition, Editions
from geofence.model import EVER, SECOND, DeviceId, Event, Fixes, IntColumn, Kind, Micros, ZoneId
from geofence.order import Order, admit, settle
from geofence.track import Facts, Rules, Seen, Track, advance, calm_limit, deadline, standing, step
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
        self._held: dict[DeviceId, tuple[Seen, ...]] = {}
        """What waits for its turn, of devices of which something does."""
        self._columns = Columns()
        self._editions = zones if isinstance(zones, Editions) else Editions([Edition(EVER, zones)])
        self._facts: dict[int, Facts] = {}
        for one in saved:
            self.resume(one.track.device, one)

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
        """Take a batch of fixes, in the order they arrived, and what ``zones.locate`` said of them.

        Device by device; those to whom nothing happens, all at once.
        """
        if not len(fixes):
            return Fed([], np.empty(0, np.int64))
        lot = sort(self._columns, self._slots(fixes.devices), fixes, sightings.same)
        if self._window:
            lot = lot._replace(quiet=np.zeros(len(lot.slots), dtype=bool), run_ends=np.arange(len(fixes)))
        quiet = np.flatnonzero(lot.quiet)
        self._columns.pass_over(lot.slots[quiet], lot.time[lot.ends[quiet] - 1])
        told: list[tuple[int, Event]] = []
        late: list[int] = []
        stepped: list[DeviceId] = []
        seen = _Sights(fixes, sightings)
        for n in np.flatnonzero(~lot.quiet).tolist():
            device = self._columns.devices[lot.slots[n]]
            if self._walk(device, lot, range(lot.starts[n], lot.ends[n]), seen, told, late):
                stepped.append(device)
        events = [event for _, event in sorted(told, key=itemgetter(0))]
        for device in sorted(stepped):
            events += self._settled(device)
        events += _pressed(fixes)
        return Fed(events, np.array(sorted(late), dtype=np.int64))

    def _walk(
        self, device: DeviceId, lot: Lot, places: range, seen: _Sights, told: list[tuple[int, Event]], late: list[int]
    ) -> bool:
        """Take one device's fixes of a batch; return whether any went on."""
        columns, slot, place, went = self._columns, self._columns.slots[device], places.start, False
        while place < places.stop:
            time, row = int(lot.time[place]), int(lot.row[place])
            end = self._passed(slot, lot, place, time, seen.same(row))
            if end > place:
                columns.pass_over(slot, int(lot.time[end - 1]))
                place, went = end, True
                continue
            ready = self._admitted(device, slot, seen.at(row))
            if ready is None:
                late.append(row)
            elif ready:
                told += [(row, event) for event in self._step(device, ready)]
                went = True
                if place + 1 < places.stop:
                    self._note(device, self._tracks[device], self.upto(device))
            place += 1
        return went

    def _admitted(self, device: DeviceId, slot: int, seen: Seen) -> Sequence[Seen] | None:
        """Take one sighting back into the order of time; return what goes on now, None where it came too late."""
        if not self._window:  # nothing waits
            if seen.time <= self._columns.mark[slot]:
                return None
            self._columns.mark[slot] = seen.time
            return (seen,)
        order, ready, late = admit(Order(self._mark(slot), self._held.get(device, ())), seen, self._window)
        self._keep(device, order)
        return None if late else ready

    def _passed(self, slot: int, lot: Lot, place: int, time: int, same: int) -> int:
        """Return up to which place nothing happens to the device; ``place`` itself where this fix counts."""
        columns = self._columns
        heard, until = int(columns.heard[slot]), int(columns.until[slot])
        if (
            same == -1
            or same != columns.same[slot]
            or self._window
            or not max(heard, columns.mark[slot]) < time <= until
        ):
            return place
        if time - heard > columns.calm[slot]:
            return place
        end = int(lot.run_ends[place]) + 1
        return place + int(np.searchsorted(lot.time[place:end], until, "right"))

    def advance(self, now: Micros, but: Collection[DeviceId] = ()) -> list[Event]:
        """Let time pass: what waited for its turn goes on, dwells are reached, devices fall silent.

        For the devices in ``but`` it does not pass yet: they are heard of later, and the same is said.
        """
        events: list[Event] = []
        mark = Micros(now - self._window)
        for device in [device for device in self._held if device not in but]:
            order, ready = settle(Order(self._mark(self._columns.slots[device]), self._held[device]), mark)
            self._keep(device, order)
            events += self._step(device, ready) if ready else []
            if ready:
                self._note(device, self._tracks[device], self.upto(device))
        for slot in self._columns.waiting(mark):
            device = self._columns.devices[slot]
            if device not in but:
                events += self._expire(device, mark)
        return events

    def changed(self) -> list[Saved]:
        """Return what to save since this was last asked."""
        slots = np.flatnonzero(self._columns.dirty).tolist()
        self._columns.dirty[slots] = 0
        return [
            Saved(self._track(device), self.upto(device)) for device in sorted(self._columns.devices[n] for n in slots)
        ]

    def upto(self, device: DeviceId) -> Micros:
        """Return how far the device's time has passed; EVER where nothing of it has gone on."""
        slot = self._columns.slots.get(device)
        return EVER if slot is None else Micros(int(self._columns.mark[slot]))

    def resume(self, device: DeviceId, saved: Saved | None) -> None:
        """Go on from another state of one device, as saved; what waited for its turn must be fed again."""
        self._tracks.pop(device, None)
        self._held.pop(device, None)
        slot = self._slot(device)
        self._columns.put(slot, NOTHING)
        if saved is not None:
            self._tracks[device] = saved.track
            self._columns.mark[slot] = saved.upto
            self._note(device, saved.track, saved.upto)
        self._columns.dirty[slot] = 0

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
        for device in self._tracks:
            self._track(device)
        return self._tracks

    def _track(self, device: DeviceId) -> Track:
        """Return what is remembered of one device, brought up to when it was last heard."""
        track = self._tracks.get(device) or Track(device)
        slot = self._columns.slots.get(device)
        heard = EVER if slot is None else int(self._columns.heard[slot])
        if heard > (EVER if track.heard is None else track.heard):
            track = self._tracks[device] = replace(track, heard=Micros(heard))
        return track

    def _note(self, device: DeviceId, track: Track, mark: Micros) -> None:
        """Write into the columns what a Track says."""
        if track.heard is None:
            return
        facts = self._facts_at(self._editions.number(track.heard))
        rules, later = self._rules.of(device), self._facts_at(self._editions.number(max(mark, track.heard)))
        self._columns.put(self._columns.slots[device], standing(track, mark, rules, facts, later))

    def _slots(self, devices: Sequence[DeviceId]) -> IntColumn:
        found = slots_of(self._columns, devices)
        return np.array([self._slot(device) for device in devices], dtype=np.int64) if found is None else found

    def _slot(self, device: DeviceId) -> int:
        found = self._columns.slots.get(device)
        return self._columns.slot(device, int(calm_limit(self._rules.of(device)))) if found is None else found

    def _mark(self, slot: int) -> Micros | None:
        mark = int(self._columns.mark[slot])
        return None if mark == EVER else Micros(mark)

    def _keep(self, device: DeviceId, order: Order) -> None:
        if order.held:
            self._held[device] = order.held
        else:
            self._held.pop(device, None)
        if order.mark is not None:
            self._columns.mark[self._columns.slots[device]] = order.mark

    def _step(self, device: DeviceId, ready: Sequence[Seen]) -> list[Event]:
        events: list[Event] = []
        facts, rules = self._facts_at(self._editions.number(ready[0].time)), self._rules.of(device)
        for seen in ready:
            if seen.time > facts.last:
                facts = self._facts_at(self._editions.number(seen.time))
            track = self._track(device)
            heard = EVER if track.heard is None else track.heard
            now = facts
            if EVER < heard < facts.since:
                events += self._expire(device, facts.since)
                track, now = self._tracks[device], self._facts_since(heard, facts)
            self._tracks[device], told = step(track, seen, rules, now)
            slot = self._columns.slots[device]
            self._columns.heard[slot], self._columns.dirty[slot] = seen.time, 1
            events += _not_before(max(heard, facts.since), told)
        return events

    def _settled(self, device: DeviceId) -> list[Event]:
        """Note what was believed last, and bring about what that makes due."""
        slot, mark = self._columns.slots[device], self.upto(device)
        self._note(device, self._track(device), mark)
        return self._expire(device, mark) if self._columns.due[slot] <= mark else []

    def _expire(self, device: DeviceId, mark: Micros) -> list[Event]:
        """Bring about what is due by ``mark``, each by the zones then in force."""
        events: list[Event] = []
        if device not in self._tracks:
            return events
        track, passed = self._track(device), self.upto(device)
        if track.heard is None:
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
                self._columns.dirty[self._columns.slots[device]] = 1
        if events or passed != before:
            self._tracks[device] = track
        self._note(device, track, passed)
        self._columns.again[self._columns.slots[device]] = self._facts_at(self._editions.number(mark)).last
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


class _Sights:
    """A batch's sightings, each made when it is asked for."""

    def __init__(self, fixes: Fixes, sightings: Sightings) -> None:
        self._fixes, self._sightings = fixes, sightings
        self._starts = np.searchsorted(sightings.row, np.arange(len(fixes) + 1))

    def same(self, row: int) -> int:
        return int(self._sightings.same[row])

    def at(self, row: int) -> Seen:
        fixes = self._fixes
        near = self._sightings.pairs(int(self._starts[row]), int(self._starts[row + 1]))
        return Seen(
            Micros(int(fixes.time[row])), float(fixes.accuracy_m[row]), near, self.same(row), float(fixes.lon[row]),
            float(fixes.lat[row]),
        )  # fmt: skip


def _not_before(moment: Micros, events: list[Event]) -> list[Event]:
    return [event if event.decided >= moment else replace(event, decided=moment) for event in events]


def _pressed(fixes: Fixes) -> list[Event]:
    """Return an SOS for each fix sent by the emergency key: at once, whatever its order."""
    return [
        Event(Kind.SOS, fix.device, fix.micros, accuracy_m=fix.accuracy_m, lon=fix.lon, lat=fix.lat)
        for fix in fixes.take(np.flatnonzero(fixes.sos))
    ]
