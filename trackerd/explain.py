"""Why something was said: the fixes, how far inside the zone they lay, and what was believed after each.

What must stay true here: what is shown is the engine itself over the stored fixes, stepped one by one from the
checkpoint before; nothing is written; distances are shown, never coordinates.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import NamedTuple

import numpy as np

from geofence.editions import Editions
from geofence.engine import Engine
from geofence.event import Event, Kind
from geofence.model import EVER, SECOND, DeviceId, Fixes, Micros, ZoneId
from geofence.track import Rules
from geofence.wire import moment
from trackerd.store import Found, Store

BEFORE_S, AFTER_S = 300, 120
"""Seconds shown before the moment asked for, and after it or what decided it."""
LEAST_ID = 4
"""Letters of an id that may stand for it."""


class NoAnswerError(Exception):
    """What is asked for is not in the record; the text says what is."""


class Question(NamedTuple):
    """What is to be explained: one device and zone, from one moment to another."""

    device: DeviceId
    zone: ZoneId
    start: Micros
    end: Micros
    about: Found | None = None
    """The event that was asked about."""


@dataclass(frozen=True, slots=True)
class Line:
    """One fix and what it did, or what came about as time passed."""

    time: Micros
    fix: bool
    accuracy_m: float
    distance_m: float | None
    """To the zone's edge, inside positive; None: out of reach."""
    inside: bool
    against: float
    """Evidence gathered against ``inside``, in log-odds."""
    in_force: bool
    said: tuple[Event, ...] = ()

    @property
    def far(self) -> bool:
        """Whether there is nothing to tell of it."""
        return self.fix and self.distance_m is None and not (self.inside or self.against or self.said)


def about_event(store: Store, event_id: str) -> Question:
    """Return what to ask about an event, by its id or the beginning of it, whether or not it stands.

    A retraction is a question about what it takes back. Raises NoAnswerError.
    """
    found = store.find(event_id) if len(event_id) >= LEAST_ID else []
    if len(found) != 1:
        many = f"more than one event has an id that begins with {event_id}; write more of it"
        raise NoAnswerError(many if found else f"no event has the id {event_id!r}; write it as it was told, or its "
                            f"first letters ({LEAST_ID} at least), or ask by DEVICE ZONE TIME")  # fmt: skip
    told = found[0].told
    if "retracts" in told.body["data"]:
        return about_event(store, told.body["data"]["retracts"])
    if told.said is None or told.said.event.visit is None:
        type_ = told.type.removeprefix("trackerd.")
        raise NoAnswerError(f"{type_} at {moment(told.time)} is about a device and no zone: there is nothing to weigh; "
                            "ask about a zone by DEVICE ZONE TIME")  # fmt: skip
    event = told.said.event
    start, end = event.time - BEFORE_S * SECOND, max(event.time, event.decided) + AFTER_S * SECOND
    return Question(event.device, told.said.event.visit.zone, Micros(start), Micros(end), found[0])


def about_moment(store: Store, device: str, zone: str, at: Micros) -> Question:
    """Return what to ask about a device and a zone at a moment. Raises NoAnswerError."""
    devices = store.devices()
    if device not in devices:
        raise NoAnswerError(f"no fix of a device {device!r} is stored{_like(device, devices)}")
    zones = sorted({one.id for edition in store.editions() for one in edition.zones})
    if zone not in zones:
        raise NoAnswerError(f"no zone {zone!r} was ever known{_like(zone, zones)}")
    return Question(DeviceId(device), ZoneId(zone), Micros(at - BEFORE_S * SECOND), Micros(at + (AFTER_S + 1) * SECOND))


def explain(store: Store, rules: Rules, question: Question) -> list[Line]:
    """Step the engine over the stored fixes; return a line for each that lies in the time asked for.

    Raises NoAnswerError where there is no such fix.
    """
    device, checkpoint = question.device, store.checkpoint(question.device, question.start)
    editions = Editions(store.editions())
    engine = Engine(editions, rules, [checkpoint] if checkpoint else [])
    lines: list[Line] = []
    for piece in store.fixes(device, checkpoint.upto if checkpoint else EVER, question.end):
        before = piece.time < question.start
        engine.judge(piece.take(before))
        for row in np.flatnonzero(~before):
            fix = piece.take(np.array([row]))
            events = [event for event in engine.judge(fix).events if _of(question, event)]
            time = Micros(int(fix.time[0]))
            lines += [_passed(event, lines) for event in events if _when(event) < time]
            lines.append(_line(engine, editions, question, fix, [one for one in events if _when(one) >= time]))
    if not lines:
        raise NoAnswerError(_kept(store, question))
    passed = max((saved.upto for saved in store.tracks() if saved.track.device == device), default=EVER)
    for event in engine.advance(min(passed, question.end)):
        if _of(question, event):
            lines.append(_passed(event, lines))
    return lines


def _line(engine: Engine, editions: Editions, question: Question, fix: Fixes, said: list[Event]) -> Line:
    time, zone = Micros(int(fix.time[0])), question.zone
    ((_, _, zones),) = editions.parts(fix)
    near = {one.zone: one.distance_m for one in zones.locate(fix).near()[0]}
    track = engine.tracks.get(question.device)
    belief = track.beliefs.get(zone) if track else None
    return Line(
        time=time, fix=True, accuracy_m=float(fix.accuracy_m[0]), distance_m=near.get(zone),
        inside=belief is not None and belief.inside, against=belief.sum if belief else 0.0,
        in_force=zone in editions.spans[editions.number(time)].valid(), said=tuple(said),
    )  # fmt: skip


def _passed(event: Event, lines: Sequence[Line]) -> Line:
    """Return the line of what time alone brought about."""
    inside = event.kind is not Kind.EXIT and bool(lines) and lines[-1].inside
    return Line(_when(event), False, math.nan, None, inside, 0.0, True, (event,))


def _when(event: Event) -> Micros:
    return max(event.decided, event.time)  # an emergency is told at once: nothing decides it


def _of(question: Question, event: Event) -> bool:
    return event.visit is None or event.visit.zone == question.zone


def _like(name: str, names: Sequence[str]) -> str:
    close = get_close_matches(name, names, 3) or names[:8]
    return f"; there is {', '.join(close)}{'' if len(close) == len(names) else ', …'}" if close else ""


def _kept(store: Store, question: Question) -> str:
    """Say which fixes there are instead."""
    span = f"between {moment(question.start)} and {moment(question.end)}"
    first = last = None
    for piece in store.fixes(question.device, EVER):
        first, last = first or int(piece.time[0]), int(piece.time[-1])
    if first is None or last is None:
        return f"no fix of {question.device} is stored"
    return (f"no fix of {question.device} is stored {span}; there are fixes from {moment(first)} to {moment(last)}: "
            "ask within that time, or look whether older ones were deleted as configured")  # fmt: skip
