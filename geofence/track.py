"""The fold: what is believed of one device, one sighting after the other.

What must stay true here: ``step`` and ``advance`` are functions of their arguments alone; a Track is all that is
remembered of a device, so saving and loading it anywhere changes nothing; time passes by deadlines, earliest first,
so how often ``advance`` is called changes when something is said and never what. Geometry comes in as depths and the
directions in which they grow; ``motion`` says where the device is for all its fixes' errors, ``belief`` when that is
enough to change over, ``bounds`` how long a stay lasted at least and at most.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from math import ceil, floor
from typing import Final

from mypy_extensions import mypyc_attr

from geofence.belief import Belief, Look, Rules, calm_us, confidence, deep_m, entered, left, rested, unknown, weigh
from geofence.bounds import DEEP_M, calm, certain_s, extend, possible_s
from geofence.event import Event, Kind, Visit, changed
from geofence.look import Nearby, Seen, Trail, follow, look
from geofence.model import EVER, NEVER, SECOND, DeviceId, Micros, ZoneId
from geofence.names import visit_id
from geofence.zones import REACH_ACCURACIES, REACH_M

__all__ = ["Belief", "Facts", "Rules", "Seen", "Track", "advance", "calm_gap", "deadline", "dwells", "step"]

CALM_S: Final = 15.0
"""Fixes no farther apart, all out of reach of every edge, leave no doubt between them."""
AT_THE_EDGE: Final = 1e-6
"""Metres inside: where a device is taken to be at the moment a zone comes into force, or takes another shape."""


@dataclass(frozen=True, slots=True)
class Facts:
    """What the fold must know of the zones, for as long as it stays the same."""

    dwell_s: Mapping[ZoneId, float]
    version: str
    since: Micros = EVER
    last: Micros = NEVER
    """The first and the last moment they hold."""
    begun: Mapping[ZoneId, Micros] = field(default_factory=dict)
    """Zones that are in force, or have their shape, only since a moment later than when the device was last heard."""
    ending: frozenset[ZoneId] = frozenset()
    """Zones that are no longer in force after ``last``."""


@mypyc_attr(free_list_len=1)
@dataclass(init=False, slots=True)
class Track:
    """All that is remembered of one device between two fixes."""

    device: Final[DeviceId]
    heard: Final[Micros | None]
    silent: Final[bool]
    same: Final[int]
    """Of the last sighting, if nothing was in doubt; -1 otherwise."""
    beliefs: Final[dict[ZoneId, Belief]]
    trail: Final[Trail | None]
    low: Final[bool]
    """Its battery was said to be low, and has not been charged since."""

    def __init__(
        self,
        device: DeviceId,
        heard: Micros | None = None,
        silent: bool = False,
        same: int = -1,
        beliefs: dict[ZoneId, Belief] | None = None,
        trail: Trail | None = None,
        low: bool = False,
    ) -> None:
        self.device = device
        self.heard = heard
        self.silent = silent
        self.same = same
        self.beliefs = {} if beliefs is None else beliefs
        self.trail = trail
        self.low = low


Step = tuple[Track, list[Event]]


def step(track: Track, seen: Seen, rules: Rules, facts: Facts) -> Step:
    """Believe one more sighting, not older than the last."""
    due = deadline(track, rules, facts) if _may_be_due(track, seen.time, rules, facts) else None
    events: list[Event] = []
    if due is not None and due <= seen.time:
        track, events = advance(track, seen.time, rules, facts)
    if track.silent:
        events.append(Event(Kind.BACK, track.device, seen.time, decided=seen.time))
    elif seen.same == track.same != -1 and track.heard is not None and seen.time - track.heard <= _calm_us(rules):
        return Track(track.device, seen.time, False, track.same, track.beliefs, track.trail, track.low), events
    trail, where = follow(track.trail, seen, rules)
    fix = look(trail, where, seen, None if track.silent else track.heard, rules)
    beliefs: dict[ZoneId, Belief] = {}
    for zone, distance, east, north in _zones(track, seen.near, fix.reach_m):
        before = _before(track, zone, seen.time, rules, facts)
        depth = distance + east * where[0] + north * where[1]
        belief, enough = weigh(before, distance, depth, fix, rules)
        if enough:
            belief, told = _change(track, zone, belief, seen, fix, depth, facts)
            events.append(told)
        if belief.inside or distance > -fix.reach_m:
            beliefs[zone] = belief
    same = seen.same if len(beliefs) == len(seen.near) and _sure(beliefs) else -1
    return Track(track.device, seen.time, False, same, beliefs, trail, track.low), events


def _may_be_due(track: Track, now: Micros, rules: Rules, facts: Facts) -> bool:
    """Return whether anything can be due by now: mostly a device is heard again long before."""
    if facts.dwell_s or facts.ending or track.heard is None:
        return True
    return now >= track.heard + min(rules.silence_s, rules.lost_s) * SECOND


def _sure(beliefs: dict[ZoneId, Belief]) -> bool:
    """Return whether the device is inside all of them, and nothing says otherwise."""
    for belief in beliefs.values():
        if not belief.inside or belief.sum != 0.0:
            return False
    return True


def deadline(track: Track, rules: Rules, facts: Facts) -> Micros | None:
    """Return when something will be said if nothing more is heard."""
    if track.heard is None:
        return None
    due = math.inf if track.silent else track.heard + rules.silence_s * SECOND
    for zone, belief in track.beliefs.items():
        if belief.inside:
            due = min(due, track.heard + rules.lost_s * SECOND)
            reached = _dwell(track, zone, belief, facts)
            if reached is not None:
                due = min(due, reached)
            if zone in facts.ending:
                due = min(due, facts.last + 1)
    return None if due == math.inf else Micros(int(due))


def advance(track: Track, now: Micros, rules: Rules, facts: Facts) -> Step:
    """Let time pass up to ``now``."""
    events: list[Event] = []
    while (due := deadline(track, rules, facts)) is not None and due <= now:
        track, told = _expire(track, due, rules, facts)
        events += [changed(event, decided=due) for event in told]
    return track, events


def dwells(track: Track, facts: Facts) -> list[int]:
    """Return the moments at which the dwells not yet said are reached, if the stays go on."""
    return [
        belief.began + round(facts.dwell_s[zone] * SECOND)
        for zone, belief in track.beliefs.items()
        if belief.inside and not belief.dwelt and zone in facts.dwell_s
    ]


def calm_gap(rules: Rules) -> int:
    """Return for how long a device may be unheard and a fix that says the same change nothing, silence included."""
    return min(floor(_calm_us(rules)), ceil(min(rules.silence_s, rules.lost_s) * SECOND) - 1)


def _dwell(track: Track, zone: ZoneId, belief: Belief, facts: Facts) -> Micros | None:
    """Return when the zone's dwell was reached, if it was and was not said."""
    dwell_s = facts.dwell_s.get(zone)
    if dwell_s is None or belief.dwelt:
        return None
    reached = belief.began + round(dwell_s * SECOND)
    return Micros(reached) if reached <= _seen(track, belief) else None


