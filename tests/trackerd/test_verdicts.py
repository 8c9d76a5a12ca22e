"""Verdicts through the whole turn: one final ledger whatever came when, each told once, and taken back where wrong."""

from __future__ import annotations

import logging
import weakref
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from geofence.calendar import Hours, Window
from geofence.ledger import judge
from geofence.model import EVER, NEVER, SECOND, DeviceId, Fix, Micros, RequirementId, WardenId, to_datetime
from geofence.plan import Duty, Plan, Requirement, Roster
from geofence.verdict import Outcome, Terms, Verdict
from geofence.wire import PREFIX, VERDICTS
from geofence.zones import ZoneSet
from tests.geofence.walks import LAT, LON, START, X, town
from tests.servers import Mosquitto, publish, until
from tests.trackerd.test_daemon import BOX as SPOT
from tests.trackerd.test_daemon import Installation, listen
from tests.trackerd.test_late import AWAY as OFF
from tests.trackerd.test_late import stretch
from tests.trackerd.test_revision import (
    RETRACT,
    Listener,
    PowerCutError,
    disturb,
    no_id_twice,
    short_walk,
    stores,
)
from trackerd import bench, pipeline, verdicts
from trackerd.house import House
from trackerd.intake import Intake
from trackerd.store import MemoryStore, Store, StoreError, Told, open_store
from trackerd.town import Town

__all__ = ["listen"]

M = 60 * SECOND
BOX, FAR = 150.0, 900.0
"""Metres east of the walks' origin: the middle of the box, and a place from which it is a long walk."""
TELLS = {PREFIX + type_: outcome for outcome, type_ in VERDICTS.items()}
W1, W2 = DeviceId("w1"), DeviceId("w2")
MET, PARTIAL, MISSED, UNPROVEN, EXCUSED = Outcome


def at(minutes: float) -> Micros:
    """Return a moment so long after START, which is 08:00."""
    return Micros(START + round(minutes * M))


