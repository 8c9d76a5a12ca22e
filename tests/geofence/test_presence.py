"""Presence within hard bounds: true for every walk and error within them, and nobody is ruled out where one broke."""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

import numpy as np
import pytest
import shapely
import shapely.affinity
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from geofence.legs import Stretches
from geofence.model import SECOND, DeviceId, Fixes, ZoneId
from geofence.presence import Presence, Walk, presence, walk
from geofence.spans import Spans, clip, common, length, union, without
from geofence.track import Rules
from geofence.zones import FAR_M, Frame, Zone, depth_m

Array = NDArray[np.float64]
START = 1_767_254_400 * SECOND
FRAME = Frame.at(4.2, 50.9)
RULES = Rules(silence_s=120.0)
CIRCLE = shapely.Point(0, 0).buffer(25, 32)
RING = shapely.Point(0, 0).buffer(90, 32).difference(shapely.Point(0, 0).buffer(35, 32))
STREET = shapely.LineString([(-130, -40), (100, 60)]).buffer(14, cap_style="flat")
SHAPES = {"circle": CIRCLE, "ring": RING, "street": STREET}
ZONES = {name: Zone(ZoneId(name), FRAME.to_degrees(shape)) for name, shape in SHAPES.items()}


class Truth(NamedTuple):
    """A way in metres, second by second, and what a receiver made of it."""

    way: Array
    fixes: Fixes


def fixes(seconds: Array, place: Array, accuracy: float) -> Fixes:
    """Return fixes at these seconds and places."""
    n = len(seconds)
    nan, zero = np.full(n, np.nan), np.zeros(n, np.int64)
    lon, lat = FRAME.lon + place[:, 0] / FRAME.x, FRAME.lat + place[:, 1] / FRAME.y
    times = START + np.round(seconds * SECOND).astype(np.int64)
    return Fixes((DeviceId("w1"),), zero, times, lon, lat, np.full(n, accuracy),
                 nan, nan, nan, nan, nan, zero, zero)  # fmt: skip


