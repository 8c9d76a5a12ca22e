"""What the verdict step costs: when nothing is open, with forty windows open, at a close, and for a year at once.

What must stay true here: figures are of one core and the embedded store on disk, and say what they are of.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import time as hour
from pathlib import Path

import numpy as np

from geofence.calendar import Hours
from geofence.model import SECOND, DeviceId, Fixes, Micros, RequirementId, WardenId, ZoneId
from geofence.plan import Duty, Plan, Requirement, Roster
from geofence.verdict import Terms
from geofence.zones import Frame, Zone, ZoneSet
from tests.benchmarks.walkers import Scenario, walk
from tests.benchmarks.walkers import town as places
from trackerd.house import House
from trackerd.intake import Intake, Taken
from trackerd.pipeline import empty, record
from trackerd.store import MemoryStore, Store, open_store
from trackerd.town import Town
from trackerd.verdicts import decide

FRAME = Frame.at(4.2, 50.9)
DAY = 86_400 * SECOND
START = 1_767_254_400 * SECOND
EVERY_S = 5.0


def town(windows: int) -> Town:
    """Return a town of two wardens that owes so many windows a day, from 08:00 to 15:00 and on, in eight groups."""
    shapes = list(places(Scenario()).shapes) * 3
    zones = [Zone(ZoneId(f"z{n}"), FRAME.to_degrees(shape)) for n, shape in enumerate(shapes[:windows])]
    groups = [zones[n::8] for n in range(8)]
    asked = [
        Requirement(RequirementId(f"r{n}"), Hours(hour(8, 5 * n), hour(15, 5 * n)), Terms(dwell_s=60, grace_s=900),
                    tuple(zone.id for zone in group))
        for n, group in enumerate(groups)
    ]  # fmt: skip
    duties = [Duty(WardenId(f"gw-{n}"), DeviceId(f"w{n}"), Hours(hour(8), hour(17))) for n in (0, 1)]
    return Town(ZoneSet(zones), Roster(tuple(duties)), Plan(tuple(asked)))


def morning(devices: int = 2, hours: float = 9.0) -> Fixes:
    """Return a day's fixes of the devices, from START."""
    walks = walk(Scenario(walkers=devices, hours=hours, every_s=EVERY_S, gaps_per_h=0.1), places(Scenario()))
    order = np.argsort(walks.time, kind="stable")
    east, north = walks.place[order].T
    n = len(order)
    nan, zero = np.full(n, np.nan), np.zeros(n, np.int64)
    names = tuple(DeviceId(f"w{d}") for d in range(devices))
    times = START + (walks.time[order] * SECOND).astype(np.int64) + np.arange(n) % 7
    return Fixes(names, walks.walker[order], times, FRAME.lon + east / FRAME.x, FRAME.lat + north / FRAME.y,
                 walks.accuracy_m[order], nan, nan, nan, nan, nan, zero, zero)  # fmt: skip


def house(place: Town, store: Store) -> House:
    """Return a house of that town."""
    return House(Intake({}, place), store, place, "/trackerd/speed")


def take(into: House, fixes: Fixes, now: int | None) -> None:
    """Let fixes come in."""
    roster = into.town.roster
    record(into, Taken(fixes, [0] * len(fixes), roster.holders(fixes)), None if now is None else Micros(now))


def timed(what: str, do: Callable[[], object], times: int = 1) -> None:
    """Print how long it took."""
    began = time.process_time()
    for _ in range(times):
        do()
    print(f"{what:58} {(time.process_time() - began) / times * 1e3:10.3f} ms")


def main(folder: str, days: int) -> None:
    """Measure."""
    fixes = morning()
    for windows in (0, 26, 40):
        _measure_day(windows, fixes, open_store(f"sqlite:///{folder}/{windows}.db"))
    year = house(town(40), MemoryStore())
    for day in range(days):
        take(year, replace(fixes, time=fixes.time + day * DAY), None)
    end = Micros(START + days * DAY)
    timed(f"{days} days of 40 windows, {days * len(fixes)} fixes, at once", lambda: decide(year, end))
    tally = [one.verdict.outcome for one in year.store.docket(0, end) if one.verdict is not None]
    print({outcome.value: tally.count(outcome) for outcome in sorted(set(tally))})


def _measure_day(windows: int, fixes: Fixes, store: Store) -> None:
    one, noon, last = house(town(windows), store), START + 4 * 3600 * SECOND, START + 7 * 3600 * SECOND + 2400 * SECOND
    take(one, fixes.take(fixes.time < noon), noon)
    clock = iter(range(noon + SECOND, noon + 10**12, SECOND // 5))
    timed(f"{windows} windows open: a turn", lambda: record(one, empty(), Micros(next(clock))), 140)
    timed(f"{windows} windows open: a look at them all", lambda: _look(one, next(clock)), 20)
    take(one, fixes.take((fixes.time >= noon) & (fixes.time < last)), last)
    timed(f"{windows} windows close, two wardens", lambda: decide(one, Micros(last + 3600 * SECOND)))


def _look(one: House, now: int) -> None:
    one.docket.looked = Micros(0)
    decide(one, Micros(now))


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as place:
        main(str(Path(place)), int(sys.argv[1]) if len(sys.argv) > 1 else 30)
