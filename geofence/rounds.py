"""Rounds by which a crew does what is owed: looked for by a plain search, and kept only if every visit truly fits.

What must stay true here: a round that is found can be walked as it stands: in time, on duty, at the stated pace, with
the way made longer by the streets. That none is found proves nothing: capacity.py has what is proven. The same question
has the same answer each time.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import combinations, pairwise
from typing import NamedTuple

from geofence.capacity import Errand, Ways, Worker, too_much, within_duty
from geofence.model import SECOND, FloatColumn, WardenId
from geofence.spans import Span, union

DETOUR = 1.3
"""Streets and paths are taken to be so much longer than the straight line."""
AWAY_US = 300 * SECOND
"""Who comes twice stays away for so long between, or it would be one visit."""
TRIES = 24
"""Each begins with what the tries before could not fit in (squeaky wheel, Joslin & Clements 1999)."""


class Stop(NamedTuple):
    """One visit of an errand, still to be given its moment."""

    errand: int
    place: int
    opens: int
    closes: int
    """It is over by then."""
    dwell: int


Route = tuple[Stop, ...]


class Call(NamedTuple):
    """A stop of a round that was found."""

    errand: int
    start: int
    end: int
    walk: int
    """Microseconds on the way there."""


@dataclass(frozen=True, slots=True)
class Rounds:
    """What was found."""

    calls: tuple[tuple[Call, ...], ...]
    """For each of the crew, in order."""
    left: tuple[int, ...]
    """Errands that found no place."""


def find(errands: Sequence[Errand], crew: Sequence[Worker], ways: Ways, detour: float = DETOUR) -> Rounds:
    """Look for rounds that leave as few errands as can be."""
    cut = [within_duty(errand, crew) for errand in errands]
    order = sorted(range(len(errands)), key=lambda n: (-cut[n].case.terms.together, cut[n].closes, cut[n].opens, n))
    tried: set[tuple[int, ...]] = set()
    best: _Search | None = None
    for _ in range(TRIES):
        tried.add(tuple(order))
        search = _Search(cut, crew, ways.between * detour)
        search.place(order)
        if best is None or len(search.left) < len(best.left):
            best = search
        squeaking = set(search.left)
        order = [*search.left, *(n for n in order if n not in squeaking)]
        if not squeaking or tuple(order) in tried:
            break
    assert best is not None
    return Rounds(tuple(best.calls(index) for index in range(len(crew))), tuple(sorted(best.left)))


def smallest(
    errands: Sequence[Errand], crew: Sequence[Worker], ways: Ways, counts: range, detour: float = DETOUR
) -> tuple[Worker, ...] | None:
    """Return the smallest crew, of one of these counts, for which rounds are found that leave nothing.

    Some of the crew given; else all of it, and more who may do everything in the hours in which any of the crew works.
    """
    hours = union(*(one.duty for one in crew))
    for count in counts:
        for kept in combinations(range(len(crew)), min(count, len(crew))):
            more = count - len(kept)
            team = [crew[n] for n in kept] + [Worker(WardenId(f"+{n + 1}"), hours) for n in range(more)]
            extra = frozenset(range(len(kept), count))
            own = [e._replace(able=frozenset(kept.index(n) for n in e.able if n in kept) | extra) for e in errands]
            if any(len(errand.able) < errand.case.terms.together for errand in own):
                continue
            if too_much(own, team, ways) is None and not find(own, team, ways, detour).left:
                return tuple(team)
    return None


@dataclass
class _Search:
    """Routes being made. Each is in the order it is walked; moments follow from it, as early as can be."""

    errands: Sequence[Errand]
    crew: Sequence[Worker]
    metres: FloatColumn
    routes: list[Route] = field(init=False)
    left: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.routes = [() for _ in self.crew]

    def place(self, order: Sequence[int]) -> None:
        """Put each errand, in this order, where it costs least; then once more, with the routes made shorter."""
        self.left = [n for n in order if not self._put(n)]
        if any(self.errands[n].fits for n in self.left):
            self.routes = [self._shorter(index, route) for index, route in enumerate(self.routes)]
            self.left = [n for n in self.left if not self._put(n)]

    def calls(self, index: int) -> tuple[Call, ...]:
        """Return one route with its moments."""
        route = self.routes[index]
        starts = self._walked(index, route)
        assert starts is not None
        walks = [0, *(self._walk(index, a, b) for a, b in pairwise(route))]
        return tuple(
            Call(stop.errand, start, start + stop.dwell, walk)
            for stop, start, walk in zip(route, starts, walks[: len(route)], strict=True)
        )

    def _put(self, n: int) -> bool:
        """Put all visits of an errand into the routes, or leave them as they were."""
        before = list(self.routes)
        if not self.errands[n].fits:
            return False
        for stop in _stops(n, self.errands[n]):
            if not (self._put_alone(stop) if self.errands[n].case.terms.together == 1 else self._put_together(stop)):
                self.routes = before
                return False
        return True

    def _put_alone(self, stop: Stop) -> bool:
        found = [(cost, index, route) for index in sorted(self.errands[stop.errand].able)
                 for cost, route in self._ways_in(index, stop)]  # fmt: skip
        if not found:
            return False
        _, index, route = min(found, key=lambda one: one[:2])
        self.routes[index] = route
        return True

    def _put_together(self, stop: Stop) -> bool:
        """Put it into several routes at one moment: the first at which so many can be there."""
        count, able = self.errands[stop.errand].case.terms.together, self.errands[stop.errand].able
        moment = stop.opens
        while True:
            later = stop._replace(opens=moment)
            early = sorted((start, n) for n in able if (start := self._earliest(n, later)) is not None)[:count]
            if len(early) < count:
                return False
            moment = early[-1][0]
            fixed = stop._replace(opens=moment, closes=moment + stop.dwell)
            routes = {index: min(ways) for _, index in early if (ways := list(self._ways_in(index, fixed)))}
            if len(routes) == count:
                for index, (_, route) in routes.items():
                    self.routes[index] = route
                return True
            moment += SECOND * 60

    def _earliest(self, index: int, stop: Stop) -> int | None:
        found = []
        for position in range(len(self.routes[index]) + 1):
            route = _with(self.routes[index], position, stop)
            starts = self._walked(index, route)
            if starts is not None:
                found.append(starts[position])
        return min(found, default=None)

    def _ways_in(self, index: int, stop: Stop) -> list[tuple[int, Route]]:
        """Return each route that has the stop too, with how much longer it is to walk."""
        route = self.routes[index]
        known = self._length(index, route)
        tried = (_with(route, position, stop) for position in range(len(route) + 1))
        return [(self._length(index, one) - known, one) for one in tried if self._walked(index, one) is not None]

    def _shorter(self, index: int, route: Route) -> Route:
        """Turn round pieces of a route as long as that makes it shorter (2-opt, Croes 1958)."""
        for a, b in combinations(range(len(route) + 1), 2):
            turned = route[:a] + route[a:b][::-1] + route[b:]
            if self._length(index, turned) < self._length(index, route) and self._walked(index, turned) is not None:
                return self._shorter(index, turned)
        return route

    def _length(self, index: int, route: Route) -> int:
        return sum(self._walk(index, a, b) for a, b in pairwise(route))

    def _walk(self, index: int, one: Stop, other: Stop) -> int:
        away = AWAY_US if one.errand == other.errand else 0
        return max(int(self.metres[one.place, other.place] / self.crew[index].pace_mps * SECOND), away)

    def _walked(self, index: int, route: Route) -> list[int] | None:
        """Return when each stop of a route begins, as early as can be; None if one comes too late."""
        starts: list[int] = []
        ready, before = 0, None
        for stop in route:
            walk = self._walk(index, before, stop) if before is not None else 0
            start = _begin(self.crew[index].duty, ready, walk, stop)
            if start is None:
                return None
            starts.append(start)
            ready, before = start + stop.dwell, stop
        return starts


def _begin(duty: Sequence[Span], ready: int, walk: int, stop: Stop) -> int | None:
    """Return when a stop can begin, after so long a walk; nobody walks or works in a break."""
    for a, b in duty:
        moment = max(a, ready)
        if moment > b:
            continue
        step = min(walk, b - moment)
        walk -= step
        start = max(moment + step, stop.opens)
        if not walk and start + stop.dwell <= min(b, stop.closes):
            return start
    return None


def _stops(n: int, errand: Errand) -> list[Stop]:
    """Return the visits of an errand, each with its own part of the window, so that what is between them is kept."""
    visits, whole = errand.case.terms.visits, errand.closes - errand.opens
    between = max(round(errand.case.terms.spacing_s * SECOND), AWAY_US)
    part = (whole - (visits - 1) * between) // visits
    begins = [errand.opens + k * (part + between) for k in range(visits)]
    return [Stop(n, errand.place, begin, begin + part, errand.dwell) for begin in begins]


def _with(route: Route, position: int, stop: Stop) -> Route:
    return (*route[:position], stop, *route[position:])
