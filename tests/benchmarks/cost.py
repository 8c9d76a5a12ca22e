"""What a fix costs: the engine beside the plain cumulative sum it was before, over the same fixes, in one run.

``python -m tests.benchmarks.cost [--repeat 3]``

What must stay true here: geometry (``locate``) is the same for both and told apart; the least of the repeats counts,
for what else the machine does can only add to it. ``quiet`` is a walk in the middle of a district, out of reach of
every edge; ``edge`` one along the edge of a circle; ``day`` the reference scenario's.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import replace
from time import process_time

import numpy as np
import shapely

from geofence.belief import Rules
from geofence.engine import Engine
from geofence.model import SECOND, Fixes
from geofence.zones import Sightings
from tests.benchmarks.geofence_bench import REFERENCE, Case, case, day
from tests.benchmarks.walkers import Town, seen


def sums(fixes: Fixes, sightings: Sightings) -> int:
    """Believe by a cumulative sum of depth over accuracy, capped, zone by zone: all that the first fold did."""
    states: dict[tuple[int, str], list[float]] = {}
    heard: dict[int, int] = {}
    changes = 0
    columns = (fixes.device.tolist(), fixes.time.tolist(), fixes.accuracy_m.tolist(), sightings.near(), sightings.same)
    quiet: dict[int, int] = {}
    for device, time, accuracy, near, same in zip(*columns, strict=True):
        weight = min((time - heard.get(device, time - 5 * SECOND)) / SECOND, 20.0) / 20.0
        heard[device] = time
        if same == quiet.get(device) != -1:
            continue
        settled = True
        for one in near:
            state = states.setdefault((device, one.zone), [0.0, 0.0, 0.0])
            gain = min(max(1.702 * one.distance_m / (accuracy / 1.51), -2.0), 2.0) * weight
            total = state[1] + (-gain if state[0] else gain)
            settled = settled and bool(state[0]) and total <= 0.0
            if total <= 0.0:
                state[1], state[2] = 0.0, time
            elif total < 4.0:
                state[1] = total
            else:
                state[0], state[1], changes = 1.0 - state[0], 0.0, changes + 1
        quiet[device] = int(same) if settled else -1
    return changes


def quiet_case() -> Case:
    """Return wardens who walk in the middle of a district."""
    return _among(Town(("district",), (shapely.box(-3000, -3000, 3000, 3000),)), 0.0)


def edge_case() -> Case:
    """Return wardens who walk up and down the edge of a circle."""
    return _among(Town(("box",), (shapely.Point(0, 0).buffer(25, 64),)), 25.0)


def _among(place: Town, away_m: float) -> Case:
    scenario = replace(REFERENCE, gaps_per_h=0.0, mirrored_per_h=0.0, hours=1.0)
    seconds = np.arange(3600)
    truth = np.zeros((scenario.walkers, len(seconds), 2))
    truth[:, :, 0] = away_m + 10 * np.sin(seconds / 40)
    truth[:, :, 1] = 10 * np.cos(seconds / 55)
    return case(place, seen(scenario, truth, np.random.default_rng(1)))


def least(repeat: int, run: Callable[[], object], n: int) -> float:
    """Return the least microseconds a fix."""
    times = []
    for _ in range(repeat):
        began = process_time()
        run()
        times.append(process_time() - began)
    return min(times) / n * 1e6


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeat", type=int, default=3)
    args = parser.parse_args()
    print("microseconds of one core a fix      locate  cumulative sum  engine")
    for name, one in (("quiet", quiet_case()), ("edge", edge_case()), ("day", day(replace(REFERENCE, seed=100)))):
        sightings, n = one.zones.locate(one.fixes), len(one.fixes)
        where = least(args.repeat, lambda one=one: one.zones.locate(one.fixes), n)  # type: ignore[misc]
        plain = least(args.repeat, lambda one=one, s=sightings: sums(one.fixes, s), n)  # type: ignore[misc]
        ours = least(args.repeat, lambda one=one, s=sightings: Engine(one.zones, Rules()).feed(one.fixes, s), n)  # type: ignore[misc]
        print(f"{name:8} {n:7} fixes            {where:9.1f} {plain:15.1f} {ours:7.1f}", flush=True)


if __name__ == "__main__":
    main()
