"""Windows judged on walks whose truth is known: is anybody accused who was there, and is it said who was not?

What must stay true here: errors are correlated and, unless told otherwise, never exceed the error bound times the
stated accuracy, and nobody walks faster than the walker's speed; whether a requirement was fulfilled is read off the
true way, never off a fix. ``python -m tests.benchmarks.verdict_days --windows 100000`` prints the figures.
"""

from __future__ import annotations

import argparse
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple

import numpy as np
import shapely

from geofence.calendar import Window
from geofence.engine import Engine
from geofence.event import Kind, Visit
from geofence.ledger import Carried, Whereabouts, judge, whereabouts
from geofence.model import SECOND, DeviceId, Fixes, Micros, RequirementId, VisitId, WardenId, ZoneId
from geofence.presence import presence, walk
from geofence.spans import Spans, at_least, clip, common
from geofence.track import Rules
from geofence.verdict import Case, Outcome, Terms, Verdict
from geofence.zones import Frame, Zone, ZoneSet
from tests.benchmarks.walkers import Array, Scenario, Walks, town, true_stays
from tests.benchmarks.walkers import walk as stroll

FRAME = Frame.at(4.2, 50.9)
START = 1_767_254_400 * SECOND
RULES = Rules()
COARSE = 5
"""Seconds between two looks at how near somebody truly came."""
CLOSE_M = (20, 50)
"""How near is told apart of those who passed within doubt."""
TERMS = [
    Terms(), Terms(dwell_s=30), Terms(dwell_s=60), Terms(dwell_s=60), Terms(dwell_s=180), Terms(dwell_s=900),
    Terms(visits=2, dwell_s=60), Terms(visits=2, dwell_s=60, spacing_s=1800),
    Terms(visits=3, dwell_s=30, spacing_s=600), Terms(visits=2), Terms(together=2), Terms(together=2, dwell_s=60),
]  # fmt: skip


class Walker(NamedTuple):
    """One warden: what is known of him, and what was."""

    duty: Spans
    dark: Spans
    """When his tracker should have reported and did not."""
    doubt_m: float
    """So far from an edge there can be doubt, with his worst fix and his speed."""
    known: list[Whereabouts]
    """By zone, all day."""
    true: list[Spans]
    """On duty in each zone."""
    away_m: list[Array]
    """By zone: how far from it, every COARSE seconds."""


@dataclass
class Tally:
    """What windows were called, by what they truly were."""

    outcomes: Counter[tuple[str, Outcome]] = field(default_factory=Counter)
    accused: list[tuple[Case, Verdict]] = field(default_factory=list)
    """Truly fulfilled, or in part, and called missed."""

    def count(self, kind: str) -> int:
        """Return how many windows there were of a kind."""
        return sum(n for (one, _), n in self.outcomes.items() if one == kind)

    def share(self, kind: str, outcome: Outcome) -> float:
        """Return how many of a kind were called so."""
        return self.outcomes[kind, outcome] / max(self.count(kind), 1)

    def lines(self) -> Iterator[str]:
        """Yield the figures."""
        for kind in sorted({kind for kind, _ in self.outcomes}):
            shares = ", ".join(f"{one} {share:.4f}" for one in Outcome if (share := self.share(kind, one)))
            yield f"  {kind:42} {self.count(kind):7}: {shares}"


def day(scenario: Scenario, *, bounded: bool = True) -> list[Walker]:
    """Return everyone's hours; ``bounded``: no error exceeds its bound."""
    rng = np.random.default_rng((scenario.seed, 9))
    place = town(scenario)
    walks = stroll(replace(scenario, mirrored_per_h=0.0) if bounded else scenario, place)
    if bounded:
        walks = _bounded(walks)
    zones = [Zone(ZoneId(name), FRAME.to_degrees(shape)) for name, shape in zip(place.names, place.shapes, strict=True)]
    zoneset, stays = ZoneSet(zones), true_stays(walks, place)
    walkers = []
    for w, way in enumerate(walks.truth):
        points = shapely.points(way[::COARSE])
        away = [shapely.distance(shape, points) for shape in place.shapes]
        walkers.append(_walker(scenario, zoneset, zones, walks, w, stays[w], away, rng))
    return walkers


