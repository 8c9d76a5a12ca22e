"""The bounds of a stay hold for every walk within the speed bound, and more fixes never widen them."""

from __future__ import annotations

from itertools import pairwise
from typing import NamedTuple

from hypothesis import given
from hypothesis import strategies as st

from geofence.bounds import Prism, begin, calm, certain_s, clip, extend, possible_s, restart
from geofence.model import SECOND, Micros

SPEED = 2.0
SLACK_S = 1e-3


class Fix(NamedTuple):
    at: int
    low: float
    high: float


class Walk(NamedTuple):
    turns: list[tuple[float, float]]
    """Seconds and depth, going evenly between them."""
    fixes: list[Fix]


def depth(walk: list[tuple[float, float]], t: float) -> float:
    for (t0, d0), (t1, d1) in pairwise(walk):
        if t0 <= t <= t1:
            return d0 + (d1 - d0) * (t - t0) / (t1 - t0)
    raise AssertionError(t)


def inside_s(walk: list[tuple[float, float]], a: float, b: float) -> float:
    """Return the seconds between ``a`` and ``b`` with a depth above 0."""
    total = 0.0
    for (t0, d0), (t1, d1) in pairwise(walk):
        t0_, t1_ = max(t0, a), min(t1, b)
        if t0_ >= t1_:
            continue
        e0, e1 = depth([(t0, d0), (t1, d1)], t0_), depth([(t0, d0), (t1, d1)], t1_)
        if e0 > 0 and e1 > 0:
            total += t1_ - t0_
        elif e0 > 0 or e1 > 0:
            total += (t1_ - t0_) * max(e0, e1) / abs(e1 - e0)
    return total


@st.composite
def walks(draw: st.DrawFn) -> Walk:
    """Draw a walk never faster than SPEED, and fixes whose errors never exceed their bound."""
    t, d = 0.0, draw(st.floats(-60, 60))
    turns = [(t, d)]
    for _ in range(draw(st.integers(1, 12))):
        lasts = draw(st.floats(1, 60))
        d += draw(st.floats(-SPEED, SPEED)) * lasts
        t += lasts
        turns.append((t, d))
    times = sorted(set(draw(st.lists(st.floats(0, t), min_size=2, max_size=25))))
    fixes = []
    for at in times:
        bound = draw(st.floats(0.5, 30))
        seen = depth(turns, at) + draw(st.floats(-1, 1)) * bound
        fixes.append(Fix(round(at * SECOND), seen - bound - 1e-4, seen + bound + 1e-4))
    return Walk(turns, fixes)


def prism(fixes: list[Fix]) -> Prism:
    one = begin(Micros(fixes[0].at), fixes[0].low, fixes[0].high)
    for fix in fixes[1:]:
        one = extend(one, Micros(fix.at), fix.low, fix.high, SPEED)
    return one


@given(walks())
def test_truth_lies_between(walk: Walk) -> None:
    a, b = walk.fixes[0].at, walk.fixes[-1].at
    truth = inside_s(walk.turns, a / SECOND, b / SECOND)
    one = prism(walk.fixes)
    assert certain_s(one, Micros(b)) <= truth + SLACK_S
    assert possible_s(one) >= truth - SLACK_S


@given(walks(), st.data())
def test_more_fixes_never_widen(walk: Walk, data: st.DataObject) -> None:
    inner = walk.fixes[1:-1]
    kept = data.draw(st.lists(st.sampled_from(inner), unique=True)) if inner else []
    fewer = [walk.fixes[0], *sorted(kept), walk.fixes[-1]]
    many, few, end = prism(walk.fixes), prism(fewer), Micros(walk.fixes[-1].at)
    assert certain_s(many, end) >= certain_s(few, end) - SLACK_S
    assert possible_s(many) <= possible_s(few) + SLACK_S


def test_two_deep_fixes_leave_a_gap_between_their_cones() -> None:
    one = prism([Fix(0, 20, 40), Fix(60 * SECOND, 10, 30)])  # ten seconds after the one, five before the other
    assert certain_s(one, Micros(60 * SECOND)) == 15
    assert possible_s(one) == 60


def test_a_far_fix_closes_what_came_before() -> None:
    one = prism([Fix(0, -10, 10), Fix(10 * SECOND, -10, 10), Fix(20 * SECOND, -70, -30)])
    assert certain_s(one, Micros(20 * SECOND)) == 0
    assert possible_s(one) == 5


def test_a_deep_fix_closes_gaps_before_the_last_fix() -> None:
    one = prism([Fix(0, 20, 60), Fix(30 * SECOND, -20, 60), Fix(40 * SECOND, 70, 90)])
    assert certain_s(one, Micros(40 * SECOND)) == 40


def test_a_broken_bound_begins_anew() -> None:
    one = prism([Fix(0, 40, 60), Fix(SECOND, -60, -40)])
    assert (one.low, one.high) == (-60, -40)


def test_calm_time_is_certain() -> None:
    one = calm(prism([Fix(0, 40, 60)]), Micros(100 * SECOND), 35.0)
    one = extend(one, Micros(110 * SECOND), 30, 50, SPEED)
    assert certain_s(one, Micros(110 * SECOND)) == possible_s(one) == 110


def test_beginning_anew_keeps_the_unbroken_time_it_can_have_been_inside() -> None:
    one = prism([Fix(0, -10, 10), Fix(10 * SECOND, -10, 10)])
    again = restart(one)
    assert certain_s(again, again.at) == 0
    assert possible_s(again) == 10
    assert clip(one, Micros(5 * SECOND)).unsure == ((5 * SECOND, 10 * SECOND),)


def test_what_is_kept_does_not_grow() -> None:
    edge = [Fix(n * 20 * SECOND, -15 if n % 2 else 15, -14 if n % 2 else 16) for n in range(400)]
    one = prism(edge)
    assert len(one.unsure) < 60
    assert len(one.maybe) < 60
