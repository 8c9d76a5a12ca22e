"""The fold: what is believed of one device, one sighting after the other.

What must stay true here: ``step`` and ``advance`` are functions of their arguments alone; a Track is all that is
remembered of a device, so saving and loading it anywhere changes nothing; time passes by deadlines, earliest first,
so how often ``advance`` is called changes when something is said and never what.

Evidence of one sighting for being inside is its signed distance over the error, capped (a receiver can lie) and
weighed by the time since the last one (errors last a minute, so two fixes in a second are hardly two witnesses). A
cumulative sum of it (Page 1954) must climb to a threshold before belief changes, and the change is dated where the
sum began to climb, not where it arrived.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from geofence.model import SECOND, DeviceId, Event, Kind, Micros, Visit, ZoneId, visit_id
from geofence.zones import UNKNOWN_ACCURACY_M, Near

AXIS_PER_ACCURACY = 1 / 1.515
"""Standard deviation along one axis over the 68 % radius of a circular normal error."""
TAU_S = 20.0
CAP = 2.0
_NEVER = Micros(0)
THRESHOLD = 4.0


@dataclass(frozen=True, slots=True)
class Rules:
    """How belief is formed; the same for every zone."""

    silence_s: float = 300.0
    """A device on duty not heard for so long is silent."""
    lost_s: float = 1800.0
    """A stay ends when its device has been unheard for so long."""


class Facts(NamedTuple):
    """What the fold must know of the zones."""

    dwell_s: Mapping[ZoneId, float]
    version: str


class Seen(NamedTuple):
    """One fix against the zones."""

    time: Micros
    accuracy_m: float
    """NaN where the receiver states none."""
    near: tuple[Near, ...]
    same: int = -1
    """See ``Sightings.same``."""


@dataclass(frozen=True, slots=True)
class Belief:
    """What is believed of one device in one zone."""

    inside: bool = False
    sum: float = 0.0
    """Evidence gathered against ``inside``, 0 to THRESHOLD."""
    turned: Micros = _NEVER
    """Where that evidence began."""
    seen: Micros = _NEVER
    """When last seen with no evidence against ``inside``."""
    began: Micros = _NEVER
    confidence: float = 0.0
    dwelt: bool = False


@dataclass(frozen=True, slots=True)
class Track:
    """All that is remembered of one device between two fixes."""

    device: DeviceId
    heard: Micros | None = None
    silent: bool = False
    same: int = -1
    """Of the last sighting, if nothing was in doubt; -1 otherwise."""
    beliefs: Mapping[ZoneId, Belief] = field(default_factory=dict)


Step = tuple[Track, list[Event]]


def step(track: Track, seen: Seen, rules: Rules, facts: Facts) -> Step:
    """Believe one more sighting, not older than the last."""
    track, events = advance(track, seen.time, rules, facts)
    if track.silent:
        events.append(Event(Kind.BACK, track.device, seen.time, decided=seen.time))
    if seen.same != -1 and seen.same == track.same:
        return replace(track, heard=seen.time, silent=False, beliefs=_touch(track.beliefs, seen.time)), events
    distances = {near.zone: near.distance_m for near in seen.near}
    beliefs: dict[ZoneId, Belief] = {}
    for zone in sorted(track.beliefs.keys() | distances.keys()):
        before = track.beliefs.get(zone, Belief(seen=track.heard or seen.time))
        after, told = _weigh(track, zone, before, seen, distances.get(zone, -math.inf), facts)
        events += _decided(told, seen.time)
        if after.inside or after.sum > 0:
            beliefs[zone] = after
    settled = all(belief.inside and belief.sum == 0 for belief in beliefs.values())
    same = seen.same if settled and len(beliefs) == len(distances) else -1
    return Track(track.device, seen.time, False, same, beliefs), events


def deadline(track: Track, rules: Rules, facts: Facts) -> Micros | None:
    """Return when something will be said if nothing more is heard."""
    if track.heard is None:
        return None
    moments = [] if track.silent else [track.heard + rules.silence_s * SECOND]
    for zone, belief in track.beliefs.items():
        if belief.inside:
            moments.append(track.heard + rules.lost_s * SECOND)
            if not belief.dwelt and zone in facts.dwell_s:
                reached = belief.began + facts.dwell_s[zone] * SECOND
                if reached <= belief.seen:
                    moments.append(reached)
    return Micros(int(min(moments))) if moments else None


def advance(track: Track, now: Micros, rules: Rules, facts: Facts) -> Step:
    """Let time pass up to ``now``."""
    events: list[Event] = []
    while (due := deadline(track, rules, facts)) is not None and due <= now:
        track, told = _expire(track, due, rules, facts)
        events += _decided(told, due)
    return track, events


def _expire(track: Track, due: Micros, rules: Rules, facts: Facts) -> Step:
    assert track.heard is not None
    for zone in sorted(track.beliefs):
        belief = track.beliefs[zone]
        if belief.inside and not belief.dwelt and zone in facts.dwell_s:
            dwell_s = facts.dwell_s[zone]
            if belief.began + dwell_s * SECOND <= min(due, belief.seen):
                told = Event(
                    Kind.DWELL, track.device, due, _visit(track, zone, belief, None, facts),
                    confidence=belief.confidence, seconds=dwell_s,
                )  # fmt: skip
                beliefs = {**track.beliefs, zone: replace(belief, dwelt=True)}
                return replace(track, beliefs=beliefs), [told]
    if not track.silent and due >= track.heard + rules.silence_s * SECOND:
        return replace(track, silent=True), [Event(Kind.SILENT, track.device, due)]
    events = [
        Event(Kind.EXIT, track.device, belief.seen, _visit(track, zone, belief, belief.seen, facts),
              confidence=belief.confidence)
        for zone, belief in sorted(track.beliefs.items()) if belief.inside
    ]  # fmt: skip
    return replace(track, same=-1, beliefs={}), events


def _decided(events: list[Event], at: Micros) -> list[Event]:
    return [replace(event, decided=at) for event in events]


def _touch(beliefs: Mapping[ZoneId, Belief], time: Micros) -> Mapping[ZoneId, Belief]:
    return {zone: replace(belief, seen=time) for zone, belief in beliefs.items()} if beliefs else beliefs


def _weigh(
    track: Track, zone: ZoneId, belief: Belief, seen: Seen, distance_m: float, facts: Facts
) -> tuple[Belief, list[Event]]:
    """Weigh one distance against what was believed of one zone."""
    evidence = _evidence(distance_m, seen.accuracy_m) * _weight(track, seen.time)
    first = track.heard is None or track.silent
    if first and not belief.inside and evidence > 0 and distance_m >= 2 * _accuracy(seen.accuracy_m):
        evidence = THRESHOLD  # nothing was known before: one clear fix is all there is to go by
    total = min(max(0.0, belief.sum + (-evidence if belief.inside else evidence)), THRESHOLD)
    if total == 0.0:
        return replace(belief, sum=0.0, seen=seen.time), []
    turned = belief.turned if belief.sum > 0 else _between(track, belief, seen)
    if total < THRESHOLD:
        return replace(belief, sum=total, turned=turned), []
    confidence = 1 / (1 + math.exp(-total))
    if belief.inside:
        left = replace(belief, seen=turned)
        visit = _visit(track, zone, left, turned, facts)
        event = Event(Kind.EXIT, track.device, turned, visit, _said(seen.accuracy_m), confidence)
        return Belief(seen=seen.time), [event]
    now_in = Belief(inside=True, seen=seen.time, began=turned, confidence=confidence)
    visit = _visit(track, zone, now_in, None, facts)
    return now_in, [Event(Kind.ENTER, track.device, turned, visit, _said(seen.accuracy_m), confidence)]


def _between(track: Track, belief: Belief, seen: Seen) -> Micros:
    """Date a turn half-way between the last sighting of the old kind and the first of the new."""
    if track.heard is None or track.silent:
        return seen.time
    return Micros((belief.seen + seen.time) // 2) if belief.seen else seen.time


def _accuracy(accuracy_m: float) -> float:
    return UNKNOWN_ACCURACY_M if math.isnan(accuracy_m) else max(accuracy_m, 1.0)


def _said(accuracy_m: float) -> float | None:
    return None if math.isnan(accuracy_m) else accuracy_m


def _evidence(distance_m: float, accuracy_m: float) -> float:
    """Return log-odds for inside: 1.702 z is the logistic fit of the normal distribution (Camilli 1994)."""
    z = distance_m / (_accuracy(accuracy_m) * AXIS_PER_ACCURACY)
    return min(max(1.702 * z, -CAP), CAP)


def _weight(track: Track, time: Micros) -> float:
    return 1.0 if track.heard is None else min((time - track.heard) / SECOND, TAU_S) / TAU_S


def _visit(track: Track, zone: ZoneId, belief: Belief, ended: Micros | None, facts: Facts) -> Visit:
    span = ((belief.seen if ended is None else ended) - belief.began) / SECOND
    return Visit(
        id=visit_id(track.device, zone, belief.began), device=track.device, zone=zone, began=belief.began,
        ended=ended, seconds=max(span, 0.0), seconds_possible=max(span, 0.0), confidence=belief.confidence,
        zones_version=facts.version,
    )  # fmt: skip
