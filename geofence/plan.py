"""Who is on duty, with which device, when.

What must stay true here: off duty nobody is anybody: ``Roster.holders`` is the one question asked of a fix before
anything is kept of it, and its answer outside a duty is None.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, timedelta, tzinfo

from geofence.calendar import Hours, Window
from geofence.model import DeviceId, Fixes, TeamId, WardenId, to_datetime


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
    _days: dict[tuple[DeviceId, date], list[tuple[Window, WardenId]]] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )

    def holder(self, device: DeviceId, time: int) -> WardenId | None:
        """Return who carries the device on duty at that moment (microseconds), or None."""
        day = to_datetime(time).astimezone(self.zone).date()
        found = self._days.get((device, day))
        if found is None:
            found = self._days[device, day] = self._on(device, day)
        for window, warden in found:
            if window.start <= time < window.end:
                return warden
        if self.everyone and not any(duty.device == device for duty in self.duties):
            return WardenId(device)
        return None

    def holders(self, fixes: Fixes) -> list[WardenId | None]:
        """Return for each fix who carried its device on duty at its time."""
        rows = zip(fixes.device.tolist(), fixes.time.tolist(), strict=True)
        return [self.holder(fixes.devices[index], time) for index, time in rows]

    def team(self, warden: WardenId | None) -> TeamId | None:
        """Return the team of a warden."""
        return self.teams.get(warden) if warden is not None else None

    def _on(self, device: DeviceId, day: date) -> list[tuple[Window, WardenId]]:
        """Return the windows that can touch the day, begun on it or the day before."""
        own = [duty for duty in self.duties if duty.device == device]
        return [(window, duty.warden) for duty in own for window in _windows(duty.when, day, self.zone)]


def _windows(when: Hours | Window, day: date, zone: tzinfo) -> list[Window]:
    if isinstance(when, Window):
        return [when]
    found = (when.on(one, zone) for one in (day - timedelta(days=1), day))
    return [window for window in found if window is not None]
