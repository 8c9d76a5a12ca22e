"""What is owed when, and who is on duty, with which device.

What must stay true here: off duty nobody is anybody: ``Roster.holders`` is the one question asked of a fix before
anything is kept of it, and its answer outside a duty, and during a break, is None. A window is the town's own time made
moments; it belongs to the day on which it begins.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, timedelta, tzinfo
from fnmatch import fnmatchcase

import numpy as np
from numpy.typing import NDArray

from geofence.calendar import Hours, Window
from geofence.model import (
    EPOCH,
    EVER,
    NEVER,
    SECOND,
    DeviceId,
    Fixes,
    IntColumn,
    Micros,
    RequirementId,
    TeamId,
    WardenId,
    to_datetime,
)
from geofence.spans import Spans, clip, union, without
from geofence.verdict import Case, Terms
from geofence.zones import Zone

ANYONE = "anyone"
SHIFT_US = 36 * 3600 * SECOND
"""No stretch of duty is longer."""
DAY_US = 86_400 * SECOND
DAYS_MOST = 4096
"""Days of devices whose duties are remembered: a tracker may speak of any."""
MANY = 8
"""Fixes of a device in a batch from which on they are asked about together."""


@dataclass(frozen=True, slots=True)
class Requirement:
    """What is owed to some zones."""

    id: RequirementId
    when: Hours | tuple[Window, ...]
    """Every week at these hours, or in these very windows (of a calendar file)."""
    terms: Terms
    zones: tuple[str, ...] = ()
    """Patterns of zone ids, or, beside them, kinds."""
    kinds: tuple[str, ...] = ()
    by: tuple[str, ...] = (ANYONE,)
    """Wardens, or teams as ``team:ID``."""

    def fits(self, zone: Zone) -> bool:
        """Return whether it is about that zone."""
        return zone.kind in self.kinds or any(fnmatchcase(zone.id, pattern) for pattern in self.zones)

    def asks(self, warden: WardenId, team: TeamId | None) -> bool:
        """Return whether that warden may fulfil it."""
        return ANYONE in self.by or warden in self.by or f"team:{team}" in self.by

    def windows(self, first: date, last: date, zone: tzinfo) -> list[Window]:
        """Return the windows that begin on these days of the town's calendar."""
        if isinstance(self.when, Hours):
            days = (first + timedelta(days=n) for n in range((last - first).days + 1))
            return [window for day in days if (window := self.when.on(day, zone)) is not None]
        return [one for one in self.when if first <= to_datetime(one.start).astimezone(zone).date() <= last]


@dataclass(frozen=True, slots=True)
class Plan:
    """All that is owed."""

    requirements: tuple[Requirement, ...] = ()
    zone: tzinfo = UTC

    def cases(self, zones: Iterable[Zone], first: date, last: date) -> list[Case]:
        """Return what is owed to these zones in the windows that begin on these days, in order of their closing."""
        known = list(zones)
        found = []
        for requirement in self.requirements:
            fitting = [zone for zone in known if requirement.fits(zone)]
            for window in requirement.windows(first, last, self.zone) if fitting else ():
                for zone in fitting:
                    valid = Window(max(window.start, zone.valid_from or EVER), min(window.end, zone.valid_to or NEVER))
                    if valid.start < valid.end:
                        found.append(Case(requirement.id, zone.id, valid, requirement.terms))
        return sorted(found, key=lambda case: (case.window.end, case.window.start, case.requirement, case.zone))


@dataclass(frozen=True, slots=True)
class Duty:
    """One warden with one device: every week at these hours, or in one single stretch."""

    warden: WardenId
    device: DeviceId
    when: Hours | Window


