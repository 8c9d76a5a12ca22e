"""Trials of a zone: how surely a visit to it would be proven, and somebody who only passes left alone.

What must stay true here: the engine that judges wardens judges the trials; errors are correlated as a receiver's are
(first-order Gauss-Markov, Brown & Hwang, Introduction to Random Signals, 5.2); the same question has the same answer,
for the trials are seeded, and zones of one shape are one question. All is metres in a plane.

A rate is tried until it is known closely enough (Wilson 1927).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from math import pi, sqrt
from typing import NamedTuple, cast

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

from geofence.engine import Engine
from geofence.event import Kind
from geofence.model import SECOND, DeviceId, Fixes, ZoneId
from geofence.track import Rules
from geofence.zones import Frame, Zone, ZoneSet, reach_m

Array = NDArray[np.float64]

AXIS_PER_ACCURACY = 1 / 1.51
"""Standard deviation along one axis over the radius that holds 68 % (Rayleigh distribution)."""
ENOUGH = 0.95
"""A zone is well made if so many visits are proven, and no more than 1 - ENOUGH of those who pass are taken for one."""
BATCH, MOST = 100, 800
"""Trials made at once, and in all."""
CLOSE, ROUGHLY = 0.025, 0.035
"""A rate is tried until it is known so closely with 95 % probability; for advice, or whether it is good."""
TURNS = 4
"""Directions looked at for a way that leaves time to stay."""
PIECE_S = 30.0
HERE = Frame.at(0.0, 50.0)
"""Where trials take place: a shape is judged alike everywhere."""
DWELLS_S = (90.0, 120.0, 180.0, 300.0, 600.0)
WIDER_M = (5.0, 10.0, 15.0, 25.0)
EVERY_S = (30.0, 10.0, 5.0)
"""What is tried for advice, from the least change to the greatest."""


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

    @property
    def far_m(self) -> float:
        """How far outside a zone a trial begins and ends: no fix there is within reach of it."""
        return float(reach_m(np.array([self.accuracy_m]))[0]) + 3 * self.accuracy_m


class Chances(NamedTuple):
    """What would become of visits and of those who pass by, as parts of one."""

    proven: float
    """Of visits of the dwell, counted from edge to edge (or longer, where the way in and out takes longer)."""
    mistaken: float
    """Of those who pass: an entry is said of them."""

    @property
    def good(self) -> bool:
        """Whether the zone can be judged well."""
        return self.proven >= ENOUGH and self.mistaken <= 1 - ENOUGH


class Advice(NamedTuple):
    """One thing that would make the zone judgeable: ``what`` is dwell_s, wider_m (all round) or every_s."""

    what: str
    value: float
    chances: Chances


class Size(NamedTuple):
    """How large a zone is."""

    radius_m: float
    """Of the largest circle within it: how far from any edge one can be."""
    hectares: float
    circle: bool
    """Whether it is that circle and nothing more."""


class _Ways(NamedTuple):
    """Where people truly are: places at moments, going evenly between them."""

    seconds: Array
    """(ways, knots)."""
    places: Array
    """(ways, knots, 2)."""


def size(zone: Zone) -> Size:
    """Return how large the zone is."""
    area = _area(zone)
    radius = _inmost(area)
    return Size(radius, area.area / 10_000, area.area < 1.02 * pi * radius**2)


def chances(zone: Zone, habits: Habits, rules: Rules | None = None) -> Chances:
    """Return how surely a visit of the zone's dwell is proven, and how often somebody passing is mistaken for one."""
    return _chances(zone, habits, rules, CLOSE)


def advise(zone: Zone, habits: Habits, rules: Rules | None = None) -> list[Advice]:
    """Return what would do: a longer dwell, a wider zone, more frequent fixes; each the least that does, alone."""
    dwell = zone.dwell_s or habits.dwell_s
    options: dict[str, list[tuple[float, Zone, Habits]]] = {
        "dwell_s": [(value, replace(zone, dwell_s=value), habits) for value in DWELLS_S if value > dwell],
        "wider_m": [(value, _wider(zone, value), habits) for value in WIDER_M],
        "every_s": [(value, zone, replace(habits, every_s=value)) for value in EVERY_S if value < habits.every_s],
    }
    advice = []
    for what, tries in options.items():
        tried = (Advice(what, value, _chances(other, under, rules, ROUGHLY)) for value, other, under in tries)
        advice += [one for one in [next((one for one in tried if one.chances.good), None)] if one is not None]
    return advice


def _chances(zone: Zone, habits: Habits, rules: Rules | None, close: float) -> Chances:
    shape, under = shapely.to_wkb(_area(zone)), rules or Rules()
    proven = _proven(shape, zone.dwell_s or habits.dwell_s, habits, under, close)
    if close == ROUGHLY and proven < ENOUGH:
        return Chances(proven, 1.0)  # it is no advice, whoever passes
    return Chances(proven, _mistaken(shape, habits, under, close))


