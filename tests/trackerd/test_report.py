"""The questions to the record, against what is known to have been."""

from __future__ import annotations

from datetime import date

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from geofence.calendar import Window
from geofence.model import SECOND, DeviceId, Fixes, ZoneId
from geofence.verdict import Outcome
from tests.benchmarks.walkers import Scenario, seen
from tests.trackerd.reporting import (
    LAT,
    LON,
    at,
    keep_case,
    keep_fixes,
    keep_visits,
    record,
    roster,
    there_and_back,
    track,
    visit,
)
from trackerd.report.day import day
from trackerd.report.place import Presences, Spot, place
from trackerd.report.plan import plan
from trackerd.report.record import Record, ReportFault
from trackerd.report.track import walked_m
from trackerd.report.zone import zone
from trackerd.store import MemoryStore, StoreError

MINUTE = 60 * SECOND
SPOT = Spot(LON, LAT, 60.0)


def on(day_: str, last: str | None = None) -> Window:
    return record().days(date.fromisoformat(day_), date.fromisoformat(last or day_))


def test_a_day_has_duty_silences_distance_and_visits_by_warden_and_team() -> None:
    store = MemoryStore()
    keep_fixes(store, track("w1", at("2026-05-19T08:00"), [0.0] * 121), "gw-1")  # stands, ten minutes
    keep_fixes(store, track("w1", at("2026-05-19T08:30"), np.arange(0, 1800, 5.0).tolist()), "gw-1")  # half an hour
    keep_visits(
        store, (visit("v1", "box", at("2026-05-19T08:01"), at("2026-05-19T08:09")), "gw-1"),
        (visit("v2", "box", at("2026-05-18T08:01"), at("2026-05-18T08:09")), "gw-1"),
    )  # fmt: skip
    held = roster(("gw-1", "w1", "08:00", "09:00"), ("gw-2", "w2", "08:00", "09:00"))
    found = day(record(store, held=held), date(2026, 5, 19))
    first, second = found.turns
    assert (first.warden, first.team, first.duty) == (
        "gw-1",
        "asse",
        ((at("2026-05-19T08:00"), at("2026-05-19T09:00")),),
    )
    assert first.silences == ((at("2026-05-19T08:10") + 1, at("2026-05-19T08:30")),)
    assert first.distance_m == pytest.approx(1800, rel=0.04)
    assert [kept.visit.id for kept in first.visits] == ["v1"]
    assert second.silences == second.duty  # a tracker never heard is a silence, no absence
    (crew,) = found.crews
    assert (crew.team, crew.wardens, crew.duty_s, crew.visits) == ("asse", 2, 7200.0, 1)


def test_a_break_is_neither_duty_nor_silence() -> None:
    held = roster(("gw-1", "w1", "08:00", "09:00"))
    rest = {held.duties[0].warden: ((at("2026-05-19T08:20"), at("2026-05-19T08:40")),)}
    store = MemoryStore()
    for start in ("2026-05-19T08:00", "2026-05-19T08:40"):
        keep_fixes(store, track("w1", at(start), [0.0] * 240), "gw-1")
    held = type(held)(held.duties, held.zone, held.teams, breaks=rest)
    (turn,) = day(record(store, held=held), date(2026, 5, 19)).turns
    assert [(b - a) / MINUTE for a, b in turn.duty] == [20.0, 20.0]
    assert turn.silences == ()


def test_without_a_roster_a_day_is_from_the_first_to_the_last_that_was_heard() -> None:
    store = MemoryStore()
    keep_fixes(store, track("w1", at("2026-05-19T08:00"), [0.0] * 10), "w1")
    (turn,) = day(record(store), date(2026, 5, 19)).turns
    assert turn.duty == ((at("2026-05-19T08:00"), at("2026-05-19T08:00") + 45 * SECOND + 1),)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("every_s", [1.0, 5.0, 30.0])
