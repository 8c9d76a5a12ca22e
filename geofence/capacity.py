"""Whether a crew can do what is owed: what is proven to be too much for it, however it walks.

What must stay true here: what is said to be too much is so for every way of doing it, as long as nobody is faster than
his pace in a straight line; streets, errors and chance only make it worse. Who is in two zones at once may serve both.
What is not proven too much may still be: rounds.py looks for a way.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import shapely

from geofence.model import SECOND, FloatColumn, Micros, WardenId
from geofence.spans import Span, Spans, at_least, clip, length, union
from geofence.verdict import Case
from geofence.zones import Frame, Zone

PACE_MPS = 1.3
"""Of somebody who walks through a town and looks about (comfortable gait is 1.3 to 1.5: Bohannon 1997)."""


class Worker(NamedTuple):
    """One of a crew."""

    id: WardenId
    duty: Spans
    pace_mps: float = PACE_MPS


class Errand(NamedTuple):
    """A case as work: times in microseconds."""

    case: Case
    place: int
    """The zone's row in Ways."""
    opens: int
    closes: int
    able: frozenset[int]
    """Who of the crew may do it, by index."""

    @property
    def dwell(self) -> int:
        """How long a visit lasts."""
        return round(self.case.terms.dwell_s * SECOND)

    @property
    def fits(self) -> bool:
        """Whether its visits fit into its time, were there nothing else to do."""
        visits, spacing = self.case.terms.visits, round(self.case.terms.spacing_s * SECOND)
        needed = visits * self.dwell + (visits - 1) * spacing if spacing else self.dwell
        return needed <= self.closes - self.opens

    @property
    def work(self) -> int:
        """How long it takes in all, of all who do it, without the way there."""
        return self.dwell * self.case.terms.visits * self.case.terms.together


@dataclass(frozen=True, eq=False)
class Ways:
    """Metres from zone to zone, (n, n), as the crow flies."""

    apart: FloatColumn
    """Between the nearest points of their edges: 0 where one can be in both."""
    between: FloatColumn
    """Between points in their midst."""

    @classmethod
    def of(cls, zones: Sequence[Zone]) -> Ways:
        """Measure them, in a plane that touches the earth in their middle."""
        shapes = [zone.shape for zone in zones]
        west, south, east, north = shapely.total_bounds(shapes)
        frame = Frame.at((west + east) / 2, (south + north) / 2)
        plane = np.array([frame.to_metres(shape) for shape in shapes])
        midst = shapely.point_on_surface(plane)
        return cls(shapely.distance(plane[:, None], plane), shapely.distance(midst[:, None], midst))


class TooMuch(NamedTuple):
    """That so many errands at least must be left, and between which moments that shows."""

    errands: int
    start: Micros
    end: Micros


class Split(NamedTuple):
    """Of the windows missed on a day, how many were too much for those on duty, and how many were not."""

    too_few: int
    """So many at least, proven."""
    not_done: int
    """So many at least could have been done too, as was found."""
    open: int
    """Neither is known."""

    @classmethod
    def of(cls, missed: int, unproven: int, proven: int, left: int) -> Split:
        """Tell them apart, where ``proven`` errands at least must have been left, and rounds leave only ``left``.

        What is unproven may not have been done either, and takes its share of what must be left.
        """
        not_done = max(missed - left, 0)
        too_few = min(max(proven - unproven, 0), missed - not_done)
        return cls(too_few, not_done, missed - not_done - too_few)


class _Visit(NamedTuple):
    """One visit of an errand, as early and as late as it can be."""

    errand: int
    place: int
    opens: int
    closes: int
    dwell: int
    together: int


def too_much(errands: Sequence[Errand], crew: Sequence[Worker], ways: Ways) -> TooMuch | None:
    """Return how many errands this crew must leave at least, if that is proven of any."""
    cut = [within_duty(errand, crew) for errand in errands]
    alone = [errand.case.window for errand in cut if not errand.fits]
    found = [TooMuch(len(alone), min(alone).start, max(one.end for one in alone))] if alone else []
    groups = {errand.able for errand in errands}
    for group in groups | {frozenset().union(*groups)}:
        own = [errand for errand in cut if errand.able <= group and errand.fits]
        able = [crew[index] for index in sorted(group)]
        shown = [*_at_once(own, able, ways), *_at_all(own, able, ways)]
        found += [TooMuch(one.errands + len(alone), one.start, one.end) for one in shown]
    return max(found, key=lambda one: (one.errands, one.start - one.end), default=None)


def fewest(errands: Sequence[Errand], crew: Sequence[Worker], ways: Ways) -> int | None:
    """Return how many it takes at least, whoever they are, in the hours in which any of the crew works.

    None: no crew can do it in these hours, however large.
    """
    hours, pace = union(*(one.duty for one in crew)), max((one.pace_mps for one in crew), default=PACE_MPS)
    most = sum(errand.case.terms.visits * errand.case.terms.together for errand in errands)
    for count in range(1, most + 1):
        team = [Worker(WardenId(str(n)), hours, pace) for n in range(count)]
        anyone = [errand._replace(able=frozenset(range(count))) for errand in errands]
        if too_much(anyone, team, ways) is None:
            return count
    return None if errands else 0


