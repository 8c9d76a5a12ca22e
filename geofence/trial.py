"""Trials of a zone: how surely a visit to it would be proven, and somebody who only passes left alone.

What must stay true here: the same engine that judges wardens judges the trials; errors are correlated as a
receiver's are (first-order Gauss-Markov, Brown & Hwang, Introduction to Random Signals, 5.2); the same question has
the same answer, for the trials are seeded.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

from geofence.engine import Engine
from geofence.model import SECOND, DeviceId, Fixes, Kind
from geofence.track import Rules
from geofence.zones import Frame, Zone, ZoneSet

Array = NDArray[np.float64]

FAR_M = 150.0
"""Metres outside a zone at which a trial begins and ends."""
AXIS_PER_ACCURACY = 1 / 1.515
"""Standard deviation along one axis over the radius that holds 68 % (Rayleigh distribution)."""
ENOUGH = 0.95
"""A zone is well made if so many visits are proven, and no more than 1 - ENOUGH of those who pass are taken for one."""


@dataclass(frozen=True, slots=True)
class Habits:
    """How people and receivers behave at a site."""

    accuracy_m: float = 8.0
    """Radius of 68 % of the error."""
    every_s: float = 5.0
    dwell_s: float = 60.0
    """How long a visit lasts where the zone does not say."""
    tau_s: float = 60.0
    """How long an error lasts."""
    walk_mps: float = 1.3
    beside_m: float = 15.0
    """How far outside the edge somebody passes."""


class Chances(NamedTuple):
    """What would become of visits and of those who pass by, as parts of one."""

    proven: float
    mistaken: float

    @property
    def good(self) -> bool:
        """Whether the zone can be judged well."""
        return self.proven >= ENOUGH and self.mistaken <= 1 - ENOUGH


class Advice(NamedTuple):
    """One thing that would make the zone judgeable."""

    what: str
    value: float
    chances: Chances


def chances(zone: Zone, habits: Habits, rules: Rules | None = None, trials: int = 300, seed: int = 1) -> Chances:
    """Return how surely a visit of the zone's dwell is proven, and how often somebody passing is mistaken for one."""
    rng = np.random.default_rng(seed)
    frame = Frame.at(*shapely.centroid(zone.shape).coords[0])
    area = frame.to_metres(zone.shape)
    open_zone = replace(zone, valid_from=None, valid_to=None)
    stays = _entered(
        open_zone, frame, _visits(area, habits, zone.dwell_s or habits.dwell_s, trials, rng), habits, rules
    )
    passes = _entered(open_zone, frame, _passes(area, habits, trials, rng), habits, rules)
    return Chances(stays, passes)


def advise(zone: Zone, habits: Habits, rules: Rules | None = None, trials: int = 150) -> list[Advice]:
    """Return what would do: a longer dwell, a wider zone, more frequent fixes; each the least that does, alone."""
    dwell, advice = zone.dwell_s or habits.dwell_s, []
    for what, options in (
        ("dwell_s", [(value, replace(zone, dwell_s=value), habits) for value in (90, 120, 180, 300, 600)]),
        ("wider_m", [(value, _wider(zone, value), habits) for value in (5, 10, 15, 25)]),
        ("every_s", [(value, zone, replace(habits, every_s=value)) for value in (10, 5, 2, 1)]),
    ):
        for value, other, under in options:
            if (what == "dwell_s" and value <= dwell) or (what == "every_s" and value >= habits.every_s):
                continue  # no change for the better
            found = chances(other, under, rules, trials)
            if found.good:
                advice.append(Advice(what, float(value), found))
                break
    return advice


def _wider(zone: Zone, by_m: float) -> Zone:
    frame = Frame.at(*shapely.centroid(zone.shape).coords[0])
    return replace(zone, shape=frame.to_degrees(frame.to_metres(zone.shape).buffer(by_m)))


def _entered(zone: Zone, frame: Frame, paths: Iterable[Array], habits: Habits, rules: Rules | None) -> float:
    """Return the part of the paths, each (seconds, 2) in metres, of which the engine says that they entered."""
    rng = np.random.default_rng(7)
    engine = Engine(ZoneSet([zone]), rules)
    walks = [_seen(path, habits, rng) for path in paths]
    fixes = _fixes(walks, frame, habits)
    events = engine.feed(fixes, engine.zones.locate(fixes)).events
    entered = {event.device for event in events if event.kind is Kind.ENTER}
    return len(entered) / max(len(walks), 1)


