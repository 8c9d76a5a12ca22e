"""How well visits are told from noisy fixes: trackerd's engine and the rivals' rules over the same walks.

``python -m tests.benchmarks.geofence_bench [--seeds N] [--only WORD] [--ours] [--plots DIR] [--json FILE]``

Every figure of docs/detection.md comes from here. ``--only`` runs the scenarios whose name has that word in it
(``standing`` and ``calibration`` among them). Seeds begin at 100; those from 600 on were looked at when the few
constants were chosen, those from 100 on were not.
"""

from __future__ import annotations

import argparse
import json
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from time import perf_counter
from typing import NamedTuple

import numpy as np
import shapely

from geofence.engine import Engine
from geofence.event import Event, Kind
from geofence.geojson import read
from geofence.model import SECOND, DeviceId, Fixes, Micros
from geofence.track import Rules
from geofence.zones import Frame, ZoneSet
from tests.benchmarks.geofence_score import Score, overlap, score
from tests.benchmarks.rivals import RULES, Array, Rule, Said
from tests.benchmarks.walkers import Scenario, Town, Walks, call, stand, town, true_stays, walk

FRAME = Frame.at(4.2, 50.9)
START = 1_767_254_400 * SECOND
OURS = "trackerd"
CLEAN = Scenario(sigma_m=(8.0, 8.0), drift_m=0.0, mirrored_per_h=0.0, gaps_per_h=0.0, lost=0.0)


class Case(NamedTuple):
    """Walks among zones, and what each rule would make of them."""

    place: Town
    walks: Walks
    zones: ZoneSet
    fixes: Fixes


class Told(NamedTuple):
    """A visit as an engine told it."""

    began: float
    ended: float
    decided: float
    confidence: float
    seconds: float
    possible: float


def case(place: Town, walks: Walks) -> Case:
    """Put a plane case on the map."""
    features = [
        {"type": "Feature", "id": name, "properties": {}, "geometry": shapely.geometry.mapping(FRAME.to_degrees(shape))}
        for name, shape in zip(place.names, place.shapes, strict=True)
    ]
    zones, faults = read(json.dumps({"type": "FeatureCollection", "features": features}).encode(), "made")
    assert not faults, faults
    return Case(place, walks, ZoneSet(zones), fixes(walks))


def fixes(walks: Walks) -> Fixes:
    """Return all fixes in order of time."""
    order = np.argsort(walks.time, kind="stable")
    nothing, none = np.full(len(order), np.nan), np.zeros(len(order), dtype=np.int64)
    return Fixes(
        devices=tuple(DeviceId(f"w{n:03}") for n in range(len(walks.truth))), device=walks.walker[order],
        time=(START + walks.time[order] * SECOND).astype(np.int64),
        lon=FRAME.lon + walks.place[order, 0] / FRAME.x, lat=FRAME.lat + walks.place[order, 1] / FRAME.y,
        accuracy_m=walks.accuracy_m[order], speed_mps=nothing, course_deg=nothing, altitude_m=nothing, hdop=nothing,
        battery_pct=nothing, flags=none, sos=none,
    )  # fmt: skip


def told(one: Case, rules: Rules) -> dict[tuple[int, str], list[Told]]:
    """Return what the engine says, by walker and zone."""
    engine = Engine(one.zones, rules)
    events = engine.judge(one.fixes).events
    events += engine.advance(Micros(int(one.fixes.time.max()) + 3 * 3600 * SECOND))
    return visits(events)


def visits(events: list[Event]) -> dict[tuple[int, str], list[Told]]:
    """Pair enters with exits."""
    decided: dict[str, float] = {}
    said: dict[tuple[int, str], list[Told]] = defaultdict(list)
    for event in events:
        visit = event.visit
        if visit is None:
            continue
        if event.kind is Kind.ENTER:
            decided[visit.id] = (event.decided - START) / SECOND
        if event.kind is Kind.EXIT and visit.ended is not None:
            said[int(visit.device[1:]), visit.zone].append(
                Told((visit.began - START) / SECOND, (visit.ended - START) / SECOND, decided[visit.id],
                     visit.confidence, visit.seconds, visit.seconds_possible)
            )  # fmt: skip
    return said