def _area(zone: Zone) -> BaseGeometry:
    """Return the zone in metres around its middle, to the centimetre."""
    frame = Frame.at(*shapely.centroid(zone.shape).coords[0])
    return shapely.transform(frame.to_metres(zone.shape), lambda c: np.round(c, 2) + 0.0)


def _wider(zone: Zone, by_m: float) -> Zone:
    frame = Frame.at(*shapely.centroid(zone.shape).coords[0])
    return replace(zone, shape=frame.to_degrees(frame.to_metres(zone.shape).buffer(by_m)))


def _inmost(area: BaseGeometry) -> float:
    return float(shapely.maximum_inscribed_circle(cast("shapely.Polygon", area)).length)


@lru_cache(maxsize=4096)
def _proven(shape: bytes, dwell_s: float, habits: Habits, rules: Rules, close: float) -> float:
    area = shapely.from_wkb(shape)
    floor = _floor(area, habits.far_m)
    return _rate(lambda n, rng: _visits(area, floor, habits, dwell_s, n, rng), area, habits, rules, close)


@lru_cache(maxsize=4096)
def _mistaken(shape: bytes, habits: Habits, rules: Rules, close: float) -> float:
    area = shapely.from_wkb(shape)
    return _rate(lambda n, rng: _passes(area, habits, n, rng), area, habits, rules, close)


def _rate(
    draw: Callable[[int, np.random.Generator], _Ways], area: BaseGeometry, habits: Habits, rules: Rules, close: float
) -> float:
    """Return the part of the ways drawn of which the engine says that they entered."""
    rng = np.random.default_rng(1)
    zones = ZoneSet([Zone(ZoneId("zone"), HERE.to_degrees(area))])
    entered = trials = 0
    while trials < MOST:
        ways = draw(BATCH, rng)
        entered += _entered(Engine(zones, rules), _seen(ways, habits, rng))
        trials += BATCH
        margin, part = _margin(entered, trials), entered / trials
        clear = min(abs(part - ENOUGH), abs(1 - part - ENOUGH)) > margin
        if margin <= close or (clear and close == ROUGHLY):
            break
    return entered / trials


def _margin(hits: int, trials: int) -> float:
    """Return half the width of the 95 % interval of a rate (Wilson 1927)."""
    z, part = 1.96, hits / trials
    return z / (1 + z * z / trials) * sqrt(part * (1 - part) / trials + z * z / (4 * trials * trials))


def _entered(engine: Engine, fixes: Fixes) -> int:
    """Return of how many devices an entry is said; once it is, the rest of its way need not be gone."""
    entered: set[DeviceId] = set()
    left = np.ones(len(fixes.devices), bool)
    cuts = np.searchsorted(fixes.time, np.arange(fixes.time[0], fixes.time[-1], PIECE_S * SECOND)[1:])
    for rows in np.split(np.arange(len(fixes)), cuts):
        events = engine.judge(fixes.take(rows[left[fixes.device[rows]]])).events
        entered |= {event.device for event in events if event.kind is Kind.ENTER}
        left = np.array([device not in entered for device in fixes.devices])
    return len(entered)


def _seen(ways: _Ways, habits: Habits, rng: np.random.Generator) -> Fixes:
    """Return what receivers say of people on these ways, in order of time."""
    n, every = len(ways.seconds), habits.every_s
    lasts = float(ways.seconds[:, -1].max()) + 4 * every  # heard before and after, standing out of reach
    time = rng.uniform(-3 * every, -2 * every, n)[:, None] + np.arange(int(lasts / every) + 2) * every
    true = np.stack([
        [np.interp(time[i], ways.seconds[i], ways.places[i, :, axis]) for axis in (0, 1)] for i in range(n)
    ]).transpose(0, 2, 1)  # fmt: skip
    places = (true + _errors(true.shape, habits, rng)).reshape(-1, 2)
    when = time.ravel()
    rows = np.argsort(when, kind="stable")
    device = np.repeat(np.arange(n), time.shape[1])
    nothing, none = np.full(len(rows), np.nan), np.zeros(len(rows), dtype=np.int64)
    return Fixes(
        devices=tuple(DeviceId(str(number)) for number in range(n)), device=device[rows],
        time=np.round(when[rows] * SECOND).astype(np.int64),
        lon=HERE.lon + places[rows, 0] / HERE.x, lat=HERE.lat + places[rows, 1] / HERE.y,
        accuracy_m=np.full(len(rows), habits.accuracy_m), speed_mps=nothing, course_deg=nothing,
        altitude_m=nothing, hdop=nothing, battery_pct=nothing, flags=none, sos=none,
    )  # fmt: skip


