"""Days off and calendar files, as the plan needs them: plain sets of dates and plain windows.

What must stay true here: the one place that knows the libraries; a calendar file is read whole or refused with file,
event and remedy; recurring events are unfolded in the file's own time zone, so they keep their hour over the year. The
libraries take half a second to load: only a plan that asks for them waits for that.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime, time, timedelta
from functools import lru_cache
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from geofence.calendar import DaysOff, Window
from geofence.faults import Fault
from geofence.model import to_micros

COMMUNITIES = {"nl": "Flemish", "fr": "French", "de": "German"}
"""School holidays in Belgium are each community's own."""
SCHOOL_SURE = date(2029, 8, 31)
"""Later school holidays the library reckons by rule; ministries decree them a few years ahead, and may deviate."""
MOST_WINDOWS = 20_000
"""Of one calendar file: more is a mistake in it."""


@lru_cache(maxsize=16)
def days_off(community: str, first: int, last: int) -> DaysOff:
    """Return Belgium's public holidays, and the school holidays of a community, in these years."""
    import holidays

    years = range(first, last + 1)
    public = frozenset(holidays.country_holidays("BE", years=years))
    subdivision = COMMUNITIES[community]
    return DaysOff(public, frozenset(holidays.country_holidays("BE", subdivision, years, categories=("school",))))


def windows(path: Path, zone: ZoneInfo, first: date, last: date) -> tuple[tuple[Window, ...], list[Fault]]:
    """Return when the events of an iCalendar file (RFC 5545) take place between two days, in order.

    Times without a zone are the town's; an event of whole days lasts from midnight to midnight.
    """
    import icalendar
    import recurring_ical_events

    try:
        calendar = icalendar.Calendar.from_ical(path.read_bytes())
    except OSError as error:
        return (), [Fault(str(path), "", f"cannot be read: {error.strerror}", "check the name and the rights")]
    except (ValueError, KeyError, IndexError) as error:
        return (), [Fault(str(path), "", f"is no iCalendar file: {_short(error)}", "export it again as .ics")]
    try:
        found = recurring_ical_events.of(calendar).between(first, last)
    except Exception as error:  # noqa: BLE001 - what a strange rule raises is the library's own affair
        return (), [Fault(str(path), "", f"has an event that cannot be unfolded: {_short(error)}", "mend its RRULE")]
    if len(found) > MOST_WINDOWS:
        return (), [Fault(str(path), "", f"holds {len(found)} events", "leave out what is no window")]
    return _made(path, found, zone)


def _made(path: Path, events: Iterable[Any], zone: ZoneInfo) -> tuple[tuple[Window, ...], list[Fault]]:
    made: set[Window] = set()
    faults: dict[str, Fault] = {}
    for event in events:
        if str(event.get("STATUS", "")).upper() == "CANCELLED":
            continue
        name = str(event.get("SUMMARY") or event.get("UID") or "an event")
        start = _moment(event["DTSTART"].dt, zone)
        end = _moment(event["DTEND"].dt, zone) if "DTEND" in event else start
        if end <= start:
            faults[name] = Fault(str(path), name, "ends when it begins or before", "give it a DTEND or a DURATION")
            continue
        made.add(Window(to_micros(start), to_micros(end)))
    return tuple(sorted(made)), list(faults.values())


def _moment(when: date | datetime, zone: ZoneInfo) -> datetime:
    if not isinstance(when, datetime):
        when = datetime.combine(when, time())
    return when if when.tzinfo is not None else when.replace(tzinfo=zone)


def _short(error: Exception) -> str:
    return " ".join(str(error).split())[:120]


def horizon(today: date) -> tuple[date, date]:
    """Return the first and the last day that calendars are unfolded for."""
    return today - timedelta(days=400), today + timedelta(days=1100)
