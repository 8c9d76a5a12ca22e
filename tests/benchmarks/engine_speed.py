"""How many fixes a second the engine believes on one core: many devices, one long history, and how both grow.

``python -m tests.benchmarks.engine_speed [--repeat 3] [--quick]``

What must stay true here: where a fix lies (``locate``) is told apart from what is believed of it (``feed``), for both
have their own price; the least of the repeats counts, for what else the machine does can only add to it; wardens walk
(errors are correlated, each has a pace and a way), so the share of fixes near an edge is that of the town drawn, and is
printed; ``rows`` returns what ``main`` prints.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import replace
from time import process_time
from typing import NamedTuple

import numpy as np
import shapely

from geofence.engine import Engine
from geofence.model import SECOND, DeviceId, Fixes, ZoneId, join
from geofence.zones import Frame, Zone, ZoneSet
from tests.benchmarks.geofence_bench import REFERENCE, day

FRAME = Frame.at(4.2, 50.9)
START = 1_767_254_400 * SECOND
TOWN_M = 8_000.0
"""The side of the town: a municipality of 64 square kilometres, whatever number of zones is drawn in it."""
EVERY_S = 5.0
SIGMA_M = 5.0
TAU_S = 45.0
BATCH = 1000


class Row(NamedTuple):
    """One line of the table."""

    name: str
    devices: int
    zones: int
    batch: int
    fixes: int
    near: float
    """Share of the fixes with an edge within reach."""
    locate_us: float
    """Microseconds a fix."""
    feed_us: float
    per_s: float
    """Fixes a second through ``feed``."""
    all_per_s: float
    """The same through ``locate`` and ``feed``."""
    events: int


def town(zones: int, side_m: float = TOWN_M, seed: int = 1) -> ZoneSet:
    """Return that many zones strewn over the town: circles of 25 m to 100 m, and streets of 28 m by 260 m."""
    rng = np.random.default_rng(seed)
    spots = rng.uniform(0, side_m, (zones, 2))
    shapes = []
    for n, (spot, turn) in enumerate(zip(spots, rng.uniform(0, np.pi, zones), strict=True)):
        along = 130 * np.array([np.cos(turn), np.sin(turn)])
        street = shapely.LineString([spot - along, spot + along]).buffer(14, cap_style="flat")
        shapes.append(street if n % 4 == 3 else shapely.Point(spot).buffer((25, 50, 100)[n % 4], 16))
    return ZoneSet(Zone(ZoneId(f"z{n}"), FRAME.to_degrees(shape)) for n, shape in enumerate(shapes))


def walks(devices: int, rounds: int, side_m: float = TOWN_M, seed: int = 2) -> Iterator[Fixes]:
    """Yield rounds of one fix from each device, EVERY_S apart, in the order in which they were measured.

    Wardens go at 1.2 m/s and turn now and then, or stand; a third of them stand at any time.
    """
    rng = np.random.default_rng(seed)
    names = tuple(DeviceId(f"w{n}") for n in range(devices))
    place, way = rng.uniform(0, side_m, (devices, 2)), rng.uniform(0, 2 * np.pi, devices)
    error, keep = rng.normal(0, SIGMA_M, (devices, 2)), np.exp(-EVERY_S / TAU_S)
    stands, offset = rng.random(devices) < 1 / 3, np.sort(rng.integers(0, round(EVERY_S * SECOND), devices))
    none, zero = np.full(devices, np.nan), np.zeros(devices, np.int64)
    for turn in range(rounds):
        stands ^= rng.random(devices) < np.where(stands, 1 / 36, 1 / 72)
        way += rng.normal(0, 0.25, devices)
        step = np.where(stands, 0.0, 1.2 * EVERY_S)
        place = np.abs(side_m - np.abs(side_m - place - step[:, None] * np.column_stack((np.cos(way), np.sin(way)))))
        error = keep * error + rng.normal(0, SIGMA_M * np.sqrt(1 - keep**2), error.shape)
        lon, lat = FRAME.lon + (place + error)[:, 0] / FRAME.x, FRAME.lat + (place + error)[:, 1] / FRAME.y
        time = START + round(turn * EVERY_S * SECOND) + offset
        accuracy = np.full(devices, 1.51 * SIGMA_M)
        yield Fixes(names, np.arange(devices), time, lon, lat, accuracy, none, none, none, none, none, zero, zero)


def batches(rounds: Iterator[Fixes], size: int) -> Iterator[Fixes]:
    """Cut the rounds into batches of at most ``size``."""
    for one in rounds:
        for start in range(0, len(one), size):
            yield one.take(np.arange(start, min(start + size, len(one))))


def history(days: int, device: int = 0) -> Fixes:
    """Return one device's fixes of so many eight-hour days as one batch; each day it sets out from anywhere."""
    rounds = join(list(walks(days, round(8 * 3600 / EVERY_S), seed=100 + device)))
    at = rounds.time + rounds.device * 86_400 * SECOND
    whole = replace(rounds, devices=(DeviceId(f"w{device}"),), device=np.zeros(len(at), np.int64), time=at)
    return whole.take(np.argsort(at))


