"""How often a receiver that stands still on the edge of a zone is said to enter it: real logs, all ways round.

``python -m tests.benchmarks.stationary [--hours 24] [LOG.csv ...]``

What must stay true here: the logs are others' recordings (tests/geofence/data/ORIGIN.md), not made; a log shorter than
the hours asked for is played there and back, so that nothing leaps where it begins anew.
"""

from __future__ import annotations

import argparse
import csv
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import shapely

from devices.accuracy import from_hdop
from geofence.engine import Engine
from geofence.event import Kind
from geofence.model import SECOND, DeviceId, Fix, Fixes, Micros, ZoneId, to_datetime
from geofence.zones import Frame, Zone, ZoneSet

DATA = Path(__file__).parents[1] / "geofence" / "data"
LOGS = sorted(DATA.glob("still-*.csv"))
SIDE_M = 400.0
"""The zone is a square of this side; the edge at issue passes through the middle of the fixes, or so far from it."""


def read(path: Path, states: bool = True) -> list[Fix]:
    """Return the fixes of a log; without ``states`` as of a receiver that says nothing of its error."""
    with path.open() as rows:
        return [
            Fix(DeviceId("still"), to_datetime(int(row["time"]) * SECOND), float(row["lon"]), float(row["lat"]),
                _accuracy(row) if states else None)
            for row in csv.DictReader(rows)
        ]  # fmt: skip


def there_and_back(fixes: list[Fix], hours: float) -> list[Fix]:
    """Return the fixes played to and fro for so long."""
    steps = np.diff([fix.micros for fix in fixes]).tolist()
    moments, at = [fixes[0].micros], [0]
    n, way = 0, 1
    while moments[-1] < fixes[0].micros + hours * 3600 * SECOND:
        way = -1 if n == len(steps) else 1 if n == 0 else way
        moments.append(Micros(moments[-1] + steps[n if way > 0 else n - 1]))
        n += way
        at.append(n)
    return [replace(fixes[i], time=to_datetime(moment)) for i, moment in zip(at, moments, strict=True)]


def edges(fixes: list[Fix], turns: int = 12, offsets_m: tuple[float, ...] = (0.0, 5.0, -5.0)) -> Iterator[ZoneSet]:
    """Yield zones with an edge through the middle of the fixes, or near it, in all directions."""
    frame = Frame.at(float(np.median([fix.lon for fix in fixes])), float(np.median([fix.lat for fix in fixes])))
    for turn in range(turns):
        for offset in offsets_m:
            square = shapely.box(-offset, -SIDE_M / 2, SIDE_M - offset, SIDE_M / 2)
            shape = shapely.affinity.rotate(square, 360 * turn / turns, origin=(0, 0))
            yield ZoneSet([Zone(ZoneId("edge"), frame.to_degrees(shape))])


def enters(zones: ZoneSet, fixes: list[Fix]) -> int:
    """Return how many times it is said to have entered, not counting where it is first heard of."""
    events = Engine(zones).judge(Fixes.of(fixes)).events
    first = fixes[0].micros
    return sum(event.kind is Kind.ENTER and event.time > first for event in events)


def bare(zones: ZoneSet, fixes: list[Fix]) -> int:
    """Return how many times the bare test says so."""
    shape = zones.zones[0].shape
    inside = shapely.intersects_xy(shape, [fix.lon for fix in fixes], [fix.lat for fix in fixes])
    return int(np.sum(inside[1:] & ~inside[:-1]))


def _accuracy(row: dict[str, str]) -> float | None:
    if row["accuracy_m"]:
        return float(row["accuracy_m"])
    return from_hdop(float(row["hdop"])) if row["hdop"] else None


def main() -> None:
    """Print enters a log, most and mean over the edges."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--hours", type=float, default=24.0)
    parser.add_argument("logs", type=Path, nargs="*", default=LOGS)
    args = parser.parse_args()
    for path in args.logs:
        for states in (True, False):
            fixes = there_and_back(read(path, states), args.hours)
            counts = [(enters(zones, fixes), bare(zones, fixes)) for zones in edges(fixes)]
            ours, theirs = np.array(counts).T
            print(f"{path.stem:16} {'accuracy told' if states else 'none told':14} {len(fixes):6} fixes:"
                  f" enters most {ours.max()} mean {ours.mean():.2f}; point in polygon most {theirs.max()}"
                  f" mean {theirs.mean():.0f}", flush=True)  # fmt: skip


if __name__ == "__main__":
    main()
