"""The second fold: what was owed of a window, against who was where: met, partial, missed, unproven or excused.

What must stay true here: a verdict is a function of the case, the visits and the presences alone, so it is the same
whatever came late and however often it is judged. ``missed`` is said only when nobody could have fulfilled the
requirement unseen, nor a part of it: every eligible warden on duty was seen elsewhere, but for stretches too short to
count. While the tracker says nothing, or too little, it is ``unproven``. Who is not on duty, or not for long enough
to do it, owes nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import combinations
from operator import itemgetter
from typing import NamedTuple

from geofence.calendar import Window
from geofence.event import Visit
from geofence.model import EVER, SECOND, Micros, WardenId
from geofence.presence import Presence
from geofence.spans import Span, Spans, at_least, bridged, common, length, union, without
from geofence.verdict import Case, Gap, Outcome, Terms, Verdict

NOBODY = "nobody on duty"
TOO_FEW = "too few on duty, or not for long enough"
SURE = 0.95
"""A stay believed with such a confidence counts by how long its device was heard in it,"""
EDGES_S = 20.0
"""less so many seconds, for its two edges are found to within that in nine of ten cases."""
SUBSETS_OF = 6
"""Of no more wardens who came together every few of them are looked at, for making more of it than all."""
BRIEF_S = 30.0
"""Who was seen elsewhere for less than this between two moments at which he may have been there may not have left: one
fix alone can be wrong beyond every bound."""


class Carried(NamedTuple):
    """What is known by one device of the warden who carries it."""

    duty: Spans
    """When on duty with it, within the window."""
    presence: Presence
    """In the zone, within the window."""
    visits: Sequence[Visit] = ()
    """To the zone, by this warden with this device."""


class Whereabouts(NamedTuple):
    """What is known of one eligible warden and the zone, within the window."""

    duty: Spans
    certain: Spans
    maybe: Spans
    believed: Spans
    """The visits; those of two devices at once are one."""
    trusted: Spans
    """Of ``certain`` and of surely believed visits, when the device was heard."""

    @property
    def open(self) -> Spans:
        """When there at all, for all that is known."""
        return bridged(union(self.maybe, self.believed), round(BRIEF_S * SECOND))


def whereabouts(devices: Sequence[Carried], window: Window) -> Whereabouts:
    """Return the whereabouts of a warden, who may carry several devices.

    Who has two, and not both about him, is where either says: one lies on a desk, and nobody is accused by it. A
    device not heard at all in its duty says nothing, unless it is the only one.
    """
    stays = [[(_within(visit, window, one.presence), visit) for visit in one.visits] for one in devices]
    certain = union(*(common(one.duty, one.presence.certain) for one in devices))
    sure = [
        common([span], one.presence.heard)
        for one, visits in zip(devices, stays, strict=True) for span, visit in visits if visit.confidence >= SURE
    ]  # fmt: skip
    heard = [one for one in devices if common(one.duty, one.presence.heard)]
    duty = union(*(one.duty for one in devices))
    dark = without(duty, union(*(one.duty for one in heard)))
    return Whereabouts(
        duty, certain, union(dark, *(common(one.duty, one.presence.maybe) for one in heard)),
        union(*([span] for visits in stays for span, _ in visits)), union(certain, *sure),
    )  # fmt: skip


def judge(case: Case, wardens: Mapping[WardenId, Whereabouts]) -> Verdict:
    """Judge a case. ``wardens``: everyone the requirement lets do it."""
    window, terms = case.window, case.terms
    if case.waived is not None:
        return Verdict(Outcome.EXCUSED, window.end, reason=case.waived)
    alone = [(one,) for one in wardens.values()]
    crews = alone if terms.together == 1 else [tuple(wardens.values())]
    stays = [stay for crew in crews for stay in _stays(crew, terms.together)]
    counting = _counting(terms, stays) if terms.together == 1 else _most(terms, wardens.values())
    visits, seconds = len(counting), round(sum(sorted(stay.seconds for stay in stays), 0.0), 1)
    if visits >= terms.visits:
        return Verdict(Outcome.MET, counting[terms.visits - 1], visits, seconds)
    duties = [at_least(terms.together, [one.duty for one in crew]) for crew in crews]
    if _at_most(terms, [(duty, ()) for duty in duties]) < terms.visits:
        anybody = any(one.duty for one in wardens.values())
        return Verdict(Outcome.EXCUSED, window.end, visits, seconds, reason=TOO_FEW if anybody else NOBODY)
    if _at_most(terms, [_chances(crew, terms.together) for crew in crews]) >= terms.visits:
        return Verdict(Outcome.UNPROVEN, window.end, visits, seconds, _gaps(terms, wardens, terms.together))
    if any(one.believed for one in wardens.values()):
        return Verdict(Outcome.PARTIAL, window.end, visits, seconds)
    if _at_most(terms, [_chances(one, 1) for one in alone]):  # not all that was asked, but nothing is not proven
        return Verdict(Outcome.UNPROVEN, window.end, visits, seconds, _gaps(terms, wardens, 1))
    elsewhere = tuple(sorted(warden for warden, one in wardens.items() if one.duty))
    return Verdict(Outcome.MISSED, window.end, seen_elsewhere=elsewhere)


class _Stay(NamedTuple):
    """A stretch in which enough wardens were there, as believed."""

    start: int
    end: int
    seconds: float
    """That are sure of it."""


Crew = Sequence[Whereabouts]


def _stays(crew: Crew, together: int) -> list[_Stay]:
    """Return when so many of the crew were there at once, as believed, and for how long that is sure."""
    certain = at_least(together, [one.certain for one in crew])
    trusted = at_least(together, [one.trusted for one in crew])
    return [
        _Stay(*span, max(length(common([span], certain)) / SECOND, length(common([span], trusted)) / SECOND - EDGES_S))
        for span in at_least(together, [one.believed for one in crew])
    ]


def _most(terms: Terms, wardens: Iterable[Whereabouts]) -> list[Micros]:
    """Return when each stay that counts had lasted long enough, of those who had made enough of them first.

    Whoever joins two others may make one long stay of two: that he was there too takes nothing from them.
    """
    came = [one for one in wardens if one.believed]
    least = terms.together if len(came) <= SUBSETS_OF else len(came)
    crews = (crew for size in range(len(came), least - 1, -1) for crew in combinations(came, size))
    found = [_counting(terms, _stays(crew, terms.together)) for crew in crews]
    met = [one for one in found if len(one) >= terms.visits]
    return min(met, key=itemgetter(terms.visits - 1)) if met else max(found, key=len, default=[])


def _within(visit: Visit, window: Window, presence: Presence) -> Span:
    """Return the part of a visit that lies in the window: who is inside when it opens counts from its opening.

    One that lasts counts as far as its device was heard.
    """
    ended = visit.ended if visit.ended is not None else max((end for _, end in presence.heard), default=visit.began)
    return max(visit.began, window.start), min(ended, window.end)


def _counting(terms: Terms, stays: Sequence[_Stay]) -> list[Micros]:
    """Return when each stay that counts had lasted long enough, as many of them as can be, in order."""
    dwell, spacing = round(terms.dwell_s * SECOND), round(terms.spacing_s * SECOND)
    found: list[Micros] = []
    free: int = EVER
    for stay in sorted(stays, key=lambda one: (one.end, one.start)):
        if stay.seconds >= terms.dwell_s and (not spacing or stay.start >= free):
            found.append(Micros(min(stay.start + dwell, stay.end)))
            free = stay.end + spacing
    return sorted(found)


def _chances(crew: Crew, together: int) -> tuple[Spans, Spans]:
    """Return when so many of the crew may have been there at once, and when they surely were."""
    return at_least(together, [one.open for one in crew]), at_least(together, [one.certain for one in crew])


def _at_most(terms: Terms, chances: Sequence[tuple[Spans, Spans]]) -> int:
    """Return how many stays that count there can have been, at most; no more of them than were asked for.

    Each is put as early as it fits; who is surely there stays on. Without spacing crews do not wait for one another.
    """
    if terms.spacing_s == 0 and len(chances) > 1:
        return min(sum(_at_most(terms, [one]) for one in chances), terms.visits)
    least, spacing = max(round(terms.dwell_s * SECOND), 1), round(terms.spacing_s * SECOND)
    found, free = 0, EVER
    while found < terms.visits:
        begins = [(_begin(max(a, free), sure), b, sure) for spans, sure in chances for a, b in spans]
        ends = [_end(a + least, sure) for a, b, sure in begins if a + least <= b]
        if not ends:
            break
        found, free = found + 1, Micros(min(ends) + spacing)
    return found


def _begin(moment: int, sure: Spans) -> int:
    """Return when a stay that begins no earlier than that moment can begin."""
    return next((b for a, b in sure if a < moment < b), moment)


def _end(moment: int, sure: Spans) -> int:
    """Return when who is there at that moment can have left."""
    return max(moment, max((b for a, b in sure if a < moment), default=moment))


def _gaps(terms: Terms, wardens: Mapping[WardenId, Whereabouts], together: int) -> tuple[Gap, ...]:
    """Return when each could have been there unseen, long enough for it to matter."""
    least = max(round(terms.dwell_s * SECOND), 1)
    joint = at_least(together, [one.open for one in wardens.values()])
    return tuple(
        Gap(warden, Micros(a), Micros(b))
        for warden, one in sorted(wardens.items())
        for a, b in common(one.open, joint)
        if b - a >= least and without([(a, b)], common(one.certain, one.believed))
    )
