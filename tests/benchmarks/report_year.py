"""A made year of two wardens in a SQLite store, and how long each report of it takes.

    python -m tests.benchmarks.report_year FOLDER     makes it once (a minute or two), then asks

What must stay true here: what is timed is a whole question from an open store to its answer, and, apart, the whole
command with its start-up; the year has two million fixes, visits and verdicts as many as such a year has.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import date, datetime, timedelta
from functools import partial
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np

from geofence.calendar import Window
from geofence.editions import Edition
from geofence.event import Event, Kind, Visit
from geofence.geojson import read
from geofence.model import EVER, SECOND, DeviceId, Fixes, Micros, RequirementId, TeamId, WardenId, ZoneId, to_micros
from geofence.names import visit_id
from geofence.verdict import Case, Outcome, Terms, Verdict
from geofence.zones import ZoneSet
from trackerd.assemble import rules
from trackerd.load import load
from trackerd.report.day import day
from trackerd.report.place import Spot, place
from trackerd.report.plan import plan
from trackerd.report.record import Record
from trackerd.report.zone import zone
from trackerd.store import Batch, Docketed, Judgement, Said, Store, Told, open_store
from trackerd.town import build

TOWN = ZoneInfo("Europe/Brussels")
FIRST = date(2025, 1, 2)
DAYS = 250
PLACES = 40
FIXES_A_DAY = 4000
"""One in nine seconds of a day of ten hours."""
CENTRE = (4.198, 50.910)
METRE = (1 / 70_300, 1 / 111_200)
"""Degrees of longitude and of latitude, there."""
CONFIG = f"""
[site]
name = "year"
[store]
url = "sqlite:///year.db"
[[zones]]
file = "zones.geojson"
{
    "".join(
        f'''
[[duty]]
warden = "gw-{n}"
device = "w0{n}"
days = ["mon", "tue", "wed", "thu", "fri"]
from = "07:30"
to = "17:30"
'''
        for n in (1, 2)
    )
}
"""


def main(folder: Path) -> None:
    """Make the year if it is not there; ask all."""
    if not (folder / "year.db").exists():
        make(folder)
    ask(folder)


def make(folder: Path) -> None:
    """Write zones, configuration and store."""
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(1)
    places = rng.normal(0, 900, (PLACES, 2))
    document = json.dumps({"type": "FeatureCollection", "features": [_feature(n, at) for n, at in enumerate(places)]})
    (folder / "zones.geojson").write_text(document)
    (folder / "trackerd.toml").write_text(CONFIG)
    store = open_store(f"sqlite:///{folder / 'year.db'}")
    zones = ZoneSet(read(document.encode(), "zones")[0])
    store.commit(Batch(Fixes.of(()), editions=[Edition(EVER, zones)]))
    on, done = FIRST, 0
    while done < DAYS:
        if on.weekday() < 5:
            for number in (1, 2):
                _work(store, number, on, places, rng, zones.version)
            _judge(store, on, rng)
            done += 1
        on += timedelta(days=1)
    store.close()


def _feature(number: int, at: np.ndarray) -> dict[str, object]:
    lon, lat = CENTRE[0] + at[0] * METRE[0], CENTRE[1] + at[1] * METRE[1]
    return {"type": "Feature", "id": f"zone-{number:02}", "geometry": {"type": "Point", "coordinates": [lon, lat]},
            "properties": {"radius_m": 60, "kind": "hotspot", "name": f"Place {number}"}}  # fmt: skip


def _work(store: Store, number: int, on: date, places: np.ndarray, rng: np.random.Generator, version: str) -> None:
    """Keep one warden's day: from place to place, a few minutes at each."""
    device, warden, team = DeviceId(f"w0{number}"), WardenId(f"gw-{number}"), TeamId("asse")
    start = to_micros(datetime(on.year, on.month, on.day, 7, 30, tzinfo=TOWN))
    seconds = np.arange(FIXES_A_DAY) * 9.0
    order = np.concatenate([rng.permutation(PLACES), rng.permutation(PLACES)[:20]])
    corners, when, stays = [places[0]], [0.0], []
    for goal in order:
        there = when[-1] + float(np.hypot(*(places[goal] - corners[-1]))) / 1.4
        left = there + float(rng.uniform(60, 240))
        corners += [places[goal], places[goal]]
        when += [there, left]
        if left < seconds[-1]:
            stays.append((int(goal), there, left))
    track = np.column_stack([np.interp(seconds, when, [c[axis] for c in corners]) for axis in (0, 1)])
    track += rng.normal(0, 4, track.shape)
    count, nan = len(track), np.full(len(track), np.nan)
    speed = rng.uniform(0, 5, count)
    fixes = Fixes(
        (device,), np.zeros(count, np.int64), start + (seconds * SECOND).astype(np.int64),
        CENTRE[0] + track[:, 0] * METRE[0], CENTRE[1] + track[:, 1] * METRE[1], rng.uniform(4, 12, count),
        speed, speed, speed, speed, nan, np.zeros(count, np.int64), np.zeros(count, np.int64),
    )  # fmt: skip
    events = []
    for goal, there, left in stays:
        began, ended = Micros(start + round(there * SECOND)), Micros(start + round(left * SECOND))
        where, long = ZoneId(f"zone-{goal:02}"), left - there
        visit = Visit(visit_id(device, where, began), device, where, began, ended, long, long + 9, 0.97, version)
        said = Said(Event(Kind.EXIT, device, ended, visit, decided=ended), warden, team)
        events.append(Told(f"{visit.id}-exit", "trackerd.zone.exit", ended, {"data": {}}, where, device, said))
    store.commit(Batch(fixes, fixes.time.tolist(), [warden] * count, events=events))


