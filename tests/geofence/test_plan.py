"""Who is on duty: hours of the town, over midnight, on the nights the clock changes."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from geofence.calendar import Hours, Window
from geofence.model import DeviceId, Fix, Fixes, TeamId, WardenId, to_datetime, to_micros
from geofence.plan import Duty, Roster

TOWN = ZoneInfo("Europe/Brussels")
W1, ANNA, BRAM = DeviceId("w1"), WardenId("gw-1"), WardenId("gw-2")


def at(text: str) -> int:
    return to_micros(datetime.fromisoformat(text).replace(tzinfo=TOWN))


def roster(*duties: Duty, everyone: bool = False) -> Roster:
    return Roster(duties, TOWN, {ANNA: TeamId("zellik")}, everyone)


DAY = Duty(ANNA, W1, Hours(time(7, 30), time(17, 30), frozenset(range(5))))
NIGHT = Duty(BRAM, W1, Hours(time(22), time(6), frozenset({5})))  # Saturday into Sunday


@pytest.mark.parametrize(
    ("when", "who"),
    [
        ("2026-05-04T07:29:59", None), ("2026-05-04T07:30", ANNA), ("2026-05-04T17:29:59", ANNA),
        ("2026-05-04T17:30", None), ("2026-05-03T12:00", None),  # a Sunday
        ("2026-05-02T22:00", BRAM), ("2026-05-03T05:59", BRAM), ("2026-05-03T06:00", None),
        ("2026-03-29T05:59", BRAM),  # the night of 23 hours
        ("2026-03-29T06:00", None), ("2026-10-25T05:59", BRAM),  # the night of 25
    ],
)  # fmt: skip
def test_who_is_on_duty(when: str, who: WardenId | None) -> None:
    assert roster(DAY, NIGHT).holder(W1, at(when)) == who


@pytest.mark.parametrize(
    ("day", "start", "end", "window"),
    [
        (date(2026, 3, 29), time(2, 30), time(3, 30), ("01:00", "01:30")),  # 02:00 to 03:00 is leapt over
        (date(2026, 3, 29), time(1, 30), time(2, 30), ("00:30", "01:00")),
        (date(2026, 3, 28), time(22), time(2, 30), ("21:00", "01:00")),
        (date(2026, 3, 29), time(2, 10), time(2, 50), None),  # it does not take place that night
        (date(2026, 10, 25), time(2, 30), time(3, 30), ("00:30", "02:30")),  # 02:00 to 03:00 comes twice
        (date(2026, 10, 25), time(1, 30), time(2, 30), ("23:30", "00:30")),
    ],
)  # fmt: skip
def test_hours_that_are_leapt_over_or_come_twice(
    day: date, start: time, end: time, window: tuple[str, str] | None
) -> None:
    found = Hours(start, end).on(day, TOWN)
    assert (found and tuple(f"{to_datetime(edge):%H:%M}" for edge in found)) == window


def test_a_single_duty_and_a_season() -> None:
    single = Duty(
        BRAM,
        W1,
        Window(to_micros(datetime(2026, 5, 2, 8, tzinfo=TOWN)), to_micros(datetime(2026, 5, 2, 9, tzinfo=TOWN))),
    )
    assert roster(single).holder(W1, at("2026-05-02T08:30")) == BRAM
    assert roster(single).holder(W1, at("2026-05-02T09:00")) is None
    season = Duty(ANNA, W1, Hours(time(8), time(9), first=date(2026, 5, 2), last=date(2026, 5, 3)))
    assert [roster(season).holder(W1, at(f"2026-05-0{day}T08:30")) for day in (1, 2, 3, 4)] == [None, ANNA, ANNA, None]


def test_everyone_is_on_duty_only_where_nothing_says_otherwise() -> None:
    assert roster(everyone=True).holder(W1, at("2026-05-03T03:00")) == "w1"
    assert roster(DAY, everyone=True).holder(W1, at("2026-05-03T03:00")) is None
    assert roster(DAY).holder(DeviceId("w2"), at("2026-05-04T12:00")) is None


@given(st.lists(st.integers(at("2026-03-25T00:00"), at("2026-04-02T00:00")), max_size=60), st.booleans(), st.booleans())
@example([at("2026-03-28T22:00"), at("2026-03-29T05:59"), at("2026-03-29T06:00")] * 8, False, True)
@settings(deadline=None)
def test_many_fixes_are_asked_about_together_as_each_by_itself(times: list[int], everyone: bool, rests: bool) -> None:
    """Over a night of 23 hours, overlapping duties and breaks; and of devices with no duty."""
    early = Duty(BRAM, W1, Hours(time(6), time(9)))  # overlaps the day's: the first written holds
    held = replace(
        roster(DAY, NIGHT, early, everyone=everyone),
        breaks={ANNA: ((at("2026-03-27T12:00"), at("2026-03-27T12:30")),)} if rests else {},
    )
    fixes = Fixes.of([Fix(DeviceId(name), to_datetime(t), 4.2, 50.9) for t in times for name in ("w1", "w2")])
    assert held.holders(fixes) == [held.holder(fix.device, fix.micros) for fix in fixes]


@pytest.mark.parametrize("zone", ["Pacific/Kiritimati", "Pacific/Pago_Pago", "Asia/Kathmandu", "Australia/Lord_Howe"])
def test_wherever_on_earth_who_holds_a_device_has_a_window_that_holds_the_moment(zone: str) -> None:
    here, hours = ZoneInfo(zone), Hours(time(21, 30), time(5), days=frozenset({2, 6}))
    held = Roster((Duty(ANNA, W1, hours),), here)
    days = (date(2026, 3, 20) + timedelta(days=n) for n in range(25))
    windows = [window for day in days if (window := hours.on(day, here)) is not None]
    for moment in range(at("2026-03-23T00:00"), at("2026-04-12T00:00"), 900_000_000):
        on = any(start <= moment < end for start, end in windows)
        assert held.holder(W1, moment) == (ANNA if on else None)


def test_a_tracker_may_speak_of_the_last_day_there_is() -> None:
    for day in (29, 30, 31):
        moment = to_micros(datetime(9999, 12, day, 12, tzinfo=UTC))
        assert roster(NIGHT).holder(W1, moment) is None


def test_teams() -> None:
    assert roster(DAY).team(ANNA) == "zellik"
    assert roster(DAY).team(BRAM) is None
