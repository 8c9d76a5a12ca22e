"""How long a replay takes: 20 devices, 60,000 fixes, 18 zones; and what dominates it.

    python -m tests.benchmarks.replay_day [--profile]

Prints fixes a second of ``trackerd replay`` without and with a store, in one run, each in a process of its own.
"""

from __future__ import annotations

import cProfile
import json
import pstats
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from geofence.wire import moment
from tests.geofence.walks import LAT, LON, X, Y, walk

DEVICES, MINUTES, ZONES = 20, 250.0, 18


def write(folder: Path) -> None:
    """Write the day's tracks as CSV and the zones as GeoJSON."""
    rng = np.random.default_rng(1)
    features = []
    for number in range(ZONES):
        place = [LON + rng.uniform(-200, 1200) / X, LAT + rng.uniform(-60, 60) / Y]
        radius = float(rng.choice([25, 50, 150, 400]))
        features.append({"type": "Feature", "id": f"zone-{number}", "properties": {"radius_m": radius, "dwell": "1m"},
                         "geometry": {"type": "Point", "coordinates": place}})  # fmt: skip
    (folder / "zones.geojson").write_text(json.dumps({"type": "FeatureCollection", "features": features}))
    walks = [walk(f"w{number:02}", number, MINUTES) for number in range(DEVICES)]
    with (folder / "day.csv").open("w") as out:
        out.write("device,time,lon,lat,accuracy_m\n")
        for row in zip(*walks, strict=True):
            for fix in row:
                out.write(f"{fix.device},{moment(fix.micros)},{fix.lon:.7f},{fix.lat:.7f},{fix.accuracy_m:.1f}\n")


def main() -> None:
    """Write a day, replay it, print the figures."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write(folder)
        command = ["replay", str(folder / "day.csv"), "--zones", str(folder / "zones.geojson"), "--events", "/dev/null"]
        for what, more in (("no store", []), ("SQLite", ["--store", f"sqlite:///{folder}/day.db"])):
            began = time.perf_counter()
            ended = subprocess.run(
                [sys.executable, "-m", "trackerd", *command, *more], capture_output=True, text=True, check=True
            )
            print(f"{what}: {time.perf_counter() - began:.2f} s with start-up; {ended.stderr.splitlines()[-1]}")
        if "--profile" in sys.argv:
            sys.argv = ["trackerd", *command]
            from trackerd.cli import main as trackerd

            profile = cProfile.Profile()
            try:
                profile.runcall(trackerd)
            except SystemExit:
                pstats.Stats(profile).sort_stats("tottime").print_stats(18)


if __name__ == "__main__":
    main()
