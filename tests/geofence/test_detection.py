"""What the engine says of walkers whose truth is known: a small piece of the benchmark, with fixed seeds."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import shapely

from geofence.belief import Rules
from geofence.engine import Engine
from geofence.event import Kind
from geofence.model import SECOND, DeviceId, Fix, Fixes, ZoneId, to_datetime
from geofence.zones import Zone, ZoneSet
from tests.benchmarks.geofence_bench import FRAME, REFERENCE, START, claims, day

SMALL = replace(REFERENCE, walkers=10, hours=2.0)
SEEDS = range(40, 44)


@pytest.fixture(scope="module")
def said() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Confidence at enter, at exit, and whether somebody was there."""
    rows = [claim for seed in SEEDS for claim in claims(day(replace(SMALL, seed=seed)), Rules())]
    enter, leave, truly = np.array(rows, dtype=float).T
    return enter, leave, truly


@pytest.mark.parametrize("which", [0, 1], ids=["enters", "visits"])
def test_confidence_is_worth_what_it_says(said: tuple[np.ndarray, ...], which: int) -> None:
    """In each band as many are true as were said to be, give or take chance (three standard errors) and 0.02."""
    confidence, truly = said[which], said[2]
    assert len(truly) > 400
    for low, high in ((0.0, 0.97), (0.97, 0.99), (0.99, 1.01)):
        band = (confidence >= low) & (confidence < high)
        if band.sum() < 15:
            continue
        mean = float(confidence[band].mean())
        chance = 3 * np.sqrt(max(mean * (1 - mean), 0.01) / band.sum())
        assert abs(float(truly[band].mean()) - mean) < 0.02 + chance, (low, high, mean, truly[band].mean())
    assert confidence[truly == 0].mean() < confidence[truly == 1].mean()


def test_a_receiver_that_held_its_place_and_leaps_far_is_soon_believed() -> None:
    zones = ZoneSet([Zone(ZoneId("box"), FRAME.to_degrees(shapely.Point(0, 0).buffer(25)))])
    places = [(-400.0, 0.0)] * 60 + [(0.0, 0.0)] * 12
    fixes = [
        Fix(DeviceId("w1"), to_datetime(START + n * 5 * SECOND), FRAME.lon + x / FRAME.x, FRAME.lat + y / FRAME.y, 6.0)
        for n, (x, y) in enumerate(places)
    ]
    (enter,) = [event for event in Engine(zones).judge(Fixes.of(fixes)).events if event.kind is Kind.ENTER]
    assert enter.decided - fixes[60].micros <= 20 * SECOND