def _seen(path: Array, habits: Habits, rng: np.random.Generator) -> Array:
    """Return (fixes, 2): what a receiver says of a path, one place a second."""
    places = path[int(rng.integers(max(round(habits.every_s), 1))) :: max(round(habits.every_s), 1)]
    sigma, keep = habits.accuracy_m * AXIS_PER_ACCURACY, float(np.exp(-habits.every_s / habits.tau_s))
    error = rng.normal(0, sigma, places.shape)
    for i in range(1, len(error)):
        error[i] = keep * error[i - 1] + np.sqrt(1 - keep * keep) * error[i]
    return np.asarray(places + error)


def _fixes(walks: list[Array], frame: Frame, habits: Habits) -> Fixes:
    places = np.concatenate(walks)
    device = np.repeat(np.arange(len(walks)), [len(walk) for walk in walks])
    time = np.concatenate([np.arange(len(walk)) for walk in walks]) * round(habits.every_s * SECOND)
    nothing, none = np.full(len(places), np.nan), np.zeros(len(places), dtype=np.int64)
    return Fixes(
        devices=tuple(DeviceId(str(number)) for number in range(len(walks))), device=device, time=time + SECOND,
        lon=frame.lon + places[:, 0] / frame.x, lat=frame.lat + places[:, 1] / frame.y,
        accuracy_m=np.full(len(places), habits.accuracy_m), speed_mps=nothing, course_deg=nothing,
        altitude_m=nothing, hdop=nothing, battery_pct=nothing, flags=none, sos=none,
    )  # fmt: skip


def _visits(area: BaseGeometry, habits: Habits, dwell_s: float, trials: int, rng: np.random.Generator) -> list[Array]:
    """Return paths to a place in the zone, a stay of just the dwell counted from the edge, and away again."""
    paths = []
    for place in _inside(area, trials, rng):
        come, go = (place + _far(area, rng) for _ in range(2))
        way_in, way_out = _line(come, place, habits.walk_mps), _line(place, go, habits.walk_mps)
        both = np.concatenate((way_in, way_out))
        walking = int(shapely.contains_xy(area, both[:, 0], both[:, 1]).sum())
        stay = np.repeat(place[None], max(round(dwell_s) - walking, 0), axis=0)
        paths.append(np.concatenate((way_in, stay, way_out)))
    return paths


def _passes(area: BaseGeometry, habits: Habits, trials: int, rng: np.random.Generator) -> list[Array]:
    """Return straight paths that touch the zone's surroundings ``beside_m`` from its edge, and no nearer."""
    hull = shapely.convex_hull(area).buffer(habits.beside_m)
    ring = hull.exterior
    paths = []
    for along in rng.uniform(0, ring.length, trials):
        a, b = (np.array(ring.interpolate(along + step, normalized=False).coords[0]) for step in (-0.5, 0.5))
        way = (b - a) / max(float(np.hypot(*(b - a))), 1e-9)
        middle = (a + b) / 2
        paths.append(_line(middle - FAR_M * way, middle + FAR_M * way, habits.walk_mps))
    return paths


def _inside(area: BaseGeometry, trials: int, rng: np.random.Generator) -> Array:
    """Return places where people stop: well inside, no nearer to the edge than half of what the zone allows."""
    inmost = shapely.maximum_inscribed_circle(shapely.MultiPolygon(_parts(area))).length
    area = area.buffer(-inmost / 2)
    west, south, east, north = area.bounds
    found: list[Array] = []
    while sum(map(len, found)) < trials:
        places = rng.uniform((west, south), (east, north), (4 * trials, 2))
        found.append(places[shapely.contains_xy(area, places[:, 0], places[:, 1])])
    return np.concatenate(found)[:trials]


def _parts(area: BaseGeometry) -> list[shapely.Polygon]:
    return [part for part in shapely.get_parts(area) if isinstance(part, shapely.Polygon)]


def _far(area: BaseGeometry, rng: np.random.Generator) -> Array:
    """Return a step, in some direction, that leads well out of the zone."""
    west, south, east, north = area.bounds
    angle = rng.uniform(0, 2 * np.pi)
    return (FAR_M + float(np.hypot(east - west, north - south))) * np.array([np.cos(angle), np.sin(angle)])


def _line(a: Array, b: Array, speed_mps: float) -> Array:
    """Return the places, one a second, of somebody who walks from ``a`` to ``b``."""
    steps = max(int(float(np.hypot(*(b - a))) / speed_mps), 1)
    return np.asarray(a + np.linspace(0, 1, steps, endpoint=False)[:, None] * (b - a))
