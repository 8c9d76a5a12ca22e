"""The folds of many devices: each fix that may change something goes through ``step``, the others through a compare.

What must stay true here: what ``roll`` knows of a device is read off its Track, and leads past ``step`` only where that
would have noted no more than the time; each moment is judged by the zones then in force; after ``settle`` nothing of
the device is due any more that was due by then.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from mypy_extensions import i64

from geofence.editions import Editions
from geofence.event import Event, changed
from geofence.look import Lot
from geofence.model import EVER, NEVER, SECOND, DeviceId, Fixes, Micros
from geofence.roll import Roll
from geofence.terms import Terms
from geofence.track import Rules, Seen, Track, advance, calm_gap, deadline, dwells, step
from geofence.zones import Sightings


class Gone(NamedTuple):
    """What came of the rows of a batch."""

    told: dict[int, list[Event]]
    late: list[int]
    slots: set[int]
    """Devices that took a step: something of them may be due."""


class Saved(NamedTuple):
    """What must be kept of one device to go on from here."""

    track: Track
    upto: Micros
    """How far its time has passed: what was measured by then and comes now is late."""


class Folds:
    """Tracks by device, and the roll of what they come to."""

    def __init__(self, editions: Editions, rules: Rules, often: int = 0) -> None:
        """``often``: for so long a device that is only heard need not be saved."""
        self._rules = rules
        self._terms = Terms(editions)
        self._often = often
        self._patience = int(min(rules.silence_s, rules.lost_s) * SECOND)
        self._tracks: dict[DeviceId, Track] = {}
        self.roll = Roll(lambda device: calm_gap(rules.of(device)))

    def take(self, saved: Saved) -> None:
        """Go on from what was saved of a device."""
        slot = self.roll.enter(saved.track.device)
        self._tracks[saved.track.device] = saved.track
        self.roll.mark[slot], self.roll.low[slot] = saved.upto, saved.track.low
        self._note(slot, saved.track, saved.upto, NEVER)  # what is due is found when time passes

    def drop(self, device: DeviceId) -> int:
        """Forget a device; return its slot."""
        self._tracks.pop(device, None)
        slot = self.roll.enter(device)
        self.roll.clear(slot)
        return slot

    def tracks(self) -> dict[DeviceId, Track]:
        """Return all tracks, as of now."""
        for slot in np.flatnonzero(self.roll.stale).tolist():
            self.track(slot)
        return self._tracks

    def changed(self) -> Iterator[Saved]:
        """Yield what changed since this was last asked, by name."""
        roll = self.roll
        slots = np.flatnonzero(roll.touched).tolist()
        roll.touched[:] = 0
        for slot in sorted(slots, key=roll.names.__getitem__):
            track = self.track(slot)
            if track is None:  # all that it sent waits for its turn
                continue
            roll.saved[slot] = roll.heard[slot]
            yield Saved(track, Micros(int(roll.mark[slot])))

    def track(self, slot: int) -> Track | None:
        """Return what is remembered of the device, if anything is."""
        device = self.roll.names[slot]
        track = self._tracks.get(device)
        if track is not None and self.roll.stale[slot]:
            track = self._tracks[device] = _heard(track, Micros(int(self.roll.heard[slot])))
            self.roll.stale[slot] = 0
        return track

    def follow(self, fixes: Fixes, sightings: Sightings) -> Gone:
        """Let a batch go on as it came: devices of which every fix is calm all at once, the others one by one."""
        gone, slots = Gone({}, [], set()), self.roll.slots(fixes)
        if not len(fixes):
            return gone
        calm = self.roll.calm(slots, fixes.time, sightings.same)
        self.roll.hear(calm.slot, calm.heard, self._patience, self._often)
        lot, edges = Lot(fixes, sightings, calm.rows, calm.stop), [*calm.start.tolist(), len(calm.rows)]
        for slot, (a, b) in zip(slots[calm.rows[calm.start]].tolist(), pairwise(edges), strict=True):
            self._follow(slot, lot, a, b, gone)
        return gone

    def step(self, slot: int, ready: Sequence[Seen]) -> list[Event]:
        """Let one device's sightings go on."""
        device, events = self.roll.names[slot], list[Event]()
        track, rules = self.track(slot) or Track(device), self._rules.of(device)
        for seen in ready:
            self._tracks[device] = track = self._believe(slot, track, seen, rules, events)
        self.roll.mark[slot], self.roll.touched[slot] = ready[-1].time, 1
        return events

    def charged(self, slot: int, low: bool) -> None:
        """Remember whether the device's battery was said to be low."""
        track = self.track(slot) or Track(self.roll.names[slot])
        self._tracks[track.device] = replace(track, low=low)
        self.roll.low[slot], self.roll.touched[slot] = low, 1

    def settle(self, slot: int, mark: int) -> list[Event]:
        """Bring about what is due of the device by ``mark``, and note when it will be looked at again."""
        track = self.track(slot)
        if track is None or track.heard is None:
            return []
        facts, rules, events = self._terms.at(track.heard), self._rules.of(track.device), list[Event]()
        due = deadline(track, rules, facts)
        if (due is not None and due <= mark) or mark > facts.last:
            events = self._expire(slot, mark)
            track, facts = self._tracks[track.device], self._terms.at(mark)
            due = deadline(track, rules, facts)
        self._note(slot, track, NEVER if due is None else due, facts.last + 1)
        return events

    def _follow(self, slot: int, lot: Lot, i: i64, end: i64, gone: Gone) -> None:
        """Let the rows of a lot from ``i`` on, all of one device, go on one by one, or as many at once as are calm."""
        roll, device = self.roll, self.roll.names[slot]
        track, rules = self.track(slot) or Track(device), self._rules.of(device)
        before, until, gap = int(roll.mark[slot]), int(roll.until[slot]), int(roll.gap[slot])
        mark = before
        while i < end:
            time = Micros(lot.time[i])
            if time <= mark:
                gone.late.append(int(lot.row[i]))
                i += 1
            elif track.same == lot.same[i] and time < until and time - (track.heard or 0) <= gap:
                i = lot.last_before(until, i, lot.stop[i]) + 1
                mark = int(lot.time[i - 1])
                track = _heard(track, mark)
            else:
                events: list[Event] = []
                track = self._believe(slot, track, lot.seen(i), rules, events)
                if events:
                    gone.told[int(lot.row[i])] = events
                mark, until, i = time, self._until(track), i + 1
        if mark != before:
            self._tracks[device] = track
            roll.mark[slot], roll.touched[slot] = mark, 1
            gone.slots.add(slot)

    def _believe(self, slot: int, track: Track, seen: Seen, rules: Rules, events: list[Event]) -> Track:
        """Let one sighting go on, by the zones of its moment; what that says is added to ``events``."""
        facts, heard = self._terms.at(seen.time), EVER if track.heard is None else track.heard
        now = facts
        if EVER < heard < facts.since:
            self._tracks[track.device] = track
            events += self._expire(slot, facts.since)
            track, now = self._tracks[track.device], self._terms.since(heard, facts)
        track, told = step(track, seen, rules, now)
        if told:
            events += _not_before(max(heard, facts.since), told)
        return track

    def _expire(self, slot: int, mark: int) -> list[Event]:
        """Bring about what is due by ``mark``, each by the zones then in force."""
        events: list[Event] = []
        track, before = self.track(slot), int(self.roll.mark[slot])
        if track is None or track.heard is None:
            return events
        passed, heard, rules = before, track.heard, self._rules.of(track.device)
        for facts in self._terms.between(heard, mark):
            end = min(facts.last + 1, mark)  # a zone's end is its last moment's affair, and is dated just after it
            while (due := deadline(track, rules, facts)) is not None and due <= end:
                track, told = advance(track, due, rules, facts)
                at = max(due, heard, facts.since)
                events += _not_before(at, told)
                passed = max(passed, at)
                self.roll.touched[slot] = 1
        if events or passed != before:
            self._tracks[track.device] = track
            self.roll.mark[slot] = passed
        return events

    def _note(self, slot: int, track: Track, due: int, turn: int) -> None:
        """Write on the roll what the device's track comes to."""
        roll = self.roll
        roll.heard[slot] = EVER if track.heard is None else track.heard
        roll.same[slot], roll.until[slot], roll.due[slot] = track.same, self._until(track), min(due, turn)

    def _until(self, track: Track) -> int:
        """Return the first moment at which a fix like the last has something to say."""
        if track.same == -1 or track.silent or track.heard is None:
            return EVER
        facts = self._terms.at(track.heard)
        return min([facts.last + 1, *dwells(track, facts)])


def _heard(track: Track, time: int) -> Track:
    return Track(track.device, Micros(time), False, track.same, track.beliefs, track.trail, track.low)


def _not_before(moment: Micros, events: list[Event]) -> list[Event]:
    return [event if event.decided >= moment else changed(event, decided=moment) for event in events]
