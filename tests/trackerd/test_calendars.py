"""Days off and calendar files: what a town's own export comes to, in moments."""

from __future__ import annotations

import subprocess
import sys
from datetime import date, datetime, time
from itertools import pairwise
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from geofence.calendar import DaysOff, Hours, Window
from geofence.model import SECOND, to_datetime
from trackerd.calendars import days_off, windows

DATA = Path(__file__).parent / "data"
BRUSSELS = ZoneInfo("Europe/Brussels")
HOUR = 3600 * SECOND


def local(window: Window | None) -> str:
    assert window is not None
    start, end = (to_datetime(edge).astimezone(BRUSSELS) for edge in window)
    return f"{start:%Y-%m-%d %H:%M}/{end:%H:%M}"


def test_a_towns_calendar_with_what_towns_do_to_them() -> None:
    found, faults = windows(DATA / "market.ics", BRUSSELS, date(2026, 5, 1), date(2026, 7, 31))
    assert faults == []
    said = [local(window) for window in found]
    weekly = [f"2026-{day} 08:00/12:30" for day in ("05-05", "05-12", "05-26", "06-09", "06-16", "06-23", "06-30",
                                                    "07-07", "07-14", "07-28")]  # fmt: skip
    assert said == sorted([*weekly, "2026-05-20 09:00/13:30", "2026-06-20 00:00/00:00", "2026-07-20 22:00/02:00"])
    assert "2026-05-19" not in " ".join(said), "moved to Wednesday"
    assert "2026-07-21" not in " ".join(said), "left out on the national day"
    kermis = next(window for window in found if local(window).startswith("2026-06-20"))
    assert (kermis.end - kermis.start) / HOUR == 48


def test_a_weekly_event_keeps_its_hour_over_the_clock_change() -> None:
    found, _ = windows(DATA / "market.ics", BRUSSELS, date(2026, 3, 20), date(2026, 4, 10))
    assert [local(window)[11:] for window in found] == ["08:00/12:30"] * 3
    utc = [to_datetime(window.start).hour for window in found]
    assert utc == [7, 6, 6]


EMPTY = """BEGIN:VCALENDAR
VERSION:2.0
PRODID:x
BEGIN:VEVENT
UID:a
DTSTAMP:20260101T090000Z
SUMMARY:Markt
DTSTART:20260505T100000
END:VEVENT
END:VCALENDAR
"""


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("not a calendar at all", "is no iCalendar file"), (EMPTY, "Markt: ends when it begins or before"),
        (EMPTY.replace("SUMMARY:Markt", "RRULE:FREQ=NEVER"), "cannot be unfolded"),
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_file_is_told(tmp_path: Path, text: str, words: str) -> None:
    path = tmp_path / "bad.ics"
    path.write_text(text)
    found, faults = windows(path, BRUSSELS, date(2026, 5, 1), date(2026, 5, 31))
    assert found == ()
    assert words in str(faults[0])
    assert faults[0].remedy


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    _, (fault,) = windows(tmp_path / "none.ics", BRUSSELS, date(2026, 5, 1), date(2026, 5, 31))
    assert "No such file" in str(fault)


@pytest.mark.parametrize(
    ("day", "community", "public", "school"),
    [
        (date(2026, 7, 21), "nl", True, True),   # the national day, in the summer holidays
        (date(2026, 5, 14), "nl", True, True),   # Ascension
        (date(2026, 5, 19), "nl", False, False),
        (date(2026, 11, 2), "nl", False, True),  # autumn week
        (date(2026, 4, 8), "nl", False, True),   # Easter holidays of the Flemish schools,
        (date(2026, 4, 8), "fr", False, False),  # which the French ones have later
        (date(2026, 4, 28), "fr", False, True),
        (date(2026, 4, 28), "nl", False, False),
        (date(2026, 8, 26), "nl", False, True),
        (date(2026, 8, 26), "fr", False, False),  # French schools begin earlier
    ],
)  # fmt: skip
def test_days_off(day: date, community: str, public: bool, school: bool) -> None:
    off = days_off(community, 2025, 2027)
    assert (day in off.public, day in off.school) == (public, school)


OFF = DaysOff(frozenset({date(2026, 7, 21)}), frozenset({date(2026, 7, 20), date(2026, 7, 21)}))


@pytest.mark.parametrize(
    ("public", "school", "held"),
    [
        ("on", "on", [19, 20, 21, 22]), ("off", "on", [19, 20, 22]), ("on", "off", [19, 22]),
        ("off", "off", [19, 22]), ("only", "on", [21]), ("on", "only", [20, 21]), ("off", "only", [20]),
    ],
)  # fmt: skip
def test_hours_on_days_off(public: str, school: str, held: list[int]) -> None:
    hours = Hours(time(8), time(9), public=public, school=school, off=OFF)  # type: ignore[arg-type]
    assert [day for day in range(19, 23) if hours.on(date(2026, 7, day), BRUSSELS) is not None] == held


@pytest.mark.parametrize(
    ("day", "start", "end", "lasts"),
    [
        (date(2026, 3, 28), "22:00", "06:00", 7),   # the night the clock goes forward
        (date(2026, 10, 24), "22:00", "06:00", 9),  # and back
        (date(2026, 3, 29), "01:00", "04:00", 2),
        (date(2026, 10, 25), "01:00", "04:00", 4),
        (date(2026, 3, 29), "02:30", "03:30", 0.5),  # from the leap on
        (date(2026, 3, 29), "02:10", "02:50", 0),   # nothing of it exists
        (date(2026, 5, 19), "00:00", "00:00", 24),
        (date(2026, 12, 31), "23:00", "01:00", 2),
    ],
)  # fmt: skip
def test_windows_are_the_towns_own_time(day: date, start: str, end: str, lasts: float) -> None:
    window = Hours(time.fromisoformat(start), time.fromisoformat(end)).on(day, BRUSSELS)
    assert (window.end - window.start) / HOUR == lasts if window is not None else lasts == 0


days = st.dates(date(2020, 1, 1), date(2030, 12, 31))
hours = st.times().map(lambda one: one.replace(second=0, microsecond=0))


@given(days, hours, hours)
def test_windows_of_following_days_never_overlap(day: date, start: time, end: time) -> None:
    weekly = Hours(start, end)
    found = [weekly.on(date.fromordinal(day.toordinal() + n), BRUSSELS) for n in range(4)]
    for one, after in pairwise(window for window in found if window is not None):
        assert one.start < one.end <= after.start
    for n, window in enumerate(found):
        if window is not None:
            began = to_datetime(window.start).astimezone(BRUSSELS)
            assert began.date() == date.fromordinal(day.toordinal() + n)
            assert began.replace(tzinfo=None) >= datetime.combine(began.date(), start), (
                "or later, where no such time is"
            )


def test_who_needs_no_calendar_does_not_wait_for_its_libraries() -> None:
    code = "import sys, trackerd.assemble; print({'holidays', 'icalendar', 'recurring_ical_events'} & {*sys.modules})"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "set()\n"