def _at_once(errands: Sequence[Errand], crew: Sequence[Worker], ways: Ways) -> Iterator[TooMuch]:
    """Find visits of which nobody can make two, and that are more than the crew."""
    pace = max((one.pace_mps for one in crew), default=PACE_MPS)
    visits = list(_visits(errands))
    clash = [[_clash(one, other, ways, pace) for other in visits] for one in visits]
    for first in range(len(visits)):
        chosen = [first]
        for n in sorted(range(len(visits)), key=lambda n: visits[n].closes - visits[n].opens):
            if n != first and all(clash[n][m] for m in chosen):
                chosen.append(n)
        needed: dict[int, int] = {}
        for n in chosen:
            needed[visits[n].errand] = needed.get(visits[n].errand, 0) + visits[n].together
        left = _fewest_off(needed.values(), len(crew))
        if left:
            starts, ends = [visits[n].opens for n in chosen], [visits[n].closes for n in chosen]
            yield TooMuch(left, Micros(min(starts)), Micros(max(ends)))


def _visits(errands: Sequence[Errand]) -> Iterator[_Visit]:
    for index, errand in enumerate(errands):
        terms, dwell, opens, closes = errand.case.terms, errand.dwell, errand.opens, errand.closes
        step = dwell + round(terms.spacing_s * SECOND) if terms.spacing_s else 0
        for n in range(terms.visits):
            after = terms.visits - 1 - n
            yield _Visit(index, errand.place, opens + n * step, closes - after * step, dwell, terms.together)


def _clash(one: _Visit, other: _Visit, ways: Ways, pace: float) -> bool:
    """Return whether nobody can make both visits."""
    apart = ways.apart[one.place, other.place]
    if not apart and one.errand != other.errand:
        return False
    way = int(apart / pace * SECOND)
    return not any(
        first.opens + first.dwell + way + second.dwell <= second.closes
        for first, second in ((one, other), (other, one))
    )


def _at_all(errands: Sequence[Errand], crew: Sequence[Worker], ways: Ways) -> Iterator[TooMuch]:
    """Find stretches in which what must be done takes longer than all have time for, with the shortest ways."""
    for start in sorted({errand.opens for errand in errands}):
        for end in sorted({errand.closes for errand in errands}):
            inside = [one for one in errands if start <= one.opens and one.closes <= end]
            if start not in {one.opens for one in inside} or end not in {one.closes for one in inside}:
                continue  # the same as within a shorter stretch
            left = _left_within(_apart(inside, ways), (start, end), crew, ways)
            if left:
                yield TooMuch(left, Micros(start), Micros(end))


def _left_within(errands: Sequence[Errand], span: Span, crew: Sequence[Worker], ways: Ways) -> int:
    duties = [clipped for one in crew if (clipped := clip(one.duty, *span))]
    time = sum(length(duty) for duty in duties)
    left = _fewest_off([one.work for one in errands], time)
    if not duties:
        return left
    # One may walk in a break, so the way is held against the whole time from the first duty to the last.
    metres = ways.apart[np.ix_(*[[one.place for one in errands]] * 2)] / max(one.pace_mps for one in crew) * SECOND
    for dwell in {one.dwell for one in errands} - {0}:
        long = [n for n, one in enumerate(errands) if one.dwell >= dwell]
        once = all(errands[n].case.terms.visits == 1 for n in long) and len(long) > 1
        way = int((metres[np.ix_(long, long)] + np.diag(np.full(len(long), np.inf))).min()) if once else 0
        room = (min(length(duty) // dwell, (duty[-1][1] - duty[0][0] + way) // (dwell + way)) for duty in duties)
        asked = [errands[n].case.terms.visits * errands[n].case.terms.together for n in long]
        left = max(left, _fewest_off(asked, sum(room)))
    whole = sum(duty[-1][1] - duty[0][0] for duty in duties)
    return max(left, int(sum(one.work for one in errands) + int(_forest(metres, len(duties))) > whole))


def _apart(errands: Iterable[Errand], ways: Ways) -> list[Errand]:
    """Return errands to zones that nobody can be in two of at once, those with most work first."""
    chosen: list[Errand] = []
    for one in sorted(errands, key=lambda one: -one.work):
        if all(ways.apart[one.place, other.place] for other in chosen):
            chosen.append(one)
    return chosen


def _forest(ways: FloatColumn, trees: int) -> float:
    """Return the length of the shortest forest of so many trees that joins all places (Prim 1957).

    The ways of so many walkers who come to all of them are such a forest, so they are no shorter.
    """
    edges: list[float] = []
    nearest = ways[0].copy() if len(ways) else np.empty(0)
    outside = np.arange(len(ways)) > 0
    while outside.any():
        new = int(np.flatnonzero(outside)[nearest[outside].argmin()])
        edges.append(float(nearest[new]))
        outside[new] = False
        nearest = np.minimum(nearest, ways[new])
    return sum(sorted(edges)[: max(len(edges) - trees + 1, 0)])


def _fewest_off(amounts: Iterable[int], limit: int) -> int:
    """Return how many of the amounts must go, at least, for the rest not to exceed the limit."""
    rest = sorted(amounts)
    total, count = sum(rest), 0
    while total > limit:
        total, count = total - rest.pop(), count + 1
    return count


def within_duty(errand: Errand, crew: Sequence[Worker]) -> Errand:
    """Return the errand with its window cut to when enough of those able are on duty; no time at all if never."""
    joint = at_least(errand.case.terms.together, [crew[index].duty for index in errand.able])
    held = clip(joint, errand.opens, errand.closes)
    return errand._replace(opens=held[0][0], closes=held[-1][1]) if held else errand._replace(closes=errand.opens - 1)