def test_the_distance_is_near_the_truth_under_errors_that_last(seed: int, every_s: float) -> None:
    """An hour: half of it standing, half walking at 1.3 m/s with turns."""
    rng = np.random.default_rng(seed)
    heading = np.repeat(rng.uniform(0, 2 * np.pi, 36), 100)
    going = np.repeat(rng.permutation([True, False] * 18), 100)[:, None]
    truth = np.cumsum(np.column_stack([np.cos(heading), np.sin(heading)]) * 1.3 * going, axis=0)
    walks = seen(Scenario(walkers=1, hours=1, every_s=every_s, gaps_per_h=0), truth[None], rng)
    fixes = track("w1", at("2026-05-19T08:00"), walks.place[:, 0].tolist(), every_s)
    columns = Fixes.of(fixes)
    columns.lat[:] += walks.place[:, 1] / 111_250
    columns.accuracy_m[:] = walks.accuracy_m
    columns.time[:] = at("2026-05-19T08:00") + (walks.time * SECOND).astype(np.int64)
    assert walked_m([columns], 300) == pytest.approx(1800 * 1.3, rel=0.2)


def test_nothing_is_walked_over_a_silence() -> None:
    start = at("2026-05-19T08:00")
    fixes = track("w1", start, [0.0] * 20) + track("w1", start + 60 * MINUTE, [5000.0] * 20)
    assert walked_m([Fixes.of(fixes)], 300) == 0.0


def test_the_dose_of_a_zone() -> None:
    store, began = MemoryStore(), at("2026-05-18T10:00")
    keep_visits(
        store, (visit("a", "box", began, began + 10 * MINUTE), "gw-1"),
        (visit("b", "box", began, began + 20 * MINUTE, "w2"), "gw-2"),
        (visit("c", "box", began + 80 * MINUTE, began + 110 * MINUTE), "gw-1"),
        (visit("d", "park", began, began + 500 * MINUTE), "gw-1"),
    )  # fmt: skip
    keep_case(store, "daily", "box", (began, began + MINUTE), Outcome.MET)
    keep_case(store, "daily", "box", (began + 1, began + MINUTE), None)  # taken back, and nothing instead
    found = zone(record(store), ZoneId("box"), on("2026-05-18", "2026-05-19"))
    dose = found.dose
    assert (dose.visits, dose.per_week) == (3, 10.5)
    assert (dose.presence_s, dose.warden_s, dose.median_s) == (50 * 60, 60 * 60, 20 * 60)
    assert dose.gap == (began + 20 * MINUTE, began + 80 * MINUTE)
    assert dose.gap_median_s == 3600
    assert dose.age_s == (at("2026-05-20T00:00") - began - 110 * MINUTE) / SECOND
    assert [one.case.window.start for one in found.cases] == [began]
    (later,) = [zone(record(store), ZoneId("box"), on("2026-05-19"))]
    assert (later.visits, later.dose.last) == ((), began + 110 * MINUTE)
    assert zone(record(store), ZoneId("elsewhere"), on("2026-05-19")).dose.last is None


def test_a_visit_that_lasts_counts_until_its_device_was_heard_last() -> None:
    store, began = MemoryStore(), at("2026-05-18T10:00")
    keep_visits(store, (visit("a", "box", began, None), "gw-1"))
    assert zone(record(store), ZoneId("box"), on("2026-05-18")).dose.presence_s == 0.0


def test_the_plan_by_requirement_and_iso_week() -> None:
    store = MemoryStore()
    for day_, outcome in (
        ("2025-12-29", Outcome.MET), ("2026-01-04", Outcome.MISSED),  # one week, of 2026
        ("2026-01-05", Outcome.MET), ("2026-01-06", Outcome.MET), ("2026-01-07", Outcome.UNPROVEN),
        ("2026-01-08", Outcome.EXCUSED),
    ):  # fmt: skip
        keep_case(store, "boxes", "box", (at(f"{day_}T23:30"), at(f"{day_}T23:59")), outcome)
    keep_case(store, "boxes", "box", (at("2026-01-09T08:00"), at("2026-01-09T09:00")), None, closed=False)
    keep_case(store, "boxes", "box", (at("2026-01-10T08:00"), at("2026-01-10T09:00")), None)  # taken back
    found = plan(record(store), on("2025-12-29", "2026-01-11"))
    first, second = found.weeks
    assert [week.monday for week in found.weeks] == [date(2025, 12, 29), date(2026, 1, 5)]
    assert (first.count.share, first.change) == (0.5, None)
    assert (second.count.owed, second.count.unproven, second.count.excused, second.count.open) == (5, 1, 1, 1)
    assert second.change == pytest.approx(2 / 3 - 1 / 2)
    assert (found.count.owed, found.count.met, found.requirements[0].requirement) == (7, 3, "boxes")
    assert plan(record(store), on("2026-01-10")).count.share is None