def _errors(shape: tuple[int, ...], habits: Habits, rng: np.random.Generator) -> Array:
    """Return (ways, fixes, 2) metres of error, correlated along each way."""
    error = rng.normal(0, habits.accuracy_m * AXIS_PER_ACCURACY, shape)
    keep = float(np.exp(-habits.every_s / habits.tau_s))
    for i in range(1, shape[1]):
        error[:, i] = keep * error[:, i - 1] + sqrt(1 - keep * keep) * error[:, i]
    return error


def _visits(
    area: BaseGeometry, floor: BaseGeometry, habits: Habits, dwell_s: float, n: int, rng: np.random.Generator
) -> _Ways:
    """Return ways to a place in the zone, to stay no longer than the dwell from edge to edge, and away again."""
    places = _draw(floor, n, rng)
    come, inside_in = _way(area, places, habits, dwell_s, rng)
    go, inside_out = _way(area, places, habits, dwell_s, rng)
    stay = np.maximum(dwell_s - (inside_in + inside_out) / habits.walk_mps, 0)
    parts = (_steps(come, places) / habits.walk_mps, stay, _steps(places, go) / habits.walk_mps)
    seconds = np.cumsum(np.stack((np.zeros(n), *parts), axis=1), axis=1)
    return _Ways(seconds, np.stack((come, places, places, go), axis=1))


def _passes(area: BaseGeometry, habits: Habits, n: int, rng: np.random.Generator) -> _Ways:
    """Return straight ways along the zone that come within ``beside_m`` of its edge, and no nearer."""
    ring = shapely.convex_hull(area).buffer(habits.beside_m).exterior
    along = rng.uniform(0, ring.length, n)
    a, b = (shapely.get_coordinates(shapely.line_interpolate_point(ring, (along + step) % ring.length))
            for step in (-0.5, 0.5))  # fmt: skip
    way = (b - a) / np.maximum(_steps(a, b), 1e-9)[:, None]
    west, south, east, north = area.bounds
    half = habits.far_m + min(float(np.hypot(east - west, north - south)) / 2, habits.far_m)
    ends = np.stack(((a + b) / 2 - half * way, (a + b) / 2 + half * way), axis=1)
    return _Ways(np.tile([0.0, 2 * half / habits.walk_mps], (n, 1)), ends)


def _floor(area: BaseGeometry, far_m: float) -> BaseGeometry:
    """Return where people stop: at half the depth the zone has or more, or where no edge is within reach."""
    floor = area.buffer(-min(_inmost(area) / 2, far_m))
    within = floor.difference(area.buffer(-2 * far_m))
    return floor if within.is_empty else within


def _draw(floor: BaseGeometry, n: int, rng: np.random.Generator) -> Array:
    """Return (n, 2) places, evenly spread."""
    west, south, east, north = floor.bounds
    shapely.prepare(floor)
    found, count = [np.empty((0, 2))], 0
    while count < n:
        places = rng.uniform((west, south), (east, north), (8 * n, 2))
        found.append(places[shapely.contains_xy(floor, places[:, 0], places[:, 1])])
        count += len(found[-1])
    return np.concatenate(found)[:n]


def _way(
    area: BaseGeometry, places: Array, habits: Habits, dwell_s: float, rng: np.random.Generator
) -> tuple[Array, Array]:
    """Return (n, 2) where a straight way to each place begins, far outside, and (n,) metres of it that are inside.

    The direction is any that leaves time to stay; else the best of a few.
    """
    west, south, east, north = area.bounds
    angle = rng.uniform(0, 2 * pi, (len(places), TURNS))
    way = np.stack((np.cos(angle), np.sin(angle)), axis=-1)
    ends = places[:, None] + way * (habits.far_m + float(np.hypot(east - west, north - south)))
    lines = shapely.linestrings(np.stack((np.broadcast_to(places[:, None], ends.shape), ends), axis=-2))
    inside = np.asarray(shapely.intersection(lines, area))
    metres = np.asarray(shapely.length(inside))
    fits = metres <= habits.walk_mps * dwell_s / 2
    pick = np.where(fits.any(axis=1), fits.argmax(axis=1), metres.argmin(axis=1))
    rows: Sequence[int] = range(len(places))
    out = shapely.hausdorff_distance(inside[rows, pick], shapely.points(places))  # its farthest point
    return places + way[rows, pick] * (out + habits.far_m)[:, None], metres[rows, pick]


def _steps(a: Array, b: Array) -> Array:
    difference = b - a
    return np.hypot(difference[:, 0], difference[:, 1])