def judged(walkers: Sequence[Walker], hours: float, count: int, rng: np.random.Generator, into: Tally) -> None:
    """Judge so many windows of random zones, hours, terms and one or two wardens."""
    for _ in range(count):
        lasts = int(rng.uniform(0.2, min(hours, 4)) * 3600) * SECOND
        start = START + int(rng.uniform(0, hours * 3600 * SECOND - lasts))
        window, zone = Window(Micros(start), Micros(start + lasts)), int(rng.integers(len(walkers[0].known)))
        terms = TERMS[int(rng.integers(len(TERMS)))]
        crew = rng.choice(len(walkers), 2 if terms.together > 1 or rng.random() < 0.5 else 1, replace=False)
        case = Case(RequirementId("r"), ZoneId(str(zone)), window, terms)
        them = [walkers[w] for w in crew.tolist()]
        known = {WardenId(str(w)): _clipped(walkers[w].known[zone], window) for w in crew.tolist()}
        verdict = judge(case, known)
        kind = _truth(case, zone, them)
        if verdict.outcome is Outcome.EXCUSED and not kind.startswith("fulfilled"):
            kind = "not owed"
        into.outcomes[kind, verdict.outcome] += 1
        if kind.startswith(("fulfilled", "in part, r", "in part, s")) and verdict.outcome is Outcome.MISSED:
            into.accused.append((case, verdict))


def _truth(case: Case, zone: int, crew: Sequence[Walker]) -> str:
    """Say what a window truly was."""
    window, terms = case.window, case.terms
    there = [clip(one.true[zone], *window) for one in crew]
    stays = [span for one in there for span in one] if terms.together == 1 else at_least(terms.together, there)
    dark = any(common(one.dark, [window]) for one in crew)
    reporting = "silent at times" if dark else "reporting"
    if fulfilled(terms, stays, 0.0):
        ease = ", by 30 s" if fulfilled(terms, stays, 30.0) else ""
        return f"fulfilled{ease}, {reporting}"
    if any(there):
        once = fulfilled(Terms(dwell_s=terms.dwell_s), [span for one in there for span in one], 0.0)
        return f"in part{'' if once else ', too short to count'}, {reporting}"
    return f"skipped{_passed(crew, zone, window)}, {reporting}"


def fulfilled(terms: Terms, stays: Sequence[tuple[int, int]], spare_s: float) -> bool:
    """Return whether these true stays fulfil the terms, each with seconds to spare."""
    least, found, free = (terms.dwell_s + spare_s) * SECOND, 0, -1.0
    for a, b in sorted(stays, key=lambda stay: stay[1]):
        if b - a >= max(least, 1) and (a >= free or not terms.spacing_s):
            found, free = found + 1, b + terms.spacing_s * SECOND
    return found >= terms.visits


