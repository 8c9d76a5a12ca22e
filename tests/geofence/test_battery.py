"""A low battery is said once, and again only after it was charged; whatever the batches, and over a restart."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from geofence.engine import Engine
from geofence.event import Event, Kind
from geofence.model import Fixes
from geofence.wire import dump_track, load_track
from tests.geofence.walks import town, walk

CHARGES = [60, 20, 15, 14, 16, None, 12, 29, 10, 30, 80, 16, 9, 9]
SAID = [(2, 15.0), (12, 9.0)]


def fixes() -> Fixes:
    some = walk("w1", 1)[: len(CHARGES)]
    return Fixes.of([replace(fix, battery_pct=charge) for fix, charge in zip(some, CHARGES, strict=True)])


def said(events: list[Event]) -> list[tuple[int, float | None]]:
    times = fixes().time.tolist()
    return [(times.index(event.time), event.battery_pct) for event in events if event.kind is Kind.BATTERY]


@pytest.mark.parametrize("size", [1, 3, 100])
@pytest.mark.parametrize("window_s", [0.0, 30.0])
def test_it_is_said_once(size: int, window_s: float) -> None:
    engine, events = Engine(town(), window_s=window_s), list[Event]()
    for first in range(0, len(CHARGES), size):
        events += engine.judge(fixes().take(np.arange(first, min(first + size, len(CHARGES))))).events
    assert said(events) == SAID


def test_it_is_remembered_over_a_restart() -> None:
    events: list[Event] = []
    engine = Engine(town())
    for row in range(len(CHARGES)):
        events += engine.judge(fixes().take(np.array([row]))).events
        kept = [one._replace(track=load_track(dump_track(one.track))) for one in engine.changed()]
        engine = Engine(town(), saved=kept)
    assert said(events) == SAID


def test_what_comes_late_says_nothing_of_now() -> None:
    engine, all_ = Engine(town()), fixes()
    engine.judge(all_.take(np.array([0, 1, 3])))
    assert said(engine.judge(all_.take(np.array([2]))).events) == []