def asked(store: MemoryStore, held: object = None, day_: str = "2026-05-19") -> Presences:
    made: Record = record(store, held=held)  # type: ignore[arg-type]
    return place(made, SPOT, on(day_), "anna", "complaint 7")


def test_a_place_is_certain_in_its_middle_and_nothing_from_afar() -> None:
    store, start = MemoryStore(), at("2026-05-19T10:00")
    keep_fixes(store, track("w1", start, there_and_back(400, 0, 60)), "gw-1")
    (one,) = asked(store).there
    assert (one.warden, one.device) == ("gw-1", "w1")
    assert 300 < one.certain_s < one.probable_s < one.possible_s < 450
    assert one.nearest_m == pytest.approx(0, abs=1)
    assert one.start < start + 80 * 5 * SECOND < one.end
    far = MemoryStore()
    keep_fixes(far, track("w1", start, there_and_back(400, 100, 60)), "gw-1")
    assert asked(far).there == ()


def test_a_silence_on_duty_near_enough_is_a_possibility_and_off_duty_none() -> None:
    store, start = MemoryStore(), at("2026-05-19T10:00")
    away = [600.0] * 60
    keep_fixes(store, track("w1", start, away) + track("w1", start + 40 * MINUTE, away), "gw-1")
    (one,) = asked(store, roster(("gw-1", "w1", "10:00", "10:45"))).there
    assert (one.warden, one.certain_s, one.probable_s) == ("gw-1", 0.0, 0.0)
    assert one.possible_s == pytest.approx(35 * 60 - 2 * (600 - 60) / 2, rel=0.02)
    assert asked(store, roster(("gw-1", "w1", "10:00", "10:05"), ("gw-1", "w1", "10:40", "10:45"))).there == ()
    assert asked(store).there == ()  # no roster, and unheard for so long: nobody is known to have been on duty


def test_a_tracker_never_heard_on_duty_may_have_been_anywhere() -> None:
    store = MemoryStore()
    keep_fixes(store, track("w2", at("2026-05-19T10:00"), [900.0] * 9), "gw-2")
    found = asked(store, roster(("gw-1", "w1", "10:00", "11:00")))
    assert [(one.warden, one.possible_s) for one in found.there] == [("gw-1", 3600.0)]


@settings(max_examples=40)
@given(st.integers(0, 10_000), st.floats(0, 300), st.integers(1, 80), st.floats(4, 15))
def test_who_was_truly_there_is_never_told_to_have_been_elsewhere(
    seed: int, nearest: float, stay: int, accuracy: float
) -> None:
    """Errors within the bound that wander; the place is asked about as a box of few fixes sees it, or all of them."""
    rng = np.random.default_rng(seed)
    truth = np.array(there_and_back(float(nearest + rng.uniform(200, 700)), nearest, stay))
    error = np.clip(np.cumsum(rng.normal(0, 1, len(truth))), -accuracy, accuracy)
    keep = rng.random(len(truth)) < rng.choice([0.05, 0.5, 1.0])
    keep[[0, -1]] = True
    start = at("2026-05-19T10:00")
    fixes = [
        one
        for one, kept in zip(track("w1", start, (truth + error).tolist(), accuracy=accuracy), keep, strict=True)
        if kept
    ]
    store = MemoryStore()
    keep_fixes(store, fixes, "gw-1")
    held = roster(("gw-1", "w1", "10:00", "10:59"))
    found = asked(store, held)
    for row in np.flatnonzero(truth <= SPOT.radius_m - 2).tolist():
        moment = start + row * 5 * SECOND
        assert any(one.start <= moment <= one.end for one in found.there), moment
    certain, probable, possible = found.presence_s
    assert certain <= probable <= possible
    inside_s = 5.0 * (np.count_nonzero(truth <= SPOT.radius_m + 2) + 1)
    assert certain <= inside_s


