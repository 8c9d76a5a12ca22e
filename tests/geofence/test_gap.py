"""A gap is a state of its own: what was in doubt before it dates nothing after it."""

from __future__ import annotations

import json

from geofence.earth import metres_per_degree
from geofence.engine import Engine
from geofence.event import Event, Kind
from geofence.geojson import read
from geofence.model import SECOND, DeviceId, Fix, Fixes, Micros, to_datetime
from geofence.zones import ZoneSet

START = 1_767_254_400
X, _ = metres_per_degree(50.9)


def fix(second: float, east: float) -> Fix:
    """Return a fix so far east of the middle of the box."""
    return Fix(DeviceId("w1"), to_datetime(round((START + second) * SECOND)), 4.2 + east / X, 50.9, 8.0)


def told(fixes: list[Fix]) -> list[Event]:
    box = {"type": "Feature", "id": "box", "properties": {"radius_m": 25},
           "geometry": {"type": "Point", "coordinates": [4.2, 50.9]}}  # fmt: skip
    zones, _ = read(json.dumps({"type": "FeatureCollection", "features": [box]}).encode(), "box")
    engine = Engine(ZoneSet(zones))
    events = engine.judge(Fixes.of(fixes)).events
    return events + engine.advance(Micros(fixes[-1].micros + 60 * SECOND))


def test_an_entry_begun_in_the_evening_is_not_one_of_the_morning() -> None:
    evening = [fix(5 * n, -200 + 13 * n / 5) for n in range(60)] + [fix(300 + 5 * n, -42 + 5 * n) for n in range(6)]
    assert not [event for event in told(evening) if event.kind is Kind.ENTER]
    morning = 12 * 3600
    (enter,) = (e for e in told(evening + [fix(morning + 5 * n, 0) for n in range(20)]) if e.kind is Kind.ENTER)
    assert enter.time >= (START + morning) * SECOND


def test_a_stay_goes_on_over_a_gap_too_short_to_lose_it() -> None:
    stay = [fix(5 * n, -100 + 13 * n / 2) for n in range(16)] + [fix(80 + 5 * n, 0) for n in range(20)]
    after = [fix(180 + 900 + 5 * n, 1) for n in range(20)]
    kinds = [event.kind for event in told(stay + after)]
    assert kinds == [Kind.ENTER, Kind.SILENT, Kind.BACK]
