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
from geofence.presence import presence, walk
from geofence.engine import Engine
from geofence.wire import dump_track
from tests.benchmarks.engine_speed import batches
from tests.benchmarks.geofence_bench import REFERENCE, day
from trackerd.latest import Latest
print(track.__file__, file=sys.stderr)
one = day(replace(REFERENCE, seed=100, hours=0.5))
engine = Engine(one.zones)
for lot in batches(iter([one.fixes]), 1000):
    for event in engine.judge(lot).events:
        print(event)
for saved in engine.changed():
    print(saved.upto, dump_track(saved.track))
for device in range(3):
    own = one.fixes.take(one.fixes.device == device)
    for zone in one.zones:
        print(zone.id, presence(zone, walk(own, Rules()), int(own.time[0]), int(own.time[-1])))
latest = Latest()
for lot in batches(iter([one.fixes]), 1000):
    latest.note(lot, [n for n in range(len(lot))])
print(latest.of)
rows = "".join(f"w{fix.device},{fix.time.isoformat()},{fix.lon},{fix.lat:.7f},6\\r\\n" for fix in list(one.fixes)[:200])
for said in TracksCsv(one.fixes.devices[0]).receive_many(b"device,time,lon,lat,accuracy_m\\r\\n" + rows.encode()):
    print(*said)
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
    assert compiled == plain


def test_it_is_compiled_where_it_can_be() -> None:
    header = Path(sysconfig.get_path("include")) / "Python.h"
    if not (shutil.which("cc") and header.exists() and os.environ.get("CI")):
        pytest.skip("asked where a compiler is sure to have been used: in CI")
    assert COMPILED
