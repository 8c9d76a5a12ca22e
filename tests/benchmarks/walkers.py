"""Seeded walkers in a made town: where they truly were, and what their receivers said of it.

What must stay true here: the truth is kept, second by second; errors are correlated in time (first-order
Gauss-Markov, Brown & Hwang, Introduction to Random Signals, 5.2), never white; a mirrored signal comes with a stated
accuracy that knows nothing of it; one seed gives one scenario. All is metres in a plane and seconds from the start.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

Array = NDArray[np.float64]
TOWN_M = (1500.0, 1100.0)
RADIUS_PER_SIGMA = 1.5096
"""The radius that holds 68 % of a circular normal error, in standard deviations along one axis."""


@dataclass(frozen=True)
class Scenario:
    """How it was; every kind of trouble can be turned up or off."""

    seed: int = 0
    walkers: int = 20
    hours: float = 4.0
    every_s: float = 5.0
    sigma_m: tuple[float, float] = (4.0, 22.0)
    """Standard deviation along one axis, least and most; it changes every few minutes with the street."""
    tau_s: float = 45.0
    drift_m: float = 2.0
    """Standard deviation of a slow wandering (ten minutes)."""
    mirrored_per_h: float = 2.0
    gaps_per_h: float = 0.6
    lost: float = 0.02
    circle_m: float = 25.0
    street_m: float = 28.0
    states_accuracy: bool = True


@dataclass(frozen=True)
class Town:
    """Zones by name."""

    names: tuple[str, ...]
    shapes: tuple[BaseGeometry, ...]


@dataclass(frozen=True)
class Walks:
    """What happened, and what was seen of it: fixes as columns, by walker and time."""

    truth: Array
    """(walkers, seconds, 2)."""
    walker: NDArray[np.int64]
    time: Array
    place: Array
    """(fixes, 2), with the error."""
    accuracy_m: Array


def town(scenario: Scenario) -> Town:
    """Return 18 zones: circles, streets, blocks, a ring with a hole, a yard in a block, districts that touch."""
    rng = np.random.default_rng((scenario.seed, 1))
    width, height = TOWN_M
    cells = rng.permutation([(x, y) for x in range(5) for y in range(3)])
    spots = (cells + rng.uniform(0.3, 0.7, cells.shape)) * (width / 5, height / 3)
    shapes: dict[str, BaseGeometry] = {}
    for n in range(6):
        shapes[f"box-{n}"] = shapely.Point(spots[n]).buffer(scenario.circle_m, 32)
    for n, radius in enumerate((40.0, 60.0)):
        shapes[f"spot-{n}"] = shapely.Point(spots[6 + n]).buffer(radius, 32)
    for n in range(3):
        along = 130 * np.array([np.cos(turn := rng.uniform(0, np.pi)), np.sin(turn)])
        line = shapely.LineString([spots[8 + n] - along, spots[8 + n] + along])
        shapes[f"street-{n}"] = line.buffer(scenario.street_m / 2, cap_style="flat")
    for n in range(3):
        half = rng.uniform(30, 60, 2)
        block = shapely.box(*(spots[11 + n] - half), *(spots[11 + n] + half))
        shapes[f"block-{n}"] = shapely.affinity.rotate(block, rng.uniform(0, 90))
    shapes["yard"] = shapes["block-0"].buffer(-12)
    ring = shapely.Point(spots[14])
    shapes["ring"] = ring.buffer(90, 32).difference(ring.buffer(35, 32))
    middle = width * rng.uniform(0.4, 0.6)
    shapes["west"] = shapely.box(150, 150, middle, height - 150)
    shapes["east"] = shapely.box(middle, 150, width - 150, height - 150)
    return Town(tuple(shapes), tuple(shapes.values()))


def walk(scenario: Scenario, place: Town) -> Walks:
    """Return everyone's hours."""
    rng = np.random.default_rng((scenario.seed, 2))
    seconds = round(scenario.hours * 3600)
    truth = np.stack([_errands(seconds, place, rng) for _ in range(scenario.walkers)])
    return seen(scenario, truth, rng)


