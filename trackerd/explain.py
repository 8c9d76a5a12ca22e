"""Why something was said: the fixes, how far inside the zone they lay, and what was believed after each.

What must stay true here: what is shown is the engine itself over the stored fixes, stepped one by one from the
checkpoint before; distances are shown, never coordinates.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from html import escape
from typing import NamedTuple

import numpy as np

from geofence.editions import Editions
from geofence.engine import Engine
from geofence.model import EVER, SECOND, DeviceId, Event, Micros, ZoneId, to_datetime, to_micros
from geofence.revise import Standing
from geofence.track import Rules
from trackerd.store import Store

Scale = Callable[[float], float]

BEFORE_S, AFTER_S = 300, 120
"""Seconds shown before the moment asked for and after what decided it."""


class Question(NamedTuple):
    """What is to be explained: one device and zone, from one moment to another."""

    device: DeviceId
    zone: ZoneId
    start: Micros
    end: Micros


@dataclass(frozen=True, slots=True)
class Line:
    """One fix and what it did."""

    time: Micros
    accuracy_m: float
    distance_m: float | None
    """To the zone's edge, inside positive; None: out of reach."""
    inside: bool
    against: float
    """Evidence gathered against ``inside``, in log-odds."""
    said: tuple[Event, ...] = ()


def about_event(store: Store, event_id: str) -> Question | None:
    """Return what to ask about an event that stands, by its id or the beginning of it; None: there is no such."""
    for device in store.devices():
        for standing in store.standing(device, EVER):
            if standing.id.startswith(event_id) and standing.event.visit is not None:
                return _around(standing)
    return None


def about_moment(device: str, zone: str, time: datetime) -> Question:
    """Return what to ask about a device and a zone at a moment."""
    at = to_micros(time)
    return Question(
        DeviceId(device), ZoneId(zone), Micros(at - BEFORE_S * SECOND), Micros(at + (BEFORE_S + AFTER_S) * SECOND)
    )


def explain(store: Store, rules: Rules, question: Question) -> list[Line]:
    """Step the engine over the stored fixes; return a line for each that lies in the time asked for."""
    checkpoint = store.checkpoint(question.device, question.start)
    editions = Editions(store.editions())
    engine = Engine(editions, rules, [checkpoint] if checkpoint else [])
    lines: list[Line] = []
    after = checkpoint.upto if checkpoint else EVER
    for piece in store.fixes(question.device, after, question.end):
        for row in range(len(piece)):
            one = piece.take(np.array([row]))
            events = engine.judge(one).events
            time = Micros(int(one.time[0]))
            if time < question.start:
                continue
            ((_, zones),) = editions.parts(one)
            near = {near.zone: near.distance_m for near in zones.locate(one).near()[0]}
            track = engine.tracks.get(question.device)
            belief = track.beliefs.get(question.zone) if track else None
            said = tuple(event for event in events if event.visit is None or event.visit.zone == question.zone)
            distance = near.get(question.zone)
            inside, against = (belief.inside, belief.sum) if belief else (False, 0.0)
            lines.append(Line(time, float(one.accuracy_m[0]), distance, inside, against, said))
    return lines


def plot(lines: list[Line], title: str, width: int = 900, height: int = 320) -> str:
    """Return an SVG: the distance of each fix with its error, and what was believed, over time."""
    shown = [line for line in lines if line.distance_m is not None]
    if not shown:
        return _frame([], f"{title}: no fix near the zone", (lines[0].time, lines[-1].time), lambda _: 0.0, width, 80)
    start, end = lines[0].time, max(lines[-1].time, lines[0].time + SECOND)
    reach = 1.2 * max(10.0, *(abs(line.distance_m or 0.0) for line in shown))

    def x(time: float) -> float:
        return 50 + (width - 70) * (time - start) / (end - start)

    def y(metres: float) -> float:
        return 40 + (height - 80) * (reach - metres) / (2 * reach)

    marks = [_band(a, b, x, height) for a, b in zip(lines, [*lines[1:], lines[-1]], strict=True) if a.inside]
    for line in shown:
        assert line.distance_m is not None
        at, accuracy = x(line.time), 0.0 if np.isnan(line.accuracy_m) else line.accuracy_m
        top, bottom = y(min(line.distance_m + accuracy, reach)), y(max(line.distance_m - accuracy, -reach))
        marks.append(f'<path d="M{at:.1f} {top:.1f}V{bottom:.1f}" stroke="#9ab"/>')
        marks.append(f'<circle cx="{at:.1f}" cy="{y(line.distance_m):.1f}" r="2.5" fill="#246"/>')
    for line in lines:
        for event in line.said:
            at = x(min(max(event.time, start), end))
            marks.append(f'<path d="M{at:.1f} 36V{height - 40}" stroke="#b30" stroke-dasharray="4 3"/>')
            marks.append(f'<text x="{at + 3:.1f}" y="34" fill="#b30">{event.kind.removeprefix("zone.")}</text>')
    return _frame(marks, title, (start, end), y, width, height)


def _band(a: Line, b: Line, x: Scale, height: int) -> str:
    wide = max(x(b.time) - x(a.time), 1.0)
    return f'<rect x="{x(a.time):.1f}" y="40" width="{wide:.1f}" height="{height - 80}" fill="#dfeecd"/>'


def _frame(marks: list[str], title: str, span: tuple[int, int], y: Scale, width: int, height: int) -> str:
    first, last = (f"{to_datetime(at):%H:%M:%S}" for at in span)
    right, foot, edge = width - 20, height - 12, y(0)
    style = 'font-family="sans-serif" font-size="12"'
    return "\n".join([
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" {style}>',
        f"<title>{escape(title)}</title>",
        "<desc>Metres inside the zone over time; bars: the stated error; green: believed inside.</desc>",
        f'<rect width="{width}" height="{height}" fill="#fff"/><text x="8" y="16">{escape(title)}</text>',
        *marks,
        f'<path d="M50 {edge:.1f}H{right}" stroke="#000"/><text x="4" y="{edge + 4:.1f}">edge</text>',
        f'<text x="4" y="52">inside</text><text x="4" y="{height - 44}">outside</text>',
        f'<text x="50" y="{foot}">{first}</text>',
        f'<text x="{right}" y="{foot}" text-anchor="end">{last} UTC</text></svg>',
    ])  # fmt: skip


def _around(standing: Standing) -> Question:
    event = standing.event
    assert event.visit is not None
    start, end = event.time - BEFORE_S * SECOND, max(event.time, event.decided) + AFTER_S * SECOND
    return Question(event.device, event.visit.zone, Micros(start), Micros(end))