def asked(
    id_: str, start: int, end: int, terms: Terms, zone: str = "box", by: Sequence[str] = ("anyone",)
) -> Requirement:
    """Ask something of a zone from one minute after START to another, every day."""
    hours = Hours(time(8 + start // 60, start % 60), time(8 + end // 60, end % 60))
    return Requirement(RequirementId(id_), hours, terms, (zone,), by=tuple(by))


def here(*requirements: Requirement, duties: Iterable[Duty] | None = None, zones: ZoneSet | None = None) -> Town:
    """Return a town; by default one warden is on duty from 07:00 to 13:00 every day."""
    roster = Roster(tuple([DUTY] if duties is None else duties), everyone=False)
    return Town(zones or town(), roster, Plan(requirements))


DUTY = Duty(WardenId("gw-1"), W1, Hours(time(7), time(13)))
SECOND_DUTY = Duty(WardenId("gw-2"), W2, Hours(time(7), time(13)))
ONCE = Terms(dwell_s=60, grace_s=300)
BOXES = asked("boxes", 0, 60, ONCE)


def way(device: str, *legs: tuple[float, float], every_s: float = 5.0) -> list[Fix]:
    """Return exact fixes of somebody who is at each minute so many metres east, and walks evenly in between."""
    minutes = np.arange(legs[0][0], legs[-1][0], every_s / 60)
    east = np.interp(minutes, [minute for minute, _ in legs], [metres for _, metres in legs])
    return [
        Fix(DeviceId(device), to_datetime(at(minute)), LON + metres / X, LAT, 5.0)
        for minute, metres in zip(minutes.tolist(), east.tolist(), strict=True)
    ]


AWAY = way("w1", (-5, FAR), (75, FAR))
CAME = way("w1", (-5, FAR), (10, FAR), (20, BOX), (25, BOX), (35, FAR), (75, FAR))


def told(listener: Listener) -> list[Outcome]:
    """Return the verdicts that stand for whoever heard it all."""
    return [TELLS[one.type] for one in listener.stands if one.type in TELLS]


def ledger(listener: Listener) -> dict[tuple[str, str, Window], tuple[Verdict | None, bool]]:
    """Return the final ledger, and check that what stands in it is what stands for the world, each once."""
    found = [one for one in listener.store.docket(EVER, NEVER) if one.verdict is not None or not one.closed]
    standing = {one.id: TELLS[one.type] for one in listener.stands if one.type in TELLS}
    assert standing == {one.event: one.verdict.outcome for one in found if one.verdict is not None}
    assert len(standing) == len([one for one in found if one.verdict is not None])
    no_id_twice(listener)
    return {(one.case.requirement, one.case.zone, one.case.window): (one.verdict, one.closed) for one in found}


def played(listener: Listener, fixes: Sequence[Fix], until: float, every: float = 2.5) -> Listener:
    """Live: fixes come as they are measured, and time passes, minute by minute up to ``until``."""
    edges = [
        *np.arange(min([fix.micros for fix in fixes], default=at(-5)), at(until), round(every * M)).tolist(),
        at(until),
    ]
    for a, b in pairwise(edges):
        listener.take([fix for fix in fixes if a <= fix.micros < b], Micros(b))
    return listener


# Laws 4 to 6: ticks, arrival and replay

_LAW_PLAN = (
    asked("box", 0, 10, Terms(dwell_s=30, grace_s=60)), asked("box", 5, 20, Terms(grace_s=0), "box"),
    asked("twice", 0, 22, Terms(visits=2, dwell_s=20, spacing_s=120, grace_s=120), "street"),
    asked("park", 3, 15, Terms(dwell_s=120, grace_s=30), "park"),
    asked("both", 0, 18, Terms(together=2, dwell_s=30, grace_s=600), "district"),
    asked("hers", 2, 12, Terms(dwell_s=60, grace_s=300), "district", ["gw-2"]),
)  # fmt: skip
LAW_PLAN = tuple(replace(one, id=RequirementId(f"{one.id}-{n}")) for n, one in enumerate(_LAW_PLAN))
LAW_DUTIES = (
    Duty(WardenId("gw-1"), W1, Hours(time(7), time(8, 11))), Duty(WardenId("gw-1"), W1, Hours(time(8, 13), time(11))),
    Duty(WardenId("gw-2"), W2, Hours(time(8, 4), time(10))),
)  # fmt: skip


def rest(listener: Listener, fixes: Sequence[Fix]) -> dict[tuple[str, str, Window], tuple[Verdict | None, bool]]:
    end = max(fix.micros for fix in fixes)
    for hours in (3, 4):
        listener.take([], Micros(end + hours * 60 * M))
    return ledger(listener)


@stores
@pytest.mark.parametrize("rostered", [True, False], ids=["roster", "whoever sends"])
@given(st.integers(0, 10**6), st.sampled_from([0.0, 20.0]), st.sampled_from([0.0, 600.0]))
@settings(max_examples=12, suppress_health_check=[HealthCheck.too_slow])
def test_one_final_ledger(
    make: Callable[[], Store], rostered: bool, seed: int, window_s: float, patience_s: float
) -> None:
    rng = np.random.default_rng(seed)
    place = Town(town(), Roster(LAW_DUTIES if rostered else (), everyone=not rostered), Plan(LAW_PLAN))
    fixes = short_walk("w1", seed) + (short_walk("w2", seed + 1) if rng.random() < 0.6 else [])
    fixes = [fix for fix in fixes if place.roster.holder(fix.device, fix.micros) is not None]
    at_once = Listener(MemoryStore(), here=place)
    at_once.take(sorted(fixes, key=lambda fix: fix.micros), Micros(max(fix.micros for fix in fixes)))
    truth = rest(at_once, fixes)
    assert truth

    listener = Listener(make(), window_s, here=place)
    listener.house.patience_s = patience_s
    arriving = disturb(fixes, rng) if rng.random() < 0.7 else sorted(fixes, key=lambda fix: fix.micros)
    edges = sorted({0, *rng.integers(0, len(arriving), rng.integers(0, 40)).tolist(), len(arriving)})
    now = START
    for a, b in pairwise(edges):
        now = max(now, *(fix.micros for fix in arriving[a:b])) + int(rng.exponential(30)) * SECOND
        point = str(rng.choice(["", "", "", "before-revise", "before-judgement", "after-judgement", "after-commit"]))
        die = _dies(point)
        cut = patch.multiple(pipeline, fail_point=die), patch.multiple(verdicts, fail_point=die)
        with suppress(PowerCutError), cut[0], cut[1]:
            listener.take(arriving[a:b], Micros(now))
            continue
        listener.start()
    listener.post()
    assert rest(listener, fixes) == truth


def _dies(point: str) -> Callable[[str], None]:
    def die(name: str) -> None:
        if name == point:
            raise PowerCutError

    return die


# What is told, and when


@stores
def test_a_story(make: Callable[[], Store]) -> None:
    listener = Listener(make(), here=here(BOXES))
    played(listener, CAME, 19)
    assert told(listener) == []
    assert listener.house.docket.due == {"box": at(60)}
    played(listener, [fix for fix in CAME if fix.micros >= at(19)], 30)
    (met,) = (one for one in listener.stands if one.type in TELLS)
    assert abs(met.time - at(20.7)) < 2 * M, "as soon as a minute is sure, dated when it was a minute"
    assert listener.house.docket.due == {}
    played(listener, [fix for fix in CAME if fix.micros >= at(30)], 75)
    assert told(listener) == [MET]
    ((verdict, closed),) = ledger(listener).values()
    assert closed
    assert verdict is not None
    assert 240 < verdict.seconds < 300 + 60


@stores
def test_a_skip_is_told_after_the_grace_and_not_before(make: Callable[[], Store]) -> None:
    listener = played(Listener(make(), here=here(BOXES)), AWAY, 64.9)
    assert told(listener) == []
    played(listener, [fix for fix in AWAY if fix.micros >= at(64.9)], 66)
    (skip,) = (one for one in listener.stands if one.type in TELLS)
    assert (skip.type, skip.time) == ("trackerd.zone.skip", at(60))
    assert skip.body["data"]["seen_elsewhere"] == ["gw-1"]
    assert listener.house.docket.verdicts == {"box": MISSED}


def test_met_is_not_said_too_soon() -> None:
    """Who is seen to enter has not been there a minute, however late the window closes."""
    fixes = [fix for fix in CAME if fix.micros < at(20.4)]
    listener = played(Listener(MemoryStore(), here=here(BOXES)), fixes, 20.5, 0.1)
    assert any(one.type == "trackerd.zone.enter" for one in listener.told), "or the test shows nothing"
    assert told(listener) == []


@stores
def test_an_upload_two_hours_late_turns_the_skip_into_met(make: Callable[[], Store]) -> None:
    place = Town(town(), Roster(everyone=True), Plan((BOXES,)))
    listener = played(Listener(make(), here=place), AWAY, 180)
    assert told(listener) == [MISSED]
    late = [replace(fix, device=W2) for fix in CAME]
    listener.take(late, at(185))
    assert told(listener) == [MET]
    (back,) = [one for one in listener.told if one.type == RETRACT and one.device is None]
    (skip,) = [one for one in listener.told if one.type == "trackerd.zone.skip"]
    assert (back.body["data"]["retracts"], back.time) == (skip.id, skip.time)
    assert back.body["data"]["because"] == "late data"
    assert [one.type for one in listener.told if one.type in TELLS] == ["trackerd.zone.skip", "trackerd.zone.met"]
    at_once = Listener(MemoryStore(), here=place)
    at_once.take(sorted(AWAY + late, key=lambda fix: fix.micros), at(75))
    assert rest(listener, late) == rest(at_once, late)


@stores
def test_who_was_silent_is_not_accused_and_may_prove_his_visit(make: Callable[[], Store]) -> None:
    dark = [fix for fix in CAME if not at(8) <= fix.micros < at(40)]
    kept = [fix for fix in CAME if at(8) <= fix.micros < at(40)]
    listener = played(Listener(make(), here=here(BOXES)), dark, 70)
    (one,) = (one for one in listener.stands if one.type in TELLS)
    assert one.type == "trackerd.zone.unproven"
    (gap,) = one.body["data"]["gaps"]
    assert gap["warden"] == "gw-1"
    listener.take(kept, at(180))
    assert told(listener) == [MET]
    ledger(listener)


@stores
def test_a_silent_device_is_waited_for(make: Callable[[], Store]) -> None:
    """It may yet send; it is silent for good half an hour after its last word. A restart forgets nothing of that."""
    quiet = [fix for fix in AWAY if fix.micros < at(50)]
    listener = played(Listener(make(), here=here(BOXES)), quiet, 79)
    assert told(listener) == []
    listener.start()
    assert played(listener, [], 79.9).store.open_cases()
    assert told(listener) == []
    listener.take([], at(80.1))
    assert told(listener) == [UNPROVEN]
    listener.start()
    listener.take([fix for fix in AWAY if fix.micros >= at(50)], at(200))
    assert told(listener) == [MISSED]
    ledger(listener)


@stores
@pytest.mark.parametrize("cut", [15, 22, 30, 59, 62, 70])
def test_a_restart_at_any_time_changes_nothing(make: Callable[[], Store], cut: float) -> None:
    whole = played(Listener(make(), here=here(BOXES)), CAME, 75)
    listener = played(Listener(make(), here=here(BOXES)), [fix for fix in CAME if fix.micros < at(cut)], cut)
    listener.start()
    played(listener, [fix for fix in CAME if fix.micros >= at(cut)], 75)
    assert ledger(listener) == ledger(whole)
    assert [one.id for one in listener.told if one.type in TELLS] == [one.id for one in whole.told if one.type in TELLS]


@pytest.mark.parametrize("point", ["before-judgement", "after-judgement"])
@pytest.mark.parametrize("number", [1, 2, 3, 4, 5, 6])
def test_a_power_cut_in_the_verdict_step(point: str, number: int) -> None:
    passed = 0

    def die(name: str) -> None:
        nonlocal passed
        passed += name == point
        if name == point and passed == number:
            raise PowerCutError

    listener = Listener(open_store("sqlite://"), here=here(BOXES, asked("early", 0, 15, ONCE)))
    with patch.object(verdicts, "fail_point", die):
        for minute in range(-5, 75, 5):
            with suppress(PowerCutError):
                listener.take([fix for fix in CAME if at(minute) <= fix.micros < at(minute + 5)], at(minute + 5))
                continue
            listener.start()
    listener.take([], at(80))
    assert passed >= number
    whole = played(Listener(MemoryStore(), here=listener.here), CAME, 80, 5)
    assert ledger(listener) == ledger(whole)
    assert sorted(told(listener)) == [MET, MISSED]


@stores
def test_the_store_fails_and_comes_back(make: Callable[[], Store], monkeypatch: pytest.MonkeyPatch) -> None:
    listener = played(Listener(make(), here=here(BOXES)), AWAY, 64)
    commit = listener.store.commit

    def full(batch: Any) -> Any:
        if batch.judgement is not None:
            raise StoreError("the disk is full")
        return commit(batch)

    with monkeypatch.context() as broken:
        broken.setattr(listener.store, "commit", full)
        for _ in range(3):
            with pytest.raises(StoreError):
                listener.take([], at(66))
            listener.house.wake()
    listener.take([fix for fix in AWAY if fix.micros >= at(64)], at(75))
    assert told(listener) == [MISSED]
    ledger(listener)


# Two days down, a clock set back, a record that begins earlier


@stores
def test_two_days_down(make: Callable[[], Store]) -> None:
    """What was owed meanwhile is on the docket; what phones kept meanwhile counts before anything is said."""
    listener = played(Listener(make(), here=here(BOXES)), AWAY, 75)
    listener.start()
    listener.house.patience_s = 10.0
    day = 24 * 60
    back = at(2 * day + 75)
    listener.take([], back)
    assert told(listener) == [MISSED], "the phones have not had their say"
    for days, fixes in ((1, CAME), (2, AWAY)):
        moved = [replace(fix, time=to_datetime(fix.micros + days * day * M)) for fix in fixes]
        listener.take(moved, Micros(back + days * 5 * SECOND))
    listener.take([], Micros(back + 60 * SECOND))
    found = {window.start: verdict and verdict.outcome for (_, _, window), (verdict, _) in ledger(listener).items()}
    assert found == {at(0): MISSED, at(day): MET, at(2 * day): MISSED}
    assert not any(one.type == RETRACT and one.device is None for one in listener.told)


def test_a_clock_set_back_lays_nothing_open_again() -> None:
    listener = played(Listener(MemoryStore(), here=here(BOXES)), AWAY, 70)
    before = [one.id for one in listener.told]
    fronts = [listener.store.frontier()]
    for minute in (50, 61, 40, 66, 70):
        listener.take([], at(minute))
        fronts.append(listener.store.frontier())
    assert [one.id for one in listener.told] == before
    assert fronts == sorted(fronts, key=lambda front: front or EVER)
    ledger(listener)


@stores
def test_a_record_may_turn_out_to_begin_earlier(make: Callable[[], Store]) -> None:
    early, later = asked("early", -60 + 60, 10, ONCE), asked("later", 30, 60, ONCE)
    listener = played(Listener(make(), here=here(early, later)), [f for f in AWAY if f.micros >= at(20)], 70)
    assert told(listener) == [MISSED]
    listener.start()
    listener.take([fix for fix in AWAY if fix.micros < at(20)], at(120))
    assert told(listener) == [MISSED, MISSED]
    at_once = Listener(MemoryStore(), here=listener.here)
    at_once.take(AWAY, at(75))
    assert rest(listener, AWAY) == rest(at_once, AWAY)


def test_nothing_before_the_record_is_judged() -> None:
    listener = played(Listener(MemoryStore(), here=here(BOXES)), way("w1", (61, FAR), (90, FAR)), 90)
    assert told(listener) == []
    listener.house.move(here(BOXES, asked("new", 0, 45, ONCE)), at(90))
    listener.take([], at(91))
    assert told(listener) == [], "a plan is no reproach for what was over"


# The plan, the zones and the roster change


def edited(listener: Listener, place: Town, minute: float) -> list[Told]:
    listener.here = place
    listener.house.move(place, at(minute))
    return listener.take([], at(minute))


@stores
@pytest.mark.parametrize("restart", [False, True])
def test_a_plan_edited_in_mid_window(make: Callable[[], Store], restart: bool) -> None:
    listener = played(Listener(make(), here=here(BOXES)), [fix for fix in CAME if fix.micros < at(40)], 40)
    assert told(listener) == [MET]

    def edit(*requirements: Requirement, minute: float) -> list[Told]:
        if not restart:
            return edited(listener, here(*requirements), minute)
        listener.here = here(*requirements)
        listener.start()
        return listener.take([], at(minute))

    (back,) = edit(asked("boxes", 0, 60, Terms(dwell_s=900, grace_s=300)), minute=41)
    assert (back.type, back.body["data"]["because"]) == (RETRACT, "the plan was changed")
    assert told(listener) == []
    (again,) = edit(BOXES, minute=42)
    assert (again.type, again.body["data"]["revision"]) == ("trackerd.zone.met", 1)
    edit(minute=43)
    assert told(listener) == []
    assert listener.house.docket.verdicts == {}
    (again,) = edit(BOXES, minute=44)
    assert again.body["data"]["revision"] == 2
    edit(asked("boxes", 0, 60, Terms(dwell_s=900, grace_s=300)), minute=45)
    played(listener, [fix for fix in CAME if fix.micros >= at(45)], 75)
    assert told(listener) == [PARTIAL], "it is judged by what was asked when it closed"
    ledger(listener)
    edit(BOXES, minute=76)
    assert told(listener) == [PARTIAL], "an edit after the close changes nothing"


@stores
def test_a_zone_removed_and_a_zone_moved_in_mid_window(make: Callable[[], Store]) -> None:
    fixes = [fix for fix in CAME if fix.micros < at(40)]
    listener = played(Listener(make(), here=here(BOXES)), fixes, 40)
    none = ZoneSet(zone for zone in town() if zone.id != "box")
    edited(listener, here(BOXES, zones=none), 41)
    assert told(listener) == []
    listener.start()
    played(listener, [fix for fix in CAME if fix.micros >= at(41)], 75)
    assert ledger(listener) == {}

    listener = played(Listener(make(), here=here(BOXES)), fixes, 40)
    park = next(zone for zone in town() if zone.id == "park")
    moved = ZoneSet(replace(zone, shape=park.shape) if zone.id == "box" else zone for zone in town())
    edited(listener, here(BOXES, zones=moved), 41)
    played(listener, [fix for fix in CAME if fix.micros >= at(41)], 75)
    assert told(listener) == [MET], "who came while it was there has come"
    ledger(listener)


@stores
def test_a_roster_edited_in_mid_window(make: Callable[[], Store]) -> None:
    listener = played(Listener(make(), here=here(BOXES)), [fix for fix in CAME if fix.micros < at(40)], 40)
    ill = here(BOXES, duties=[SECOND_DUTY])
    edited(listener, ill, 41)
    played(listener, way("w2", (41, FAR), (75, FAR)), 110)
    assert told(listener) == [MET], "what somebody did on duty stays done"
    ledger(listener)
    listener = played(Listener(make(), here=here(BOXES)), [fix for fix in AWAY if fix.micros < at(40)], 40)
    edited(listener, here(BOXES, duties=[]), 41)
    listener.take([], at(110))
    assert told(listener) == [EXCUSED]
    edited(listener, here(BOXES), 111)
    listener.take([fix for fix in AWAY if fix.micros >= at(40)], at(120))
    assert told(listener) == [EXCUSED], "the roster of the close holds"


@stores
def test_due_is_told_once(make: Callable[[], Store]) -> None:
    listener = Listener(make(), here=here(BOXES, asked("nobody", 0, 60, ONCE, by=["gw-9"])))
    for cut in (44, 46, 52, 59):
        played(listener, [fix for fix in AWAY if fix.micros < at(cut)], cut)
        listener.start()
    (due,) = [one for one in listener.told if one.type == "trackerd.zone.due"]
    assert (due.time, due.body["data"]["requirement"]) == (at(45), "boxes")
    assert due.body["data"]["closes"] == "2026-01-01T09:00:00Z"
    met = played(Listener(make(), here=here(BOXES)), CAME, 75)
    assert not any(one.type == "trackerd.zone.due" for one in met.told)


def test_the_newest_window_says_the_state_of_its_zone() -> None:
    place = here(asked("one", 0, 10, ONCE), asked("two", 15, 60, ONCE))
    gap = [fix for fix in CAME if not at(-4) <= fix.micros < at(12)]
    listener = played(Listener(MemoryStore(), here=place), gap, 75)
    assert sorted(told(listener)) == [MET, UNPROVEN]
    assert listener.house.docket.verdicts == {"box": MET}
    listener.take([fix for fix in CAME if at(-4) <= fix.micros < at(12)], at(120))
    assert sorted(told(listener)) == [MET, MISSED]
    assert listener.house.docket.verdicts == {"box": MET}


def test_a_fault_in_one_case_holds_up_no_other(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:

    def broken(case: Any, wardens: Any) -> Verdict:
        if case.requirement == "bad":
            raise ZeroDivisionError
        return judge(case, wardens)

    listener = Listener(MemoryStore(), here=here(asked("bad", 0, 60, ONCE), BOXES))
    with monkeypatch.context() as patched:
        patched.setattr(bench, "judge", broken)
        played(listener, AWAY, 75)
        assert told(listener) == [MISSED]
    assert [record.levelno for record in caplog.records if "cannot be judged" in record.message] == [logging.ERROR]
    assert str(LON) not in caplog.text
    listener.start()
    listener.take([], at(80))
    assert told(listener) == [MISSED, MISSED]
    ledger(listener)


def test_a_bicycle_is_not_held_to_a_walker_s_speed() -> None:
    """By 7 m/s he can have been at the box between two fixes a minute apart, two hundred metres away."""
    fixes = way("w1", (-5, 360), (75, 360), every_s=60)
    for speeds, outcome in (((), MISSED), (((W1, 7.0),), UNPROVEN)):
        listener = Listener(MemoryStore(), here=here(asked("boxes", 0, 60, Terms(grace_s=300))))
        listener.house.rules = replace(listener.house.rules, speeds=speeds)
        listener.take(fixes, at(75))
        assert told(listener) == [outcome]


def test_private_words_stay_out_of_what_is_told() -> None:
    """A verdict carries pseudonyms and times, and no place."""
    listener = played(Listener(MemoryStore(), here=here(BOXES)), AWAY, 75)
    (skip,) = (one for one in listener.stands if one.type in TELLS)
    assert not {"lon", "lat"} & skip.body["data"].keys()


def test_an_upload_two_hours_late_as_the_town_hears_it(tmp_path: Path, mosquitto: Mosquitto, listen: Any) -> None:
    """A skip is told on MQTT, and taken back and met instead when the phone that was there is heard of."""
    now = datetime.now(UTC)
    opened = now - timedelta(minutes=130)
    window = f'from = "{opened:%H:%M}"\nto = "{now - timedelta(minutes=70):%H:%M}"'
    plan = f'[[requirement]]\nid = "boxes"\nzones = ["box-07"]\n{window}\ndwell = "1m"\ngrace = "1m"\n'
    rest = "[privacy]\nrequire_duty = false\n" + plan
    installed = Installation(tmp_path, mosquitto.port, rest='[[device]]\nid = "w08"\n' + rest)
    config = installed.config.read_text()
    installed.config.write_text(config.replace('name = "asse"', 'name = "asse"\ntimezone = "UTC"'))
    heard = listen(mosquitto.port)
    began = opened - timedelta(minutes=5)
    with installed.daemon():
        publish(mosquitto.port, "owntracks/w08/phone", *stretch(began, 134, OFF))
        until(lambda: heard.events("zone.skip"), lambda: installed.said, 60)
        skip = heard.events("zone.skip")[0]
        assert skip["data"]["seen_elsewhere"] == ["w08"]
        until(lambda: (heard.of("trackerd/zones/box-07/state") or [{}])[-1].get("verdict") == "missed", "the state")
        assert heard.of("trackerd/zones/box-07/state")[-1]["last_visit"] is None, "a verdict is no visit"
    with installed.daemon():
        kept = stretch(began, 20, OFF) + stretch(began + timedelta(minutes=30), 3, SPOT)
        publish(mosquitto.port, "owntracks/w07/phone", *kept)
        until(lambda: heard.events("zone.met"), lambda: installed.said, 60)
        until(lambda: installed.count("outbox") == 0, "the outbox is empty")
        until(lambda: (heard.of("trackerd/zones/box-07/state") or [{}])[-1].get("verdict") == "met", "the state")
    assert "Traceback" not in installed.said
    (met,) = heard.events("zone.met")
    (back,) = [one for one in heard.events("retract") if one["data"]["retracts"] == skip["id"]]
    assert (back["subject"], back["data"]["because"]) == ("zones/box-07", "late data")
    assert met["data"]["revision"] >= 1
    assert {one["id"] for one in heard.events("zone.skip")} == {skip["id"]}  # a kill may have it told twice, alike
    rows = installed.rows("SELECT outcome, closed, revision, event FROM verdict WHERE outcome IS NOT NULL")
    assert rows == [("met", 1, met["data"]["revision"], met["id"])]
    assert installed.rows(f"SELECT retracted FROM event WHERE id = '{skip['id']}'") == [(1,)]


def test_a_bench_is_gone_with_its_step() -> None:
    """It holds days of positions: until somebody looks for rubbish they would stay."""
    house = House(Intake({}, Town(town())), MemoryStore(), Town(town()), "/trackerd/test")
    made = bench.Bench(house, Micros(START))
    assert made._visits(START, NEVER) == made._visits(START, NEVER) == {}
    seen = weakref.ref(made)
    del made
    assert seen() is None
