"""Where a device was last, and since when it has not moved."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from geofence.model import DeviceId, Fix, Fixes
from trackerd.latest import Latest

BEGAN = datetime(2026, 1, 1, 8, tzinfo=UTC)
EAST = 1 / 70_300
"""A metre there."""


def fix(second: int, east: float, device: str = "w1", battery: float | None = None) -> Fix:
    time = BEGAN + timedelta(seconds=second)
    return Fix(DeviceId(device), time, 4.2 + east * EAST, 50.9, 5.0, battery_pct=battery)


def noted(*batches: list[Fix]) -> tuple[float, int, float | None]:
    """Return where the device is, in metres, the second since when it has not moved, and its battery."""
    latest = Latest()
    for batch in batches:
        latest.note(Fixes.of(batch), [])
    one = latest.of[DeviceId("w1")]
    return (one.lon - 4.2) / EAST, round(one.still / 1e6 - BEGAN.timestamp()), one.battery_pct


@pytest.mark.parametrize("cut", range(7))
def test_who_moves_and_stands_however_it_came(cut: int) -> None:
    """Errors within the stated one are no motion; a phone that says nothing of its battery has the one it had."""
    way = [fix(0, 0, battery=80.0), fix(5, 40), fix(10, 80), fix(15, 86), fix(20, 74), fix(25, 82)]
    east, since, battery = noted(*(part for part in (way[:cut], way[cut:]) if part))
    assert (round(east), since, battery) == (82, 10, 80.0)


def test_what_comes_late_or_twice_moves_nobody() -> None:
    standing = [fix(0, 0), fix(60, 1)]
    assert noted(standing, [fix(30, 500), fix(60, 900)])[:2] == pytest.approx((1, 0), abs=1e-6)
    assert noted([*standing, fix(60, 900)])[:2] == pytest.approx((1, 0), abs=1e-6)


def test_each_device_of_a_batch_by_itself() -> None:
    latest = Latest()
    latest.note(Fixes.of([fix(5, 9, "w2"), fix(0, 0), fix(0, 7, "w2"), fix(5, 1)]), [7, 5, 6, 8])
    found = {device: (round((one.lon - 4.2) / EAST), one.received) for device, one in latest.of.items()}
    assert found == {"w1": (1, 8), "w2": (9, 7)}
    assert not np.isnan(latest.of[DeviceId("w1")].lat)
