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
    """Least certain presence of a visit that counts."""
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
    """Certain presence in the window, of all who were there, each for himself."""
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
    certain, maybe, believed = _stretches(case, wardens)
    counting = _counting(terms, certain)
    seconds = sum(length(seen.presence.certain) for seen in wardens.values()) / SECOND
    if len(counting) >= terms.visits:
        return Verdict(Outcome.MET, counting[terms.visits - 1], len(counting), seconds)
    if _at_most(terms, maybe) >= terms.visits or len(_counting(terms, believed)) >= terms.visits:
        return Verdict(Outcome.UNPROVEN, window.end, len(counting), seconds, gaps=_gaps(terms, wardens))
    if believed:
        return Verdict(Outcome.PARTIAL, window.end, len(counting), seconds)
    return Verdict(Outcome.MISSED, window.end, 0, seconds, seen_elsewhere=tuple(sorted(wardens)))


class _Stay(NamedTuple):
    """A stretch in which enough wardens were there, and how much of it counts."""

    start: int
    end: int
    seconds: float


def _stretches(case: Case, wardens: Mapping[WardenId, Whereabouts]) -> tuple[list[_Stay], list[Span], list[_Stay]]:
    """Return the stays by what is certain of them, all that may have been stays, and the stays as believed."""
    window, together = case.window, case.terms.together
    within = [[_within(visit, window) for visit in seen.visits] for seen in wardens.values()]
    stays = [[(a, b) for a, b in spans if a < b] for spans in within]
    certain: list[_Stay] = []
    maybe: list[Span] = []
    believed: list[_Stay] = []
    if together > 1:
        joint = at_least(together, [union(spans) for spans in stays])
        sure = at_least(together, [seen.presence.certain for seen in wardens.values()])
        open_ = at_least(together, [seen.presence.maybe for seen in wardens.values()])
        certain += [_Stay(a, b, length(common([(a, b)], sure)) / SECOND) for a, b in joint]
        return certain, list(open_), [_Stay(a, b, (b - a) / SECOND) for a, b in joint]
    for spans, seen in zip(stays, wardens.values(), strict=True):
        maybe += seen.presence.maybe
        for a, b in spans:
            certain.append(_Stay(a, b, length(common([(a, b)], seen.presence.certain)) / SECOND))
            believed.append(_Stay(a, b, (b - a) / SECOND))
    return certain, maybe, believed


def _within(visit: Visit, window: Window) -> Span:
    """Return the part of a visit that lies in the window: who is inside when it opens counts from its opening."""
    end = window.end if visit.ended is None else min(visit.ended, window.end)
    return max(visit.began, window.start), end


def _counting(terms: Terms, stays: Sequence[_Stay]) -> list[Micros]:
    """Return when each stay that counts had lasted long enough, as many of them as can be, in order."""
    dwell, spacing = round(terms.dwell_s * SECOND), terms.spacing_s * SECOND
    found: list[Micros] = []
    free = float("-inf")
    for stay in sorted(stays, key=lambda one: (one.end, one.start)):
        if stay.seconds >= terms.dwell_s and (not spacing or stay.start >= free):
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
    return Presence(certain, without(clip(duties, *window), elsewhere))
