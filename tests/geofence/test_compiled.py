"""What is compiled says what its source says, to the last bit; and where it can be compiled it is."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

from geofence import track

ROOT = Path(__file__).parents[2]
COMPILED = Path(track.__file__).suffix == ".so"
DAY = """
import sys
from dataclasses import replace
from devices.tracks_csv import TracksCsv
from geofence import track
from geofence.belief import Rules
from geofence.calendar import Window
from geofence.ledger import Carried, judge, whereabouts
from geofence.model import Micros, RequirementId, WardenId
from geofence.presence import presence, walk
from geofence.verdict import Case, Terms
from geofence.engine import Engine
from geofence.wire import dump_track, verdict_event
from tests.benchmarks.engine_speed import batches
from tests.benchmarks.geofence_bench import REFERENCE, day
from trackerd.latest import Latest
print(track.__file__, file=sys.stderr)
one = day(replace(REFERENCE, seed=100, hours=0.5))
engine = Engine(one.zones)
visits = {}
for lot in batches(iter([one.fixes]), 1000):
    for event in engine.judge(lot).events:
        print(event)
        if event.visit is not None:
            visits[event.visit.id] = event.visit
for saved in engine.changed():
    print(saved.upto, dump_track(saved.track))
window = Window(Micros(int(one.fixes.time.min())), Micros(int(one.fixes.time.max())))
walks = [walk(one.fixes.take(one.fixes.device == device), Rules()) for device in range(3)]
asked = [Terms(), Terms(2, 60.0, 300.0), Terms(3, 20.0), Terms(1, 30.0, together=2), Terms(1, 900.0)]
for zone in one.zones:
    there = [presence(zone, way, *window) for way in walks]
    print(zone.id, *there)
    for terms, waived, end in [(terms, None, window.end) for terms in asked] + [
        (asked[0], "a strike", window.end), (asked[1], None, Micros(window.start + 10_000_000))]:
        case = Case(RequirementId("r"), zone.id, window, terms, waived)
        crew = {
            WardenId(name): whereabouts([Carried(
                ((window.start, end),), there[n],
                [seen for seen in visits.values() if (seen.zone, seen.device) == (zone.id, name)])], window)
            for n, name in enumerate(one.fixes.devices[:3])
        }
        print(verdict_event(case, judge(case, crew), 0, "/trackerd/asse", window.end, zone))
latest = Latest()
for lot in batches(iter([one.fixes]), 1000):
    latest.note(lot, [n for n in range(len(lot))])
print(latest.of)
rows = "".join(f"w{fix.device},{fix.time.isoformat()},{fix.lon},{fix.lat:.7f},6\\r\\n" for fix in list(one.fixes)[:200])
for said in TracksCsv(one.fixes.devices[0]).receive_many(b"device,time,lon,lat,accuracy_m\\r\\n" + rows.encode()):
    print(*said)
"""


DROPPED = """
import sys
from geofence.belief import Look, unknown
from geofence.bounds import begin
from geofence.look import Seen, Trail
from geofence.motion import first
from geofence.track import Track

for make in (
    lambda n: Look(n, 2.0, 3.0, 4.0, 5.0, 6.0, True), lambda n: unknown(n, 1.0), lambda n: begin(n, 1.0, 2.0),
    lambda n: Track("w1", n), lambda n: first(3.0, 2.0), lambda n: Seen(n, 3.0, []),
    lambda n: Trail(first(3.0, 2.0), n, 4.2, 50.9),
):
    for depth in range(45, 56):
        many = [make(n) for n in range(300)]
        stay, go = many[::2], many[1::2]
        del many
        before = [repr(one) for one in stay]
        while go:
            nested = go.pop()
            for _ in range(depth):
                nested = [nested]
            del nested
        assert [repr(one) for one in stay] == before, (stay[0], depth)
"""


def said(path: Path) -> tuple[str, str]:
    """Return what becomes of half a day of many walkers with the geofence there, and which file was run."""
    env = os.environ | {"PYTHONPATH": os.pathsep.join(map(str, (path, ROOT)))}
    done = subprocess.run([sys.executable, "-c", DAY], capture_output=True, text=True, check=True, cwd=path, env=env)
    return done.stdout, done.stderr.strip()


@pytest.mark.skipif(not COMPILED, reason="not compiled: there is no C compiler, or no header of Python's")
def test_compiled_or_not_it_says_the_same(tmp_path: Path) -> None:
    for floor in ("geofence", "devices", "trackerd"):
        shutil.copytree(ROOT / floor, tmp_path / floor, ignore=shutil.ignore_patterns("*.so", "__pycache__", "ui"))
    plain, source = said(tmp_path)
    compiled, made = said(ROOT)
    assert (Path(source).suffix, Path(made).suffix) == (".py", ".so")
    assert plain.count("Event(") > 20
    assert plain.count('"beliefs"') == 20
    for what in ("met", "partial", "skip", "unproven", "excused"):
        assert f"trackerd.zone.{what}" in plain
    assert compiled == plain


def test_what_is_dropped_in_the_depth_leaves_its_neighbours_alone() -> None:
    """As where a traceback of fifty frames lets go of them."""
    dropped = subprocess.run([sys.executable, "-c", DROPPED], capture_output=True, text=True, check=False, cwd=ROOT)
    assert (dropped.returncode, dropped.stderr) == (0, "")


def test_it_is_compiled_where_it_can_be() -> None:
    header = Path(sysconfig.get_path("include")) / "Python.h"
    if not (shutil.which("cc") and header.exists() and os.environ.get("CI")):
        pytest.skip("asked where a compiler is sure to have been used: in CI")
    assert COMPILED
