"""The pictures of docs/detection.md, drawn from the benchmark's own figures.

What must stay true here: a picture can be read on white and on black alike (no ground, middling colours), says its
units, and is the same every time for the same figures; only matplotlib is used, and only here.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib import pyplot as plt
from numpy.typing import NDArray

from geofence.belief import Rules, thresholds
from geofence.engine import Engine
from geofence.look import follow
from geofence.model import SECOND, DeviceId, Fixes, IntColumn, Micros
from geofence.track import Seen
from tests.benchmarks import geofence_bench as bench
from tests.benchmarks.geofence_score import overlap
from tests.benchmarks.rivals import RULES
from tests.benchmarks.walkers import true_stays

OURS, THEIRS, TRUTH, BETWEEN, INK = "#d9603b", "#7f8c8d", "#2a9d5c", "#3b82c4", "#808890"
SIZE = (7.2, 3.4)
SPAN_S = 420
Array = NDArray[np.float64]


def draw(folder: Path, tables: dict[str, bench.Table], bands: dict[str, Any], one: bench.Case, rules: Rules) -> None:
    """Draw all there are figures for."""
    folder.mkdir(parents=True, exist_ok=True)
    mpl.rcParams.update({
        "svg.hashsalt": "trackerd", "svg.fonttype": "none", "font.size": 10, "axes.edgecolor": INK, "text.color": INK,
        "axes.labelcolor": INK, "xtick.color": INK, "ytick.color": INK, "axes.spines.top": False,
        "axes.spines.right": False, "legend.frameon": False, "savefig.transparent": True,
    })  # fmt: skip
    if bands:
        _reliability(folder / "reliability.svg", bands)
    if len(tables.get("reference", {})) > 1:
        _rivals(folder / "rivals.svg", tables["reference"])
    _belief(folder / "belief.svg", one, rules)


def _reliability(path: Path, bands: dict[str, Any]) -> None:
    figure, axes = plt.subplots(figsize=(4.6, 4.2))
    axes.plot([0.9, 1], [0.9, 1], color=INK, linewidth=0.8, linestyle=":", label="as good as its word")
    for (what, rows), colour in zip(bands.items(), (OURS, BETWEEN), strict=True):
        said, true, n = np.array(rows).T
        error = 1.96 * np.sqrt(np.maximum(true * (1 - true), 0.5 / n) / n)
        axes.errorbar(said, true, error, color=colour, marker="o", markersize=4, capsize=2, label=f"at {what}")
    axes.set(xlabel="confidence said", ylabel="share that was true", xlim=(0.945, 1.003), ylim=(0.945, 1.003))
    axes.legend(loc="upper left")
    _save(figure, path)


def _rivals(path: Path, table: bench.Table) -> None:
    names = [name for name in table if "no error" not in name]
    figure, (left, right) = plt.subplots(1, 2, sharey=True, figsize=SIZE)
    height = np.arange(len(names))[::-1]
    colours = [OURS if name == bench.OURS else THEIRS for name in names]
    for axes, what, title in ((left, "false", "false visits"), (right, "torn", "visits torn apart")):
        values = [250 * table[name][what] / table[name]["true"] for name in names]
        axes.barh(height, values, color=colours)
        for y, value in zip(height, values, strict=True):
            axes.text(value, y, f" {value:.1f}", va="center")
        axes.set_title(f"{title} in 250 true ones", fontsize=10)
        axes.spines.bottom.set_visible(False)
        axes.set_xticks([])
        axes.margins(x=0.2)
    left.set_yticks(height, names)
    _save(figure, path)


def _belief(path: Path, one: bench.Case, rules: Rules) -> None:
    """Draw one visit: depth of the fixes, of the place believed, of the truth; and the evidence."""
    walker, name, began = _telling(one, rules)
    rows = np.flatnonzero(one.fixes.device == walker)
    zone = one.place.names.index(name)
    seconds = (one.fixes.time[rows] - bench.START) / SECOND
    window = (seconds > began - SPAN_S / 3) & (seconds < began + SPAN_S * 2 / 3)
    depth, believed, sums = _followed(one, rows, name, rules)
    figure, (above, below) = plt.subplots(2, 1, sharex=True, figsize=(7.2, 4.6), height_ratios=(3, 2))
    at = np.arange(int(seconds[window][0]), int(seconds[window][-1]))
    truth = bench.depth_of(one.place.shapes[zone], one.walks.truth[walker, at])
    above.plot(at - began, truth, color=TRUTH, linewidth=2, label="truth")
    above.plot(seconds[window] - began, depth[window], ".", color=THEIRS, label="what each fix says")
    above.plot(seconds[window] - began, believed[window], color=OURS, label="where the device is believed to be")
    above.axhline(0, color=INK, linewidth=0.8)
    above.set(ylabel="metres inside", ylim=(-60, 45))
    above.legend(loc="lower center", fontsize=8, ncols=3)
    below.step(seconds[window] - began, sums[window], where="post", color=BETWEEN)
    for limit, text in zip(
        thresholds(rules.false_alarm, rules.miss), ("enough to enter", "enough to leave"), strict=True
    ):
        below.axhline(limit, color=INK, linewidth=0.8, linestyle=":")
        below.annotate(text, (1, limit), xycoords=("axes fraction", "data"), ha="right", va="bottom", fontsize=8)
    below.set(xlabel="seconds since the visit began", ylabel="evidence for\na change")
    _save(figure, path)


def _telling(one: bench.Case, rules: Rules) -> tuple[int, str, float]:
    """Return a visit to a small circle that the bare test tears apart, and that is told well."""
    said, bare = bench.told(one, rules), bench.rival(one, RULES["point in polygon"])
    stays = true_stays(one.walks, one.place)
    best = (0, 0, "", 0.0)
    for (walker, name), visits in said.items():
        for stay in stays[walker][one.place.names.index(name)]:
            if name.startswith("box") and 90 < stay[1] - stay[0] < SPAN_S * 0.6:
                good = [v for v in visits if abs(v.began - stay[0]) < 15 and abs(v.ended - stay[1]) < 20]
                torn = sum(overlap((b[0], b[1]), (stay[0] - 60, stay[1] + 60)) > 0 for b in bare[walker, name])
                best = max(best, (torn, walker, name, stay[0])) if good else best
    return best[1:]


def _followed(one: bench.Case, rows: IntColumn, name: str, rules: Rules) -> tuple[Array, Array, Array]:
    """Return of each fix its depth, the depth believed, and the evidence after it."""
    fixes, engine = one.fixes.take(rows), Engine(one.zones, rules)
    near = one.zones.locate(fixes).near()
    out, trail = np.full((3, len(rows)), np.nan), None
    device = DeviceId(fixes.devices[int(fixes.device[0])])
    for n, zones in enumerate(near):
        single: Fixes = fixes.take(np.array([n]))
        engine.judge(single)
        fix = fixes.row(n)
        seen = Seen(Micros(fix.micros), fix.accuracy_m or np.nan, zones, -1, fix.lon, fix.lat)
        trail, (x, y, _) = follow(trail, seen, rules)
        for one_zone in zones:
            if one_zone.zone == name:
                moved = one_zone.east * x + one_zone.north * y
                out[:2, n] = one_zone.distance_m, one_zone.distance_m + moved
        belief = engine.tracks[device].beliefs.get(one.zones.by_id[name].id)  # type: ignore[index]
        out[2, n] = belief.sum if belief else 0.0
    return out[0], out[1], out[2]


def _save(figure: Any, path: Path) -> None:
    figure.tight_layout()
    figure.savefig(path, metadata={"Date": None})
    plt.close(figure)