def _seen(track: Track, belief: Belief) -> Micros:
    """Return when the device was last seen with no evidence against what is believed."""
    return belief.seen if track.same == -1 or track.heard is None else track.heard


def _expire(track: Track, due: Micros, rules: Rules, facts: Facts) -> Step:
    assert track.heard is not None
    for zone, belief in _inside(track):
        if _dwell(track, zone, belief, facts) == due:
            visit = _visit(track, zone, belief, None, facts)
            seconds = facts.dwell_s[zone]
            event = Event(Kind.DWELL, track.device, due, visit, confidence=visit.confidence, seconds=seconds)
            return replace(track, beliefs={**track.beliefs, zone: replace(belief, dwelt=True)}), [event]
    if not track.silent and due >= track.heard + rules.silence_s * SECOND:
        # A gap is a gap: what seemed to be an entry before it dates none after it.
        kept = {zone: belief for zone, belief in track.beliefs.items() if belief.inside}
        return replace(track, silent=True, beliefs=kept), [Event(Kind.SILENT, track.device, due)]
    if due < track.heard + rules.lost_s * SECOND:
        return _end(track, due, rules, facts)
    gone = [
        _exit(track, zone, _upto(track, belief, track.heard, rules), _seen(track, belief), facts)
        for zone, belief in _inside(track)
    ]
    return replace(track, same=-1, beliefs={}, trail=None), gone


