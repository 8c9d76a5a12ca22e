"""When something holds: days of the week and hours in the town's own time.

What must stay true here: hours are the town's clock, so a window is an hour shorter or longer on the two nights the
clock changes, and begins or ends with the leap where its hour is leapt over; ``to`` earlier than ``from`` runs over
midnight and belongs to the day it began on.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import Literal, NamedTuple

from geofence.model import Micros, to_micros

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


class Window(NamedTuple):
    """A stretch of time, from its first moment to the first moment after it."""

    start: Micros
    end: Micros


@dataclass(frozen=True, slots=True)
class DaysOff:
    """The town's days off."""

    public: frozenset[date] = frozenset()
    school: frozenset[date] = frozenset()


NONE_OFF = DaysOff()
On = Literal["on", "off", "only"]
"""Whether something holds on days off too, not on them, or on them alone."""


@dataclass(frozen=True, slots=True)
class Hours:
    """From one hour to another on some days of the week, within a season."""

    start: time
    end: time
    days: frozenset[int] = frozenset(range(7))
    """0 is Monday."""
    first: date | None = None
    last: date | None = None
    public: On = "on"
    school: On = "on"
    off: DaysOff = NONE_OFF

    def on(self, day: date, zone: tzinfo) -> Window | None:
        """Return the window that begins on that day of the town's calendar, if any."""
        if day.weekday() not in self.days:
            return None
        if (self.first and day < self.first) or (self.last and day > self.last):
            return None
        if not (_held(self.public, day in self.off.public) and _held(self.school, day in self.off.school)):
            return None
        after = timedelta(days=self.end <= self.start)
        start, end = _moment(day, self.start, zone), _moment(day + after, self.end, zone)
        return Window(start, end) if start < end else None


def _moment(day: date, hour: time, zone: tzinfo) -> Micros:
    """Return when the town's clock shows the hour; an hour it leaps over is the moment it leaps."""
    shown = datetime.combine(day, hour)
    while shown.replace(tzinfo=zone).astimezone(UTC).astimezone(zone).replace(tzinfo=None) != shown:
        shown += timedelta(minutes=1)
    return to_micros(shown.replace(tzinfo=zone))


def _held(on: On, day_off: bool) -> bool:
    return on == "on" or (on == "only") == day_off
