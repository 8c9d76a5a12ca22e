"""The second fold: what was owed of a window, against who was where: met, partial, missed, unproven or excused.

What must stay true here: a verdict is a function of the case, the visits and the presences alone, so it is the same
whatever came late and however often it is judged. ``missed`` is said only when nobody could have fulfilled the
requirement unseen: every eligible warden on duty was seen elsewhere, but for stretches too short for it. While the
tracker says nothing, or too little, it is ``unproven``. Nobody on duty owes anything.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple
from uuid import uuid5

from geofence.calendar import Window
from geofence.model import NAMESPACE, SECOND, Micros, RequirementId, VerdictId, Visit, WardenId, ZoneId
from geofence.presence import Presence
from geofence.spans import Span, Spans, at_least, clip, common, length, union, without

NOBODY = "nobody on duty"
SURE = 0.95
"""A stay believed with such a confidence counts by how long it was believed,"""
EDGES_S = 20.0
"""less so many seconds, for its two edges are found to within that in nine of ten cases (docs/detection.md)."""


class Outcome(StrEnum):
    """What became of a window."""

    MET = "met"
    PARTIAL = "partial"
    MISSED = "missed"
    UNPROVEN = "unproven"
    EXCUSED = "excused"


class Terms(NamedTuple):
    """What a requirement asks of a window."""

    visits: int = 1
    dwell_s: float = 0.0
    """Least presence of a visit that counts: within hard bounds, or surely believed."""
    spacing_s: float = 0.0
    """Least time between two visits that count."""
    together: int = 1
    """Wardens at once."""
    grace_s: float = 0.0


class Case(NamedTuple):
    """One window of one zone, as it stood when it was to be judged."""

    requirement: RequirementId
    zone: ZoneId
    window: Window
    terms: Terms
    waived: str | None = None
    """Why it need not be done, if somebody said so."""

    @property
    def id(self) -> VerdictId:
        """The same whoever computes it."""
        return VerdictId(str(uuid5(NAMESPACE, f"verdict|{self.requirement}|{self.zone}|{self.window}")))


class Gap(NamedTuple):
    """When one warden could have been there unseen."""

    warden: WardenId
    start: Micros
    end: Micros


@dataclass(frozen=True, slots=True)
class Verdict:
    """What is held of a case."""

    outcome: Outcome
    at: Micros
    """When it became so: the fulfilment, or the window's end."""
    visits: int = 0
    """That count."""
    seconds: float = 0.0
    """Presence in the window that is sure, of all stays together."""
    gaps: tuple[Gap, ...] = ()
    """UNPROVEN: what leaves it open."""
    seen_elsewhere: tuple[WardenId, ...] = ()
    """MISSED: everyone it could have been."""
    reason: str | None = None
    """EXCUSED: why."""


class Whereabouts(NamedTuple):
    """What is known of one eligible warden."""

    duty: Spans
    """When on duty, within the window."""
    presence: Presence
    """In the zone, within the window."""
    visits: Sequence[Visit] = ()
    """To the zone, that touch the window."""


def judge(case: Case, wardens: Mapping[WardenId, Whereabouts]) -> Verdict:
    """Judge a case. ``wardens``: everyone the requirement lets do it."""
    window, terms = case.window, case.terms
    if case.waived is not None:
        return Verdict(Outcome.EXCUSED, window.end, reason=case.waived)
    duties = at_least(terms.together, [seen.duty for seen in wardens.values()])
    if length(duties) < max(terms.dwell_s * SECOND, 1):
        return Verdict(Outcome.EXCUSED, window.end, reason=NOBODY)
    stays, maybe = _stretches(case, wardens)
    counting = _counting(terms, [(stay, stay.sure_s) for stay in stays])
    seconds = round(sum(stay.sure_s for stay in stays), 1)
    if len(counting) >= terms.visits:
        return Verdict(Outcome.MET, counting[terms.visits - 1], len(counting), seconds)
    believed = _counting(terms, [(stay, stay.believed_s) for stay in stays])
    if max(_at_most(terms, maybe), len(believed)) >= terms.visits:
        return Verdict(Outcome.UNPROVEN, window.end, len(counting), seconds, gaps=_gaps(terms, wardens))
    if stays:
        return Verdict(Outcome.PARTIAL, window.end, len(counting), seconds)
    return Verdict(Outcome.MISSED, window.end, 0, seconds, seen_elsewhere=tuple(sorted(wardens)))


