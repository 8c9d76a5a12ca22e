"""What a crew can do: what is proven and what is found, held against trying every way there is."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations, pairwise, permutations, product

import numpy as np
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from geofence.calendar import Window
from geofence.capacity import Errand, Ways, Worker, fewest, too_much
from geofence.model import SECOND, Micros, RequirementId, WardenId, ZoneId
from geofence.rounds import AWAY_US, Rounds, find, smallest
from geofence.spans import Spans
from geofence.verdict import Case, Terms
from geofence.zones import Zone
from tests.geofence.walks import LAT, LON, X, Y

MINUTE = 60 * SECOND
PACE = 1.0


@dataclass(frozen=True)
class Asked:
    """An errand in minutes, to a place on a line of metres."""

    at: float
    opens: int
    closes: int
    dwell: int = 1
    visits: int = 1
    spacing: int = 0
    together: int = 1
    able: frozenset[int] | None = None


def errands(asked: Sequence[Asked], crew: int) -> tuple[list[Errand], Ways]:
    made = []
    for n, one in enumerate(asked):
        terms = Terms(one.visits, one.dwell * 60.0, one.spacing * 60.0, one.together)
        window = Window(Micros(one.opens * MINUTE), Micros(one.closes * MINUTE))
        case = Case(RequirementId(f"r{n}"), ZoneId(f"z{n}"), window, terms)
        made.append(Errand(case, n, *window, one.able or frozenset(range(crew))))
    line = np.array([one.at for one in asked])
    metres = np.abs(line[:, None] - line)
    return made, Ways(metres, metres)


def crew(*duties: Spans) -> list[Worker]:
    return [Worker(WardenId(f"gw-{n}"), tuple((a * MINUTE, b * MINUTE) for a, b in duty), PACE)
            for n, duty in enumerate(duties)]  # fmt: skip


DAY: Spans = ((0, 240),)
BROKEN: Spans = ((0, 60), (90, 240))
CASES = {
    "one does two": ([Asked(0, 0, 60), Asked(600, 0, 60)], [DAY], 0, 0, 1),
    "two schools at one time": ([Asked(0, 10, 45, 15), Asked(1200, 10, 45, 15)], [DAY], 1, 1, 2),
    "the same, so near that one can": ([Asked(0, 10, 45, 15), Asked(240, 10, 45, 15)], [DAY], 0, 0, 1),
    "the same, with two": ([Asked(0, 10, 45, 15), Asked(1200, 10, 45, 15)], [DAY, DAY], 0, 0, 2),
    "more work than time": ([Asked(n * 60, 0, 30, 10) for n in range(5)], [DAY], 3, 3, 3),
    "time for the work, but not for the way": ([Asked(n * 600, 0, 30, 1) for n in range(5)], [DAY], 2, 2, 2),
    "nobody is there then": ([Asked(0, 60, 90, 5)], [BROKEN], 1, 1, None),
    "two together, and one": ([Asked(0, 0, 60, 5, together=2)], [DAY], 1, 1, 2),
    "two together, and two": ([Asked(0, 0, 60, 5, together=2)], [DAY, DAY], 0, 0, 2),
    "two together while one is on break": ([Asked(0, 50, 95, 5, together=2)], [DAY, BROKEN], 0, 0, 2),
    "two visits an hour apart": ([Asked(0, 0, 80, 5, visits=2, spacing=60)], [DAY], 0, 0, 1),
    "two visits an hour apart, in an hour": ([Asked(0, 0, 60, 5, visits=2, spacing=60)], [DAY], 1, 1, None),
    "an hour apart, and the other place far": (
        [Asked(0, 0, 71, 5, visits=2, spacing=60), Asked(1200, 5, 60, 25)], [DAY], 0, 1, 1),
    "each may do only his own": (
        [Asked(0, 0, 40, 15, able=frozenset({0})), Asked(60, 0, 40, 15, able=frozenset({0})),
         Asked(90, 0, 40, 15, able=frozenset({0}))], [DAY, DAY], 1, 1, 2),
    "in both zones at once": ([Asked(0, 0, 30, 30), Asked(0, 0, 30, 30)], [DAY], 0, 1, 1),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_what_is_proven_and_what_is_found(name: str) -> None:
    asked, duties, proven, left, least = CASES[name]
    made, ways = errands(asked, len(duties))
    workers = crew(*duties)
    told = too_much(made, workers, ways)
    assert (told.errands if told else 0) == proven
    rounds = find(made, workers, ways, 1.0)
    assert len(rounds.left) == left
    assert fewest(made, workers, ways) == least
    keeps_all_it_says(rounds, made, workers, ways)


def test_the_proof_says_when() -> None:
    made, ways = errands([Asked(0, 10, 45, 15), Asked(1200, 10, 45, 15), Asked(0, 0, 240)], 1)
    told = too_much(made, crew(DAY), ways)
    assert told == (1, 10 * MINUTE, 45 * MINUTE)


@pytest.mark.parametrize(
    ("asked", "duties", "names"),
    [
        ([Asked(0, 0, 60)], [DAY, DAY], ["gw-0"]),
        ([Asked(0, 0, 60, able=frozenset({1}))], [DAY, DAY], ["gw-1"]),
        ([Asked(0, 10, 45, 15), Asked(1200, 10, 45, 15)], [DAY], ["gw-0", "+1"]),
        ([Asked(0, 0, 60, 5, together=3)], [DAY], ["gw-0", "+1", "+2"]),
        ([Asked(0, 60, 90, 5)], [BROKEN], None),
    ],
)  # fmt: skip
def test_the_smallest_crew(asked: list[Asked], duties: list[Spans], names: list[str] | None) -> None:
    made, ways = errands(asked, len(duties))
    found = smallest(made, crew(*duties), ways, range(1, 5), 1.0)
    assert (None if found is None else [one.id for one in found]) == names


def test_ways_are_metres_between_edges_and_between_middles() -> None:
    zones = [
        Zone(ZoneId(f"z{n}"), shapely.transform(shapely.Point(x, 0).buffer(20, 64), lambda c: c / (X, Y) + (LON, LAT)))
        for n, x in enumerate((0, 30, 1000))
    ]
    ways = Ways.of(zones)
    assert ways.apart == pytest.approx(np.array([[0, 0, 960], [0, 0, 930], [960, 930, 0]]), abs=1)
    assert ways.between == pytest.approx(np.array([[0, 30, 1000], [30, 0, 970], [1000, 970, 0]]), abs=1)


def keeps_all_it_says(rounds: Rounds, made: Sequence[Errand], workers: Sequence[Worker], ways: Ways) -> None:
    """Hold what was found against what was asked, knowing nothing of how it was found."""
    visits: dict[int, list[tuple[int, int, int]]] = {}
    for who, calls in enumerate(rounds.calls):
        before = None
        for call in calls:
            errand = made[call.errand]
            assert who in errand.able
            assert errand.case.window.start <= call.start < call.end <= errand.case.window.end
            assert any(a <= call.start and call.end <= b for a, b in workers[who].duty)
            assert call.end - call.start >= errand.dwell
            if before is not None:
                way = ways.between[made[before.errand].place, errand.place] / workers[who].pace_mps * SECOND
                assert call.start - before.end >= int(way)
            visits.setdefault(call.errand, []).append((call.start, call.end, who))
            before = call
    for n, errand in enumerate(made):
        terms, found = errand.case.terms, sorted(visits.get(n, []))
        if n in rounds.left:
            assert not found
            continue
        assert len(found) == terms.visits * terms.together
        at = [found[k : k + terms.together] for k in range(0, len(found), terms.together)]
        assert all(len({(start, end) for start, end, _ in one}) == 1 for one in at)
        assert all(len({who for _, _, who in one}) == terms.together for one in at)
        for (_, end, _), (start, _, _) in ((one[0], after[0]) for one, after in pairwise(at)):
            assert start - end >= max(terms.spacing_s * SECOND, AWAY_US)


asked_visits = st.builds(
    lambda at, opens, length, dwell, able: Asked(at, opens, opens + max(length, dwell), dwell, able=able),
    st.sampled_from([0.0, 120.0, 600.0, 1500.0]) | st.floats(0, 3000).map(round).map(float),
    st.integers(0, 60), st.integers(1, 60), st.integers(1, 20),
    st.sampled_from([frozenset({0, 1}), frozenset({0}), frozenset({1})]),
)  # fmt: skip
days = st.lists(asked_visits, min_size=1, max_size=4, unique_by=lambda one: one.at)


@given(days)
def test_every_way_there_is_bears_it_out(asked: list[Asked]) -> None:
    made, ways = errands(asked, 2)
    workers = crew(DAY, DAY)
    truth = fewest_left(asked)
    told = too_much(made, workers, ways)
    assert (told.errands if told else 0) <= truth, "what is proven is true"
    rounds = find(made, workers, ways, 1.0)
    assert len(rounds.left) >= truth, "what is found can be done"
    keeps_all_it_says(rounds, made, workers, ways)
    needed = fewest(made, workers, ways)
    anyone = [Asked(one.at, one.opens, one.closes, one.dwell) for one in asked]
    assert needed is not None
    assert needed == 1 or fewest_left(anyone, needed - 1), "nor is a crew that could do it said to be too small"


more = st.builds(
    lambda at, opens, length, dwell, visits, spacing, together: Asked(
        at, opens, opens + length, dwell, visits, spacing, together
    ),
    st.floats(0, 3000), st.integers(0, 120), st.integers(1, 120), st.integers(1, 20),
    st.integers(1, 3), st.sampled_from([0, 10, 30]), st.integers(1, 3),
)  # fmt: skip


@given(st.lists(more, min_size=1, max_size=8))
def test_what_is_found_can_always_be_done(asked: list[Asked]) -> None:
    workers = crew(DAY, BROKEN, ((30, 200),))
    made, ways = errands(asked, 3)
    rounds = find(made, workers, ways, 1.0)
    keeps_all_it_says(rounds, made, workers, ways)
    told = too_much(made, workers, ways)
    assert (told.errands if told else 0) <= len(rounds.left)
    needed = fewest(made, workers, ways)
    assert rounds.left or (needed is not None and needed <= 3)


def fewest_left(asked: Sequence[Asked], count: int = 2) -> int:
    """Try every way: who goes where, in which order."""
    for left in range(len(asked) + 1):
        for kept in combinations(asked, len(asked) - left):
            if any(all(walked(route) for route in routes) for routes in shared(kept, count)):
                return left
    raise AssertionError


def shared(asked: Sequence[Asked], count: int) -> Iterator[list[list[Asked]]]:
    for who in product(range(count), repeat=len(asked)):
        if all(one.able is None or n in one.able for one, n in zip(asked, who, strict=True)):
            yield [[one for one, n in zip(asked, who, strict=True) if n == worker] for worker in range(count)]


def walked(asked: Sequence[Asked]) -> bool:
    """Whether one who walks a metre a second can come to all of them, in any order."""
    return any(in_time(order) for order in permutations(asked))


def in_time(order: Sequence[Asked]) -> bool:
    now, at = 0, None
    for one in order:
        now = max(one.opens * MINUTE, now + (0 if at is None else int(abs(one.at - at) * SECOND))) + one.dwell * MINUTE
        at = one.at
        if now > one.closes * MINUTE:
            return False
    return True
