"""The duty gate: the one question asked of everything before it is stored, logged or counted per person.

What must stay true here: off duty, on break and in a private zone nothing goes on but a count that names nobody, and of
a device nobody ever carries only how often it was heard; an SOS always goes on; a word about a break holds for
everything after it and for everything of the same batch, and erases what is on disk of its time.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from devices.decoder import Pause
from geofence.calendar import Window
from geofence.model import EVER, SECOND, DeviceId, Fix, Fixes, IntColumn, Micros, WardenId, to_micros
from geofence.zones import UNKNOWN_ACCURACY_M, Zone, depth_m
from trackerd.breaks import TAG, Breaks, extent
from trackerd.store import Break, Erased
from trackerd.town import Town

FUTURE_US = 600 * SECOND
"""A fix may be so far ahead of our clock: a tracker's own may be wrong by as much."""
PAST_US = 7 * 86_400 * SECOND
"""And so far behind: a tracker may keep its fixes through a holiday."""
FRESH_US = 60 * SECOND
"""A word without a time is dated by the device's last fix, if that came in so shortly before it."""
MOST_DEVICES = 10_000
FROM_THE_FUTURE = "from-the-future"
TOO_OLD = "too-old"
MESSAGE = "message"
"""Who said so, where it came from the warden's phone."""


class Gate:
    """Who is on duty, as far as is known now."""

    def __init__(self, town: Town, breaks: Iterable[Break] = ()) -> None:
        """Begin with the ``breaks`` on disk."""
        self._breaks = Breaks(breaks)
        self._heard: dict[DeviceId, tuple[Micros, Micros]] = {}
        self.move(town)

    def move(self, town: Town) -> None:
        """Let another town be in force, with the breaks there are."""
        self.town = replace(town, roster=replace(town.roster, breaks=self._breaks.spans()))

    def open(self, device: DeviceId, time: int) -> bool:
        """Return whether the device is carried on duty at that moment."""
        return self.town.roster.holder(device, time) is not None

    def hear(self, device: DeviceId, time: int, received: Micros) -> None:
        """Note a device's own time, by which a word without one is dated: the newest of what came in lately."""
        if device not in self._heard and len(self._heard) >= MOST_DEVICES:
            self._heard.clear()
        heard, newest = self._heard.get(device, (received, time))
        self._heard[device] = received, Micros(max(newest, time) if received - heard <= FRESH_US else time)

    def hear_many(self, fixes: Fixes, received: Micros) -> None:
        """Note the same of fixes that came in at once."""
        newest = np.full(len(fixes.devices), EVER)
        np.maximum.at(newest, fixes.device, fixes.time)
        for device, time in zip(fixes.devices, newest.tolist(), strict=True):
            self.hear(device, time, received)

    def said(self, pause: Pause, received: Micros) -> list[Break] | None:
        """Take a word from a warden's device; return the breaks it changed, None where it can mean nothing."""
        start = self._dated(pause.device, received) if pause.start is None else to_micros(pause.start)
        warden = self.town.roster.carrier(pause.device, start)
        if warden is None or not _within(start, received):
            return None
        if not pause.on:
            return self.resume(warden, start)
        duty = self.town.roster.stretch(warden, start)
        until = to_micros(pause.until) if pause.until is not None else None
        if duty is None or (until is not None and until <= start):
            return None
        by = TAG if pause.tagged else MESSAGE
        return self.rest(Break(warden, start, min(until or duty.end, duty.end), by))

    def rest(self, new: Break) -> list[Break]:
        """Let a break hold; return the breaks that changed."""
        begun = self._breaks.begin(new)
        if begun:
            self.move(self.town)
        return begun

    def recall(self, breaks: Sequence[Break]) -> None:
        """Let breaks hold that were told before the last start and are not on disk yet."""
        if breaks:
            self._breaks.recall(breaks)
            self.move(self.town)

    def erased(self, told: Iterable[Break], now: Micros) -> list[Erased]:
        """Return what is to be erased, by ``now``, for these breaks as they stand once all words have been taken."""
        found: list[Erased] = []
        roster, last = self.town.roster, Micros(now + FUTURE_US)
        for warden, start, end, _ in self._breaks.standing(told):
            past = Window(start, min(end, last))
            held = roster.planned_within(past).get(warden, {}) if past.start < past.end else {}
            if not held and roster.carrier(DeviceId(warden), start) == warden:  # whoever sends is on duty
                held = {DeviceId(warden): (past,)}
            found += [Erased(device, Micros(a), Micros(b)) for device, of in held.items() for a, b in of if a < b]
        return found

    def resume(self, warden: WardenId, at: Micros, by: str | None = None) -> list[Break]:
        """Let the warden's breaks (only those said ``by``) end; return the breaks that changed."""
        ended = self._breaks.end(warden, at, by)
        if ended:
            self.move(self.town)
        return ended

    def untagged(self, fix: Fix) -> list[Break]:
        """Take a fix of an app that marks all it sends on break: without the mark the break is over."""
        if not self.town.roster.breaks:
            return []
        warden = self.town.roster.carrier(fix.device, fix.micros)
        if warden is None or not self.town.roster.on_break(warden, fix.micros):
            return []
        return self.resume(warden, fix.micros, TAG)

    def admit(self, fixes: Fixes) -> tuple[list[WardenId | None], NDArray[np.bool_]]:
        """Return for each fix who carried its device, and whether it may go on."""
        holders = self.town.roster.holders(fixes)
        passes = np.ones(len(fixes), dtype=bool)
        if None in holders:
            passes = np.array([warden is not None for warden in holders], dtype=bool)
        if self.town.private and passes.any():
            passes[passes] = ~hidden(self.town.private, fixes.take(passes))
        return holders, passes | (fixes.sos != 0)

    def extent(self, warden: WardenId, start: Micros, until: Micros | None) -> Window | None:
        """Return from when to when a break would hold."""
        return extent(self.town.roster, warden, start, until)

    def _dated(self, device: DeviceId, received: Micros) -> Micros:
        """Say when a word without a time was said: where it waited in a queue, right after the fix before it."""
        heard, time = self._heard.get(device, (None, Micros(0)))
        waited = heard is not None and received - heard <= FRESH_US and time < received
        return Micros(time + 1) if waited else received


def hidden(private: Iterable[Zone], fixes: Fixes) -> NDArray[np.bool_]:
    """Return for each fix whether it lies in a private zone or, by its stated accuracy, may."""
    margin = np.where(np.isnan(fixes.accuracy_m), UNKNOWN_ACCURACY_M, fixes.accuracy_m)
    found = np.zeros(len(fixes), dtype=bool)
    for zone in private:
        first = -np.inf if zone.valid_from is None else zone.valid_from
        after = np.inf if zone.valid_to is None else zone.valid_to
        valid = (first <= fixes.time) & (fixes.time < after)
        found |= valid & (depth_m(zone, fixes.lon, fixes.lat) >= -margin)
    return found


def unbelievable(time: IntColumn, received: IntColumn) -> NDArray[np.bool_]:
    """Return what cannot be true: measured at a time so far ahead of, or behind, when it was received."""
    return (time > received + FUTURE_US) | (time < received - PAST_US)


def _within(time: Micros, received: Micros) -> bool:
    return -PAST_US <= time - received <= FUTURE_US