def stand(scenario: Scenario, outside_m: float) -> tuple[Town, Walks]:
    """Return receivers that stand still all the time so far outside a circle."""
    circle = Town(("box",), (shapely.Point(0, 0).buffer(scenario.circle_m, 64),))
    truth = np.zeros((scenario.walkers, round(scenario.hours * 3600), 2))
    truth[:, :, 0] = scenario.circle_m + outside_m
    return circle, seen(scenario, truth, np.random.default_rng((scenario.seed, 3)))


def call(scenario: Scenario, stop_s: float = 60.0) -> tuple[Town, Walks]:
    """Return walkers that come from afar, stop at the middle of a circle for so long, and go on."""
    rng = np.random.default_rng((scenario.seed, 4))
    circle = Town(("box",), (shapely.Point(0, 0).buffer(scenario.circle_m, 64),))
    seconds = round(scenario.hours * 3600)
    truth = np.empty((scenario.walkers, seconds, 2))
    for one in truth:
        middle = seconds / 2 + rng.uniform(-30, 30)
        t, speed = np.arange(seconds), rng.uniform(0.9, 1.6, 2)
        ways = rng.uniform(0, 2 * np.pi, 2)
        come = np.maximum(middle - stop_s / 2 - t, 0) * speed[0]
        go = np.maximum(t - middle - stop_s / 2, 0) * speed[1]
        one[:] = np.minimum(come, 300)[:, None] * _unit(ways[0]) + np.minimum(go, 300)[:, None] * _unit(ways[1])
    return circle, seen(scenario, truth, rng)


def seen(scenario: Scenario, truth: Array, rng: np.random.Generator) -> Walks:
    """Return what receivers would say of these true ways."""
    walkers, seconds, _ = truth.shape
    sigma = np.stack([_phases(scenario, seconds, rng) for _ in range(walkers)])
    error = gauss_markov(walkers, seconds, scenario.tau_s, rng) * sigma[..., None]
    error += gauss_markov(walkers, seconds, 600.0, rng) * scenario.drift_m
    optimism = np.exp(rng.normal(0, 0.15, (walkers, seconds)))
    for w in range(walkers):
        error[w] += _mirrored(scenario, seconds, rng)
    parts = []
    for w in range(walkers):
        at = np.arange(rng.uniform(0, scenario.every_s), seconds - 1, scenario.every_s)
        keep = rng.random(len(at)) >= scenario.lost
        for _ in range(rng.poisson(scenario.gaps_per_h * scenario.hours)):
            begin = rng.uniform(0, seconds)
            keep &= (at < begin) | (at > begin + rng.uniform(60, 900))
        at = at[keep]
        row = at.astype(int)
        part = (at - row)[:, None]
        true = truth[w, row] * (1 - part) + truth[w, row + 1] * part
        stated = RADIUS_PER_SIGMA * sigma[w, row] * optimism[w, row]
        parts.append((np.full(len(at), w), at, true + error[w, row] + rng.normal(0, 0.5, (len(at), 2)), stated))
    walker, time, place, accuracy = (np.concatenate(column) for column in zip(*parts, strict=True))
    return Walks(truth, walker, time, place, accuracy if scenario.states_accuracy else np.full(len(time), np.nan))


def gauss_markov(n: int, seconds: int, tau_s: float, rng: np.random.Generator) -> Array:
    """Return (n, seconds, 2) values of unit variance, correlated over ``tau_s``."""
    keep = np.exp(-1 / tau_s)
    value = rng.normal(size=(seconds, n, 2))
    value[1:] *= np.sqrt(1 - keep * keep)
    for i in range(1, seconds):
        value[i] += keep * value[i - 1]
    return np.ascontiguousarray(value.transpose(1, 0, 2))


