"""Movement and error of the demo, taken from real recordings.

A leg's pace, its halts and the moving about at a place are those of a ten-hour hike (a bike leg's: of a bicycle
ride); the error is cut from receivers that stood still, so it is correlated over a minute and more as theirs is. White
noise would make every detector look good.
"""

from __future__ import annotations

import csv
import gzip
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tests.benchmarks.demo_town import PLACES, Step, metres, second, street, streets, way

Array = NDArray[np.float64]
Random = np.random.Generator

WALK_MPS, BIKE_MPS = 1.3, 4.0
BLOCK_S, FADE_S = 900, 180
"""The error changes from one piece of a recording to the next over the fade."""
SHARES = (0.45, 0.15, 0.4)
"""Of the three recordings; the second holds its position for minutes, as a walker's receiver seldom does."""


@dataclass(frozen=True)
class Rhythm:
    """How somebody really moved."""

    pace: Array
    """Speed under way over its mean, second by second."""
    halts: list[int]
    """Seconds of the halts."""
    about: list[Array]
    """Moving about on the spot: metres from its middle."""


def read_hike(data: Path) -> tuple[Array, Array]:
    """Return seconds and metres of the hike, once a second."""
    text = (data / "tracks/georust__garmin_with_extensions.gpx").read_text(encoding="utf-8")
    found = re.findall(r'<trkpt lat="([^"]+)" lon="([^"]+)">.*?<time>([^<]+)</time>', text, re.DOTALL)
    times = np.array([datetime.fromisoformat(time).timestamp() for _, _, time in found])
    return _each_second(times, _plane([(float(lat), float(lon)) for lat, lon, _ in found]))


def read_ride(data: Path) -> tuple[Array, Array]:
    """Return seconds and metres of the bicycle ride; its columns are latitude first, whatever they are called."""
    with gzip.open(data / "tracks/splosch__example_biking.csv.gz", "rt") as file:
        rows = [(float(row[0]) / 1000, float(row[1]), float(row[2])) for row in list(csv.reader(file))[1:]]
    times, index = np.unique([row[0] for row in rows], return_index=True)
    return _each_second(times, _plane([rows[i][1:] for i in index]))


def _plane(places: list[tuple[float, float]]) -> Array:
    lat, lon = np.array(places).T
    east = (lon - np.median(lon)) * 111320 * np.cos(np.radians(np.median(lat)))
    return np.column_stack([east, (lat - np.median(lat)) * 111320])


def _each_second(times: Array, xy: Array) -> tuple[Array, Array]:
    at = np.arange(times[0], times[-1])
    return at, np.column_stack([np.interp(at, times, xy[:, axis]) for axis in (0, 1)])


def rhythm(xy: Array, moving_mps: float, longest_halt_s: int) -> Rhythm:
    """Take the rhythm out of a track."""
    speed = np.convolve(np.hypot(*np.diff(xy, axis=0).T), np.ones(8) / 8, "same")
    pace = speed[speed > moving_mps]
    halts, about = [], []
    for begin, end in runs(speed < moving_mps / 2):
        if 6 <= end - begin <= longest_halt_s:
            halts.append(end - begin)
        if end - begin >= 90:
            about.append(xy[begin:end] - xy[begin:end].mean(axis=0))
    pace = np.clip(pace / np.median(pace), 0.65, 1.3)
    return Rhythm(pace / pace.mean(), halts, about)


def runs(true: NDArray[np.bool_]) -> list[tuple[int, int]]:
    """Return where a column is true without a break: first row, and the row after the last."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], true, [False]]).astype(int)))
    return [(int(a), int(b)) for a, b in edges.reshape(-1, 2)]


@dataclass(frozen=True)
class Day:
    """One person's day, second by second."""

    xy: Array
    """Where they truly are, metres."""
    error_m: Array
    """How far off a receiver is there, 68 %."""


def live(steps: list[Step], walk: Rhythm, ride: Rhythm, rng: Random) -> Day:
    """Live the day."""
    net = streets()
    here = steps[0].via.split()[0]
    pieces, errors, now = [np.array([metres(PLACES[here])])], [steps[0].error_m], 1
    for step in steps:
        names = [here]
        for name in step.via.split():
            names += way(names[-1], name, net)[1:]
        moved = _go(names, ride if step.bike else walk, step, rng)
        here = names[-1]
        stay = second(step.until) - now - len(moved) if step.until else step.stay_s
        if stay < 0:
            raise ValueError(f"{step.via}: {-stay} s too late for {step.until}")
        stood = _stand(np.array(metres(PLACES[here])), stay, step.spread_m, walk, rng)
        pieces += [moved, stood]
        errors += [step.error_m] * (len(moved) + len(stood))
        now += len(moved) + len(stood)
    kernel = np.ones(91) / 91
    smooth = np.convolve(np.pad(errors, 45, mode="edge"), kernel, "valid")
    return Day(np.concatenate(pieces), smooth)