def test_the_asking_is_kept_before_anything_is_told_and_says_the_place_coarsely() -> None:
    store = MemoryStore()
    keep_fixes(store, track("w1", at("2026-05-19T10:00"), [0.0] * 9), "gw-1")
    asked(store)
    (kept,) = store.askings(0, 2**62)
    assert (kept.by, kept.about, kept.purpose) == ("anna", "50.90, 4.20, 60 m", "complaint 7")
    assert (kept.start, kept.end) == on("2026-05-19")

    def refuse(asking: object) -> None:
        raise StoreError("read-only")

    store.ask = refuse  # type: ignore[method-assign]
    store.seen = pytest.fail  # type: ignore[assignment]
    with pytest.raises(StoreError):
        asked(store)


@pytest.mark.parametrize(
    ("period", "says"),
    [
        (("2026-05-21", "2026-05-22"), "still to come"), (("2026-05-20", "2026-05-18"), "ends before it begins"),
        (("2026-05-01", "2026-05-02"), "the record begins on 2026-05-19"),
    ],
)  # fmt: skip
def test_what_cannot_be_answered_is_told(period: tuple[str, str], says: str) -> None:
    store = MemoryStore()
    with pytest.raises(ReportFault, match="nothing is stored yet"):
        plan(record(store), on("2026-05-19"))
    keep_fixes(store, track("w1", at("2026-05-19T10:00"), [0.0] * 9), "gw-1")
    with pytest.raises(ReportFault, match=says):
        plan(record(store), on(*period))


def test_days_are_the_towns_also_when_the_clock_changes() -> None:
    hours = [(b - a) / (60 * MINUTE) for a, b in (on("2026-03-29"), on("2026-10-25"), on("2026-05-19"))]
    assert hours == [23, 25, 24]


def forgetful(first_kept: str) -> MemoryStore:
    """Return a store of a day with visits all day, whose positions were let go of up to a moment."""
    store = MemoryStore()
    keep_visits(store, (visit("v1", "box", at("2026-05-19T08:01"), at("2026-05-19T08:09")), "gw-1"))
    keep_fixes(store, track("w1", at(first_kept), [0.0] * 12 * 60), "gw-1")
    store.horizons = lambda: {DeviceId("w1"): at(first_kept)}  # type: ignore[method-assign]
    return store


def test_who_was_forgotten_is_not_called_unheard() -> None:
    held = roster(("gw-1", "w1", "08:00", "10:00"))
    (turn,) = day(record(forgetful("2026-05-20T08:00"), held=held), date(2026, 5, 19)).turns
    assert (turn.silences, turn.distance_m, len(turn.visits)) == ((), None, 1)
    found = day(record(forgetful("2026-05-19T08:30"), held=held), date(2026, 5, 19))
    assert found.turns[0].silences == ((at("2026-05-19T09:29:55") + 1, at("2026-05-19T10:00")),)
    assert (found.forgotten, found.crews[0].distance_m) == (at("2026-05-19T08:30"), None)


def test_nobody_is_called_absent_of_a_place_by_positions_that_were_forgotten() -> None:
    here = record(forgetful("2026-05-20T08:00"))
    with pytest.raises(ReportFault, match=r"kept no longer.*begin on 2026-05-20.*report zone"):
        place(here, SPOT, on("2026-05-19"), "ann", "")
    assert place(here, SPOT, on("2026-05-19", "2026-05-20"), "ann", "").period.start == at("2026-05-20T08:00")