def true_stays(walks: Walks, place: Town) -> list[list[list[tuple[float, float]]]]:
    """Return by walker and zone the stretches of seconds truly spent inside."""
    flat = walks.truth.reshape(-1, 2)
    inside = [
        shapely.contains_xy(shape, flat[:, 0], flat[:, 1]).reshape(walks.truth.shape[:2]) for shape in place.shapes
    ]
    return [[_stretches(of_zone[w]) for of_zone in inside] for w in range(len(walks.truth))]


def _stretches(inside: NDArray[np.bool_]) -> list[tuple[float, float]]:
    edges = np.flatnonzero(np.diff(inside, prepend=False, append=False))
    return [(float(a), float(b)) for a, b in edges.reshape(-1, 2)]


def _unit(angle: float) -> Array:
    return np.array([np.cos(angle), np.sin(angle)])


def _errands(seconds: int, place: Town, rng: np.random.Generator) -> Array:
    """Walk from errand to errand: to a place in a zone, to one just outside its edge, or anywhere."""
    path = np.empty((seconds, 2))
    here, now = rng.uniform(0, 1, 2) * TOWN_M, 0
    while now < seconds:
        shape = place.shapes[int(rng.integers(len(place.shapes)))]
        kind = rng.random()
        if kind < 0.35:
            goal, halt = _within(shape, rng), rng.lognormal(np.log(200), 0.8)
        elif kind < 0.5:
            goal, halt = _beside(shape, rng), rng.lognormal(np.log(150), 0.8)
        else:
            goal, halt = rng.uniform(0, 1, 2) * TOWN_M, rng.exponential(90)
        steps = max(int(np.hypot(*(goal - here)) / rng.uniform(0.9, 1.6)), 1)
        way = here + np.arange(steps)[:, None] / steps * (goal - here)
        part = np.concatenate((way, np.repeat(goal[None], int(halt), axis=0)))[: seconds - now]
        path[now : now + len(part)] = part
        now += len(part)
        here = goal
    return path


def _within(shape: BaseGeometry, rng: np.random.Generator) -> Array:
    """Return a place inside, not hard at the edge: people stop at the letterbox, not at its zone's edge."""
    inner = shape.buffer(-8)
    return _draw(shape if inner.is_empty else inner, rng)


def _beside(shape: BaseGeometry, rng: np.random.Generator) -> Array:
    near = rng.uniform(8, 35)
    return _draw(shape.buffer(near + 3).difference(shape.buffer(near)), rng)


def _draw(shape: BaseGeometry, rng: np.random.Generator) -> Array:
    west, south, east, north = shape.bounds
    while True:
        many = rng.uniform((west, south), (east, north), (64, 2))
        hits = np.flatnonzero(shapely.contains_xy(shape, many[:, 0], many[:, 1]))
        if len(hits):
            return np.asarray(many[hits[0]])


def _phases(scenario: Scenario, seconds: int, rng: np.random.Generator) -> Array:
    """Return the error's size second by second: another street, another sky, every few minutes."""
    low, high = np.log(scenario.sigma_m)
    sigma = np.empty(seconds)
    now = 0
    while now < seconds:
        lasts = int(rng.uniform(120, 900))
        sigma[now : now + lasts] = np.exp(rng.uniform(low, high))
        now += lasts
    smooth = np.ones(20) / 20
    return np.convolve(np.pad(sigma, (10, 9), mode="edge"), smooth, mode="valid")


def _mirrored(scenario: Scenario, seconds: int, rng: np.random.Generator) -> Array:
    """Return displacement by mirrored signals: tens of metres for up to a minute and a half, gone as it came."""
    offset = np.zeros((seconds, 2))
    for _ in range(rng.poisson(scenario.mirrored_per_h * scenario.hours)):
        begin, lasts = int(rng.uniform(0, seconds)), int(rng.uniform(10, 90))
        rise = rng.uniform(1, 8)
        t = np.arange(min(lasts, seconds - begin))
        ramp = np.clip(np.minimum(t + 1, lasts - t) / rise, 0, 1)
        offset[begin : begin + len(t)] += ramp[:, None] * rng.uniform(25, 70) * _unit(rng.uniform(0, 2 * np.pi))
    return offset
