"""The rules others decide by, re-implemented from their descriptions, over the same fixes and depths.

What must stay true here: each rule sees what it sees in its own product: fixes in order, their stated accuracy, the
signed distance to a zone's edge (inside positive), and nothing else; each says visits as (began, ended, decided).
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Said = list[tuple[float, float, float]]
Rule = Callable[[Array, Array, Array], Said]


def bare(time: Array, depth: Array, accuracy: Array) -> Said:
    """Point in polygon (Traccar, Tile38, OwnTracks Recorder, AWS Location)."""
    return _runs(time, depth >= 0)


def overlap(time: Array, depth: Array, accuracy: Array) -> Said:
    """The accuracy circle touches the zone (Home Assistant: distance less accuracy below the radius)."""
    return _runs(time, depth + accuracy > 0)


def overlap_share(time: Array, depth: Array, accuracy: Array) -> Said:
    """16 points on the accuracy circle, in when 40 % are (Transistorsoft); the edge taken as straight."""
    turns = np.cos(np.arange(16) * (2 * np.pi / 16))
    share = (depth[:, None] + accuracy[:, None] * turns >= 0).mean(axis=1)
    return _runs(time, share >= 0.4)


def debounce(time: Array, depth: Array, accuracy: Array, dwell_s: float = 60.0) -> Said:
    """Point in polygon, believed after it has held for a minute, both ways (dwell and loitering delays)."""
    inside, since, said, began, decided = False, time[0] if len(time) else 0.0, [], 0.0, 0.0
    for t, d in zip(time.tolist(), depth.tolist(), strict=True):
        if (d >= 0) == inside:
            since = np.inf
            continue
        since = min(since, t)
        if t - since >= dwell_s:
            if inside:
                said.append((began, since, decided))
            inside, began, decided, since = not inside, since if not inside else began, t, np.inf
    if inside:
        said.append((began, float(time[-1]), decided))
    return said


def hysteresis(time: Array, depth: Array, accuracy: Array, margin: float = 2.0) -> Said:
    """Enter inside the edge, leave only beyond the edge by twice the error (geofence tutorials, GFW port visits)."""
    state = np.zeros(len(time), dtype=bool)
    inside = False
    for i, (d, a) in enumerate(zip(depth.tolist(), accuracy.tolist(), strict=True)):
        inside = d >= 0 if not inside else d >= -margin * a / 1.51
        state[i] = inside
    return _runs(time, state)


def cumulative(time: Array, depth: Array, accuracy: Array, cap: float = 2.0, enough: float = 4.0) -> Said:
    """A two-sided cumulative sum of depth over error, one fix like the other: what trackerd did before."""
    steps = np.minimum(np.diff(time, prepend=time[:1] - 5), 20.0) / 20.0
    gains = np.clip(1.702 * depth / (accuracy / 1.51), -cap, cap) * steps
    said: Said = []
    inside, total, turned, began, decided, before = False, 0.0, 0.0, 0.0, 0.0, 0.0
    for t, gain in zip(time.tolist(), gains.tolist(), strict=True):
        climbed = total + (-gain if inside else gain)
        if climbed <= 0:
            total, before = 0.0, t
            continue
        turned = (before + t) / 2 if total == 0 else turned
        total = climbed
        if total >= enough:
            if inside:
                said.append((began, turned, decided))
            inside, began, decided, total, before = not inside, turned if not inside else began, t, 0.0, t
    if inside:
        said.append((began, float(time[-1]), decided))
    return said


RULES: dict[str, Rule] = {
    "point in polygon": bare,
    "accuracy circle overlaps": overlap,
    "16 points, 40 %": overlap_share,
    "60 s dwell both ways": debounce,
    "distance hysteresis": hysteresis,
    "cumulative sum": cumulative,
}


def _runs(time: Array, inside: NDArray[np.bool_]) -> Said:
    edges = np.flatnonzero(np.diff(inside, prepend=False, append=False)).reshape(-1, 2)
    last = len(time) - 1
    return [(float(time[a]), float(time[min(b, last)]), float(time[a])) for a, b in edges.tolist()]