def _passed(crew: Sequence[Walker], zone: int, window: Window) -> str:
    """Say how near the edge somebody came, on duty, if so near that an honest tracker leaves doubt."""
    looks = [
        (float(away.min()), one.doubt_m)
        for one in crew for a, b in clip(one.duty, *window)
        if len(away := one.away_m[zone][(a - START) // SECOND // COARSE : (b - START) // SECOND // COARSE + 1])
    ]  # fmt: skip
    if not any(away < doubt for away, doubt in looks):
        return ""
    nearest = min(away for away, _ in looks)
    return next((f", passed within {far} m" for far in CLOSE_M if nearest < far), ", passed within doubt")


def _clipped(one: Whereabouts, window: Window) -> Whereabouts:
    return Whereabouts(*(clip(spans, *window) for spans in one))


def _bounded(walks: Walks) -> Walks:
    row = walks.time.astype(int)
    part = (walks.time - row)[:, None]
    true = walks.truth[walks.walker, row] * (1 - part) + walks.truth[walks.walker, row + 1] * part
    error = walks.place - true
    most = 0.999 * RULES.error_bound * walks.accuracy_m
    shrink = np.minimum(1.0, most / np.maximum(np.hypot(error[:, 0], error[:, 1]), 1e-9))
    return replace(walks, place=true + error * shrink[:, None])


def _walker(
    scenario: Scenario, zoneset: ZoneSet, zones: Sequence[Zone], walks: Walks, w: int,
    stays: list[list[tuple[float, float]]], away: list[Array], rng: np.random.Generator,
) -> Walker:  # fmt: skip
    day = Window(Micros(START), Micros(START + round(scenario.hours * 3600) * SECOND))
    rest = START + int(rng.uniform(0.3, 0.7) * (day.end - day.start))
    duty: Spans = (day,) if rng.random() < 0.5 else ((day.start, rest), (rest + 1200 * SECOND, day.end))
    times = START + (walks.time * SECOND).astype(np.int64)
    rows = np.flatnonzero(walks.walker == w)
    rows = rows[[any(a <= t < b for a, b in duty) for t in times[rows].tolist()]]
    times, accuracy, (east, north) = times[rows], walks.accuracy_m[rows], walks.place[rows].T
    nan, zero = np.full(len(rows), np.nan), np.zeros(len(rows), np.int64)
    lon, lat = FRAME.lon + east / FRAME.x, FRAME.lat + north / FRAME.y
    fixes = Fixes((DeviceId(f"w{w}"),), zero, times, lon, lat, accuracy, nan, nan, nan, nan, nan, zero, zero)
    visits, way = _visits(zoneset, fixes), walk(fixes, RULES)
    known = [
        whereabouts([Carried(duty, presence(zone, way, *day), [v for v in visits if v.zone == zone.id])], day)
        for zone in zones
    ]
    longest = round(max(60.0, 2.5 * scenario.every_s) * SECOND)
    dark = [
        (a, b) for a, b in zip([START, *times.tolist()], [*times.tolist(), day.end], strict=True) if b - a > longest
    ]
    # True stays go from the first second inside to the last: what lies beyond, between two seconds, is left out.
    true = [common(duty, [(_at(a), _at(b - 1)) for a, b in of_zone]) for of_zone in stays]
    doubt = 2 * RULES.error_bound * float(accuracy.max()) + RULES.walker_speed * scenario.every_s
    return Walker(duty, common(duty, dark), doubt, known, true, away)


def _at(second: float) -> int:
    return START + round(second) * SECOND


def _visits(zones: ZoneSet, fixes: Fixes) -> list[Visit]:
    """Return the visits believed."""
    engine, found = Engine(zones, RULES), dict[VisitId, Visit]()
    events = engine.judge(fixes).events + engine.advance(Micros(int(fixes.time[-1]) + 10 * 3600 * SECOND))
    for event in events:
        if event.visit is not None and event.kind is Kind.EXIT:
            found[event.visit.id] = event.visit
    return list(found.values())


def scenarios(seed: int) -> Iterator[Scenario]:
    """Yield days of good and of bad receivers, at several intervals."""
    while True:
        for every_s in (5.0, 10.0, 30.0, 60.0):
            for sigma in ((2.0, 5.0), (4.0, 10.0), (8.0, 22.0)):
                yield Scenario(seed, every_s=every_s, sigma_m=sigma, drift_m=min(2.0, sigma[0] / 3), gaps_per_h=0.2)
                seed += 1


def main() -> None:
    """Print what windows were called, all together and by interval and accuracy."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--windows", type=int, default=5000, help="truly fulfilled windows to judge, at least")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--unbounded", action="store_true", help="errors as receivers make them, mirrored signals too")
    asked = parser.parse_args()
    whole, parts, began = Tally(), dict[str, Tally](), time.perf_counter()
    rng = np.random.default_rng((asked.seed, 5))
    for scenario in scenarios(asked.seed):
        part = parts.setdefault(f"every {scenario.every_s:.0f} s, sigma {scenario.sigma_m} m", Tally())
        one = Tally()
        judged(day(scenario, bounded=not asked.unbounded), scenario.hours, 6000, rng, one)
        for tally in (part, whole):
            tally.outcomes += one.outcomes
            tally.accused += one.accused
        if sum(n for (kind, _), n in whole.outcomes.items() if kind.startswith("fulfilled")) >= asked.windows:
            break
    for name, tally in (*parts.items(), ("all", whole)):
        print(name, *tally.lines(), sep="\n")
    print(
        f"fulfilled, in whole or in part, and called missed: {len(whole.accused)}; {time.perf_counter() - began:.0f} s"
    )
    for case, _ in whole.accused[:5]:
        print("  ", case)


if __name__ == "__main__":
    main()