def depths(one: Case) -> Iterator[tuple[int, Array, Array, Array]]:
    """Yield each walker's times, accuracies, and depths in every zone."""
    walks = one.walks
    depth = np.stack([depth_of(shape, walks.place) for shape in one.place.shapes], axis=1)
    for walker in range(len(walks.truth)):
        mine = walks.walker == walker
        yield walker, walks.time[mine], walks.accuracy_m[mine], depth[mine]


def depth_of(shape: shapely.geometry.base.BaseGeometry, places: Array) -> Array:
    """Return how deep inside the shape each place is, in metres; outside negative."""
    edge, points = shape.boundary, shapely.points(places)
    shapely.prepare(edge)
    shapely.prepare(shape)
    away = shapely.distance(edge, points)
    return np.where(shapely.intersects(shape, points), away, -away)


def rival(one: Case, rule: Rule) -> dict[tuple[int, str], Said]:
    """Return what a rival's rule says."""
    return {
        (walker, name): rule(time, depth[:, column], accuracy)
        for walker, time, accuracy, depth in depths(one)
        for column, name in enumerate(one.place.names)
    }


def mark(into: Score, one: Case, said: dict[tuple[int, str], list[Told]] | dict[tuple[int, str], Said]) -> None:
    """Hold what was said against the truth."""
    for walker, stays in enumerate(true_stays(one.walks, one.place)):
        for name, true in zip(one.place.names, stays, strict=True):
            mine = said.get((walker, name), [])
            score(into, true, [(v[0], v[1]) for v in mine], [v[2] for v in mine])


def day(scenario: Scenario) -> Case:
    """Return a day of errands in a made town."""
    place = town(scenario)
    return case(place, walk(scenario, place))


def standing(tau_s: float, hours: float, rules: Rules, seed: int = 0) -> dict[str, tuple[float, float]]:
    """Return of each rule the false enters in 100 h of standing 20 m outside, and the share of 60 s stops found."""
    still = case(*stand(replace(CLEAN, tau_s=tau_s, hours=hours, seed=seed), 20.0))
    calls = case(*call(replace(CLEAN, tau_s=tau_s, hours=0.25, walkers=500, seed=seed)))
    total = hours * 20 / 100
    found = {OURS: (sum(map(len, told(still, rules).values())) / total, _found(calls, told(calls, rules)))}
    for name, rule in RULES.items():
        found[name] = (sum(map(len, rival(still, rule).values())) / total, _found(calls, rival(calls, rule)))
    return found


def _found(one: Case, said: dict[tuple[int, str], list[Told]] | dict[tuple[int, str], Said]) -> float:
    hits = [
        any(overlap((v[0], v[1]), stays[0][0]) > 0 for v in said.get((walker, "box"), []))
        for walker, stays in enumerate(true_stays(one.walks, one.place))
    ]
    return float(np.mean(hits))


def errorless(one: Case) -> dict[tuple[int, str], Said]:
    """Return what the bare test says of receivers that do not err: what is then wrong was never seen by anyone."""
    walks = one.walks
    row = walks.time.astype(int)
    part = (walks.time - row)[:, None]
    at = walks.truth[walks.walker, row] * (1 - part) + walks.truth[walks.walker, row + 1] * part
    return rival(one._replace(walks=replace(walks, place=at)), RULES["point in polygon"])


def claims(one: Case, rules: Rules) -> Iterator[tuple[float, float, bool]]:
    """Yield for each visit the confidence at its enter, at its exit, and whether anybody truly was there then."""
    engine = Engine(one.zones, rules)
    events = engine.judge(one.fixes).events
    events += engine.advance(Micros(int(one.fixes.time.max()) + 3 * 3600 * SECOND))
    stays = [dict(zip(one.place.names, of_one, strict=True)) for of_one in true_stays(one.walks, one.place)]
    entered = {event.visit.id: event.confidence for event in events if event.kind is Kind.ENTER and event.visit}
    for event in events:
        visit = event.visit
        if event.kind is Kind.EXIT and visit is not None and visit.ended is not None:
            span = (visit.began - START) / SECOND, (visit.ended - START) / SECOND
            truly = any(overlap(span, stay) > 0 for stay in stays[int(visit.device[1:])][visit.zone])
            yield entered[visit.id] or 0.0, visit.confidence, truly


BANDS = (0.5, 0.8, 0.9, 0.95, 0.98, 0.99, 1.001)


