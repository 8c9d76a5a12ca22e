"""An explanation as a picture: metres from the edge and evidence over time, as SVG.

What must stay true here: a function of what is explained alone; no coordinates in it. SVG is written plainly: every
browser shows it, and two curves are no reason for a plotting library.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from datetime import tzinfo
from html import escape
from itertools import pairwise

from geofence.belief import thresholds
from geofence.model import SECOND, Micros, to_datetime
from geofence.track import Rules
from trackerd.explain import Line

Scale = Callable[[float], float]
WIDTH, TOP, MIDDLE, LOW, FOOT = 900, 40, 280, 300, 360
"""Pixels: how wide; distances are drawn from TOP to MIDDLE, evidence from LOW to FOOT."""
LEFT, RIGHT = 60, WIDTH - 20
LEGEND = (
    "Above: metres inside the zone over time, bars: the stated error, green: believed inside. Below: evidence against"
    " what is believed; at the upper line it is enough to change."
)
INK, ERROR, INSIDE, SAID, EVIDENCE = "#246", "#9ab", "#dfeecd", "#b30", "#963"


def plot(lines: Sequence[Line], title: str, rules: Rules, clock: tzinfo) -> str:
    """Return the picture: each fix with its stated error, what was believed and said, and the evidence gathered."""
    start, end = lines[0].time, max(lines[-1].time, lines[0].time + SECOND)
    near = [line for line in lines if line.distance_m is not None]
    most = 1.2 * max([10.0, *(abs(line.distance_m or 0.0) for line in near)])

    def x(time: float) -> float:
        return LEFT + (RIGHT - LEFT) * (min(max(time, start), end) - start) / (end - start)

    def y(metres: float) -> float:
        return TOP + (MIDDLE - TOP) * (most - min(max(metres, -most), most)) / (2 * most)

    marks = [*_bands(lines, x), *_ticks(most, y)]
    for line in near:
        marks += _fix(line, x, y)
    marks += _said(lines, x) + _evidence(lines, x, rules)
    title = title if near else f"{title}: no fix within reach of the zone"
    times = [f"{to_datetime(at).astimezone(clock):%H:%M:%S}" for at in (start, Micros(int(end)))]
    head = (f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {FOOT + 30}" font-family="sans-serif"'
            f' font-size="12"><title>{escape(title)}</title><desc>{LEGEND}</desc>')  # fmt: skip
    ground = f'<rect width="{WIDTH}" height="{FOOT + 30}" fill="#fff"/>'
    foot = [_text(LEFT, FOOT + 18, times[0]), _text(RIGHT, FOOT + 18, times[1], "end"), "</svg>\n"]
    return "\n".join([head, ground, _text(8, 16, title), *marks, *foot])


def _bands(lines: Sequence[Line], x: Scale) -> list[str]:
    return [
        f'<rect x="{x(a.time):.1f}" y="{TOP}" width="{max(x(b.time) - x(a.time), 1):.1f}" height="{MIDDLE - TOP}"'
        f' fill="{INSIDE}"/>'
        for a, b in pairwise([*lines, lines[-1]])
        if a.inside
    ]


def _ticks(most: float, y: Scale) -> list[str]:
    step = 10.0 ** math.floor(math.log10(most))
    return [
        f'<path d="M{LEFT} {y(0):.1f}H{RIGHT}" stroke="#000"/>',
        _text(LEFT - 6, y(0) + 4, "edge", "end"), _text(LEFT - 6, y(step) + 4, f"+{step:g} m", "end"),
        _text(LEFT - 6, y(-step) + 4, f"-{step:g} m", "end"), _text(LEFT - 6, FOOT, "evidence", "end"),
    ]  # fmt: skip


def _fix(line: Line, x: Scale, y: Scale) -> list[str]:
    assert line.distance_m is not None
    at, error = x(line.time), 0.0 if math.isnan(line.accuracy_m) else line.accuracy_m
    top, bottom = y(line.distance_m + error), y(line.distance_m - error)
    return [
        f'<path d="M{at:.1f} {top:.1f}V{bottom:.1f}" stroke="{ERROR}"/>',
        f'<circle cx="{at:.1f}" cy="{y(line.distance_m):.1f}" r="2.5" fill="{INK}"/>',
    ]


def _said(lines: Sequence[Line], x: Scale) -> list[str]:
    """Mark what was said at the moment it is about."""
    marks = []
    for number, event in enumerate(event for line in lines for event in line.said):
        at, height = x(event.time), TOP - 4 - 10 * (number % 2)
        marks.append(f'<path d="M{at:.1f} {TOP}V{FOOT}" stroke="{SAID}" stroke-dasharray="4 3"/>')
        marks.append(_text(min(at + 3, RIGHT - 40), height, event.kind.rpartition(".")[2], fill=SAID))
    return marks


def _evidence(lines: Sequence[Line], x: Scale, rules: Rules) -> list[str]:
    """Draw the evidence as a part of what is enough, which is the line at its top."""
    enter, leave = thresholds(rules.false_alarm, rules.miss)
    parts = [(line.time, min(line.against / (leave if line.inside else enter), 1.0)) for line in lines if line.fix]
    path = " ".join(f"{x(time):.1f},{FOOT - (FOOT - LOW) * part:.1f}" for time, part in parts)
    return [
        f'<path d="M{LEFT} {LOW}H{RIGHT}M{LEFT} {FOOT}H{RIGHT}" stroke="#ccc"/>',
        _text(LEFT - 6, LOW + 4, "enough", "end"),
        f'<polyline points="{path}" fill="none" stroke="{EVIDENCE}"/>',
    ]


def _text(x: float, y: float, text: str, anchor: str = "start", fill: str = "#000") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" fill="{fill}">{escape(text)}</text>'