def _go(names: list[str], rhythm: Rhythm, step: Step, rng: Random) -> Array:
    if len(names) < 2:
        return np.empty((0, 2))
    places = [place for one, other in pairwise(names) for place in street(one, other)]
    line = _rounded(np.array([*places, metres(PLACES[names[-1]])]))
    along = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(line, axis=0).T))])
    seconds = int(along[-1] / (0.5 * (BIKE_MPS if step.bike else WALK_MPS))) + 2
    begin = int(rng.integers(len(rhythm.pace)))
    pace = np.take(rhythm.pace, np.arange(begin, begin + seconds), mode="wrap")
    pace = pace * (BIKE_MPS if step.bike else WALK_MPS) * rng.uniform(0.95, 1.05)
    every_s = 150 if step.bike else 300
    often = rng.poisson(seconds / 2 / every_s) if seconds > 40 and not step.brisk else 0
    for halt in np.sort(rng.integers(15, max(seconds, 16), often)):
        pace = np.insert(pace, int(halt), np.zeros(int(rng.choice(rhythm.halts))))
    far = np.cumsum(pace)
    far = np.append(far[far < along[-1]], along[-1])
    return np.column_stack([np.interp(far, along, line[:, axis]) for axis in (0, 1)])


def _rounded(line: Array) -> Array:
    """Round the corners, as feet do: each is cut at most a few metres from it."""
    for reach in (6.0, 2.5):
        ahead = np.diff(line, axis=0)
        part = np.minimum(0.3, reach / np.maximum(np.hypot(*ahead.T), 1e-9))[:, None]
        cut = np.stack([line[:-1] + ahead * part, line[1:] - ahead * part], axis=1).reshape(-1, 2)
        line = np.concatenate([line[:1], cut[1:-1], line[-1:]]) if len(line) > 2 else line
    return line


def _stand(middle: Array, seconds: int, spread_m: float, rhythm: Rhythm, rng: Random) -> Array:
    if seconds <= 0:
        return np.empty((0, 2))
    about = rhythm.about[int(rng.integers(len(rhythm.about)))]
    about = np.pad(about, ((0, max(0, seconds - len(about))), (0, 0)), mode="reflect")[:seconds]
    # A hiker's long rest spans more than a stop at a letterbox: what matters is the way of moving, not its size.
    about = about * min(1.0, spread_m / max(float(np.hypot(*about.T).max()), 1e-9))
    ease = np.minimum(1.0, np.minimum(np.arange(seconds), np.arange(seconds)[::-1]) / min(12, seconds))
    return np.asarray(middle + about * ease[:, None], dtype=np.float64)


def read_errors(data: Path) -> list[Array]:
    """Return what standing receivers were off by, once a second, each with a root mean square of 1."""
    moored = []
    for line in (data / "nmea/other/signalk__gps.log").read_text("ascii", "replace").splitlines():
        field = line.split(",")
        if field[0] == "$GPRMC" and field[2] == "A":
            moored.append((int(field[3][:2]) + float(field[3][2:]) / 60, int(field[5][:3]) + float(field[5][3:]) / 60))
    found = [_plane(moored)]
    for name in ("stationary_west_gnss", "stationary_indoor_east_part1"):
        with (data / f"tracks/rwiren__{name}.csv").open(encoding="utf-8") as file:
            rows = list(csv.DictReader(file))[::2]  # each row stands there twice
        found.append(_plane([(float(row["lat"]), float(row["lon"])) for row in rows]))
    return [_unit(series) for series in found]


def _unit(series: Array, most: float = 3.0) -> Array:
    series = series - series.mean(axis=0)
    series = series / np.sqrt((series**2).sum(axis=1).mean())
    return np.asarray(series * np.minimum(1, most / np.maximum(np.hypot(*series.T), 1e-9))[:, None], dtype=np.float64)


def wander(recorded: list[Array], seconds: int, rng: Random) -> Array:
    """Lay pieces of the recordings end to end, turned at random, one fading into the next; 68 % lie within 1."""
    out = np.zeros((seconds + 2 * (BLOCK_S + FADE_S), 2))
    fade = np.sin(np.linspace(0, np.pi / 2, FADE_S))
    window = np.concatenate([fade, np.ones(BLOCK_S - FADE_S), fade[::-1]])[:, None]
    for begin in range(0, seconds + FADE_S, BLOCK_S):
        series = recorded[int(rng.choice(len(recorded), p=SHARES))]
        start = int(rng.integers(len(series) - len(window)))
        piece = series[start : start + len(window)]
        piece = piece - piece.mean(axis=0)
        # A receiver's quiet hour and its bad one differ, but not by a factor of ten as these three do.
        loud = np.sqrt((piece**2).sum(axis=1).mean())
        piece = piece / loud * np.clip(loud, 0.75, 1.35)
        turn = rng.uniform(0, 2 * np.pi)
        spin = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
        out[begin : begin + len(window)] += window * (piece @ spin)
    out = out[FADE_S : FADE_S + seconds]
    return np.asarray(out / np.percentile(np.hypot(*out.T), 68), dtype=np.float64)


def bounces(recorded: list[Array], error: Array, count: int, free: Callable[[int, int], bool], rng: Random) -> Array:
    """Add excursions of some 15 to 40 m for a minute or two: a wall mirrors the signal.

    Their course is that of the receiver with a bad view of the sky about its worst moment.
    """
    worst = recorded[-1]
    peak = int(np.hypot(*worst.T).argmax())
    peak = min(max(peak, 60), len(worst) - 60)
    shape = worst[peak - 60 : peak + 60] * np.hanning(120)[:, None]
    shape = shape / np.hypot(*shape.T).max()
    error = error.copy()
    while count:
        begin = int(rng.integers(300, len(error) - 300))
        if free(begin - 90, begin + 210):
            turn = rng.uniform(0, 2 * np.pi)
            spin = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
            error[begin : begin + 120] += rng.uniform(16, 30) * (shape @ spin)
            count -= 1
    return error