def reliability(said: Array, truly: Array) -> list[tuple[float, float, int]]:
    """Return for each band of confidence: what was said on average, the share that was true, how many there are."""
    rows = []
    for low, high in pairwise((0.0, *BANDS)):
        band = (said >= low) & (said < high)
        if band.any():
            rows.append((float(said[band].mean()), float(truly[band].mean()), int(band.sum())))
    return rows


def calibration(seeds: range, rules: Rules) -> dict[str, list[tuple[float, float, int]]]:
    """Return the reliability of enters and of finished visits over scenarios of all kinds."""
    kinds = [SCENARIOS[name] for name in ("reference", "noisier", "every 15 s", "every minute", "small zones")]
    rows = [claim for kind in kinds for seed in seeds for claim in claims(day(replace(kind, seed=seed)), rules)]
    enter, leave, truly = np.array(rows, dtype=float).T
    return {"enter": reliability(enter, truly), "visit": reliability(leave, truly)}


REFERENCE = Scenario(sigma_m=(2.65, 14.6))
SCENARIOS = {
    "reference": REFERENCE,
    "no gaps": replace(REFERENCE, gaps_per_h=0.0),
    "noisier": Scenario(),
    "every second": replace(REFERENCE, every_s=1.0, walkers=6),
    "every 15 s": replace(REFERENCE, every_s=15.0),
    "every minute": replace(REFERENCE, every_s=60.0),
    "every 5 minutes": replace(REFERENCE, every_s=300.0),
    "long errors": replace(REFERENCE, tau_s=120.0),
    "small zones": replace(REFERENCE, circle_m=15.0, street_m=10.0),
    "no accuracy told": replace(REFERENCE, states_accuracy=False),
}
"""``reference``: 68 % of the errors within 4 to 22 m, lasting 45 s; ``noisier``: 4 to 22 m along each axis;
``long errors``: lasting 120 s; ``small zones``: circles of 15 m radius, streets 10 m wide."""
Table = dict[str, dict[str, float]]


def table(scenario: Scenario, seeds: range, rules: Rules, ours: bool) -> tuple[Table, float]:
    """Return every rule's figures, and microseconds a fix of the engine."""
    scores: dict[str, Score] = defaultdict(Score)
    spent = n = 0.0
    for seed in seeds:
        one = day(replace(scenario, seed=seed))
        began = perf_counter()
        said = told(one, rules)
        spent, n = spent + perf_counter() - began, n + len(one.fixes)
        mark(scores[OURS], one, said)
        if not ours:
            mark(scores["no error at all, bare test"], one, errorless(one))
            for name, rule in RULES.items():
                mark(scores[name], one, rival(one, rule))
    return {name: score.line() for name, score in scores.items()}, spent / n * 1e6


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--first", type=int, default=100)
    parser.add_argument("--only", default="", help="run the scenarios whose name has this in it")
    parser.add_argument("--ours", action="store_true", help="leave the rivals out")
    parser.add_argument("--plots", type=Path, help="draw what docs/detection.md shows into this folder")
    parser.add_argument("--json", type=Path)
    args = parser.parse_args()
    rules, seeds = Rules(), range(args.first, args.first + args.seeds)
    tables: dict[str, Table] = {}
    for kind, scenario in SCENARIOS.items():
        if args.only in kind:
            tables[kind], cost = table(scenario, seeds, rules, args.ours)
            print(f"\n{kind} ({cost:.0f} us a fix)")
            for name, line in tables[kind].items():
                print(f"  {name:26}", " ".join(f"{key} {value:<7}" for key, value in line.items()), flush=True)
    if args.only in "standing":
        for tau in (60.0, 150.0, 300.0):
            print(f"\nstanding 20 m outside a 25 m circle, 8 m, {tau:.0f} s: false enters in 100 h, 60 s stops found")
            for name, (false, share) in standing(tau, 10.0, rules, args.first).items():
                print(f"  {name:26} {false:7.2f} {share:.3f}", flush=True)
    bands = calibration(seeds, rules) if args.only in "calibration" else {}
    for what, rows in bands.items():
        print(f"\ncalibration, {what}")
        for said_mean, share, n in rows:
            print(f"  said {said_mean:.3f} true {share:.3f} of {n}", flush=True)
    if args.plots:
        from tests.benchmarks.plots import draw

        draw(args.plots, tables, bands, day(replace(REFERENCE, seed=args.first)), rules)
    if args.json:
        args.json.write_text(json.dumps({"tables": tables, "calibration": bands}, indent=1, default=float))


if __name__ == "__main__":
    main()
