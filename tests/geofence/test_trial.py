"""What trials of a zone foretell, held against walks that know nothing of them."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
import pytest
import shapely

from geofence.engine import Engine
from geofence.event import Kind
from geofence.model import SECOND, DeviceId, Fix, Fixes, Micros, ZoneId, to_datetime
from geofence.track import Rules
from geofence.trial import CLOSE, Habits, advise, chances, size
from geofence.zones import Zone, ZoneSet
from tests.geofence.walks import LAT, LON, START, X, Y

WALKS = 600
SPEED = 1.3


def zone(metres: Any, **more: Any) -> Zone:
    """Return a zone of the walks' town from a shape in metres."""
    return Zone(ZoneId("zone"), shapely.transform(metres, lambda c: c / (X, Y) + (LON, LAT)), **more)


CIRCLE, SMALL = shapely.Point(0, 0).buffer(25, 32), shapely.Point(0, 0).buffer(15, 32)
STREET = shapely.LineString([(0, 0), (120, 50)]).buffer(12, cap_style="flat")
RING = shapely.Point(0, 0).buffer(60, 32).difference(shapely.Point(0, 0).buffer(25, 32))
CORNER = shapely.Polygon([(0, 0), (80, 0), (80, 30), (30, 30), (30, 90), (0, 90)])
TWO = shapely.MultiPolygon([shapely.box(0, 0, 30, 30), shapely.box(70, 0, 100, 30)])
HOUSE = shapely.box(0, 0, 28, 28)


def inside(shape: Any, places: Any) -> Any:
    return shapely.contains_xy(shape, places[:, 0], places[:, 1])


def line(a: Any, b: Any) -> Any:
    """Walk from a to b, a place each second."""
    steps = max(int(np.hypot(*(b - a)) / SPEED), 1)
    return a + np.arange(steps)[:, None] / steps * (b - a)


@cache
def deeper_half(shape: Any) -> Any:
    return shape.buffer(-shapely.length(shapely.maximum_inscribed_circle(shape)) / 2)


def visit(shape: Any, dwell_s: float, rng: np.random.Generator) -> Any:
    """Come from afar to a place in the deeper half of the zone, stay as long as it takes, and leave."""
    west, south, east, north = shape.bounds
    shapely.prepare(shape)
    while True:
        place = rng.uniform((west, south), (east, north))
        if not inside(deeper_half(shape), place[None])[0]:
            continue
        for _ in range(20):
            ways = rng.uniform(0, 2 * np.pi, 2)
            come, go = (place + 170 * np.array([np.cos(way), np.sin(way)]) for way in ways)
            there, back = line(come, place), line(place, go)
            walking = inside(shape, there).sum(), inside(shape, back).sum()
            if max(walking) <= dwell_s / 2:
                stay = np.repeat(place[None], int(dwell_s - sum(walking)), axis=0)
                return np.concatenate((there, stay, back))


def passing(shape: Any, rng: np.random.Generator) -> Any:
    """Go by along a straight line that comes within fifteen metres of the zone, and no nearer."""
    angle = rng.uniform(0, 2 * np.pi)
    way, across = np.array([np.cos(angle), np.sin(angle)]), np.array([-np.sin(angle), np.cos(angle)])
    corners = shapely.get_coordinates(shape)
    beside = (corners @ across).max() + 15
    along = (corners @ way).mean()
    return line((along - 150) * way + beside * across, (along + 150) * way + beside * across)


def receiver(path: Any, device: str, accuracy_m: float, every_s: float, rng: np.random.Generator) -> list[Fix]:
    """Say a place now and then, with an error that lasts a minute."""
    sigma, keep = accuracy_m / 1.51, np.exp(-every_s / 60)
    error, fixes = rng.normal(0, sigma, 2), []
    for second in np.arange(rng.uniform(0, every_s), len(path) - 1, every_s):
        x, y = path[int(second)] + error
        time = to_datetime(START + int(second * SECOND))
        fixes.append(Fix(DeviceId(device), time, LON + x / X, LAT + y / Y, accuracy_m))
        error = keep * error + rng.normal(0, sigma * np.sqrt(1 - keep**2), 2)
    return fixes


