"""A made year of two wardens as a track file: two million fixes, fifty zones, a plan; and how long it takes to replay.

    python -m tests.benchmarks.year [--days 250] [--keep FOLDER]

What must stay true here: what is timed is the whole command, start-up and reading included; the wardens go from place
to place and stay, their errors are correlated over a minute, and no day is like another.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

TOWN = ZoneInfo("Europe/Brussels")
FIRST = date(2025, 1, 2)
ZONES = 50
FIXES_A_DAY = 4000
EVERY_S = 9
CENTRE = (4.198, 50.910)
METRE = (1 / 70_300, 1 / 111_200)
"""Degrees of longitude and of latitude, there."""
PLAN = """
[[requirement]]
id = "boxes"
zones = ["zone-0*"]
days = ["mon", "tue", "wed", "thu", "fri"]
from = "08:00"
to = "17:00"
dwell = "1m"
grace = "15m"

[[requirement]]
id = "hotspots"
zones = ["zone-1*"]
from = "09:00"
to = "16:00"
visits = 2
dwell = "2m"

[[duty]]
warden = "gw-1"
device = "w01"
days = ["mon", "tue", "wed", "thu", "fri"]
from = "07:30"
to = "17:31"

[[duty]]
warden = "gw-2"
device = "w02"
days = ["mon", "tue", "wed", "thu", "fri"]
from = "07:30"
to = "17:31"
"""
Array = NDArray[np.float64]


def write(folder: Path, days: int) -> int:
    """Write ``year.csv``, ``zones.geojson`` and ``plan.toml``; return how many fixes there are."""
    rng = np.random.default_rng(1)
    places = rng.normal(0, 900, (ZONES, 2))
    features = [_feature(n, at, 25 if n < 13 else 60) for n, at in enumerate(places)]
    (folder / "zones.geojson").write_text(json.dumps({"type": "FeatureCollection", "features": features}))
    (folder / "plan.toml").write_text(PLAN)
    working = [on for n in range(366) if (on := FIRST + timedelta(days=n)).weekday() < 5][:days]
    with (folder / "year.csv").open("w") as out:
        out.write("device,time,lon,lat,accuracy_m\n")
        for on in working:
            start = int(datetime(on.year, on.month, on.day, 7, 30, tzinfo=TOWN).timestamp())
            walks = [_walked(places, rng) for _ in (1, 2)]
            for n in range(FIXES_A_DAY):
                for number, (lon, lat, accuracy) in enumerate(walks, 1):
                    at = start + n * EVERY_S
                    out.write(f"w0{number},{at},{lon[n]:.7f},{lat[n]:.7f},{accuracy[n]:.1f}\n")
    return 2 * FIXES_A_DAY * len(working)


def _feature(number: int, at: Array, radius: float) -> dict[str, object]:
    place = [CENTRE[0] + at[0] * METRE[0], CENTRE[1] + at[1] * METRE[1]]
    return {"type": "Feature", "id": f"zone-{number:02}", "geometry": {"type": "Point", "coordinates": place},
            "properties": {"radius_m": radius, "kind": "hotspot"}}  # fmt: skip


def _walked(places: Array, rng: np.random.Generator) -> tuple[Array, Array, Array]:
    """Return one warden's day: from place to place at 1.4 m/s, a few minutes at each."""
    seconds = np.arange(FIXES_A_DAY) * float(EVERY_S)
    corners, when = [places[0]], [0.0]
    for goal in np.concatenate([rng.permutation(ZONES) for _ in range(3)]):
        there = when[-1] + float(np.hypot(*(places[goal] - corners[-1]))) / 1.4
        corners += [places[goal], places[goal]]
        when += [there, there + float(rng.uniform(60, 300))]
    accuracy = np.interp(seconds, np.arange(0, 36_600, 300), rng.uniform(4, 12, 122))
    knots = np.arange(0, 36_600, 60)
    east, north = (
        np.interp(seconds, when, [corner[axis] for corner in corners])
        + accuracy / 1.51 * np.interp(seconds, knots, rng.normal(0, 1.2, len(knots)))
        for axis in (0, 1)
    )
    return CENTRE[0] + east * METRE[0], CENTRE[1] + north * METRE[1], accuracy


def ways(folder: Path) -> Iterator[tuple[str, Callable[[], float]]]:
    """Yield each command that goes through the year, and what runs it: it returns the seconds it took."""
    plan, zones = str(folder / "plan.toml"), str(folder / "zones.geojson")
    (folder / "other.toml").write_text(PLAN.replace('"1m"', '"3m"').replace('"09:00"', '"08:30"'))
    config, other = folder / "trackerd.toml", str(folder / "other.toml")
    config.write_text('[site]\nname = "town"\n[[zones]]\nfile = "zones.geojson"\n[plan]\nfile = "plan.toml"\n')
    replay = ["replay", str(folder / "year.csv"), "--zones", zones, "--events", str(folder / "events.jsonl")]
    yield "replay", lambda: timed(replay)
    yield "replay with a plan", lambda: timed([*replay, "--plan", plan])
    backtest = ["backtest", str(folder / "year.csv"), "--config", str(config)]
    yield "backtest of a plan", lambda: timed([*backtest, "--plan", other])
    wider = (folder / "zones.geojson").read_text().replace('"radius_m": 25', '"radius_m": 40')
    (folder / "wider.geojson").write_text(wider)
    yield "backtest of zones", lambda: timed([*backtest, "--zones", str(folder / "wider.geojson")])


def timed(words: Sequence[str]) -> float:
    """Run a command in a process of its own; return the seconds it took."""
    began = time.perf_counter()
    subprocess.run([sys.executable, "-m", "trackerd", *words], capture_output=True, text=True, check=True)
    return time.perf_counter() - began


def main() -> None:
    """Write a year, replay it, print the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--days", type=int, default=250)
    parser.add_argument("--keep", type=Path)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = args.keep or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        if not (folder / "year.csv").exists():
            print(f"{write(folder, args.days)} fixes written")
        for what, run in ways(folder):
            print(f"{what}: {run():.2f} s", flush=True)


if __name__ == "__main__":
    main()