@dataclass(frozen=True)
class Roster:
    """All duties. With ``everyone`` each device that has no duty at all is its own warden, always on duty."""

    duties: tuple[Duty, ...] = ()
    zone: tzinfo = UTC
    teams: Mapping[WardenId, TeamId] = field(default_factory=dict)
    everyone: bool = False
    breaks: Mapping[WardenId, Spans] = field(default_factory=dict)
    """When each warden is on break: as good as off duty."""
    _days: dict[tuple[DeviceId, int], list[tuple[Window, WardenId]]] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )

    def holder(self, device: DeviceId, time: int) -> WardenId | None:
        """Return who carries the device on duty, and not on break, at that moment (microseconds), or None."""
        warden = self.carrier(device, time) if self.duties or not self.everyone else WardenId(device)
        return None if warden is not None and self.on_break(warden, time) else warden

    def on_break(self, warden: WardenId, time: int) -> bool:
        """Return whether the warden is on break at that moment."""
        spans = self.breaks.get(warden)
        if not spans:
            return False
        before = bisect_right(spans, time, key=lambda span: span[0])
        return before > 0 and time < spans[before - 1][1]

    def knows(self, device: DeviceId) -> bool:
        """Return whether anybody ever carries the device."""
        return self.everyone or any(duty.device == device for duty in self.duties)

    def carrier(self, device: DeviceId, time: int) -> WardenId | None:
        """Return whose duty with the device it is at that moment, on break or not, or None."""
        for window, warden in self._of_day(device, time // DAY_US):
            if window.start <= time < window.end:
                return warden
        if self.everyone and not any(duty.device == device for duty in self.duties):
            return WardenId(device)
        return None

    def holders(self, fixes: Fixes) -> list[WardenId | None]:
        """Return for each fix who carried its device on duty at its time."""
        if self.everyone and not self.duties and not self.breaks:
            wardens = np.array([WardenId(device) for device in fixes.devices], dtype=object)
            return list(wardens[fixes.device])
        rows = zip(fixes.device.tolist(), fixes.time.tolist(), strict=True)
        if len(fixes) < MANY * len(fixes.devices):
            return [self.holder(fixes.devices[index], time) for index, time in rows]
        who = np.full(len(fixes), None, dtype=object)
        order = np.lexsort((fixes.time, fixes.device))
        ends = np.searchsorted(fixes.device[order], np.arange(len(fixes.devices)), "right")
        for device, of in zip(fixes.devices, np.split(order, ends), strict=False):
            who[of] = self._held(device, fixes.time[of])
        return who.tolist()

    def _held(self, device: DeviceId, times: IntColumn) -> NDArray[np.object_]:
        """Return the same of one device at times in their order."""
        who, first = np.full(len(times), None, dtype=object), 0
        if self.everyone and not any(duty.device == device for duty in self.duties):
            who[:] = WardenId(device)
            first = len(times)
        while first < len(times):
            day = int(times[first]) // DAY_US
            last = int(np.searchsorted(times, (day + 1) * DAY_US))
            for window, warden in reversed(self._of_day(device, day)):  # of two that overlap, the first holds
                start, end = np.searchsorted(times[first:last], window) + first
                who[start:end] = warden
            first = last
        for warden in self.breaks.keys() & set(who.tolist()):
            for start, end in np.searchsorted(times, np.array(self.breaks[warden]).reshape(-1, 2)).tolist():
                who[start:end][who[start:end] == warden] = None
        return who

    def duties_within(self, window: Window) -> dict[WardenId, dict[DeviceId, Spans]]:
        """Return when, within the window, each warden is on duty with each device; of the rostered alone."""
        planned = self.planned_within(window)
        held = {w: {d: without(spans, self.breaks.get(w, ())) for d, spans in of.items()} for w, of in planned.items()}
        return {w: left for w, of in held.items() if (left := {d: spans for d, spans in of.items() if spans})}

    def stretch(self, warden: WardenId, time: int) -> Window | None:
        """Return the stretch of duty that holds the moment, whatever the device and the breaks; None off duty."""
        around = Window(Micros(time - SHIFT_US), Micros(time + SHIFT_US))
        for start, end in union(*self.planned_within(around).get(warden, {}).values()):
            if start <= time < end:
                return Window(Micros(start), Micros(end))
        if self.everyone and not any(duty.warden == warden for duty in self.duties):
            return Window(EVER, NEVER)
        return None

    def planned_within(self, window: Window) -> dict[WardenId, dict[DeviceId, Spans]]:
        """Return the same as the duties have it, breaks or not."""
        found: dict[WardenId, dict[DeviceId, Spans]] = {}
        first, last = (to_datetime(moment).astimezone(self.zone).date() for moment in window)
        for duty in self.duties:
            spans: Spans = ()
            for n in range((last - first).days + 1):
                spans = union(spans, clip(_windows(duty.when, first + timedelta(days=n), self.zone), *window))
            if spans:
                devices = found.setdefault(duty.warden, {})
                devices[duty.device] = union(devices.get(duty.device, ()), spans)
        return found

    def team(self, warden: WardenId | None) -> TeamId | None:
        """Return the team of a warden."""
        return self.teams.get(warden) if warden is not None else None

    def _of_day(self, device: DeviceId, day: int) -> list[tuple[Window, WardenId]]:
        """Return the windows that touch a day of UTC, which is given by its number since 1970."""
        found = self._days.get((device, day))
        if found is None:
            if len(self._days) >= DAYS_MOST:
                self._days.clear()
            begin = Micros(day * DAY_US)
            end = Micros(begin + DAY_US)
            own = [(w, duty.warden) for duty in self.duties if duty.device == device for w in self._begun(duty, day)]
            found = self._days[device, day] = [(w, who) for w, who in own if w.start < end and begin < w.end]
        return found

    def _begun(self, duty: Duty, day: int) -> list[Window]:
        """Return the windows of a duty that begin about that day, wherever on earth the town is, or end on it."""
        if isinstance(duty.when, Window):
            return [duty.when]
        number = EPOCH.toordinal() + day
        days = range(max(number - 2, date.min.toordinal()), min(number + 2, date.max.toordinal()))
        found = (duty.when.on(date.fromordinal(one), self.zone) for one in days)
        return [window for window in found if window is not None]


def _windows(when: Hours | Window, day: date, zone: tzinfo) -> list[Window]:
    """Return the windows that begin on a day of the town's calendar, or on the one before."""
    if isinstance(when, Window):
        return [when]
    found = (when.on(one, zone) for one in (day - timedelta(days=1), day))
    return [window for window in found if window is not None]
