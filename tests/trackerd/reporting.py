"""A small record whose truth is known, for the tests of reports."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, time
from zoneinfo import ZoneInfo

import numpy as np

from geofence.calendar import Hours, Window
from geofence.event import Event, Kind, Visit
from geofence.model import (
    SECOND,
    DeviceId,
    Fix,
    Fixes,
    Micros,
    RequirementId,
    TeamId,
    VisitId,
    WardenId,
    ZoneId,
    to_datetime,
    to_micros,
)
from geofence.plan import Duty, Roster
from geofence.verdict import Case, Outcome, Terms, Verdict
from trackerd.report.record import Record
from trackerd.store import Batch, Docketed, Judgement, MemoryStore, Said, Store, Told

TOWN = ZoneInfo("Europe/Brussels")
LON, LAT = 4.2, 50.9
EAST, NORTH = 1 / 70_300, 1 / 111_250
"""Degrees a metre, there."""


def at(text: str) -> Micros:
    """Return a moment by the town's clock."""
    return to_micros(datetime.fromisoformat(text).replace(tzinfo=TOWN))


def track(device: str, start: int, east_m: Sequence[float], every_s: float = 5.0, accuracy: float = 5.0) -> list[Fix]:
    """Return fixes on a line east of the middle, at even intervals."""
    return [
        Fix(DeviceId(device), to_datetime(start + round(n * every_s * SECOND)), LON + x * EAST, LAT, accuracy)
        for n, x in enumerate(east_m)
    ]


def there_and_back(from_m: float, to_m: float, stay: int, step_m: float = 5.0) -> list[float]:
    """Return the way to a place, a stay of so many fixes, and the way back."""
    way = np.arange(from_m, to_m, -step_m).tolist()
    return [*way, *[to_m] * stay, *reversed(way)]


def visit(name: str, zone: str, began: int, ended: int | None, device: str = "w1") -> Visit:
    end = None if ended is None else Micros(ended)
    lasted = 0.0 if ended is None else (ended - began) / SECOND
    return Visit(VisitId(name), DeviceId(device), ZoneId(zone), Micros(began), end, lasted, lasted + 30, 0.97, "v")


def keep_visits(store: Store, *visits: tuple[Visit, str]) -> None:
    """Keep visits, each with its warden."""
    events = []
    for one, warden in visits:
        told = one.began if one.ended is None else one.ended
        kind = Kind.ENTER if one.ended is None else Kind.EXIT
        said = Said(Event(kind, one.device, told, one, decided=told), WardenId(warden), TeamId("asse"))
        events.append(Told(f"{one.id}-{kind}", f"trackerd.{kind}", told, {}, one.zone, one.device, said))
    store.commit(Batch(Fixes.of(()), events=events))


def keep_fixes(store: Store, fixes: Sequence[Fix], warden: str) -> None:
    store.commit(Batch(Fixes.of(fixes), (), [WardenId(warden)] * len(fixes)))


def keep_case(
    store: Store, requirement: str, zone: str, window: tuple[int, int], outcome: Outcome | None, *, closed: bool = True
) -> None:
    case = Case(RequirementId(requirement), ZoneId(zone), Window(Micros(window[0]), Micros(window[1])), Terms())
    verdict = None if outcome is None else Verdict(outcome, case.window.end)
    store.commit(Batch(Fixes.of(()), judgement=Judgement([Docketed(case, verdict=verdict, closed=closed)])))


def roster(*duties: tuple[str, str, str, str]) -> Roster:
    """Return a roster of warden, device, from, to, every day."""
    made = [
        Duty(WardenId(w), DeviceId(d), Hours(time.fromisoformat(a), time.fromisoformat(b))) for w, d, a, b in duties
    ]
    return Roster(tuple(made), TOWN, {WardenId(w): TeamId("asse") for w, *_ in duties})


def record(store: Store | None = None, now: str = "2026-05-20T12:00", held: Roster | None = None) -> Record:
    return Record(store or MemoryStore(), at(now), held or Roster(zone=TOWN, everyone=True), zone=TOWN)
