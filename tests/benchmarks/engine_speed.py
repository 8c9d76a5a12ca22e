"""How many fixes a second the engine takes, belief and all; and how that grows with devices and zones.

``python -m tests.benchmarks.engine_speed [--quick]``

What must stay true here: geometry (``locate``) and belief (``feed``) are told apart and added up; one core; the least
of the repeats counts. Devices walk on circles among boxes of 25 to 60 m in a town of ten kilometres, their errors
correlated over 45 seconds; a batch holds each device at most once, as a town's trackers send.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from time import process_time
from typing import NamedTuple

import numpy as np
import shapely

from geofence.belief import Rules
from geofence.engine import Engine
from geofence.model import SECOND, DeviceId, Fixes, FloatColumn, IntColumn, ZoneId
from geofence.zones import Frame, Zone, ZoneSet

FRAME = Frame.at(4.2, 50.9)
TOWN_M = 10_000.0
BATCH = 1000
EVERY_S = 5
CORRELATED_S = 45.0


class Row(NamedTuple):
    """One measurement."""

    devices: int
    zones: int
    locate_per_s: float
    feed_per_s: float
    both_per_s: float


def boxes(count: int, rng: np.random.Generator) -> ZoneSet:
    """Return circles of 25 to 60 m, scattered."""
    middles = rng.uniform(-TOWN_M / 2, TOWN_M / 2, (count, 2))
    radii = rng.uniform(25, 60, count)
    made = []
    for n, (middle, radius) in enumerate(zip(middles, radii, strict=True)):
        shape = FRAME.to_degrees(shapely.Point(middle).buffer(radius, 16))
        made.append(Zone(id=ZoneId(f"box-{n}"), shape=shape, dwell_s=60.0))
    return ZoneSet(made)


def batches(devices: int, count: int, rng: np.random.Generator) -> Iterator[Fixes]:
    """Yield batches of walkers' fixes, round after round through the devices."""
    names = tuple(DeviceId(f"w{n}") for n in range(devices))
    middle = rng.uniform(-TOWN_M / 2, TOWN_M / 2, (devices, 2))
    radius, phase = rng.uniform(40, 150, devices), rng.uniform(0, 6.28, devices)
    error = rng.normal(0, 3.5, (devices, 2))
    keep = np.exp(-EVERY_S / CORRELATED_S)
    size, made, now = min(BATCH, devices), 0, 1_767_254_400 * SECOND
    while True:
        order = rng.permutation(devices)
        error = keep * error + np.sqrt(1 - keep**2) * rng.normal(0, 3.5, (devices, 2))
        angle = phase + (now / SECOND % 86_400) * 1.3 / radius
        place = middle + radius[:, None] * np.column_stack((np.cos(angle), np.sin(angle))) + error
        for first in range(0, devices - size + 1, size):
            rows = order[first : first + size]
            yield _fixes(names, rows, now, place[rows])
            made += size
            if made >= count:
                return
        now += EVERY_S * SECOND


def _fixes(names: tuple[DeviceId, ...], rows: IntColumn, now: int, place: FloatColumn) -> Fixes:
    n = len(rows)
    lon, lat = FRAME.lon + place[:, 0] / FRAME.x, FRAME.lat + place[:, 1] / FRAME.y
    nothing, none = np.full(n, np.nan), np.zeros(n, dtype=np.int64)
    return Fixes(
        devices=tuple(names[n] for n in rows.tolist()), device=np.arange(n), time=np.full(n, now), lon=lon, lat=lat,
        accuracy_m=np.full(n, 5.3), speed_mps=nothing, course_deg=nothing, altitude_m=nothing, hdop=nothing,
        battery_pct=nothing, flags=none, sos=none,
    )  # fmt: skip


def measure(devices: int, zones: int, fixes: int, repeat: int = 2) -> Row:
    """Return the rates; the first round, in which every device is new, is not counted."""
    rng = np.random.default_rng(7)
    town = boxes(zones, rng)
    warm = 2 * max(devices // min(BATCH, devices), 1)
    all_ = list(batches(devices, fixes + warm * min(BATCH, devices), rng))
    located = fed = np.inf
    for _ in range(repeat):
        engine, where, believed, n = Engine(town, Rules()), 0.0, 0.0, 0
        for number, batch in enumerate(all_):
            began = process_time()
            sightings = town.locate(batch)
            middle = process_time()
            engine.feed(batch, sightings)
            engine.advance(int(batch.time[-1]))  # type: ignore[arg-type]
            if number >= warm:
                where, believed, n = where + middle - began, believed + process_time() - middle, n + len(batch)
        located, fed = min(located, where / n), min(fed, believed / n)
    return Row(devices, zones, 1 / located, 1 / fed, 1 / (located + fed))


def run(quick: bool = False) -> list[Row]:
    """Return all rows."""
    fixes = 60_000 if quick else 200_000
    cases = [(20_000, 100), (10, 100), (1000, 100), (100_000, 100), (20_000, 10), (20_000, 1000), (20_000, 20_000)]
    return [measure(devices, zones, fixes if devices > 10 else fixes // 10) for devices, zones in cases]


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true")
    print("devices   zones   locate/s     feed/s     both/s")
    for row in run(parser.parse_args().quick):
        print(f"{row.devices:7,} {row.zones:7,} {row.locate_per_s:10,.0f} {row.feed_per_s:10,.0f} {row.both_per_s:10,.0f}")


if __name__ == "__main__":
    main()