def _end(track: Track, at: Micros, rules: Rules, facts: Facts) -> Step:
    """Let the zones end that are in force no longer."""
    ending = [(zone, _upto(track, belief, at, rules)) for zone, belief in _inside(track) if zone in facts.ending]
    gone = [_exit(track, *one, at, facts) for one in ending]
    kept = {zone: belief for zone, belief in track.beliefs.items() if zone not in facts.ending}
    return replace(track, same=-1, beliefs=kept), gone


def _inside(track: Track) -> list[tuple[ZoneId, Belief]]:
    return [(zone, belief) for zone, belief in sorted(track.beliefs.items()) if belief.inside]


def _exit(track: Track, zone: ZoneId, belief: Belief, at: Micros, facts: Facts) -> Event:
    visit = _visit(track, zone, belief, at, facts)
    return Event(Kind.EXIT, track.device, at, visit, confidence=visit.confidence)


@lru_cache(maxsize=16)
def _calm_us(rules: Rules) -> float:
    return calm_us(deep_m(rules, REACH_M, REACH_ACCURACIES), rules.walker_speed, CALM_S)


def _zones(track: Track, near: Sequence[Nearby], reach_m: float) -> Sequence[Nearby]:
    """Return each zone within reach, and each believed of that no longer is, with its depth and where that grows."""
    found = near
    for zone in track.beliefs:
        if not _among(near, zone):
            found = [*found, (zone, -reach_m, 0.0, 0.0)]
    return found


def _among(near: Sequence[Nearby], zone: ZoneId) -> bool:
    for one in near:  # of so few a set would cost more than it saves
        if one[0] == zone:
            return True
    return False


def _before(track: Track, zone: ZoneId, now: Micros, rules: Rules, facts: Facts) -> Belief:
    """Return what was believed up to this fix."""
    belief = track.beliefs.get(zone)
    if track.heard is None:
        return unknown(now, 0.0)
    if facts.begun and track.heard < (since := facts.begun.get(zone, EVER)):
        if belief is None or not belief.inside:
            return unknown(since, -AT_THE_EDGE)
        prism = replace(_upto(track, belief, since, rules).prism, low=-DEEP_M, high=DEEP_M)
        seen = _seen(track, belief) if track.silent else since
        return replace(belief, seen=seen, depth=AT_THE_EDGE, prism=prism)
    deep = deep_m(rules, REACH_M, REACH_ACCURACIES)
    if belief is None:
        return unknown(track.heard, -deep, -deep)
    if track.same != -1:
        return rested(belief, track.heard, REACH_M, calm(belief.prism, track.heard, deep))
    return belief


def _upto(track: Track, belief: Belief, at: Micros, rules: Rules) -> Belief:
    """Return the belief with its bounds as far as ``at``, nothing being heard any more."""
    assert track.heard is not None
    prism = belief.prism
    if track.same != -1:
        prism = calm(prism, track.heard, deep_m(rules, REACH_M, REACH_ACCURACIES))
    return replace(belief, prism=extend(prism, at, -DEEP_M, DEEP_M, rules.walker_speed) if at > prism.at else prism)


def _change(
    track: Track, zone: ZoneId, belief: Belief, seen: Seen, look: Look, depth_m: float, facts: Facts
) -> tuple[Belief, Event]:
    """Change over, and say so."""
    said = None if math.isnan(seen.accuracy_m) else seen.accuracy_m
    if belief.inside:
        visit = _visit(track, zone, belief, belief.turned, facts)
        after = left(belief, look, depth_m)
        return after, Event(Kind.EXIT, track.device, belief.turned, visit, said, visit.confidence, decided=look.time)
    after = entered(belief, look, depth_m)
    visit = _visit(track, zone, after, None, facts)
    return after, Event(Kind.ENTER, track.device, after.began, visit, said, visit.confidence, decided=look.time)


def _visit(track: Track, zone: ZoneId, belief: Belief, ended: Micros | None, facts: Facts) -> Visit:
    until = belief.prism.at if ended is None else ended
    span = max(until - belief.began, 0) / SECOND
    certain, possible = min(certain_s(belief.prism, until), span), max(possible_s(belief.prism), span)
    return Visit(
        id=visit_id(track.device, zone, belief.began), device=track.device, zone=zone, began=belief.began, ended=ended,
        seconds=floor(10 * certain) / 10, seconds_possible=ceil(10 * possible) / 10,
        confidence=round(confidence(belief.proof, over=ended is not None), 3), zones_version=facts.version,
    )  # fmt: skip