def strolled(seed: int, minutes: int = 30, every_s: float | None = None) -> Truth:
    """Return a walk about the zones, never faster than the speed allowed, seen with errors within their bounds."""
    rng = np.random.default_rng(seed)
    n = minutes * 60
    turns = np.cumsum(rng.normal(0, 0.25, n)) + rng.uniform(0, 7)
    speed = np.repeat(rng.choice([0.0, 0.8, 1.4, 1.99], n // 60 + 1), 60)[:n]
    step = np.column_stack((np.cos(turns), np.sin(turns))) * speed[:, None]
    way = rng.uniform(-150, 150, 2) + np.cumsum(step, axis=0)
    error, keep = rng.normal(0, 1, (n, 2)), np.exp(-1 / 60)
    for i in range(1, n):
        error[i] = keep * error[i - 1] + np.sqrt(1 - keep**2) * error[i]
    accuracy = rng.uniform(2, 25)
    bound = 0.999 * RULES.error_bound * accuracy
    error *= rng.uniform(0.2, 1.5) * accuracy
    error *= np.minimum(1, bound / np.maximum(np.hypot(*error.T), 1e-9))[:, None]
    at = np.arange(0, n, every_s or rng.choice([1, 5, 17, 60])).astype(int)
    at = at[rng.random(len(at)) > 0.1]
    gap = rng.uniform(0, n)
    at = at[(at < gap) | (at > gap + rng.choice([0, 200]))]
    return Truth(way, fixes(at.astype(float), (way + error)[at], accuracy))


def true_spans(way: Array, zone: str) -> Spans:
    """Return the stretches between two seconds at both of which it was inside (the zones' edges are smooth)."""
    inside = shapely.contains_xy(SHAPES[zone], way[:, 0], way[:, 1])
    both = np.flatnonzero(inside[1:] & inside[:-1])
    return union([(START + int(s) * SECOND, START + (int(s) + 1) * SECOND) for s in both])


def seen(truth: Truth, zone: str = "circle", rules: Rules = RULES) -> Presence:
    end = START + (len(truth.way) - 1) * SECOND
    return presence(ZONES[zone], walk(truth.fixes, rules), START, end)


def outside(way: Array, zone: str) -> Spans:
    """Return the stretches between two seconds at both of which it was outside, and not near the edge."""
    away = np.asarray(shapely.distance(SHAPES[zone], shapely.points(way))) > 1.0
    both = np.flatnonzero(away[1:] & away[:-1])
    return union([(START + int(s) * SECOND, START + (int(s) + 1) * SECOND) for s in both])


@given(st.integers(0, 10**6), st.sampled_from(sorted(ZONES)))
@settings(max_examples=70)
def test_within_the_bounds_nothing_is_said_that_is_not_so(seed: int, zone: str) -> None:
    truth = strolled(seed)
    found = seen(truth, zone)
    assert without(found.certain, found.maybe) == ()
    # A corner may be cut between two seconds: a metre from the edge counts as either.
    assert length(common(found.certain, outside(truth.way, zone))) == 0
    assert length(without(true_spans(truth.way, zone), found.maybe)) == 0


@given(st.integers(0, 10**6), st.sampled_from(sorted(ZONES)), st.floats(0.05, 0.95))
@settings(max_examples=50)
def test_fewer_fixes_say_less(seed: int, zone: str, share: float) -> None:
    truth = strolled(seed)
    rows = np.flatnonzero(np.random.default_rng(seed).random(len(truth.fixes)) < share)
    many, few = seen(truth, zone), seen(truth._replace(fixes=truth.fixes.take(rows)), zone)
    hair = 2 * len(truth.fixes)  # microseconds: ways are summed in another order
    assert length(without(few.certain, many.certain)) <= hair
    assert length(without(many.maybe, few.maybe)) <= hair
    assert without(few.heard, many.heard) == ()


def test_much_is_known() -> None:
    """The bounds are of use: a walk seen well is certain where it is deep inside, and ruled out where it is far."""
    known = inside = 0
    for seed in range(40):
        truth = strolled(seed, every_s=5)
        truth = truth._replace(fixes=replace(truth.fixes, accuracy_m=np.full(len(truth.fixes), 2.0)))
        way = truth.fixes
        exact = fixes((way.time - START) / SECOND, truth.way[((way.time - START) // SECOND).astype(int)], 2.0)
        found = seen(truth._replace(fixes=exact), "ring")
        known, inside = known + length(found.certain), inside + length(true_spans(truth.way, "ring"))
    assert known > 0.6 * inside


def far_and_back(speed: float, every_s: float, error_m: float = 0.0) -> Truth:
    """Return a ride of 1.2 km to the circle, two minutes in it, and back."""
    ride = np.arange(1200, 0, -speed)
    east = np.concatenate((np.full(300, 1200.0), ride, np.zeros(120), ride[::-1], np.full(300, 1200.0)))
    way = np.column_stack((east, np.zeros(len(east))))
    at = np.arange(0, len(way), every_s).astype(int)
    place = way[at] + np.column_stack((np.zeros(len(at)), error_m * np.sin(at / 40)))
    return Truth(way, fixes(at.astype(float), place, 6.0))


@pytest.mark.parametrize("every_s", [1, 5, 10, 30, 60])
@pytest.mark.parametrize("speed", [2.5, 3.0, 4.0, 6.0, 15.0, 30.0])
def test_who_rides_is_not_said_to_have_been_elsewhere(speed: float, every_s: float) -> None:
    """The speed that was promised is broken; still nobody is ruled out of where he was."""
    truth = far_and_back(speed, every_s, 5.0)
    missing = length(without(true_spans(truth.way, "circle"), seen(truth).maybe))
    assert missing <= 10 * SECOND
    far = clip(seen(truth).maybe, START, START + 150 * SECOND)
    assert far == (), "and what has nothing to do with the ride is still known"


@pytest.mark.parametrize("offset_m", [40.0, 60.0, 150.0, 2000.0, 5e6])
@pytest.mark.parametrize("lasts_s", [1, 20, 60, 110])
@pytest.mark.parametrize("every_s", [1, 5, 10])
def test_a_mirrored_signal_rules_nobody_out(offset_m: float, lasts_s: int, every_s: int) -> None:
    """Somebody stands in the circle for ten minutes, and for a while is shown far off."""
    n = 600
    way = np.zeros((n, 2))
    at = np.arange(0, n, every_s)
    place = way[at].copy()
    shown = (at >= 300) & (at < 300 + lasts_s)
    place[shown, 0] += offset_m
    found = seen(Truth(way, fixes(at.astype(float), place, 6.0)))
    assert without(true_spans(way, "circle"), found.maybe) == ()


def test_a_jump_far_from_a_zone_leaves_no_doubt_about_it() -> None:
    at = np.arange(0, 3600, 5)
    place = np.column_stack((np.full(len(at), 900.0), np.zeros(len(at))))
    place[300] += 80.0
    found = seen(Truth(np.tile([900.0, 0.0], (3600, 1)), fixes(at.astype(float), place, 6.0)))
    assert found.maybe == ()


def test_where_both_are_proven_nothing_is() -> None:
    """Two fixes a power of two apart are compared; those between them may hide a contradiction, and then it shows."""
    at = np.array([0.0, 1.0, 2.0, 3.0])
    place = np.column_stack(([0.0, 13.0, 26.0, 39.0], np.zeros(4)))
    found = seen(Truth(np.zeros((5, 2)), fixes(at, place, 4.0)))
    assert without(found.certain, found.maybe) == ()


def test_no_fix_no_knowledge() -> None:
    nothing = Truth(np.zeros((61, 2)), fixes(np.empty(0), np.empty((0, 2)), 5.0))
    assert seen(nothing) == Presence((), ((START, START + 60 * SECOND),), ())


def test_a_receiver_that_states_no_error_or_none_at_all_is_not_taken_at_its_word() -> None:
    at, spot = np.arange(0.0, 60, 5), np.tile([40.0, 0.0], (12, 1))  # 15 m outside
    way = np.zeros((61, 2))
    assert seen(Truth(way, fixes(at, spot, np.nan))).maybe == ((START, START + 60 * SECOND),)
    edge = np.tile([26.0, 0.0], (12, 1))
    assert seen(Truth(way, fixes(at, edge, 0.0))).maybe == ((START, START + 60 * SECOND),)


def test_heard_is_unbroken_while_intervals_are_short() -> None:
    at = np.array([10.0, 70.0, 190.0, 320.0, 330.0])
    found = seen(Truth(np.zeros((400, 2)), fixes(at, np.zeros((5, 2)), 5.0)))
    heard = [(round((a - START) / SECOND), round((b - START) / SECOND)) for a, b in found.heard]
    assert heard == [(10, 190), (320, 330)]


def test_a_bicycle_has_its_own_speed() -> None:
    truth = far_and_back(6.0, 5.0)
    own = seen(truth, rules=replace(RULES, speeds=((DeviceId("w1"), 7.0),)).of(DeviceId("w1")))
    assert without(true_spans(truth.way, "circle"), own.maybe) == ()
    assert length(own.certain) > 60 * SECOND


@given(st.integers(0, 10_000), st.sampled_from(sorted(ZONES)), st.floats(0.2, 3.0))
@settings(max_examples=150, deadline=None)
def test_whole_legs_show_what_each_fix_shows(seed: int, zone: str, size: float) -> None:
    """The shortcut over whole legs of a walk finds neither more nor less than asking for every fix's depth."""
    shape = shapely.affinity.scale(SHAPES[zone], size, size)
    place, truth = Zone(ZoneId(zone), FRAME.to_degrees(shape)), strolled(seed, every_s=5)
    way = walk(truth.fixes, RULES)
    depth, bound = depth_m(place, truth.fixes.lon, truth.fixes.lat), np.asarray(way.legs._bound)
    for start, end in ((START, START + 1800 * SECOND), (START + 600 * SECOND, START + 900 * SECOND)):
        found = presence(place, way, start, end)
        inside = shown(way, depth - bound)
        outside = shown(way, -depth - bound)
        assert alike(found.certain, clip(without(inside, outside), start, end))
        assert alike(found.maybe, without([(start, end)], without(outside, inside)))


def test_a_leg_that_is_partly_far_is_asked_fix_by_fix() -> None:
    """Far from the box of a corridor its edges may be farther still; who was near the box once shows that."""
    street = shapely.LineString([(-1000, -1000), (1000, 1000)]).buffer(14, cap_style="flat")
    place, (_, _, east, _) = Zone(ZoneId("street"), FRAME.to_degrees(street)), street.bounds
    at = np.append(np.arange(0.0, 240, 10), 600.0)  # three legs; then nothing is heard for six minutes
    spot = np.tile([east + FAR_M + 2.0, -900.0], (25, 1))
    spot[12, 0] = east + FAR_M - 2.0
    way = walk(fixes(at, spot, 1.0), RULES)
    assert presence(place, way, START, START + 600 * SECOND).maybe == ()


@pytest.mark.parametrize("wrong", [np.nan, np.inf])
def test_places_that_are_none_show_nothing(wrong: float) -> None:
    """They are as if nothing had been sent."""
    for seed in range(20):
        truth = strolled(seed, every_s=5)
        rows = np.random.default_rng(seed).choice(len(truth.fixes), 1 + seed, replace=False)
        rows = np.append(rows, 0) if seed % 2 else rows
        for name in ("lon", "lat"):
            places = getattr(truth.fixes, name).copy()
            places[rows] = wrong
            fewer = truth.fixes.take(np.setdiff1d(np.arange(len(truth.fixes)), rows))
            hurt = truth._replace(fixes=replace(truth.fixes, **{name: places}))
            assert seen(hurt) == seen(truth._replace(fixes=fewer))


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 3), st.sampled_from([-1, 0, 1, 2, 25])), max_size=12))
@settings(max_examples=300)
def test_stretches_are_in_order_and_those_that_meet_are_one(parts: list[tuple[int, int, int]]) -> None:
    found, first = Stretches(), 0.0
    expected: list[tuple[int, int]] = []
    for gap, length_, metres in parts:
        found.add(first + gap, first + gap + length_, float(metres))
        if metres > 0:
            expected.append((int(first + gap) - metres, int(first + gap) + length_ + metres))
        first += gap
    assert tuple(zip(found.begin, found.end, strict=True)) == union(expected)
    for a, b in union(expected):
        assert found.hold(a, b)
        assert not found.hold(a - 0.5, b)
        assert not found.hold(a, b + 0.5)


def alike(one: Spans, other: Spans) -> bool:
    """Return whether they differ by no more than rounding: a microsecond at each edge."""
    return length(without(one, other)) + length(without(other, one)) <= 2 * (len(one) + len(other))


def shown(way: Walk, metres: Array) -> Spans:
    """Return the stretches of time around each fix in which the device can have gone less than so far from it."""
    seconds, spans, gone = (way.time - way.time[0]) / SECOND, [], np.asarray(way.legs.way)
    for at, reach in zip(gone, metres, strict=True):
        edges = np.interp([at - reach, at + reach], gone, seconds)
        edges += np.array([min(at - reach - gone[0], 0), max(at + reach - gone[-1], 0)]) / way.legs.speed
        if reach > 0:
            spans.append(tuple(np.round(edges * SECOND).astype(np.int64).tolist()))
    return union([(int(way.time[0]) + a, int(way.time[0]) + b) for a, b in spans])