def measure(name: str, zones: ZoneSet, lots: list[Fixes], warm: int, repeat: int) -> Row:
    """Feed the lots to a new engine, and time all but the first ``warm``, which say who is where."""
    took = np.empty((repeat, len(lots), 2))
    for turn in range(repeat):
        engine, events, near = Engine(zones), 0, 0
        for n, lot in enumerate(lots):
            began = process_time()
            sightings = zones.locate(lot)
            between = process_time()
            events += len(engine.feed(lot, sightings).events)
            took[turn, n] = between - began, process_time() - between
            near += int(np.count_nonzero(sightings.same == -1)) if n >= warm else 0
    where, fold = took[:, warm:].min(axis=0).sum(axis=0).tolist()
    n = sum(len(lot) for lot in lots[warm:])
    devices = len({device for lot in lots for device in lot.devices})
    size = max(len(lot) for lot in lots)
    per_us = (where / n * 1e6, fold / n * 1e6)
    return Row(name, devices, len(zones), size, n, near / n, *per_us, n / fold, n / (fold + where), events)


def many(devices: int, zones: int, repeat: int, fixes: int = 60_000, side_m: float = TOWN_M) -> Row:
    """Measure rounds of many devices, after one round by which each is known and one more by which it is settled."""
    rounds = max(fixes // devices, 1)
    lots = list(batches(walks(devices, rounds + 2, side_m), BATCH))
    return measure("devices", town(zones, side_m), lots, 2 * len(lots) // (rounds + 2), repeat)


def reference(hours: float) -> Row:
    """Measure the reference scenario of the detection benchmark: a dense town, where nearly every fix is near."""
    one = day(replace(REFERENCE, seed=100, hours=hours))
    return measure("reference day", one.zones, list(batches(iter([one.fixes]), BATCH)), 0, 2)


def rows(repeat: int = 3, quick: bool = False) -> Iterator[Row]:
    """Yield the table, line by line: first the one that counts."""
    yield many(20_000, 100, repeat)._replace(name="20,000 devices")
    # A year of two wardens: two million fixes.
    lots = [lot for n in (0, 1) for lot in batches(iter([history(3 if quick else 174, n)]), 10_000)]
    yield measure("two wardens, one year", town(50), lots, 0, 1)
    yield measure("one device", town(50), list(batches(iter([history(2)]), BATCH)), 1, repeat)
    yield reference(1 if quick else 4)
    for devices in (10, 100, 1000, 10_000) if quick else (10, 100, 1000, 10_000, 100_000):
        yield many(devices, 100, repeat)._replace(name="grows with devices")
    for zones in (10, 100, 1000) if quick else (10, 100, 1000, 10_000):
        side_m = TOWN_M * (zones / 100) ** 0.5  # no denser, but larger: else ever more fixes are near
        yield many(1000, zones, repeat, side_m=side_m)._replace(name="grows with zones")


def line(row: Row) -> str:
    """Return a row of the table as text."""
    return (
        f"{row.name:30} {row.devices:7} {row.zones:6} {row.batch:7} {row.near:6.1%} "
        f"{row.locate_us:8.2f} {row.feed_us:8.2f} {row.per_s:10,.0f} {row.all_per_s:10,.0f} {row.events:6}"
    )


def main() -> None:
    """Print the table, and by how much the cost grows."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--quick", action="store_true")
    args = parser.parse_args()
    print(f"{'':30} devices  zones   batch   near   locate     feed     feed/s      all/s events", flush=True)
    found: list[Row] = []
    for row in rows(args.repeat, args.quick):
        print(line(row), flush=True)
        found.append(row)
    for name in ("grows with devices", "grows with zones"):
        costs = [row.feed_us for row in found if row.name == name]
        print(f"feed {name}: {costs[-1] / costs[0]:.1f} times from the first to the last")


if __name__ == "__main__":
    main()