def entered(one: Zone, paths: list[Any], habits: Habits, rng: np.random.Generator) -> float:
    fixes = [fix for number, path in enumerate(paths)
             for fix in receiver(path, f"w{number}", habits.accuracy_m, habits.every_s, rng)]  # fmt: skip
    events = Engine(ZoneSet([one]), Rules()).judge(Fixes.of(fixes)).events
    return len({event.device for event in events if event.kind is Kind.ENTER}) / len(paths)


@pytest.mark.parametrize(
    ("shape", "habits"),
    [
        (CIRCLE, Habits()),
        (CIRCLE, Habits(accuracy_m=14)),
        (SMALL, Habits(every_s=10)),
        (STREET, Habits(accuracy_m=7)),
        (RING, Habits(accuracy_m=11)),
        (CORNER, Habits(accuracy_m=10, every_s=10)),
        (TWO, Habits(accuracy_m=8)),
        (HOUSE, Habits(accuracy_m=9, every_s=20, dwell_s=90)),
    ],
    ids=["circle", "circle, coarse", "small circle", "street", "ring", "corner", "two houses", "house, slow"],
)
def test_the_foretold_is_what_walks_show(shape: Any, habits: Habits) -> None:
    rng = np.random.default_rng(20_260_504)
    found = chances(zone(shape), habits)
    shown = entered(zone(shape), [visit(shape, habits.dwell_s, rng) for _ in range(WALKS)], habits, rng)
    assert found.proven == pytest.approx(shown, abs=0.05)
    by = entered(zone(shape), [passing(shape, rng) for _ in range(WALKS // 8)], habits, rng)
    assert found.mistaken == pytest.approx(by, abs=0.05)


def test_the_kinds_tried_are_not_all_easy() -> None:
    """Were every rate 100 %, anything would agree with it."""
    rates = [chances(zone(shape), Habits(accuracy_m=14)).proven for shape in (CIRCLE, SMALL, STREET)]
    assert min(rates) < 0.75
    assert rates[0] > rates[1] + CLOSE


def test_what_is_advised_would_do() -> None:
    poor, habits = zone(SMALL, dwell_s=60.0), Habits(accuracy_m=12)
    assert not chances(poor, habits).good
    advice = {one.what: one for one in advise(poor, habits)}
    assert advice.keys() >= {"dwell_s", "wider_m"}
    longer, wider = replace(poor, dwell_s=advice["dwell_s"].value), SMALL.buffer(advice["wider_m"].value)
    assert chances(longer, habits).proven > 0.92
    assert chances(zone(wider, dwell_s=60.0), habits).proven > 0.92


def test_rare_fixes_are_advised_against() -> None:
    rare = Habits(every_s=60)
    assert not chances(zone(CIRCLE), rare).good
    assert "every_s" in [one.what for one in advise(zone(CIRCLE), rare)]


def test_nothing_is_advised_where_nothing_helps() -> None:
    assert advise(zone(shapely.Point(0, 0).buffer(3)), Habits(accuracy_m=40, dwell_s=300)) == []


def test_one_shape_is_one_question_wherever_and_whenever_it_is() -> None:
    here = zone(CIRCLE)
    there = Zone(ZoneId("there"), shapely.transform(here.shape, lambda c: c + np.array([0.01, 0])), valid_to=Micros(1))
    assert chances(here, Habits()) == chances(there, Habits())
    assert chances(here, Habits(), Rules(false_alarm=1e-9)).proven < chances(here, Habits()).proven


@pytest.mark.parametrize("metres", [0.5, 3000.0])
def test_any_size_can_be_tried(metres: float) -> None:
    found = chances(zone(shapely.Point(0, 0).buffer(metres)), Habits())
    assert found.good == (metres > 1)


def test_size() -> None:
    assert size(zone(CIRCLE)).circle
    assert size(zone(CIRCLE)).radius_m == pytest.approx(25, abs=0.1)
    assert not size(zone(HOUSE)).circle
    assert not size(zone(STREET)).circle
    assert size(zone(STREET)).radius_m == pytest.approx(12, abs=0.1)
    assert size(zone(HOUSE)).hectares == pytest.approx(0.0784, abs=0.001)