def _judge(store: Store, on: date, rng: np.random.Generator) -> None:
    """Keep the day's verdicts: 22 windows."""
    start = to_micros(datetime(on.year, on.month, on.day, 8, tzinfo=TOWN))
    window = Window(start, Micros(start + 7 * 3600 * SECOND))
    cases = []
    for number in range(22):
        outcome = Outcome(rng.choice([one.value for one in Outcome], p=[0.7, 0.1, 0.1, 0.07, 0.03]))
        case = Case(RequirementId("boxes" if number < 13 else "hotspots"), ZoneId(f"zone-{number:02}"), window, Terms())
        verdict = Verdict(outcome, window.end, 1, 120.0)
        duties = {WardenId(f"gw-{n}"): {DeviceId(f"w0{n}"): (tuple(window),)} for n in (1, 2)}
        cases.append(Docketed(case, duties, ("anyone",), verdict, closed=True))  # type: ignore[arg-type]
    store.commit(Batch(Fixes.of(()), judgement=Judgement(cases, frontier=window.end)))


def ask(folder: Path) -> None:
    """Ask each question three times of an open store, and once by the command; print the seconds."""
    zones = json.loads((folder / "zones.geojson").read_text())["features"]
    busy = min(zones, key=lambda one: abs(one["geometry"]["coordinates"][0] - CENTRE[0]))["geometry"]["coordinates"]
    store = open_store(f"sqlite:///{folder / 'year.db'}", beside=True)
    settings, _ = load(folder / "trackerd.toml")
    assert settings is not None
    town, _ = build(settings, folder / "trackerd.toml")
    assert town is not None
    record = Record(store, to_micros(datetime(2026, 1, 2, tzinfo=TOWN)), town.roster, rules(settings), TOWN)
    year = record.days(date(2025, 1, 1), date(2025, 12, 31))
    week = record.days(date(2025, 11, 3), date(2025, 11, 9))
    quiet = Spot(CENTRE[0] - 3000 * METRE[0], CENTRE[1], 80)
    _time("day", lambda: day(record, date(2025, 12, 1)))
    _time("zone, a year", lambda: zone(record, ZoneId("zone-05"), year))
    _time("plan, a year", lambda: plan(record, year))
    _time("place nobody came to, a year", lambda: place(record, quiet, year, "benchmark", ""))
    _time("place visited daily, a year", lambda: place(record, Spot(busy[0], busy[1], 80), year, "benchmark", ""))
    _time("the town's middle, a year", lambda: place(record, Spot(*CENTRE, 80), year, "benchmark", ""))
    _time("the town's middle, a week", lambda: place(record, Spot(*CENTRE, 80), week, "benchmark", ""))
    store.close()
    span = ["--from", "2025-01-01", "--to", "2025-12-31"]
    for words in (["day", "--date", "2025-12-01"], ["zone", "zone-05", *span], ["plan", *span]):
        command = [sys.executable, "-m", "trackerd", "report", *words, "--config", str(folder / "trackerd.toml")]
        _time(f"trackerd report {words[0]}", partial(subprocess.run, command, capture_output=True, check=True))


def _time(what: str, call: Callable[[], object]) -> None:
    took = []
    for _ in range(3):
        start = time.perf_counter()
        call()
        took.append(time.perf_counter() - start)
    print(f"{what:32} {' '.join(f'{seconds:6.2f}' for seconds in took)} s")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