class _Stay(NamedTuple):
    """A stretch in which enough wardens were there, as believed."""

    start: int
    end: int
    sure_s: float
    believed_s: float


def _stretches(case: Case, wardens: Mapping[WardenId, Whereabouts]) -> tuple[list[_Stay], list[Span]]:
    """Return the stays, and all stretches in which there may have been one."""
    window, together = case.window, case.terms.together
    if together == 1:
        stays = [
            _stay(case, visit, seen.presence)
            for seen in wardens.values()
            for visit in seen.visits
            if visit.began < window.end and (visit.ended is None or visit.ended > window.start)
        ]
        return stays, [span for seen in wardens.values() for span in seen.presence.maybe]
    joint = at_least(together, [[_within(v, window) for v in seen.visits] for seen in wardens.values()])
    sure = at_least(together, [seen.presence.certain for seen in wardens.values()])
    deaf = union(*(seen.presence.silent for seen in wardens.values()))
    maybe = at_least(together, [seen.presence.maybe for seen in wardens.values()])
    trust = min((visit.confidence for seen in wardens.values() for visit in seen.visits), default=0.0)
    return [_Stay(*span, *_lasted(span, sure, deaf, trust)) for span in joint], list(maybe)


def _stay(case: Case, visit: Visit, presence: Presence) -> _Stay:
    span = _within(visit, case.window)
    return _Stay(*span, *_lasted(span, presence.certain, presence.silent, visit.confidence))


def _lasted(span: Span, certain: Spans, silent: Spans, confidence: float) -> tuple[float, float]:
    """Return how many seconds of a stay are sure, and how many believed."""
    sure = length(common([span], certain)) / SECOND
    heard = length(without((span,), silent)) / SECOND
    return max(sure, heard - EDGES_S if confidence >= SURE else 0.0), (span[1] - span[0]) / SECOND


def _within(visit: Visit, window: Window) -> Span:
    """Return the part of a visit that lies in the window: who is inside when it opens counts from its opening."""
    end = window.end if visit.ended is None else min(visit.ended, window.end)
    return max(visit.began, window.start), end


def _counting(terms: Terms, stays: Sequence[tuple[_Stay, float]]) -> list[Micros]:
    """Return when each stay that counts had lasted long enough, as many of them as can be, in order."""
    dwell, spacing = round(terms.dwell_s * SECOND), terms.spacing_s * SECOND
    found: list[Micros] = []
    free = float("-inf")
    for stay, seconds in sorted(stays, key=lambda one: (one[0].end, one[0].start)):
        if seconds >= terms.dwell_s and (not spacing or stay.start >= free):
            found.append(Micros(min(stay.start + dwell, stay.end)))
            free = stay.end + spacing
    return sorted(found)


def _at_most(terms: Terms, stretches: Sequence[Span]) -> int:
    """Return how many stays that count can lie in these stretches, at most."""
    dwell, spacing = round(terms.dwell_s * SECOND), round(terms.spacing_s * SECOND)
    step = dwell + spacing
    return sum(
        terms.visits if not step else 1 + (b - a - dwell) // step for a, b in stretches if b - a >= max(dwell, 1)
    )


def _gaps(terms: Terms, wardens: Mapping[WardenId, Whereabouts]) -> tuple[Gap, ...]:
    """Return when each could have been there unseen, long enough for it to matter."""
    least = max(terms.dwell_s * SECOND, 1) if terms.together == 1 else 1
    return tuple(
        Gap(warden, Micros(a), Micros(b))
        for warden, seen in sorted(wardens.items())
        for a, b in seen.presence.maybe
        if b - a >= least and without(((a, b),), seen.presence.certain)
    )


def of_one(presences: Sequence[tuple[Spans, Presence]], window: Window) -> Presence:
    """Return the presence of a warden who carries several devices, each for the duty given beside it.

    Whoever is seen elsewhere by one of them is not there, whatever the others leave open.
    """
    certain = union(*(common(duty, one.certain) for duty, one in presences))
    duties = union(*(duty for duty, _ in presences))
    elsewhere = union(*(without(duty, one.maybe) for duty, one in presences))
    silent = common(*(one.silent for _, one in presences))
    return Presence(certain, without(clip(duties, *window), elsewhere), silent)
